/*
 * What diskstats remembers of the times it has shown, so that they never go backwards.
 */
#ifndef DAEMON_VIEW_DISKSTATS_H
#define DAEMON_VIEW_DISKSTATS_H

#include <stddef.h>

/* Bytes that diskstats_remember_in wants. */
size_t diskstats_memory(void);

/* Keeps what is remembered in `shared`, zeroed at first, aligned to 8, and there when the
 * next worker starts. It stays the caller's. NULL, or never called: in memory of this
 * process. */
void diskstats_remember_in(void *shared);

#endif

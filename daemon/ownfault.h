/*
 * Deaths by a fault of the process's own, which count against the request that it worked
 * on. That is told by the signal, and by who sent it.
 */
#ifndef DAEMON_OWNFAULT_H
#define DAEMON_OWNFAULT_H

#include "fusechan/journal.h"

#include <stdbool.h>

/* Whether it is the signal of such a death. */
bool ownfault_signal(int signum);

/* From now on one of these signals that somebody else sent to this process excuses what
 * is worked on in the journal before it ends the process. */
void ownfault_watch(struct journal *journal);

#endif

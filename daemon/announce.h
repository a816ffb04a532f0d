/*
 * Messages to supervisors: a newline on --ready-fd, and the messages of sd_notify(3),
 * which go to the socket that NOTIFY_SOCKET names. Without one, and where nobody listens,
 * the latter are nothing.
 */
#ifndef DAEMON_ANNOUNCE_H
#define DAEMON_ANNOUNCE_H

#include "daemon/options.h"

/* Reads are served now. Closes options->ready_fd. */
void announce_ready(const struct options *options);

/* Serving goes on after announce_reload. */
void announce_resumed(void);
void announce_reload(void);

/* Serving ends. */
void announce_end(void);

/* Leaves descriptors with the supervisor, who gives them to the next process under these
 * names (fds passed with FDSTORE=1). What it holds of them already is replaced. */
#define ANNOUNCE_FUSE "evlxcfs-fuse"
#define ANNOUNCE_STATE "evlxcfs-state"
void announce_store(int fuse, int state);
/* Whether there is a supervisor who can keep them. */
bool announce_can_store(void);

#endif

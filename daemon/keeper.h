/*
 * The foreground process: keeps the descriptor of the mount and the shared memory, and
 * sees to it that there is always a worker that serves.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "daemon/connection.h"

/* Serves until told to end. The exit status. The connection stays the caller's; in the
 * worker it returns too, with the worker's status. */
int keeper_run(struct connection *conn);

#endif

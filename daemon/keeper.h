/*
 * The foreground process: keeps the descriptor of the mount and the shared memory, and
 * sees to it that there is always a worker that serves.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "daemon/connection.h"

/* The signals that keeper_run waits for are kept for it from now on: one that came while
 * things are opened would end the process and leave a mount that nobody serves. */
void keeper_hold_signals(void);

/* Serves until told to end. The exit status. The connection stays the caller's; in the
 * worker it returns too, with the worker's status. */
int keeper_run(struct connection *conn);

#endif

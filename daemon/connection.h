/*
 * The mount and all that lives as long as it does: taken up from whoever had it, or made.
 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include "daemon/cgroups.h"
#include "daemon/options.h"
#include "daemon/shared.h"

#include <limits.h>

struct connection {
	const struct options *options;
	char target[PATH_MAX]; /* where it is mounted */
	int fuse;              /* owned; -1: there is none now */
	struct shared shared;
	struct cgroups cgroups;
	bool resumed; /* this process has served it before it executed this binary */
};

/* Takes up what was handed to the process, or opens and mounts. False after a line on
 * standard error; nothing is held then. Does not unmount what was mounted. */
bool connection_open(struct connection *conn, const struct options *options);
void connection_close(struct connection *conn);

/* A text, of static storage, for an error of channel_open. */
const char *connection_device_error(int error);

/* The connection was aborted or its last mount taken away: mounts another. False after a
 * line on standard error; conn->fuse is -1 then, and it can be tried again. */
bool connection_renew(struct connection *conn);

#endif

/*
 * The mount and all that lives as long as it does: taken up from whoever had it, or made.
 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include "daemon/cgroups.h"
#include "daemon/options.h"
#include "daemon/shared.h"

#include <limits.h>
#include <sys/types.h>

struct connection {
	const struct options *options;
	char target[PATH_MAX]; /* where it is mounted; without links */
	int fuse;              /* owned; -1: there is none now */
	struct shared shared;
	struct cgroups cgroups;
	bool resumed; /* this process has served it before it executed this binary */
	bool held;    /* it was handed over alive, and may be used: no failure ends us */
	bool told_to_end; /* why connection_open or connection_pause failed */
	pid_t worker;     /* a child of this process that still serves; 0: none */
	int control;      /* socket to that worker; owned; -1: none */
};

/* Takes up what was handed to the process, or opens and mounts. With a mount that is
 * alive it tries again for ever. False after a line on standard error, or when told to
 * end; nothing is held then. Does not unmount what it mounted. */
bool connection_open(struct connection *conn, const struct options *options);
void connection_close(struct connection *conn);

/* Waits for a second before something is tried again. False when nothing is to be tried
 * again: no mount was handed over, or SIGTERM or SIGINT has come and it is unmounted (but
 * for --keep-mount). */
bool connection_pause(struct connection *conn);

/* A text, of static storage, for an error of channel_open. */
const char *connection_device_error(int error);

/* The connection ended. Whether the administrator took the mount away, as opposed to an
 * abort; conn->target follows a mount that was moved. See ownmount.h. */
bool connection_taken_away(struct connection *conn);
/* Detaches the mount, if it is still there; with `force`, aborts the connection before. */
void connection_unmount(struct connection *conn, bool force);

/* The connection was aborted: mounts another. False after a
 * line on standard error; conn->fuse is -1 then, and it can be tried again. */
bool connection_renew(struct connection *conn);

#endif

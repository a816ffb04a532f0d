/*
 * -d: log lines about containers that are learned and forgotten, and about readers that
 * get the host's files.
 */
#ifndef DAEMON_SUBJECT_LOG_H
#define DAEMON_SUBJECT_LOG_H

#include "daemon/server.h"

/* Why a reader gets the host's files. */
enum host_reason {
	HOST_UNSEEN,  /* its thread id is 0: it is in no pid namespace below ours */
	HOST_SIGUSR2, /* the administrator asked for it */
	HOST_UNKNOWN, /* its container cannot be told; error says why */
	HOST_ITSELF,  /* a process of the host, in its root cgroup */
	HOST_NOWHERE, /* its container is in no hierarchy that is mounted */
	HOST_REASONS,
};

/* Logs from now on what the server's cache learns and forgets; nothing without -d. */
void subject_log_watch(struct server *server);

/* Logs the reader, at most once a minute for each reason; nothing without -d. `error` is
 * a -errno, for HOST_UNKNOWN alone. */
void subject_log_host(enum host_reason why, pid_t tid, int error, uint64_t now_ns);

#endif

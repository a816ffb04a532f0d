/*
 * The process that runs the event loop: the keeper's child, or with --no-keeper the only
 * one.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "daemon/cgroups.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/shared.h"

/* What the process serves with. Nothing of it becomes the worker's own. */
struct worker_job {
	const struct options *options;
	const char *target;
	struct shared *shared;
	struct cgroups *cgroups; /* but this: empty afterwards */
	int fuse;
	/* Connected to the keeper; -1 without one. The worker sends an enum worker_news;
	 * the keeper sends an enum worker_order, the first of which is WORKER_SERVE. Its
	 * end means that the keeper is gone. */
	int control;
	/* Without a keeper: called when it serves. False: it shall not. */
	bool (*ready)(void *arg);
	void *arg;
};

enum worker_news {
	WORKER_PREPARED = 'p', /* all is open; it waits for WORKER_SERVE */
	WORKER_SERVES = 0,
};

enum worker_order {
	WORKER_SERVE = 's',  /* nobody else serves any more */
	WORKER_LEAVE = 'l',  /* end at once; what is parked stays in the journal */
	WORKER_FINISH = 'f', /* answer what was read, then end */
	WORKER_EMPTY = 'e',  /* the same with what waits in the kernel */
};

/* Exit statuses. Any other is a fault. */
enum {
	WORKER_DONE = 0,
	WORKER_GONE = 3,     /* the connection is no more */
	WORKER_FAILED = 111, /* could not start, for a reason that it has told */
};

/* Serves until told to end. The exit status. */
int worker_run(const struct worker_job *job);

/* Opens all that serving needs of the host and closes it again. False after a line on
 * standard error. */
bool worker_check(
	const struct options *options, struct shared *shared, struct cgroups *cgroups);

#endif

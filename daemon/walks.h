/*
 * Walks over the tasks of containers, a few at a time. Where the kernel lists a cgroup's
 * tasks bit by bit (v2) they run on the loop, in slices; where it first makes the whole
 * list (v1), in a helper process. That takes milliseconds if there are many, and a lock
 * that all who read the list take (pidlist_mutex in kernel/cgroup/cgroup-v1.c): a task of
 * the container that was throttled while it held that kept us waiting for a second, with
 * few tasks, too (Linux 6.1, measured).
 */
#ifndef DAEMON_WALKS_H
#define DAEMON_WALKS_H

#include "daemon/loop.h"
#include "nsutil/taskwalk.h"

#include <stdint.h>

enum {
	WALKS = 4,            /* walks and helpers at one time */
	WALKS_BATCH = 64,     /* cgroups that one helper walks */
	WALKS_RETRY_MS = 20,  /* after something that a walk needs was refused */
	WALKS_SLICE_US = 150, /* each message of a read waits for up to two slices */
};

struct walk_job {
	uint64_t id;    /* of the user's choice */
	int dirfd;      /* the cgroup's directory, open for reading; the walk closes it */
	bool helper;    /* v1 */
	unsigned level; /* see taskwalk_level */
};

enum walk_end {
	WALK_COUNTED,
	WALK_STUCK, /* no end in time */
	WALK_AGAIN, /* not begun, by no fault of its own, or no helper: to be given again */
};

struct walks_user {
	/* The next job there is; one for a helper if that is said. False when there is
	 * none. */
	bool (*next)(void *arg, bool helper, struct walk_job *job);
	/* counts only with WALK_COUNTED. May call walks_fill. */
	void (*done)(void *arg, uint64_t id, enum walk_end end,
		const struct taskwalk_counts *counts);
	void *arg;
	double seconds; /* that a helper may take for one cgroup */
};

struct walks;

/* procfd is that of our pid namespace and stays the caller's; `secret` is a descriptor
 * that a helper closes first, or -1. 0 or -errno. */
int walks_new(struct walks **out, struct loop *loop, int procfd, int secret,
	const struct walks_user *user);
/* Ends what is going on without a call of done(). */
void walks_free(struct walks *walks);

/* Takes up jobs as long as there is room for them. */
void walks_fill(struct walks *walks);

/* Asks for no job before WALKS_RETRY_MS have passed: its user lacks what a job needs. */
void walks_pause(struct walks *walks);

/* One slice of that job at once, if it is on the loop and no other slice has just run.
 * Most containers are counted in less. */
void walks_hurry(struct walks *walks, uint64_t id);

#endif

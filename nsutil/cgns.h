/*
 * The cgroups of a process as two observers see them: /proc/PID/cgroup names paths
 * relative to the reader's cgroup namespace. What the path in the process's own namespace
 * lacks of the path in ours is the root of its namespace: the container's cgroup.
 */
#ifndef NSUTIL_CGNS_H
#define NSUTIL_CGNS_H

#include "nsutil/helper.h"
#include "nsutil/procfile.h"

#include <sys/types.h>

struct cgns {
	int procfd; /* not owned */
	int own;    /* our cgroup namespace */
	uint64_t own_ino;
	struct textbuf buf[2];
};

#define CGNS_NULL ((struct cgns){.own = -1})

/* Texts of one /proc/PID/cgroup; they belong to the cgns until its next use. */
struct cgtexts {
	const char *outer; /* as we see it */
	const char *inner; /* as the process sees it itself; NULL in our own namespace */
};

/* Before Linux 6.8 reading a /proc/PID/cgroup takes the global cgroup mutex, which a
 * container with cgroups of its own can hold for long. */
bool cgns_read_blocks(void);

/* 0 or -errno; cgns_deinit is safe in any case. */
int cgns_init(struct cgns *cgns, int procfd);
void cgns_deinit(struct cgns *cgns);

enum { CGNS_LOST = 1 };

/* Reads the texts of `tid`, whose cgroup namespace is behind nsfd (-1: ours), which stays
 * the caller's. We enter that namespace for a moment: this process has one thread only.
 * 0, -errno, or CGNS_LOST: the way back failed, and this process is good for nothing
 * more. */
int cgns_read(struct cgns *cgns, pid_t tid, int nsfd, struct cgtexts *out);

/* The same in a helper. 0 or -errno. */
int cgns_start(const struct cgns *cgns, struct helper *helper, pid_t tid, int nsfd);
/* The texts of a helper that has ended. 0 or -errno: -ESRCH when it could not read them.
 */
int cgns_answer(
	struct cgns *cgns, const struct helper *helper, bool inner, struct cgtexts *out);

#endif

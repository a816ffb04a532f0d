/*
 * What was found out of callers whose cgroup only a helper can read (before Linux 6.8):
 * each costs a child, so it is remembered for a while. A bounded table; who is thrown out
 * is asked for again.
 */
#ifndef CACHE_CALLERS_H
#define CACHE_CALLERS_H

#include "cache/pidns.h"

enum { CALLERS = 256 };

struct caller_verdict {
	struct caller caller;
	uint64_t proc;    /* inode number of /proc/TID: a later task with this number has
			     another */
	uint64_t key;     /* of the container; 0: the host */
	uint64_t read_ns; /* CLOCK_BOOTTIME */
};

/* All zero is empty. */
struct callers {
	struct caller_verdict *slot; /* owned; NULL until there is one */
};

void callers_deinit(struct callers *callers);

/* NULL when nothing is known. Valid until the next call. */
struct caller_verdict *callers_find(
	struct callers *callers, const struct caller *caller, uint64_t proc);
/* Nothing is remembered when there is no memory. */
void callers_put(struct callers *callers, const struct caller_verdict *verdict);

#endif

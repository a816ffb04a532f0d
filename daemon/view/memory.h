/*
 * Memory and swap of a container: what meminfo and swaps both show, computed in one place
 * so that they always agree.
 */
#ifndef DAEMON_VIEW_MEMORY_H
#define DAEMON_VIEW_MEMORY_H

#include "daemon/view.h"

/* The lines of the host's meminfo that figures depend on; kB, HUGE_* in pages. */
enum memory_host {
	MEMH_TOTAL,
	MEMH_AVAILABLE,
	MEMH_MLOCKED,
	MEMH_SWAP_TOTAL,
	MEMH_HUGE_TOTAL,
	MEMH_HUGE_FREE,
	MEMH_HUGE_RSVD,
	MEMH_HUGE_SIZE,
	MEMH_HUGETLB,
	MEMORY_HOSTS,
};

/* Everything in kB. */
struct memory {
	const struct cg_version *version;
	unsigned up; /* the ancestor whose usage this is: the nearest that counts */
	uint64_t total, used;           /* used <= total */
	uint64_t swap_total, swap_used; /* swap_used <= swap_total */
	uint64_t stat[CG_MEMSTATS];     /* 0 where this kernel does not tell */
	/* 0 where the host does not tell; MEMH_AVAILABLE is then above every total. */
	uint64_t host[MEMORY_HOSTS];
};

/* How much memory_read reads. memory.stat costs the kernel a flush of its statistics. */
enum memory_depth {
	MEMORY_TOTALS,  /* stat only where totals need it (v1) */
	MEMORY_DETAILS, /* stat as well */
};

/* VIEW_DONE, or VIEW_HOST when the container is in no cgroup that counts memory. */
int memory_read(
	const struct subject *subject, enum memory_depth depth, struct memory *memory);

static inline uint64_t memory_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* a - b, but not below 0. */
static inline uint64_t memory_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

#endif

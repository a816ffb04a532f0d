/*
 * Which CPUs a container sees and how much time it spent on them. The one place that
 * decides both, so that cpuinfo, stat, uptime and the CPU lists agree.
 *
 * The kernel counts per cgroup, or per CPU and cgroup; what a reader sees are lines per
 * visible CPU, which come and go with cpusets and quotas and yet must never go backwards.
 * So what was shown is remembered, in a block of memory that outlives the process.
 */
#ifndef CACHE_CPUVIEW_H
#define CACHE_CPUVIEW_H

#include "cache/container.h"
#include "nsutil/host.h"

/* The CPUs that a container sees. Never none. */
struct cpus {
	struct cpuset set; /* the host's CPUs behind the visible ones, `count` of them */
	unsigned count;    /* visible CPUs */
	unsigned allowed;  /* CPUs it may run on; more than count under a quota */
	unsigned online;   /* CPUs of the host */
	bool renumber;     /* visible CPUs are called 0 to count-1, not by their number */
	bool known; /* a cgroup had something to say; else it is simply the host's */
};

/* Effective cpuset and online CPUs; with `cfs` no more than the quota needs. */
void cpuview_cpus(struct cpus *out, struct container *ct, struct host *host, bool cfs);

/* Keeps of a set of the host's CPUs those that the container sees, by the numbers that it
 * knows them by. */
void cpuview_number(const struct cpus *cpus, struct cpuset *set);
/* The host's CPU behind a number that the container uses: the number itself where CPUs
 * keep theirs, and for one that it does not see. */
unsigned cpuview_behind(const struct cpus *cpus, unsigned number);

/* What a visible CPU's line tells, in clock ticks. The other fields of /proc/stat are 0.
 */
enum cpu_time {
	CPU_USER,
	CPU_NICE,
	CPU_SYSTEM,
	CPU_IDLE,
	CPU_STEAL,
	CPU_TIMES,
};

/* The history: a block of memory that the caller shares between successive processes. */
struct cpuview;

/* Bytes of history for a host of that many possible CPUs. Pages are touched as containers
 * need them. */
size_t cpuview_size(unsigned cpus);
/* Takes up the history in `mem` (aligned for uint64_t), or starts a new one there if it
 * is all zero or of another make. The memory stays the caller's. Never fails for a size
 * that cpuview_size gave; NULL for one too small. */
struct cpuview *cpuview_attach(void *mem, size_t size, unsigned cpus);

/*
 * Counts the container's CPU time up to now_ns into the history (NULL: none, everything
 * is worked out from this moment's figures) and gives the sum. Where no cgroup tells it,
 * that is all that ran on its CPUs, if the host's file would show others or by other
 * numbers. CG_OK, or CG_ABSENT when that file will do. The lines are then there for
 * cpuview_line.
 */
int cpuview_times(struct cpuview *history, struct container *ct, struct host *host,
	const struct cpus *cpus, uint64_t now_ns, uint64_t sum[CPU_TIMES]);

struct cpuview_cursor {
	unsigned run, line;
};

/* The next visible line, in order of its number, of the last cpuview_times. */
bool cpuview_line(
	struct cpuview_cursor *cursor, unsigned *number, uint64_t ticks[CPU_TIMES]);

#endif

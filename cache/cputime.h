/*
 * The arithmetic of CPU time: from what the kernel counted and the clock to lines that
 * only grow and whose sum is exact. It reads no file and keeps nothing.
 */
#ifndef CACHE_CPUTIME_H
#define CACHE_CPUTIME_H

#include "cache/cpuview.h"

/*
 * Lines with consecutive numbers and the same past. Ticks are the sum over the lines, of
 * which each has an even share, the first ones one more. On v1, where the kernel counts
 * for each CPU, every line is a run of its own.
 */
struct cpurun {
	uint16_t first, count; /* numbers as shown */
	uint16_t source;       /* v1: the host's CPU behind it */
	uint16_t active;       /* visible now; else frozen, to go on where it stopped */
	uint64_t ticks[CPU_TIMES];
	uint64_t raw[2];  /* v1: user and system nanoseconds that `ticks` holds */
	uint64_t room_ns; /* v1: time this line could have been busy or idle */
};

/* What is known of one container. All zero: nothing yet. */
struct cpustate {
	uint64_t seen_ns;     /* CLOCK_BOOTTIME up to which is counted */
	uint32_t runs, lines; /* lines: active ones */
	uint64_t percpu;      /* v1 */
	uint64_t raw[3]; /* user, nice, system nanoseconds that the runs hold; on v1 those
			    spent on CPUs without a line; */
	uint64_t raw_by; /* and which file told them */
	uint64_t throttled;    /* nanoseconds of throttling dealt with, */
	uint64_t throttled_by; /* and which file told it; 0: none yet */
	/* Time that all lines together could have been busy or idle. In nanoseconds
	 * alone, 768 CPUs fill 64 bits in 278 days. */
	uint64_t room, room_ns;    /* ticks, and a part of one */
	struct cg_quota quota;     /* in force since seen_ns */
	uint64_t dealt[CPU_TIMES]; /* ticks dealt evenly so far */
};

struct cpubook {
	struct cpustate state;
	struct cpurun run[CPUSET_MAX];
};

/* What the kernel says at one moment; nanoseconds. */
struct cpusample {
	uint64_t start_ns, now_ns, tick_ns;
	bool percpu;              /* v1: the arrays below are filled */
	uint64_t raw[3];          /* user without nice, nice, system */
	uint64_t raw_by;          /* which file told them: another one, another cgroup */
	unsigned cpus;            /* the arrays' length */
	const uint64_t (*cpu)[2]; /* user, system */
	uint64_t throttled;
	uint64_t throttled_by; /* which file told it; 0: none did */
	bool throttled_own;    /* counted for this cgroup alone */
	struct cg_quota quota; /* UINT64_MAX: none */
};

/* Counts the sample into *book, which may be all zero. `spare` is room to work in; the
 * result is in the one that is returned. */
struct cpubook *cputime_count(struct cpubook *book, struct cpubook *spare,
	const struct cpusample *sample, const struct cpus *cpus);

#endif

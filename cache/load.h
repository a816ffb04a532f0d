/*
 * Load averages as the kernel makes them (kernel/sched/loadavg.c, Linux 6.12), and the
 * block of memory in which they outlive the process that made them.
 */
#ifndef CACHE_LOAD_H
#define CACHE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOAD_SHIFT = 11, /* fixed point: 2048 is one task */
	LOAD_ONE = 1 << LOAD_SHIFT,
	LOAD_TERMS = 3, /* over 1, 5 and 15 minutes */
	/* Containers that are remembered: memory is touched only for those there are. */
	LOAD_ENTRIES = 4096,
};

/* The averages move on once in this many nanoseconds. */
#define LOAD_PERIOD_NS UINT64_C(5000000000)

/* A container's load at the last tick. */
struct load_counts {
	uint64_t running;  /* tasks in state R */
	uint64_t blocked;  /* tasks in state D */
	uint64_t total;    /* all tasks */
	uint64_t last_pid; /* of the newest, as numbered in the container; 0: unknown */
	uint64_t avg[LOAD_TERMS]; /* of running + blocked, in LOAD_ONE */
};

/* What is remembered of a container. */
struct load_state {
	uint64_t tick;     /* number of the period the averages stand in */
	uint64_t last_tid; /* the task behind last_pid, as we number it */
	struct load_counts counts;
};

/* Which container: inode numbers of its namespaces (0: none of its own), and when its
 * init started, since inode numbers are used again. */
struct load_key {
	uint64_t pidns, cgns, start_ns;
};

/* The kernel's number for a term after `ticks` more periods with `active` tasks. */
uint64_t load_average(uint64_t avg, unsigned term, uint64_t active, uint64_t ticks);

/* The term of a container of that age in which `active` tasks have run or been blocked
 * from its start on: active * (1 - e^(-age / 1, 5, 15 min)). */
uint64_t load_young(unsigned term, uint64_t active, uint64_t age_ns);

/* Takes up counts->running and counts->blocked as of the period `tick`: for every period
 * since the last one they count once. A state that knows nothing yet (known false) starts
 * with load_young() of them; age_ns matters only then. counts->avg is made, not read. */
void load_count(struct load_state *state, bool known, const struct load_counts *counts,
	uint64_t tick, uint64_t age_ns);

/* The block. It holds no pointer, and a process that is killed at any instruction leaves
 * either what was remembered before or what it meant to remember. */
struct load;

size_t load_size(void);
/* Takes up what is in `mem` (load_size() bytes, aligned for uint64_t), or starts anew if
 * it is all zero or of another make. The memory stays the caller's. */
struct load *load_attach(void *mem);

enum { LOAD_NOWHERE = -1 };

/* Copies out what is remembered, and returns where: a number for load_store. LOAD_NOWHERE
 * when it is nothing. */
int load_find(
	const struct load *load, const struct load_key *key, struct load_state *out);
/* Remembers, and returns where. `at` is what an earlier call returned for the same key,
 * or LOAD_NOWHERE: it saves looking for it. Where there is no room the container that was
 * stored longest ago makes it. */
int load_store(struct load *load, int at, const struct load_key *key,
	const struct load_state *state, uint64_t now_ns);
/* The container, which is there by load_find or load_store, is no more: forgets it, as do
 * the next for those that were stored before then. Memory that this frees goes back to
 * the host: the block is a shared file's. */
void load_forget(struct load *load, int at, const struct load_key *key);
void load_forget_old(struct load *load, uint64_t before_ns);

#endif

/*
 * Whether the worker gets on. Requests that wait, in the kernel or in the journal, while
 * the journal's counters stand still for most of the bound mean that it does not. Nothing
 * runs while nobody asks anything: the channel is watched until its first event (poll(2),
 * SIGIO), then looked at in intervals for as long as there is something to do.
 *
 * Looks are counted, not seconds: when the machine or the keeper itself is held up, the
 * worker is not blamed for it. Nor is one that is ready to run and gets hardly any CPU
 * time: it must have used its share of the bound, or sleep. One in an endless loop comes
 * to that, only later.
 */
#ifndef DAEMON_WATCHDOG_H
#define DAEMON_WATCHDOG_H

#include "fusechan/journal.h"

#include <stdbool.h>
#include <sys/types.h>

struct watchdog {
	int fuse;
	bool armed; /* the keeper polls the channel */
	const struct journal *journal;
	uint64_t interval_ms; /* 0: no watchdog */
	uint64_t next_ms;     /* the next look; 0: none due */
	uint64_t seen;        /* progress at the last look */
	unsigned strikes;     /* looks since then that found none */
	unsigned idle;        /* the last of these that found it had something to do */
	uint64_t used_ns;     /* the worker's CPU time when there was progress last */
};

/* With `bound_s` 0 no worker is ever stuck. Descriptor and journal stay the caller's. */
void watchdog_init(
	struct watchdog *dog, int fuse, const struct journal *journal, unsigned bound_s);
/* Before the channel is closed. */
void watchdog_deinit(struct watchdog *dog);

/* The descriptor that the keeper polls for POLLIN, at each event of which it calls
 * watchdog_start; -1: none at present. */
static inline int watchdog_fd(const struct watchdog *dog)
{
	return dog->armed ? dog->fuse : -1;
}

/* A worker begins to serve, or the channel has something to read. */
void watchdog_start(struct watchdog *dog, pid_t worker, uint64_t now_ms);
/* There is no worker to watch. */
void watchdog_stop(struct watchdog *dog);
/* At next_ms: whether the worker is stuck. */
bool watchdog_look(struct watchdog *dog, pid_t worker, uint64_t now_ms);

#endif

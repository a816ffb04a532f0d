/*
 * Whether the worker gets on. Requests that wait, in the kernel or in the journal, while
 * the journal's counters stand still for most of the bound mean that it does not. Nothing
 * runs while nobody asks anything: the channel is watched once (EPOLLONESHOT, SIGIO),
 * then looked at in intervals for as long as there is something to do.
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
	int epoll, fuse;
	const struct journal *journal;
	uint64_t interval_ms; /* 0: no watchdog */
	uint64_t next_ms;     /* the next look; 0: none due */
	uint64_t seen;        /* progress at the last look */
	unsigned strikes;     /* looks since then that found none */
	unsigned idle;        /* the last of these that found it had something to do */
	uint64_t used_ns;     /* the worker's CPU time when there was progress last */
};

/* With `bound_s` 0 it is never stuck. `tag` is what epoll_wait gives for the channel. 0
 * or -errno. Descriptors and journal stay the caller's. */
int watchdog_init(struct watchdog *dog, int epoll, int fuse,
	const struct journal *journal, unsigned bound_s, uint64_t tag);
/* Before the channel is closed. */
void watchdog_deinit(struct watchdog *dog);

/* A worker begins to serve, or the channel has something to read. */
void watchdog_start(struct watchdog *dog, pid_t worker, uint64_t now_ms);
/* There is no worker to watch. */
void watchdog_stop(struct watchdog *dog);
/* At next_ms: whether the worker is stuck. */
bool watchdog_look(struct watchdog *dog, pid_t worker, uint64_t now_ms, uint64_t tag);

#endif

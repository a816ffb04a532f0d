/*
 * Requests that were read and not yet served, and whose turn it is. Containers take
 * turns, so that many readers in one of them do not keep another one's waiting; requests
 * of the same container are served in the order in which they came. Each call takes the
 * same time however many requests wait.
 *
 * A tenant is a number for whoever takes turns: the outermost pid namespace below ours.
 * Who asks is known here only by what was found out for an earlier request of the same
 * thread, a second or two ago. A thread id that was used again since takes another's
 * turn, and nothing worse.
 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include "fusechan/journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	QUEUE_STRANGER = 0, /* the tenant of those who are not known */
	/* Turns are remembered of so many tenants. Those who have requests in the queue
	 * keep theirs; the next tenants of a set of WAYS then share one of its turns. */
	QUEUE_TURNS = 1024,
	QUEUE_WAYS = 8,
	/* The turn of requests that nobody waits for: every other one, at least. */
	QUEUE_AT_ONCE = QUEUE_TURNS,
	QUEUE_THREADS = 4096, /* whose tenant is remembered, */
	QUEUE_SECONDS = 2,    /* for so long at most */
	QUEUE_BUCKETS = 1024, /* for finding a request by its number */
};

/* Numbers of slots and turns are stored plus one: 0 is none. */
struct queue_list {
	uint16_t first, last;
};

struct queue_link {
	uint16_t next, prev;
};

struct queue_place {
	uint64_t unique; /* of the request */
	uint64_t epoch;  /* in which it was read */
	struct queue_link behind;  /* of the same turn */
	struct queue_link younger; /* of all */
	uint16_t chain;            /* the next one in the same bucket */
	uint16_t turn;             /* plus one; 0: not in the queue */
};

struct queue_turn {
	uint64_t served; /* rank: who was served longer ago has the lower one */
	uint32_t tenant;
	struct queue_list slots;
	struct queue_link after; /* among the turns that have requests */
	bool fresh;              /* its tenant has not been served yet */
};

struct queue_thread {
	uint32_t tid_seconds; /* thread id, and the low bits of when it was learned */
	uint32_t tenant;
};

/* All zero is empty. Members for few requests come first, on few pages. */
struct queue {
	unsigned count;
	uint32_t now_s;   /* set by the caller, any clock that goes on */
	bool rushed;      /* QUEUE_AT_ONCE was served last */
	uint64_t taken;   /* requests of tenants served so far */
	uint64_t newcome; /* when a tenant's first request was served last */
	struct queue_list ages;   /* all slots, the oldest first */
	struct queue_list active; /* turns that have requests, by rank */
	uint16_t bucket[QUEUE_BUCKETS];
	struct queue_place place[JOURNAL_SLOTS];
	struct queue_turn turn[QUEUE_TURNS + 1];
	struct queue_thread thread[QUEUE_THREADS];
};

/* The thread belongs to the tenant. */
void queue_learn(struct queue *queue, pid_t tid, uint64_t tenant);
/* The thread's tenant, or QUEUE_STRANGER. */
uint32_t queue_tenant(const struct queue *queue, pid_t tid);
/* The tenant's turn, good until the next call. */
unsigned queue_turn(struct queue *queue, uint32_t tenant);

/* The request in the slot, which is not in the queue, waits for that turn. */
void queue_add(struct queue *queue, unsigned slot, unsigned turn, uint64_t unique,
	uint64_t epoch);
bool queue_has(const struct queue *queue, unsigned slot);
/* The slot of the request with that number; -1. */
int queue_find(const struct queue *queue, uint64_t unique);
/* The turn for which the request in the slot waits. */
unsigned queue_turn_of(const struct queue *queue, unsigned slot);
/* It waits no more. Nothing if it did not. */
void queue_drop(struct queue *queue, unsigned slot);
/* The epoch of the oldest request; `none` when the queue is empty. */
uint64_t queue_oldest(const struct queue *queue, uint64_t none);
/* The slot that is served next, which then is not in the queue. -1: it is empty. */
int queue_take(struct queue *queue);
/* The epoch of the request that was in the slot last. */
uint64_t queue_epoch(const struct queue *queue, unsigned slot);

/* Returns the memory of an empty queue; who was served when is forgotten. */
void queue_trim(struct queue *queue);

#endif

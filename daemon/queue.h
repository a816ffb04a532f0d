/*
 * Requests that were read and not yet served, and whose turn it is. Containers take
 * turns, so that many readers in one of them do not keep another one's waiting; requests
 * of the same container are served in the order in which they came.
 *
 * Who asks is known here only by what was found out for an earlier request of the same
 * thread. A thread id that was used again since takes another's turn, and nothing worse.
 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include "fusechan/journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	QUEUE_TURNS = 64,   /* pid namespaces share them if there are more */
	QUEUE_STRANGER = 0, /* the turn of those who are not known, */
	QUEUE_AT_ONCE = 64, /* and of what nobody waits for: every other one, at least */
	QUEUE_THREADS = 1024, /* whose turn is remembered */
};

/* All zero is empty. */
struct queue {
	unsigned count;
	uint8_t slot[JOURNAL_SLOTS];       /* in the order in which they came */
	uint8_t turn[JOURNAL_SLOTS];       /* of each slot */
	bool rushed;                       /* what was served last was of that kind */
	uint32_t taken, last[QUEUE_TURNS]; /* the number of each turn's last request */
	uint32_t thread[QUEUE_THREADS];    /* thread id × QUEUE_TURNS + turn */
};

/* The turn of those in a pid namespace and in all within it, and of a thread that is
 * known to be in one: it is remembered of how many there is room for. */
unsigned queue_learn(struct queue *queue, pid_t tid, uint64_t pidns);
/* The thread's turn, or QUEUE_STRANGER. */
unsigned queue_turn(const struct queue *queue, pid_t tid);

/* The request in the slot, which is not in the queue, waits for that turn. */
void queue_add(struct queue *queue, unsigned slot, unsigned turn);
bool queue_has(const struct queue *queue, unsigned slot);
/* It waits no more. Nothing if it did not. */
void queue_drop(struct queue *queue, unsigned slot);
/* The slot of the oldest; -1: the queue is empty. */
int queue_oldest(const struct queue *queue);
/* The slot that is served next, which then is not in the queue. -1: it is empty. */
int queue_take(struct queue *queue);

#endif

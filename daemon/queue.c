/*
 * See queue.h. There are few slots: an array is searched.
 */
#include "daemon/queue.h"

#include <string.h>

/* A thread id has 22 bits (PID_MAX_LIMIT in include/linux/threads.h), a turn 6. */
unsigned queue_learn(struct queue *queue, pid_t tid, uint64_t pidns)
{
	const unsigned turn = 1 + (unsigned)(pidns % (QUEUE_TURNS - 1));

	queue->thread[(uint32_t)tid % QUEUE_THREADS] = (uint32_t)tid * QUEUE_TURNS + turn;
	return turn;
}

unsigned queue_turn(const struct queue *queue, pid_t tid)
{
	const uint32_t known = queue->thread[(uint32_t)tid % QUEUE_THREADS];

	return known / QUEUE_TURNS == (uint32_t)tid ? known % QUEUE_TURNS
						    : QUEUE_STRANGER;
}

void queue_add(struct queue *queue, unsigned slot, unsigned turn)
{
	queue->slot[queue->count++] = (uint8_t)slot;
	queue->turn[slot] = (uint8_t)turn;
}

static const uint8_t *find(const struct queue *queue, unsigned slot)
{
	return memchr(queue->slot, (int)slot, queue->count);
}

static void drop(struct queue *queue, const uint8_t *place)
{
	const size_t i = (size_t)(place - queue->slot);

	queue->count--;
	memmove(&queue->slot[i], &queue->slot[i + 1], queue->count - i);
}

bool queue_has(const struct queue *queue, unsigned slot)
{
	return find(queue, slot) != NULL;
}

void queue_drop(struct queue *queue, unsigned slot)
{
	const uint8_t *place = find(queue, slot);

	if (place)
		drop(queue, place);
}

int queue_oldest(const struct queue *queue)
{
	return queue->count ? queue->slot[0] : -1;
}

/* How many requests were served since the last one of its turn, and one: a distance,
 * since these numbers may start anew. */
static uint32_t passed_over(const struct queue *queue, unsigned slot)
{
	const unsigned turn = queue->turn[slot];

	if (turn == QUEUE_AT_ONCE)
		return queue->rushed ? 0 : UINT32_MAX;
	return queue->taken - queue->last[turn] + 1;
}

int queue_take(struct queue *queue)
{
	const uint8_t *next = queue->slot;
	unsigned slot;

	if (!queue->count)
		return -1;
	for (unsigned i = 1; i < queue->count; i++)
		if (passed_over(queue, queue->slot[i]) > passed_over(queue, *next))
			next = &queue->slot[i];
	slot = *next;
	queue->taken++;
	queue->rushed = queue->turn[slot] == QUEUE_AT_ONCE;
	if (!queue->rushed)
		queue->last[queue->turn[slot]] = queue->taken;
	drop(queue, next);
	return (int)slot;
}

/*
 * See queue.h. Lists are linked by numbers in arrays that all zero makes empty, so their
 * memory can be given back page by page.
 */
#include "daemon/queue.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(JOURNAL_SLOTS < UINT16_MAX && QUEUE_TURNS < UINT16_MAX, "numbers plus one");

/* --- lists: `link` finds an element's link by its number --- */

typedef struct queue_link *link_of(struct queue *queue, unsigned number);

static struct queue_link *link_in_turn(struct queue *queue, unsigned slot)
{
	return &queue->place[slot].behind;
}

static struct queue_link *link_by_age(struct queue *queue, unsigned slot)
{
	return &queue->place[slot].younger;
}

static struct queue_link *link_of_turn(struct queue *queue, unsigned turn)
{
	return &queue->turn[turn].after;
}

/* `behind` plus one: the element that it comes after; 0: at the head. */
static void list_insert(struct queue *queue, struct queue_list *list, link_of *link,
	unsigned number, uint16_t behind)
{
	struct queue_link *own = link(queue, number);
	const uint16_t id = (uint16_t)(number + 1);

	own->prev = behind;
	own->next = behind ? link(queue, behind - 1u)->next : list->first;
	if (behind)
		link(queue, behind - 1u)->next = id;
	else
		list->first = id;
	if (own->next)
		link(queue, own->next - 1u)->prev = id;
	else
		list->last = id;
}

static void list_remove(
	struct queue *queue, struct queue_list *list, link_of *link, unsigned number)
{
	const struct queue_link own = *link(queue, number);

	if (own.prev)
		link(queue, own.prev - 1u)->next = own.next;
	else
		list->first = own.next;
	if (own.next)
		link(queue, own.next - 1u)->prev = own.prev;
	else
		list->last = own.prev;
}

/* --- threads: an id has 22 bits (PID_MAX_LIMIT in include/linux/threads.h) --- */

enum { TID_BITS = 22 };

static uint32_t seconds_of(uint32_t tid_seconds)
{
	return tid_seconds >> TID_BITS;
}

static uint32_t stamp(const struct queue *queue, pid_t tid)
{
	return (uint32_t)tid | queue->now_s << TID_BITS;
}

void queue_learn(struct queue *queue, pid_t tid, uint64_t tenant)
{
	queue->thread[(uint32_t)tid % QUEUE_THREADS] =
		(struct queue_thread){stamp(queue, tid), (uint32_t)tenant};
}

uint32_t queue_tenant(const struct queue *queue, pid_t tid)
{
	const struct queue_thread *t = &queue->thread[(uint32_t)tid % QUEUE_THREADS];
	const uint32_t now = stamp(queue, tid);
	const uint32_t mask = (UINT32_C(1) << (32 - TID_BITS)) - 1;

	if (tid <= 0 || (t->tid_seconds ^ now) << (32 - TID_BITS) ||
		((seconds_of(now) - seconds_of(t->tid_seconds)) & mask) >= QUEUE_SECONDS)
		return QUEUE_STRANGER;
	return t->tenant;
}

/* --- turns --- */

static bool is_active(const struct queue_turn *turn)
{
	return turn->slots.first != 0;
}

static unsigned spread(uint64_t number, unsigned most)
{
	return (unsigned)(number * UINT64_C(0x9e3779b97f4a7c15) >> 40) % most;
}

/* The turn in the set that a tenant may take who has none: of those without requests the
 * one served longest ago. */
static struct queue_turn *free_turn(struct queue *queue, unsigned first)
{
	struct queue_turn *best = NULL;

	for (unsigned i = first; i < first + QUEUE_WAYS; i++) {
		struct queue_turn *t = &queue->turn[i];

		if (!is_active(t) && (!best || t->served < best->served))
			best = t;
	}
	return best;
}

/* Tenants who come for the first time follow each other as if they were one: else many of
 * them, one after the other, would be served before all others. */
static void begin(struct queue *queue, struct queue_turn *turn, uint32_t tenant)
{
	turn->tenant = tenant;
	turn->served = queue->newcome * 2;
	turn->fresh = true;
}

unsigned queue_turn(struct queue *queue, uint32_t tenant)
{
	const unsigned first =
		spread(tenant, QUEUE_TURNS / QUEUE_WAYS) * (unsigned)QUEUE_WAYS;
	struct queue_turn *turn;

	for (unsigned i = first; i < first + QUEUE_WAYS; i++)
		if (queue->turn[i].tenant == tenant)
			return i;
	turn = free_turn(queue, first);
	if (!turn)
		return first + tenant % QUEUE_WAYS;
	begin(queue, turn, tenant);
	return (unsigned)(turn - queue->turn);
}

/* Most were served just now and come last. */
static void activate(struct queue *queue, unsigned number)
{
	const uint64_t served = queue->turn[number].served;
	uint16_t at = queue->active.last;

	if (at && queue->turn[queue->active.first - 1].served > served)
		at = 0;
	while (at && queue->turn[at - 1].served > served)
		at = queue->turn[at - 1].after.prev;
	list_insert(queue, &queue->active, link_of_turn, number, at);
}

/* --- requests by their numbers --- */

static uint16_t *bucket_of(struct queue *queue, uint64_t unique)
{
	return &queue->bucket[spread(unique, QUEUE_BUCKETS)];
}

static void unchain(struct queue *queue, unsigned slot)
{
	uint16_t *at = bucket_of(queue, queue->place[slot].unique);

	while (*at != slot + 1)
		at = &queue->place[*at - 1].chain;
	*at = queue->place[slot].chain;
}

int queue_find(const struct queue *queue, uint64_t unique)
{
	uint16_t at = queue->bucket[spread(unique, QUEUE_BUCKETS)];

	while (at && queue->place[at - 1].unique != unique)
		at = queue->place[at - 1].chain;
	return at - 1;
}

/* --- the queue --- */

void queue_add(struct queue *queue, unsigned slot, unsigned turn, uint64_t unique,
	uint64_t epoch)
{
	struct queue_place *place = &queue->place[slot];
	struct queue_turn *t = &queue->turn[turn];
	uint16_t *bucket = bucket_of(queue, unique);

	if (!is_active(t) && turn != QUEUE_AT_ONCE)
		activate(queue, turn);
	place->unique = unique;
	place->epoch = epoch;
	place->turn = (uint16_t)(turn + 1);
	place->chain = *bucket;
	*bucket = (uint16_t)(slot + 1);
	list_insert(queue, &t->slots, link_in_turn, slot, t->slots.last);
	list_insert(queue, &queue->ages, link_by_age, slot, queue->ages.last);
	queue->count++;
}

bool queue_has(const struct queue *queue, unsigned slot)
{
	return queue->place[slot].turn != 0;
}

unsigned queue_turn_of(const struct queue *queue, unsigned slot)
{
	return queue->place[slot].turn - 1u;
}

void queue_drop(struct queue *queue, unsigned slot)
{
	const unsigned turn = queue_turn_of(queue, slot);
	struct queue_turn *t;

	if (!queue_has(queue, slot))
		return;
	t = &queue->turn[turn];
	unchain(queue, slot);
	list_remove(queue, &t->slots, link_in_turn, slot);
	list_remove(queue, &queue->ages, link_by_age, slot);
	if (!is_active(t) && turn != QUEUE_AT_ONCE)
		list_remove(queue, &queue->active, link_of_turn, turn);
	queue->place[slot].turn = 0;
	queue->count--;
}

uint64_t queue_oldest(const struct queue *queue, uint64_t none)
{
	return queue->count ? queue->place[queue->ages.first - 1].epoch : none;
}

uint64_t queue_epoch(const struct queue *queue, unsigned slot)
{
	return queue->place[slot].epoch;
}

/* A rank is twice the number of requests served by then, and one: so newcomers come
 * before whoever was served when the last of them was. */
static void note_served(struct queue *queue, struct queue_turn *turn)
{
	queue->taken++;
	if (turn->fresh)
		queue->newcome = queue->taken;
	turn->fresh = false;
	turn->served = queue->taken * 2 + 1;
}

int queue_take(struct queue *queue)
{
	const bool rush = is_active(&queue->turn[QUEUE_AT_ONCE]) &&
			  (!queue->rushed || !queue->active.first);
	unsigned turn, slot;
	struct queue_turn *t;

	if (!queue->count)
		return -1;
	turn = rush ? (unsigned)QUEUE_AT_ONCE : queue->active.first - 1u;
	t = &queue->turn[turn];
	slot = t->slots.first - 1u;
	queue->rushed = rush;
	queue_drop(queue, slot);
	if (rush)
		return (int)slot;
	if (is_active(t))
		list_remove(queue, &queue->active, link_of_turn, turn);
	note_served(queue, t);
	if (is_active(t))
		activate(queue, turn);
	return (int)slot;
}

void queue_trim(struct queue *queue)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t from = ((uintptr_t)queue + page - 1) & ~(page - 1);
	const uintptr_t to = (uintptr_t)(queue + 1) & ~(page - 1);
	int saved = errno;

	if (!queue->count)
		madvise((char *)queue + (from - (uintptr_t)queue), to - from,
			MADV_DONTNEED);
	errno = saved;
}

/*
 * Keys in chains, one for each remainder of the hash. Chains are linked by number, and
 * each change of one is one store: a key enters its chain while it is nobody's, and the
 * store that makes it somebody's is the last; it is nobody's before it leaves.
 */
#include "cache/slots.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	CHAINS = 1024,
	/* Keys that are looked at before a new place is begun, each with a system call,
	 * and when there is no other place, */
	LOOK = 8,
	SWEEP = 32,
};

/* from all over the table: a prime, so that each is looked at in its turn. */
#define STRIDE UINT32_C(2654435761)

struct key {
	struct slot_key of;
	uint64_t used_ns;
	uint32_t taken; /* 0: nobody's */
	uint32_t owner; /* shortened */
	int32_t init;
	uint16_t next;  /* in the chain: a number and one; 0: the last */
	uint16_t chain; /* in which it is, or was last */
};

struct slots {
	uint32_t count;
	uint32_t used; /* places that were ever taken are the first */
	uint32_t hand; /* where the search for somebody gone goes on */
	uint32_t chains;
	uint16_t chain[CHAINS];
	struct key key[];
};

/* Keeps the compiler from moving stores across: the next process sees all of them. */
static void store16(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}

size_t slots_size(unsigned count)
{
	return sizeof(struct slots) + count * sizeof(struct key);
}

void slots_init(struct slots *slots, unsigned count)
{
	__atomic_store_n(&slots->chains, 0, __ATOMIC_SEQ_CST);
	memset(slots->chain, 0, sizeof(slots->chain));
	slots->count = count;
	slots->used = slots->hand = 0;
	__atomic_store_n(&slots->chains, CHAINS, __ATOMIC_SEQ_CST);
}

bool slots_valid(const struct slots *slots, unsigned count)
{
	return slots->chains == CHAINS && slots->count == count && slots->used <= count;
}

static unsigned chain_of(const struct slot_key *key)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < 4; i++)
		h = (h ^ key->id[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(h >> 32) % CHAINS;
}

static bool same(const struct slot_key *a, const struct slot_key *b)
{
	return !memcmp(a->id, b->id, sizeof(a->id));
}

int slots_find(const struct slots *slots, const struct slot_key *key)
{
	unsigned at = slots->chain[chain_of(key)];

	while (at && at <= slots->used) {
		const struct key *k = &slots->key[at - 1];

		if (k->taken && same(&k->of, key))
			return (int)at - 1;
		at = k->next;
	}
	return SLOT_NONE;
}

/* Takes the place out of its chain, if it is there. */
static void unlink_slot(struct slots *slots, unsigned slot)
{
	struct key *key = &slots->key[slot];
	uint16_t *at = &slots->chain[key->chain];

	while (*at && *at <= slots->used && *at != slot + 1)
		at = &slots->key[*at - 1].next;
	if (*at == slot + 1)
		store16(at, key->next);
}

static bool is_gone(const struct key *key)
{
	return !key->taken || (key->init > 0 && kill(key->init, 0) < 0 && errno == ESRCH);
}

/* Of these places the oldest of whoever has most. */
static unsigned oldest_of_greediest(
	const struct slots *slots, const unsigned *at, unsigned count)
{
	unsigned best = at[0], most = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct key *key = &slots->key[at[i]];
		unsigned n = 0;

		for (unsigned k = 0; k < count; k++)
			n += slots->key[at[k]].owner == key->owner;
		if (n > most || (n == most && key->used_ns < slots->key[best].used_ns))
			best = at[i];
		most = n > most ? n : most;
	}
	return best;
}

/* Who could go, of the next few places; at once if somebody has gone. */
static unsigned sweep(struct slots *slots, bool *gone)
{
	const unsigned most = slots->used < slots->count ? LOOK : SWEEP;
	unsigned seen[SWEEP], count = 0;

	*gone = false;
	while (count < most && count < slots->used) {
		slots->hand = (slots->hand % slots->used + STRIDE) % slots->used;
		seen[count++] = slots->hand;
		if (is_gone(&slots->key[slots->hand])) {
			*gone = true;
			return slots->hand;
		}
	}
	return oldest_of_greediest(slots, seen, count);
}

/* One that was never in use. */
static unsigned begin(struct slots *slots)
{
	struct key *key = &slots->key[slots->used];

	memset(key, 0, sizeof(*key));
	__atomic_store_n(&slots->used, slots->used + 1, __ATOMIC_SEQ_CST);
	return slots->used - 1;
}

int slots_take(struct slots *slots)
{
	bool gone = false;
	unsigned slot = slots->used ? sweep(slots, &gone) : 0;

	if (!gone && slots->used < slots->count)
		return (int)begin(slots);
	__atomic_store_n(&slots->key[slot].taken, 0, __ATOMIC_SEQ_CST);
	unlink_slot(slots, slot);
	return (int)slot;
}

void slots_give(struct slots *slots, int slot, const struct slot_key *of, pid_t init,
	uint64_t owner, uint64_t now_ns)
{
	struct key *key = &slots->key[slot];
	unsigned chain = chain_of(of);

	key->of = *of;
	key->init = init;
	key->owner = (uint32_t)(owner ^ owner >> 32);
	key->used_ns = now_ns;
	store16(&key->chain, (uint16_t)chain);
	store16(&key->next, slots->chain[chain]);
	store16(&slots->chain[chain], (uint16_t)(slot + 1));
	__atomic_store_n(&key->taken, 1, __ATOMIC_SEQ_CST);
}

unsigned slots_trim(struct slots *slots)
{
	uint32_t used = slots->used;

	while (used && is_gone(&slots->key[used - 1])) {
		used--;
		__atomic_store_n(&slots->key[used].taken, 0, __ATOMIC_SEQ_CST);
		unlink_slot(slots, used);
		__atomic_store_n(&slots->used, used, __ATOMIC_SEQ_CST);
	}
	slots_give_back(&slots->key[used], &slots->key[slots->count]);
	return used;
}

void slots_give_back(void *from, void *to)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)from + page - 1) & -page,
		  end = (uintptr_t)to & -page;

	if (start < end)
		madvise((void *)start, end - start, MADV_REMOVE);
}

void slots_used(struct slots *slots, int slot, uint64_t now_ns)
{
	slots->key[slot].used_ns = now_ns;
}

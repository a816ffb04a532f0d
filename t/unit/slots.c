/*
 * The keys of tables in shared memory: many of them, in few places, by random steps.
 */
#include "cache/slots.h"

#include "t/unit/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 1500, KEYS = 5000 };

static struct slots *fresh(void)
{
	void *mem = malloc(slots_size(PLACES));

	memset(mem, 0xa5, slots_size(PLACES));
	if (slots_valid(mem, PLACES))
		return NULL;
	slots_init(mem, PLACES);
	return mem;
}

/* Keys that differ in one number only, each in its turn. */
static struct slot_key key_of(unsigned n)
{
	struct slot_key key = {{1, 2, 3, 4}};

	key.id[n % 4] += n / 4 + 1;
	return key;
}

static void give(struct slots *slots, unsigned n, int where[KEYS], uint64_t now)
{
	struct slot_key key = key_of(n);
	int slot = slots_take(slots);

	for (unsigned i = 0; i < KEYS; i++)
		if (where[i] == slot)
			where[i] = SLOT_NONE;
	slots_give(slots, slot, &key, 0, n, now);
	where[n] = slot;
}

static unsigned count_wrong(const struct slots *slots, const int where[KEYS])
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		struct slot_key key = key_of(i);

		wrong += slots_find(slots, &key) != where[i];
	}
	return wrong;
}

/* One who takes place after place, among many who have one each and use theirs less
 * often. */
static void test_greedy(void)
{
	enum { HONEST = 300, GREEDY = 4 * PLACES };
	struct slots *slots = fresh();
	unsigned there = 0, own = 0;

	for (unsigned i = 0; i < HONEST + GREEDY; i++) {
		const struct slot_key key = {{i + 1}};

		slots_give(slots, slots_take(slots), &key, 0,
			i < HONEST ? 1000 + i : UINT64_C(1) << 40, i);
	}
	for (unsigned i = 0; i < HONEST + GREEDY; i++) {
		const struct slot_key key = {{i + 1}};
		const bool is_there = slots_find(slots, &key) != SLOT_NONE;

		there += i < HONEST && is_there;
		own += i >= HONEST && is_there;
	}
	is_u64(there, HONEST, "nobody loses a place to the greediest");
	is_u64(own, PLACES - HONEST, "who has all that is left");
	for (unsigned i = 0; i < PLACES; i++) {
		const struct slot_key key = {{UINT64_C(1) << 32 | i}};

		slots_give(slots, slots_take(slots), &key, 0, i, GREEDY * 2 + i);
	}
	there = 0;
	for (unsigned i = 0; i < PLACES; i++) {
		const struct slot_key key = {{UINT64_C(1) << 32 | i}};

		there += slots_find(slots, &key) != SLOT_NONE;
	}
	ok(there > PLACES / 2, "one each, more than fit: most of the newest are there");
	free(slots);
}

/* Many that come and go among some that stay: their places are used again, though few are
 * looked at for each. */
static void test_gone(void)
{
	enum { STAY = 100, GO = 5000 };
	struct slots *slots = fresh();
	unsigned there = 0;
	pid_t gone = fork();

	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	for (unsigned i = 0; i < STAY + GO; i++) {
		const struct slot_key key = {{i + 1}};

		slots_give(
			slots, slots_take(slots), &key, i < STAY ? getpid() : gone, i, i);
	}
	for (unsigned i = 0; i < STAY; i++) {
		const struct slot_key key = {{i + 1}};

		there += slots_find(slots, &key) != SLOT_NONE;
	}
	is_u64(there, STAY, "all that stay are there");
	ok(slots_trim(slots) < 3 * STAY, "in a table that is not much larger");
	free(slots);
}

int main(void)
{
	struct slots *slots = fresh();
	static int where[KEYS];
	unsigned seed = 1, wrong = 0, there = 0;

	ok(slots && slots_valid(slots, PLACES), "made of memory that held something");
	ok(!slots_valid(slots, PLACES + 1), "not for another number of places");
	for (unsigned i = 0; i < KEYS; i++)
		where[i] = SLOT_NONE;
	is_u64(count_wrong(slots, where), 0, "nobody is there");
	for (unsigned i = 0; i < PLACES; i++)
		give(slots, i, where, i);
	for (unsigned i = 0; i < PLACES; i++)
		there += where[i] == (int)i;
	is_u64(there, PLACES, "one after the other, until all places are taken");
	is_u64(count_wrong(slots, where), 0, "all are found, and no others");
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n;

		seed = seed * 1103515245 + 12345;
		n = seed / 65536 % KEYS;
		if (where[n] == SLOT_NONE)
			give(slots, n, where, PLACES + i);
		else
			slots_used(slots, where[n], PLACES + i);
		wrong += i % 1000 == 0 ? count_wrong(slots, where) : 0;
	}
	is_u64(wrong + count_wrong(slots, where), 0,
		"who was thrown out is not found, all others are");
	ok(slots_valid(slots, PLACES), "the next process takes it up");
	free(slots);
	test_greedy();
	test_gone();
	return tap_done();
}

/* daemon/queue: containers take turns, and nobody waits for ever. */
#include "daemon/queue.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct queue queue;

/* Slots in the order in which they are served, until the queue is empty. */
static const char *served(void)
{
	static char text[1024];
	size_t len = 0;
	int slot;

	text[0] = '\0';
	while ((slot = queue_take(&queue)) >= 0)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%d", len ? " " : "", slot);
	return text;
}

/* The number of a request is that of its slot, and 1000. */
static void add(unsigned slot, unsigned turn)
{
	queue_add(&queue, slot, turn, slot + 1000, 5);
}

static void add_for(unsigned slot, uint32_t tenant)
{
	add(slot, queue_turn(&queue, tenant));
}

enum { A = 4026532000u, B, C };

static void order(void)
{
	is_int(queue_take(&queue), -1, "an empty queue");
	is_u64(queue_oldest(&queue, 9), 9, "has no oldest");
	add_for(9, A);
	add_for(3, A);
	add_for(5, A);
	is_str(served(), "9 3 5", "of one container: as they came");
	add_for(1, A);
	add_for(2, A);
	add_for(3, A);
	add_for(4, B);
	is_str(served(), "4 1 2 3", "who was not served just now comes first");
	add_for(1, A);
	add_for(2, A);
	add_for(3, B);
	add_for(4, B);
	add_for(5, C);
	add_for(6, C);
	is_str(served(), "5 3 1 6 4 2", "three take turns");
	add_for(1, A);
	add_for(2, B);
	add(3, QUEUE_AT_ONCE);
	add(4, QUEUE_AT_ONCE);
	add(5, QUEUE_AT_ONCE);
	is_str(served(), "3 2 4 1 5", "what nobody waits for: every other one");
	add(4, QUEUE_AT_ONCE);
	add(5, QUEUE_AT_ONCE);
	is_str(served(), "4 5", "and one after the other if there is nothing else");
}

static void books(void)
{
	queue_add(&queue, JOURNAL_SLOTS - 1, queue_turn(&queue, A), 7, 11);
	queue_add(&queue, 0, queue_turn(&queue, A), 8, 12);
	queue_add(&queue, 7, queue_turn(&queue, A), 9, 13);
	queue_add(&queue, 8, queue_turn(&queue, B), 10, 14);
	is_u64(queue_oldest(&queue, 0), 11, "the epoch of the oldest");
	ok(queue_has(&queue, JOURNAL_SLOTS - 1) && queue_has(&queue, 0) &&
			!queue_has(&queue, 1),
		"which slots are in it");
	ok(queue_find(&queue, 7) == JOURNAL_SLOTS - 1 && queue_find(&queue, 9) == 7 &&
			queue_find(&queue, 11) == -1,
		"which slot has a request");
	ok(queue_turn_of(&queue, 0) == queue_turn(&queue, A) &&
			queue_turn_of(&queue, 8) == queue_turn(&queue, B),
		"and whose turn it waits for");
	queue_drop(&queue, JOURNAL_SLOTS - 1);
	queue_drop(&queue, JOURNAL_SLOTS - 1);
	queue_drop(&queue, 1);
	is_u64(queue_oldest(&queue, 0), 12, "the next one, when that was dropped");
	is_int(queue_find(&queue, 7), -1, "which is not found then");
	is_str(served(), "8 0 7", "what was dropped is not served");
	is_u64(queue_epoch(&queue, 7), 13, "what was served tells when it came");
}

static void threads(void)
{
	queue.now_s = 1022;
	queue_learn(&queue, 4194303, A);
	is_u64(queue_tenant(&queue, 4194303), A, "the highest thread id there can be");
	is_u64(queue_tenant(&queue, 201), QUEUE_STRANGER, "a stranger");
	is_u64(queue_tenant(&queue, 4194303 - QUEUE_THREADS), QUEUE_STRANGER,
		"also one that would be remembered in the same place");
	is_u64(queue_tenant(&queue, 0), QUEUE_STRANGER, "a thread that is not seen here");
	is_u64(queue_tenant(&queue, -1), QUEUE_STRANGER, "nonsense");
	queue.now_s = 1023;
	is_u64(queue_tenant(&queue, 4194303), A, "a second later it is still known");
	queue.now_s = 1024;
	is_u64(queue_tenant(&queue, 4194303), QUEUE_STRANGER,
		"then its number may be another's");
	queue_learn(&queue, 200, A);
	queue_learn(&queue, 200 + QUEUE_THREADS, B);
	is_u64(queue_tenant(&queue, 200), QUEUE_STRANGER, "the next one takes its place");
}

/* Every slot holds a request, of MANY tenants and of one who has most. */
static void full(void)
{
	enum { MANY = 500, GREEDY = MANY + 1 };
	static uint32_t tenant[JOURNAL_SLOTS];
	unsigned in_time = 0, last = 0, distinct = 0;
	int slot;

	for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
		tenant[i] = i < JOURNAL_SLOTS - MANY ? GREEDY : i - JOURNAL_SLOTS + MANY + 1;
		add_for(i, tenant[i]);
	}
	is_u64(queue.count, JOURNAL_SLOTS, "every slot at one time");
	for (unsigned i = 1; i <= MANY; i++)
		distinct += queue_turn_of(&queue, JOURNAL_SLOTS - MANY - 1 + i) !=
			    queue_turn_of(&queue, 0);
	ok(distinct >= MANY - 1, "hardly anybody shares the turn of who has most");
	for (unsigned n = 0; (slot = queue_take(&queue)) >= 0; n++) {
		in_time += tenant[slot] != GREEDY && n <= MANY + 1;
		last = n;
	}
	ok(in_time >= MANY - 1, "each is served once before that one is twice");
	is_u64(last + 1, JOURNAL_SLOTS, "to the last");
	is_u64(queue.count, 0, "it is empty then");
}

/* Beside a container whose readers fill the queue and never stop: tenants that come back,
 * and such that have never been there. */
static void nobody_starves(const char *who, unsigned tenants, unsigned share)
{
	enum { MANY = 20000, QUIET = 300 };
	unsigned longest = 0, waits = 0, greedy = 0;

	for (unsigned i = 0; i < QUIET; i++)
		add_for(i, A);
	for (unsigned n = 0; n < MANY; n++) {
		int slot;

		if (!queue_has(&queue, QUIET)) {
			add_for(QUIET, 1000 + n % tenants);
			waits = 0;
		}
		slot = queue_take(&queue);
		waits++;
		if (slot == QUIET)
			longest = waits > longest ? waits : longest;
		else
			greedy++;
		if (slot != QUIET)
			add_for((unsigned)slot, A);
	}
	ok(longest == 2, "%s: nobody waits for more than one of the others", who);
	ok(greedy >= MANY / share - MANY / 100, "%s: the others have their share", who);
	while (queue_take(&queue) >= 0)
		;
}

/* Beside an ever new tenant, who always has a request there, one that is known. */
static void newcomers(void)
{
	unsigned waits = 0, longest = 0;

	add_for(0, A);
	served();
	for (unsigned n = 0; n < 1000; n++) {
		if (!queue_has(&queue, 0)) {
			add_for(0, A);
			waits = 0;
		}
		for (unsigned slot = 1; slot <= 3; slot++)
			if (!queue_has(&queue, slot))
				add_for(slot, 100000 + 3 * n + slot);
		waits++;
		if (queue_take(&queue) == 0)
			longest = waits > longest ? waits : longest;
	}
	ok(longest >= 1 && longest <= 4, "who comes for the first time does not always come first");
	while (queue_take(&queue) >= 0)
		;
}

/* More tenants at one time than turns are remembered of: each is served all the same. */
static void crowded(void)
{
	enum { MANY = 3 * QUEUE_TURNS };
	static bool seen[MANY];
	unsigned n = 0;
	int slot;

	for (unsigned i = 0; i < MANY; i++)
		add_for(i, 5000 + i);
	while ((slot = queue_take(&queue)) >= 0 && !seen[slot]) {
		seen[slot] = true;
		n++;
	}
	is_u64(n, MANY, "more tenants than turns: each is served once");
}

static void random_walk(void)
{
	bool in[256] = {0};
	bool good = true;

	srandom(1);
	for (unsigned n = 0; n < 200000 && good; n++) {
		unsigned slot = (unsigned)random() % 256, count = 0;
		int taken = -1;

		if (!in[slot])
			add_for(slot, (uint32_t)random() % 20);
		else if (random() % 2)
			queue_drop(&queue, slot);
		else
			taken = queue_take(&queue);
		if (taken >= 0)
			slot = (unsigned)taken;
		good = taken >= 0 ? in[slot] : true;
		in[slot] = taken < 0 && !in[slot];
		good = good && queue_has(&queue, slot) == in[slot] &&
		       (queue_find(&queue, slot + 1000) == (int)slot) == in[slot];
		for (unsigned i = 0; i < 256; i++)
			count += in[i];
		good = good && queue.count == count;
	}
	ok(good, "added, dropped and served in any order");
	while (queue_take(&queue) >= 0)
		;
	is_u64(queue.count, 0, "until it is empty");
	queue_trim(&queue);
	add_for(3, A);
	add_for(4, B);
	queue_trim(&queue);
	is_str(served(), "3 4", "it goes on when its memory was given back, if it was empty");
}

int main(void)
{
	order();
	books();
	threads();
	full();
	nobody_starves("tenants that come back", 62, 63);
	nobody_starves("more than are remembered", 100000, 2);
	newcomers();
	crowded();
	random_walk();
	return tap_done();
}

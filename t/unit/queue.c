/* daemon/queue: containers take turns, and nobody waits for ever. */
#include "daemon/queue.h"
#include "t/unit/tap.h"

static struct queue queue;

/* Slots in the order in which they are served, until the queue is empty. */
static const char *served(void)
{
	static char text[4 * JOURNAL_SLOTS];
	size_t len = 0;
	int slot;

	text[0] = '\0';
	while ((slot = queue_take(&queue)) >= 0)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%d", len ? " " : "", slot);
	return text;
}

static void order(void)
{
	unsigned a = queue_learn(&queue, 100, 4026532000), b, c;

	b = queue_learn(&queue, 101, 4026532001);
	c = queue_learn(&queue, 102, 4026532002);
	is_int(queue_take(&queue), -1, "an empty queue");
	is_int(queue_oldest(&queue), -1, "has no oldest");
	queue_add(&queue, 9, a);
	queue_add(&queue, 3, a);
	queue_add(&queue, 5, a);
	is_str(served(), "9 3 5", "of one container: as they came");
	queue_add(&queue, 1, a);
	queue_add(&queue, 2, a);
	queue_add(&queue, 3, a);
	queue_add(&queue, 4, b);
	is_str(served(), "4 1 2 3", "who was not served just now comes first");
	queue_add(&queue, 1, a);
	queue_add(&queue, 2, a);
	queue_add(&queue, 3, b);
	queue_add(&queue, 4, b);
	queue_add(&queue, 5, c);
	queue_add(&queue, 6, c);
	is_str(served(), "5 3 1 6 4 2", "three take turns");
	queue_add(&queue, 1, a);
	queue_add(&queue, 2, b);
	queue_add(&queue, 3, QUEUE_AT_ONCE);
	queue_add(&queue, 4, QUEUE_AT_ONCE);
	queue_add(&queue, 5, QUEUE_AT_ONCE);
	is_str(served(), "3 2 4 1 5", "what nobody waits for: every other one");
	queue_add(&queue, 4, QUEUE_AT_ONCE);
	queue_add(&queue, 5, QUEUE_AT_ONCE);
	is_str(served(), "4 5", "and one after the other if there is nothing else");
}

static void books(void)
{
	unsigned a = queue_learn(&queue, 100, 4026532000);

	queue_add(&queue, 63, a);
	queue_add(&queue, 0, a);
	queue_add(&queue, 7, a);
	is_int(queue_oldest(&queue), 63, "the oldest");
	ok(queue_has(&queue, 63) && queue_has(&queue, 0) && !queue_has(&queue, 1),
		"which slots are in it");
	queue_drop(&queue, 63);
	queue_drop(&queue, 63);
	queue_drop(&queue, 1);
	is_int(queue_oldest(&queue), 0, "the next one, when that was dropped");
	is_str(served(), "0 7", "what was dropped is not served");
	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		queue_add(&queue, i, a);
	is_u64(queue.count, JOURNAL_SLOTS, "every slot at one time");
	is_int(queue_take(&queue), 0, "the first");
	while (queue_take(&queue) >= 0)
		;
	is_u64(queue.count, 0, "to the last");
}

static void threads(void)
{
	unsigned turn = queue_learn(&queue, 4194303, 4026532999);

	ok(turn > QUEUE_STRANGER && turn < QUEUE_TURNS, "a turn");
	is_u64(queue_turn(&queue, 4194303), turn, "the highest thread id there can be");
	is_u64(queue_learn(&queue, 200, 4026532999), turn,
		"another thread of the namespace");
	is_u64(queue_turn(&queue, 201), QUEUE_STRANGER, "a stranger");
	is_u64(queue_turn(&queue, 200 + QUEUE_THREADS), QUEUE_STRANGER,
		"also one that would be remembered in the same place");
	queue_learn(&queue, 200 + QUEUE_THREADS, 4026532998);
	is_u64(queue_turn(&queue, 200), QUEUE_STRANGER, "it is then, instead");
	queue_learn(&queue, QUEUE_THREADS, 4026532998);
	is_u64(queue_turn(&queue, 0), QUEUE_STRANGER, "a thread that is not seen here");
	is_u64(queue_turn(&queue, -1), QUEUE_STRANGER, "nonsense");
}

/* Beside a container whose readers fill the queue and never stop, while the numbers of
 * requests start anew. */
static void nobody_starves(void)
{
	enum { MANY = 200 };
	unsigned longest = 0, waits = 0;

	queue.taken = UINT32_MAX - MANY / 2;
	for (unsigned i = 0; i < QUEUE_TURNS; i++)
		queue.last[i] = queue.taken;
	for (unsigned i = 0; i < JOURNAL_SLOTS - 1; i++)
		queue_add(&queue, i, queue_learn(&queue, 300, 4026530000));
	for (unsigned n = 0; n < MANY; n++) {
		const unsigned quiet = JOURNAL_SLOTS - 1;
		int slot;

		if (!queue_has(&queue, quiet)) {
			queue_add(&queue, quiet,
				queue_learn(&queue, 301, 4026530001 + n % 62));
			waits = 0;
		}
		slot = queue_take(&queue);
		waits++;
		if ((unsigned)slot == quiet)
			longest = waits > longest ? waits : longest;
		else
			queue_add(&queue, (unsigned)slot, queue_turn(&queue, 300));
	}
	is_u64(longest, 2, "nobody waits for more than one of the others");
	while (queue_take(&queue) >= 0)
		;
}

int main(void)
{
	order();
	books();
	threads();
	nobody_starves();
	return tap_done();
}

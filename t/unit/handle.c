/* daemon/handle: the pool of snapshots is bounded and fair. */
#include "daemon/handle.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { CPUS = 4 };

static struct handles pool;
static uint64_t unique; /* of the last read */

static struct handle_store *store_new(void)
{
	void *mem = mmap(NULL, handle_store_size(CPUS), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

/* Bytes of memory that the store's texts have. */
static size_t resident(const struct handle_store *store)
{
	static unsigned char page[1 << 20];
	const size_t size = handle_store_size(CPUS);
	size_t n = 0;

	if (size / 4096 > sizeof(page) ||
		mincore((void *)(uintptr_t)store, size, page) < 0)
		abort();
	for (size_t i = sizeof(*store) / 4096 + 1; i < size / 4096; i++)
		n += page[i] & 1;
	return n * 4096;
}

static void fresh_pool(void)
{
	static struct handle_store *store;

	if (store)
		munmap(store, handle_store_size(CPUS));
	store = store_new();
	handles_attach(&pool, store, CPUS);
}

/* What the next process finds. */
static void take_over(struct handles *next)
{
	struct handle_store *store = pool.store;

	handles_attach(next, store, CPUS);
}

static void fill(struct snapshot *s, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		out_char(&s->text, (char)('a' + (i * 7 + i / 26 + seed) % 26));
}

static bool filled(const struct snapshot *s, size_t len, unsigned seed)
{
	bool same = s && s->text.len == len;

	for (size_t i = 0; same && i < len; i++)
		same = s->text.data[i] == (char)('a' + (i * 7 + i / 26 + seed) % 26);
	return same;
}

static void basics(void)
{
	struct snapshot *s;

	fresh_pool();
	s = handle_take(&pool, 1, 10, 10);
	out_str(&s->text, "hello");
	ok(handle_find(&pool, 1, 0) == s, "a snapshot is found by its handle");
	ok(!handle_find(&pool, 2, 0), "another is not");
	ok(!handle_find(&pool, 0, 0), "0 is no handle");
	ok(handle_take(&pool, 1, 10, 10) == s, "taking it again gives the same");
	is_u64(s->text.len, 0, "and empty");
	handle_release(&pool, 1);
	ok(!handle_find(&pool, 1, 0), "released");
	handle_release(&pool, 1);
	handle_release(&pool, 77);
	ok(true, "releasing what is not there is nothing");
	handles_deinit(&pool);
}

static void read_whole_by(uint64_t owner, uint64_t outer, uint64_t fh, const char *text)
{
	struct snapshot *s = handle_take(&pool, fh, owner, outer);

	out_str(&s->text, text);
	handle_keep(&pool, s, ++unique, false);
}

/* Far more readers than there is room for, each of which comes back for the end. */
static void read_whole(uint64_t fh, const char *text)
{
	read_whole_by(10, 10, fh, text);
}

static void ends(void)
{
	unsigned found = 0, early = 0;
	struct snapshot *s;

	fresh_pool();
	s = handle_take(&pool, 5000, 11, 11);
	out_str(&s->text, "in pieces");
	handle_keep(&pool, s, ++unique, true);
	for (uint64_t fh = 1; fh <= 1000; fh++)
		read_whole(fh, "whole");
	for (uint64_t fh = 1; fh <= 1000; fh++) {
		s = handle_find(&pool, fh, 5);
		found += s && s->text.len == 5;
		early += handle_find(&pool, fh, 4) != NULL;
	}
	is_u64(found, 1000, "every end is remembered");
	is_u64(early, 0, "and nothing but the end");
	ok(handle_find(&pool, 5000, 0) != NULL, "none costs a snapshot");
	handle_release(&pool, 7);
	ok(!handle_find(&pool, 7, 5), "closed");
	s = handle_take(&pool, 8, 10, 10);
	out_str(&s->text, "whole again");
	ok(handle_find(&pool, 8, 5) == s, "rendered anew");
	handle_keep(&pool, s, ++unique, true);
	for (uint64_t fh = 2000; fh < 2000 + HANDLE_QUOTA; fh++)
		handle_take(&pool, fh, 10, 10);
	ok(!handle_find(&pool, 8, 5), "the end of the rendering before is forgotten");
	handle_store_forget(pool.store);
	read_whole(9, "whole");
	for (uint64_t fh = 3000; fh < 8000; fh++) {
		read_whole(fh, "whole");
		handle_release(&pool, fh);
	}
	ok(handle_find(&pool, 9, 5) != NULL, "none is lost to files that come and go");
	for (uint64_t i = 1; i < HANDLE_WAYS; i++)
		read_whole(9 + i * HANDLE_ENDS, "newer");
	ok(handle_find(&pool, 9, 5) != NULL, "nor to some that stay");
	read_whole(9 + HANDLE_WAYS * HANDLE_ENDS, "newest");
	ok(!handle_find(&pool, 9, 5) &&
			handle_find(&pool, 9 + HANDLE_WAYS * HANDLE_ENDS, 6),
		"but to too many");
	handle_store_forget(pool.store);
	read_whole_by(20, 20, 9, "whole");
	read_whole_by(30, 30, 9 + HANDLE_ENDS, "whole");
	for (uint64_t i = 2; i < 100; i++)
		read_whole_by(100 + i, 10, 9 + i * HANDLE_ENDS, "whole");
	ok(handle_find(&pool, 9, 5) && handle_find(&pool, 9 + HANDLE_ENDS, 5),
		"all of one container, whatever is in it, cost nobody else's");
	handles_deinit(&pool);
}

/* What another process finds of the snapshots that this one had. */
static void survival(void)
{
	static struct handles next;
	struct snapshot *s;
	size_t room;

	fresh_pool();
	room = pool.room;
	s = handle_take(&pool, 1, 10, 10);
	out_str(&s->text, "read in pieces");
	handle_keep(&pool, s, ++unique, true);
	s = handle_take(&pool, 2, 10, 10);
	out_str(&s->text, "read whole");
	handle_keep(&pool, s, ++unique, false);
	s = handle_take(&pool, 3, 10, 10);
	out_str(&s->text, "closed");
	handle_keep(&pool, s, ++unique, true);
	handle_release(&pool, 3);
	s = handle_take(&pool, 4, 10, 10);
	fill(s, room, 4);
	handle_keep(&pool, s, ++unique, true);
	s = handle_take(&pool, 5, 10, 10);
	fill(s, room + 1, 5);
	handle_keep(&pool, s, ++unique, true);
	ok(filled(handle_find(&pool, 5, 0), room + 1, 5), "a text may outgrow its place");

	take_over(&next);
	s = handle_find(&next, 1, 5);
	ok(s && s->text.len == 14 && !memcmp(s->text.data, "read in pieces", 14),
		"a snapshot that is read in pieces survives");
	ok(handle_find(&next, 2, 10) != NULL,
		"so does the end of one that was read whole");
	ok(!handle_find(&next, 2, 9), "but not what is before it");
	ok(!handle_find(&next, 3, 0), "a closed one does not");
	ok(filled(handle_find(&next, 4, 100), room, 4), "one as long as its place does");
	ok(!handle_find(&next, 5, 0), "a longer one does not");
	handle_take(&next, 1, 10, 10);
	handles_deinit(&next);
	take_over(&next);
	ok(!handle_find(&next, 1, 0),
		"one that is rendered anew is no longer what it was");
	handle_release(&next, 2);
	ok(!pool.store->fh[0] && !handle_find(&next, 2, 10), "closing empties the store");
	handle_store_forget(pool.store);
	handles_deinit(&next);
	take_over(&next);
	ok(!handle_find(&next, 4, 0), "nor is anything left for another mount");
	handles_deinit(&next);
	handles_deinit(&pool);
}

static void keep_pieces(struct handles *in, uint64_t fh, uint64_t owner, uint64_t outer)
{
	struct snapshot *s = handle_take(in, fh, owner, outer);

	out_str(&s->text, "read in pieces");
	handle_keep(in, s, ++unique, true);
}

/* A restart makes nobody lose a snapshot to somebody who has more of them. */
static void fair_after_restart(void)
{
	enum { CRASHES = 8, NESTED = 6 };
	static struct handles next;
	uint64_t fh = 1000;

	/* Six owners within one container fill the pool but for one place. */
	fresh_pool();
	keep_pieces(&pool, 1, 5, 5);
	for (int i = 1; i < HANDLE_SNAPSHOTS; i++)
		keep_pieces(&pool, fh++, 10 + (uint64_t)i % NESTED, 10);
	take_over(&next);
	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		keep_pieces(&next, fh++, 10 + (uint64_t)i % NESTED, 10);
	ok(handle_find(&next, 1, 5) != NULL,
		"the pool's greediest container evicts its own after a restart");
	handles_deinit(&next);
	handles_deinit(&pool);

	/* The quota of an owner counts the snapshots from before each restart. */
	fresh_pool();
	keep_pieces(&pool, 1, 11, 10);
	for (int i = 0; i < CRASHES; i++) {
		for (int k = 0; k < HANDLE_QUOTA; k++)
			keep_pieces(&pool, fh++, 12, 10);
		take_over(&next);
		handles_deinit(&pool);
		pool = next;
		next = (struct handles){0};
	}
	ok(handle_find(&pool, 1, 5) != NULL,
		"an owner keeps its quota after restarts, also within one container");
	handles_deinit(&pool);

	/* The order of use goes on. */
	fresh_pool();
	for (uint64_t i = 1; i <= HANDLE_QUOTA; i++)
		keep_pieces(&pool, i, 10, 10);
	handle_find(&pool, 1, 0);
	take_over(&next);
	keep_pieces(&next, 100, 10, 10);
	ok(handle_find(&next, 1, 0) && !handle_find(&next, 2, 0),
		"the least recently used snapshot goes first, also after a restart");
	handles_deinit(&next);
	handles_deinit(&pool);
}

/* A process ends when it has answered a read and not yet noted that: the next one works
 * on that read once more. */
static void answered_twice(void)
{
	static struct handles next;
	struct snapshot *s;

	fresh_pool();
	s = handle_take(&pool, 1, 10, 10);
	out_str(&s->text, "first text");
	handle_keep(&pool, s, 71, true);
	s = handle_take(&pool, 2, 10, 10);
	out_str(&s->text, "another text");
	handle_keep(&pool, s, 72, false);

	take_over(&next);
	s = handle_made_for(&next, 1, 71);
	ok(s && s->text.len == 10 && !memcmp(s->text.data, "first text", 10),
		"the same read gives the text that was made for it");
	ok(!handle_made_for(&next, 1, 73), "another read of the handle does not");
	s = handle_made_for(&next, 2, 72);
	ok(s && s->text.len == 12 && !memcmp(s->text.data, "another text", 12),
		"so does the last one of a file that is read whole");
	ok(!handle_made_for(&next, 2, 74), "and no other");
	handles_deinit(&next);
	take_over(&next);
	ok(handle_made_for(&next, 2, 72) != NULL, "also for the process after that");
	handle_take(&next, 3, 10, 10);
	ok(!handle_made_for(&next, 2, 72), "until its place is needed for the next text");
	handles_deinit(&next);
	handles_deinit(&pool);
}

/* One text for several readers of one container that came together. */
static void sharing(void)
{
	enum { NODE = 4, OTHER_NODE = 5, BATCH = 7 };
	struct snapshot *s, *first;

	fresh_pool();
	handle_new_batch(&pool, BATCH, BATCH);
	ok(!handle_shared(&pool, NODE, 10, BATCH, 1, 1, 4096),
		"nothing is shared at first");
	first = handle_take(&pool, 1, 10, 10);
	out_str(&first->text, "twelve bytes");
	handle_share(&pool, first, NODE, 10);
	handle_keep(&pool, first, ++unique, false);
	s = handle_shared(&pool, NODE, 10, BATCH, 2, ++unique, 4096);
	ok(s && s->text.len == 12 && !memcmp(s->text.data, "twelve bytes", 12),
		"the next reader gets the same text");
	ok(handle_find(&pool, 2, 12) && !handle_find(&pool, 2, 11),
		"and its end is remembered");
	ok(!handle_shared(&pool, NODE, 11, BATCH, 3, ++unique, 4096),
		"not another container's");
	ok(!handle_shared(&pool, OTHER_NODE, 10, BATCH, 3, ++unique, 4096),
		"not another file's");
	ok(!handle_shared(&pool, NODE, 10, BATCH, 3, ++unique, 11),
		"not one that takes it in pieces");

	/* A reader that has an older rendering of which more is left. */
	s = handle_take(&pool, 4, 10, 10);
	out_str(&s->text, "read in pieces");
	handle_keep(&pool, s, ++unique, true);
	handle_shared(&pool, NODE, 10, BATCH, 4, ++unique, 4096);
	s = handle_find(&pool, 4, 12);
	ok(s && s->text.len == 12, "what it had before is forgotten");

	for (uint64_t fh = 10; fh < 10 + HANDLE_SPARE - 1; fh++)
		read_whole(fh, "others'");
	ok(handle_shared(&pool, NODE, 10, BATCH, 5, ++unique, 4096) == first,
		"other texts are made elsewhere");
	handle_new_batch(&pool, BATCH + 1, BATCH);
	ok(!handle_shared(&pool, NODE, 10, BATCH + 1, 6, ++unique, 4096),
		"who comes later gets a new one");
	for (uint64_t fh = 20; fh < 20 + HANDLE_SPARE - 1; fh++)
		read_whole(fh, "others'");
	ok(handle_shared(&pool, NODE, 10, BATCH, 7, ++unique, 4096) == first,
		"who came before still gets that one");
	s = handle_take(&pool, 8, 10, 10);
	out_str(&s->text, "later");
	handle_share(&pool, s, NODE, 10);
	handle_keep(&pool, s, ++unique, false);
	handle_new_batch(&pool, BATCH + 2, BATCH + 2);
	read_whole(30, "new");
	ok(!handle_shared(&pool, NODE, 10, BATCH + 1, 9, ++unique, 4096) ||
			!handle_shared(&pool, NODE, 10, BATCH, 9, ++unique, 4096),
		"until nobody is left who may");
	handles_deinit(&pool);
}

static void quota(void)
{
	fresh_pool();
	for (uint64_t fh = 1; fh <= HANDLE_QUOTA; fh++)
		handle_take(&pool, fh, 10, 10);
	handle_take(&pool, 500, 11, 11);
	handle_find(&pool, 1, 0); /* used just now: the oldest is 2 */
	handle_take(&pool, 100, 10, 10);
	ok(handle_find(&pool, 1, 0) && !handle_find(&pool, 2, 0) &&
			handle_find(&pool, 100, 0),
		"past its quota an owner loses its own least recently used");
	for (uint64_t fh = 1000; fh < 2000; fh++)
		handle_take(&pool, fh, 10, 10);
	ok(handle_find(&pool, 500, 0) != NULL, "a thousand opens do not touch another's");
	handles_deinit(&pool);
}

static void full(void)
{
	uint64_t fh = 1;
	unsigned last = 0;

	fresh_pool();
	/* Four owners fill the pool; a fifth gets room from one of them, each later one
	 * too. */
	for (uint64_t owner = 1; owner <= 4; owner++)
		for (int i = 0; i < HANDLE_SNAPSHOTS / 4; i++)
			handle_take(&pool, fh++, owner, owner);
	handle_take(&pool, 900, 5, 5);
	ok(handle_find(&pool, 900, 0) != NULL,
		"a full pool still has room for a newcomer");
	for (uint64_t i = 1; i < fh; i++)
		last += handle_find(&pool, i, 0) != NULL;
	is_u64(last, HANDLE_SNAPSHOTS - 1, "at the cost of one");
	handle_take(&pool, 901, 6, 6);
	handle_take(&pool, 902, 7, 7);
	ok(handle_find(&pool, 900, 0) && handle_find(&pool, 901, 0) &&
			handle_find(&pool, 902, 0),
		"which those with one snapshot do not pay");
	handles_deinit(&pool);

	fresh_pool();
	handle_take(&pool, 900, 5, 5);
	for (uint64_t owner = 10; owner < 10 + 2 * HANDLE_SNAPSHOTS; owner++)
		handle_take(&pool, owner, owner, 10);
	ok(handle_find(&pool, 900, 0) != NULL,
		"nor one beside many that are in one container");
	handles_deinit(&pool);
}

static void memory(void)
{
	static struct handles next;
	struct snapshot *s;

	fresh_pool();
	is_u64(resident(pool.store), 0, "an empty store has no memory for texts");
	for (uint64_t fh = 1; fh <= HANDLE_SNAPSHOTS; fh++)
		fill(handle_take(&pool, fh, fh, fh), 10000, 0);
	is_u64(resident(pool.store), HANDLE_SNAPSHOTS * 12288,
		"pages as texts need them");
	for (uint64_t fh = 1; fh <= HANDLE_SNAPSHOTS; fh++)
		handle_release(&pool, fh);
	is_u64(resident(pool.store), HANDLE_SPARE * 12288, "idle snapshots keep a few");
	for (uint64_t fh = 1; fh <= HANDLE_SPARE; fh++)
		fill(handle_take(&pool, fh, fh, fh), 100000, 0);
	for (uint64_t fh = 1; fh <= HANDLE_SPARE; fh++)
		handle_release(&pool, fh);
	is_u64(resident(pool.store), 0, "but not after a long text");
	s = handle_take(&pool, 1, 1, 1);
	fill(s, 5000, 0);
	handle_keep(&pool, s, ++unique, true);
	for (uint64_t fh = 2; fh <= HANDLE_SNAPSHOTS; fh++)
		fill(handle_take(&pool, fh, fh, fh), 10000, 0);
	take_over(&next);
	is_u64(resident(next.store), 8192,
		"what a predecessor left half done is given back");
	handles_deinit(&next);
	handles_deinit(&pool);
}

int main(void)
{
	basics();
	ends();
	survival();
	fair_after_restart();
	answered_twice();
	sharing();
	quota();
	full();
	memory();
	return tap_done();
}

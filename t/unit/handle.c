/* daemon/handle: the pool of snapshots is bounded and fair. */
#include "daemon/handle.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct handles pool;
static uint64_t unique; /* of the last read */

static void basics(void)
{
	struct snapshot *s = handle_take(&pool, 1, 10);

	out_str(&s->text, "hello");
	ok(handle_find(&pool, 1, 0) == s, "a snapshot is found by its handle");
	ok(!handle_find(&pool, 2, 0), "another is not");
	ok(!handle_find(&pool, 0, 0), "0 is no handle");
	ok(handle_take(&pool, 1, 10) == s, "taking it again gives the same");
	is_u64(s->text.len, 0, "and empty");
	handle_release(&pool, 1);
	ok(!handle_find(&pool, 1, 0), "released");
	handle_release(&pool, 1);
	handle_release(&pool, 77);
	ok(true, "releasing what is not there is nothing");
}

static void read_whole(uint64_t fh, const char *text)
{
	struct snapshot *s = handle_take(&pool, fh, 10);

	out_str(&s->text, text);
	handle_keep(&pool, s, ++unique, false);
}

/* Far more readers than there is room for, each of which comes back for the end. */
static void ends(void)
{
	static struct handle_store store;
	unsigned found = 0, early = 0;
	struct snapshot *s;

	handles_attach(&pool, &store);
	s = handle_take(&pool, 5000, 11);
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
	s = handle_take(&pool, 8, 10);
	out_str(&s->text, "whole again");
	ok(handle_find(&pool, 8, 5) == s, "rendered anew");
	handle_keep(&pool, s, ++unique, true);
	for (uint64_t fh = 2000; fh < 2000 + HANDLE_QUOTA; fh++)
		handle_take(&pool, fh, 10);
	ok(!handle_find(&pool, 8, 5), "the end of the rendering before is forgotten");
	read_whole(9 + HANDLE_ENDS, "newer");
	ok(!handle_find(&pool, 9, 5) && handle_find(&pool, 9 + HANDLE_ENDS, 5),
		"a newer handle takes the place of an old one");
	handles_deinit(&pool);
}

/* What another process finds of the snapshots that this one had. */
static void survival(void)
{
	static struct handle_store store;
	static struct handles next;
	struct snapshot *s;

	handles_attach(&pool, &store);
	s = handle_take(&pool, 1, 10);
	out_str(&s->text, "read in pieces");
	handle_keep(&pool, s, ++unique, true);
	s = handle_take(&pool, 2, 10);
	out_str(&s->text, "read whole");
	handle_keep(&pool, s, ++unique, false);
	s = handle_take(&pool, 3, 10);
	out_str(&s->text, "closed");
	handle_keep(&pool, s, ++unique, true);
	handle_release(&pool, 3);
	s = handle_take(&pool, 4, 10);
	while (s->text.len <= HANDLE_STORED_SIZE)
		out_str(&s->text, "long");
	handle_keep(&pool, s, ++unique, true);

	handles_attach(&next, &store);
	s = handle_find(&next, 1, 5);
	ok(s && s->text.len == 14 && !memcmp(s->text.data, "read in pieces", 14),
		"a snapshot that is read in pieces survives");
	ok(handle_find(&next, 2, 10) != NULL, "so does the end of one that was read whole");
	ok(!handle_find(&next, 2, 9), "but not what is before it");
	ok(!handle_find(&next, 3, 0) && !handle_find(&next, 4, 0),
		"closed and long ones do not");
	handle_take(&next, 1, 10);
	handles_deinit(&next);
	handles_attach(&next, &store);
	ok(!handle_find(&next, 1, 0), "one that is rendered anew is no longer what it was");
	handle_release(&next, 2);
	is_u64(store.fh[0] | store.ended[2], 0, "closing empties the store");
	handles_deinit(&next);
	handles_deinit(&pool);
}

/* A process ends when it has answered a read and not yet noted that: the next one works on
 * that read once more. */
static void answered_twice(void)
{
	static struct handle_store store;
	static struct handles next;
	struct snapshot *s;

	handles_attach(&pool, &store);
	s = handle_take(&pool, 1, 10);
	out_str(&s->text, "first text");
	handle_keep(&pool, s, 71, true);
	read_whole(2, "first text");
	ok(!handle_made_for(&pool, 2, unique), "of what was read whole no text is left");

	handles_attach(&next, &store);
	s = handle_made_for(&next, 1, 71);
	ok(s && s->text.len == 10 && !memcmp(s->text.data, "first text", 10),
		"the same read gives the text that was made for it");
	ok(!handle_made_for(&next, 1, 73), "another read of the handle does not");
	s = handle_take(&next, 2, 10);
	out_str(&s->text, "a longer text");
	handle_keep(&next, s, unique, false);
	ok(handle_find(&next, 2, 10) && handle_find(&next, 2, 13),
		"made anew for the same read, both texts have ended where they did");
	s = handle_take(&next, 2, 10);
	out_str(&s->text, "a longer text");
	handle_keep(&next, s, ++unique, false);
	ok(!handle_find(&next, 2, 10) && handle_find(&next, 2, 13),
		"for another read the end is the new one");
	handles_deinit(&next);
	handles_deinit(&pool);
}

/* One text for several readers of one container that came together. */
static void sharing(void)
{
	enum { NODE = 4, OTHER_NODE = 5 };
	static struct handle_store store;
	struct snapshot *s, *first;

	handles_attach(&pool, &store);
	handle_new_batch(&pool);
	ok(!handle_shared(&pool, NODE, 10, 1, 1, 4096), "nothing is shared at first");
	first = handle_take(&pool, 1, 10);
	out_str(&first->text, "twelve bytes");
	handle_share(&pool, first, NODE);
	handle_keep(&pool, first, ++unique, false);
	s = handle_shared(&pool, NODE, 10, 2, ++unique, 4096);
	ok(s && s->text.len == 12 && !memcmp(s->text.data, "twelve bytes", 12),
		"the next reader gets the same text");
	ok(handle_find(&pool, 2, 12) && !handle_find(&pool, 2, 11),
		"and its end is remembered");
	ok(!handle_shared(&pool, NODE, 11, 3, ++unique, 4096), "not another container's");
	ok(!handle_shared(&pool, OTHER_NODE, 10, 3, ++unique, 4096), "not another file's");
	ok(!handle_shared(&pool, NODE, 10, 3, ++unique, 11), "not one that takes it in pieces");

	/* A reader that has an older rendering of which more is left. */
	s = handle_take(&pool, 4, 10);
	out_str(&s->text, "read in pieces");
	handle_keep(&pool, s, ++unique, true);
	handle_shared(&pool, NODE, 10, 4, ++unique, 4096);
	s = handle_find(&pool, 4, 12);
	ok(s && s->text.len == 12, "what it had before is forgotten");

	for (uint64_t fh = 10; fh < 10 + HANDLE_SPARE - 1; fh++)
		read_whole(fh, "others'");
	ok(handle_shared(&pool, NODE, 10, 5, ++unique, 4096) == first,
		"other texts are made elsewhere");
	handle_new_batch(&pool);
	ok(!handle_shared(&pool, NODE, 10, 6, ++unique, 4096), "who comes later gets a new one");
	handles_deinit(&pool);
}

static void quota(void)
{
	for (uint64_t fh = 1; fh <= HANDLE_QUOTA; fh++)
		handle_take(&pool, fh, 10);
	handle_take(&pool, 500, 11);
	handle_find(&pool, 1, 0); /* used just now: the oldest is 2 */
	handle_take(&pool, 100, 10);
	ok(handle_find(&pool, 1, 0) && !handle_find(&pool, 2, 0) && handle_find(&pool, 100, 0),
		"past its quota an owner loses its own least recently used");
	for (uint64_t fh = 1000; fh < 2000; fh++)
		handle_take(&pool, fh, 10);
	ok(handle_find(&pool, 500, 0) != NULL, "a thousand opens do not touch another's");
	handles_deinit(&pool);
}

static void full(void)
{
	uint64_t fh = 1;
	unsigned last = 0;

	/* Four owners fill the pool; a fifth gets room from one of them, each later one too. */
	for (uint64_t owner = 1; owner <= 4; owner++)
		for (int i = 0; i < HANDLE_SNAPSHOTS / 4; i++)
			handle_take(&pool, fh++, owner);
	handle_take(&pool, 900, 5);
	ok(handle_find(&pool, 900, 0) != NULL, "a full pool still has room for a newcomer");
	for (uint64_t i = 1; i < fh; i++)
		last += handle_find(&pool, i, 0) != NULL;
	is_u64(last, HANDLE_SNAPSHOTS - 1, "at the cost of one");
	handle_take(&pool, 901, 6);
	handle_take(&pool, 902, 7);
	ok(handle_find(&pool, 900, 0) && handle_find(&pool, 901, 0) && handle_find(&pool, 902, 0),
		"which those with one snapshot do not pay");
	handles_deinit(&pool);
}

static void memory(void)
{
	unsigned kept = 0;

	for (uint64_t fh = 1; fh <= HANDLE_SNAPSHOTS; fh++) {
		struct snapshot *s = handle_take(&pool, fh, fh);
		for (int i = 0; i < 1000; i++)
			out_str(&s->text, "0123456789");
	}
	for (uint64_t fh = 1; fh <= HANDLE_SNAPSHOTS; fh++)
		handle_release(&pool, fh);
	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		kept += pool.slot[i].text.cap != 0;
	is_u64(kept, HANDLE_SPARE, "idle snapshots keep a few buffers");
	handles_deinit(&pool);
}

int main(void)
{
	basics();
	ends();
	survival();
	answered_twice();
	sharing();
	quota();
	full();
	memory();
	return tap_done();
}

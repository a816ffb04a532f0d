/*
 * See handle.h. 64 slots are searched one by one: that is one cache line each. The slot
 * and the place of its text in the store have the same index.
 */
#include "daemon/handle.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* A multiple of every page size: only so much can be given back. */
enum { UNIT = 64 << 10, LONGEST = 1 << 20, LONGEST_CPU = 4 << 10 };

static size_t units(size_t size)
{
	return (size + UNIT - 1) / UNIT * UNIT;
}

static size_t room_of(unsigned cpus)
{
	return units(LONGEST + (size_t)cpus * LONGEST_CPU);
}

size_t handle_store_size(unsigned cpus)
{
	return units(sizeof(struct handle_store)) + HANDLE_SNAPSHOTS * room_of(cpus);
}

static void barrier(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static char *place(const struct handles *handles, size_t i)
{
	return (char *)handles->store + units(sizeof(*handles->store)) +
	       i * handles->room;
}

/* Gives the memory of `count` places back. */
static void trim(struct handles *handles, size_t i, size_t count)
{
	int saved = errno;

	if (count)
		madvise(place(handles, i), count * handles->room, MADV_REMOVE);
	errno = saved;
}

static void give_back(struct handles *handles, struct snapshot *s)
{
	trim(handles, (size_t)(s - handles->slot), 1);
	s->touched = false;
}

/* A predecessor may have written to places that it then did not note. */
static void trim_free(struct handles *handles)
{
	size_t from = 0;

	for (size_t i = 0; i < HANDLE_SNAPSHOTS; i++) {
		if (!handles->slot[i].touched)
			continue;
		trim(handles, from, i - from);
		from = i + 1;
	}
	trim(handles, from, HANDLE_SNAPSHOTS - from);
}

static void take_up(struct handles *handles, size_t i, uint32_t len)
{
	struct snapshot *s = &handles->slot[i];

	s->text.len = len;
	s->unseen = true;
	s->touched = true;
}

static void use(struct handles *handles, struct snapshot *s)
{
	s->used = ++handles->clock;
	handles->store->used[s - handles->slot] = s->used;
}

void handles_attach(struct handles *handles, struct handle_store *store, unsigned cpus)
{
	handles->store = store;
	handles->room = room_of(cpus);
	for (size_t i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		outbuf_lend(&s->text, place(handles, i), handles->room);
		if (!store->fh[i] || store->len[i] > handles->room)
			continue;
		s->fh = store->fh[i];
		s->owner = store->owner[i];
		s->outer = store->outer[i];
		s->used = store->used[i];
		s->made_for = store->made_for[i];
		if (s->used > handles->clock)
			handles->clock = s->used;
		take_up(handles, i, store->len[i]);
	}
	if (store->answering && store->answer_place < HANDLE_SNAPSHOTS &&
		store->answer_len <= handles->room)
		take_up(handles, store->answer_place, store->answer_len);
	else
		store->answering = 0;
	trim_free(handles);
}

void handle_store_forget(struct handle_store *store)
{
	memset(store->fh, 0, sizeof(store->fh));
	memset(store->ended, 0, sizeof(store->ended));
	store->answering = 0;
}

/* Pages that a SIGKILL finds missing, while the kernel copies an answer from them, give
 * the reader EIO. */
static struct snapshot *see(struct snapshot *s)
{
	const volatile char *byte = s->text.data;

	for (size_t i = 0; s->unseen && i < s->text.len; i += 4096)
		(void)byte[i];
	if (s->unseen && s->text.len)
		(void)byte[s->text.len - 1];
	s->unseen = false;
	return s;
}

static void store_text(struct handle_store *store, size_t i, const struct snapshot *s)
{
	/* It has outgrown its place. */
	if (!s->text.lent)
		return;
	store->len[i] = (uint32_t)s->text.len;
	store->made_for[i] = s->made_for;
	store->owner[i] = s->owner;
	store->outer[i] = s->outer;
	barrier();
	store->fh[i] = s->fh;
}

/* Where the end of a handle is; -1 for nowhere. */
static int end_of(const struct handle_store *store, uint64_t fh)
{
	const unsigned first = fh % (HANDLE_ENDS / HANDLE_WAYS) * HANDLE_WAYS;

	for (unsigned i = first; fh && i < first + HANDLE_WAYS; i++)
		if (store->ended[i] == fh)
			return (int)i;
	return -1;
}

/* How many of a set whoever has one of it has there. */
static unsigned ends_with(const struct handle_store *store, unsigned first, unsigned one)
{
	unsigned n = 0;

	for (unsigned i = first; i < first + HANDLE_WAYS; i++)
		n += store->ended_by[i] == store->ended_by[one];
	return n;
}

/* Where it shall be: with its own, with nobody's, or with the oldest of whoever has most
 * in the set. */
static unsigned end_place(const struct handle_store *store, uint64_t fh)
{
	const unsigned first = fh % (HANDLE_ENDS / HANDLE_WAYS) * HANDLE_WAYS;
	unsigned best = first, most = 0;
	int own = end_of(store, fh);

	if (own >= 0)
		return (unsigned)own;
	for (unsigned i = first; i < first + HANDLE_WAYS; i++)
		if (!store->ended[i])
			return i;
	for (unsigned i = first; i < first + HANDLE_WAYS; i++) {
		unsigned n = ends_with(store, first, i);

		if (n > most || (n == most && store->ended[i] < store->ended[best]))
			best = i;
		most = n > most ? n : most;
	}
	return best;
}

/* The read `unique` of `fh` gets the whole text of the snapshot. */
static void store_end(const struct handles *handles, const struct snapshot *s,
	uint64_t fh, uint64_t unique)
{
	struct handle_store *store = handles->store;
	const unsigned i = end_place(store, fh);

	store->answering = 0;
	store->ended[i] = 0;
	barrier();
	store->end[i] = (uint32_t)s->text.len;
	store->ended_by[i] = (uint32_t)(s->outer ^ s->outer >> 32);
	barrier();
	store->ended[i] = fh;
	store->answer_place = (uint32_t)(s - handles->slot);
	store->answer_len = (uint32_t)s->text.len;
	barrier();
	store->answering = s->text.lent ? unique : 0;
}

static void end_drop(struct handles *handles, uint64_t fh)
{
	int i = end_of(handles->store, fh);

	if (i >= 0)
		handles->store->ended[i] = 0;
}

void handle_keep(
	struct handles *handles, struct snapshot *s, uint64_t unique, bool pieces)
{
	s->made_for = unique;
	if (pieces) {
		end_drop(handles, s->fh);
		store_text(handles->store, (size_t)(s - handles->slot), s);
	} else {
		store_end(handles, s, s->fh, unique);
		s->fh = 0;
	}
}

/* Where a text that was read whole ended, if that is no further than the offset. */
static struct snapshot *end_find(struct handles *handles, uint64_t fh, uint64_t offset)
{
	const struct handle_store *store = handles->store;
	int i = end_of(store, fh);

	if (i < 0 || offset < store->end[i])
		return NULL;
	handles->end.text.len = store->end[i];
	return &handles->end;
}

void handles_deinit(struct handles *handles)
{
	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		outbuf_deinit(&handles->slot[i].text);
	*handles = (struct handles){0};
}

static struct snapshot *slot_of(struct handles *handles, uint64_t fh)
{
	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		if (handles->slot[i].fh == fh && fh)
			return &handles->slot[i];
	return NULL;
}

struct snapshot *handle_find(struct handles *handles, uint64_t fh, uint64_t offset)
{
	struct snapshot *s = slot_of(handles, fh);

	if (!s)
		return end_find(handles, fh, offset);
	use(handles, s);
	return see(s);
}

struct snapshot *handle_made_for(struct handles *handles, uint64_t fh, uint64_t unique)
{
	const struct handle_store *store = handles->store;
	struct snapshot *s = slot_of(handles, fh);

	if (s)
		return s->made_for == unique ? handle_find(handles, fh, 0) : NULL;
	return unique && store->answering == unique
		       ? see(&handles->slot[store->answer_place])
		       : NULL;
}

void handle_new_batch(struct handles *handles, uint64_t batch, uint64_t oldest)
{
	handles->batch = batch;
	handles->oldest = oldest;
}

void handle_share(const struct handles *handles, struct snapshot *s, uint64_t node,
	uint64_t reader)
{
	s->batch = handles->batch;
	s->node = node;
	s->reader = reader;
}

struct snapshot *handle_shared(struct handles *handles, uint64_t node, uint64_t reader,
	uint64_t batch, uint64_t fh, uint64_t unique, uint32_t size)
{
	struct snapshot *own = slot_of(handles, fh);

	for (size_t i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		if (s->node != node || s->batch < batch || s->reader != reader ||
			s->text.len > size)
			continue;
		if (own && own != s)
			handle_release(handles, fh);
		store_end(handles, s, fh, unique);
		return s;
	}
	return NULL;
}

static unsigned owned(const struct handles *handles, uint64_t owner)
{
	unsigned n = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		n += handles->slot[i].fh && handles->slot[i].owner == owner;
	return n;
}

static unsigned owned_within(const struct handles *handles, uint64_t outer)
{
	unsigned n = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		n += handles->slot[i].fh && handles->slot[i].outer == outer;
	return n;
}

static struct snapshot *oldest_of(struct handles *handles, uint64_t owner)
{
	struct snapshot *oldest = NULL;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];
		if (s->fh && s->owner == owner && (!oldest || s->used < oldest->used))
			oldest = s;
	}
	return oldest;
}

static unsigned spare(const struct handles *handles)
{
	unsigned n = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		n += !handles->slot[i].fh && handles->slot[i].touched;
	return n;
}

static bool is_shared(const struct handles *handles, const struct snapshot *s)
{
	return s->node && s->batch >= handles->oldest;
}

/* A free slot. One with memory first, but while there may be more of those, none whose
 * text is still shared. */
static struct snapshot *free_slot(struct handles *handles)
{
	struct snapshot *best = NULL, *shared = NULL, *bare = NULL;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		if (s->fh)
			continue;
		if (!s->touched)
			bare = s;
		else if (!is_shared(handles, s))
			best = best ? best : s;
		else if (!shared || s->used < shared->used)
			shared = s;
	}
	if (best)
		return best;
	return bare && spare(handles) < HANDLE_SPARE ? bare : shared ? shared : bare;
}

/* The pool is full: whoever holds most of it gives up their oldest. */
static struct snapshot *oldest_of_greediest(struct handles *handles)
{
	struct snapshot *best = &handles->slot[0];
	unsigned most = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];
		unsigned n = owned_within(handles, s->outer);

		if (n > most || (n == most && s->used < best->used))
			best = s;
		most = n > most ? n : most;
	}
	return best;
}

/* What is in the slot's place is nobody's any more. */
static void empty(struct handles *handles, struct snapshot *s)
{
	const size_t i = (size_t)(s - handles->slot);
	const bool large = s->text.len > HANDLE_SPARE_SIZE || !s->text.lent;
	struct handle_store *store = handles->store;

	store->fh[i] = 0;
	if (store->answer_place == i)
		store->answering = 0;
	barrier();
	s->fh = 0;
	s->node = 0;
	s->unseen = false;
	outbuf_lend(&s->text, place(handles, i), handles->room);
	if (large)
		give_back(handles, s);
}

struct snapshot *handle_take(
	struct handles *handles, uint64_t fh, uint64_t owner, uint64_t outer)
{
	struct snapshot *s = slot_of(handles, fh);

	if (!s && owned(handles, owner) >= HANDLE_QUOTA)
		s = oldest_of(handles, owner);
	if (!s)
		s = free_slot(handles);
	if (!s)
		s = oldest_of_greediest(handles);
	empty(handles, s);
	s->fh = fh;
	s->owner = owner;
	s->outer = outer;
	use(handles, s);
	s->touched = true;
	return s;
}

void handle_release(struct handles *handles, uint64_t fh)
{
	struct snapshot *s = slot_of(handles, fh);

	end_drop(handles, fh);
	if (!s)
		return;
	empty(handles, s);
	if (s->touched && spare(handles) > HANDLE_SPARE)
		give_back(handles, s);
}

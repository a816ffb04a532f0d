/*
 * See handle.h. 64 slots are searched one by one: that is one cache line each.
 */
#include "daemon/handle.h"

#include <stdatomic.h>
#include <string.h>

void handles_attach(struct handles *handles, struct handle_store *store)
{
	handles->store = store;
	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		if (!store->fh[i] || store->len[i] > HANDLE_STORED_SIZE)
			continue;
		s->fh = store->fh[i];
		s->owner = HANDLE_LEFT;
		s->made_for = store->made_for[i];
		s->stored = true;
	}
}

static void store_drop(struct handles *handles, const struct snapshot *s)
{
	if (handles->store)
		handles->store->fh[s - handles->slot] = 0;
}

/* False without memory. */
static bool store_load(struct handles *handles, struct snapshot *s)
{
	const long i = s - handles->slot;

	outbuf_reset(&s->text);
	out_mem(&s->text, handles->store->text[i], handles->store->len[i]);
	s->stored = s->text.failed;
	return !s->stored;
}

static void store_text(struct handle_store *store, long i, const struct snapshot *s)
{
	store->fh[i] = 0;
	if (s->text.len > HANDLE_STORED_SIZE)
		return;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(store->text[i], s->text.data, s->text.len);
	store->len[i] = (uint32_t)s->text.len;
	store->made_for[i] = s->made_for;
	atomic_signal_fence(memory_order_seq_cst);
	store->fh[i] = s->fh;
}

static void store_end(struct handle_store *store, uint64_t fh, uint64_t unique, size_t len)
{
	const unsigned i = fh % HANDLE_ENDS;
	uint32_t end = (uint32_t)len;

	/* A predecessor made a text for the same read and may have sent it: the reader has one
	 * of the two, and where the shorter one ends nothing more may come. */
	if (store->ended[i] == fh && store->end_for[i] == unique && store->end[i] < end)
		end = store->end[i];
	store->ended[i] = 0;
	atomic_signal_fence(memory_order_seq_cst);
	store->end[i] = end;
	store->end_for[i] = unique;
	atomic_signal_fence(memory_order_seq_cst);
	store->ended[i] = fh;
}

static void end_drop(struct handles *handles, uint64_t fh)
{
	struct handle_store *store = handles->store;

	if (store && store->ended[fh % HANDLE_ENDS] == fh)
		store->ended[fh % HANDLE_ENDS] = 0;
}

void handle_keep(struct handles *handles, struct snapshot *s, uint64_t unique, bool pieces)
{
	s->made_for = unique;
	if (!handles->store)
		return;
	if (pieces) {
		end_drop(handles, s->fh);
		store_text(handles->store, s - handles->slot, s);
	} else {
		store_end(handles->store, s->fh, unique, s->text.len);
		s->fh = 0;
	}
}

/* Where a text that was read whole ended, if that is no further than the offset. */
static struct snapshot *end_find(struct handles *handles, uint64_t fh, uint64_t offset)
{
	const struct handle_store *store = handles->store;
	const unsigned i = fh % HANDLE_ENDS;

	if (!store || !fh || store->ended[i] != fh || offset < store->end[i])
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
	if (s->stored && !store_load(handles, s))
		return NULL;
	s->used = ++handles->clock;
	return s;
}

struct snapshot *handle_made_for(struct handles *handles, uint64_t fh, uint64_t unique)
{
	struct snapshot *s = slot_of(handles, fh);

	return s && s->made_for == unique ? handle_find(handles, fh, 0) : NULL;
}

void handle_new_batch(struct handles *handles)
{
	handles->batch++;
}

void handle_share(const struct handles *handles, struct snapshot *s, uint64_t node)
{
	s->batch = handles->batch;
	s->node = node;
}

struct snapshot *handle_shared(struct handles *handles, uint64_t node, uint64_t owner,
	uint64_t fh, uint64_t unique, uint32_t size)
{
	struct snapshot *own = slot_of(handles, fh);

	for (int i = 0; handles->store && i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		if (s->node != node || s->batch != handles->batch || s->owner != owner ||
			s->text.len > size)
			continue;
		if (own && own != s)
			handle_release(handles, fh);
		store_end(handles->store, fh, unique, s->text.len);
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
		n += !handles->slot[i].fh && handles->slot[i].text.cap;
	return n;
}

static bool is_shared(const struct handles *handles, const struct snapshot *s)
{
	return s->node && s->batch == handles->batch;
}

/* A free slot. One with memory first, but while there may be more of those, none whose text
 * is still shared. */
static struct snapshot *free_slot(struct handles *handles)
{
	struct snapshot *best = NULL, *shared = NULL, *bare = NULL;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];

		if (s->fh)
			continue;
		if (!s->text.cap)
			bare = s;
		else if (!is_shared(handles, s))
			best = best && best->text.cap >= s->text.cap ? best : s;
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
	uint64_t greediest = 0;
	unsigned most = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		unsigned n = owned(handles, handles->slot[i].owner);
		if (n > most) {
			most = n;
			greediest = handles->slot[i].owner;
		}
	}
	return oldest_of(handles, greediest);
}

struct snapshot *handle_take(struct handles *handles, uint64_t fh, uint64_t owner)
{
	struct snapshot *s = slot_of(handles, fh);

	if (!s && owned(handles, owner) >= HANDLE_QUOTA)
		s = oldest_of(handles, owner);
	if (!s)
		s = free_slot(handles);
	if (!s)
		s = oldest_of_greediest(handles);
	store_drop(handles, s);
	if (s->text.cap > HANDLE_SPARE_SIZE)
		outbuf_deinit(&s->text);
	s->fh = fh;
	s->owner = owner;
	s->stored = false;
	s->node = 0;
	s->used = ++handles->clock;
	outbuf_reset(&s->text);
	return s;
}

void handle_release(struct handles *handles, uint64_t fh)
{
	struct snapshot *s = slot_of(handles, fh);

	end_drop(handles, fh);
	if (!s)
		return;
	if (s->text.cap > HANDLE_SPARE_SIZE || spare(handles) >= HANDLE_SPARE)
		outbuf_deinit(&s->text);
	store_drop(handles, s);
	s->stored = false;
	s->node = 0;
	s->fh = 0;
}

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

		if (!store->fh[i] || (store->copied[i] && store->len[i] > HANDLE_STORED_SIZE))
			continue;
		s->fh = store->fh[i];
		s->owner = HANDLE_LEFT;
		s->stored = true;
	}
}

static void store_drop(struct handles *handles, const struct snapshot *s)
{
	if (handles->store)
		handles->store->fh[s - handles->slot] = 0;
}

/* False when the store does not have what is at the offset. */
static bool store_load(struct handles *handles, struct snapshot *s, uint64_t offset)
{
	const long i = s - handles->slot;
	const struct handle_store *store = handles->store;

	outbuf_reset(&s->text);
	if (store->copied[i]) {
		out_mem(&s->text, store->text[i], store->len[i]);
		s->stored = false;
		return !s->text.failed;
	}
	return offset >= store->len[i];
}

void handle_keep(struct handles *handles, const struct snapshot *s, bool pieces)
{
	const long i = s - handles->slot;
	struct handle_store *store = handles->store;

	if (!store)
		return;
	store->fh[i] = 0;
	if (pieces && s->text.len > HANDLE_STORED_SIZE)
		return;
	atomic_signal_fence(memory_order_seq_cst);
	if (pieces)
		memcpy(store->text[i], s->text.data, s->text.len);
	store->len[i] = (uint32_t)s->text.len;
	store->copied[i] = pieces;
	atomic_signal_fence(memory_order_seq_cst);
	store->fh[i] = s->fh;
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

	if (!s || (s->stored && !store_load(handles, s, offset)))
		return NULL;
	s->used = ++handles->clock;
	return s;
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

/* A free slot, one with memory first. */
static struct snapshot *free_slot(struct handles *handles)
{
	struct snapshot *best = NULL;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++) {
		struct snapshot *s = &handles->slot[i];
		if (!s->fh && (!best || s->text.cap > best->text.cap))
			best = s;
	}
	return best;
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
	s->fh = fh;
	s->owner = owner;
	s->stored = false;
	s->used = ++handles->clock;
	outbuf_reset(&s->text);
	return s;
}

static unsigned spare(const struct handles *handles)
{
	unsigned n = 0;

	for (int i = 0; i < HANDLE_SNAPSHOTS; i++)
		n += !handles->slot[i].fh && handles->slot[i].text.cap;
	return n;
}

void handle_release(struct handles *handles, uint64_t fh)
{
	struct snapshot *s = slot_of(handles, fh);

	if (!s)
		return;
	if (s->text.cap > HANDLE_SPARE_SIZE || spare(handles) >= HANDLE_SPARE)
		outbuf_deinit(&s->text);
	store_drop(handles, s);
	s->stored = false;
	s->fh = 0;
}

/*
 * The kernel's arithmetic, to the bit, and a table of what it came to.
 *
 * An entry has two copies of its state, and one store says which of them is valid. Only
 * one process writes at a time, and its successor looks after it is gone, so barriers for
 * the compiler suffice.
 */
#include "cache/load.h"

#include <stdatomic.h>
#include <string.h>

/* 2048 / exp(5 s / 1, 5, 15 min), include/linux/sched/loadavg.h. */
static const uint64_t decay[LOAD_TERMS] = {1884, 2014, 2037};

/* More would say nothing: after this many periods every term has forgotten the past. */
enum { TICKS_MAX = 1 << 20 };
/* So that load * decay fits 64 bits whatever somebody counted. */
static const uint64_t active_max = UINT64_C(1) << 32;

struct entry {
	struct load_key key;
	uint64_t stored_ns;
	uint64_t valid; /* 0: free; else copy[valid - 1] holds */
	struct load_state copy[2];
};

struct load {
	uint64_t magic;
	uint64_t size;
	uint64_t used; /* entries from here on were never used */
	struct entry entry[LOAD_ENTRIES];
};

static const uint64_t load_magic = UINT64_C(0x65766c786c6f6164);

static uint64_t round_shift(uint64_t v)
{
	return (v + (1u << (LOAD_SHIFT - 1))) >> LOAD_SHIFT;
}

/* x^n in fixed point, rounded as fixed_power_int() does: by squaring. */
static uint64_t power(uint64_t x, uint64_t n)
{
	uint64_t result = LOAD_ONE;

	for (; n; n >>= 1) {
		if (n & 1)
			result = round_shift(result * x);
		x = round_shift(x * x);
	}
	return result;
}

uint64_t load_average(uint64_t avg, unsigned term, uint64_t active, uint64_t ticks)
{
	uint64_t e, next;

	if (!ticks)
		return avg;
	if (active > active_max)
		active = active_max;
	active <<= LOAD_SHIFT;
	e = power(decay[term], ticks < TICKS_MAX ? ticks : TICKS_MAX);
	next = avg * e + active * (LOAD_ONE - e);
	/* Rising, it is rounded up, or it would never arrive. */
	if (active >= avg)
		next += LOAD_ONE - 1;
	return next >> LOAD_SHIFT;
}

void load_count(struct load_state *state, bool known, const struct load_counts *counts,
	uint64_t tick)
{
	uint64_t active = counts->running + counts->blocked;
	uint64_t late = known && tick > state->tick ? tick - state->tick : 0;
	struct load_counts next = *counts;

	for (unsigned i = 0; i < LOAD_TERMS; i++)
		next.avg[i] = known ? load_average(state->counts.avg[i], i, active, late)
				    : (active < active_max ? active : active_max)
					      << LOAD_SHIFT;
	if (!known || late)
		state->tick = tick;
	state->counts = next;
}

size_t load_size(void)
{
	return sizeof(struct load);
}

static void barrier(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

struct load *load_attach(void *mem)
{
	struct load *load = mem;

	if (load->magic == load_magic && load->size == sizeof(*load) &&
		load->used <= LOAD_ENTRIES)
		return load;
	/* Entries are cleared as they come into use: clearing all would touch every page.
	 */
	load->magic = 0;
	barrier();
	load->size = sizeof(*load);
	load->used = 0;
	barrier();
	load->magic = load_magic;
	return load;
}

static bool same_key(const struct load_key *a, const struct load_key *b)
{
	return a->pidns == b->pidns && a->cgns == b->cgns && a->start_ns == b->start_ns;
}

/* The entry's number; LOAD_ENTRIES when there is none. */
static unsigned find(const struct load *load, const struct load_key *key)
{
	for (unsigned i = 0; i < load->used; i++)
		if (load->entry[i].valid && same_key(&load->entry[i].key, key))
			return i;
	return LOAD_ENTRIES;
}

static struct entry *oldest(struct load *load)
{
	struct entry *best = &load->entry[0];

	for (uint64_t i = 0; i < load->used; i++) {
		struct entry *e = &load->entry[i];
		if (!e->valid)
			return e;
		if (e->stored_ns < best->stored_ns)
			best = e;
	}
	return best;
}

/* An entry that is not valid. */
static struct entry *take(struct load *load)
{
	struct entry *e;

	if (load->used < LOAD_ENTRIES) {
		e = &load->entry[load->used];
		e->valid = 0;
		barrier();
		load->used++;
		return e;
	}
	e = oldest(load);
	e->valid = 0;
	return e;
}

bool load_find(
	const struct load *load, const struct load_key *key, struct load_state *out)
{
	unsigned i = find(load, key);

	if (i == LOAD_ENTRIES)
		return false;
	*out = load->entry[i].copy[(load->entry[i].valid - 1) & 1];
	return true;
}

void load_store(struct load *load, const struct load_key *key,
	const struct load_state *state, uint64_t now_ns)
{
	unsigned i = find(load, key), copy;
	struct entry *e = i < LOAD_ENTRIES ? &load->entry[i] : take(load);

	copy = e->valid == 1;
	barrier();
	if (!e->valid)
		e->key = *key;
	e->stored_ns = now_ns;
	e->copy[copy] = *state;
	barrier();
	e->valid = copy + 1;
}

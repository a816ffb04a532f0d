/*
 * The kernel's arithmetic, to the bit, and a table of what it came to.
 *
 * An entry has two copies of its state, and one store says which of them is valid. Only
 * one process writes at a time, and its successor looks after it is gone, so barriers for
 * the compiler suffice.
 */
#include "cache/load.h"

#include "cache/slots.h"

#include <stdatomic.h>
#include <string.h>

/* 2048 / exp(5 s / 1, 5, 15 min), include/linux/sched/loadavg.h. */
static const uint64_t decay[LOAD_TERMS] = {1884, 2014, 2037};

/* More would say nothing: after this many periods every term has forgotten the past. */
enum { TICKS_MAX = 1 << 20 };
/* So that load * decay fits 64 bits whatever somebody counted. */
static const uint64_t active_max = UINT64_C(1) << 32;

struct entry {
	uint64_t stored_ns;
	uint64_t valid; /* 0: free; else copy[valid - 1] holds */
	struct load_state copy[2];
};

struct load {
	uint64_t magic;
	uint64_t size;
	uint64_t used; /* entries from here on were never used */
	/* Of the entry with the same number; apart from it, since they are searched. */
	struct load_key key[LOAD_ENTRIES];
	struct entry entry[LOAD_ENTRIES];
};

static const uint64_t load_magic = UINT64_C(0x65766c786c6f6165);

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

/* decay^(age / LOAD_PERIOD_NS) in fixed point, linear between two periods: the error of
 * that is below a tenth of a percent. */
static uint64_t decay_over(unsigned term, uint64_t age_ns)
{
	uint64_t ticks = age_ns / LOAD_PERIOD_NS, part = age_ns % LOAD_PERIOD_NS;
	uint64_t e = power(decay[term], ticks < TICKS_MAX ? ticks : TICKS_MAX);

	return e - e * (LOAD_ONE - decay[term]) * part / LOAD_PERIOD_NS / LOAD_ONE;
}

uint64_t load_young(unsigned term, uint64_t active, uint64_t age_ns)
{
	if (active > active_max)
		active = active_max;
	return active * (LOAD_ONE - decay_over(term, age_ns));
}

void load_count(struct load_state *state, bool known, const struct load_counts *counts,
	uint64_t tick, uint64_t age_ns)
{
	uint64_t active = counts->running + counts->blocked;
	uint64_t late = known && tick > state->tick ? tick - state->tick : 0;
	struct load_counts next = *counts;

	for (unsigned i = 0; i < LOAD_TERMS; i++)
		next.avg[i] = known ? load_average(state->counts.avg[i], i, active, late)
				    : load_young(i, active, age_ns);
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

static bool is_at(const struct load *load, int at, const struct load_key *key)
{
	return at >= 0 && (uint64_t)at < load->used && load->entry[at].valid &&
	       same_key(&load->key[at], key);
}

static int find(const struct load *load, const struct load_key *key)
{
	for (int i = 0; (uint64_t)i < load->used; i++)
		if (same_key(&load->key[i], key) && load->entry[i].valid)
			return i;
	return LOAD_NOWHERE;
}

/* One that is free, or else was stored longest ago. */
static int oldest(const struct load *load)
{
	int best = 0;

	for (int i = 0; (uint64_t)i < load->used; i++) {
		if (!load->entry[i].valid)
			return i;
		if (load->entry[i].stored_ns < load->entry[best].stored_ns)
			best = i;
	}
	return best;
}

/* An entry that is not valid. */
static int take(struct load *load)
{
	int at = oldest(load);
	bool is_new = load->used < LOAD_ENTRIES && (!load->used || load->entry[at].valid);

	if (is_new)
		at = (int)load->used;
	load->entry[at].valid = 0;
	barrier();
	load->used += is_new;
	return at;
}

int load_find(const struct load *load, const struct load_key *key, struct load_state *out)
{
	int at = find(load, key);

	if (at != LOAD_NOWHERE)
		*out = load->entry[at].copy[(load->entry[at].valid - 1) & 1];
	return at;
}

int load_store(struct load *load, int at, const struct load_key *key,
	const struct load_state *state, uint64_t now_ns)
{
	struct entry *e;
	unsigned copy;

	if (!is_at(load, at, key))
		at = find(load, key);
	if (at == LOAD_NOWHERE)
		at = take(load);
	e = &load->entry[at];
	copy = e->valid == 1;
	barrier();
	if (!e->valid)
		load->key[at] = *key;
	e->stored_ns = now_ns;
	e->copy[copy] = *state;
	barrier();
	e->valid = copy + 1;
	return at;
}

/* Entries that are free behind all others were never used. */
static void shrink(struct load *load)
{
	enum { STEP = 32 }; /* giving less back is not worth a system call */
	const uint64_t before = load->used;
	uint64_t used = before;

	while (used && !load->entry[used - 1].valid)
		used--;
	barrier();
	load->used = used;
	if (used / STEP == before / STEP)
		return;
	slots_give_back(&load->key[used], &load->key[LOAD_ENTRIES]);
	slots_give_back(&load->entry[used], &load->entry[LOAD_ENTRIES]);
}

void load_forget(struct load *load, int at, const struct load_key *key)
{
	if (!is_at(load, at, key))
		return;
	load->entry[at].valid = 0;
	shrink(load);
}

void load_forget_old(struct load *load, uint64_t before_ns)
{
	for (uint64_t i = 0; i < load->used; i++)
		if (load->entry[i].stored_ns < before_ns)
			load->entry[i].valid = 0;
	shrink(load);
}

/*
 * See journal.h. Only one process reads from the channel at a time, so nothing is locked;
 * stores that a successor relies on are ordered by compiler barriers, since it sees the
 * memory only after this process is gone.
 */
#include "fusechan/journal.h"

#include "fusechan/abi.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t journal_magic = UINT64_C(0x65766c7863667300) + JOURNAL_FORMAT;

static void barrier(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

bool journal_valid(const struct journal *journal)
{
	return journal->magic == journal_magic;
}

/* Slots that end within so many units. */
static unsigned slots_in(unsigned units)
{
	const size_t bytes =
		(size_t)units * JOURNAL_UNIT - offsetof(struct journal, slot);
	const size_t slots = bytes / sizeof(struct slot);

	return slots < JOURNAL_SLOTS ? (unsigned)slots : JOURNAL_SLOTS;
}

/* All of it, in whole units. */
static unsigned units_most(void)
{
	return (unsigned)((sizeof(struct journal) + JOURNAL_UNIT - 1) / JOURNAL_UNIT);
}

static unsigned number_of(const struct journal *journal, const struct slot *slot)
{
	return (unsigned)(slot - journal->slot);
}

static void set_free(struct journal *journal, unsigned i, bool is_free)
{
	uint64_t *word = &journal->free[i / 64];
	uint64_t *group = &journal->groups[i / 64 / 64];
	const uint64_t group_bit = UINT64_C(1) << i / 64 % 64;

	if (is_free)
		*word |= UINT64_C(1) << i % 64;
	else
		*word &= ~(UINT64_C(1) << i % 64);
	*group = *word ? *group | group_bit : *group & ~group_bit;
}

/* The keeper looks while the worker writes. */
static void count(uint32_t *number, int by)
{
	__atomic_store_n(number, *number + (uint32_t)by, __ATOMIC_RELAXED);
}

static void make_free(struct journal *journal, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		journal->slot[i].state = SLOT_FREE;
		set_free(journal, i, true);
	}
}

unsigned journal_size(const struct journal *journal)
{
	return slots_in(journal->units);
}

void journal_format(struct journal *journal, uint64_t serial)
{
	journal->magic = 0;
	barrier();
	journal->units = 1;
	journal_forget(journal);
	journal->taken = 0;
	journal->answered = 0;
	journal->serial = serial;
	journal->excused = 0;
	barrier();
	journal->magic = journal_magic;
}

/* Bytes of the units from..to, which may reach beyond the journal. */
static char *unit(struct journal *journal, unsigned i)
{
	return (char *)journal + (size_t)i * JOURNAL_UNIT;
}

static size_t bytes_of(unsigned from, unsigned to)
{
	const size_t end = (size_t)to * JOURNAL_UNIT;

	return (end < sizeof(struct journal) ? end : sizeof(struct journal)) -
	       (size_t)from * JOURNAL_UNIT;
}

/* Writes to each page once: of shared memory, MAP_POPULATE maps holes. No page is smaller
 * than 4096 bytes. */
static void touch(struct journal *journal, unsigned from, unsigned to)
{
	volatile char *byte = (volatile char *)unit(journal, from);
	const size_t len = bytes_of(from, to);

	for (size_t i = 0; i < len; i += 4096)
		byte[i] = byte[i];
	byte[len - 1] = byte[len - 1];
}

/* Makes more units present and locks them; 0 or -1. mlock(2) allocates the pages and says
 * so where there is no memory; a touch before it would be a SIGBUS. */
static int lock(struct journal *journal, unsigned from, unsigned to)
{
	if (mlock(unit(journal, from), bytes_of(from, to)) < 0)
		return -1;
	touch(journal, from, to);
	return 0;
}

/* Nothing where the memory is not shared: then it stays. Locked pages cannot be
 * removed. */
static void give_back(struct journal *journal, unsigned from)
{
	const size_t len = bytes_of(from, units_most());

	munlock(unit(journal, from), len);
	madvise(unit(journal, from), len, MADV_REMOVE);
}

void journal_populate(struct journal *journal)
{
	int saved = errno;

	touch(journal, 0, journal->units);
	mlock(unit(journal, 0), bytes_of(0, journal->units));
	if (journal->units < units_most())
		give_back(journal, journal->units);
	errno = saved;
}

void journal_lock(const struct journal *journal)
{
	int saved = errno;

	mlock(journal, bytes_of(0, 1));
	errno = saved;
}

bool journal_grow(struct journal *journal)
{
	const unsigned units = journal->units, before = slots_in(units);
	int saved = errno;
	bool good;

	if (before == JOURNAL_SLOTS)
		return false;
	good = lock(journal, units, units + 1) == 0;
	if (good) {
		make_free(journal, before, slots_in(units + 1));
		barrier();
		journal->units = units + 1;
	} else {
		give_back(journal, units);
	}
	errno = saved;
	return good;
}

/* Units up to the last slot that holds a request. */
static unsigned units_held(const struct journal *journal)
{
	unsigned slots = journal_size(journal), units = journal->units;

	while (slots && journal->slot[slots - 1].state != SLOT_TAKEN)
		slots--;
	while (units > 1 && slots_in(units - 1) >= slots)
		units--;
	return units;
}

bool journal_shrink(struct journal *journal)
{
	const unsigned units = units_held(journal), before = journal_size(journal);
	int saved = errno;

	if (units < journal->units) {
		journal->units = units;
		barrier();
		for (unsigned i = slots_in(units); i < before; i++)
			set_free(journal, i, false);
		give_back(journal, units);
	}
	errno = saved;
	return units > 1;
}

/* -1 when none is free. */
static int first_free(const struct journal *journal)
{
	for (int i = 0; i < JOURNAL_GROUPS; i++)
		if (journal->groups[i]) {
			int word = i * 64 + __builtin_ctzll(journal->groups[i]);

			return word * 64 + __builtin_ctzll(journal->free[word]);
		}
	return -1;
}

struct slot *journal_next(struct journal *journal)
{
	int i = first_free(journal);
	struct slot *slot = i < 0 ? NULL : &journal->slot[i];
	struct fuse_in_header *in;

	if (!slot)
		return NULL;
	/* The header must not look like a request until read(2) has made it one. */
	in = (struct fuse_in_header *)(void *)slot->message;
	in->len = 0;
	slot->faults = 0;
	slot->work = SLOT_WAITS;
	barrier();
	slot->state = SLOT_READING;
	barrier();
	return slot;
}

void journal_iov(struct journal *journal, struct slot *slot, struct iovec iov[2])
{
	iov[0] = (struct iovec){slot->message, sizeof(slot->message)};
	iov[1] = (struct iovec){journal->spill, sizeof(journal->spill)};
}

static void hold(struct slot *slot, size_t len)
{
	slot->len = len < SLOT_MESSAGE ? (uint16_t)len : SLOT_MESSAGE;
	barrier();
	slot->state = SLOT_TAKEN;
	barrier();
}

void journal_taken(struct journal *journal, struct slot *slot, size_t len)
{
	hold(slot, len);
	set_free(journal, number_of(journal, slot), false);
	count(&journal->pending, 1);
}

void journal_busy(struct journal *journal, struct slot *slot)
{
	slot->work = SLOT_BUSY;
	count(&journal->working, 1);
	barrier();
}

void journal_waits(struct journal *journal, struct slot *slot)
{
	barrier();
	if (slot->work == SLOT_BUSY)
		count(&journal->working, -1);
	slot->work = SLOT_WAITS;
}

void journal_excuse(struct journal *journal)
{
	journal->excused = 1;
}

void journal_done(struct journal *journal, struct slot *slot)
{
	barrier();
	slot->state = SLOT_FREE;
	barrier();
	if (slot->work == SLOT_BUSY)
		count(&journal->working, -1);
	set_free(journal, number_of(journal, slot), true);
	count(&journal->pending, -1);
}

unsigned journal_pending(const struct journal *journal)
{
	return __atomic_load_n(&journal->pending, __ATOMIC_RELAXED);
}

unsigned journal_working(const struct journal *journal)
{
	return __atomic_load_n(&journal->working, __ATOMIC_RELAXED);
}

static void recover_slot(struct slot *slot, bool fault)
{
	const struct fuse_in_header *in = (const void *)slot->message;

	/* read(2) had come back, or would have: the kernel copies a message whole. */
	if (slot->state == SLOT_READING && in->len >= sizeof(*in))
		hold(slot, in->len);
	if (slot->state == SLOT_TAKEN && slot->work == SLOT_BUSY && fault)
		slot->faults++;
	if (slot->len > SLOT_MESSAGE)
		slot->len = SLOT_MESSAGE;
	if (slot->work == SLOT_BUSY)
		slot->work = SLOT_CUT;
}

/* Of what slots say themselves. */
static void recount(struct journal *journal)
{
	unsigned pending = 0;

	memset(journal->groups, 0, sizeof(journal->groups));
	memset(journal->free, 0, sizeof(journal->free));
	for (unsigned i = 0; i < journal_size(journal); i++)
		if (journal->slot[i].state == SLOT_TAKEN)
			pending++;
		else
			set_free(journal, i, true);
	journal->pending = pending;
	journal->working = 0;
}

void journal_recover(struct journal *journal, bool fault)
{
	if (journal->units < 1 || journal->units > units_most())
		journal->units = 1;
	for (unsigned i = 0; i < journal_size(journal); i++)
		recover_slot(&journal->slot[i], fault && !journal->excused);
	recount(journal);
	journal->excused = 0;
}

void journal_forget(struct journal *journal)
{
	make_free(journal, 0, journal_size(journal));
	recount(journal);
	journal_shrink(journal);
	journal->session = (struct session){0};
}

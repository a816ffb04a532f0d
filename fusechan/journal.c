/*
 * See journal.h. Only one process reads from the channel at a time, so nothing is locked;
 * stores that a successor relies on are ordered by compiler barriers, since it sees the
 * memory only after this process is gone.
 */
#include "fusechan/journal.h"

#include "fusechan/abi.h"

#include <errno.h>
#include <stdatomic.h>
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

void journal_format(struct journal *journal, uint64_t serial)
{
	journal->magic = 0;
	barrier();
	journal_forget(journal);
	journal->taken = 0;
	journal->answered = 0;
	journal->serial = serial;
	barrier();
	journal->magic = journal_magic;
}

void journal_populate(struct journal *journal)
{
	volatile char *byte = (volatile char *)journal;

	/* No page is smaller. Not MAP_POPULATE: of shared memory it maps holes. */
	for (size_t i = 0; i < sizeof(*journal); i += 4096)
		byte[i] = byte[i];
	byte[sizeof(*journal) - 1] = byte[sizeof(*journal) - 1];
	journal_lock(journal);
}

void journal_lock(const struct journal *journal)
{
	int saved = errno;

	mlock(journal, sizeof(*journal));
	errno = saved;
}

struct slot *journal_next(struct journal *journal)
{
	struct fuse_in_header *in;
	struct slot *slot = NULL;

	for (unsigned i = 0; i < JOURNAL_SLOTS && !slot; i++)
		if (journal->slot[i].state != SLOT_TAKEN)
			slot = &journal->slot[i];
	if (!slot)
		return NULL;
	/* The header must not look like a request until read(2) has made it one. */
	in = (struct fuse_in_header *)(void *)slot->message;
	in->len = 0;
	slot->faults = 0;
	slot->busy = 0;
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

void journal_taken(struct slot *slot, size_t len)
{
	slot->len = len < SLOT_MESSAGE ? (uint32_t)len : SLOT_MESSAGE;
	barrier();
	slot->state = SLOT_TAKEN;
}

void journal_busy(struct slot *slot)
{
	slot->busy = 1;
	barrier();
}

void journal_waits(struct slot *slot)
{
	barrier();
	slot->busy = 0;
}

void journal_excuse(struct journal *journal)
{
	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		journal->slot[i].busy = 0;
}

void journal_done(struct slot *slot)
{
	barrier();
	slot->state = SLOT_FREE;
}

/* The keeper counts while the worker writes. */
static bool holds(const struct slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_RELAXED) == SLOT_TAKEN;
}

unsigned journal_pending(const struct journal *journal)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		n += holds(&journal->slot[i]);
	return n;
}

unsigned journal_working(const struct journal *journal)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		n += holds(&journal->slot[i]) &&
		     __atomic_load_n(&journal->slot[i].busy, __ATOMIC_RELAXED);
	return n;
}

void journal_recover(struct journal *journal, bool fault)
{
	for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
		struct slot *slot = &journal->slot[i];
		const struct fuse_in_header *in = (const void *)slot->message;

		/* read(2) had come back, or would have: the kernel copies a message
		 * whole. */
		if (slot->state == SLOT_READING && in->len >= sizeof(*in))
			journal_taken(slot, in->len);
		if (slot->state == SLOT_TAKEN && slot->busy && fault)
			slot->faults++;
		if (slot->len > SLOT_MESSAGE)
			slot->len = SLOT_MESSAGE;
		slot->busy = 0;
	}
}

void journal_forget(struct journal *journal)
{
	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		journal->slot[i].state = SLOT_FREE;
	journal->session = (struct session){0};
}

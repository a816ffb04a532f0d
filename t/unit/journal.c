/* fusechan/journal: what a process leaves behind, cut off at any point. */
#include "fusechan/journal.h"

#include "fusechan/abi.h"
#include "fusechan/journal_v1.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static struct journal journal;

/* As read(2) leaves it. */
static void arrive(struct slot *slot, uint32_t len)
{
	struct iovec iov[2];
	struct fuse_in_header in = {.len = len, .opcode = FUSE_READ, .unique = 7};

	journal_iov(&journal, slot, iov);
	memcpy(iov[0].iov_base, &in, sizeof(in));
}

static void fresh(void)
{
	memset(&journal, 0xff, sizeof(journal));
	journal_format(&journal, 1000);
}

static void cut_off(void)
{
	struct slot *slot;

	fresh();
	ok(journal_valid(&journal), "formatted");
	is_u64(journal.serial, 1000, "handles are counted from the number given");
	slot = journal_next(&journal);
	ok(journal_next(&journal) == slot, "what was not taken is given again");
	journal_recover(&journal, true);
	is_u64(journal_pending(&journal), 0,
		"ended in a read that gave nothing: nothing is pending");
	slot = journal_next(&journal);
	arrive(slot, 80);
	journal_recover(&journal, true);
	is_u64(journal_pending(&journal), 1,
		"ended when read(2) had come back: it is pending");
	is_u64(slot->len, 80, "whole");
	is_u64(slot->faults, 0, "and not to blame");
	ok(journal_next(&journal) != slot, "its slot is not read into");
	journal_done(&journal, slot);
	slot = journal_next(&journal);
	arrive(slot, SLOT_MESSAGE + 100);
	journal_recover(&journal, false);
	is_u64(slot->len, SLOT_MESSAGE, "of a long message the head is kept");
	journal_done(&journal, slot);
	is_u64(journal_pending(&journal), 0, "answered");
	slot = journal_next(&journal);
	journal_recover(&journal, false);
	is_u64(journal_pending(&journal), 0, "a slot's last message does not come back");
	arrive(slot, sizeof(struct fuse_in_header) - 1);
	journal_recover(&journal, false);
	is_u64(journal_pending(&journal), 0,
		"what is shorter than a header is no message");
}

static struct slot *taken(void)
{
	struct slot *slot = journal_next(&journal);

	arrive(slot, 80);
	journal_taken(&journal, slot, 80);
	return slot;
}

static void blame(void)
{
	struct slot *worked_on, *waiting;

	fresh();
	waiting = taken();
	worked_on = taken();
	journal_busy(&journal, waiting);
	journal_waits(&journal, waiting);
	journal_busy(&journal, worked_on);
	is_u64(journal_pending(&journal), 2, "two are pending");
	is_u64(journal_working(&journal), 1, "one is worked on");
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1, "a fault counts against what was worked on");
	is_u64(worked_on->work, SLOT_CUT, "which is told from");
	is_u64(waiting->work, SLOT_WAITS, "a request that only waits");
	is_u64(waiting->faults, 0, "and not against what waits");
	is_u64(journal_working(&journal), 0, "nobody works on it now");
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1,
		"nor does a fault before it is taken up again count");
	journal_busy(&journal, worked_on);
	journal_recover(&journal, false);
	is_u64(worked_on->faults, 1, "nor an end from outside");
	journal_busy(&journal, worked_on);
	journal_excuse(&journal);
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1, "nor one that is excused");
	journal_busy(&journal, worked_on);
	journal_recover(&journal, true);
	is_u64(worked_on->faults, SLOT_FAULTS_MAX, "the second is the last");
	journal_done(&journal, worked_on);
	ok(taken() == worked_on && !worked_on->faults,
		"the next in its slot begins without");
}

static void full(void)
{
	fresh();
	is_u64(journal_size(&journal), JOURNAL_FIRST, "one unit of slots");
	for (int i = 0; i < JOURNAL_FIRST; i++)
		taken();
	ok(!journal_next(&journal), "no slot is left");
	is_u64(journal_pending(&journal), JOURNAL_FIRST, "all are pending");
	journal_done(&journal, &journal.slot[100]);
	journal_done(&journal, &journal.slot[70]);
	journal_done(&journal, &journal.slot[5]);
	ok(taken() == &journal.slot[5] && taken() == &journal.slot[70] &&
			taken() == &journal.slot[100],
		"the first free slot is used first");
	journal_forget(&journal);
	is_u64(journal_pending(&journal), 0, "of another connection none is");
	is_u64(journal.serial, 1000, "handles are counted on");
}

/* Each slot once, up to the last. */
static void grow(void)
{
	unsigned grown = 0, slots = 0;

	fresh();
	do
		for (; journal_next(&journal); slots++)
			if (taken() != &journal.slot[slots])
				abort();
	while (journal_grow(&journal) && ++grown);
	is_u64(slots, JOURNAL_SLOTS, "grown to the end, it has all its slots");
	is_u64(journal_size(&journal), JOURNAL_SLOTS, "as many as it says");
	is_u64(grown, (sizeof(journal) - 1) / JOURNAL_UNIT, "a unit at a time");
	journal_recover(&journal, false);
	is_u64(journal_pending(&journal), JOURNAL_SLOTS, "the next process finds them");
	ok(!journal_next(&journal) && !journal_grow(&journal), "and no more");
	ok(journal_shrink(&journal) && journal_size(&journal) == JOURNAL_SLOTS,
		"none can be given back while all hold requests");
	for (unsigned i = 0; i < JOURNAL_SLOTS; i++)
		if (i != 3 && i != 300)
			journal_done(&journal, &journal.slot[i]);
	ok(journal_shrink(&journal) && journal_size(&journal) > 300 &&
			journal_size(&journal) <= 300 + JOURNAL_UNIT / sizeof(struct slot),
		"but for one: what is behind it is given back");
	ok(journal.slot[300].state == SLOT_TAKEN && taken() == &journal.slot[0],
		"it still holds its request");
	journal_done(&journal, &journal.slot[300]);
	ok(!journal_shrink(&journal) && journal_size(&journal) == JOURNAL_FIRST,
		"then all but the first unit");
	is_u64(journal_pending(&journal), 2, "the rest is pending");
	for (slots = 2; journal_next(&journal); slots++)
		taken();
	is_u64(slots, JOURNAL_FIRST, "no slot is given out that is not there");
}

/* Where no more can be locked. */
static void no_memory(void)
{
	struct rlimit old, none = {0};

	fresh();
	getrlimit(RLIMIT_MEMLOCK, &old);
	none.rlim_max = old.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
		abort();
	if (!geteuid() && seteuid(65534) < 0) {
		tap_skip(2, "no user without privileges here");
	} else if (mlock(&journal, 1) < 0) {
		ok(!journal_grow(&journal), "it does not grow by what cannot be locked");
		is_u64(journal_size(&journal), JOURNAL_FIRST,
			"and is as large as before");
	} else {
		printf("# a sanitizer makes mlock(2) nothing\n");
	}
	if (!getuid() && seteuid(0) < 0)
		abort();
	setrlimit(RLIMIT_MEMLOCK, &old);
	ok(journal_grow(&journal), "until it can be");
}

/* A supervisor hands over what a daemon of format 1 has left. */
static void older(void)
{
	static struct journal_v1 old;
	struct fuse_in_header in = {.opcode = FUSE_READ};
	static const struct {
		uint32_t state, len, busy;
	} left[] = {{SLOT_TAKEN, 80, 0}, {SLOT_TAKEN, 80, 1}, {SLOT_READING, 500, 0},
		{SLOT_READING, 0, 0}, {SLOT_FREE, 80, 0}, {SLOT_TAKEN, 900, 0}};

	old.serial = 77;
	old.session.minor = 31;
	for (unsigned i = 0; i < 6; i++) {
		struct slot_v1 *slot = &old.slot[i * 10];

		in.len = left[i].len;
		in.unique = i + 1;
		memcpy(slot->message, &in, sizeof(in));
		memset(slot->message + sizeof(in), 'a' + (int)i, 200);
		slot->state = left[i].state;
		slot->len = left[i].state == SLOT_TAKEN ? left[i].len : 0;
		slot->busy = left[i].busy;
	}
	fresh();
	journal_take_v1(&journal, &old);
	journal_recover(&journal, true);
	is_u64(journal.serial, 77, "format 1: handles are counted on");
	is_u64(journal.session.minor, 31, "the session is the same");
	is_u64(journal_pending(&journal), 4, "every request that was read is pending");
	memcpy(&in, journal.slot[20].message, sizeof(in));
	ok(in.unique == 3 && journal.slot[20].len == SLOT_MESSAGE &&
			journal.slot[20].message[SLOT_MESSAGE - 105] == 'c',
		"with its message, or the head of it");
	ok(journal.slot[10].faults == 1 && journal.slot[10].work == SLOT_CUT &&
			journal.slot[0].faults == 0,
		"and with its faults");
}

int main(void)
{
	cut_off();
	blame();
	full();
	grow();
	no_memory();
	older();
	return tap_done();
}

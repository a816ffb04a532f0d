/* fusechan/journal: what a process leaves behind, cut off at any point. */
#include "fusechan/journal.h"

#include "fusechan/abi.h"
#include "t/unit/tap.h"

#include <string.h>

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
	journal_done(slot);
	slot = journal_next(&journal);
	arrive(slot, SLOT_MESSAGE + 100);
	journal_recover(&journal, false);
	is_u64(slot->len, SLOT_MESSAGE, "of a long message the head is kept");
	journal_done(slot);
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
	journal_taken(slot, 80);
	return slot;
}

static void blame(void)
{
	struct slot *worked_on, *waiting;

	fresh();
	waiting = taken();
	worked_on = taken();
	journal_busy(waiting);
	journal_waits(waiting);
	journal_busy(worked_on);
	is_u64(journal_pending(&journal), 2, "two are pending");
	is_u64(journal_working(&journal), 1, "one is worked on");
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1, "a fault counts against what was worked on");
	is_u64(waiting->faults, 0, "and not against what waits");
	is_u64(journal_working(&journal), 0, "nobody works on it now");
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1,
		"nor does a fault before it is taken up again count");
	journal_busy(worked_on);
	journal_recover(&journal, false);
	is_u64(worked_on->faults, 1, "nor an end from outside");
	journal_busy(worked_on);
	journal_excuse(&journal);
	journal_recover(&journal, true);
	is_u64(worked_on->faults, 1, "nor one that is excused");
	journal_busy(worked_on);
	journal_recover(&journal, true);
	is_u64(worked_on->faults, SLOT_FAULTS_MAX, "the second is the last");
	journal_done(worked_on);
	ok(taken() == worked_on && !worked_on->faults,
		"the next in its slot begins without");
}

static void full(void)
{
	fresh();
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		taken();
	ok(!journal_next(&journal), "no slot is left");
	is_u64(journal_pending(&journal), JOURNAL_SLOTS, "all are pending");
	journal_forget(&journal);
	is_u64(journal_pending(&journal), 0, "of another connection none is");
	is_u64(journal.serial, 1000, "handles are counted on");
}

int main(void)
{
	cut_off();
	blame();
	full();
	return tap_done();
}

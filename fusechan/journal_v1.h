/*
 * The journal of evlxcfs with JOURNAL_FORMAT 1: 64 slots of 1 kB. A supervisor can hand
 * over one whose processes have ended before they answered everything.
 */
#ifndef FUSECHAN_JOURNAL_V1_H
#define FUSECHAN_JOURNAL_V1_H

#include "fusechan/journal.h"

enum { JOURNAL_V1_SLOTS = 64, JOURNAL_V1_MESSAGE = 960 };

struct slot_v1 {
	uint32_t state, len, faults, busy;
	uint64_t reserved[6];
	_Alignas(8) char message[JOURNAL_V1_MESSAGE];
};

struct journal_v1 {
	uint64_t magic;
	struct session session;
	uint64_t taken, answered, serial;
	char spill[JOURNAL_READ_SIZE - JOURNAL_V1_MESSAGE];
	struct slot_v1 slot[JOURNAL_V1_SLOTS];
};

/* Puts all that the older journal holds into an empty one, and leaves it to be recovered
 * by journal_recover. */
void journal_take_v1(struct journal *journal, const struct journal_v1 *old);

#endif

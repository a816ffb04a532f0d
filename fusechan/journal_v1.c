/*
 * See journal_v1.h.
 */
#include "fusechan/journal_v1.h"

#include <string.h>

/* Its header and message have the same places in both. */
static void take_slot(struct slot *slot, const struct slot_v1 *old)
{
	const uint32_t len = old->len < SLOT_MESSAGE ? old->len : SLOT_MESSAGE;

	memcpy(slot->message, old->message, SLOT_MESSAGE);
	slot->len = (uint16_t)len;
	slot->faults = (uint8_t)(old->faults < SLOT_FAULTS_MAX ? old->faults
							       : SLOT_FAULTS_MAX);
	slot->work = old->busy ? SLOT_BUSY : SLOT_WAITS;
	slot->state = old->state;
}

void journal_take_v1(struct journal *journal, const struct journal_v1 *old)
{
	journal->session = old->session;
	journal->taken = old->taken;
	journal->answered = old->answered;
	journal->serial = old->serial;
	for (unsigned i = 0; i < JOURNAL_V1_SLOTS; i++)
		take_slot(&journal->slot[i], &old->slot[i]);
}

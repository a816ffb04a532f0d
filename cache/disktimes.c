/*
 * The block: the slots, then the times of each. A time is one store, and a pair's are
 * zeros before it has a slot.
 */
#include "cache/disktimes.h"

#include "cache/slots.h"

#include <string.h>

static struct slots *slots_of(struct disktimes *times)
{
	return (struct slots *)times;
}

size_t disktimes_size(void)
{
	return slots_size(DISKTIMES_PAIRS) +
	       DISKTIMES_PAIRS * sizeof(uint64_t[DISK_TIMES]);
}

struct disktimes *disktimes_attach(void *mem)
{
	if (!slots_valid(mem, DISKTIMES_PAIRS))
		slots_init(mem, DISKTIMES_PAIRS);
	return mem;
}

uint64_t *disktimes_of(struct disktimes *times, const struct container *ct, uint64_t dev,
	uint64_t now_ns)
{
	static uint64_t none[DISK_TIMES];
	struct slot_key key;
	uint64_t *of;
	int slot;

	memset(none, 0, sizeof(none));
	if (!times)
		return none;
	key = (struct slot_key){{ct->pidns, ct->cgns, ct->start_ns, dev}};
	of = (uint64_t *)((char *)times + slots_size(DISKTIMES_PAIRS));
	slot = slots_find(slots_of(times), &key);
	if (slot == SLOT_NONE) {
		slot = slots_take(slots_of(times));
		memset(of + slot * DISK_TIMES, 0, sizeof(none));
		slots_give(slots_of(times), slot, &key, ct->init, ct->outer, now_ns);
	} else {
		slots_used(slots_of(times), slot, now_ns);
	}
	return of + slot * DISK_TIMES;
}

void disktimes_trim(struct disktimes *times)
{
	uint64_t(*of)[DISK_TIMES] = (void *)((char *)times + slots_size(DISKTIMES_PAIRS));
	const unsigned used = slots_trim(slots_of(times));

	slots_give_back(of + used, of + DISKTIMES_PAIRS);
}

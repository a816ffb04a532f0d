/*
 * The block: the slots, then the past of each, which is zeros before it has a slot. A
 * process that is killed while it changes one leaves numbers that are there or will be.
 */
#include "cache/disktimes.h"

#include "cache/saturate.h"
#include "cache/slots.h"

#include <string.h>

static struct slots *slots_of(struct disktimes *times)
{
	return (struct slots *)times;
}

size_t disktimes_size(void)
{
	return slots_size(DISKTIMES_PAIRS) + DISKTIMES_PAIRS * sizeof(struct disk_past);
}

struct disktimes *disktimes_attach(void *mem)
{
	if (!slots_valid(mem, DISKTIMES_PAIRS))
		slots_init(mem, DISKTIMES_PAIRS);
	return mem;
}

static struct disk_past *past_of(struct disktimes *times, unsigned slot)
{
	return (struct disk_past *)(void *)((char *)times + slots_size(DISKTIMES_PAIRS)) +
	       slot;
}

static struct slot_key key_of(const struct container *ct, uint64_t dev)
{
	return (struct slot_key){{ct->pidns, ct->cgns, ct->start_ns, dev}};
}

struct disk_past *disktimes_find(
	struct disktimes *times, const struct container *ct, uint64_t dev)
{
	struct slot_key key = key_of(ct, dev);
	int slot = times ? slots_find(slots_of(times), &key) : SLOT_NONE;

	return slot == SLOT_NONE ? NULL : past_of(times, (unsigned)slot);
}

struct disk_past *disktimes_of(struct disktimes *times, const struct container *ct,
	uint64_t dev, uint64_t now_ns)
{
	static struct disk_past none;
	struct slot_key key = key_of(ct, dev);
	int slot;

	memset(&none, 0, sizeof(none));
	if (!times)
		return &none;
	slot = slots_find(slots_of(times), &key);
	if (slot == SLOT_NONE) {
		slot = slots_take(slots_of(times));
		memset(past_of(times, (unsigned)slot), 0, sizeof(struct disk_past));
		slots_give(slots_of(times), slot, &key, ct->init, ct->outer, now_ns);
	} else {
		slots_used(slots_of(times), slot, now_ns);
	}
	return past_of(times, (unsigned)slot);
}

void disktimes_count(
	struct disk_past *past, uint64_t source, const uint64_t now[DISK_COUNTS])
{
	const bool first = !past->source, same = past->source == source;

	for (int i = 0; i < DISK_COUNTS; i++) {
		uint64_t more = now[i];

		if (same && now[i] >= past->last[i])
			more = now[i] - past->last[i];
		/* Killed in between, it is lost rather than there twice. */
		past->last[i] = now[i];
		if (first)
			past->count[i] = now[i];
		else if (same)
			past->count[i] = sat_add(past->count[i], more);
	}
	past->source = source;
}

void disktimes_host(struct disk_past *past, const uint64_t time[DISK_TIMES], uint64_t ios)
{
	const bool other = ios < past->host_ios;

	for (int i = 0; i < DISK_TIMES; i++) {
		uint64_t *long_time = &past->host_time[i];

		if (other || time[i] > UINT32_MAX)
			*long_time = time[i];
		else
			*long_time += (uint32_t)(time[i] - *long_time);
	}
	past->host_ios = ios;
}

void disktimes_trim(struct disktimes *times)
{
	const unsigned used = slots_trim(slots_of(times));

	slots_give_back(past_of(times, used), past_of(times, DISKTIMES_PAIRS));
}

/*
 * The shared block: two copies of each container's book, and beyond the first few runs of
 * a book a place of its own, which only cgroup v1 hosts with many CPUs and much-changed
 * cpusets ever touch. No pointers inside.
 *
 * A copy is written in full before the one store that makes it the valid one; a place is
 * nobody's while it is filled for another container.
 */
#include "cache/cpuhist.h"

#include "cache/slots.h"

#include <string.h>

enum { NEAR_RUNS = 2 };
/* Another layout of these structs needs another number. */
#define MAGIC UINT64_C(0x6370757669657706)

struct entry {
	uint64_t valid; /* which copy */
	struct cpustate state[2];
	struct cpurun near[2][NEAR_RUNS];
};

/* Behind it the slots, then the entries, then what is far of each. */
struct cpuview {
	uint64_t magic;
	uint64_t far_runs; /* of each copy */
};

static size_t far_runs(unsigned cpus)
{
	if (cpus > CPUSET_MAX)
		cpus = CPUSET_MAX;
	return cpus > NEAR_RUNS ? cpus - NEAR_RUNS : 0;
}

static struct slots *slots_of(const struct cpuview *history)
{
	return (struct slots *)(history + 1);
}

static struct entry *entry_of(const struct cpuview *history, int i)
{
	char *at = (char *)slots_of(history) + slots_size(CPUHIST_CONTAINERS);

	return (struct entry *)at + i;
}

static struct cpurun *far_of(const struct cpuview *history, int i, unsigned copy)
{
	struct cpurun *far = (struct cpurun *)entry_of(history, CPUHIST_CONTAINERS);

	return far + ((size_t)i * 2 + copy) * history->far_runs;
}

static size_t block_size(size_t far)
{
	return sizeof(struct cpuview) + slots_size(CPUHIST_CONTAINERS) +
	       CPUHIST_CONTAINERS *
		       (sizeof(struct entry) + 2 * far * sizeof(struct cpurun));
}

size_t cpuview_size(unsigned cpus)
{
	return block_size(far_runs(cpus));
}

struct cpuview *cpuview_attach(void *mem, size_t size, unsigned cpus)
{
	struct cpuview *history = mem;

	if (size < cpuview_size(cpus))
		return NULL;
	if (history->magic == MAGIC && history->far_runs <= CPUSET_MAX &&
		block_size(history->far_runs) <= size &&
		slots_valid(slots_of(history), CPUHIST_CONTAINERS))
		return history;
	__atomic_store_n(&history->magic, 0, __ATOMIC_RELEASE);
	slots_init(slots_of(history), CPUHIST_CONTAINERS);
	history->far_runs = far_runs(cpus);
	__atomic_store_n(&history->magic, MAGIC, __ATOMIC_RELEASE);
	return history;
}

static struct slot_key key_of(const struct container *ct)
{
	return (struct slot_key){{ct->pidns, ct->cgns, ct->start_ns}};
}

bool cpuhist_load(
	struct cpuview *history, const struct container *ct, struct cpubook *book)
{
	struct slot_key key = key_of(ct);
	int i = history && ct->pidns ? slots_find(slots_of(history), &key) : SLOT_NONE;
	struct entry *entry;
	unsigned copy, near;

	book->state = (struct cpustate){0};
	if (i == SLOT_NONE)
		return false;
	entry = entry_of(history, i);
	copy = entry->valid & 1;
	book->state = entry->state[copy];
	if (book->state.runs > NEAR_RUNS + history->far_runs || !book->state.lines) {
		book->state = (struct cpustate){0};
		return false;
	}
	near = book->state.runs < NEAR_RUNS ? book->state.runs : NEAR_RUNS;
	memcpy(book->run, entry->near[copy], near * sizeof(book->run[0]));
	memcpy(book->run + near, far_of(history, i, copy),
		(book->state.runs - near) * sizeof(book->run[0]));
	return true;
}

static void write_copy(
	struct cpuview *history, int i, unsigned copy, const struct cpubook *book)
{
	unsigned runs = book->state.runs, near = runs < NEAR_RUNS ? runs : NEAR_RUNS;
	struct entry *entry = entry_of(history, i);

	entry->state[copy] = book->state;
	memcpy(entry->near[copy], book->run, near * sizeof(book->run[0]));
	memcpy(far_of(history, i, copy), book->run + near,
		(runs - near) * sizeof(book->run[0]));
}

void cpuhist_store(struct cpuview *history, const struct container *ct,
	const struct cpubook *book, uint64_t now_ns)
{
	struct slot_key key = key_of(ct);
	unsigned copy;
	int found, i;

	if (!history || !ct->pidns || book->state.runs > NEAR_RUNS + history->far_runs)
		return;
	found = slots_find(slots_of(history), &key);
	i = found == SLOT_NONE ? slots_take(slots_of(history)) : found;
	copy = ~entry_of(history, i)->valid & 1;
	write_copy(history, i, copy, book);
	__atomic_store_n(&entry_of(history, i)->valid, copy, __ATOMIC_SEQ_CST);
	if (found == SLOT_NONE)
		slots_give(slots_of(history), i, &key, ct->init, ct->outer, now_ns);
	else
		slots_used(slots_of(history), i, now_ns);
}

void cpuhist_trim(struct cpuview *history)
{
	const int used = (int)slots_trim(slots_of(history)), all = CPUHIST_CONTAINERS;

	slots_give_back(entry_of(history, used), entry_of(history, all));
	slots_give_back(far_of(history, used, 0), far_of(history, all, 0));
}

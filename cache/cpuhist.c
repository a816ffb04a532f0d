/*
 * The shared block: an index of keys, two copies of each container's book, and beyond the
 * first few runs of a book a place of its own, which only cgroup v1 hosts with many CPUs
 * and much-changed cpusets ever touch. No pointers inside.
 *
 * A copy is written in full before the one store that makes it the valid one; a key is
 * taken away before its entry is filled for another container, and set last.
 */
#include "cache/cpuhist.h"

#include <string.h>

enum { ENTRIES = 64, NEAR_RUNS = 4 };
/* Another layout of these structs needs another number. */
#define MAGIC UINT64_C(0x6370757669657701)

struct key {
	uint64_t pidns; /* 0: free */
	uint64_t cgns, start_ns;
	uint64_t used_ns;
	uint64_t valid; /* which copy */
};

struct cpuview {
	uint64_t magic;
	uint64_t far_runs; /* of each copy */
	struct key key[ENTRIES];
	struct {
		struct cpustate state[2];
		struct cpurun near[2][NEAR_RUNS];
	} entry[ENTRIES];
	struct cpurun far[];
};

static size_t far_runs(unsigned cpus)
{
	if (cpus > CPUSET_MAX)
		cpus = CPUSET_MAX;
	return cpus > NEAR_RUNS ? cpus - NEAR_RUNS : 0;
}

static size_t block_size(size_t far)
{
	return sizeof(struct cpuview) + ENTRIES * 2 * far * sizeof(struct cpurun);
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
		block_size(history->far_runs) <= size)
		return history;
	__atomic_store_n(&history->magic, 0, __ATOMIC_RELEASE);
	memset(history->key, 0, sizeof(history->key));
	history->far_runs = far_runs(cpus);
	__atomic_store_n(&history->magic, MAGIC, __ATOMIC_RELEASE);
	return history;
}

static struct cpurun *far_of(struct cpuview *history, unsigned entry, unsigned copy)
{
	return history->far + (entry * 2 + copy) * history->far_runs;
}

/* The container's entry; -1 when it has none. */
static int find(const struct cpuview *history, const struct container *ct)
{
	for (int i = 0; i < ENTRIES; i++) {
		const struct key *key = &history->key[i];

		if (key->pidns && key->pidns == ct->pidns && key->cgns == ct->cgns &&
			key->start_ns == ct->start_ns)
			return i;
	}
	return -1;
}

static unsigned oldest(const struct cpuview *history)
{
	unsigned at = 0;

	for (unsigned i = 0; i < ENTRIES; i++) {
		if (!history->key[i].pidns)
			return i;
		if (history->key[i].used_ns < history->key[at].used_ns)
			at = i;
	}
	return at;
}

bool cpuhist_load(
	struct cpuview *history, const struct container *ct, struct cpubook *book)
{
	int i = history ? find(history, ct) : -1;
	unsigned copy, near;

	book->state = (struct cpustate){0};
	if (i < 0)
		return false;
	copy = history->key[i].valid & 1;
	book->state = history->entry[i].state[copy];
	if (book->state.runs > NEAR_RUNS + history->far_runs || !book->state.lines) {
		book->state = (struct cpustate){0};
		return false;
	}
	near = book->state.runs < NEAR_RUNS ? book->state.runs : NEAR_RUNS;
	memcpy(book->run, history->entry[i].near[copy], near * sizeof(book->run[0]));
	memcpy(book->run + near, far_of(history, (unsigned)i, copy),
		(book->state.runs - near) * sizeof(book->run[0]));
	return true;
}

static void write_copy(
	struct cpuview *history, unsigned i, unsigned copy, const struct cpubook *book)
{
	unsigned runs = book->state.runs, near = runs < NEAR_RUNS ? runs : NEAR_RUNS;

	history->entry[i].state[copy] = book->state;
	memcpy(history->entry[i].near[copy], book->run, near * sizeof(book->run[0]));
	memcpy(far_of(history, i, copy), book->run + near,
		(runs - near) * sizeof(book->run[0]));
}

void cpuhist_store(struct cpuview *history, const struct container *ct,
	const struct cpubook *book, uint64_t now_ns)
{
	int found;
	unsigned i, copy;
	struct key *key;

	if (!history || !ct->pidns || book->state.runs > NEAR_RUNS + history->far_runs)
		return;
	found = find(history, ct);
	i = found < 0 ? oldest(history) : (unsigned)found;
	key = &history->key[i];
	if (found < 0)
		__atomic_store_n(&key->pidns, 0, __ATOMIC_SEQ_CST);
	copy = ~key->valid & 1;
	write_copy(history, i, copy, book);
	__atomic_store_n(&key->valid, copy, __ATOMIC_SEQ_CST);
	key->used_ns = now_ns;
	if (found >= 0)
		return;
	key->cgns = ct->cgns;
	key->start_ns = ct->start_ns;
	__atomic_store_n(&key->pidns, ct->pidns, __ATOMIC_SEQ_CST);
}

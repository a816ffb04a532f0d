/*
 * The shared block in which the books of CPU time outlive the process. A process can be
 * killed at any instruction: each entry has two copies, and one store says which is
 * valid.
 */
#ifndef CACHE_CPUHIST_H
#define CACHE_CPUHIST_H

#include "cache/cputime.h"

/* Copies the container's book out. False, with an empty book, when there is none. */
bool cpuhist_load(
	struct cpuview *history, const struct container *ct, struct cpubook *book);
/* Stores it; the container least recently used makes room. A book with more runs than the
 * block has room for is not kept. */
void cpuhist_store(struct cpuview *history, const struct container *ct,
	const struct cpubook *book, uint64_t now_ns);

#endif

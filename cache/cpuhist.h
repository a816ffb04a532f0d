/*
 * The shared block in which the books of CPU time outlive the process. A process can be
 * killed at any instruction: each entry has two copies, and one store says which is
 * valid.
 *
 * Beyond so many containers that live at the same time, one that has not been read for
 * long begins anew at its next read, from what its cgroup and the clock say then.
 */
#ifndef CACHE_CPUHIST_H
#define CACHE_CPUHIST_H

#include "cache/cputime.h"

enum { CPUHIST_CONTAINERS = 2048 };

/* Copies the container's book out. False, with an empty book, when there is none. */
bool cpuhist_load(
	struct cpuview *history, const struct container *ct, struct cpubook *book);
/* Stores it; one that is gone, or was not read for long, makes room. A book with more
 * runs than the block has room for is not kept. */
void cpuhist_store(struct cpuview *history, const struct container *ct,
	const struct cpubook *book, uint64_t now_ns);
/* Many containers are gone: gives their memory back. */
void cpuhist_trim(struct cpuview *history);

#endif

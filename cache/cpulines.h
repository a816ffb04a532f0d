/*
 * Which lines there are: CPUs that come into view, leave it, and come back.
 */
#ifndef CACHE_CPULINES_H
#define CACHE_CPULINES_H

#include "cache/cputime.h"

/* Are the active lines those that the container should see? */
bool cpulines_same(const struct cpubook *book, const struct cpus *cpus);

/* Writes to *to the book with the lines that the container should see now; what left
 * stays as it was. On v1 lines that come, or whose CPU changed, count from the sample on,
 * but with `first`, where there were none, from zero. */
void cpulines_lay(struct cpubook *to, const struct cpubook *from,
	const struct cpusample *sample, const struct cpus *cpus, bool first);

/* v1: what the sample says of a CPU, and of all that have no line. */
void cpulines_raw(const struct cpusample *sample, unsigned cpu, uint64_t out[2]);
void cpulines_hidden(
	const struct cpubook *book, const struct cpusample *sample, uint64_t out[2]);

/* The part of `total` ticks that falls on `count` lines from number `pos` on, of `lines`
 * that share evenly, the first ones one more. */
uint64_t cpulines_share(uint64_t total, uint64_t lines, uint64_t pos, uint64_t count);

/* All ticks of a run, saturating. */
uint64_t cpulines_ticks(const struct cpurun *run);

#endif

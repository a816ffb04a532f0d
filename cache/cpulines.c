/*
 * The lines of a book. A run is split where some of its lines leave or come back, so that
 * what lines have in common is kept once: on v2 a container whose CPUs never changed is
 * one run, however many they are. Splitting changes no line's ticks.
 */
#include "cache/cpulines.h"

#include "cache/saturate.h"

#include <string.h>

uint64_t cpulines_share(uint64_t total, uint64_t lines, uint64_t pos, uint64_t count)
{
	uint64_t more = sat_sub(total % lines, pos);

	return total / lines * count + min_u64(more, count);
}

uint64_t cpulines_ticks(const struct cpurun *run)
{
	uint64_t sum = 0;

	for (int f = 0; f < CPU_TIMES; f++)
		sum = sat_add(sum, run->ticks[f]);
	return sum;
}

void cpulines_raw(const struct cpusample *sample, unsigned cpu, uint64_t out[2])
{
	out[0] = cpu < sample->cpus ? sample->cpu[cpu][0] : 0;
	out[1] = cpu < sample->cpus ? sample->cpu[cpu][1] : 0;
}

void cpulines_hidden(
	const struct cpubook *book, const struct cpusample *sample, uint64_t out[2])
{
	uint64_t raw[2];

	out[0] = sample->raw[0];
	out[1] = sample->raw[2];
	for (unsigned i = 0; i < book->state.runs; i++) {
		if (!book->run[i].active)
			continue;
		cpulines_raw(sample, book->run[i].source, raw);
		out[0] = sat_sub(out[0], raw[0]);
		out[1] = sat_sub(out[1], raw[1]);
	}
}

bool cpulines_same(const struct cpubook *book, const struct cpus *cpus)
{
	const struct cpustate *st = &book->state;
	const struct cpurun *run = book->run, *end = book->run + st->runs;
	unsigned pos = 0, k = 0;

	if (st->lines != cpus->count)
		return false;
	for (int cpu = cpuset_next(&cpus->set, 0); cpu >= 0;
		cpu = cpuset_next(&cpus->set, (unsigned)cpu + 1), k++, pos++) {
		unsigned number = cpus->renumber ? k : (unsigned)cpu;

		while (run < end && (!run->active || pos == run->count)) {
			run++;
			pos = 0;
		}
		if (run == end || run->first + pos != number ||
			(st->percpu && run->source != (unsigned)cpu))
			return false;
	}
	return true;
}

/* Adds the line `number` to the last run of `to`, or starts a run with it. */
static void lay(struct cpubook *to, const struct cpurun *old, unsigned number, int source,
	const struct cpurun **last_old)
{
	struct cpustate *st = &to->state;
	struct cpurun *run = st->runs ? &to->run[st->runs - 1] : NULL;
	bool active = source >= 0;

	if (!run || st->percpu || run->active != active || *last_old != old ||
		run->first + run->count != number) {
		run = &to->run[st->runs++];
		*run = (struct cpurun){.first = (uint16_t)number, .active = active};
	}
	for (int f = 0; old && f < CPU_TIMES; f++)
		run->ticks[f] +=
			cpulines_share(old->ticks[f], old->count, number - old->first, 1);
	if (old) {
		run->source = old->source;
		memcpy(run->raw, old->raw, sizeof(run->raw));
		run->room_ns = old->room_ns;
	}
	run->count++;
	st->lines += active;
	*last_old = old;
}

void cpulines_lay(struct cpubook *to, const struct cpubook *from,
	const struct cpusample *sample, const struct cpus *cpus, bool first)
{
	const struct cpurun *old = from->run, *end = from->run + from->state.runs,
			    *last = NULL;
	int source = cpuset_next(&cpus->set, 0);
	uint64_t hidden[2];

	to->state = from->state;
	to->state.runs = to->state.lines = 0;
	for (unsigned n = 0; n < CPUSET_MAX && (old < end || source >= 0); n++) {
		const struct cpurun *was;
		struct cpurun *run;
		bool shown = source >= 0 && (cpus->renumber || (unsigned)source == n);

		while (old < end && n >= (unsigned)old->first + old->count)
			old++;
		was = old < end && n >= old->first ? old : NULL;
		if (!was && !shown)
			continue;
		lay(to, was, n, shown ? source : -1, &last);
		if (!shown)
			continue;
		run = &to->run[to->state.runs - 1];
		if (to->state.percpu && !first &&
			(!was || !was->active || was->source != source))
			cpulines_raw(sample, (unsigned)source, run->raw);
		run->source = (uint16_t)source;
		source = cpuset_next(&cpus->set, (unsigned)source + 1);
	}
	if (to->state.percpu && !first) {
		cpulines_hidden(to, sample, hidden);
		to->state.raw[0] = hidden[0];
		to->state.raw[2] = hidden[1];
	}
}

/*
 * From the kernel's nanoseconds to the lines a reader sees.
 *
 * Invariants: no tick of any line is ever taken back; the sum is the sum of all lines,
 * also of those not visible now, as the kernel's own "cpu" line includes CPUs that are
 * offline; user, nice, system, idle and steal together are never more than the time the
 * lines were there times the CPUs (or the quota), unless usage itself was; each is
 * rounded down.
 */
#include "cache/cputime.h"

#include "cache/cpulines.h"
#include "cache/saturate.h"

#include <string.h>

/* What usage may exceed the clock by and still be the container's: CPU time is charged in
 * ticks of up to 10 ms, and its clock is not the one that NTP slews. */
enum { SLACK_NS = 20000000, SLACK_PART = 256 };
/* Later a request may have waited since its clock was read, and the figures are newer. */
#define WAITED_NS UINT64_C(2000000000)
/* Time for which idle may stand still after usage that the clock does not explain. */
#define DEBT_NS UINT64_C(1000000000)

/* The time since the last sample. */
struct step {
	bool first;       /* since the container started, rather */
	bool limited;     /* the quota is less than the lines could use */
	bool grown;       /* now it may use more than at the last sample */
	uint64_t elapsed; /* by the clock */
	uint64_t gain;    /* what each line could use of it */
};

/* What a line may have used beyond its time and make up for later. Where quota or CPUs
 * grew since the last look, nobody knows when: the time until now counts as it was then,
 * and usage that only the new ones allow takes from no later idle time. */
static uint64_t owed(const struct step *step)
{
	return step->first || step->grown ? 0 : DEBT_NS;
}

/* The whole ticks that a counter gained; it is counted up to there. */
static uint64_t take(uint64_t *counted, uint64_t now, uint64_t tick_ns)
{
	uint64_t ticks = sat_sub(now, *counted) / tick_ns;

	*counted += ticks * tick_ns;
	return ticks;
}

static uint64_t shown_ticks(const struct cpubook *book)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < book->state.runs; i++)
		sum = sat_add(sum, cpulines_ticks(&book->run[i]));
	return sum;
}

/* Takes the counters as they are, without showing what they gained. */
static void rebase(struct cpubook *book, const struct cpusample *sample)
{
	struct cpustate *st = &book->state;
	uint64_t hidden[2];

	if (sample->throttled_by)
		st->throttled = sample->throttled;
	memcpy(st->raw, sample->raw, sizeof(st->raw));
	st->raw_by = sample->raw_by;
	if (!st->percpu)
		return;
	for (unsigned i = 0; i < st->runs; i++)
		cpulines_raw(sample, book->run[i].source, book->run[i].raw);
	cpulines_hidden(book, sample, hidden);
	st->raw[0] = hidden[0];
	st->raw[2] = hidden[1];
}

/* Could the container have used this much in that time? Else the counters are another
 * cgroup's, or hold what ran in this one before the container's init. */
static bool plausible(const struct cpubook *book, const struct cpusample *sample,
	const struct cpus *cpus, const struct step *step)
{
	const struct cpustate *st = &book->state;
	uint64_t slack = step->first ? SLACK_NS : WAITED_NS, raw[2];
	uint64_t limit = sat_add(step->elapsed, step->elapsed / SLACK_PART + slack);
	uint64_t now = sat_add(sat_add(sample->raw[0], sample->raw[1]), sample->raw[2]);
	uint64_t before = sat_add(sat_add(st->raw[0], st->raw[1]), st->raw[2]);
	/* Some may have been switched off since. */
	uint64_t could_run = cpus->online > st->lines ? cpus->online : st->lines;

	if (sample->raw_by != st->raw_by)
		return false;
	for (unsigned i = 0; st->percpu && i < st->runs; i++) {
		const struct cpurun *run = &book->run[i];

		if (!run->active)
			continue;
		cpulines_raw(sample, run->source, raw);
		before = sat_add(before, sat_add(run->raw[0], run->raw[1]));
		if (sat_sub(sat_add(raw[0], raw[1]), sat_add(run->raw[0], run->raw[1])) >
			limit)
			return false;
	}
	return sat_sub(now, before) <= sat_mul(limit, could_run) &&
	       sat_sub(before, now) <= DEBT_NS;
}

/* The first look at a container on v2: what its CPUs could not have done since its start,
 * they did before. */
static void fit(struct cpustate *st, const struct cpusample *sample, uint64_t room_ns)
{
	uint64_t now = sat_add(sat_add(sample->raw[0], sample->raw[1]), sample->raw[2]);

	if (now <= room_ns)
		return;
	for (int f = 0; f < 3; f++)
		st->raw[f] = sample->raw[f] - sat_scale(sample->raw[f], room_ns, now);
}

/* Deals ticks to the active lines evenly, over all calls together: a tick at a time goes
 * round. */
static void deal(struct cpubook *book, const uint64_t ticks[CPU_TIMES])
{
	struct cpustate *st = &book->state;

	for (int f = 0; f < CPU_TIMES; f++) {
		uint64_t old = st->dealt[f], new = sat_add(old, ticks[f]), pos = 0;

		for (unsigned i = 0; ticks[f] && i < st->runs; i++) {
			struct cpurun *run = &book->run[i];

			if (!run->active)
				continue;
			run->ticks[f] += cpulines_share(new, st->lines, pos, run->count) -
					 cpulines_share(old, st->lines, pos, run->count);
			pos += run->count;
		}
		st->dealt[f] = new;
	}
}

/*
 * How much of `room` idle ticks was not idle but throttled. The kernel adds the time of
 * all CPUs, when they may run again; so it can come a period late, and be more than there
 * is. What is later than that is dropped, or a container that idles now would seem
 * throttled.
 */
static uint64_t steal(struct cpustate *st, const struct cpusample *sample, uint64_t room)
{
	uint64_t ticks, late;

	if (!sample->throttled_by)
		return 0;
	if (sample->throttled_by != st->throttled_by) {
		/* An ancestor's figure says nothing of the time before this look. */
		st->throttled = sample->throttled_own && !st->throttled_by
					? st->throttled
					: sample->throttled;
		st->throttled_by = sample->throttled_by;
	}
	st->throttled = min_u64(st->throttled, sample->throttled);
	ticks = min_u64((sample->throttled - st->throttled) / sample->tick_ns, room);
	st->throttled += ticks * sample->tick_ns;
	late = st->quota.quota_us == UINT64_MAX
		       ? 0
		       : sat_mul(st->quota.period_us, 1000 * (uint64_t)st->lines);
	if (sample->throttled - st->throttled > late)
		st->throttled = sample->throttled - late;
	return ticks;
}

/* Ticks of the room that are neither shown nor busy with parts of ticks, `rest`. */
static uint64_t left_of(
	const struct cpustate *st, uint64_t shown, uint64_t rest, uint64_t tick_ns)
{
	uint64_t over = sat_sub(rest, st->room_ns);

	return sat_sub(st->room, sat_add(shown, (over + tick_ns - 1) / tick_ns));
}

/* Keeps what all lines together are owed within bounds. */
static void level_sum(
	struct cpustate *st, uint64_t shown, uint64_t tick_ns, const struct step *step)
{
	uint64_t least = sat_sub(shown, owed(step) / tick_ns * st->lines);

	if (st->room >= least)
		return;
	st->room = least;
	st->room_ns = 0;
}

/* Idle and steal of the lines together, from the room that is left. */
static void count_even(
	struct cpubook *book, const struct cpusample *sample, const struct step *step)
{
	struct cpustate *st = &book->state;
	uint64_t ticks[CPU_TIMES], shown, left, rest = 0; /* rest: parts of ticks */

	for (int f = 0; f < 3; f++)
		ticks[CPU_USER + f] = take(&st->raw[f], sample->raw[f], sample->tick_ns);
	for (int f = 0; f < 3; f++)
		rest += sat_sub(sample->raw[f], st->raw[f]);
	shown = sat_add(sat_add(shown_ticks(book), ticks[CPU_USER]),
		sat_add(ticks[CPU_NICE], ticks[CPU_SYSTEM]));
	level_sum(st, shown, sample->tick_ns, step);
	left = left_of(st, shown, rest, sample->tick_ns);
	ticks[CPU_STEAL] = steal(st, sample, left);
	ticks[CPU_IDLE] = left - ticks[CPU_STEAL];
	deal(book, ticks);
}

/* v1: busy nanoseconds of a line that are not a tick yet. */
static uint64_t line_rest(const struct cpurun *run, const struct cpusample *sample)
{
	uint64_t raw[2];

	cpulines_raw(sample, run->source, raw);
	return run->active ? sat_sub(raw[0], run->raw[0]) + sat_sub(raw[1], run->raw[1])
			   : 0;
}

static uint64_t line_left(const struct cpurun *run, const struct cpusample *sample)
{
	uint64_t room = sat_sub(run->room_ns, line_rest(run, sample));

	return run->active ? sat_sub(room / sample->tick_ns, cpulines_ticks(run)) : 0;
}

/* v1: idle and steal of each line. Under a quota there is less to give than lines have
 * room; then each gets its proportion. */
static void count_lines_idle(
	struct cpubook *book, const struct cpusample *sample, bool limited)
{
	struct cpustate *st = &book->state;
	uint64_t room = 0, rest = 0, grant, stolen, seen = 0, given = 0, given_steal = 0;

	for (unsigned i = 0; i < st->runs; i++) {
		room += line_left(&book->run[i], sample);
		rest += line_rest(&book->run[i], sample);
	}
	grant = room;
	if (limited)
		grant = min_u64(
			room, left_of(st, shown_ticks(book), rest, sample->tick_ns));
	stolen = steal(st, sample, grant);
	for (unsigned i = 0; grant && i < st->runs; i++) {
		struct cpurun *run = &book->run[i];
		uint64_t all, part;

		seen += line_left(run, sample);
		all = sat_scale(grant, seen, room) - given;
		given += all;
		part = sat_scale(stolen, given, grant) - given_steal;
		given_steal += part;
		run->ticks[CPU_IDLE] += all - part;
		run->ticks[CPU_STEAL] += part;
	}
}

/* Keeps what lines are owed within bounds. Under a quota a line that was idle must not
 * collect claims on the time of one that was busy: the sum is what counts. */
static void level(struct cpubook *book, uint64_t tick_ns, const struct step *step)
{
	struct cpustate *st = &book->state;
	uint64_t sum = shown_ticks(book);

	for (unsigned i = 0; i < st->runs; i++) {
		struct cpurun *run = &book->run[i];
		uint64_t shown = sat_mul(cpulines_ticks(run), tick_ns);
		uint64_t most = step->limited ? 0 : owed(step);

		if (!run->active)
			continue;
		if (sat_add(run->room_ns, most) < shown)
			run->room_ns = shown - most;
		if (step->limited)
			run->room_ns = min_u64(run->room_ns, sat_add(shown, tick_ns));
	}
	level_sum(st, sum, tick_ns, step);
	if (step->limited)
		return;
	st->room = sum;
	st->room_ns = 0;
}

static void count_lines(
	struct cpubook *book, const struct cpusample *sample, const struct step *step)
{
	struct cpustate *st = &book->state;
	uint64_t ticks[CPU_TIMES] = {0}, raw[2];

	cpulines_hidden(book, sample, raw);
	ticks[CPU_USER] = take(&st->raw[0], raw[0], sample->tick_ns);
	ticks[CPU_SYSTEM] = take(&st->raw[2], raw[1], sample->tick_ns);
	deal(book, ticks);
	for (unsigned i = 0; i < st->runs; i++) {
		struct cpurun *run = &book->run[i];

		if (!run->active)
			continue;
		cpulines_raw(sample, run->source, raw);
		run->ticks[CPU_USER] += take(&run->raw[0], raw[0], sample->tick_ns);
		run->ticks[CPU_SYSTEM] += take(&run->raw[1], raw[1], sample->tick_ns);
		run->room_ns = sat_add(run->room_ns, step->gain);
	}
	count_lines_idle(book, sample, step->limited);
	level(book, sample->tick_ns, step);
}

/* quota / period < lines. Without --enable-cfs quotas do not matter. */
static bool is_limited(
	const struct cg_quota *quota, uint64_t lines, const struct cpus *cpus)
{
	return cpus->renumber && quota->quota_us != UINT64_MAX && quota->period_us &&
	       quota->quota_us < sat_mul(quota->period_us, lines);
}

/* What each of so many lines could use of a time. */
static uint64_t usable(uint64_t ns, const struct cg_quota *quota, uint64_t lines,
	const struct cpus *cpus)
{
	return is_limited(quota, lines, cpus)
		       ? sat_scale(ns, quota->quota_us, sat_mul(quota->period_us, lines))
		       : ns;
}

static void widen(struct cpustate *st, uint64_t gain, uint64_t tick_ns)
{
	uint64_t ns = st->room_ns + gain % tick_ns * st->lines;

	st->room += gain / tick_ns * st->lines + ns / tick_ns;
	st->room_ns = ns % tick_ns;
}

static void advance(struct cpubook *book, const struct cpusample *sample,
	const struct cpus *cpus, bool first)
{
	struct cpustate *st = &book->state;
	struct step step = {
		.first = first,
		.limited = is_limited(&st->quota, st->lines, cpus),
		.elapsed = sat_sub(sample->now_ns, st->seen_ns),
	};

	step.gain = usable(step.elapsed, &st->quota, st->lines, cpus);
	step.grown = sat_mul(usable(step.elapsed, &sample->quota, cpus->count, cpus),
			     cpus->count) > sat_mul(step.gain, st->lines);
	if (!plausible(book, sample, cpus, &step))
		rebase(book, sample);
	else if (first && !st->percpu)
		fit(st, sample, sat_mul(step.elapsed, cpus->allowed));
	st->seen_ns += step.elapsed;
	widen(st, step.gain, sample->tick_ns);
	if (st->percpu)
		count_lines(book, sample, &step);
	else
		count_even(book, sample, &step);
}

struct cpubook *cputime_count(struct cpubook *book, struct cpubook *spare,
	const struct cpusample *sample, const struct cpus *cpus)
{
	bool first = !book->state.runs, other = book->state.percpu != sample->percpu;
	struct cpubook *empty = book;

	if (first) {
		book->state = (struct cpustate){
			.seen_ns = sample->start_ns, .raw_by = sample->raw_by};
		book->state.quota = sample->quota;
	}
	book->state.percpu = sample->percpu;
	if (first || other) {
		cpulines_lay(spare, book, sample, cpus, first);
		book = spare;
		spare = empty;
	}
	if (!first && other)
		rebase(book, sample);
	advance(book, sample, cpus, first);
	book->state.quota = sample->quota;
	if (cpulines_same(book, cpus))
		return book;
	cpulines_lay(spare, book, sample, cpus, false);
	return spare;
}

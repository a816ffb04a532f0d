/*
 * What a reader of stat sees of a container's CPU times, for the tests of cpuview and of
 * its history.
 */
#ifndef T_UNIT_CPUSEEN_H
#define T_UNIT_CPUSEEN_H

#include "cache/cpuview.h"
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <err.h>
#include <stdlib.h>

#define S UINT64_C(1000000000)
enum { START = 100, LINES = 2048 };

/* What a reader saw. */
struct seen {
	uint64_t sum[CPU_TIMES], line[LINES][CPU_TIMES];
	bool visible[LINES];
	unsigned lines;
};

static inline void look(struct fixture *f, struct seen *seen)
{
	struct cpuview_cursor cursor = {0};
	uint64_t ticks[CPU_TIMES];
	struct cpus cpus;
	unsigned number;

	host_new_epoch(&f->host);
	cpuview_cpus(&cpus, f->ct, &f->host, f->policy.cfs);
	memset(seen, 0, sizeof(*seen));
	if (cpuview_times(f->subject.cpuview, f->ct, &f->host, &cpus, f->subject.now_ns,
		    seen->sum) != CG_OK)
		errx(1, "no CPU time");
	while (cpuview_line(&cursor, &number, ticks)) {
		if (number >= LINES || seen->visible[number])
			errx(1, "line %u", number);
		memcpy(seen->line[number], ticks, sizeof(ticks));
		seen->visible[number] = true;
		seen->lines++;
	}
	if (seen->lines != cpus.count)
		errx(1, "%u lines of %u", seen->lines, cpus.count);
}

static inline void start(struct fixture *f, bool v2)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", "0-7\n");
	if (v2) {
		fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu\n");
		fixture_write(f, "cgroup/ct/cpuset.cpus.effective", "0-3\n");
	} else {
		fixture_write(f, "cgroup/cpu,cpuacct/ct/cpu.stat", "throttled_time 0\n");
		fixture_write(f, "cgroup/cpuset/ct/cpuset.effective_cpus", "0-3\n");
	}
	fixture_load(f);
	fixture_container(f, "/ct", START * S);
	fixture_history(f, 8);
	f->host.hz = 100;
	f->subject.now_ns = (START + 10) * S;
}

static inline void v2_usage(
	struct fixture *f, uint64_t user_us, uint64_t system_us, uint64_t nice_us)
{
	char text[256];

	sprintf(text,
		"usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\nnice_usec %llu\n",
		(unsigned long long)(user_us + system_us), (unsigned long long)user_us,
		(unsigned long long)system_us, (unsigned long long)nice_us);
	fixture_write(f, "cgroup/ct/cpu.stat", text);
}

static inline uint64_t total(const uint64_t t[CPU_TIMES])
{
	uint64_t sum = 0;

	for (int f = 0; f < CPU_TIMES; f++)
		sum += t[f];
	return sum;
}

/* "user nice system idle steal", lines behind a "|" and their number. */
static inline const char *text_of(const struct seen *seen)
{
	static char text[4096];
	size_t len = 0;

	for (int i = -1; i < LINES; i++) {
		const uint64_t *t = i < 0 ? seen->sum : seen->line[i];

		if (i >= 0 && !seen->visible[i])
			continue;
		if (i >= 0)
			len += (size_t)sprintf(text + len, " |%d:", i);
		for (int f = 0; f < CPU_TIMES; f++)
			len += (size_t)sprintf(
				text + len, " %llu", (unsigned long long)t[f]);
	}
	return text + 1;
}

static inline void is_seen(struct fixture *f, const char *want, const char *what)
{
	static struct seen seen;

	look(f, &seen);
	is_str(text_of(&seen), want, what);
}

/* A second later. */
static inline void is_seen_next(struct fixture *f, const char *want, const char *what)
{
	f->subject.now_ns += UINT64_C(1000000000);
	is_seen(f, want, what);
}

#endif

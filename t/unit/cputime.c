/*
 * The arithmetic behind the lines of stat where figures are large, or are another
 * cgroup's from one look to the next. Clock ticks are 1/100 s.
 */
#include "cache/cgfiles.h"
#include "t/unit/cpuseen.h"

#include <stdio.h>

/* 630 years of CPU time; 64 bits of nanoseconds are 584. */
enum { CPUS = 768, AGE = 300 };
#define DAY (86400 * S)
#define TICKS (UINT64_C(8640000) * AGE) /* of one CPU */

/* `cpus` hundredths of a CPU for AGE days and `more` ticks, but for what was busy; under
 * a quota a part of a tick may be kept for later, on v1 of each line. */
static void is_idle(
	struct fixture *f, uint64_t cpus, uint64_t more, uint64_t busy, const char *what)
{
	static struct seen seen;
	const uint64_t want = (TICKS + more) * cpus / 100 - busy;
	uint64_t sum = 0, idle, late = 0;

	look(f, &seen);
	for (unsigned i = 0; i < LINES; i++)
		sum += total(seen.line[i]);
	idle = seen.sum[CPU_IDLE];
	if (f->policy.cfs)
		late = container_version(f->ct, CG_CPU) == &cg_v1 ? seen.lines : 1;
	ok(idle <= want && idle + late >= want, "%s: %llu of %llu", what,
		(unsigned long long)idle, (unsigned long long)want);
	ok(sum == total(seen.sum) && sum - idle == busy,
		"the rest is use, and the lines are the sum");
}

static void start_old(struct fixture *f, bool v2, bool cfs)
{
	start(f, v2);
	fixture_history(f, CPUS);
	fixture_write(f, "cpu/online", "0-767\n");
	fixture_write(f,
		v2 ? "cgroup/ct/cpuset.cpus.effective"
		   : "cgroup/cpuset/ct/cpuset.effective_cpus",
		"0-767\n");
	f->policy.cfs = cfs;
	f->subject.now_ns = START * S + AGE * DAY;
	/* 767.5 CPUs. */
	if (cfs && v2) {
		fixture_write(f, "cgroup/ct/cpu.max", "76750000 100000\n");
	} else if (cfs) {
		fixture_write(f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "76750000\n");
		fixture_write(f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "100000\n");
	}
	v2_usage(f, UINT64_C(12000000000000000), UINT64_C(3000000000000000), 0);
	fixture_write(f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n0 20000000000 0\n767 0 5000000000\n");
}

/* The time of all CPUs together is more than 64 bits of nanoseconds, at once or in the
 * end. */
static void test_old(bool v2, bool cfs)
{
	const uint64_t cpus = cfs ? 76750 : CPUS * 100;
	const uint64_t busy = v2 ? UINT64_C(1500000000000) : 2500;
	struct fixture f;

	start_old(&f, v2, cfs);
	is_idle(&f, cpus, 0, busy, "the first look");
	f.subject.now_ns += S;
	is_idle(&f, cpus, 100, busy, "a second later");
	for (unsigned i = 0; i < 19; i++) {
		static struct seen seen;

		f.subject.now_ns += S / 1000;
		look(&f, &seen);
	}
	f.subject.now_ns += S / 1000;
	is_idle(&f, cpus, 102, busy, "and twenty milliseconds, one by one");
	fixture_deinit(&f);

	start_old(&f, v2, cfs);
	f.subject.now_ns -= 100 * DAY;
	v2_usage(&f, 0, 0, 0);
	is_idle(&f, cpus, -UINT64_C(864000000), v2 ? 0 : busy, "200 days");
	f.subject.now_ns += 100 * DAY;
	is_idle(&f, cpus, 0, v2 ? 0 : busy, "300 days");
	v2_usage(&f, 1000000, 0, 0);
	f.subject.now_ns += S;
	is_idle(&f, cpus, 100, v2 ? 100 : busy, "300 days and a second, one busy");
	fixture_deinit(&f);
}

/* The container is in that cgroup of the hierarchies that it names: "" for all. */
static void move(struct fixture *f, const char *hierarchy, const char *path)
{
	char text[512] = "";
	size_t len = 0;

	for (int i = 0; i < f->layout.count; i++) {
		const char *name = f->layout.hierarchy[i].name;

		len += (size_t)sprintf(text + len, "%d:%s:%s\n", i, name,
			*hierarchy && strcmp(name, hierarchy) ? "/ct" : path);
	}
	container_set_cgroups(f->ct, text);
}

/* User time in milliseconds: all of it on the first CPU on v1. */
static void use(struct fixture *f, bool v2, const char *cgroup, unsigned ms)
{
	char path[128], text[128];

	if (v2) {
		sprintf(path, "cgroup/%s/cpuset.cpus.effective", cgroup);
		fixture_write(f, path, "0-1\n");
		sprintf(path, "cgroup/%s/cpu.stat", cgroup);
		sprintf(text, "usage_usec %u000\nuser_usec %u000\nsystem_usec 0\n", ms,
			ms);
	} else {
		sprintf(path, "cgroup/cpuset/%s/cpuset.effective_cpus", cgroup);
		fixture_write(f, path, "0-1\n");
		sprintf(path, "cgroup/cpu,cpuacct/%s/cpuacct.usage_all", cgroup);
		sprintf(text, "cpu user system\n0 %u000000 0\n", ms);
	}
	fixture_write(f, path, text);
}

static void is_sum(struct fixture *f, uint64_t user, uint64_t idle, const char *what)
{
	static struct seen seen;

	look(f, &seen);
	ok(seen.sum[CPU_USER] == user && seen.sum[CPU_IDLE] == idle,
		"%s: user %llu of %llu, idle %llu of %llu", what,
		(unsigned long long)seen.sum[CPU_USER], (unsigned long long)user,
		(unsigned long long)seen.sum[CPU_IDLE], (unsigned long long)idle);
}

/* Another process takes the history up. */
static void restart(struct fixture *f, const char *path)
{
	uint64_t now_ns = f->subject.now_ns;

	fixture_container(f, path, START * S);
	fixture_history(f, 0);
	f->subject.now_ns = now_ns;
}

/* Another cgroup's counters can be higher by what the container could have used. */
static void test_moved(bool v2)
{
	const char *dir = v2 ? "cgroup" : "cgroup/cpu,cpuacct";
	char from[512], to[512];
	struct fixture f;

	start(&f, v2);
	use(&f, v2, "ct", 1000);
	is_sum(&f, 100, 1900, "two CPUs for 10 s");
	use(&f, v2, "other", 1600);
	move(&f, "", "/other");
	f.subject.now_ns += S;
	is_sum(&f, 100, 2100, "what another cgroup had used is not the container's");
	use(&f, v2, "other", 2000);
	f.subject.now_ns += S;
	is_sum(&f, 140, 2260, "what it uses from there on is");
	use(&f, v2, "other", 2500);
	f.subject.now_ns += S;
	restart(&f, "/other");
	is_sum(&f, 190, 2410, "also when another process goes on");
	use(&f, v2, "ct", 3000);
	f.subject.now_ns += S;
	restart(&f, "/ct");
	is_sum(&f, 190, 2610, "which notices a move, too");

	snprintf(from, sizeof(from), "%s/%s/ct", f.dir, dir);
	snprintf(to, sizeof(to), "%s/%s/old", f.dir, dir);
	if (rename(from, to) < 0)
		err(1, "%s", from);
	cgfiles_forget(f.files, f.ct);
	use(&f, v2, "ct", 3500);
	f.subject.now_ns += S;
	is_sum(&f, 190, 2810, "removed, and made again at the same path");
	use(&f, v2, "ct", 3600);
	f.subject.now_ns += S;
	is_sum(&f, 200, 3000, "that one counts now");
	fixture_deinit(&f);
}

static void throttle(struct fixture *f, const char *cgroup, unsigned ms)
{
	char path[128], text[64];

	sprintf(path, "cgroup/%s/cpu.cfs_quota_us", cgroup);
	fixture_write(f, path, "100000\n");
	sprintf(path, "cgroup/%s/cpu.cfs_period_us", cgroup);
	fixture_write(f, path, "100000\n");
	sprintf(path, "cgroup/%s/cpu.stat", cgroup);
	sprintf(text, "throttled_time %u000000\n", ms);
	fixture_write(f, path, text);
}

/* The same of the time throttled, be it an ancestor's, and though usage is counted where
 * it was. */
static void test_throttled(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cpu/online", "0\n");
	fixture_write(
		&f, "cgroup/cpuacct/ct/cpuacct.usage_all", "cpu user system\n0 0 0\n");
	throttle(&f, "cpu/ct", 1000);
	throttle(&f, "cpu/other", 1500);
	throttle(&f, "cpu/a", 2000);
	throttle(&f, "cpu/b", 2500);
	fixture_write(&f, "cgroup/cpu/a/ct/cpu.shares", "1024\n");
	fixture_write(&f, "cgroup/cpu/b/ct/cpu.shares", "1024\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", START * S);
	fixture_history(&f, 8);
	f.host.hz = 100;
	f.subject.now_ns = (START + 10) * S;
	is_seen(&f, "0 0 0 900 100 |0: 0 0 0 900 100", "throttled for a second of ten");
	move(&f, "cpu", "/other");
	is_seen_next(
		&f, "0 0 0 1000 100 |0: 0 0 0 1000 100", "another cgroup's throttling");
	throttle(&f, "cpu/other", 1700);
	is_seen_next(&f, "0 0 0 1080 120 |0: 0 0 0 1080 120", "and from there on");
	move(&f, "cpu", "/a/ct");
	is_seen_next(&f, "0 0 0 1180 120 |0: 0 0 0 1180 120", "an ancestor's");
	move(&f, "cpu", "/b/ct");
	is_seen_next(&f, "0 0 0 1280 120 |0: 0 0 0 1280 120", "another ancestor's");
	throttle(&f, "cpu/b", 2800);
	is_seen_next(&f, "0 0 0 1350 150 |0: 0 0 0 1350 150", "and from there on");
	fixture_deinit(&f);
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		test_old(i & 1, i & 2);
	test_moved(true);
	test_moved(false);
	test_throttled();
	return tap_done();
}

/*
 * The arithmetic behind the lines of stat where figures are large. Clock ticks are
 * 1/100 s.
 */
#include "t/unit/cpuseen.h"

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

int main(void)
{
	for (int i = 0; i < 4; i++)
		test_old(i & 1, i & 2);
	return tap_done();
}

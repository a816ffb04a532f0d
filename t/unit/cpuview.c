/*
 * The lines of stat as cpusets, quotas and cgroups change under a container.
 */
#include "cache/cpulines.h"

#include "t/unit/cpuseen.h"

static void test_cpuset_changes(void)
{
	struct fixture f;

	start(&f, true);
	v2_usage(&f, 8000000, 4000000, 0);
	is_seen(&f,
		"800 0 400 2800 0 |0: 200 0 100 700 0 |1: 200 0 100 700 0"
		" |2: 200 0 100 700 0 |3: 200 0 100 700 0",
		"four CPUs for 10 s");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "1-2,5\n");
	is_seen(&f,
		"800 0 400 2800 0 |1: 200 0 100 700 0 |2: 200 0 100 700 0 |5: 0 0 0 0 0",
		"another cpuset: lines stay, the new one begins, the sum is what it was");
	f.subject.now_ns += S;
	v2_usage(&f, 8900000, 4300000, 0);
	is_seen(&f,
		"890 0 430 2980 0 |1: 230 0 110 760 0 |2: 230 0 110 760 0"
		" |5: 30 0 10 60 0",
		"a second later");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-1\n");
	is_seen(&f, "890 0 430 2980 0 |0: 200 0 100 700 0 |1: 230 0 110 760 0",
		"CPU 0 comes back with what it had");
	is_seen_next(&f, "890 0 430 3180 0 |0: 200 0 100 800 0 |1: 230 0 110 860 0",
		"and idles for a second");
	fixture_deinit(&f);
}

static void test_quota_changes(void)
{
	struct fixture f;

	start(&f, true);
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/ct/cpu.max", "150000 100000\n");
	v2_usage(&f, 2000000, 2000000, 0);
	is_seen(&f, "200 0 200 1100 0 |0: 100 0 100 550 0 |1: 100 0 100 550 0",
		"1.5 CPUs");
	fixture_write(&f, "cgroup/ct/cpu.max", "max 100000\n");
	is_seen_next(&f,
		"200 0 200 1250 0 |0: 100 0 100 625 0 |1: 100 0 100 625 0 |2: 0 0 0 0 0"
		" |3: 0 0 0 0 0",
		"the time until the change counts as it was");
	is_seen_next(&f,
		"200 0 200 1650 0 |0: 100 0 100 725 0 |1: 100 0 100 725 0"
		" |2: 0 0 0 100 0 |3: 0 0 0 100 0",
		"four CPUs");
	fixture_write(&f, "cgroup/ct/cpu.max", "100000 100000\n");
	is_seen(&f, "200 0 200 1650 0 |0: 100 0 100 725 0", "one CPU");
	f.subject.now_ns += S;
	v2_usage(&f, 2700000, 2100000, 400000);
	is_seen(&f, "230 40 210 1670 0 |0: 130 40 110 745 0", "and one it stays");
	fixture_deinit(&f);
}

/* The quota that was in force between two looks is not known: the time counts at the one
 * seen first, usage in any case, and what only the second allows costs no idle time
 * later.
 */
static void test_quota_between(void)
{
	struct fixture f;

	start(&f, true);
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/ct/cpu.max", "50000 100000\n");
	v2_usage(&f, 0, 0, 0);
	is_seen(&f, "0 0 0 500 0 |0: 0 0 0 500 0", "half a CPU for 10 s");
	fixture_write(&f, "cgroup/ct/cpu.max", "200000 100000\n");
	f.subject.now_ns += S;
	v2_usage(&f, 1500000, 0, 0);
	is_seen(&f, "150 0 0 500 0 |0: 150 0 0 500 0 |1: 0 0 0 0 0",
		"raised, and busy with 1.5 CPUs: usage shows, idle stands still");
	is_seen_next(&f, "150 0 0 700 0 |0: 150 0 0 600 0 |1: 0 0 0 100 0",
		"from there on idle is the whole of it");
	fixture_write(&f, "cgroup/ct/cpu.max", "50000 100000\n");
	is_seen_next(
		&f, "150 0 0 900 0 |0: 150 0 0 700 0", "lowered: it was two until now");
	is_seen_next(
		&f, "150 0 0 950 0 |0: 150 0 0 750 0", "and is half a one since then");
	v2_usage(&f, 2500000, 0, 0);
	is_seen_next(&f, "250 0 0 950 0 |0: 250 0 0 750 0",
		"raised and lowered again unseen: usage shows");
	is_seen_next(&f, "250 0 0 950 0 |0: 250 0 0 750 0", "it is made up for");
	is_seen_next(&f, "250 0 0 1000 0 |0: 250 0 0 800 0", "and that is all");
	fixture_deinit(&f);

	start(&f, false);
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/cpuset/ct/cpuset.effective_cpus", "0-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "50000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n0 0 0\n1 0 0\n");
	is_seen(&f, "0 0 0 500 0 |0: 0 0 0 500 0", "v1: half a CPU for 10 s");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n0 800000000 0\n1 700000000 0\n");
	is_seen_next(&f, "150 0 0 500 0 |0: 150 0 0 500 0 |1: 0 0 0 0 0",
		"v1: no quota any more, and busy with 1.5 CPUs");
	is_seen_next(&f, "150 0 0 700 0 |0: 150 0 0 600 0 |1: 0 0 0 100 0",
		"v1: from there on idle is the whole of it");
	fixture_deinit(&f);

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	v2_usage(&f, 0, 0, 0);
	is_seen(&f, "0 0 0 1000 0 |0: 0 0 0 1000 0", "a cpuset of one");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-1\n");
	f.subject.now_ns += S;
	v2_usage(&f, 2000000, 0, 0);
	is_seen(&f, "200 0 0 1000 0 |0: 200 0 0 1000 0 |1: 0 0 0 0 0",
		"two, and both busy");
	is_seen_next(&f, "200 0 0 1200 0 |0: 200 0 0 1100 0 |1: 0 0 0 100 0",
		"two CPUs of idle");
	fixture_deinit(&f);
}

static void test_v1_changes(void)
{
	static const char usage[] = "cgroup/cpu,cpuacct/ct/cpuacct.usage_all";
	static const char cpuset[] = "cgroup/cpuset/ct/cpuset.effective_cpus";
	struct fixture f;

	start(&f, false);
	fixture_write(&f, cpuset, "0-1\n");
	fixture_write(&f, usage,
		"cpu user system\n0 1000000000 500000000\n1 0 0\n2 9999999 0\n");
	is_seen(&f, "100 0 50 1850 0 |0: 100 0 50 850 0 |1: 0 0 0 1000 0",
		"two CPUs for 10 s");
	fixture_write(&f, cpuset, "1-2\n");
	f.subject.now_ns += S;
	fixture_write(&f, usage,
		"cpu user system\n0 1000000000 600000000\n1 500000000 0\n2 30000000 0\n");
	/* The second before the change seen now: CPU 2's three ticks are for both lines.
	 */
	is_seen(&f, "153 0 60 1987 0 |1: 51 0 0 1049 0 |2: 0 0 0 0 0",
		"1-2 instead of 0-1");
	f.subject.now_ns += S;
	fixture_write(&f, usage,
		"cpu user system\n0 1000000000 600000000\n1 500000000 0\n2 530000000 "
		"0\n");
	is_seen(&f, "203 0 60 2137 0 |1: 51 0 0 1149 0 |2: 50 0 0 50 0", "CPU 2 counts");
	fixture_write(&f, cpuset, "0\n");
	is_seen(&f, "203 0 60 2137 0 |0: 102 0 60 938 0", "CPU 0 comes back");
	f.subject.now_ns += S;
	fixture_write(&f, usage,
		"cpu user system\n0 1250000000 600000000\n1 500000000 0\n2 530000000 "
		"0\n");
	is_seen(&f, "228 0 60 2212 0 |0: 127 0 60 1013 0", "and goes on");
	fixture_deinit(&f);
}

/* A v1 task that runs on one CPU, then on the other, with one CPU of quota: idle follows.
 */
static void test_v1_quota(void)
{
	static const char usage[] = "cgroup/cpu,cpuacct/ct/cpuacct.usage_all";
	struct fixture f;

	start(&f, false);
	fixture_write(&f, "cgroup/cpuset/ct/cpuset.effective_cpus", "0-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "150000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "100000\n");
	f.policy.cfs = true;
	f.subject.now_ns = (START + 30) * S;
	fixture_write(&f, usage, "cpu user system\n0 30000000000 0\n1 0 0\n");
	is_seen(&f, "3000 0 0 1500 0 |0: 3000 0 0 0 0 |1: 0 0 0 1500 0",
		"busy on the first");
	f.subject.now_ns += 10 * S;
	fixture_write(&f, usage, "cpu user system\n0 30000000000 0\n1 10000000000 0\n");
	is_seen(&f, "4000 0 0 2000 0 |0: 3000 0 0 500 0 |1: 1000 0 0 1500 0",
		"busy on the second: idle moves at once");
	fixture_deinit(&f);
}

/* Throttled time is of all CPUs together, comes late, and can be more than there is. */
static void test_throttled(void)
{
	struct fixture f;

	start(&f, true);
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/ct/cpu.max", "100000 100000\n");
	fixture_write(&f, "cgroup/ct/cpu.stat.local", "throttled_usec 1000000\n");
	v2_usage(&f, 0, 0, 0);
	is_seen(&f, "0 0 0 900 100 |0: 0 0 0 900 100", "a second of ten");
	fixture_write(&f, "cgroup/ct/cpu.stat.local", "throttled_usec 9000000\n");
	is_seen_next(&f, "0 0 0 900 200 |0: 0 0 0 900 200", "eight seconds in one");
	is_seen_next(&f, "0 0 0 990 210 |0: 0 0 0 990 210", "a period may be late");
	is_seen_next(&f, "0 0 0 1090 210 |0: 0 0 0 1090 210", "the rest is forgotten");
	fixture_write(&f, "cgroup/ct/cpu.stat.local", "throttled_usec 500000\n");
	is_seen_next(&f, "0 0 0 1190 210 |0: 0 0 0 1190 210", "a counter that fell");
	fixture_write(&f, "cgroup/ct/cpu.stat.local", "throttled_usec 600000\n");
	is_seen_next(&f, "0 0 0 1280 220 |0: 0 0 0 1280 220", "counts from there");
	fixture_deinit(&f);
}

/* Counters that fall, jump, or stand still with the clock. */
static void test_other_cgroup(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	v2_usage(&f, 5000000, 0, 0);
	is_seen(&f, "500 0 0 500 0 |0: 500 0 0 500 0", "half of 10 s");
	v2_usage(&f, 100000, 0, 0);
	is_seen_next(
		&f, "500 0 0 600 0 |0: 500 0 0 600 0", "init moved to a younger cgroup");
	v2_usage(&f, 300000, 0, 0);
	is_seen_next(
		&f, "520 0 0 680 0 |0: 520 0 0 680 0", "whose time counts from there");
	v2_usage(&f, 900000000, 0, 0);
	is_seen_next(&f, "520 0 0 780 0 |0: 520 0 0 780 0", "to an older one");
	f.subject.now_ns -= S / 2;
	is_seen(&f, "520 0 0 780 0 |0: 520 0 0 780 0", "an earlier request comes late");
	f.subject.now_ns += S / 2;
	v2_usage(&f, 900980000, 20000, 0);
	is_seen(&f, "618 0 2 780 0 |0: 618 0 2 780 0",
		"more usage than time: idle waits");
	is_seen_next(&f, "618 0 2 780 0 |0: 618 0 2 780 0", "until it is made up for");
	is_seen_next(&f, "618 0 2 880 0 |0: 618 0 2 880 0", "and goes on");
	fixture_deinit(&f);
}

/* A cgroup that cannot be read any more leaves what was seen of it, in lines of the CPUs
 * there are. */
static void test_gone(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-1\n");
	v2_usage(&f, 1000000, 0, 0);
	is_seen(&f, "100 0 0 1900 0 |0: 50 0 0 950 0 |1: 50 0 0 950 0", "two CPUs");
	fixture_hide(&f, "cgroup/ct/cpu.stat");
	cgfiles_forget(f.files, f.ct);
	is_seen_next(
		&f, "100 0 0 1900 0 |0: 50 0 0 950 0 |1: 50 0 0 950 0", "it is gone");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "1-2\n");
	is_seen(&f, "100 0 0 1900 0 |1: 50 0 0 950 0 |2: 0 0 0 0 0", "other CPUs");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	is_seen(&f, "100 0 0 1900 0 |0: 50 0 0 950 0", "and others");
	fixture_unhide(&f, "cgroup/ct/cpu.stat");
	v2_usage(&f, 1500000, 0, 0);
	is_seen(&f, "150 0 0 2050 0 |0: 75 0 0 1025 0",
		"there again: as if nothing had been");
	fixture_deinit(&f);
}

/* What the kernel counts in ticks can be more than what it measures. */
static void test_nice(void)
{
	struct fixture f;

	start(&f, true);
	v2_usage(&f, 2500000, 0, 10000000);
	is_seen(&f,
		"0 250 0 3750 0 |0: 0 63 0 938 0 |1: 0 63 0 938 0 |2: 0 62 0 937 0"
		" |3: 0 62 0 937 0",
		"more nice than user time: user's, and all of it nice");
	fixture_deinit(&f);
}

/* An hour's work of eight CPUs, half of which are gone when it is looked at. */
static void test_switched_off(void)
{
	static struct seen seen;
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-7\n");
	v2_usage(&f, 0, 0, 0);
	look(&f, &seen);
	is_u64(seen.sum[CPU_USER], 0, "nothing done");
	is_u64(seen.sum[CPU_IDLE], 8000, "by eight CPUs in 10 s");
	fixture_write(&f, "cpu/online", "0-3\n");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-3\n");
	v2_usage(&f, UINT64_C(28000) * 1000000, 0, 0);
	f.subject.now_ns += 3600 * S;
	look(&f, &seen);
	is_u64(total(seen.sum), 8000 + 8 * 360000, "an hour later");
	is_u64(seen.sum[CPU_IDLE], 8000 + 80000, "most of it was busy");
	fixture_deinit(&f);
}

/* Steady reading at any pace: the sum is the clock's, and even lines stay even. */
static void test_steady(bool v2)
{
	static struct seen seen;
	uint64_t least = UINT64_MAX, most = 0;
	struct fixture f;

	start(&f, v2);
	/* Four runs of a line each. */
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0,2,4,6\n");
	for (unsigned i = 1; i <= 2000; i++) {
		char text[256];
		uint64_t busy = i * UINT64_C(1000000) / 2;

		f.subject.now_ns = START * S + i * UINT64_C(1000000);
		if (v2) {
			v2_usage(&f, 2 * busy / 1000, 2 * busy / 1000, 0);
		} else {
			sprintf(text,
				"cpu user system\n0 %llu 0\n1 %llu 0\n2 0 %llu\n3 0 "
				"%llu\n",
				(unsigned long long)busy, (unsigned long long)busy,
				(unsigned long long)busy, (unsigned long long)busy);
			fixture_write(
				&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all", text);
		}
		look(&f, &seen);
	}
	is_u64(total(seen.sum), 800,
		"every millisecond for two seconds: four CPUs' ticks");
	is_u64(seen.sum[CPU_USER], 200, "user");
	is_u64(seen.sum[CPU_SYSTEM], 200, "system");
	is_u64(seen.sum[CPU_IDLE], 400, "idle");
	for (unsigned i = 0; i < 4; i++) {
		uint64_t idle = seen.line[v2 ? 2 * i : i][CPU_IDLE];

		least = idle < least ? idle : least;
		most = idle > most ? idle : most;
	}
	ok(most - least <= 1, "idle is even");
	fixture_deinit(&f);
}

/* 1024 CPUs with gaps. */
static void test_large(bool v2)
{
	static char usage[65536];
	static struct seen seen;
	uint64_t sum = 0;
	struct fixture f;
	size_t len = (size_t)sprintf(usage, "cpu user system\n");

	start(&f, v2);
	fixture_history(&f, 1024);
	fixture_write(&f, "cpu/online", "0-1023\n");
	fixture_write(&f,
		v2 ? "cgroup/ct/cpuset.cpus.effective"
		   : "cgroup/cpuset/ct/cpuset.effective_cpus",
		"1-1023:1/2\n");
	for (unsigned i = 0; i < 1024; i++)
		len += (size_t)sprintf(
			usage + len, "%u %llu 0\n", i, i % 2 ? i * 1000000ull : 0ull);
	if (v2)
		v2_usage(&f, 1001000000, 0, 0);
	else
		fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all", usage);
	for (unsigned i = 0; i < 2; i++)
		look(&f, &seen);
	is_u64(seen.lines, 512, "512 lines");
	for (unsigned i = 0; i < 1024; i++)
		sum += seen.line[i][CPU_USER];
	is_u64(sum, seen.sum[CPU_USER], "the lines are the sum");
	/* On v1 a part of a tick is busy on each of them. */
	is_u64(seen.sum[CPU_USER] + seen.sum[CPU_IDLE], v2 ? 512000 : 512000 - 512,
		"and all is the clock's");
	is_u64(seen.line[1021][CPU_USER], v2 ? 195 : 102, "one of them");
	is_u64(seen.line[1][CPU_USER], v2 ? 196 : 0, "and the first");
	fixture_deinit(&f);
}

static void test_share(void)
{
	unsigned wrong = 0;

	for (uint64_t t = 0; t < 100; t++)
		for (uint64_t n = 1; n < 12; n++) {
			uint64_t sum = 0;

			for (uint64_t i = 0; i < n; i++) {
				uint64_t one = cpulines_share(t, n, i, 1);

				sum += one;
				wrong += one > cpulines_share(t + 1, n, i, 1);
				wrong += one != t / n && one != t / n + 1;
			}
			wrong += sum != t || cpulines_share(t, n, 0, n) != t;
		}
	is_u64(wrong, 0, "shares are even, exact, and only grow");
}

int main(void)
{
	test_share();
	test_cpuset_changes();
	test_quota_changes();
	test_quota_between();
	test_v1_changes();
	test_v1_quota();
	test_throttled();
	test_other_cgroup();
	test_gone();
	test_nice();
	test_switched_off();
	test_steady(true);
	test_steady(false);
	test_large(true);
	test_large(false);
	return tap_done();
}

/*
 * stat as a whole, at the first look at a container: what later looks add to that is
 * cpuview's. Clock ticks are 1/100 s.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <stdlib.h>

enum { HOST_CPUS = 4 };
#define S UINT64_C(1000000000)

static const char tail[] = "intr 1000 5 6 7 0 0\n"
			   "ctxt 2000\n"
			   "btime 1700000000\n"
			   "processes 300\n"
			   "procs_running 7\n"
			   "procs_blocked 8\n"
			   "softirq 99 1 2 3 4 5 6 7 8 9 54\n";

#define TAIL                                                                             \
	"intr 1000\nctxt 2000\nbtime 1700000000\nprocesses 300\nprocs_running 7\n"       \
	"procs_blocked 8\nsoftirq 99 1 2 3 4 5 6 7 8 9 54\n"

/* The host's stat with `fields` behind each name. */
static void write_host(struct fixture *f, const char *fields)
{
	char text[4096];
	size_t len = (size_t)sprintf(text, "cpu  %s\n", fields);

	for (int i = 0; i < HOST_CPUS; i++)
		len += (size_t)sprintf(text + len, "cpu%d %d%s\n", i, i, fields);
	strcpy(text + len, tail);
	fixture_write(f, "proc/stat", text);
}

/* A container on CPUs 1 and 3 that is 10 s old. */
static void start(struct fixture *f, bool v2)
{
	const char *cpuset = v2 ? "cgroup/ct/cpuset.cpus.effective"
				: "cgroup/cpuset/ct/cpuset.effective_cpus";

	fixture_new(f);
	write_host(f, "111 222 333 444 55 66 77 88 99 10");
	fixture_write(f, "cpu/online", "0-3\n");
	fixture_write(f, cpuset, "1,3\n");
	if (v2) {
		fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu\n");
		fixture_write(f, "cgroup/cpu.stat", "usage_usec 1\n");
	} else {
		fixture_write(f, "cgroup/cpu,cpuacct/cpu.shares", "1024\n");
	}
	fixture_load(f);
	fixture_container(f, "/ct", 100 * S);
	f->host.hz = 100;
	f->subject.now_ns = 110 * S;
}

static void is_stat(struct fixture *f, const char *want, const char *what)
{
	is_str(fixture_show(f, view_stat, 0), want, what);
}

static void test_v2(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 3456789\nuser_usec 2000000\nsystem_usec 1456789\n"
		"nice_usec 300000\ncore_sched.force_idle_usec 5\nnr_throttled 0\n"
		"throttled_usec 2000000\nnew_usec 7\n");
	is_stat(&f,
		"cpu  170 30 145 1654 0 0 0 0 0 0\n"
		"cpu1 85 15 73 827 0 0 0 0 0 0\n"
		"cpu3 85 15 72 827 0 0 0 0 0 0\n" TAIL,
		"v2: totals spread evenly; throttled without a quota is nobody's");
	f.policy.cfs = true;
	is_stat(&f,
		"cpu  170 30 145 1654 0 0 0 0 0 0\n"
		"cpu0 85 15 73 827 0 0 0 0 0 0\n"
		"cpu1 85 15 72 827 0 0 0 0 0 0\n" TAIL,
		"v2: renumbered");
	fixture_write(&f, "cgroup/ct/cpu.max", "150000 100000\n");
	is_stat(&f,
		"cpu  170 30 145 954 0 0 0 200 0 0\n"
		"cpu0 85 15 73 477 0 0 0 100 0 0\n"
		"cpu1 85 15 72 477 0 0 0 100 0 0\n" TAIL,
		"v2: 1.5 CPUs of quota; throttled time is stolen from idle");
	f.policy.cfs = false;
	is_stat(&f,
		"cpu  170 30 145 1454 0 0 0 200 0 0\n"
		"cpu1 85 15 73 727 0 0 0 100 0 0\n"
		"cpu3 85 15 72 727 0 0 0 100 0 0\n" TAIL,
		"v2: without --enable-cfs only the throttled time shows");
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/ct/cpu.stat.local", "throttled_usec 90000000\n");
	is_stat(&f,
		"cpu  170 30 145 0 0 0 0 1154 0 0\n"
		"cpu0 85 15 73 0 0 0 0 577 0 0\n"
		"cpu1 85 15 72 0 0 0 0 577 0 0\n" TAIL,
		"v2: cpu.stat.local, and never more than idle");
	fixture_write(&f, "cgroup/ct/cpu.max", "40000 100000\n");
	is_stat(&f,
		"cpu  170 30 145 0 0 0 0 54 0 0\ncpu0 170 30 145 0 0 0 0 54 0 0\n" TAIL,
		"v2: 0.4 CPUs of quota are one CPU of which less can be used");
	fixture_deinit(&f);
}

/* The quota sits above: the parent's throttling before this look is not known to be ours.
 */
static void test_v2_ancestor(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/a/cpu.max", "150000 100000\n");
	fixture_write(&f, "cgroup/a/cpu.stat", "usage_usec 1\nthrottled_usec 5000000\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "0-3\n");
	fixture_write(&f, "cgroup/a/ct/cpu.max", "max 100000\n");
	fixture_write(&f, "cgroup/a/ct/cpu.stat",
		"usage_usec 0\nuser_usec 0\nsystem_usec 0\nthrottled_usec 0\n");
	fixture_container(&f, "/a/ct", 100 * S);
	fixture_history(&f, HOST_CPUS);
	f.policy.cfs = true;
	f.subject.now_ns = 110 * S;
	is_stat(&f,
		"cpu  0 0 0 1500 0 0 0 0 0 0\n"
		"cpu0 0 0 0 750 0 0 0 0 0 0\n"
		"cpu1 0 0 0 750 0 0 0 0 0 0\n" TAIL,
		"an ancestor's quota, and its throttling so far");
	fixture_write(&f, "cgroup/a/cpu.stat", "usage_usec 1\nthrottled_usec 5300000\n");
	f.subject.now_ns = 111 * S;
	is_stat(&f,
		"cpu  0 0 0 1620 0 0 0 30 0 0\n"
		"cpu0 0 0 0 810 0 0 0 15 0 0\n"
		"cpu1 0 0 0 810 0 0 0 15 0 0\n" TAIL,
		"and since then");
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	start(&f, false);
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n0 100000000 0\n1 1500000000 500000000\n2 0 0\n"
		"3 250000000 126000000\n");
	is_stat(&f,
		"cpu  185 0 62 1752 0 0 0 0 0 0\n"
		"cpu1 155 0 50 795 0 0 0 0 0 0\n"
		"cpu3 30 0 12 957 0 0 0 0 0 0\n" TAIL,
		"v1: each CPU's own time, and its share of what ran elsewhere");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "100000\n");
	fixture_write(
		&f, "cgroup/cpu,cpuacct/ct/cpu.stat", "throttled_time 1000000000\n");
	f.policy.cfs = true;
	is_stat(&f,
		"cpu  185 0 62 653 0 0 0 100 0 0\ncpu0 185 0 62 653 0 0 0 100 0 0\n" TAIL,
		"v1: one CPU of quota shows all that ran on either");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "120000\n");
	/* 1200 ticks: 600 a line, of which 395 and 557 are left; 952 in all, 100 stolen.
	 */
	is_stat(&f,
		"cpu  185 0 62 852 0 0 0 100 0 0\n"
		"cpu0 155 0 50 354 0 0 0 41 0 0\n"
		"cpu1 30 0 12 498 0 0 0 59 0 0\n" TAIL,
		"v1: 1.2 CPUs of quota");
	fixture_deinit(&f);
}

/* What the captured containers' files come to, 10 s after their start. */
static void test_captured(void)
{
	static const struct {
		const char *name;
		bool cfs;
		const char *want;
	} captured[] = {
		/* Three CPUs, and 1.5 of quota. */
		{"5.10-v2", false,
			"cpu  240 0 120 2490 0 0 0 150 0 0\n"
			"cpu0 80 0 40 830 0 0 0 50 0 0\n"
			"cpu1 80 0 40 830 0 0 0 50 0 0\n"
			"cpu3 80 0 40 830 0 0 0 50 0 0\n"},
		{"5.10-v2", true,
			"cpu  240 0 120 990 0 0 0 150 0 0\n"
			"cpu0 120 0 60 495 0 0 0 75 0 0\n"
			"cpu1 120 0 60 495 0 0 0 75 0 0\n"},
		{"6.1-v2", false,
			"cpu  210 0 248 441 0 0 0 100 0 0\n"
			"cpu0 210 0 248 441 0 0 0 100 0 0\n"},
		{"6.12-v2", false,
			"cpu  178 0 261 464 0 0 0 96 0 0\n"
			"cpu0 178 0 261 464 0 0 0 96 0 0\n"},
		{"6.12-v2", true,
			"cpu  178 0 261 464 0 0 0 96 0 0\n"
			"cpu0 178 0 261 464 0 0 0 96 0 0\n"},
		{"6.1-v1", false,
			"cpu  205 0 259 433 0 0 0 102 0 0\n"
			"cpu0 205 0 259 433 0 0 0 102 0 0\n"},
		{"6.12-v1", false,
			"cpu  183 0 266 1056 0 0 0 492 0 0\n"
			"cpu0 123 0 168 483 0 0 0 225 0 0\n"
			"cpu1 60 0 98 573 0 0 0 267 0 0\n"},
		{"6.12-v1", true,
			"cpu  183 0 266 556 0 0 0 492 0 0\n"
			"cpu0 123 0 168 243 0 0 0 215 0 0\n"
			"cpu1 60 0 98 313 0 0 0 277 0 0\n"},
		{"6.18-hybrid", false,
			"cpu  133 0 416 321 0 0 0 128 0 0\n"
			"cpu0 133 0 416 321 0 0 0 128 0 0\n"},
	};

	for (unsigned i = 0; i < sizeof(captured) / sizeof(captured[0]); i++) {
		char want[4096];
		struct textbuf host = {0};
		const char *rest, *intr;
		struct fixture f;

		fixture_open(&f, captured[i].name);
		fixture_container(&f, "/ct", 100 * S);
		f.host.hz = 100;
		f.policy.cfs = captured[i].cfs;
		f.subject.now_ns = 110 * S;
		if (procfile_read(f.host.proc, "stat", &host) < 0)
			abort();
		intr = strstr(host.data, "intr ");
		rest = strstr(host.data, "ctxt ");
		snprintf(want, sizeof(want), "%s%.*s\n%s", captured[i].want,
			(int)(5 + strcspn(intr + 5, " ")), intr, rest);
		is_stat(&f, want, captured[i].name);
		textbuf_deinit(&host);
		fixture_deinit(&f);
	}
}

static void test_lines(void)
{
	static const struct load_counts load = {.running = 3, .blocked = 1};
	struct fixture f;

	start(&f, true);
	fixture_write(
		&f, "cgroup/ct/cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "2\n");
	f.policy.intr = true;
	f.subject.load = &load;
	f.ct->init = 77;
	fixture_write(&f, "proc/77/timens_offsets",
		"monotonic         -50         0\nboottime        -1000         0\n");
	is_stat(&f,
		"cpu  0 0 0 1000 0 0 0 0 0 0\ncpu2 0 0 0 1000 0 0 0 0 0 0\n"
		"intr 1000 5 6 7 0 0\nctxt 2000\nbtime 1700001000\nprocesses 300\n"
		"procs_running 3\nprocs_blocked 1\nsoftirq 99 1 2 3 4 5 6 7 8 9 54\n",
		"counted tasks, a time namespace, --enable-intr");
	fixture_write(&f, "proc/stat",
		"page 5 6\nswap 7 8\ncpu  1 2 3 4\ncpu0 1 2 3 4\ncpu_like "
		"5\nctxt\n\nintr\n"
		"btime x\nprocs_running");
	f.policy.intr = false;
	f.subject.load = NULL;
	is_stat(&f,
		"page 5 6\nswap 7 8\ncpu  0 0 0 1000\ncpu2 0 0 0 1000\ncpu_like "
		"5\nctxt\n\nintr\n"
		"btime x\nprocs_running\n",
		"four fields as in 2.4; lines in another order, broken or unknown");
	fixture_deinit(&f);
}

/* A kernel with an eleventh field: what we do not know passes through. */
static void test_fields(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(
		&f, "cgroup/ct/cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
	write_host(&f, "1 2 3 4 5 6 7 8 9 10 11 12");
	is_stat(&f,
		"cpu  0 0 0 2000 0 0 0 0 0 0 11 12\n"
		"cpu1 0 0 0 1000 0 0 0 0 0 0 11 12\n"
		"cpu3 0 0 0 1000 0 0 0 0 0 0 11 12\n" TAIL,
		"fields behind the tenth");
	f.policy.cfs = true;
	is_stat(&f,
		"cpu  0 0 0 2000 0 0 0 0 0 0 11 12\n"
		"cpu0 0 0 0 1000 0 0 0 0 0 0 11 12\n"
		"cpu1 0 0 0 1000 0 0 0 0 0 0 11 12\n" TAIL,
		"fields behind the tenth, renumbered");
	fixture_write(&f, "proc/stat",
		"cpu  1 2 3 4 5 6 7 8 9 10 11\ncpu3 1 2 3 4 5 6 7 8 9 10 33\n");
	is_stat(&f,
		"cpu  0 0 0 2000 0 0 0 0 0 0 11\ncpu0 0 0 0 1000 0 0 0 0 0 0\n"
		"cpu1 0 0 0 1000 0 0 0 0 0 0 33\n",
		"the host's line of a CPU is missing");
	fixture_deinit(&f);
}

/* Descriptors of a removed cgroup read ENODEV; those of a plain file do not. */
static void gone(struct fixture *f, const char *path)
{
	fixture_remove(f, path);
	cgfiles_forget(f->files, f->ct);
}

static void test_host(void)
{
	static const char some[] = "usage_usec 0\nuser_usec 0\nsystem_usec 0\n";
	static const char shown[] =
		"cpu  0 0 0 1000 0 0 0 0 0 0\ncpu2 0 0 0 1000 0 0 0 0 0 0\n" TAIL;
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-3\n");
	is_stat(&f, "HOST", "no cpu.stat");
	fixture_write(&f, "cgroup/ct/cpu.stat", "");
	is_stat(&f, "HOST", "an empty one");
	fixture_write(&f, "cgroup/ct/cpu.stat", "usage_usec many\nuser_usec -1\n");
	is_stat(&f, "HOST", "garbage");
	fixture_write(&f, "cgroup/ct/cpu.stat", some);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "2\n");
	is_stat(&f, shown, "and at last a good one");
	gone(&f, "cgroup/ct");
	is_stat(&f, "HOST", "the cgroup is gone");
	fixture_write(&f, "cgroup/cpuset.cpus.effective", "0-3\n");
	fixture_container(&f, "/", 100 * S);
	is_stat(&f, "HOST", "the root cgroup");
	fixture_deinit(&f);

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpu.stat", some);
	f.host.file[HOST_STAT].fd = -1;
	fixture_remove(&f, "proc/stat");
	is_stat(&f, "HOST", "no host file");
	fixture_deinit(&f);

	fixture_new(&f);
	write_host(&f, "1 2 3 4 5 6 7 8 9 10");
	fixture_write(&f, "cgroup/memory/ct/memory.stat", "\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 100 * S);
	is_stat(&f, "HOST", "no controller");
	fixture_deinit(&f);
}

/* Usage the container's CPUs could not have had in its time; counters near overflow. */
static void test_limits(void)
{
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "2\n");
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 3600000000\nuser_usec 3000000000\nsystem_usec 600000000\n");
	is_stat(&f, "cpu  0 0 0 1000 0 0 0 0 0 0\ncpu2 0 0 0 1000 0 0 0 0 0 0\n" TAIL,
		"an hour of usage after 10 s was before init");
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 20000000\nuser_usec 15000000\nsystem_usec 5000000\n");
	is_stat(&f, "cpu  750 0 250 0 0 0 0 0 0 0\ncpu2 750 0 250 0 0 0 0 0 0 0\n" TAIL,
		"20 s that four CPUs could have had, but not its one");
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 18446744073709551615\nuser_usec 18446744073709551615\n"
		"system_usec 18446744073709551615\nnice_usec 18446744073709551615\n"
		"throttled_usec 18446744073709551615\n");
	fixture_write(
		&f, "cgroup/ct/cpu.max", "18446744073709551614 18446744073709551615\n");
	is_stat(&f, "cpu  0 0 0 1000 0 0 0 0 0 0\ncpu2 0 0 0 1000 0 0 0 0 0 0\n" TAIL,
		"everything at its largest");
	fixture_write(&f, "cgroup/ct/cpu.max", "150000 100000\n");
	f.subject.now_ns = 99 * S;
	fixture_write(&f, "cgroup/ct/cpu.stat", "usage_usec 0\nuser_usec 0\n");
	is_stat(&f, "cpu  0 0 0 0 0 0 0 0 0 0\ncpu2 0 0 0 0 0 0 0 0 0 0\n" TAIL,
		"a clock before init's start");
	fixture_deinit(&f);

	start(&f, false);
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n1 18446744073709551615 18446744073709551615\n"
		"3 99999999999999999999 7\n4000000000 1 1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.stat",
		"throttled_time 18446744073709551615\n");
	fixture_write(
		&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "9223372036854775807\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "1\n");
	is_stat(&f,
		"cpu  0 0 0 2000 0 0 0 0 0 0\ncpu1 0 0 0 1000 0 0 0 0 0 0\n"
		"cpu3 0 0 0 1000 0 0 0 0 0 0\n" TAIL,
		"v1: the same");
	fixture_deinit(&f);
}

/* More than a megabyte of 1024 CPUs, of which every fourth is left, and interrupts. */
static void test_megabyte(void)
{
	char *host = malloc(2 << 20), *want = malloc(1 << 20), *h = host, *w = want;
	struct fixture f;

	start(&f, true);
	fixture_write(&f, "cpu/online", "0-1023\n");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0-1023:1/4\n");
	/* 256 CPUs for 10 s: 256000 ticks, of which 512 and 257 are busy. */
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 7690000\nuser_usec 5120000\nsystem_usec 2570000\n");
	h += sprintf(h, "cpu  9 9 9 9 9 9 9 9 9 9\n");
	w += sprintf(w, "cpu  512 0 257 255231 0 0 0 0 0 0\n");
	for (unsigned cpu = 0; cpu < 1024; cpu++) {
		h += sprintf(h, "cpu%u %u 2 3 4 5 6 7 8 9 10\n", cpu, cpu);
		if (cpu % 4)
			continue;
		/* The first has the tick that is left of system's; of idle's
		 * 255231 = 256 * 996 + 255 all but the last have one more. */
		w += sprintf(w, "cpu%u 2 0 %u %u 0 0 0 0 0 0\n", cpu, cpu ? 1 : 2,
			cpu < 1020 ? 997 : 996);
	}
	h += sprintf(h, "intr 4000000000");
	for (unsigned i = 0; i < 100000; i++)
		h += sprintf(h, " %u", 1000000000 + i);
	h += sprintf(h, "\nctxt 2000\nbtime 1700000000\n");
	w += sprintf(w, "intr 4000000000\nctxt 2000\nbtime 1700000000\n");
	fixture_write(&f, "proc/stat", host);
	ok(h - host > 1 << 20, "a stat of %td bytes", h - host);
	is_str(fixture_show(&f, view_stat, 0), want, "and what is left of it");
	f.policy.intr = true;
	ok(strlen(fixture_show(&f, view_stat, 0)) > 1100000, "--enable-intr: all of it");
	free(host);
	free(want);
	fixture_deinit(&f);
}

int main(void)
{
	test_v2();
	test_v2_ancestor();
	test_v1();
	test_captured();
	test_lines();
	test_fields();
	test_host();
	test_limits();
	test_megabyte();
	return tap_done();
}

/*
 * stat where no cgroup counts the container's CPU time and it has CPUs of its own: the
 * host's figures of these. Clock ticks are 1/100 s.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#define S UINT64_C(1000000000)

/* user, nice, system, irq and softirq of each count; the rest is idle. */
static void write_host(struct fixture *f, unsigned user0, unsigned user1, unsigned user3)
{
	char text[512];

	snprintf(text, sizeof(text),
		"cpu  9 9 9 9 9 9 9 9 9 9\n"
		"cpu0 %u 0 0 9 9 0 0 9 9 9\n"
		"cpu1 %u 200 300 9000 10 20 30 40 50 60\n"
		"cpu2 9000 0 0 1 0 0 0 0 0 0\n"
		"cpu3 %u 0 100 8000 0 0 0 0 0 0\n"
		"cpu_like 5\nintr 1000 5 6\nctxt 2000\n",
		user0, user1, user3);
	fixture_write(f, "proc/stat", text);
}

#define TAIL "cpu_like 5\nintr 1000\nctxt 2000\n"

static const char cpuset[] = "cgroup/cpuset/ct/cpuset.effective_cpus";
static const char nowhere[] = "0:cpu,cpuacct:/\n1:cpuset:/ct\n";

/* Two hierarchies of v1; the container is in one of them. */
static void start(struct fixture *f, const char *cgroups)
{
	fixture_new(f);
	write_host(f, 100, 1000, 2000);
	fixture_write(f, "proc/uptime", "110.00 1.00\n");
	fixture_write(f, "cpu/online", "0-3\n");
	fixture_write(f, cpuset, "1,3\n");
	fixture_write(f, "cgroup/cpu,cpuacct/cpuacct.usage_all",
		"cpu user system\n0 1 1\n1 1 1\n2 1 1\n3 1 1\n");
	fixture_load(f);
	fixture_container(f, "/ct", 100 * S);
	container_set_cgroups(f->ct, cgroups);
	fixture_history(f, 4);
	f->host.hz = 100;
	f->subject.now_ns = 110 * S;
}

static void is_stat(struct fixture *f, const char *want, const char *what)
{
	is_str(fixture_show(f, view_stat, 0), want, what);
}

static const char first[] = "cpu  3200 0 450 18350 0 0 0 0 0 0\n"
			    "cpu1 1200 0 350 9450 0 0 0 0 0 0\n"
			    "cpu3 2000 0 100 8900 0 0 0 0 0 0\n" TAIL;

static void test_changes(void)
{
	struct fixture f;

	start(&f, nowhere);
	is_str(fixture_show(&f, view_cpu_list, CPU_ONLINE), "1,3\n", "two CPUs");
	is_stat(&f, first, "what the host has of them");
	is_str(fixture_show(&f, view_uptime, 0), "10.00 183.50\n", "uptime agrees");
	write_host(&f, 200, 1050, 2100);
	f.subject.now_ns += S;
	is_stat(&f,
		"cpu  3350 0 450 18400 0 0 0 0 0 0\n"
		"cpu1 1250 0 350 9500 0 0 0 0 0 0\n"
		"cpu3 2100 0 100 8900 0 0 0 0 0 0\n" TAIL,
		"a second later");
	fixture_write(&f, cpuset, "0-1\n");
	is_stat(&f,
		"cpu  3350 0 450 18400 0 0 0 0 0 0\n"
		"cpu0 0 0 0 0 0 0 0 0 0 0\n"
		"cpu1 1250 0 350 9500 0 0 0 0 0 0\n" TAIL,
		"another cpuset: nothing goes back");
	write_host(&f, 230, 1050, 2200);
	f.subject.now_ns += S;
	is_stat(&f,
		"cpu  3380 0 450 18570 0 0 0 0 0 0\n"
		"cpu0 30 0 0 70 0 0 0 0 0 0\n"
		"cpu1 1250 0 350 9600 0 0 0 0 0 0\n" TAIL,
		"and what runs elsewhere is not theirs");
	fixture_write(&f, cpuset, "0-3\n");
	is_stat(&f, "HOST", "all of them");
	is_str(fixture_show(&f, view_uptime, 0), "12.00 1.00\n",
		"uptime, too, has the host's");
	fixture_history(&f, 0);
	fixture_write(&f, cpuset, "3\n");
	is_stat(&f,
		"cpu  3380 0 450 18570 0 0 0 0 0 0\n"
		"cpu3 2100 0 100 8900 0 0 0 0 0 0\n" TAIL,
		"the one that left comes back, to another process");
	fixture_deinit(&f);
}

static void test_renumbered(void)
{
	struct fixture f;

	start(&f, nowhere);
	f.policy.cfs = true;
	is_str(fixture_show(&f, view_cpu_list, CPU_ONLINE), "0-1\n", "two CPUs");
	is_stat(&f,
		"cpu  3200 0 450 18350 0 0 0 0 0 0\n"
		"cpu0 1200 0 350 9450 0 0 0 0 0 0\n"
		"cpu1 2000 0 100 8900 0 0 0 0 0 0\n" TAIL,
		"with --enable-cfs");
	fixture_write(&f, cpuset, "0-3\n");
	is_stat(&f, "HOST", "all of them");
	fixture_write(&f, "cpu/online", "1,3\n");
	fixture_history(&f, 4);
	is_stat(&f,
		"cpu  3200 0 450 18350 0 0 0 0 0 0\n"
		"cpu0 1200 0 350 9450 0 0 0 0 0 0\n"
		"cpu1 2000 0 100 8900 0 0 0 0 0 0\n" TAIL,
		"all that are online, by other numbers");
	f.policy.cfs = false;
	fixture_history(&f, 4);
	is_stat(&f, "HOST", "by the host's");
	fixture_deinit(&f);
}

static void test_others(void)
{
	struct fixture f;

	start(&f, "1:cpuset:/ct\n");
	is_stat(&f, first, "in no cgroup of the controller");
	fixture_deinit(&f);

	start(&f, "0:cpu,cpuacct:/ct\n1:cpuset:/ct\n");
	is_stat(&f, first, "its cgroup does not tell");
	is_stat(&f, first, "nor the next time");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n1 1000000000 0\n");
	is_stat(&f,
		"cpu  100 0 0 1900 0 0 0 0 0 0\n"
		"cpu1 100 0 0 900 0 0 0 0 0 0\n"
		"cpu3 0 0 0 1000 0 0 0 0 0 0\n" TAIL,
		"then it does");
	fixture_deinit(&f);

	start(&f, nowhere);
	fixture_write(&f, "proc/stat", "ctxt 1\n");
	is_stat(&f, "HOST", "nor does the host");
	fixture_deinit(&f);

	start(&f, nowhere);
	fixture_write(&f, "proc/stat", "cpu  1 2 3 4\ncpu1 1 2\ncpu70000 1\n");
	is_stat(&f, "cpu  3 0 0 21997\ncpu1 3 0 0 10997\ncpu3 0 0 0 11000\n",
		"a broken file");
	fixture_deinit(&f);
}

/* The cgroup goes, and the CPUs change. */
static void test_gone(void)
{
	static const char usage[] = "cgroup/cpu,cpuacct/ct/cpuacct.usage_all";
	static const char all[] = "cpu  100 0 0 900 0 0 0 0 0 0\n"
				  "cpu0 0 0 0 0 0 0 0 0 0 0\n"
				  "cpu1 100 0 0 900 0 0 0 0 0 0\n"
				  "cpu2 0 0 0 0 0 0 0 0 0 0\n"
				  "cpu3 0 0 0 0 0 0 0 0 0 0\n" TAIL;
	struct fixture f;

	start(&f, "0:cpu,cpuacct:/ct\n1:cpuset:/ct\n");
	fixture_write(&f, cpuset, "1\n");
	fixture_write(&f, usage, "cpu user system\n1 1000000000 0\n");
	is_stat(&f, "cpu  100 0 0 900 0 0 0 0 0 0\ncpu1 100 0 0 900 0 0 0 0 0 0\n" TAIL,
		"its own");
	fixture_hide(&f, "cgroup/cpu,cpuacct/ct");
	cgfiles_forget(f.files, f.ct);
	fixture_write(&f, cpuset, "0-3\n");
	f.subject.now_ns += S;
	is_stat(&f, all, "what is gone leaves what was seen, in lines of the CPUs");
	fixture_unhide(&f, "cgroup/cpu,cpuacct/ct");
	fixture_write(&f, usage, "cpu user system\n0 7 0\n1 1500000000 0\n");
	is_stat(&f,
		"cpu  150 0 0 950 0 0 0 0 0 0\n"
		"cpu0 0 0 0 0 0 0 0 0 0 0\n"
		"cpu1 150 0 0 950 0 0 0 0 0 0\n"
		"cpu2 0 0 0 0 0 0 0 0 0 0\n"
		"cpu3 0 0 0 0 0 0 0 0 0 0\n" TAIL,
		"it is there again, and goes on");
	fixture_remove(&f, "cgroup/cpu,cpuacct/ct");
	cgfiles_forget(f.files, f.ct);
	fixture_write(&f, cpuset, "0-1\n");
	f.subject.now_ns += S;
	is_stat(&f,
		"cpu  150 0 0 950 0 0 0 0 0 0\n"
		"cpu0 0 0 0 0 0 0 0 0 0 0\n"
		"cpu1 150 0 0 950 0 0 0 0 0 0\n" TAIL,
		"gone, and fewer CPUs than the host's");
	fixture_deinit(&f);
}

int main(void)
{
	test_changes();
	test_renumbered();
	test_others();
	test_gone();
	return tap_done();
}

/*
 * uptime: the age of init, and the idle time that stat shows at the same moment.
 */
#include "t/unit/fixture.h"

#include "t/unit/tap.h"

#define S UINT64_C(1000000000)

static void is_uptime(struct fixture *f, const char *want, const char *what)
{
	is_str(fixture_show(f, view_uptime, 0), want, what);
}

static void start(struct fixture *f)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", "0-3\n");
	fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu\n");
	fixture_write(f, "cgroup/cpuset.cpus.effective", "0-3\n");
	fixture_write(f, "cgroup/cpu.stat",
		"usage_usec 900000000\nuser_usec 900000000\nsystem_usec 0\n");
	fixture_write(f, "cgroup/ct/cpu.stat",
		"usage_usec 3456789\nuser_usec 2000000\nsystem_usec 1456789\n");
	fixture_write(f, "proc/uptime", "400.01 1599.99\n");
	fixture_write(f, "proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\nintr 1\n");
	fixture_load(f);
	fixture_container(f, "/ct", 100 * S);
	f->host.hz = 100;
	f->subject.now_ns = 110 * S + 129999999;
}

static void test_v2(void)
{
	struct fixture f;

	start(&f);
	/* 4 CPUs for 10.129999999 s are 4051 ticks; 200 + 145 of them were busy. */
	is_uptime(&f, "10.12 37.06\n", "age, and idle of four CPUs");
	is_str(fixture_show(&f, view_stat, 0),
		"cpu  200 0 145 3706 0 0 0 0 0 0\ncpu0 50 0 37 927 0 0 0 0 0 0\n"
		"cpu1 50 0 36 927 0 0 0 0 0 0\ncpu2 50 0 36 926 0 0 0 0 0 0\n"
		"cpu3 50 0 36 926 0 0 0 0 0 0\nintr 1\n",
		"stat says the same");
	f.host.hz = 250;
	/* 10129 ticks of 4 ms, 500 + 364 busy: 9265 idle, 37.06 s. */
	is_uptime(&f, "10.12 37.06\n", "250 ticks a second");
	f.host.hz = 1024;
	/* 41492 ticks of 1/1024 s, 2048 + 1491 busy: 37952 idle, 37.062 s. */
	is_uptime(&f, "10.12 37.06\n", "1024, as on alpha");
	f.host.hz = 100;
	f.policy.cfs = true;
	fixture_write(&f, "cgroup/ct/cpu.max", "50000 100000\n");
	is_uptime(&f, "10.12 1.60\n", "half a CPU of quota");
	fixture_write(&f, "cgroup/ct/cpu.stat",
		"usage_usec 18446744073709551615\nuser_usec 18446744073709551615\n"
		"system_usec 18446744073709551615\n");
	fixture_write(&f, "cgroup/ct/cpu.max", "18446744073709551614 1\n");
	is_uptime(&f, "10.12 40.51\n",
		"counters at their largest: nothing of the container's");
	f.subject.now_ns = 99 * S;
	is_uptime(&f, "0.00 0.00\n", "a clock before init's start");
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cpu/online", "0-1\n");
	fixture_write(&f, "cgroup/cpuacct/ct/cpuacct.usage_all",
		"cpu user system\n0 1000000000 0\n1 0 500000000\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	f.host.hz = 100;
	f.subject.now_ns = 100000000 * S;
	is_uptime(&f, "100000000.00 199999998.50\n", "v1, three years of two CPUs");
	fixture_remove(&f, "cgroup/cpuacct/ct");
	cgfiles_forget(f.files, f.ct);
	is_uptime(&f, "HOST", "the cgroup is gone");
	fixture_deinit(&f);
}

static void test_captured(const char *name, const char *want)
{
	struct fixture f;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 100 * S);
	f.host.hz = 100;
	f.subject.now_ns = 110 * S;
	is_uptime(&f, want, name);
	fixture_deinit(&f);
}

static void test_odd(void)
{
	struct fixture f;

	start(&f);
	fixture_container(&f, "/", 100 * S);
	f.subject.now_ns = 110 * S;
	is_uptime(&f, "10.00 1599.99\n", "root cgroup: the host's idle time, as in stat");
	fixture_container(&f, "/ct", 100 * S);
	f.subject.now_ns = 110 * S;
	is_uptime(&f, "10.00 36.54\n", "not there: its own");
	fixture_write(&f, "cgroup/ct/cpu.stat", "");
	is_uptime(&f, "10.00 1599.99\n", "an empty cpu.stat");
	fixture_deinit(&f);

	fixture_new(&f);
	fixture_load(&f);
	fixture_container(&f, "/", 100 * S);
	is_uptime(&f, "HOST", "and the host says nothing");
	fixture_deinit(&f);

	fixture_new(&f);
	fixture_write(&f, "cgroup/memory/ct/memory.stat", "\n");
	fixture_write(&f, "proc/uptime", "400.01 1599.99\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 100 * S);
	f.subject.now_ns = 110 * S;
	is_uptime(&f, "10.00 1599.99\n", "no controller");
	fixture_deinit(&f);
}

int main(void)
{
	test_v2();
	test_v1();
	test_captured("5.10-v2", "10.00 24.90\n");
	test_captured("6.1-v2", "10.00 4.41\n");
	test_captured("6.12-v2", "10.00 4.64\n");
	test_captured("6.1-v1", "10.00 4.33\n");
	test_captured("6.12-v1", "10.00 10.56\n");
	test_captured("6.18-hybrid", "10.00 3.21\n");
	test_odd();
	return tap_done();
}

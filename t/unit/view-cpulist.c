/*
 * The CPU lists of /sys/devices/system/cpu, on v2, v1 and hybrid, and which CPUs they
 * name whatever cpusets and quotas say.
 */
#include "t/unit/fixture.h"

#include "t/unit/tap.h"

static void show(struct fixture *f, const char *online, const char *present,
	const char *possible, const char *offline, const char *what)
{
	const struct {
		unsigned arg;
		const char *want, *name;
	} lists[] = {
		{CPU_ONLINE, online, "online"},
		{CPU_PRESENT, present, "present"},
		{CPU_POSSIBLE, possible, "possible"},
		{CPU_OFFLINE, offline, "offline"},
	};
	char name[128];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s: %s", what, lists[i].name);
		is_str(fixture_show(f, view_cpu_list, lists[i].arg), lists[i].want, name);
	}
}

static void without_cfs(struct fixture *f, const char *online, const char *possible,
	const char *offline, const char *what)
{
	f->policy.cfs = false;
	show(f, online, online, possible, offline, what);
}

/* None of the lists differs from the host's. */
static void as_host(struct fixture *f, const char *what)
{
	without_cfs(f, "HOST", "HOST", "HOST", what);
}

static void with_cfs(struct fixture *f, const char *list, const char *what)
{
	f->policy.cfs = true;
	show(f, list, list, list, "\n", what);
}

static void start_v2(struct fixture *f)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", "0-7\n");
	fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu io\n");
	fixture_write(f, "cgroup/cpuset.cpus.effective", "0-7\n");
	fixture_write(f, "cgroup/a/cpuset.cpus.effective", "0-5\n");
	fixture_write(f, "cgroup/a/cpu.max", "max 100000\n");
	fixture_write(f, "cgroup/a/ct/cpuset.cpus.effective", "1-2,4-5\n");
	fixture_write(f, "cgroup/a/ct/cpuset.cpus", "1-7\n");
	fixture_write(f, "cgroup/a/ct/cpu.max", "max 100000\n");
	fixture_load(f);
	fixture_container(f, "/a/ct", 0);
}

static void test_v2(void)
{
	struct fixture f;

	start_v2(&f);
	without_cfs(&f, "1-2,4-5\n", "0-5\n", "0,3\n", "cpuset");
	with_cfs(&f, "0-3\n", "cpuset");
	fixture_write(&f, "cgroup/a/cpu.max", "110000 100000\n");
	without_cfs(&f, "1-2,4-5\n", "0-5\n", "0,3\n", "quota of an ancestor");
	with_cfs(&f, "0-1\n", "quota of an ancestor, rounded up");
	fixture_write(&f, "cgroup/a/ct/cpu.max", "200000 100000\n");
	with_cfs(&f, "0-1\n", "a larger one below it");
	fixture_write(&f, "cgroup/a/ct/b/cpu.max", "400000 100000\n");
	fixture_write(&f, "cgroup/a/ct/cpu.max", "max 100000\n");
	fixture_container(&f, "/a/ct/b", 0);
	with_cfs(&f, "0-1\n", "none in the middle, the lowest above it");
	fixture_container(&f, "/", 0);
	without_cfs(&f, "0-7\n", "0-7\n", "\n", "the root cgroup");
	with_cfs(&f, "0-7\n", "the root cgroup");
	fixture_container(&f, "/a/ct", 0);
	fixture_write(&f, "cgroup/a/ct/cpu.max", "1000 100000\n");
	with_cfs(&f, "0\n", "a hundredth of a CPU");
	fixture_write(&f, "cgroup/a/ct/cpu.max", "18446744073709551615 1\n");
	fixture_write(&f, "cgroup/a/cpu.max", "18446744073709551614 1\n");
	with_cfs(&f, "0-3\n", "a quota beyond all");
	fixture_write(&f, "cgroup/a/cpu.max", "100000 0\n");
	with_cfs(&f, "0-3\n", "a period of zero is no quota");
	fixture_write(&f, "cgroup/a/cpu.max", "0 100000\n");
	with_cfs(&f, "0\n", "a quota of zero leaves one CPU");
	fixture_write(&f, "cgroup/a/cpu.max", "gar bage\n");
	with_cfs(&f, "0-3\n", "garbage is no quota");
	fixture_deinit(&f);
}

static void test_v2_never_none(void)
{
	struct fixture f;

	start_v2(&f);
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "\n");
	without_cfs(&f, "0-5\n", "0-5\n", "\n", "empty: the nearest ancestor");
	fixture_write(&f, "cpu/online", "0-3,6\n");
	without_cfs(&f, "0-3\n", "0-3\n", "\n", "an ancestor's CPU is offline");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "garbage\n");
	without_cfs(&f, "1-3,6\n", "0-6\n", "0,4-5\n", "garbage: cpuset.cpus");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "4-5\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus", "4-5\n");
	as_host(&f, "only offline CPUs: the host's");
	fixture_write(&f, "cgroup/a/cpu.max", "100000 100000\n");
	with_cfs(&f, "0\n", "the same with a quota");
	fixture_write(&f, "cpu/online", "");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "0-3\n");
	without_cfs(&f, "0\n", "0\n", "\n", "the host does not say which are online");
	fixture_deinit(&f);
}

/* A partition root whose CPUs are all its child's: no CPU is effective, and none of its
 * parent's is its own. */
static void test_v2_partition(void)
{
	struct fixture f;

	start_v2(&f);
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus", "6-7\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.partition", "root\n");
	without_cfs(&f, "6-7\n", "0-7\n", "0-5\n", "a partition root: its cpuset.cpus");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.exclusive.effective", "\n");
	without_cfs(&f, "6-7\n", "0-7\n", "0-5\n", "no exclusive CPUs");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.exclusive.effective", "6\n");
	without_cfs(
		&f, "6\n", "0-6\n", "0-5\n", "exclusive CPUs, which are not all of them");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus", "\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.partition", "isolated\n");
	without_cfs(&f, "6\n", "0-6\n", "0-5\n", "exclusive CPUs alone, isolated");
	with_cfs(&f, "0\n", "the same");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.partition", "member\n");
	without_cfs(&f, "0-5\n", "0-5\n", "\n", "no partition: the parent's");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.partition",
		"root invalid (Parent is not a partition root)\n");
	without_cfs(&f, "0-5\n", "0-5\n", "\n", "an invalid one, too");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.partition", "root\n");
	fixture_write(&f, "cpu/online", "0-5\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus", "4,6\n");
	without_cfs(&f, "4\n", "0-4\n", "0-3\n", "an exclusive CPU that is offline");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus", "");
	without_cfs(&f, "0-5\n", "0-5\n", "\n", "nothing left that is online");
	fixture_write(&f, "cpu/online", "0-7\n");
	fixture_write(&f, "cgroup/a/ct/b/cpu.max", "max 100000\n");
	fixture_container(&f, "/a/ct/b", 0);
	without_cfs(&f, "6\n", "0-6\n", "0-5\n", "below it, without the controller");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "7\n");
	without_cfs(&f, "7\n", "0-7\n", "0-6\n", "an effective CPU");
	fixture_deinit(&f);
}

/* Descriptors of a removed cgroup read ENODEV; those of a plain file do not. */
static void vanish(struct fixture *f, const char *path)
{
	fixture_remove(f, path);
	cgfiles_forget(f->files, f->ct);
}

static void test_vanish(void)
{
	struct fixture f;

	start_v2(&f);
	without_cfs(&f, "1-2,4-5\n", "0-5\n", "0,3\n", "before it vanishes");
	vanish(&f, "cgroup/a/ct");
	without_cfs(&f, "0-5\n", "0-5\n", "\n", "the cgroup is gone: its parent's");
	vanish(&f, "cgroup/a");
	without_cfs(&f, "0-7\n", "0-7\n", "\n", "the parent, too: the root's");
	vanish(&f, "cgroup");
	as_host(&f, "everything");
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cpu/online", "0-3\n");
	fixture_write(&f, "cgroup/cpuset/cpuset.cpus", "0-3\n");
	fixture_write(&f, "cgroup/cpuset/ct/cpuset.cpus", "2-3\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/cpu.shares", "1024\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "50000\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	without_cfs(&f, "2-3\n", "0-3\n", "0-1\n", "v1 before effective_cpus");
	fixture_write(&f, "cgroup/cpuset/cpuset.effective_cpus", "0-3\n");
	fixture_write(&f, "cgroup/cpuset/ct/cpuset.effective_cpus", "3\n");
	without_cfs(&f, "3\n", "0-3\n", "0-2\n", "v1 effective_cpus");
	with_cfs(&f, "0\n", "v1 effective_cpus");
	fixture_write(&f, "cgroup/cpuset/ct/cpuset.effective_cpus", "0-3\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us", "100001\n");
	with_cfs(&f, "0-2\n", "v1 quota with a period of its own");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "120000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/b/ct/cpu.cfs_quota_us", "350000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/b/ct/cpu.cfs_period_us", "100000\n");
	fixture_container(&f, "/a/b/ct", 0);
	with_cfs(&f, "0-1\n", "v1: none in the middle, the lowest above it");
	fixture_container(&f, "/ct", 0);
	vanish(&f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us");
	with_cfs(&f, "0-3\n", "v1 quota without period is none");
	fixture_deinit(&f);
}

/* Captured from a container with CPU 0 and 1.5 CPUs of quota. */
static void test_captured(const char *name, const char *online, const char *possible,
	const char *offline, const char *list)
{
	struct fixture f;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 0);
	without_cfs(&f, online, possible, offline, name);
	with_cfs(&f, list, name);
	fixture_deinit(&f);
}

static void test_many(void)
{
	static char want[32768], rest[32768];
	struct fixture f;
	size_t len = 0, r = 0;

	start_v2(&f);
	fixture_write(&f, "cpu/online", "0-8191\n");
	fixture_write(&f, "cgroup/a/ct/cpuset.cpus.effective", "0-8191:1/2\n");
	for (unsigned cpu = 0; cpu < 8192; cpu += 2)
		len += (size_t)sprintf(want + len, "%s%u", len ? "," : "", cpu);
	for (unsigned cpu = 1; cpu < 8190; cpu += 2)
		r += (size_t)sprintf(rest + r, "%s%u", r ? "," : "", cpu);
	sprintf(want + len, "\n");
	sprintf(rest + r, "\n");
	without_cfs(&f, want, "0-8190\n", rest, "every other of 8192");
	with_cfs(&f, "0-4095\n", "every other of 8192");
	fixture_deinit(&f);
}

int main(void)
{
	test_v2();
	test_v2_never_none();
	test_v2_partition();
	test_vanish();
	test_v1();
	test_captured("5.10-v2", "0-1,3\n", "0-3\n", "2\n", "0-1\n");
	test_captured("6.1-v1", "0\n", "0\n", "\n", "0\n");
	test_captured("6.1-v2", "0\n", "0\n", "\n", "0\n");
	test_captured("6.12-v2", "0\n", "0\n", "\n", "0\n");
	test_captured("6.18-hybrid", "0\n", "0\n", "\n", "0\n");
	test_captured("6.12-v1", "HOST", "HOST", "HOST", "0-1\n");
	test_many();
	return tap_done();
}

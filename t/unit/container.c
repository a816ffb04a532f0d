/*
 * cache/container: facts of a cgroup and of those above it.
 */
#include "cache/cgfiles.h"
#include "t/unit/nested.h"
#include "t/unit/tap.h"

#include <sys/stat.h>

static void test_paths(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cgroup/memory/x", "");
	fixture_write(&f, "cgroup/unified/x", "");
	fixture_load(&f);
	fixture_container(&f, "/a/b", 0);
	is_int(container_depth(f.ct, CG_MEMORY), 2, "depth of /a/b");
	is_int(container_depth(f.ct, CG_CPUSET), -1, "a controller that is nowhere");
	ok(container_version(f.ct, CG_MEMORY) == &cg_v1 &&
			container_version(f.ct, CG_CPUACCT) == &cg_v2 &&
			!container_version(f.ct, CG_CPUSET),
		"versions of a hybrid host");
	fixture_container(&f, "/", 0);
	is_int(container_depth(f.ct, CG_MEMORY), 0, "the root has depth 0");
	container_set_cgroups(f.ct, "0::/a/init.scope\n1:memory:/b/system.slice\n");
	ok(!strcmp(f.ct->path[0], "/b") && !strcmp(f.ct->path[1], "/a"),
		"systemd's own cgroups");
	container_set_cgroups(f.ct, "0::/init.scope\n1:memory:/system.slice/x\n");
	ok(!strcmp(f.ct->path[0], "/system.slice/x") && !strcmp(f.ct->path[1], ""),
		"in the root; not in the middle");
	container_set_cgroups(f.ct, "0::/xinit.scope\n1:memory:/../out\n");
	ok(!f.ct->path[0] && !strcmp(f.ct->path[1], "/xinit.scope"),
		"outside is nowhere");
	is_int(container_depth(f.ct, CG_MEMORY), -1, "and has no depth");
	container_set_cgroups(f.ct, "");
	ok(!f.ct->path[0] && !f.ct->path[1], "an empty text");
	fixture_deinit(&f);
}

/* Names that are longer than what most containers do with, and one text where they are
 * the same. */
static void test_long_paths(void)
{
	char a[201] = "/", b[201] = "/", text[500];
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cgroup/memory/x", "");
	fixture_write(&f, "cgroup/unified/x", "");
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	ok(f.ct->path[0] == f.ct->path[1] && !strcmp(f.ct->path[0], "/ct"), "one text");
	for (int len = 200; len >= 40; len -= 10) {
		memset(a + 1, 'a', (size_t)len - 1);
		memset(b + 1, 'b', (size_t)len - 1);
		a[len] = b[len] = '\0';
		snprintf(text, sizeof(text), "0::%s\n1:memory:%s\n", a, b);
		container_set_cgroups(f.ct, text);
		ok(!strcmp(f.ct->path[0], b) && !strcmp(f.ct->path[1], a),
			"two of %d bytes", len);
		snprintf(text, sizeof(text), "0::%s\n1:memory:%s\n", a, a);
		container_set_cgroups(f.ct, text);
		ok(f.ct->path[0] == f.ct->path[1] && !strcmp(f.ct->path[0], a),
			"one of %d bytes", len);
	}
	fixture_deinit(&f);
}

static void test_values(void)
{
	struct fixture f;
	const char *text;
	uint64_t v = 7;

	nested_start(&f);
	ok(container_value(f.ct, CGF_MEM_LIMIT, 0, &v) == CG_OK && v == 2000, "its own");
	ok(container_value(f.ct, CGF_MEM_LIMIT, 1, &v) == CG_OK && v == UINT64_MAX,
		"max");
	ok(container_value(f.ct, CGF_MEM_LIMIT, 2, &v) == CG_OK && v == 1000, "two up");
	v = 7;
	is_int(container_value(f.ct, CGF_MEM_LIMIT, 3, &v), CG_ABSENT,
		"the root has none");
	is_int(container_value(f.ct, CGF_MEM_LIMIT, 4, &v), CG_ABSENT, "above the root");
	is_int(container_value(f.ct, CGF_SWAPPINESS, 0, &v), CG_ABSENT,
		"not in this version");
	is_int(container_text(f.ct, CGF_SLABINFO, 0, &text), CG_ABSENT,
		"a text likewise");
	is_str(text, "", "which is empty then");
	fixture_write(&f, "cgroup/a/b/ct/memory.current", "x\n");
	is_int(container_value(f.ct, CGF_MEM_USAGE, 0, &v), CG_ABSENT, "garbage");
	is_u64(v, 7, "leaves the value alone");
	fixture_deinit(&f);
}

static void test_min(void)
{
	struct fixture f;
	uint64_t v = 7;

	nested_start(&f);
	ok(container_min(f.ct, CGF_MEM_LIMIT, &v) == CG_OK && v == 1000,
		"the lowest is above max");
	fixture_write(&f, "cgroup/a/memory.max", "garbage\n");
	ok(container_min(f.ct, CGF_MEM_LIMIT, &v) == CG_OK && v == 2000,
		"garbage is skipped");
	fixture_write(&f, "cgroup/a/b/memory.max", "0\n");
	ok(container_min(f.ct, CGF_MEM_LIMIT, &v) == CG_OK && v == 0, "0 is a limit");
	fixture_write(&f, "cgroup/a/b/memory.max", "max\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.max", "max\n");
	ok(container_min(f.ct, CGF_MEM_LIMIT, &v) == CG_OK && v == UINT64_MAX,
		"only max");
	v = 7;
	is_int(container_min(f.ct, CGF_SWAP_LIMIT, &v), CG_ABSENT, "nobody has the file");
	is_int(container_min(f.ct, CGF_IO_SERVICED, &v), CG_ABSENT, "no such controller");
	is_int(container_min(f.ct, CGF_SWAPPINESS, &v), CG_ABSENT, "no such file in v2");
	is_u64(v, 7, "and leave the value alone");
	fixture_deinit(&f);
}

static void test_nearest(void)
{
	struct fixture f;
	const char *text;
	unsigned up = 9;

	nested_start(&f);
	ok(container_nearest(f.ct, CGF_CPUSET_EFFECTIVE, &text, &up) == CG_OK &&
			!strcmp(text, "0-7\n") && up == 3,
		"the root's, where nobody below has one");
	fixture_write(&f, "cgroup/a/b/ct/cpuset.cpus.effective", "\n");
	fixture_write(&f, "cgroup/a/b/cpuset.cpus.effective", "");
	fixture_write(&f, "cgroup/a/cpuset.cpus.effective", "1-2\n");
	ok(container_nearest(f.ct, CGF_CPUSET_EFFECTIVE, &text, &up) == CG_OK &&
			!strcmp(text, "1-2\n") && up == 2,
		"blank and empty ones are passed over");
	ok(container_nearest(f.ct, CGF_MEM_USAGE, &text, NULL) == CG_OK &&
			!strcmp(text, "70\n"),
		"its own, without asking where");
	up = 9;
	ok(container_nearest(f.ct, CGF_CPUSET, &text, &up) == CG_ABSENT && !*text &&
			up == 9,
		"nobody has one");
	fixture_deinit(&f);
}

static void quota(struct fixture *f, const char *dir, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "cgroup/%s/cpu.max", dir);
	fixture_write(f, path, text);
}

static void test_quota_v2(void)
{
	struct cg_quota q = {0};
	struct fixture f;
	unsigned up = 9;

	nested_start(&f);
	is_int(container_quota(f.ct, &q, &up), CG_ABSENT, "no file");
	quota(&f, "a", "max 100000\n");
	quota(&f, "a/b/ct", "max 100000\n");
	is_int(container_quota(f.ct, &q, &up), CG_ABSENT, "no limit");
	quota(&f, "a", "300000 100000\n");
	quota(&f, "a/b", "150000 50000\n");
	quota(&f, "a/b/ct", "400000 100000\n");
	ok(container_quota(f.ct, &q, &up) == CG_OK && q.quota_us == 150000 &&
			q.period_us == 50000 && up == 1,
		"equal fractions: the nearer");
	quota(&f, "a", "29999 10000\n");
	ok(container_quota(f.ct, &q, &up) == CG_OK && q.quota_us == 29999 && up == 2,
		"the lowest fraction, not the lowest number");
	quota(&f, "a/b/ct", "18446744073709551614 1\n");
	quota(&f, "a/b", "18446744073709551614 18446744073709551615\n");
	ok(container_quota(f.ct, &q, NULL) == CG_OK && q.quota_us == UINT64_MAX - 1 &&
			q.period_us == UINT64_MAX,
		"large numbers");
	quota(&f, "a", "10000 0\n");
	quota(&f, "a/b", "10000\n");
	quota(&f, "a/b/ct", "garbage\n");
	is_int(container_quota(f.ct, &q, &up), CG_ABSENT, "garbage, no period");
	fixture_deinit(&f);
}

static void test_quota_v1(void)
{
	struct cg_quota q;
	struct fixture f;
	unsigned up = 9;

	fixture_new(&f);
	fixture_write(&f, "cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/ct/cpu.cfs_quota_us", "100000\n");
	fixture_write(&f, "cgroup/cpu,cpuacct/a/ct/cpu.cfs_period_us", "50000\n");
	fixture_load(&f);
	fixture_container(&f, "/a/ct", 0);
	ok(container_quota(f.ct, &q, &up) == CG_OK && q.quota_us == 150000 &&
			q.period_us == 100000 && up == 1,
		"v1: the parent's is lower");
	fixture_remove(&f, "cgroup/cpu,cpuacct/a/cpu.cfs_period_us");
	ok(container_quota(f.ct, &q, &up) == CG_OK && q.quota_us == 100000 && up == 0,
		"a quota without its period does not count");
	fixture_deinit(&f);
}

/* cpu in v2, cpuacct in v1: cpu.stat is not where the table of v2 would have it. */
static void test_mixed(void)
{
	struct fixture f;
	const char *text;
	unsigned up = 9;

	fixture_new(&f);
	fixture_write(&f, "cgroup/cpuacct/cpuacct.usage_all", "cpu user system\n0 1 2\n");
	fixture_write(&f, "cgroup/unified/cgroup.controllers", "cpu\n");
	fixture_write(&f, "cgroup/unified/a/b/cpu.stat", "usage_usec 5\n");
	fixture_load(&f);
	fixture_container(&f, "/", 0);
	container_set_cgroups(f.ct, "1:cpuacct:/\n0::/a/b/c\n");
	ok(container_nearest(f.ct, CGF_CPU_STAT, &text, &up) == CG_OK &&
			!strcmp(text, "usage_usec 5\n") && up == 1,
		"cpu.stat of v2 by v2's depth");
	ok(container_nearest(f.ct, CGF_CPU_USAGE_ALL, &text, &up) == CG_OK && up == 0,
		"cpuacct of v1 by v1's");
	fixture_deinit(&f);
}

static void test_read(void)
{
	struct textbuf text = {0};
	struct fixture f;
	char path[32];

	nested_start(&f);
	fixture_write(&f, "cgroup/a/b/ct/odd.name", "some\ntext\n");
	is_int(container_read(f.ct, CG_MEMORY, 0, "odd.name", &text), 0,
		"a file by its name");
	is_str(text.data, "some\ntext\n", "all of it");
	is_int(container_read(f.ct, CG_MEMORY, 3, "cgroup.controllers", &text), 0,
		"a file of the root");
	is_int(container_read(f.ct, CG_MEMORY, 0, "nothing", &text), -ENOENT,
		"no such file");
	is_int(container_read(f.ct, CG_MEMORY, 4, "x", &text), -ENOENT, "above the root");
	is_int(container_read(f.ct, CG_BLKIO, 0, "x", &text), -ENOENT,
		"no such controller");
	textbuf_deinit(&text);
	is_int(container_path(f.ct, CG_MEMORY, 1, "odd.name", path, sizeof(path)), 0,
		"where one is");
	is_str(path, "./a/b/odd.name", "below the mount");
	is_int(container_path(f.ct, CG_MEMORY, 1, "odd.name", path, 14), -ENAMETOOLONG,
		"if there is room for that");
	is_int(container_path(f.ct, CG_MEMORY, 4, "odd.name", path, sizeof(path)),
		-ENOENT, "and it is somewhere");
	fixture_deinit(&f);
}

int main(void)
{
	test_paths();
	test_long_paths();
	test_values();
	test_min();
	test_nearest();
	test_quota_v2();
	test_quota_v1();
	test_mixed();
	test_read();
	return tap_done();
}

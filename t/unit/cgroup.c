/*
 * nsutil/cgroup: layouts, paths of /proc/PID/cgroup, and the parsers of both versions.
 */
#include "nsutil/cgroup.h"

#include "nsutil/cleanup.h"
#include "t/unit/tap.h"

#include <fcntl.h>

static int null_fd(void)
{
	return open("/dev/null", O_PATH | O_CLOEXEC);
}

static void add_v1(struct cg_layout *layout, const char *controllers)
{
	ok(cg_layout_add(layout, null_fd(), "/", controllers, &cg_v1, controllers) == 0,
		"add v1 %s", controllers);
}

static void add_v2(struct cg_layout *layout, const char *root, const char *controllers)
{
	ok(cg_layout_add(layout, null_fd(), root, "", &cg_v2, controllers) == 0,
		"add v2 at %s", root);
}

static void test_names(void)
{
	static const struct {
		const char *name;
		int controller;
	} names[] = {
		{"memory", CG_MEMORY},
		{"cpu", CG_CPU},
		{"cpuacct", CG_CPUACCT},
		{"cpuset", CG_CPUSET},
		{"blkio", CG_BLKIO},
		{"io", CG_BLKIO},
		{"hugetlb", CG_HUGETLB},
		{"pids", -1},
		{"name=systemd", -1},
		{"", -1},
		{"cpusets", -1},
		{"mem", -1},
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_int(cg_controller_by_name(
			       (struct slice){names[i].name, strlen(names[i].name)}),
			names[i].controller, names[i].name);
}

static void test_layouts(void)
{
	struct cg_layout layout;

	cg_layout_init(&layout);
	ok(layout.of[CG_MEMORY] == -1 && layout.of[CG_PRESSURE] == -1,
		"empty: nothing anywhere");
	add_v1(&layout, "cpuset");
	add_v1(&layout, "cpu,cpuacct");
	add_v1(&layout, "memory");
	add_v1(&layout, "name=systemd");
	ok(layout.of[CG_CPUSET] == 0 && layout.of[CG_CPU] == 1 &&
			layout.of[CG_CPUACCT] == 1 && layout.of[CG_MEMORY] == 2 &&
			layout.of[CG_BLKIO] == -1 && layout.of[CG_PRESSURE] == -1,
		"v1: co-mounted and named ones");
	add_v2(&layout, "/", "memory io\n");
	ok(layout.of[CG_MEMORY] == 2 && layout.of[CG_CPUACCT] == 1 &&
			layout.of[CG_BLKIO] == 4 && layout.of[CG_PRESSURE] == 4,
		"hybrid: v2 has what v1 has not");
	cg_layout_deinit(&layout);
	add_v2(&layout, "/", "cpuset cpu io memory hugetlb pids rdma misc\n");
	ok(layout.count == 1 && layout.of[CG_MEMORY] == 0 && layout.of[CG_CPU] == 0 &&
			layout.of[CG_CPUACCT] == 0 && layout.of[CG_CPUSET] == 0 &&
			layout.of[CG_BLKIO] == 0 && layout.of[CG_HUGETLB] == 0 &&
			layout.of[CG_PRESSURE] == 0,
		"v2");
	cg_layout_deinit(&layout);
	add_v2(&layout, "/", "");
	ok(layout.of[CG_MEMORY] == -1 && layout.of[CG_CPU] == -1 &&
			layout.of[CG_CPUACCT] == 0 && layout.of[CG_PRESSURE] == 0,
		"v2 without controllers still has cpu.stat and pressure");
	cg_layout_deinit(&layout);
	for (int i = 0; i < CG_HIERARCHIES; i++)
		ok(cg_layout_add(&layout, null_fd(), "/", "x", &cg_v1, "x") == 0,
			"add %d", i);
	is_int(cg_layout_add(&layout, null_fd(), "/", "x", &cg_v1, "x"), -ENOSPC,
		"one too many");
	cg_layout_deinit(&layout);
	is_int(layout.count, 0, "deinit empties");
}

/* What cg_path_of says of one line: the path, or "none". */
static const char *path_of(const char *root, const char *name, const char *text)
{
	static char out[128];
	struct cg_layout layout;
	struct slice path;

	cg_layout_init(&layout);
	cg_layout_add(&layout, -1, root, name, *name ? &cg_v1 : &cg_v2, name);
	if (cg_path_of(&layout, 0, text, &path))
		snprintf(out, sizeof(out), "%.*s", (int)path.len, path.p);
	else
		strcpy(out, "none");
	cg_layout_deinit(&layout);
	return out;
}

static void test_paths(void)
{
	static const char v1[] = "12:cpu,cpuacct:/a\n11:cpu:/no\n2:memory:/m/ct\n"
				 "1:name=systemd:/user.slice\n0::/u:with:colons\n";
	static const struct {
		const char *root, *name, *text, *want, *what;
	} cases[] = {
		{"/", "cpu,cpuacct", v1, "/a", "co-mounted"},
		{"/", "memory", v1, "/m/ct", "v1"},
		{"/", "mem", v1, "none", "a prefix of a name"},
		{"/", "cpuacct", v1, "none", "a part of a name"},
		{"/", "name=systemd", v1, "/user.slice", "a named hierarchy"},
		{"/", "", v1, "/u:with:colons", "v2, colons in the path"},
		{"/", "", "0::/", "", "the root, without newline"},
		{"/", "", "", "none", "an empty text"},
		{"/", "", "garbage\n0:\n:\n\n", "none", "garbage"},
		{"/", "", "garbage\n0:\n0::/a b\n", "/a b", "garbage before it; a blank"},
		{"/", "", "0::/a (deleted)\n", "/a (deleted)", "a removed cgroup"},
		{"/", "", "0::/..\n", "none", "outside of the namespace"},
		{"/", "", "0::/../out\n", "none", "beside the namespace"},
		{"/", "", "0::/..out/x\n", "/..out/x", "a name that starts with dots"},
		{"/", "", "0::/...\n", "/...", "three dots"},
		{"/lxc", "", "0::/lxc/ct\n", "/ct", "a mount that shows a part"},
		{"/lxc", "", "0::/lxc\n", "", "its root"},
		{"/lxc", "", "0::/lxcfs\n", "none", "a longer name"},
		{"/lxc", "", "0::/lx\n", "none", "a shorter one"},
		{"/lxc", "", "0::/\n", "none", "above it"},
		{"/lxc", "", "0::/lxc/../x\n", "none", "out of it"},
		{"/..", "", "0::/../ct\n", "/ct", "a mount whose root is above us"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(path_of(cases[i].root, cases[i].name, cases[i].text),
			cases[i].want, cases[i].what);
}

static void test_quota(void)
{
	static const char *const bad[] = {
		"", "\n", "x\n", "100 x\n", "100 0\n", "max 0\n", "-5\n"};
	struct cg_quota q = {.period_us = 5};

	ok(cg_parse_quota("150000 100000\n", &q) == 0 && q.quota_us == 150000 &&
			q.period_us == 100000,
		"v2 quota");
	ok(cg_parse_quota("max 50000\n", &q) == 0 && q.quota_us == UINT64_MAX &&
			q.period_us == 50000,
		"v2 max");
	q.period_us = 5;
	ok(cg_parse_quota("20000\n", &q) == 0 && q.quota_us == 20000 && q.period_us == 5,
		"v1's number leaves the period alone");
	ok(cg_parse_quota("-1\n", &q) == 0 && q.quota_us == UINT64_MAX, "v1's -1");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(cg_parse_quota(bad[i], &q) == -EINVAL, "no quota: %u", i);
}

static void test_usage_all(void)
{
	const char *cursor =
		"cpu user system\n0 11 22\n1 33\nx 1 2\n2 a b\n\n7 44 55 66\n"
		"4294967295 1 1\n8 99999999999999999999 0";
	unsigned cpu;
	uint64_t user, sys;

	ok(cg_usage_all_next(&cursor, &cpu, &user, &sys) && cpu == 0 && user == 11 &&
			sys == 22,
		"the first behind the heading");
	ok(cg_usage_all_next(&cursor, &cpu, &user, &sys) && cpu == 7 && user == 44 &&
			sys == 55,
		"the next that is whole");
	ok(cg_usage_all_next(&cursor, &cpu, &user, &sys) && cpu == 8 &&
			user == UINT64_MAX && sys == 0,
		"the last, saturated");
	ok(!cg_usage_all_next(&cursor, &cpu, &user, &sys), "no more");
	cursor = "cpu user system\n";
	ok(!cg_usage_all_next(&cursor, &cpu, &user, &sys), "the heading alone");
}

static void test_memstat(void)
{
	uint64_t v[CG_MEMSTATS] = {0}, found;

	found = cg_parse_memstat(&cg_v2,
		"anon 1\nfile 2\nfile_mapped 3\nslab 4\nswapcached 5\nnew_line 6\n"
		"hierarchical_memory_limit 7\ntotal_cache 8\n",
		v);
	ok(v[CGM_ANON] == 1 && v[CGM_FILE] == 2 && v[CGM_FILE_MAPPED] == 3 &&
			v[CGM_SLAB] == 4 && v[CGM_SWAPCACHED] == 5,
		"v2");
	ok(found == (UINT64_C(1) << CGM_ANON | UINT64_C(1) << CGM_FILE |
			    UINT64_C(1) << CGM_FILE_MAPPED | UINT64_C(1) << CGM_SLAB |
			    UINT64_C(1) << CGM_SWAPCACHED),
		"and what was there");
	memset(v, 0, sizeof(v));
	found = cg_parse_memstat(&cg_v1,
		"cache 1\nrss 2\nswap 3\nhierarchical_memory_limit 4\n"
		"hierarchical_memsw_limit 5\ntotal_cache 6\ntotal_rss 7\ntotal_swap 8\n"
		"total_rss_huge 9\nslab 10\n",
		v);
	ok(v[CGM_FILE] == 6 && v[CGM_ANON] == 7 && v[CGM_SWAP] == 8 &&
			v[CGM_ANON_THP] == 9 && v[CGM_HIERARCHICAL_LIMIT] == 4 &&
			v[CGM_HIERARCHICAL_MEMSW] == 5,
		"v1: the total_ keys");
	ok(!(found >> CGM_SLAB & 1), "v1 has no slab");
}

static void test_cpustat(void)
{
	uint64_t v[CG_CPUSTATS] = {0}, found;

	found = cg_parse_cpustat(&cg_v2,
		"usage_usec 100\nuser_usec 60\nsystem_usec 40\nnice_usec 5\nnr_periods "
		"1\n"
		"throttled_usec 18446744073709552\n",
		v);
	ok(v[CGC_USAGE] == 100000 && v[CGC_USER] == 60000 && v[CGC_SYSTEM] == 40000 &&
			v[CGC_NICE] == 5000,
		"v2: microseconds");
	is_u64(v[CGC_THROTTLED], UINT64_MAX, "saturates");
	is_u64(found, 31, "all of it");
	memset(v, 0, sizeof(v));
	found = cg_parse_cpustat(
		&cg_v1, "nr_periods 0\nnr_throttled 0\nthrottled_time 123\n", v);
	ok(found == UINT64_C(1) << CGC_THROTTLED && v[CGC_THROTTLED] == 123,
		"v1: nanoseconds");
	is_u64(cg_parse_cpustat(&cg_v2, "usage_usec\nuser_usec x\n", v), 0, "garbage");
}

/* Every fact has a controller the versions agree on but for cpu.stat; see
 * cache/container. */
static void test_tables(void)
{
	const size_t room = sizeof(cg_v1.fact[0].file);

	for (int i = 0; i < CG_FACTS; i++) {
		const char *v1 = cg_v1.fact[i].file, *v2 = cg_v2.fact[i].file;

		ok((*v1 || *v2) && strnlen(v1, room) < room && strnlen(v2, room) < room,
			"fact %d has a file", i);
	}
	for (int i = 0; i < CG_MEMSTATS; i++)
		ok(*cg_v1.memstat[i] || *cg_v2.memstat[i],
			"memory.stat key %d has a name", i);
	for (int i = 0; i < CG_CPUSTATS; i++)
		ok(*cg_v2.cpustat[i].key && cg_v2.cpustat[i].ns,
			"cpu.stat key %d has a name", i);
}

int main(void)
{
	test_names();
	test_layouts();
	test_paths();
	test_quota();
	test_usage_all();
	test_memstat();
	test_cpustat();
	test_tables();
	return tap_done();
}

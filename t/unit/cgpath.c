/*
 * cache/cgpath: which cgroup counts, from what /proc/PID/cgroup says inside and outside.
 */
#include "cache/cgpath.h"

#include "t/unit/tap.h"

#include <fcntl.h>

static struct cg_layout layout;

static void add(const char *root, const char *name, const struct cg_version *version)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC);

	ok(cg_layout_add(&layout, fd, root, name, version, name) == 0, "hierarchy '%s'",
		name);
}

/* The path of hierarchy i, or "-". */
static const char *path(
	enum cgpath_rule rule, int i, const char *outer, const char *inner)
{
	static char out[256];
	struct cgtexts texts = {outer, inner};
	struct slice s;

	if (!cgpath_of(rule, &layout, i, &texts, &s))
		return "-";
	snprintf(out, sizeof(out), "%.*s", (int)s.len, s.p);
	return out;
}

static void test_v2(void)
{
	static const struct {
		enum cgpath_rule rule;
		const char *outer, *inner, *want;
	} table[] = {
		{CGPATH_OWN, "0::/ct/a\n", NULL, "/ct/a"},
		{CGPATH_OWN, "0::/\n", NULL, ""},
		{CGPATH_OWN, "0::/../x\n", NULL, "-"},
		{CGPATH_OWN, "1:name=systemd:/x\n", NULL, "-"},
		{CGPATH_INIT, "0::/ct/init.scope\n", NULL, "/ct"},
		{CGPATH_INIT, "0::/ct/system.slice\n", NULL, "/ct"},
		{CGPATH_INIT, "0::/init.scope\n", NULL, ""},
		{CGPATH_INIT, "0::/ct/xinit.scope\n", NULL, "/ct/xinit.scope"},
		{CGPATH_INIT, "0::/ct/init.scope/x\n", NULL, "/ct/init.scope/x"},
		{CGPATH_ROOT, "0::/ct\n", "0::/\n", "/ct"},
		{CGPATH_ROOT, "0::/ct/init.scope\n", "0::/\n", "/ct/init.scope"},
		{CGPATH_ROOT, "0::/ct/init.scope\n", "0::/init.scope\n", "/ct"},
		{CGPATH_ROOT, "0::/ct/a/b\n", "0::/a/b\n", "/ct"},
		{CGPATH_ROOT, "0::/a/b\n", "0::/a/b\n", ""},
		{CGPATH_ROOT, "0::/out\n", "0::/../out\n", "-"},
		{CGPATH_ROOT, "0::/\n", "0::/..\n", "-"},
		{CGPATH_ROOT, "0::/ct/..x\n", "0::/..x\n", "/ct"},
		{CGPATH_ROOT, "0::/ct/a\n", "0::/b\n", "-"},
		{CGPATH_ROOT, "0::/ct\n", NULL, "-"},
		{CGPATH_ROOT, "0::/ct\n", "1:x:/\n", "-"},
		{CGPATH_ROOT, "0::/ct (deleted)\n", "0::/ (deleted)\n", "/ct"},
		{CGPATH_ROOT, "0::/ct/a (deleted)\n", "0::/a (deleted)\n", "/ct"},
	};

	add("/", "", &cg_v2);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		is_str(path(table[i].rule, 0, table[i].outer, table[i].inner),
			table[i].want, table[i].want);
}

static void test_place(void)
{
	static const struct {
		const char *path, *top;
		size_t base;
		enum cgpath_place want;
	} table[] = {
		{"/ct", "/ct", 0, CGPATH_BELOW},
		{"/ct/a", "/ct", 0, CGPATH_BELOW},
		{"", "/ct", 0, CGPATH_APART},
		{"/ctx", "/ct", 0, CGPATH_APART},
		{"/user.slice/s.scope", "/docker/ct", 0, CGPATH_APART},
		{"/dock/ct", "/docker/ct", 0, CGPATH_APART},
		{"/docker/ctx", "/docker/ct", 0, CGPATH_BESIDE},
		{"/docker", "/docker/ct", 0, CGPATH_BESIDE},
		{"/work", "", 0, CGPATH_ALONE},
		{"", "", 0, CGPATH_APART},
		/* In a container at /o. */
		{"/o", "/o/ct", 2, CGPATH_APART},
		{"/o/shell", "/o/ct", 2, CGPATH_APART},
		{"/o/pod/x", "/o/pod/ct", 2, CGPATH_BESIDE},
		{"/o/ct/x", "/o/ct", 2, CGPATH_BELOW},
		{"/o/x", "/o", 2, CGPATH_ALONE},
		{"/o", "/o", 2, CGPATH_APART},
		/* The container's init was moved out of that. */
		{"/o/x", "/p/ct", 2, CGPATH_APART},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice place = {table[i].path, strlen(table[i].path)};
		char what[80];

		snprintf(what, sizeof(what), "place of '%s' for '%s' below '%.*s'",
			table[i].path, table[i].top, (int)table[i].base, table[i].top);
		is_int(cgpath_place(place, table[i].top, table[i].base), table[i].want,
			what);
	}
}

static void test_all(void)
{
	const struct cgtexts in = {"2:memory:/ct/x\n0::/ct\n", "2:memory:/x\n0::/\n"};
	const struct cgtexts out = {
		"2:memory:/out\n0::/ct\n", "2:memory:/../out\n0::/\n"};
	const struct cgtexts absent = {"0::/ct\n", "0::/\n"};
	const struct cgtexts root = {"2:memory:/\n0::/\n", NULL};
	const struct cgtexts some = {"2:memory:/\n0::/ct\n", NULL};

	add("/", "memory", &cg_v1);
	ok(cgpath_tells_root(&layout, &in), "both hierarchies tell the root");
	ok(!cgpath_tells_root(&layout, &out), "one does not");
	ok(cgpath_tells_root(&layout, &absent),
		"one that the process is not in is not asked");
	ok(cgpath_all_root(&layout, &root) && cgpath_some_root(&layout, &root),
		"in the root");
	ok(!cgpath_all_root(&layout, &some) && cgpath_some_root(&layout, &some),
		"in the root of one");
	ok(!cgpath_some_root(&layout, &in), "in no root");
	ok(cgpath_hash(&layout, &in) != cgpath_hash(&layout, &out) &&
			cgpath_hash(&layout, &in) ==
				cgpath_hash(&layout, &(struct cgtexts){in.outer, NULL}),
		"a hash of where the process is");
}

static void test_mount_root(void)
{
	cg_layout_deinit(&layout);
	add("/pod", "", &cg_v2);
	is_str(path(CGPATH_ROOT, 0, "0::/pod/ct/a\n", "0::/a\n"), "/ct",
		"a part is mounted");
	is_str(path(CGPATH_ROOT, 0, "0::/pod/ct\n", "0::/pod/ct\n"), "-",
		"the root is not in that part");
	is_str(path(CGPATH_OWN, 0, "0::/podx\n", NULL), "-", "outside of the part");
}

static void test_below(void)
{
	static const struct {
		const char *path, *top;
		bool want;
	} table[] = {
		{"/ct", "/ct", true},
		{"/ct/a", "/ct", true},
		{"/ct", "", true},
		{"", "", true},
		{"/ctx", "/ct", false},
		{"/c", "/ct", false},
		{"", "/ct", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ok(cgpath_below((struct slice){table[i].path, strlen(table[i].path)},
			   table[i].top) == table[i].want,
			"'%s' below '%s'", table[i].path, table[i].top);
}

int main(void)
{
	cg_layout_init(&layout);
	test_v2();
	test_place();
	test_all();
	test_mount_root();
	test_below();
	cg_layout_deinit(&layout);
	return tap_done();
}

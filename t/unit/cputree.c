/* daemon/cputree: places in the host's cpu tree and their numbers. */
#include "daemon/cputree.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct cputree tree;
static const struct cputree_at root = {.entry = CPUTREE_ROOT};

static struct cputree_at child(struct cputree_at at, const char *name)
{
	struct cputree_at out = {.entry = -2};

	cputree_child(&tree, at, name, &out);
	return out;
}

static const char *path(struct cputree_at at)
{
	static char buf[160];

	return cputree_path(&tree, at, buf, sizeof(buf)) ? buf : "(none)";
}

static void cpu_of(const char *path_, int cpu, const char *want)
{
	const char *rest;

	is_int(cputree_cpu_of(path_, &rest), cpu, path_);
	is_str(rest, want, "and the rest of the path");
}

static void test_cpu_of(void)
{
	cpu_of("cpu0/online", 0, "online");
	cpu_of("cpu10/cache/index0/size", 10, "cache/index0/size");
	cpu_of("cpu01/online", -1, "cpu01/online");
	cpu_of("cpu70000/online", -1, "cpu70000/online");
	cpu_of("cpu1x/online", -1, "cpu1x/online");
	cpu_of("cpu1", -1, "cpu1");
	cpu_of("online", -1, "online");
	cpu_of("", -1, "");
}

int main(void)
{
	struct cputree_at a, b, up;
	char small[8];
	unsigned count, i;

	is_str(path(root), ".", "the root");
	a = child(child(child(root, "cpu3"), "topology"), "core_id");
	is_str(path(a), "cpu3/topology/core_id", "a path below a CPU");
	count = tree.count;
	b = child(child(child(root, "cpu1023"), "topology"), "core_id");
	is_str(path(b), "cpu1023/topology/core_id", "the same below another");
	is_u64(tree.count, count, "adds no entry");
	ok(a.entry == b.entry && a.instance == 3 && b.instance == 1023,
		"they differ by instance");
	is_str(path(child(child(child(root, "cpufreq"), "policy12"), "scaling_cur_freq")),
		"cpufreq/policy12/scaling_cur_freq", "policies are a family too");
	is_str(path(child(child(root, "cpu1"), "policy2")), "cpu1/policy2",
		"but only in cpufreq");
	is_str(path(child(root, "cpu")), "cpu", "cpu is no CPU");
	is_str(path(child(root, "cpu01")), "cpu01", "nor is cpu01");
	is_str(path(child(root, "cpuidle")), "cpuidle", "nor cpuidle");
	is_int(cputree_cpu_number("cpu0"), 0, "number of cpu0");
	is_int(cputree_cpu_number("cpu70000"), -1, "a number too large");
	is_int(cputree_cpu_number("cpu1/online"), -1, "no name");
	test_cpu_of();
	up = cputree_parent(&tree, a);
	is_str(path(up), "cpu3/topology", "parent");
	up = cputree_parent(&tree, cputree_parent(&tree, up));
	is_str(path(up), ".", "parent of a CPU");
	is_str(path((struct cputree_at){.entry = 4000}), "(none)",
		"a number never given out");
	is_str(path((struct cputree_at){.entry = -5}), "(none)", "a negative one");
	ok(!cputree_path(&tree, a, small, sizeof(small)),
		"a path too long for its buffer");

	for (i = 0; i < CPUTREE_ENTRIES + 10; i++) {
		char name[32];
		struct cputree_at out;

		snprintf(name, sizeof(name), "n%u", i);
		if (!cputree_child(&tree, root, name, &out))
			break;
	}
	ok(i < CPUTREE_ENTRIES && tree.count == CPUTREE_ENTRIES, "the table fills up");
	is_str(path(a), "cpu3/topology/core_id", "and what it holds stays");
	ok(cputree_child(&tree, root, "n5", &b), "names it has are still found");
	return tap_done();
}

/*
 * The cpu tree as a container sees it whose CPUs have numbers of their own, on a host
 * that has gaps among its.
 */
#include "daemon/node.h"

#include "daemon/cputree.h"
#include "daemon/render.h"
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct cputree tree;

static bool look_up(struct fixture *f, const char *path, struct node_info *info)
{
	char name[64];
	uint64_t id = FUSE_ROOT_ID;
	size_t len;

	for (; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (node_lookup(&f->host, id, name, info) < 0)
			return false;
		id = info->id;
	}
	/* As for a number that the kernel kept. */
	return node_get(&f->host, id, info) == 0;
}

#define CPU "sys/devices/system/cpu"

static const char *names[32];
static unsigned count;

static void keep(void *arg, uint64_t id, mode_t mode, const char *name)
{
	(void)arg, (void)id;
	if (count < 32 && *name != '.' && S_ISDIR(mode))
		names[count++] = strdup(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The directories in one, in order. */
static const char *list(struct fixture *f, const char *path, const char *cpus)
{
	static char text[512];
	struct node_info info;
	struct cpuset set;

	if (!look_up(f, path, &info))
		return "not there";
	cpuset_parse(&set, cpus);
	count = 0;
	text[0] = '\0';
	if (node_list(&f->host, &info, *cpus ? &set : NULL, keep, NULL) < 0)
		return "error";
	qsort(names, count, sizeof(names[0]), by_name);
	for (unsigned i = 0; i < count; i++) {
		strcat(strcat(text, " "), names[i]);
		free((void *)(uintptr_t)names[i]);
	}
	return text;
}

static const char *contents(struct fixture *f, const char *path)
{
	struct node_info info;

	host_new_epoch(&f->host);
	outbuf_reset(&f->out);
	if (!look_up(f, path, &info))
		return "not there";
	if (render(&info, &f->subject, &f->out) < 0)
		return "error";
	out_char(&f->out, '\0');
	return f->out.data;
}

/* One package; each core has two CPUs. */
static void start_topology(struct fixture *f, int cpu)
{
	static const char *const core[] = {"0-1\n", "2-3\n", "4-5\n"};
	static const char *const mask[] = {
		"00,00000003\n", "00,0000000c\n", "00,00000030\n"};
	char path[64];

	snprintf(path, sizeof(path), "cpu/cpu%d/topology/core_cpus_list", cpu);
	fixture_write(f, path, core[cpu / 2]);
	snprintf(path, sizeof(path), "cpu/cpu%d/topology/package_cpus_list", cpu);
	fixture_write(f, path, "0,2,4-5\n");
	snprintf(path, sizeof(path), "cpu/cpu%d/topology/package_cpus", cpu);
	fixture_write(f, path, "35\n");
	snprintf(path, sizeof(path), "cpu/cpu%d/cache/index0/shared_cpu_map", cpu);
	fixture_write(f, path, mask[cpu / 2]);
}

/* CPU 1 is off, 3 was taken out. */
static void start(struct fixture *f)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", "0,2,4-5\n");
	fixture_write(f, "cpu/cpu0/topology/core_id", "0\n");
	fixture_write(f, "cpu/cpu1/online", "0\n");
	fixture_write(f, "cpu/cpu2/online", "1\n");
	fixture_write(f, "cpu/cpu2/topology/core_id", "7\n");
	fixture_write(f, "cpu/cpu4/online", "1\n");
	fixture_write(f, "cpu/cpu4/topology/core_id", "9\n");
	fixture_write(f, "cpu/cpu5/online", "1\n");
	fixture_write(f, "cpu/cpu5/topology/core_id", "11\n");
	for (int cpu = 0; cpu < 6; cpu++)
		if (cpu != 1 && cpu != 3)
			start_topology(f, cpu);
	fixture_write(f, "cpu/isolated", "4-5\n");
	fixture_write(f, "cpu/nohz_full", "(null)\n");
	fixture_write(f, "cpu/smt/control", "on\n");
	fixture_write(f, "cgroup/cgroup.controllers", "cpuset\n");
	fixture_write(f, "cgroup/ct/cpuset.cpus.effective", "2,4\n");
	fixture_load(f);
	fixture_container(f, "/ct", 0);
	memset(&tree, 0, sizeof(tree));
}

static void test_own_numbers(void)
{
	struct fixture f;

	start(&f);
	f.policy.cfs = true;
	node_attach(&tree, true, 6);
	is_str(contents(&f, CPU "/online"), "0-1\n", "two CPUs");
	is_str(list(&f, CPU, "0-1"), " cpu0 cpu1 smt", "are listed");
	is_str(contents(&f, CPU "/cpu1/online"), "1\n", "one that is off on the host");
	is_str(contents(&f, CPU "/cpu2/online"), "0\n", "cpu2 is beyond them");
	is_str(contents(&f, CPU "/cpu5/online"), "0\n", "cpu5 is beyond them");
	is_str(contents(&f, CPU "/cpu0/online"), "not there", "no file on the host");
	is_str(contents(&f, CPU "/cpu0/topology/core_id"), "7\n",
		"the topology of cpu0 is that of the host's cpu2");
	is_str(contents(&f, CPU "/cpu1/topology/core_id"), "9\n",
		"that of cpu1, which is off on the host, is the host's cpu4's");
	is_str(contents(&f, CPU "/cpu0/topology/core_cpus_list"), "0\n",
		"a list names the container's CPUs alone");
	is_str(contents(&f, CPU "/cpu1/topology/package_cpus_list"), "0-1\n",
		"by the container's numbers");
	is_str(contents(&f, CPU "/cpu1/topology/package_cpus"), "03\n", "as does a mask");
	is_str(contents(&f, CPU "/cpu0/cache/index0/shared_cpu_map"), "00,00000001\n",
		"also one of several words");
	is_str(contents(&f, CPU "/cpu2/topology/core_id"), "7\n",
		"a CPU beyond them keeps the host's files");
	is_str(contents(&f, CPU "/isolated"), "1\n", "a list at the top");
	is_str(contents(&f, CPU "/smt/control"), "on\n", "and the rest");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "4\n");
	is_str(contents(&f, CPU "/cpu1/online"), "0\n", "not its own any more");
	is_str(contents(&f, CPU "/cpu0/topology/core_id"), "9\n",
		"the topology follows the cpuset");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0,2,4-5\n");
	is_str(contents(&f, CPU "/online"), "0-3\n", "four CPUs");
	is_str(list(&f, CPU, "0-3"), " cpu0 cpu1 cpu2 cpu3 smt",
		"are listed, though the host has no third");
	is_str(list(&f, CPU "/cpu3", ""), " cache topology",
		"with names of the last CPU");
	is_str(list(&f, CPU "/cpu1", ""), " cache topology",
		"like that of one that is off");
	is_str(contents(&f, CPU "/cpu3/online"), "1\n", "which is online");
	is_str(contents(&f, CPU "/cpu3/topology/core_id"), "11\n",
		"and has the topology of the host's cpu5");
	is_str(list(&f, CPU "/cpu6", ""), "not there", "more than there can be");
	is_str(list(&f, CPU "/smt/cpu3", ""), "not there", "nor elsewhere");
	is_str(list(&f, CPU "/cpu5", ""), " cache topology", "beyond them: by name");
	f.subject.ct = NULL;
	is_str(contents(&f, CPU "/cpu1/online"), "0\n", "the host itself");
	fixture_deinit(&f);
}

static void test_host_numbers(void)
{
	struct fixture f;

	start(&f);
	node_attach(&tree, false, 6);
	is_str(contents(&f, CPU "/online"), "2,4\n", "the host's numbers");
	is_str(list(&f, CPU, "2,4"), " cpu2 cpu4 smt", "are listed");
	is_str(list(&f, CPU, ""), " cpu0 cpu1 cpu2 cpu4 cpu5 smt", "and to the host all");
	is_str(contents(&f, CPU "/cpu1/online"), "0\n", "one that is off");
	is_str(contents(&f, CPU "/cpu2/online"), "1\n", "one that is on");
	is_str(contents(&f, CPU "/cpu5/online"), "0\n", "one that is another's");
	is_str(contents(&f, CPU "/cpu2/topology/core_id"), "7\n", "topology");
	is_str(contents(&f, CPU "/cpu4/topology/package_cpus_list"), "2,4\n",
		"a list names the container's CPUs alone");
	is_str(contents(&f, CPU "/cpu4/topology/package_cpus"), "14\n", "as does a mask");
	is_str(contents(&f, CPU "/cpu2/cache/index0/shared_cpu_map"), "00,00000004\n",
		"also one of several words");
	is_str(contents(&f, CPU "/isolated"), "4\n", "a list at the top");
	is_str(contents(&f, CPU "/nohz_full"), "(null)\n", "no list");
	is_str(list(&f, CPU "/cpu3", ""), "not there", "a gap");
	fixture_deinit(&f);
}

int main(void)
{
	test_own_numbers();
	test_host_numbers();
	return tap_done();
}

/*
 * slabinfo: the cgroup's list, or the heading and no slab of the host.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#define HEADING                                                                          \
	"slabinfo - version: 2.1\n"                                                      \
	"# name            <active_objs> <num_objs> <objsize> <objperslab> "             \
	"<pagesperslab> : "                                                              \
	"tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "        \
	"<num_slabs> "                                                                   \
	"<sharedavail>\n"

static const char list[] = HEADING "dentry                12     42    192   42    2 : "
				   "tunables    0    0    0 : slabdata"
				   "      1      1      0\n";

static void captured(const char *name)
{
	struct fixture f;
	struct slice host;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, name);
	if (ok(host_text(&f.host, HOST_SLABINFO, &host) == 0, "%s: the host has a list",
		    name))
		ok(!strncmp(host.p, HEADING, strlen(HEADING)), "%s: under this heading",
			name);
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "proc/slabinfo", "the host's\n");
	fixture_write(&f, "cgroup/memory/memory.kmem.slabinfo", "the root's\n");
	fixture_write(&f, "cgroup/memory/ct/memory.kmem.slabinfo", list);
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), list,
		"v1: the cgroup's list, as it is");
	fixture_write(&f, "cgroup/memory/ct/memory.kmem.slabinfo", "");
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "v1: an empty file");
	fixture_write(&f, "cgroup/memory/ct/memory.kmem.slabinfo", "\n \n");
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "v1: a blank file");
	fixture_remove(&f, "cgroup/memory/ct");
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "v1: vanished");
	fixture_deinit(&f);
}

static void test_v2(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "proc/slabinfo", "the host's\n");
	fixture_write(&f, "cgroup/cgroup.controllers", "memory\n");
	fixture_write(&f, "cgroup/ct/memory.kmem.slabinfo", "no such file in v2\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "v2");
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "v2: the root cgroup");
	fixture_deinit(&f);
	fixture_new(&f);
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_slabinfo, 0), HEADING, "no hierarchy at all");
	fixture_deinit(&f);
}

int main(void)
{
	captured("5.10-v2");
	captured("6.1-v1");
	captured("6.1-v2");
	captured("6.12-v2");
	captured("6.18-hybrid");
	test_v1();
	test_v2();
	return tap_done();
}

/* A container two cgroups down, with limits of memory on the way to it. */
#ifndef T_UNIT_NESTED_H
#define T_UNIT_NESTED_H

#include "t/unit/fixture.h"

static inline void nested_start(struct fixture *f)
{
	fixture_new(f);
	fixture_write(f, "cgroup/cgroup.controllers", "memory cpu cpuset\n");
	fixture_write(f, "cgroup/cpuset.cpus.effective", "0-7\n");
	fixture_write(f, "cgroup/a/memory.max", "1000\n");
	fixture_write(f, "cgroup/a/b/memory.max", "max\n");
	fixture_write(f, "cgroup/a/b/ct/memory.max", "2000\n");
	fixture_write(f, "cgroup/a/b/ct/memory.current", "70\n");
	fixture_load(f);
	fixture_container(f, "/a/b/ct", 0);
}

#endif

/*
 * What the tests of meminfo share: a small host and a look at one of its containers.
 */
#ifndef T_UNIT_MEMINFO_H
#define T_UNIT_MEMINFO_H

#include "t/unit/fixture.h"
#include "t/unit/tap.h"

/* A small host: 1,000,000 kB of memory, 500,000 kB of swap. */
__attribute__((unused)) static const char host_meminfo[] =
	"MemTotal:        1000000 kB\n"
	"MemFree:          600000 kB\n"
	"MemAvailable:     700000 kB\n"
	"Cached:            50000 kB\n"
	"Mlocked:              12 kB\n"
	"SwapTotal:        500000 kB\n"
	"SwapFree:         400000 kB\n"
	"Zswap:               100 kB\n"
	"Zswapped:            300 kB\n"
	"Dirty:               111 kB\n"
	"Mapped:            22222 kB\n"
	"MappedNew:           333 kB\n"
	"Slab:               4444 kB\n"
	"CommitLimit:     1000000 kB\n"
	"Committed_AS:     900000 kB\n";

__attribute__((unused)) static const char host_huge[] = "HugePages_Total:      16\n"
							"HugePages_Free:       10\n"
							"HugePages_Rsvd:        4\n"
							"HugePages_Surp:        1\n"
							"Hugepagesize:       2048 kB\n"
							"Hugetlb:         3178496 kB\n";

static inline void start(struct fixture *f, const char *controllers)
{
	fixture_new(f);
	fixture_write(f, "proc/meminfo", host_meminfo);
	if (controllers)
		fixture_write(f, "cgroup/cgroup.controllers", controllers);
}

static inline const char *show(struct fixture *f, const char *cgroup)
{
	if (!f->files)
		fixture_load(f);
	fixture_container(f, cgroup, 0);
	return fixture_show(f, view_meminfo, 0);
}

/* The number in a line of text. */
static inline uint64_t value(const char *text, const char *key)
{
	uint64_t v = UINT64_MAX;

	procfile_keyed(text, &key, 1, &v);
	return v;
}

/* A container /ct of v2 with a bit of everything. */
static inline void plain_v2(struct fixture *f)
{
	start(f, "memory\n");
	fixture_write(f, "cgroup/memory.stat", "file 999999999\n");
	fixture_write(f, "cgroup/ct/memory.current", "104857600\n");
	fixture_write(f, "cgroup/ct/memory.max", "209715200\n");
	fixture_write(f, "cgroup/ct/memory.swap.current", "10485760\n");
	fixture_write(f, "cgroup/ct/memory.swap.max", "20971520\n");
	fixture_write(f, "cgroup/ct/memory.stat",
		"anon 1\nfile 31457280\nkernel 7\nfile_mapped 4194304\nfile_dirty "
		"2097152\n"
		"zswap 1048576\nzswapped 3145728\ninactive_file 1048576\nactive_file "
		"2097152\n"
		"unevictable 8192\nslab_reclaimable 524288\nslab_unreclaimable 524288\n"
		"slab 1048576\n");
}

#endif

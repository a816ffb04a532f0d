/*
 * meminfo on trees captured from kernels (expected values were computed by a program of
 * its own from the same files) and on small ones made for the ugly cases (by hand).
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

static const char expect_61_v2[] = "MemTotal:         262144 kB\n"
				   "MemFree:          148060 kB\n"
				   "MemAvailable:     178014 kB\n"
				   "Buffers:               0 kB\n"
				   "Cached:            39848 kB\n"
				   "SwapCached:           28 kB\n"
				   "Active:            27528 kB\n"
				   "Inactive:          85652 kB\n"
				   "Active(anon):          4 kB\n"
				   "Inactive(anon):    83572 kB\n"
				   "Active(file):      27524 kB\n"
				   "Inactive(file):     2080 kB\n"
				   "Unevictable:           0 kB\n"
				   "Mlocked:               0 kB\n"
				   "SwapTotal:         65536 kB\n"
				   "SwapFree:          30976 kB\n"
				   "Zswap:                 0 kB\n"
				   "Zswapped:              0 kB\n"
				   "Dirty:              2060 kB\n"
				   "Writeback:             0 kB\n"
				   "AnonPages:         73304 kB\n"
				   "Mapped:             2768 kB\n"
				   "Shmem:             10244 kB\n"
				   "KReclaimable:        350 kB\n"
				   "Slab:                383 kB\n"
				   "SReclaimable:        350 kB\n"
				   "SUnreclaim:           33 kB\n"
				   "KernelStack:          16 kB\n"
				   "PageTables:          252 kB\n"
				   "SecPageTables:         0 kB\n"
				   "NFS_Unstable:          0 kB\n"
				   "Bounce:                0 kB\n"
				   "WritebackTmp:          0 kB\n"
				   "CommitLimit:      327680 kB\n"
				   "Committed_AS:     148644 kB\n"
				   "VmallocTotal:   34359738367 kB\n"
				   "VmallocUsed:           0 kB\n"
				   "VmallocChunk:          0 kB\n"
				   "Percpu:                6 kB\n"
				   "HardwareCorrupted:     0 kB\n"
				   "AnonHugePages:     67584 kB\n"
				   "ShmemHugePages:        0 kB\n"
				   "ShmemPmdMapped:        0 kB\n"
				   "FileHugePages:         0 kB\n"
				   "FilePmdMapped:         0 kB\n"
				   "HugePages_Total:       4\n"
				   "HugePages_Free:        2\n"
				   "HugePages_Rsvd:        0\n"
				   "HugePages_Surp:        0\n"
				   "Hugepagesize:       2048 kB\n"
				   "Hugetlb:            8192 kB\n"
				   "DirectMap4k:       36724 kB\n"
				   "DirectMap2M:     1011712 kB\n"
				   "DirectMap1G:           0 kB\n";

static const char expect_61_v1[] = "MemTotal:         262144 kB\n"
				   "MemFree:          125136 kB\n"
				   "MemAvailable:     155056 kB\n"
				   "Buffers:               0 kB\n"
				   "Cached:            40164 kB\n"
				   "SwapCached:            0 kB\n"
				   "Active:            27500 kB\n"
				   "Inactive:         108332 kB\n"
				   "Active(anon):          4 kB\n"
				   "Inactive(anon):   105908 kB\n"
				   "Active(file):      27496 kB\n"
				   "Inactive(file):     2424 kB\n"
				   "Unevictable:           0 kB\n"
				   "Mlocked:               0 kB\n"
				   "SwapTotal:        131068 kB\n"
				   "SwapFree:         118872 kB\n"
				   "Zswap:                 0 kB\n"
				   "Zswapped:              0 kB\n"
				   "Dirty:              2052 kB\n"
				   "Writeback:             0 kB\n"
				   "AnonPages:         95640 kB\n"
				   "Mapped:             2912 kB\n"
				   "Shmem:             10244 kB\n"
				   "KReclaimable:          0 kB\n"
				   "Slab:                860 kB\n"
				   "SReclaimable:          0 kB\n"
				   "SUnreclaim:          860 kB\n"
				   "KernelStack:           0 kB\n"
				   "PageTables:            0 kB\n"
				   "SecPageTables:         0 kB\n"
				   "NFS_Unstable:          0 kB\n"
				   "Bounce:                0 kB\n"
				   "WritebackTmp:          0 kB\n"
				   "CommitLimit:      393212 kB\n"
				   "Committed_AS:     149204 kB\n"
				   "VmallocTotal:   34359738367 kB\n"
				   "VmallocUsed:           0 kB\n"
				   "VmallocChunk:          0 kB\n"
				   "Percpu:                0 kB\n"
				   "HardwareCorrupted:     0 kB\n"
				   "AnonHugePages:     88064 kB\n"
				   "ShmemHugePages:        0 kB\n"
				   "ShmemPmdMapped:        0 kB\n"
				   "FileHugePages:         0 kB\n"
				   "FilePmdMapped:         0 kB\n"
				   "HugePages_Total:       4\n"
				   "HugePages_Free:        2\n"
				   "HugePages_Rsvd:        0\n"
				   "HugePages_Surp:        0\n"
				   "Hugepagesize:       2048 kB\n"
				   "Hugetlb:            8192 kB\n"
				   "DirectMap4k:       36724 kB\n"
				   "DirectMap2M:     1011712 kB\n"
				   "DirectMap1G:           0 kB\n";

static const char expect_612_v2[] = "MemTotal:         262144 kB\n"
				    "MemFree:          129572 kB\n"
				    "MemAvailable:     156680 kB\n"
				    "Buffers:               0 kB\n"
				    "Cached:            37004 kB\n"
				    "SwapCached:           28 kB\n"
				    "Active:            10344 kB\n"
				    "Inactive:         121312 kB\n"
				    "Active(anon):      10240 kB\n"
				    "Inactive(anon):    94656 kB\n"
				    "Active(file):        104 kB\n"
				    "Inactive(file):    26656 kB\n"
				    "Unevictable:           0 kB\n"
				    "Mlocked:               0 kB\n"
				    "SwapTotal:         65536 kB\n"
				    "SwapFree:          52292 kB\n"
				    "Zswap:                 0 kB\n"
				    "Zswapped:              0 kB\n"
				    "Dirty:              2052 kB\n"
				    "Writeback:             0 kB\n"
				    "AnonPages:         94624 kB\n"
				    "Mapped:                0 kB\n"
				    "Shmem:             10244 kB\n"
				    "KReclaimable:        348 kB\n"
				    "Slab:                385 kB\n"
				    "SReclaimable:        348 kB\n"
				    "SUnreclaim:           36 kB\n"
				    "KernelStack:          16 kB\n"
				    "PageTables:          272 kB\n"
				    "SecPageTables:         0 kB\n"
				    "NFS_Unstable:          0 kB\n"
				    "Bounce:                0 kB\n"
				    "WritebackTmp:          0 kB\n"
				    "CommitLimit:      327680 kB\n"
				    "Committed_AS:     145816 kB\n"
				    "VmallocTotal:   34359738367 kB\n"
				    "VmallocUsed:           0 kB\n"
				    "VmallocChunk:          0 kB\n"
				    "Percpu:                6 kB\n"
				    "HardwareCorrupted:     0 kB\n"
				    "AnonHugePages:     88064 kB\n"
				    "ShmemHugePages:        0 kB\n"
				    "ShmemPmdMapped:        0 kB\n"
				    "FileHugePages:         0 kB\n"
				    "FilePmdMapped:         0 kB\n"
				    "Unaccepted:            0 kB\n"
				    "HugePages_Total:       4\n"
				    "HugePages_Free:        2\n"
				    "HugePages_Rsvd:        0\n"
				    "HugePages_Surp:        0\n"
				    "Hugepagesize:       2048 kB\n"
				    "Hugetlb:            8192 kB\n"
				    "DirectMap4k:       32628 kB\n"
				    "DirectMap2M:     1015808 kB\n"
				    "DirectMap1G:           0 kB\n";

static const char expect_618_hybrid[] = "MemTotal:         262144 kB\n"
					"MemFree:          116588 kB\n"
					"MemAvailable:     143216 kB\n"
					"Buffers:               0 kB\n"
					"Cached:            36876 kB\n"
					"SwapCached:            0 kB\n"
					"Active:             1028 kB\n"
					"Inactive:         143720 kB\n"
					"Active(anon):          4 kB\n"
					"Inactive(anon):   118116 kB\n"
					"Active(file):       1024 kB\n"
					"Inactive(file):    25604 kB\n"
					"Unevictable:           0 kB\n"
					"Mlocked:               0 kB\n"
					"SwapTotal:             0 kB\n"
					"SwapFree:              0 kB\n"
					"Zswap:                 0 kB\n"
					"Zswapped:              0 kB\n"
					"Dirty:              2052 kB\n"
					"Writeback:             0 kB\n"
					"AnonPages:        107872 kB\n"
					"Mapped:                0 kB\n"
					"Shmem:             10248 kB\n"
					"KReclaimable:          0 kB\n"
					"Slab:                436 kB\n"
					"SReclaimable:          0 kB\n"
					"SUnreclaim:          436 kB\n"
					"KernelStack:           0 kB\n"
					"PageTables:            0 kB\n"
					"SecPageTables:         0 kB\n"
					"NFS_Unstable:          0 kB\n"
					"Bounce:                0 kB\n"
					"WritebackTmp:          0 kB\n"
					"CommitLimit:      262144 kB\n"
					"Committed_AS:     145556 kB\n"
					"VmallocTotal:   34359738367 kB\n"
					"VmallocUsed:           0 kB\n"
					"VmallocChunk:          0 kB\n"
					"Percpu:                0 kB\n"
					"AnonHugePages:         0 kB\n"
					"ShmemHugePages:        0 kB\n"
					"ShmemPmdMapped:        0 kB\n"
					"FileHugePages:         0 kB\n"
					"FilePmdMapped:         0 kB\n"
					"Balloon:               0 kB\n"
					"HugePages_Total:       0\n"
					"HugePages_Free:        0\n"
					"HugePages_Rsvd:        0\n"
					"HugePages_Surp:        0\n"
					"Hugepagesize:       2048 kB\n"
					"Hugetlb:               0 kB\n"
					"DirectMap4k:       26624 kB\n"
					"DirectMap2M:     2070528 kB\n"
					"DirectMap1G:    25165824 kB\n";

/* A small host: 1,000,000 kB of memory, 500,000 kB of swap. */
static const char host_meminfo[] = "MemTotal:        1000000 kB\n"
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

static const char host_huge[] = "HugePages_Total:      16\n"
				"HugePages_Free:       10\n"
				"HugePages_Rsvd:        4\n"
				"HugePages_Surp:        1\n"
				"Hugepagesize:       2048 kB\n"
				"Hugetlb:         3178496 kB\n";

static void start(struct fixture *f, const char *controllers)
{
	fixture_new(f);
	fixture_write(f, "proc/meminfo", host_meminfo);
	if (controllers)
		fixture_write(f, "cgroup/cgroup.controllers", controllers);
}

static const char *show(struct fixture *f, const char *cgroup)
{
	if (!f->files)
		fixture_load(f);
	fixture_container(f, cgroup, 0);
	return fixture_show(f, view_meminfo, 0);
}

/* The number in a line of text. */
static uint64_t value(const char *text, const char *key)
{
	uint64_t v = UINT64_MAX;

	procfile_keyed(text, &key, 1, &v);
	return v;
}

static void captured(const char *name, const char *expect)
{
	struct fixture f;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_meminfo, 0), expect, name);
	is_str(fixture_show(&f, view_meminfo, 0), expect,
		"the same from kept descriptors");
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_meminfo, 0), "HOST", "root cgroup");
	fixture_deinit(&f);
}

static void plain_v2(struct fixture *f)
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

static void test_synthetic_v2(void)
{
	struct fixture f;

	plain_v2(&f);
	is_str(show(&f, "/ct"),
		"MemTotal:         204800 kB\n"
		"MemFree:          102400 kB\n"
		"MemAvailable:     105984 kB\n"
		"Cached:            30720 kB\n"
		"Mlocked:               8 kB\n"
		"SwapTotal:         20480 kB\n"
		"SwapFree:          10240 kB\n"
		"Zswap:              1024 kB\n"
		"Zswapped:           3072 kB\n"
		"Dirty:              2048 kB\n"
		"Mapped:             4096 kB\n"
		"MappedNew:           333 kB\n"
		"Slab:               1024 kB\n"
		"CommitLimit:      225280 kB\n"
		"Committed_AS:     112640 kB\n",
		"v2: Mapped is not file's, an unknown line passes through");
	f.policy.no_zswap = f.policy.no_swap = true;
	is_str(show(&f, "/ct"),
		"MemTotal:         204800 kB\n"
		"MemFree:          102400 kB\n"
		"MemAvailable:     105984 kB\n"
		"Cached:            30720 kB\n"
		"Mlocked:               8 kB\n"
		"SwapTotal:             0 kB\n"
		"SwapFree:              0 kB\n"
		"Zswap:                 0 kB\n"
		"Zswapped:              0 kB\n"
		"Dirty:              2048 kB\n"
		"Mapped:             4096 kB\n"
		"MappedNew:           333 kB\n"
		"Slab:               1024 kB\n"
		"CommitLimit:      204800 kB\n"
		"Committed_AS:     102400 kB\n",
		"--disable-swap --disable-zswap");
	fixture_deinit(&f);
}

static void plain_v1(struct fixture *f)
{
	start(f, NULL);
	fixture_write(f, "cgroup/memory/memory.usage_in_bytes", "512000000\n");
	fixture_write(f, "cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	fixture_write(f, "cgroup/memory/ct/memory.usage_in_bytes", "104857600\n");
	fixture_write(f, "cgroup/memory/ct/memory.limit_in_bytes", "209715200\n");
	fixture_write(f, "cgroup/memory/ct/memory.memsw.limit_in_bytes", "314572800\n");
	fixture_write(f, "cgroup/memory/ct/memory.kmem.usage_in_bytes", "2097152\n");
	fixture_write(f, "cgroup/memory/ct/memory.swappiness", "60\n");
	fixture_write(f, "cgroup/memory/ct/memory.stat",
		"cache 1\nmapped_file 2\nswap 3\nhierarchical_memory_limit 209715200\n"
		"hierarchical_memsw_limit 314572800\ntotal_cache 31457280\n"
		"total_mapped_file 4194304\ntotal_dirty 2097152\ntotal_swap 10485760\n"
		"total_inactive_file 1048576\ntotal_active_file 2097152\n"
		"total_unevictable 8192\n");
}

static void test_synthetic_v1(void)
{
	struct fixture f;

	plain_v1(&f);
	is_str(show(&f, "/ct"),
		"MemTotal:         204800 kB\n"
		"MemFree:          102400 kB\n"
		"MemAvailable:     105472 kB\n"
		"Cached:            30720 kB\n"
		"Mlocked:               8 kB\n"
		"SwapTotal:        307200 kB\n"
		"SwapFree:         296960 kB\n"
		"Zswap:                 0 kB\n"
		"Zswapped:              0 kB\n"
		"Dirty:              2048 kB\n"
		"Mapped:             4096 kB\n"
		"MappedNew:           333 kB\n"
		"Slab:               2048 kB\n"
		"CommitLimit:      512000 kB\n"
		"Committed_AS:     112640 kB\n",
		"v1: the total_ keys, memsw as swap, kmem as slab");
	is_str(show(&f, "/"), "HOST", "v1: the root, which has the files");
	fixture_write(&f, "cgroup/memory/ct/memory.swappiness", "0\n");
	is_u64(value(show(&f, "/ct"), "SwapTotal:"), 10240, "swappiness 0: what is used");
	is_u64(value(show(&f, "/ct"), "SwapFree:"), 0, "and none free");
	fixture_remove(&f, "cgroup/memory/ct/memory.memsw.limit_in_bytes");
	fixture_write(&f, "cgroup/memory/ct/memory.swappiness", "60\n");
	is_u64(value(show(&f, "/ct"), "SwapTotal:"), 307200,
		"memsw limit from memory.stat");
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"hierarchical_memory_limit 104857600\ntotal_cache 4096\n");
	is_u64(value(show(&f, "/ct"), "SwapTotal:"), 0, "v1 without swap accounting");
	is_u64(value(show(&f, "/ct"), "MemTotal:"), 102400,
		"a limit only memory.stat knows");
	fixture_remove(&f, "cgroup/memory/ct/memory.kmem.usage_in_bytes");
	is_u64(value(show(&f, "/ct"), "Slab:"), 0, "v1 without kmem accounting");
	fixture_remove(&f, "cgroup/memory/ct");
	is_str(show(&f, "/ct"), "HOST", "v1: vanished, only the root is left");
	fixture_deinit(&f);
}

/* Memory in v1, hugetlb and all the rest in v2. */
static void test_hybrid(void)
{
	struct fixture f;

	plain_v1(&f);
	fixture_write(&f, "proc/meminfo", host_huge);
	fixture_write(&f, "cgroup/unified/cgroup.controllers", "hugetlb\n");
	fixture_write(&f, "cgroup/unified/ct/memory.current", "1\n");
	fixture_write(&f, "cgroup/unified/ct/hugetlb.2MB.max", "8388608\n");
	fixture_write(&f, "cgroup/unified/ct/hugetlb.2MB.current", "2097152\n");
	is_str(show(&f, "/ct"), "HOST", "a host that tells no MemTotal");
	fixture_write(&f, "proc/meminfo",
		"MemTotal:        1000000 kB\n"
		"MemFree:          600000 kB\n"
		"HugePages_Total:      16\n"
		"HugePages_Free:       10\n"
		"HugePages_Rsvd:        4\n"
		"HugePages_Surp:        1\n"
		"Hugepagesize:       2048 kB\n"
		"Hugetlb:           32768 kB\n");
	is_str(show(&f, "/ct"),
		"MemTotal:         204800 kB\n"
		"MemFree:          102400 kB\n"
		"HugePages_Total:       4\n"
		"HugePages_Free:        3\n"
		"HugePages_Rsvd:        0\n"
		"HugePages_Surp:        0\n"
		"Hugepagesize:       2048 kB\n"
		"Hugetlb:            8192 kB\n",
		"hybrid: memory of v1, hugetlb of v2");
	fixture_deinit(&f);
}

static void test_ancestors(void)
{
	struct fixture f;

	start(&f, "memory\n");
	fixture_write(&f, "cgroup/a/memory.max", "104857600\n");
	fixture_write(&f, "cgroup/a/memory.current", "52428800\n");
	fixture_write(&f, "cgroup/a/memory.swap.max", "4194304\n");
	fixture_write(&f, "cgroup/a/memory.swap.current", "1048576\n");
	fixture_write(&f, "cgroup/a/memory.stat", "file 10485760\n");
	fixture_write(&f, "cgroup/a/b/memory.max", "max\n");
	fixture_write(&f, "cgroup/a/b/memory.current", "20971520\n");
	fixture_write(&f, "cgroup/a/b/memory.swap.max", "max\n");
	fixture_write(&f, "cgroup/a/b/memory.swap.current", "0\n");
	fixture_write(&f, "cgroup/a/b/memory.stat", "file 2097152\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.max", "524288000\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.current", "10485760\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.swap.max", "8388608\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.swap.current", "2097152\n");
	fixture_write(&f, "cgroup/a/b/ct/memory.stat", "file 1048576\n");
	fixture_write(&f, "cgroup/a/c/cpu.stat", "usage_usec 1\n");
	is_str(show(&f, "/a/b/ct"),
		"MemTotal:         102400 kB\n"
		"MemFree:           92160 kB\n"
		"MemAvailable:      92160 kB\n"
		"Cached:             1024 kB\n"
		"Mlocked:               0 kB\n"
		"SwapTotal:          4096 kB\n"
		"SwapFree:           2048 kB\n"
		"Zswap:                 0 kB\n"
		"Zswapped:              0 kB\n"
		"Dirty:                 0 kB\n"
		"Mapped:                0 kB\n"
		"MappedNew:           333 kB\n"
		"Slab:                  0 kB\n"
		"CommitLimit:      106496 kB\n"
		"Committed_AS:      12288 kB\n",
		"max in the middle, the lowest limit above it, usage of the container");
	is_str(show(&f, "/a/c"),
		"MemTotal:         102400 kB\n"
		"MemFree:           51200 kB\n"
		"MemAvailable:      51200 kB\n"
		"Cached:            10240 kB\n"
		"Mlocked:               0 kB\n"
		"SwapTotal:          4096 kB\n"
		"SwapFree:           3072 kB\n"
		"Zswap:                 0 kB\n"
		"Zswapped:              0 kB\n"
		"Dirty:                 0 kB\n"
		"Mapped:                0 kB\n"
		"MappedNew:           333 kB\n"
		"Slab:                  0 kB\n"
		"CommitLimit:      106496 kB\n"
		"Committed_AS:      52224 kB\n",
		"controller not enabled here: the figures of the nearest that has it");
	is_str(show(&f, "/x/y"), "HOST", "controller nowhere on the way");
	fixture_deinit(&f);
	start(&f, "cpu io\n");
	is_str(show(&f, "/ct"), "HOST", "no memory controller");
	fixture_deinit(&f);
}

/* Nothing exceeds its total, nothing wraps. */
static void test_saturation(void)
{
	struct fixture f;
	const char *text;

	start(&f, "memory\n");
	fixture_write(&f, "proc/meminfo",
		"MemTotal:       1000000000 kB\n"
		"MemFree:        900000000 kB\n"
		"MemAvailable:       3000 kB\n"
		"Cached:              100 kB\n"
		"Active:              100 kB\n"
		"Unevictable:         100 kB\n"
		"Mlocked:        99999999999999999999 kB\n"
		"SwapTotal:        500000 kB\n"
		"SwapFree:         400000 kB\n"
		"Zswapped:              1 kB\n"
		"VmallocTotal:   34359738367 kB\n"
		"HardwareCorrupted:     5 kB\n"
		"CommitLimit:           0 kB\n"
		"Committed_AS:          0 kB\n"
		"\n"
		"NoNumber:\n"
		"Percpu:\n"
		"Odd\n");
	fixture_write(&f, "cgroup/ct/memory.current", "18446744073709551615\n");
	fixture_write(&f, "cgroup/ct/memory.max", "4194304\n");
	fixture_write(&f, "cgroup/ct/memory.swap.current", "99999999999999999999999\n");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "1048576\n");
	fixture_write(&f, "cgroup/ct/memory.stat",
		"file 18446744073709551615\nactive_anon 18446744073709551615\n"
		"active_file 18446744073709551615\nunevictable 18446744073709551616\n"
		"zswapped 18446744073709551615\nslab_reclaimable 18446744073709551615\n");
	is_str(show(&f, "/ct"),
		"MemTotal:           4096 kB\n"
		"MemFree:               0 kB\n"
		"MemAvailable:       3000 kB\n"
		"Cached:             4096 kB\n"
		"Active:             4096 kB\n"
		"Unevictable:        4096 kB\n"
		"Mlocked:            4096 kB\n"
		"SwapTotal:          1024 kB\n"
		"SwapFree:              0 kB\n"
		"Zswapped:           1024 kB\n"
		"VmallocTotal:   34359738367 kB\n"
		"HardwareCorrupted:     0 kB\n"
		"CommitLimit:        5120 kB\n"
		"Committed_AS:       5120 kB\n"
		"\n"
		"NoNumber:\n"
		"Percpu:\n"
		"Odd\n",
		"usage above limits, counters beyond 64 bits, odd lines of the host");
	fixture_write(&f, "cgroup/ct/memory.max", "max\n");
	fixture_write(&f, "cgroup/ct/memory.current", "4096\n");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "max\n");
	fixture_write(&f, "cgroup/ct/memory.swap.current", "4096\n");
	fixture_write(&f, "cgroup/ct/memory.stat", "");
	is_str(show(&f, "/ct"),
		"MemTotal:       1000000000 kB\n"
		"MemFree:        999999996 kB\n"
		"MemAvailable:       3000 kB\n"
		"Cached:                0 kB\n"
		"Active:                0 kB\n"
		"Unevictable:           0 kB\n"
		"Mlocked:               0 kB\n"
		"SwapTotal:        500000 kB\n"
		"SwapFree:         499996 kB\n"
		"Zswapped:              0 kB\n"
		"VmallocTotal:   34359738367 kB\n"
		"HardwareCorrupted:     0 kB\n"
		"CommitLimit:    1000500000 kB\n"
		"Committed_AS:          8 kB\n"
		"\n"
		"NoNumber:\n"
		"Percpu:\n"
		"Odd\n",
		"no limits: the host's totals, and columns where numbers do not fit");
	fixture_write(&f, "cgroup/ct/memory.max", "104857600\n");
	text = show(&f, "/ct");
	ok(!strncmp(text, "MemTotal:         102400 kB\nMemFree:          102396 kB\n",
		   56),
		"columns do not follow the host's longer numbers");
	fixture_deinit(&f);
}

static void test_unreadable(void)
{
	/* The reverse of the order in which they are read. */
	static const struct {
		const char *file;
		uint64_t total, free, cached, swap, swap_free;
	} vanish[] = {
		{"memory.swap.max", 204800, 102400, 30720, 500000, 489760},
		{"memory.swap.current", 204800, 102400, 30720, 0, 0},
		{"memory.max", 1000000, 897600, 30720, 0, 0},
		{"memory.stat", 1000000, 897600, 0, 0, 0},
	};
	static const char *const junk[] = {"", "\n", "garbage\n", "-5\n", "12x\n"};
	struct fixture f;
	const char *text;
	char path[64];

	plain_v2(&f);
	fixture_write(&f, "cgroup/ct/memory.max", "0\n");
	is_u64(value(show(&f, "/ct"), "MemTotal:"), 1000000,
		"a limit of 0: the host's total");
	fixture_write(&f, "cgroup/ct/memory.max", "1023\n");
	is_u64(value(show(&f, "/ct"), "MemTotal:"), 1000000,
		"a limit that rounds to 0 kB");
	for (unsigned i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		fixture_write(&f, "cgroup/ct/memory.max", junk[i]);
		is_u64(value(show(&f, "/ct"), "MemTotal:"), 1000000,
			"an unreadable limit");
	}
	for (unsigned i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		fixture_write(&f, "cgroup/ct/memory.swap.max", junk[i]);
		is_u64(value(show(&f, "/ct"), "SwapTotal:"), 500000,
			"an unreadable swap limit");
		fixture_write(&f, "cgroup/ct/memory.stat", junk[i]);
		is_u64(value(show(&f, "/ct"), "Cached:"), 0,
			"statistics that say nothing");
	}
	fixture_write(&f, "cgroup/ct/memory.swap.current", "junk\n");
	is_u64(value(show(&f, "/ct"), "SwapTotal:"), 0, "no swap accounting");
	fixture_write(&f, "cgroup/ct/memory.current", "junk\n");
	is_str(show(&f, "/ct"), "HOST", "an unreadable usage");
	fixture_deinit(&f);

	plain_v2(&f);
	for (unsigned i = 0; i < sizeof(vanish) / sizeof(vanish[0]); i++) {
		snprintf(path, sizeof(path), "cgroup/ct/%s", vanish[i].file);
		fixture_remove(&f, path);
		text = show(&f, "/ct");
		ok(value(text, "MemTotal:") == vanish[i].total &&
				value(text, "MemFree:") == vanish[i].free &&
				value(text, "Cached:") == vanish[i].cached &&
				value(text, "SwapTotal:") == vanish[i].swap &&
				value(text, "SwapFree:") == vanish[i].swap_free,
			"vanished before the read of %s", vanish[i].file);
	}
	fixture_remove(&f, "cgroup/ct/memory.current");
	is_str(show(&f, "/ct"), "HOST", "v2: before the first read");
	fixture_remove(&f, "cgroup/ct");
	is_str(show(&f, "/ct"), "HOST", "v2: vanished");
	fixture_remove(&f, "proc/meminfo");
	host_deinit(&f.host);
	is_str(show(&f, "/ct"), "HOST", "no host file either");
	fixture_deinit(&f);
}

static void huge_files(
	struct fixture *f, const char *dir, const char *limit, const char *usage)
{
	char path[128];

	snprintf(path, sizeof(path), "cgroup/%s", dir);
	fixture_write(f, path, limit);
	strcpy(strrchr(path, '.'), ".current");
	fixture_write(f, path, usage);
}

/* A host with 16 pages of 2 MB and 3 of 1 GB. */
static void test_huge(void)
{
	struct fixture f;
	char text[512];

	start(&f, "memory hugetlb\n");
	snprintf(text, sizeof(text), "MemTotal:        1000000 kB\n%s", host_huge);
	fixture_write(&f, "proc/meminfo", text);
	fixture_write(&f, "cgroup/a/ct/memory.current", "0\n");
	snprintf(text, sizeof(text), "MemTotal:        1000000 kB\n%s", host_huge);
	is_str(show(&f, "/a/ct"), text,
		"no hugetlb controller on the way: the host's lines");
	huge_files(&f, "a/hugetlb.2MB.max", "8388608\n", "6291456\n");
	huge_files(&f, "a/ct/hugetlb.2MB.max", "max\n", "4194304\n");
	huge_files(&f, "a/hugetlb.1GB.max", "2147483648\n", "0\n");
	huge_files(&f, "a/ct/hugetlb.1GB.max", "max\n", "0\n");
	fixture_write(&f, "cgroup/a/ct/hugetlb.2MB.rsvd.current", "6291456\n");
	is_str(show(&f, "/a/ct"),
		"MemTotal:        1000000 kB\n"
		"HugePages_Total:       4\n"
		"HugePages_Free:        2\n"
		"HugePages_Rsvd:        1\n"
		"HugePages_Surp:        0\n"
		"Hugepagesize:       2048 kB\n"
		"Hugetlb:         2105344 kB\n",
		"limits of an ancestor, a second size of pages, a reservation");
	huge_files(&f, "a/hugetlb.2MB.max", "max\n", "6291456\n");
	huge_files(&f, "a/hugetlb.1GB.max", "max\n", "0\n");
	fixture_write(&f, "cgroup/a/ct/hugetlb.2MB.rsvd.current", "104857600\n");
	is_str(show(&f, "/a/ct"),
		"MemTotal:        1000000 kB\n"
		"HugePages_Total:      16\n"
		"HugePages_Free:       10\n"
		"HugePages_Rsvd:        4\n"
		"HugePages_Surp:        0\n"
		"Hugepagesize:       2048 kB\n"
		"Hugetlb:         3178496 kB\n",
		"no limits: no more than the host has");
	huge_files(&f, "a/ct/hugetlb.2MB.max", "1048576\n", "4194304\n");
	huge_files(&f, "a/ct/hugetlb.1GB.max", "junk\n", "junk\n");
	is_str(show(&f, "/a/ct"),
		"MemTotal:        1000000 kB\n"
		"HugePages_Total:       0\n"
		"HugePages_Free:        0\n"
		"HugePages_Rsvd:        0\n"
		"HugePages_Surp:        0\n"
		"Hugepagesize:       2048 kB\n"
		"Hugetlb:               0 kB\n",
		"less than a page, usage above the limit");
	snprintf(text, sizeof(text),
		"MemTotal:        1000000 kB\n"
		"HugePages_Total:  123456\n"
		"HugePages_Free:   123456\n"
		"Hugepagesize:       2048 kB\n");
	fixture_write(&f, "proc/meminfo", text);
	huge_files(&f, "a/ct/hugetlb.2MB.max", "max\n", "0\n");
	is_str(show(&f, "/a/ct"),
		"MemTotal:        1000000 kB\n"
		"HugePages_Total:   123456\n"
		"HugePages_Free:    123456\n"
		"Hugepagesize:       2048 kB\n",
		"numbers of pages have five columns");
	fixture_deinit(&f);
}

int main(void)
{
	captured("6.1-v2", expect_61_v2);
	captured("6.1-v1", expect_61_v1);
	captured("6.12-v2", expect_612_v2);
	captured("6.18-hybrid", expect_618_hybrid);
	captured("6.12-v1", "HOST"); /* Debian's 6.12 has no memory controller of v1 */
	test_synthetic_v2();
	test_synthetic_v1();
	test_hybrid();
	test_ancestors();
	test_saturation();
	test_unreadable();
	test_huge();
	return tap_done();
}

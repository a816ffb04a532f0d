/*
 * meminfo on trees captured from kernels (expected values were computed by a program of
 * its own from the same files) and on small ones made for the ugly cases (by hand).
 */
#include "t/unit/meminfo.h"

#include <err.h>
#include <fcntl.h>
#include <unistd.h>

/* The tree's expect/meminfo is what its container must see. */
static void captured(const char *name)
{
	struct textbuf want = {0};
	const char *expect;
	struct fixture f;
	int dir;

	fixture_open(&f, name);
	dir = open(f.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || procfile_read(dir, "expect/meminfo", &want) < 0)
		err(1, "%s/expect/meminfo", f.dir);
	close(dir);
	expect = want.data;
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_meminfo, 0), expect, name);
	is_str(fixture_show(&f, view_meminfo, 0), expect,
		"the same from kept descriptors");
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_meminfo, 0), "HOST", "root cgroup");
	textbuf_deinit(&want);
	fixture_deinit(&f);
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

/* What is in the swap cache is in swap as well: free and htop subtract it from what is
 * used there. */
static void swap_is(struct fixture *f, uint64_t total, uint64_t free, uint64_t cached,
	const char *what)
{
	const char *text = show(f, "/ct");

	if (!ok(value(text, "SwapTotal:") == total && value(text, "SwapFree:") == free &&
			    value(text, "SwapCached:") == cached,
		    "swap cache: %s", what))
		printf("# got\n%s", text);
}

static const char swap_meminfo[] = "MemTotal:        1000000 kB\n"
				   "SwapCached:         4321 kB\n"
				   "SwapTotal:        500000 kB\n"
				   "SwapFree:         400000 kB\n";

static void test_swapcached(void)
{
	struct fixture f;

	plain_v1(&f);
	fixture_write(&f, "proc/meminfo", swap_meminfo);
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"swapcached 1\nswap 1\nhierarchical_memory_limit 209715200\n"
		"hierarchical_memsw_limit 314572800\ntotal_swapcached 22020096\n"
		"total_swap 131072\n");
	swap_is(&f, 307200, 285568, 21504, "v1, which does not count the swap cache");
	fixture_write(&f, "cgroup/memory/ct/memory.swappiness", "0\n");
	swap_is(&f, 21632, 0, 21504, "v1, swappiness 0");
	fixture_write(&f, "proc/meminfo",
		"MemTotal: 1000000 kB\nSwapCached: 1 kB\nSwapTotal: 10240 kB\n"
		"SwapFree: 1 kB\n");
	swap_is(&f, 10240, 0, 10240, "v1, more than the host has");
	f.policy.no_swap = true;
	swap_is(&f, 0, 0, 0, "v1, --disable-swap");
	fixture_deinit(&f);

	plain_v2(&f);
	fixture_write(&f, "proc/meminfo", swap_meminfo);
	fixture_write(&f, "cgroup/ct/memory.stat", "swapcached 8388608\n");
	swap_is(&f, 20480, 10240, 8192, "v2, which counts it");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "4194304\n");
	swap_is(&f, 4096, 0, 4096, "v2, a limit below it");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "0\n");
	swap_is(&f, 0, 0, 0, "v2, a limit of 0");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "max\n");
	f.policy.no_swap = true;
	swap_is(&f, 0, 0, 0, "v2, --disable-swap");
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
		"MemFree:            3000 kB\n"
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
	ok(!strncmp(text, "MemTotal:         102400 kB\nMemFree:            3000 kB\n",
		   56),
		"columns do not follow the host's longer numbers");
	fixture_deinit(&f);
}

/* MemFree is what the limit leaves, and at most what the host has available. */
static void test_free(void)
{
	struct fixture f;
	const char *text;

	plain_v2(&f);
	fixture_write(&f, "cgroup/ct/memory.max", "max\n");
	text = show(&f, "/ct");
	/* 1000000 - 102400 = 897600 are not used by the container. */
	ok(value(text, "MemFree:") == 700000 && value(text, "MemAvailable:") == 700000,
		"v2 without a limit: no more is free than the host has available");
	fixture_write(&f, "proc/meminfo",
		"MemTotal:        1000000 kB\nMemFree:           50000 kB\n"
		"MemAvailable:         0 kB\n");
	text = show(&f, "/ct");
	ok(value(text, "MemFree:") == 0 && value(text, "MemAvailable:") == 0,
		"v2 on a host that has nothing available");
	fixture_write(&f, "proc/meminfo",
		"MemTotal:        1000000 kB\nMemFree:           50000 kB\n");
	is_u64(value(show(&f, "/ct"), "MemFree:"), 897600,
		"v2 on a host that does not tell what is available");
	fixture_deinit(&f);

	plain_v1(&f);
	fixture_write(
		&f, "cgroup/memory/ct/memory.limit_in_bytes", "9223372036854771712\n");
	fixture_write(&f, "cgroup/memory/ct/memory.stat", "total_cache 4096\n");
	text = show(&f, "/ct");
	ok(value(text, "MemFree:") == 700000 && value(text, "MemAvailable:") == 700000,
		"v1 without a limit");
	fixture_write(&f, "cgroup/memory/ct/memory.limit_in_bytes", "838860800\n");
	text = show(&f, "/ct");
	/* 819200 - 102400 */
	ok(value(text, "MemFree:") == 700000 && value(text, "MemAvailable:") == 700000,
		"v1 with a limit that leaves more than the host has");
	fixture_deinit(&f);
}

int main(void)
{
	captured("5.10-v2"); /* written, not captured */
	captured("6.1-v2");
	captured("6.1-v1");
	captured("6.12-v2");
	captured("6.18-hybrid");
	captured(
		"6.12-v1"); /* Debian's 6.12 has no memory controller of v1: the host's */
	test_synthetic_v2();
	test_synthetic_v1();
	test_swapcached();
	test_hybrid();
	test_ancestors();
	test_free();
	test_saturation();
	return tap_done();
}

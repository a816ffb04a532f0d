/*
 * meminfo where files cannot be read or vanish, and with huge pages.
 */
#include "t/unit/meminfo.h"

static void test_unreadable(void)
{
	/* The reverse of the order in which they are read. */
	static const struct {
		const char *file;
		uint64_t total, free, cached, swap, swap_free;
	} vanish[] = {
		{"memory.swap.max", 204800, 102400, 30720, 500000, 489760},
		{"memory.swap.current", 204800, 102400, 30720, 0, 0},
		{"memory.max", 1000000, 700000, 30720, 0, 0},
		{"memory.stat", 1000000, 700000, 0, 0, 0},
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
static void start_huge(struct fixture *f)
{
	char text[512];

	start(f, "memory hugetlb\n");
	snprintf(text, sizeof(text), "MemTotal:        1000000 kB\n%s", host_huge);
	fixture_write(f, "proc/meminfo", text);
}

static void test_huge(void)
{
	struct fixture f;
	char text[512];

	start_huge(&f);
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

static void huge_pool(struct fixture *f, const char *kb, const char *pages)
{
	char path[128];

	snprintf(path, sizeof(path),
		"sys/kernel/mm/hugepages/hugepages-%skB/nr_hugepages", kb);
	fixture_write(f, path, pages);
}

/* Hosts of arm64 have four sizes, and the controller has files for each of them. */
static void test_huge_sizes(void)
{
	struct fixture f;

	start_huge(&f);
	fixture_write(&f, "sys/devices/system/cpu/online", "0\n");
	fixture_write(&f, "cgroup/ct/memory.current", "0\n");
	huge_files(&f, "ct/hugetlb.64KB.max", "max\n", "0\n");
	huge_files(&f, "ct/hugetlb.2MB.max", "0\n", "0\n");
	huge_files(&f, "ct/hugetlb.32MB.max", "max\n", "0\n");
	huge_files(&f, "ct/hugetlb.1GB.max", "1073741824\n", "0\n");
	is_u64(value(show(&f, "/ct"), "Hugetlb:"), 3145728,
		"no telling which of the others the host has pages of");
	huge_pool(&f, "64", "0\n");
	huge_pool(&f, "2048", "16\n");
	huge_pool(&f, "32768", "0\n");
	huge_pool(&f, "1048576", "3\n");
	is_u64(value(show(&f, "/ct"), "Hugetlb:"), 1048576,
		"sizes without pages count nothing");
	huge_pool(&f, "32768", "2\n");
	huge_pool(&f, "1048576", "junk\n");
	is_u64(value(show(&f, "/ct"), "Hugetlb:"), 65536 + 1048576,
		"and others what they have");
	huge_pool(&f, "1048576", "18446744073709551615\n");
	is_u64(value(show(&f, "/ct"), "Hugetlb:"), 65536 + 1048576,
		"no pool has more than all");
	fixture_deinit(&f);
}

int main(void)
{
	test_unreadable();
	test_huge();
	test_huge_sizes();
	return tap_done();
}

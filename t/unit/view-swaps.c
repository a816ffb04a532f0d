/*
 * swaps, and that it says what meminfo says.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#define HEADING "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define NONE "none                                    virtual\t\t"

static const char host_meminfo[] = "MemTotal:       50000000 kB\n"
				   "SwapTotal:      20000000 kB\n"
				   "SwapFree:       15000000 kB\n";

static void start(struct fixture *f, const char *controllers)
{
	fixture_new(f);
	fixture_write(f, "proc/meminfo", host_meminfo);
	fixture_write(f, "proc/swaps",
		HEADING "/dev/sda2   partition\t20000000\t5000000\t\t-2\n");
	if (controllers)
		fixture_write(f, "cgroup/cgroup.controllers", controllers);
}

static const char *show(struct fixture *f, const char *cgroup)
{
	if (!f->files)
		fixture_load(f);
	fixture_container(f, cgroup, 0);
	return fixture_show(f, view_swaps, 0);
}

/* Size and Used must be meminfo's SwapTotal and SwapTotal - SwapFree. */
static void agree(struct fixture *f, const char *what)
{
	static const char *const keys[] = {"SwapTotal:", "SwapFree:"};
	uint64_t figures[2] = {0}, size = 0, used = 0;
	const char *text = strchr(fixture_show(f, view_swaps, 0), '\n') + 1;
	struct slice line, word;

	if (procfile_line(&text, &line)) {
		slice_word(&line, &word);
		slice_word(&line, &word);
		ok(slice_word(&line, &word) && slice_u64(word, &size) &&
				slice_word(&line, &word) && slice_u64(word, &used),
			"%s: the line has numbers", what);
	}
	procfile_keyed(fixture_show(f, view_meminfo, 0), keys, 2, figures);
	ok(size == figures[0] && used == figures[0] - figures[1],
		"%s: agrees with meminfo", what);
}

static void captured(const char *name, const char *expect)
{
	struct fixture f;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_swaps, 0), expect, name);
	agree(&f, name);
	f.policy.no_swap = true;
	is_str(fixture_show(&f, view_swaps, 0), HEADING, "--disable-swap");
	agree(&f, name);
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_swaps, 0), "HOST", "root cgroup");
	fixture_deinit(&f);
}

static void test_v2(void)
{
	struct fixture f;

	start(&f, "memory\n");
	fixture_write(&f, "cgroup/a/memory.current", "1048576\n");
	fixture_write(&f, "cgroup/a/memory.swap.max", "12288000000\n");
	fixture_write(&f, "cgroup/a/memory.swap.current", "4096000\n");
	fixture_write(&f, "cgroup/a/ct/memory.current", "1048576\n");
	fixture_write(&f, "cgroup/a/ct/memory.max", "max\n");
	fixture_write(&f, "cgroup/a/ct/memory.swap.max", "max\n");
	fixture_write(&f, "cgroup/a/ct/memory.swap.current", "2048000\n");
	fixture_write(&f, "cgroup/a/ct/memory.stat", "swap 1\n");
	is_str(show(&f, "/a/ct"), HEADING NONE "12000000\t2000\t\t0\n",
		"an ancestor's limit; one tab behind eight digits, two behind fewer");
	is_int(cgfiles_held(f.files), 5, "v2: memory.stat is not read");
	agree(&f, "v2");
	is_str(show(&f, "/a/none"), HEADING NONE "12000000\t4000\t\t0\n",
		"controller not enabled here: the nearest that has it");
	fixture_write(&f, "cgroup/a/ct/memory.swap.current", "18446744073709551615\n");
	is_str(show(&f, "/a/ct"), HEADING NONE "12000000\t12000000\t0\n",
		"usage above the limit");
	agree(&f, "usage above the limit");
	fixture_write(&f, "cgroup/a/ct/memory.swap.max", "0\n");
	is_str(show(&f, "/a/ct"), HEADING, "a limit of 0: no line");
	fixture_write(&f, "cgroup/a/memory.swap.max", "garbage\n");
	fixture_write(&f, "cgroup/a/ct/memory.swap.max", "");
	is_str(show(&f, "/a/ct"), HEADING NONE "20000000\t20000000\t0\n",
		"unreadable limits");
	fixture_remove(&f, "cgroup/a/ct/memory.swap.current");
	is_str(show(&f, "/a/ct"), HEADING, "no swap accounting");
	agree(&f, "no swap accounting");
	fixture_remove(&f, "cgroup/a/ct");
	is_str(show(&f, "/a/ct"), HEADING NONE "20000000\t4000\t\t0\n",
		"vanished: its parent's");
	fixture_remove(&f, "cgroup/a");
	is_str(show(&f, "/a/ct"), "HOST", "vanished altogether");
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	start(&f, NULL);
	fixture_write(&f, "cgroup/memory/ct/memory.usage_in_bytes", "1048576\n");
	fixture_write(&f, "cgroup/memory/ct/memory.limit_in_bytes", "104857600\n");
	fixture_write(&f, "cgroup/memory/ct/memory.memsw.limit_in_bytes", "1024000000\n");
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"swap 99\nhierarchical_memsw_limit 512000000\ntotal_swap 102400\n");
	fixture_write(&f, "cgroup/unified/ct/memory.swap.current", "1\n");
	is_str(show(&f, "/ct"), HEADING NONE "500000\t\t100\t\t0\n",
		"v1 of a hybrid host: memsw limit and total_swap");
	agree(&f, "v1");
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"hierarchical_memsw_limit 512000000\ntotal_swapcached 22020096\n"
		"total_swap 131072\n");
	is_str(show(&f, "/ct"), HEADING NONE "500000\t\t21632\t\t0\n",
		"what is in the swap cache is in swap, too");
	agree(&f, "swap cache");
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"hierarchical_memsw_limit 512000000\ntotal_swap 102400\n");
	fixture_write(&f, "cgroup/memory/ct/memory.swappiness", "0\n");
	is_str(show(&f, "/ct"), HEADING NONE "100\t\t100\t\t0\n", "swappiness 0");
	agree(&f, "swappiness 0");
	fixture_write(&f, "cgroup/memory/ct/memory.stat",
		"hierarchical_memsw_limit 512000000\n");
	is_str(show(&f, "/ct"), HEADING, "swappiness 0 and nothing swapped");
	fixture_deinit(&f);
}

static void test_host(void)
{
	struct fixture f;

	start(&f, "memory\n");
	fixture_write(&f, "cgroup/ct/memory.current", "1048576\n");
	fixture_write(&f, "cgroup/ct/memory.swap.current", "1024\n");
	fixture_write(&f, "cgroup/ct/memory.swap.max", "2048\n");
	fixture_write(&f, "proc/swaps", "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n");
	is_str(show(&f, "/ct"),
		"Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n" NONE "2\t1\t0\n",
		"the columns of kernels before 5.10");
	fixture_write(&f, "proc/swaps", "");
	is_str(show(&f, "/ct"), HEADING NONE "2\t\t1\t\t0\n",
		"an empty file on the host");
	fixture_write(&f, "proc/meminfo", "MemTotal:       50000000 kB\n");
	is_str(show(&f, "/ct"), HEADING, "a host without swap");
	agree(&f, "a host without swap");
	fixture_deinit(&f);
	start(&f, "cpu\n");
	is_str(show(&f, "/ct"), "HOST", "no memory controller");
	fixture_deinit(&f);
}

int main(void)
{
	captured("5.10-v2", HEADING NONE "65536\t\t8192\t\t0\n");
	captured("6.1-v2", HEADING NONE "65536\t\t34560\t\t0\n");
	captured("6.1-v1", HEADING NONE "131068\t\t12196\t\t0\n");
	captured("6.12-v2", HEADING NONE "65536\t\t13244\t\t0\n");
	captured("6.18-hybrid", HEADING);
	test_v2();
	test_v1();
	test_host();
	return tap_done();
}

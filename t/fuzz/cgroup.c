/*
 * Files of cgroups, /proc/PID/cgroup and CPU lists; the first byte says which parser.
 */
#include "nsutil/cgroup.h"
#include "nsutil/cpuset.h"
#include "t/fuzz/fuzz.h"

static void fuzz_quota(const char *text)
{
	struct cg_quota quota = {.period_us = 100000};

	CHECK(cg_parse_quota(text, &quota) < 0 || quota.period_us);
}

static void fuzz_usage_all(const char *text)
{
	const char *cursor = text;
	uint64_t user, system;
	unsigned cpu;

	while (cg_usage_all_next(&cursor, &cpu, &user, &system)) {
		CHECK(cursor > text);
		text = cursor;
	}
}

static void fuzz_stat(const char *text)
{
	uint64_t memory[CG_MEMSTATS] = {0}, cpu[CG_CPUSTATS] = {0};

	CHECK(cg_parse_memstat(&cg_v1, text, memory) >> CG_MEMSTATS == 0);
	CHECK(cg_parse_memstat(&cg_v2, text, memory) >> CG_MEMSTATS == 0);
	CHECK(cg_parse_cpustat(&cg_v1, text, cpu) >> CG_CPUSTATS == 0);
	CHECK(cg_parse_cpustat(&cg_v2, text, cpu) >> CG_CPUSTATS == 0);
}

/* The first line is what the mount shows; the rest is /proc/PID/cgroup. */
static void fuzz_path(const char *text)
{
	char *copy = strdup(text), *rest = copy;
	char *root = strsep(&rest, "\n");
	struct cg_layout layout;
	struct slice path;

	CHECK(copy);
	cg_layout_init(&layout);
	CHECK(cg_layout_add(&layout, -1, root, "cpu,cpuacct", &cg_v1, "cpu,cpuacct") == 0);
	CHECK(cg_layout_add(&layout, -1, root, "", &cg_v2, "memory io") == 0);
	for (int i = 0; rest && i < layout.count; i++) {
		if (!cg_path_of(&layout, i, rest, &path))
			continue;
		CHECK(path.p >= rest && path.p + path.len <= rest + strlen(rest));
		CHECK(!memchr(path.p, '\n', path.len));
	}
	cg_layout_deinit(&layout);
	free(copy);
}

/* What was read and written again reads the same. */
static void fuzz_cpuset(const char *text)
{
	static struct cpuset set, again;
	static char list[CPUSET_MAX * 5];
	int cpu = -1;
	unsigned n = 0;

	if (cpuset_parse(&set, text) < 0) {
		CHECK(!cpuset_count(&set));
		return;
	}
	while ((cpu = cpuset_next(&set, (unsigned)(cpu + 1))) >= 0)
		n += cpuset_has(&set, (unsigned)cpu);
	CHECK(n == cpuset_count(&set));
	CHECK(cpuset_format(&set, list, sizeof(list)) < sizeof(list));
	CHECK(cpuset_parse(&again, list) == 0 && !memcmp(&set, &again, sizeof(set)));
	cpuset_truncate(&again, n / 2);
	CHECK(cpuset_count(&again) == n / 2);
	cpuset_and(&again, &set);
	CHECK(cpuset_count(&again) == n / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *) = {
		fuzz_quota, fuzz_usage_all, fuzz_stat, fuzz_path, fuzz_cpuset};
	const size_t count = sizeof(parsers) / sizeof(parsers[0]);
	char *text;

	if (!size)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	parsers[(size_t)data[0] % count](text);
	free(text);
	return 0;
}

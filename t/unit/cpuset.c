/*
 * nsutil/cpuset: the kernel's list format both ways, and the set operations at word
 * borders.
 */
#include "nsutil/cpuset.h"

#include "t/unit/tap.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *text;
	const char *canonical; /* NULL: refused */
	unsigned count;
} lists[] = {
	{"", "", 0},
	{"\n", "", 0},
	{"0", "0", 1},
	{"0\n", "0", 1},
	{"0-3\n", "0-3", 4},
	{"0,1,2,3", "0-3", 4},
	{"3,1,2,0", "0-3", 4},
	{"0-3,8", "0-3,8", 5},
	{"0-3,2-5", "0-5", 6},
	{"63-64", "63-64", 2},
	{"0-31,64-95,128\n", "0-31,64-95,128", 65},
	{"8191", "8191", 1},
	{"0-8191", "0-8191", 8192},
	{"0-7:1/2", "0,2,4,6", 4},
	{"0-7:2/4\n", "0-1,4-5", 4},
	{"0,\n", "0", 1},
	{"8192", NULL, 0},
	{"0-8192", NULL, 0},
	{"99999999999999999999", NULL, 0},
	{"3-1", NULL, 0},
	{"-1", NULL, 0},
	{"1-", NULL, 0},
	{"a", NULL, 0},
	{"0-3x", NULL, 0},
	{"0 1", NULL, 0},
	{"0-7:1", NULL, 0},
	{"0-7:1/0", NULL, 0},
	{"0-7:3/2", NULL, 0},
	{",", NULL, 0},
	{"1,,2", NULL, 0},
	{" 0", NULL, 0},
};

static void test_lists(void)
{
	struct cpuset set;
	char text[256];

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int r = cpuset_parse(&set, lists[i].text);
		const char *want = lists[i].canonical;

		if (!want) {
			ok(r == -EINVAL && cpuset_count(&set) == 0, "list %u is refused",
				i);
			continue;
		}
		cpuset_format(&set, text, sizeof(text));
		ok(r == 0 && !strcmp(text, want) && cpuset_count(&set) == lists[i].count,
			"list %u reads as \"%s\"", i, want);
	}
}

static void test_next(void)
{
	struct cpuset set;

	cpuset_parse(&set, "1,63-64,127,8191");
	is_int(cpuset_next(&set, 0), 1, "the first");
	is_int(cpuset_next(&set, 1), 1, "from a member is that member");
	is_int(cpuset_next(&set, 2), 63, "the last bit of a word");
	is_int(cpuset_next(&set, 64), 64, "the first bit of a word");
	is_int(cpuset_next(&set, 65), 127, "across nothing");
	is_int(cpuset_next(&set, 128), 8191, "the very last");
	is_int(cpuset_next(&set, 8192), -1, "beyond the end");
	ok(!cpuset_has(&set, 8192) && !cpuset_has(&set, UINT32_MAX),
		"none above the most");
	cpuset_add(&set, 8192);
	is_u64(cpuset_count(&set), 5, "adding one above the most does nothing");
}

static void test_operations(void)
{
	struct cpuset a, b;
	char text[64];

	cpuset_parse(&a, "0-9,60-70,8000");
	cpuset_parse(&b, "5-65,8000-8191");
	cpuset_and(&a, &b);
	cpuset_format(&a, text, sizeof(text));
	is_str(text, "5-9,60-65,8000", "intersection");
	cpuset_truncate(&a, 8);
	cpuset_format(&a, text, sizeof(text));
	is_str(text, "5-9,60-62", "the lowest eight");
	cpuset_truncate(&a, 100);
	is_u64(cpuset_count(&a), 8, "truncating to more changes nothing");
	cpuset_truncate(&a, 0);
	is_int(cpuset_next(&a, 0), -1, "truncating to none");
}

static void test_format(void)
{
	static char text[CPUSET_MAX * 5];
	struct cpuset set = {0};
	char small[6];

	for (unsigned cpu = 0; cpu < CPUSET_MAX; cpu += 2)
		cpuset_add(&set, cpu);
	/* 5 of one digit, 45 of two, 450 of three, 3596 of four, and 4095 commas. */
	is_u64(cpuset_format(&set, text, sizeof(text)), 5 + 90 + 1350 + 14384 + 4095,
		"length of the longest list");
	is_u64(strlen(text), 19924, "and all of it is there");
	cpuset_parse(&set, "0-3,8");
	is_u64(cpuset_format(&set, small, sizeof(small)), 5, "a buffer that just fits");
	is_str(small, "0-3,8", "holds it all");
	is_u64(cpuset_format(&set, small, 5), 5, "one too small tells what it needs");
	is_str(small, "0-3", "and holds whole ranges");
	is_u64(cpuset_format(&set, NULL, 0), 5, "no buffer at all");
}

int main(void)
{
	test_lists();
	test_next();
	test_operations();
	test_format();
	return tap_done();
}

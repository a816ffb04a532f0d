/*
 * uptime and stat in a time namespace: uptime and btime are moved as the kernel moves
 * them, and ages by nothing.
 */
#include "t/unit/fixture.h"

#include "t/unit/tap.h"

#include <stdio.h>

#define S UINT64_C(1000000000)

/* A container of 10.129999999 s on four CPUs, which has used 3.456789 s of them. */
static void start(struct fixture *f)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", "0-3\n");
	fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu\n");
	fixture_write(f, "cgroup/cpuset.cpus.effective", "0-3\n");
	fixture_write(f, "cgroup/cpu.stat", "usage_usec 1\n");
	fixture_write(f, "cgroup/ct/cpu.stat",
		"usage_usec 3456789\nuser_usec 2000000\nsystem_usec 1456789\n");
	fixture_write(f, "proc/uptime", "400.01 1599.99\n");
	fixture_write(f, "proc/stat",
		"cpu  1 2 3 4\nintr 7 3 4\nbtime 1700000000\nprocs_running 5\n");
	fixture_load(f);
	fixture_container(f, "/ct", 100 * S);
	f->host.hz = 100;
	f->subject.now_ns = 110 * S + 129999999;
}

static void is_uptime(struct fixture *f, const char *want, const char *what)
{
	is_str(fixture_show(f, view_uptime, 0), want, what);
}

/* What the kernel says in a namespace that adds so much to CLOCK_BOOTTIME. */
static void look_again(struct fixture *f, const char *offset)
{
	char text[128];

	snprintf(text, sizeof(text), "monotonic         -50         0\nboottime %s\n",
		offset);
	fixture_write(f, "proc/77/timens_offsets", text);
	f->ct->boot_ns = 0;
}

static void test_time_namespace(void)
{
	struct fixture f;

	start(&f);
	is_uptime(&f, "10.12 37.06\n", "no init in our sight: its age");
	f.ct->init = 77;
	is_uptime(&f, "10.12 37.06\n", "a kernel without time namespaces");
	look_again(&f, "    0         0");
	is_uptime(&f, "10.12 37.06\n", "no offset: its age");
	look_again(&f, "    86400         0");
	is_uptime(&f, "86510.12 37.06\n", "a day more: 110.129999999 s and the offset");
	look_again(&f, "    -100         0");
	is_uptime(&f, "10.12 37.06\n", "the host's uptime less, which was 100 s then");
	/* -104.6 s is -105 s and 0.4 s. */
	look_again(&f, "    -105         400000000");
	is_uptime(&f, "5.52 37.06\n", "part of a second");
	look_again(&f, "    -111         0");
	is_uptime(&f, "0.00 37.06\n", "a moment before that namespace's boot");
	f.host.boot_offset = 86400 * (int64_t)S;
	look_again(&f, "    86400         0");
	is_uptime(&f, "10.12 37.06\n", "the daemon's own time namespace is none");
	look_again(&f, "    0         0");
	f.subject.now_ns = 86510 * S;
	f.ct->start_ns = 86500 * S;
	is_uptime(&f, "110.00 36.54\n", "the daemon is in one, and the container is not");
	fixture_deinit(&f);
}

static void test_bad_offsets(void)
{
	static const char *const bad[] = {"", "x 0", "1", "1 x", "1 1000000000", "- 0",
		"18446744073709551615 0", "4611686018 0", "-4611686018 0"};
	struct fixture f;
	char what[64];

	start(&f);
	f.ct->init = 77;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		look_again(&f, bad[i]);
		snprintf(what, sizeof(what), "an offset of \"%s\" is ignored", bad[i]);
		is_uptime(&f, "10.12 37.06\n", what);
	}
	fixture_write(&f, "proc/77/timens_offsets", "monotonic 5 0\n");
	f.ct->boot_ns = 0;
	is_uptime(&f, "10.12 37.06\n", "no boottime");
	look_again(&f, "4611686017 999999999");
	is_uptime(&f, "4611686128.12 37.06\n", "the most that the kernel takes");
	fixture_deinit(&f);
}

/* A runtime can enter the time namespace when somebody has read already. */
static void test_late(void)
{
	const char *const file = "proc/77/timens_offsets";
	struct fixture f;

	start(&f);
	f.ct->init = 77;
	fixture_write(&f, file, "boottime 0 0\n");
	is_uptime(&f, "10.12 37.06\n", "before init enters it");
	fixture_write(&f, file, "boottime 1000 0\n");
	f.subject.now_ns += 600000000; /* age 10.13 s, of which a sixteenth is 0.63 s */
	is_uptime(&f, "10.72 39.46\n", "the offset is not read again at once");
	f.subject.now_ns += 100000000;
	is_uptime(&f, "1110.82 39.86\n", "the offset is read again");
	fixture_write(&f, file, "boottime 2000 0\n");
	f.subject.now_ns += 1000000000;
	is_uptime(&f, "2111.82 43.86\n", "a second later it is");
	fixture_remove(&f, file);
	f.subject.now_ns += 1000000000;
	is_uptime(&f, "2112.82 47.86\n", "the init is gone: the last offset stays");
	f.ct->start_ns = f.subject.now_ns - 10 * S;
	fixture_write(&f, file, "boottime 3000 0\n");
	f.ct->boot_ns = f.ct->start_ns;
	is_uptime(&f, "3112.82 36.54\n", "a look at an age of nothing lasts for no time");
	fixture_deinit(&f);
}

/* What btime says with that offset; the host's is 1700000000, and a fraction that only
 * the clocks know. */
static const char *btime_at(struct fixture *f, const char *offset)
{
	static char line[64];
	const char *at;

	f->ct->init = 77;
	look_again(f, offset);
	at = strstr(fixture_show(f, view_stat, 0), "btime ");
	snprintf(line, sizeof(line), "%.*s", at ? (int)strcspn(at, "\n") : 4,
		at ? at : "none");
	return line;
}

static void test_btime(void)
{
	struct fixture f;
	const char *got;

	start(&f);
	is_str(btime_at(&f, "86400 0"), "btime 1699913600", "a day earlier");
	is_str(btime_at(&f, "-1000 0"), "btime 1700001000", "later");
	/* Whatever the fraction: 1700000000.f - 0.000000001 rounded down, f above 0. */
	is_str(btime_at(&f, "0 1"), "btime 1700000000", "a nanosecond earlier");
	is_str(btime_at(&f, "-1 1"), "btime 1700000001", "a second less that later");
	is_str(btime_at(&f, "0 999999999"), "btime 1699999999",
		"almost a second earlier");
	got = btime_at(&f, "-10 500000000");
	ok(!strcmp(got, "btime 1700000009") || !strcmp(got, "btime 1700000010"),
		"9.5 s later: %s", got);
	fixture_container(&f, "/", 100 * S);
	f.subject.now_ns = 110 * S;
	btime_at(&f, "86400 0");
	is_str(fixture_show(&f, view_stat, 0),
		"cpu  1 2 3 4\nintr 7 3 4\nbtime 1699913600\nprocs_running 5\n",
		"root cgroup in a time namespace: the host's file but for btime");
	btime_at(&f, "0 0");
	is_str(fixture_show(&f, view_stat, 0), "HOST", "root cgroup, no offset");
	fixture_deinit(&f);
}

int main(void)
{
	test_time_namespace();
	test_bad_offsets();
	test_late();
	test_btime();
	return tap_done();
}

/*
 * loadavg: the text.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

static struct fixture f;

static const char *show(const struct load_counts *load)
{
	f.subject.load = load;
	return fixture_show(&f, view_loadavg, 0);
}

int main(void)
{
	struct load_counts load = {
		.running = 3, .blocked = 2, .total = 17, .last_pid = 4711};

	fixture_new(&f);
	fixture_write(&f, "proc/loadavg", "9.00 9.00 9.00 9/999 9999\n");
	fixture_write(&f, "cgroup/cgroup.controllers", "cpu");
	fixture_write(&f, "cgroup/ct/cgroup.threads", "");
	fixture_load(&f);
	fixture_container(&f, "/ct", 1000);

	is_str(show(NULL), "HOST", "nothing counted: the host's");
	is_str(show(&load), "0.00 0.00 0.00 3/17 4711\n", "all idle");
	/* 2048 is one. 1 + 10 = 11, 11 * 100 / 2048 = 0; 21 is the first that makes 0.01:
	 * (11 + 10) * 100 / 2048 = 1.02. */
	load.avg[0] = 10;
	load.avg[1] = 11;
	load.avg[2] = 2048;
	is_str(show(&load), "0.00 0.01 1.00 3/17 4711\n", "rounded to hundredths");
	/* 2037 + 10 = 2047: 2047 * 100 / 2048 = 99; one more is 1.00. */
	load.avg[0] = 2037;
	load.avg[1] = 2038;
	load.avg[2] = 3 * 2048 + 1024;
	is_str(show(&load), "0.99 1.00 3.50 3/17 4711\n", "just below one and at it");
	load = (struct load_counts){
		.running = 20000, .total = UINT64_C(1) << 22, .last_pid = 1};
	load.avg[0] = UINT64_C(20000) << 11;
	load.avg[1] = UINT64_C(1) << 43;
	load.avg[2] = 164;
	/* 164 + 10 = 174: 17400 / 2048 = 8.5 */
	is_str(show(&load), "20000.00 4294967296.00 0.08 20000/4194304 1\n",
		"large ones");
	fixture_deinit(&f);
	return tap_done();
}

/*
 * pressure: the file of the container's cgroup2, byte by byte.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <fcntl.h>

#define LINES(n)                                                                         \
	"some avg10=0.0" #n " avg60=0.00 avg300=0.00 total=" #n "\n"                     \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"

static const struct {
	enum cg_fact fact;
	const char *file;
} files[] = {
	{CGF_PRESSURE_CPU, "cpu.pressure"},
	{CGF_PRESSURE_IO, "io.pressure"},
	{CGF_PRESSURE_MEMORY, "memory.pressure"},
	{CGF_PRESSURE_IRQ, "irq.pressure"},
};

/* Each file of a captured tree is shown as it is; "HOST" where there is none. */
static void captured(const char *name, const char *mount, unsigned least)
{
	struct textbuf text = {0};
	struct fixture f;
	char path[512];
	unsigned there = 0;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 0);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		bool found;

		snprintf(path, sizeof(path), "%s/cgroup%s/ct/%s", f.dir, mount,
			files[i].file);
		found = procfile_read(AT_FDCWD, path, &text) == 0;
		there += found;
		is_str(fixture_show(&f, view_pressure, files[i].fact),
			found ? text.data : "HOST", path);
	}
	ok(there >= least, "%s: has %u pressure files", name, there);
	textbuf_deinit(&text);
	fixture_deinit(&f);
}

static void test_v2(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cgroup/cgroup.controllers", "\n");
	fixture_write(&f, "cgroup/cpu.pressure", LINES(1));
	fixture_write(&f, "cgroup/memory.pressure", LINES(2));
	fixture_write(&f, "cgroup/a/cpu.pressure", LINES(3));
	fixture_write(&f, "cgroup/a/ct/cpu.pressure", LINES(4));
	fixture_write(&f, "cgroup/a/ct/io.pressure", "new kernels may say more\n");
	fixture_load(&f);
	fixture_container(&f, "/a/ct", 0);
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_CPU), LINES(4),
		"the cgroup's own");
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_IO),
		"new kernels may say more\n", "as it is, whatever it says");
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_MEMORY), LINES(2),
		"switched off here: the nearest that has it");
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_IRQ), "HOST",
		"not in this kernel");
	fixture_write(&f, "cgroup/a/ct/cpu.pressure", "");
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_CPU), LINES(3),
		"an empty file");
	fixture_remove(&f, "cgroup/a");
	fixture_container(&f, "/a/ct", 0);
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_CPU), LINES(1), "vanished");
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_IO), "HOST",
		"vanished, no other");
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_pressure, CGF_PRESSURE_CPU), LINES(1),
		"the root cgroup");
	fixture_deinit(&f);
}

static void test_v1(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cgroup/cpu,cpuacct/ct/cpu.pressure", LINES(1));
	fixture_write(&f, "cgroup/memory/ct/memory.pressure", LINES(2));
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		is_str(fixture_show(&f, view_pressure, files[i].fact), "HOST",
			"v1 has none");
	fixture_deinit(&f);
}

int main(void)
{
	captured("5.10-v2", "", 3);
	captured("6.1-v2", "", 3);
	captured("6.12-v2", "", 3);
	captured("6.18-hybrid", "/unified", 3);
	captured("6.1-v1", "", 0);
	test_v2();
	test_v1();
	return tap_done();
}

/*
 * nsutil/helper: a file of the nearest directory upwards that has it, as pressure files
 * are read.
 */
#include "nsutil/helper.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <fcntl.h>

#define LINES(n)                                                                         \
	"some avg10=0.0" #n " avg60=0.00 avg300=0.00 total=" #n "\n"                     \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"

RAW_CHILD static int child(const void *arg)
{
	const struct helper_job *job = arg;

	return helper_follow(job) ? -helper_copy_nearest(job) : EIO;
}

/* What it reads, or the name of the error. */
static const char *nearest(const struct fixture *f, const char *path)
{
	static struct textbuf text;
	struct helper_job job = {.nsfd = -1};
	struct helper helper;
	char dir[sizeof(f->dir) + 16];
	int status;

	snprintf(dir, sizeof(dir), "%s/cgroup", f->dir);
	snprintf(job.path, sizeof(job.path), "%s", path);
	job.procfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (helper_start(&helper, child, &job) < 0)
		return "no helper";
	while (!helper_ended(&helper))
		usleep(1000);
	fd_close(job.procfd);
	status = helper.status;
	if (procfile_drain(helper.in, &text) < 0)
		status = -1;
	helper_deinit(&helper);
	if (status)
		return status == ENOENT ? "ENOENT" : "another error";
	/* The zero behind it says that it is whole. */
	return text.len == strlen(text.data) + 1 ? text.data : "not whole";
}

static void up(const char *path, const char *want)
{
	char buf[64];
	bool more;

	snprintf(buf, sizeof(buf), "%s", path);
	more = helper_path_up(buf);
	is_str(more ? buf : "none", want, path);
}

int main(void)
{
	struct fixture f;

	up("./a/b/c.d/cpu.pressure", "./a/b/cpu.pressure");
	up("./a/cpu.pressure", "./cpu.pressure");
	up("./cpu.pressure", "none");
	up("cpu.pressure", "none");

	fixture_new(&f);
	fixture_write(&f, "cgroup/cpu.pressure", LINES(1));
	fixture_write(&f, "cgroup/memory.pressure", LINES(2));
	fixture_write(&f, "cgroup/a/cpu.pressure", LINES(3));
	fixture_write(&f, "cgroup/a/ct/cpu.pressure", LINES(4));
	fixture_write(&f, "cgroup/a/ct/io.pressure", "new kernels may say more\n");
	is_str(nearest(&f, "./a/ct/cpu.pressure"), LINES(4), "the cgroup's own");
	is_str(nearest(&f, "./a/ct/io.pressure"), "new kernels may say more\n",
		"as it is, whatever it says");
	is_str(nearest(&f, "./a/ct/memory.pressure"), LINES(2),
		"switched off here: the nearest that has it");
	is_str(nearest(&f, "./a/ct/irq.pressure"), "ENOENT", "not in this kernel");
	fixture_remove(&f, "cgroup/a");
	is_str(nearest(&f, "./a/ct/cpu.pressure"), LINES(1), "vanished");
	is_str(nearest(&f, "./a/ct/io.pressure"), "ENOENT", "vanished, no other");
	is_str(nearest(&f, "./cpu.pressure"), LINES(1), "the root cgroup");
	fixture_deinit(&f);
	return tap_done();
}

/*
 * daemon/walks with a real loop, on trees of plain files: on the loop, in helpers, and
 * with a helper that hangs (a fifo nobody writes to stands in for a file that sleeps).
 */
#include "daemon/walks.h"

#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { JOBS = 100 };

static struct fixture f;
static struct loop *loop;
static struct walks *walks;
static struct loop_timer *timer;

static struct {
	unsigned count, given, ended, leave_at;
	bool helper;
	const char *dir[JOBS];
	bool due[JOBS];
	int end[JOBS]; /* -1: none yet */
	unsigned calls[JOBS];
	struct taskwalk_counts counts[JOBS];
} jobs;

static int open_in(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", f.dir, path);
	return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool next(void *arg, bool helper, struct walk_job *job)
{
	(void)arg;
	if (helper && !jobs.helper)
		return false;
	for (unsigned i = 0; i < jobs.count; i++) {
		if (!jobs.due[i])
			continue;
		jobs.due[i] = false;
		jobs.given++;
		*job = (struct walk_job){.id = i + 1,
			.dirfd = open_in(jobs.dir[i]),
			.helper = jobs.helper,
			.level = 0};
		return true;
	}
	return false;
}

static void done(
	void *arg, uint64_t id, enum walk_end end, const struct taskwalk_counts *counts)
{
	unsigned i = (unsigned)id - 1;

	(void)arg;
	jobs.end[i] = (int)end;
	jobs.calls[i]++;
	if (end == WALK_COUNTED)
		jobs.counts[i] = *counts;
	if (++jobs.ended == jobs.leave_at)
		loop_stop(loop);
}

static void on_timeout(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void begin(bool helper, double seconds)
{
	struct walks_user user = {next, done, NULL, seconds};

	fixture_new(&f);
	fixture_write(&f, "proc/loadavg", "0 0 0 1/2 9\n");
	fixture_write(&f, "proc/7/status", "State:\tR (running)\nNSpid:\t7\n");
	fixture_write(&f, "proc/8/status", "State:\tS (sleeping)\nNSpid:\t8\n");
	fixture_write(&f, "cgroup/two/cgroup.threads", "7\n8\n");
	fixture_write(&f, "cgroup/two/tasks", "7\n8\n");
	fixture_write(&f, "cgroup/one/tasks", "7\n");
	fixture_load(&f);
	memset(&jobs, 0, sizeof(jobs));
	jobs.helper = helper;
	if (loop_new(&loop) < 0 || walks_new(&walks, loop, f.host.proc, -1, &user) < 0 ||
		loop_timer_new(loop, &timer, on_timeout, NULL) < 0)
		errx(1, "setup");
}

static void end(void)
{
	walks_free(walks);
	loop_timer_free(timer);
	loop_free(loop);
	fixture_deinit(&f);
}

static void add(const char *dir)
{
	jobs.dir[jobs.count] = dir;
	jobs.due[jobs.count] = true;
	jobs.end[jobs.count++] = -1;
}

/* Until `ended` jobs have ended, or for a long time. */
static void run(unsigned ended)
{
	jobs.leave_at = ended;
	loop_timer_start(timer, 60);
	walks_fill(walks);
	if (jobs.ended < ended)
		loop_run(loop);
}

static bool no_child(void)
{
	/* What was killed becomes a zombie in its own time. */
	for (int i = 0; i < 5000; i++) {
		if (waitpid(-1, NULL, WNOHANG) < 0)
			return true;
		usleep(1000);
	}
	return false;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_all(bool helper, const char *where)
{
	unsigned before, good = 0;

	begin(helper, 60);
	before = open_descriptors();
	for (int i = 0; i < JOBS; i++)
		add(i == 50 ? "cgroup/gone" : "cgroup/two");
	run(JOBS);
	for (int i = 0; i < JOBS; i++)
		good += jobs.end[i] == WALK_COUNTED && jobs.calls[i] == 1 &&
			jobs.counts[i].running == (i != 50) &&
			jobs.counts[i].total == (i == 50 ? 0 : 2);
	is_u64(good, JOBS, where);
	if (helper) {
		/* The last helper is still to be reaped. */
		loop_timer_start(timer, 0.5);
		loop_run(loop);
	}
	is_u64(open_descriptors(), before, "nothing stays open");
	ok(waitpid(-1, NULL, WNOHANG) < 0, "no child is left");
	end();
}

static void test_hurry(void)
{
	begin(false, 60);
	add("cgroup/two");
	walks_fill(walks);
	is_int(jobs.end[0], -1, "taken up and not ended at once");
	/* One slice is enough, unless the machine is busy. */
	for (int i = 0; i < 1000 && jobs.end[0] < 0; i++) {
		walks_hurry(walks, 1);
		usleep(1000);
	}
	is_int(jobs.end[0], WALK_COUNTED, "a small one ends without the loop");
	is_u64(jobs.counts[0].total, 2, "with its count");
	add("cgroup/two");
	walks_fill(walks);
	walks_hurry(walks, 1);
	is_u64(jobs.calls[0], 1, "a hurry for what is not there is nothing");
	run(2);
	is_int(jobs.end[1], WALK_COUNTED, "the other ends in its turn");
	end();
}

static void test_stuck(void)
{
	char path[512];

	begin(true, 3);
	fixture_write(&f, "cgroup/fifo/x", "");
	snprintf(path, sizeof(path), "%s/cgroup/fifo/tasks", f.dir);
	if (mkfifo(path, 0600) < 0)
		err(1, "mkfifo");
	add("cgroup/one");
	add("cgroup/fifo");
	add("cgroup/two");
	run(3);
	is_int(jobs.end[0], WALK_COUNTED, "the one before it is counted");
	is_int(jobs.end[1], WALK_STUCK, "the one that hangs is stuck");
	is_int(jobs.end[2], WALK_AGAIN, "the one behind it is to be given again");
	jobs.due[2] = true;
	run(4);
	is_int(jobs.end[2], WALK_COUNTED, "and is counted then");
	ok(jobs.calls[0] == 1 && jobs.calls[1] == 1 && jobs.calls[2] == 2,
		"one end each");
	end();
	ok(no_child(), "no child is left");
}

static void allow_descriptors(void *arg)
{
	struct rlimit *limit = arg;

	setrlimit(RLIMIT_NOFILE, limit);
}

/* There is no descriptor for a helper's pipe at first. */
static void test_refused(void)
{
	struct loop_timer *allow;
	struct rlimit limit, few;
	int probe;

	begin(true, 60);
	if (loop_timer_new(loop, &allow, allow_descriptors, &limit) < 0)
		errx(1, "setup");
	add("cgroup/two");
	probe = dup(0);
	close(probe);
	getrlimit(RLIMIT_NOFILE, &limit);
	few = (struct rlimit){(rlim_t)probe + 1, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	loop_timer_start(allow, 0.1);
	run(1);
	is_int(jobs.end[0], WALK_AGAIN, "without a helper the job is to be given again");
	jobs.due[0] = true;
	run(2);
	while (jobs.end[0] == WALK_AGAIN && jobs.ended < 1000) {
		jobs.due[0] = true;
		run(jobs.ended + 1);
	}
	is_int(jobs.end[0], WALK_COUNTED, "it is counted once there are descriptors");
	ok(jobs.ended <= 20, "it is tried every %d ms: %u times", WALKS_RETRY_MS,
		jobs.ended);
	loop_timer_free(allow);
	end();
	ok(no_child(), "no child is left");
}

/* Ending with walks under way, on the loop and in a helper that hangs. */
static void test_free(void)
{
	char path[512];

	begin(false, 60);
	add("cgroup/two");
	walks_fill(walks);
	end();
	is_u64(jobs.ended, 0, "nobody is told");
	begin(true, 60);
	fixture_write(&f, "cgroup/fifo/x", "");
	snprintf(path, sizeof(path), "%s/cgroup/fifo/tasks", f.dir);
	if (mkfifo(path, 0600) < 0)
		err(1, "mkfifo");
	add("cgroup/fifo");
	walks_fill(walks);
	end();
	is_u64(jobs.ended, 0, "nobody is told");
	ok(no_child(), "the helper ends");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_all(false, "each is counted once on the loop");
	test_all(true, "each is counted once in helpers");
	test_hurry();
	test_stuck();
	test_refused();
	test_free();
	return tap_done();
}

/*
 * nsutil/taskwalk on trees of plain files: what is counted, in which steps, within which
 * bounds, and when things vanish between any two steps.
 */
#include "nsutil/taskwalk.h"

#include "nsutil/cleanup.h"
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>

static struct fixture f;

static void write_task(int tid, char state, const char *nspid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "proc/%d/status", tid);
	snprintf(text, sizeof(text),
		"Name:\tState: R (running) NSpid:\nUmask:\t0022\nState:\t%c "
		"(whatever)\nTgid:\t%d\n"
		"Groups:\t0 1 2 \nNStgid:\t%d\t99\nNSpid:\t%s\nNSpgid:\t7\t7\n",
		state, tid, tid, nspid);
	fixture_write(&f, path, text);
}

static int open_in(const char *path)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", f.dir, path);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", full);
	return fd;
}

static struct taskwalk_counts walk_all(const char *file, unsigned level, unsigned *steps)
{
	static struct taskwalk walk;
	unsigned n = 1;

	taskwalk_start(&walk, f.host.proc, open_in("cgroup/ct"), file, level);
	while (taskwalk_step(&walk) == TASKWALK_MORE)
		n++;
	if (steps)
		*steps = n;
	taskwalk_end(&walk);
	return walk.counts;
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

static void begin(const char *last_pid)
{
	char text[128];

	fixture_new(&f);
	snprintf(text, sizeof(text), "0.10 0.20 0.30 1/234 %s\n", last_pid);
	fixture_write(&f, "proc/loadavg", text);
	fixture_write(&f, "cgroup/ct/cgroup.controllers", "");
	fixture_load(&f);
}

static void test_states(void)
{
	struct taskwalk_counts c;

	begin("200");
	write_task(101, 'R', "101\t1");
	write_task(102, 'S', "102\t2");
	write_task(103, 'D', "103\t3");
	write_task(104, 'Z', "104\t4");
	write_task(105, 'T', "105\t5");
	write_task(106, 'I', "106\t6");
	write_task(107, 'R', "107\t7");
	write_task(999, 'R', "999\t8");
	fixture_write(
		&f, "cgroup/ct/cgroup.threads", "101\n102\n103\n104\n105\n106\n107\n");
	fixture_write(&f, "cgroup/ct/tasks", "999\n");
	c = walk_all("cgroup.threads", 1, NULL);
	is_u64(c.running, 2, "R is running");
	is_u64(c.blocked, 1, "D is blocked");
	is_u64(c.total, 7, "all are counted");
	is_int(c.newest_tid, 107, "the newest");
	is_int(c.newest_pid, 7, "as numbered inside");
	is_u64(walk_all("tasks", 1, NULL).total, 1, "v1's list");
	is_u64(walk_all("nothing", 1, NULL).total, 0, "no list");
	fixture_deinit(&f);
}

/* What the freezer of cgroup v1 stopped is in state D, too. */
static void test_frozen(void)
{
	static const char *const wchan[] = {/* frozen */
		"__refrigerator", "__refrigerator.cold", "hrtimer_nanosleep",
		"futex_do_wait", "ptrace_stop", "do_sigtimedwait.isra.0",
		/* not, or nobody knows */
		"kernel_clone", "__refrigerator2", "_refrigerator", ".__refrigerator",
		"0", "", NULL};
	enum { N = sizeof(wchan) / sizeof(wchan[0]), FROZEN = 6 };
	struct taskwalk_counts c;
	char list[N * 8 + 16] = "300\n301\n", path[64], tid[16];

	begin("400");
	write_task(300, 'R', "300\t1");
	write_task(301, 'S', "301\t2");
	fixture_write(&f, "proc/300/wchan", "__refrigerator");
	fixture_write(&f, "proc/301/wchan", "hrtimer_nanosleep");
	for (int i = 0; i < N; i++) {
		write_task(100 + i, 'D', "1\t3");
		snprintf(path, sizeof(path), "proc/%d/wchan", 100 + i);
		if (wchan[i])
			fixture_write(&f, path, wchan[i]);
		snprintf(tid, sizeof(tid), "%d\n", 100 + i);
		strcat(list, tid);
	}
	fixture_write(&f, "cgroup/ct/tasks", list);
	c = walk_all("tasks", 1, NULL);
	is_u64(c.blocked, N - FROZEN, "frozen is not blocked");
	is_u64(c.running, 1, "only of blocked ones it is asked");
	is_u64(c.total, N + 2, "all are counted");
	fixture_deinit(&f);
}

static void test_nested(void)
{
	unsigned before;

	begin("500");
	write_task(1, 'R', "1");
	write_task(2, 'R', "2");
	write_task(3, 'R', "3");
	write_task(4, 'D', "4");
	write_task(5, 'R', "5");
	write_task(6, 'R', "6");
	write_task(7, 'R', "7");
	fixture_write(&f, "cgroup/ct/cgroup.threads", "1\n");
	fixture_write(&f, "cgroup/ct/a/cgroup.threads", "2\n");
	fixture_write(&f, "cgroup/ct/a/b/cgroup.threads", "");
	fixture_write(&f, "cgroup/ct/a/b/c/cgroup.threads", "3\n");
	fixture_write(&f, "cgroup/ct/a/b/c/d/cgroup.threads", "4\n5\n");
	fixture_write(&f, "cgroup/ct/z y\\n/cgroup.threads", "6\n");
	fixture_write(&f, "cgroup/other/cgroup.threads", "7\n");
	before = open_descriptors();
	is_u64(walk_all("cgroup.threads", 0, NULL).running, 5,
		"every level below, none beside");
	is_u64(walk_all("cgroup.threads", 0, NULL).blocked, 1, "of both states");
	is_u64(open_descriptors(), before, "nothing stays open");
	fixture_deinit(&f);
}

/* 3000 children and 3000 tasks: more than a chunk of either. */
static void test_many(void)
{
	enum { N = 3000 };
	static char list[N * 8];
	struct taskwalk_counts c;
	unsigned steps;
	size_t len = 0;

	begin("4000000");
	for (int i = 0; i < N; i++) {
		char path[64], text[16];

		write_task(100000 + i, i % 3 ? 'S' : 'R', "1\t2\t3");
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%d\n", 100000 + i);
		snprintf(path, sizeof(path), "cgroup/ct/child-%d/cgroup.threads", i);
		snprintf(text, sizeof(text), "%d\n", 200000 + i);
		fixture_write(&f, path, text);
		write_task(200000 + i, 'D', "1\t2\t3");
	}
	fixture_write(&f, "cgroup/ct/cgroup.threads", list);
	c = walk_all("cgroup.threads", 2, &steps);
	is_u64(c.running, N / 3, "tasks in a long list");
	is_u64(c.blocked, N, "tasks in many cgroups");
	is_u64(c.total, 2 * N, "each once");
	ok(steps > 2 * N, "in no fewer steps than tasks (%u)", steps);
	fixture_deinit(&f);
}

static void test_deep(void)
{
	char path[1024] = "cgroup/ct";
	size_t len = strlen(path);

	begin("9");
	write_task(5, 'R', "5");
	fixture_write(&f, "cgroup/ct/cgroup.threads", "5\n");
	for (int i = 1; i < 100; i++) {
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/d");
		snprintf(path + len, sizeof(path) - len, "/cgroup.threads");
		fixture_write(&f, path, "5\n");
	}
	is_u64(walk_all("cgroup.threads", 0, NULL).running, TASKWALK_DEPTH,
		"levels up to the bound");
	fixture_deinit(&f);
}

/* A walk that is cut short after any number of steps leaves nothing open. */
static void test_cut(void)
{
	static struct taskwalk walk;
	unsigned steps, before;
	bool good = true;

	begin("9");
	write_task(5, 'R', "5");
	fixture_write(&f, "cgroup/ct/cgroup.threads", "5\n");
	fixture_write(&f, "cgroup/ct/a/b/cgroup.threads", "5\n");
	walk_all("cgroup.threads", 0, &steps);
	before = open_descriptors();
	for (unsigned cut = 0; cut <= steps; cut++) {
		taskwalk_start(
			&walk, f.host.proc, open_in("cgroup/ct"), "cgroup.threads", 0);
		for (unsigned i = 0; i < cut; i++)
			taskwalk_step(&walk);
		taskwalk_end(&walk);
		good &= open_descriptors() == before;
	}
	ok(good, "cut after any of %u steps", steps);
	taskwalk_init(&walk);
	taskwalk_end(&walk);
	ok(true, "a walk that holds nothing can be ended");
	fixture_deinit(&f);
}

/* Everything is removed after any number of steps: the walk ends and counts at most what
 * there was. */
static void test_vanish(void)
{
	static struct taskwalk walk;
	unsigned steps = 20;
	bool good = true;

	for (unsigned cut = 0; cut <= steps; cut++) {
		begin("9");
		write_task(5, 'R', "5");
		write_task(6, 'R', "6");
		fixture_write(&f, "cgroup/ct/cgroup.threads", "5\n6\n");
		fixture_write(&f, "cgroup/ct/a/cgroup.threads", "5\n6\n");
		fixture_write(&f, "cgroup/ct/a/b/cgroup.threads", "5\n6\n");
		taskwalk_start(
			&walk, f.host.proc, open_in("cgroup/ct"), "cgroup.threads", 0);
		for (unsigned i = 0; i < cut; i++)
			taskwalk_step(&walk);
		fixture_remove(&f, cut % 2 ? "cgroup/ct" : "proc");
		for (unsigned i = 0; i < 1000 && taskwalk_step(&walk); i++)
			;
		good &= taskwalk_step(&walk) == TASKWALK_DONE && walk.counts.running <= 6;
		taskwalk_end(&walk);
		fixture_deinit(&f);
	}
	ok(good, "what vanishes is left out");
	taskwalk_start(&walk, -1, -1, "cgroup.threads", 0);
	while (taskwalk_step(&walk))
		;
	is_u64(walk.counts.total, 0, "a cgroup that could not be opened has no tasks");
	taskwalk_end(&walk);
}

static void test_garbage(void)
{
	struct taskwalk_counts c;

	begin("what?");
	is_int(taskwalk_last_tid(f.host.proc), 0, "no last pid in garbage");
	fixture_write(&f, "proc/11/status", "");
	fixture_write(&f, "proc/12/status", "State:\n");
	fixture_write(&f, "proc/13/status", "State:\tRX (no)\nNSpid:\tx\ty\n");
	fixture_write(&f, "proc/14/status", "StateX:\tR\nState:\tR\n");
	fixture_write(&f, "cgroup/ct/cgroup.threads",
		"11\nx\n-12\n0\n13\n99999999999999999999\n\n14\n4711\n");
	c = walk_all("cgroup.threads", 1, NULL);
	is_u64(c.running, 1, "only a state that is R");
	is_u64(c.total, 2, "only what has a state");
	is_int(c.newest_pid, 0, "no number, no newest");
	fixture_deinit(&f);
}

static void test_newest(void)
{
	struct taskwalk_counts c;

	/* Ids went round: 900 is older than 20, and 31000 than both. */
	begin("50");
	write_task(31000, 'S', "31000\t5");
	write_task(900, 'S', "900\t7");
	write_task(20, 'S', "20\t300");
	write_task(40, 'S', "40");
	write_task(31, 'S', "31\t301\t1");
	fixture_write(&f, "cgroup/ct/cgroup.threads", "20\n40\n900\n31\n31000\n");
	c = walk_all("cgroup.threads", 1, NULL);
	is_int(c.newest_tid, 31,
		"nearest behind the last id of all, and seen from inside");
	is_int(c.newest_pid, 301, "not as numbered further in");
	c = walk_all("cgroup.threads", 0, NULL);
	is_int(c.newest_pid, 40, "without a namespace, our own number");
	is_int(walk_all("cgroup.threads", TASKWALK_NO_LEVEL, NULL).newest_pid, 0,
		"in a namespace where nobody is");
	ok(taskwalk_newer(20, 900, 50) && !taskwalk_newer(900, 20, 50),
		"after going round");
	ok(taskwalk_newer(900, 20, 1000) && !taskwalk_newer(20, 20, 1000), "before");
	is_int(taskwalk_level(f.host.proc, 31), 2, "level of a nested task");
	is_int(taskwalk_level(f.host.proc, 40), 0, "level of ours");
	ok(taskwalk_level(f.host.proc, 12345) < 0, "level of nobody");
	is_int(taskwalk_pid_at(f.host.proc, 31, 1), 301, "a number");
	is_int(taskwalk_pid_at(f.host.proc, 31, 3), 0, "too deep");
	is_int(taskwalk_pid_at(f.host.proc, 12345, 0), 0, "nobody's");
	fixture_deinit(&f);
}

int main(void)
{
	test_states();
	test_frozen();
	test_nested();
	test_many();
	test_deep();
	test_cut();
	test_vanish();
	test_garbage();
	test_newest();
	return tap_done();
}

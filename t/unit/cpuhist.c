/*
 * The history behind stat's lines: the block it lives in, many containers, a process that
 * is killed at each instruction, and anything at random.
 */
#include "cache/cpuhist.h"

#include "t/unit/cpuseen.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_attach(void)
{
	size_t size = cpuview_size(4), large = cpuview_size(8192);
	uint64_t *mem = calloc(1, size);
	struct fixture f;

	ok(size < 2 << 20, "four CPUs: %zu bytes", size);
	ok(large < 3000000000u, "8192 CPUs: %zu bytes of address space", large);
	ok(!cpuview_attach(mem, size - 1, 4), "too small a block is refused");
	memset(mem, 0x5a, size);
	start(&f, true);
	v2_usage(&f, 1000000, 0, 0);
	f.subject.cpuview = cpuview_attach(mem, size, 4);
	ok(f.subject.cpuview, "a block full of something else is started anew");
	is_seen(&f,
		"100 0 0 3900 0 |0: 25 0 0 975 0 |1: 25 0 0 975 0 |2: 25 0 0 975 0"
		" |3: 25 0 0 975 0",
		"and holds nothing");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	f.subject.cpuview = cpuview_attach(mem, size, 2);
	is_seen(&f, "100 0 0 3900 0 |0: 25 0 0 975 0", "attached again, it is as it was");
	/* Every line of five CPUs with a past of its own does not fit a block for four.
	 */
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0,2,4,6\n");
	is_seen(&f,
		"100 0 0 3900 0 |0: 25 0 0 975 0 |2: 25 0 0 975 0 |4: 0 0 0 0 0"
		" |6: 0 0 0 0 0",
		"what the block has no room for still counts on");
	fixture_deinit(&f);
	free(mem);
}

/* Pages of the block that were ever touched. */
static unsigned touched(const void *mem, size_t size)
{
	static unsigned char there[CPUHIST_CONTAINERS];
	size_t pages = (size + 4095) / 4096;
	unsigned count = 0;

	if (pages > sizeof(there) || mincore((void *)(uintptr_t)mem, size, there) < 0)
		return UINT_MAX;
	for (size_t i = 0; i < pages; i++)
		count += there[i] & 1;
	return count;
}

/* As many containers as are kept read in turn; then one more. */
static void test_many_containers(void)
{
	static struct seen seen;
	size_t size = cpuview_size(8);
	void *mem = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned wrong = 0, lost = 0;
	struct fixture f;

	start(&f, true);
	v2_usage(&f, 1000000, 0, 0);
	f.subject.cpuview = cpuview_attach(mem, size, 8);
	look(&f, &seen);
	ok(touched(mem, size) <= 4, "one container: %u pages touched",
		touched(mem, size));
	for (unsigned round = 0; round < 2; round++) {
		f.subject.now_ns += S;
		for (unsigned i = 0; i < CPUHIST_CONTAINERS; i++) {
			f.ct->pidns = 4026532000u + i;
			f.subject.now_ns++;
			look(&f, &seen);
			wrong += seen.lines != 4 || seen.sum[CPU_USER] != 100 ||
				 seen.sum[CPU_IDLE] != 4300 + 400 * round;
		}
	}
	is_u64(wrong, 0, "all keep their history");
	/* Who begins anew sees idle for one CPU instead of four. */
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	f.ct->pidns = 1000;
	look(&f, &seen);
	is_u64(seen.sum[CPU_IDLE], 1100, "one more begins");
	f.ct->pidns = 4026532000u + 9;
	f.ct->cgns = 5;
	look(&f, &seen);
	is_u64(seen.sum[CPU_IDLE], 1100, "and one in another cgroup namespace");
	f.ct->cgns = 0;
	/* Looking does not make room: only the two took an entry each. */
	for (unsigned i = CPUHIST_CONTAINERS; i-- > 0;) {
		f.ct->pidns = 4026532000u + i;
		lost += !cpuhist_load(f.subject.cpuview, f.ct, &(struct cpubook){0});
	}
	is_u64(lost, 2, "in the places of two");
	fixture_deinit(&f);
	munmap(mem, size);
}

/* A process that has ended. */
static pid_t gone(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/* Containers come and go: the block does not grow, and who lives is not forgotten. */
static void test_gone(void)
{
	enum { LIVING = 12 };
	static struct seen seen;
	size_t size = cpuview_size(8);
	void *mem = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t dead = gone();
	unsigned before;
	struct fixture f;

	start(&f, true);
	v2_usage(&f, 1000000, 0, 0);
	f.subject.cpuview = cpuview_attach(mem, size, 8);
	f.ct->init = getpid();
	for (unsigned i = 0; i < LIVING; i++) {
		f.ct->pidns = 1 + i;
		look(&f, &seen);
	}
	before = touched(mem, size);
	f.ct->init = dead;
	for (unsigned i = 0; i < 4 * CPUHIST_CONTAINERS; i++) {
		f.ct->pidns = 1000 + i;
		f.subject.now_ns += S / 1000;
		look(&f, &seen);
	}
	ok(touched(mem, size) <= before + 1, "thousands later: %u pages, before %u",
		touched(mem, size), before);
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	f.ct->init = getpid();
	f.subject.now_ns = (START + 10) * S;
	for (f.ct->pidns = 1; f.ct->pidns <= LIVING; f.ct->pidns++) {
		look(&f, &seen);
		if (seen.sum[CPU_IDLE] != 3900)
			break;
	}
	is_u64(f.ct->pidns, LIVING + 1, "those that live have theirs");
	fixture_deinit(&f);
	munmap(mem, size);
}

static uint64_t seed = 1;

static unsigned roll(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* No line nor the sum ever falls; while lines stay the same, the sum gains what they do.
 */
static bool grows(const struct seen *old, const struct seen *new, struct seen *most)
{
	bool same = !memcmp(old->visible, new->visible, sizeof(old->visible));

	for (int f = 0; f < CPU_TIMES; f++) {
		uint64_t gained = 0;

		if (new->sum[f] < old->sum[f])
			return false;
		for (unsigned i = 0; i < LINES; i++) {
			if (new->visible[i] && new->line[i][f] < most->line[i][f])
				return false;
			if (new->visible[i]) {
				gained += new->line[i][f] - most->line[i][f];
				most->line[i][f] = new->line[i][f];
			}
		}
		if (same && gained != new->sum[f] - old->sum[f])
			return false;
	}
	return true;
}

static void random_usage(struct fixture *f, bool v2, uint64_t cpu[8], uint64_t step_ns)
{
	char text[512] = "cpu user system\n";
	size_t len = strlen(text);
	uint64_t sum = 0;

	for (unsigned i = 0; i < 8; i++) {
		/* Sometimes ahead of the clock, as a tick is. */
		cpu[i] += roll(3) ? step_ns / 100 * roll(101) : (roll(2) ? 4000000 : 0);
		sum += cpu[i];
		len += (size_t)sprintf(text + len, "%u %llu %llu\n", i,
			(unsigned long long)(cpu[i] / 3),
			(unsigned long long)(cpu[i] / 2));
	}
	if (v2)
		v2_usage(f, sum / 3000, sum / 2000, sum / 9000);
	else
		fixture_write(f, "cgroup/cpu,cpuacct/ct/cpuacct.usage_all", text);
}

static void random_limits(struct fixture *f, bool v2)
{
	static const char *const sets[] = {
		"0-3\n", "0\n", "1,3,5,7\n", "0-7\n", "4-7\n", "\n"};
	const char *set = sets[roll(6)];
	char text[64];
	unsigned quota = 1 + roll(900000);

	fixture_write(f,
		v2 ? "cgroup/ct/cpuset.cpus.effective"
		   : "cgroup/cpuset/ct/cpuset.effective_cpus",
		set);
	sprintf(text, v2 ? "%u 100000\n" : "%u\n", quota);
	fixture_write(f,
		v2 ? "cgroup/ct/cpu.max" : "cgroup/cpu,cpuacct/ct/cpu.cfs_quota_us",
		roll(3) ? text
		: v2    ? "max 100000\n"
			: "-1\n");
	fixture_write(f, "cgroup/cpu,cpuacct/ct/cpu.cfs_period_us", "100000\n");
	sprintf(text, v2 ? "throttled_usec %u\n" : "throttled_time %u000\n",
		roll(1000000000));
	if (v2)
		fixture_write(f, "cgroup/ct/cpu.stat.local", text);
	else
		fixture_write(f, "cgroup/cpu,cpuacct/ct/cpu.stat", text);
}

static void test_random(bool v2, bool cfs)
{
	static struct seen old, new, most;
	uint64_t cpu[8] = {0};
	struct fixture f;
	unsigned wrong = 0, too_much = 0;

	start(&f, v2);
	f.policy.cfs = cfs;
	memset(&most, 0, sizeof(most));
	memset(&old, 0, sizeof(old));
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t step =
			roll(4) ? roll(50) * 1000000 : roll(5000) * UINT64_C(1000000);
		uint64_t before = total(old.sum);

		f.subject.now_ns += step;
		random_usage(&f, v2, cpu, step);
		if (!roll(10))
			random_limits(&f, v2);
		look(&f, &new);
		wrong += !grows(&old, &new, &most);
		/* All that eight CPUs could do, and ticks that came late. */
		too_much += i && total(new.sum) - before > step / 10000000 * 8 + 32 * 10;
		old = new;
	}
	ok(!wrong, "%s%s: nothing ever falls, the sum is exact (%u wrong)",
		v2 ? "v2" : "v1", cfs ? " --enable-cfs" : "", wrong);
	ok(!too_much, "%s%s: no time from nowhere (%u)", v2 ? "v2" : "v1",
		cfs ? " --enable-cfs" : "", too_much);
	fixture_deinit(&f);
}

/* Does the block as it is now lead to figures no lower than `before`, and no higher than
 * eight CPUs could make them? */
static bool survives(struct fixture *f, const void *block, void *copy, size_t size,
	const struct seen *before)
{
	static struct seen after, most;

	memcpy(copy, block, size);
	most = *before;
	f->subject.cpuview = cpuview_attach(copy, size, 8);
	if (!f->subject.cpuview)
		return false;
	look(f, &after);
	return grows(before, &after, &most) &&
	       total(after.sum) <= 8 * (f->subject.now_ns - f->ct->start_ns) / 10000000;
}

/* Counts into a copy of the block, and lets itself be watched as it stores the result. */
static void step_child(struct fixture *f, struct cpuview *block, void *copy, size_t size)
{
	static struct cpubook book;
	static struct seen seen;

	memcpy(copy, block, size);
	f->subject.cpuview = cpuview_attach(copy, size, 8);
	look(f, &seen);
	cpuhist_load(f->subject.cpuview, f->ct, &book);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	cpuhist_store(block, f->ct, &book, f->subject.now_ns);
	_exit(0);
}

/* A container whose figures must survive: by its namespace, and what was seen of it. */
struct watched {
	uint64_t pidns;
	struct seen before;
};

/* Steps the child through; the number of states in which the block would have been left
 * by SIGKILL, and in *wrong those from which a container's figures fall. -1: cannot
 * trace. */
static int step_through(struct fixture *f, struct cpuview *block, size_t size,
	const struct watched watched[2], unsigned *wrong)
{
	void *last = malloc(size), *copy = malloc(size);
	int status, states = 0;
	pid_t pid;

	memcpy(last, block, size);
	fflush(stdout);
	pid = fork();
	if (!pid)
		step_child(f, block, copy, size);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
		states = -1;
	f->ct->start_ns = START * S;
	while (states >= 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		bool changed = memcmp(block, last, size);

		for (int i = 0; changed && i < 2; i++) {
			f->ct->pidns = watched[i].pidns;
			*wrong += !survives(f, block, copy, size, &watched[i].before);
		}
		memcpy(last, block, size);
		states += changed;
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
	}
	free(last);
	free(copy);
	return states;
}

enum { LAST = CPUHIST_CONTAINERS };

/* A container's lines change, or, with `full`, another one with much more behind it takes
 * the entry of the first, which may begin anew but not with the other's figures. */
static void test_killed(bool v2, bool full, const char *what)
{
	static struct watched watched[2];
	size_t size = cpuview_size(8);
	void *mem = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cpuview *block = cpuview_attach(mem, size, 8);
	uint64_t cpu[8] = {0};
	unsigned wrong = 0;
	struct fixture f;
	int states;

	start(&f, v2);
	f.subject.cpuview = block;
	random_usage(&f, v2, cpu, S);
	memset(watched, 0, sizeof(watched));
	for (f.ct->pidns = full ? 1 : LAST; f.ct->pidns <= LAST; f.ct->pidns++) {
		f.subject.now_ns++;
		look(&f, &watched[0].before);
	}
	watched[0].pidns = LAST;
	watched[1].pidns = 1;
	fixture_write(&f,
		v2 ? "cgroup/ct/cpuset.cpus.effective"
		   : "cgroup/cpuset/ct/cpuset.effective_cpus",
		"1,3,5-7\n");
	f.subject.now_ns += S;
	random_usage(&f, v2, cpu, S);
	f.ct->pidns = full ? LAST + 1 : LAST;
	if (full)
		f.ct->start_ns = S;
	states = step_through(&f, block, size, watched, &wrong);
	if (states < 0)
		ok(true, "%s: killed at any instruction # SKIP cannot trace", what);
	else
		ok(states > 5 && !wrong, "%s: killed in %d states of the block, %u wrong",
			what, states, wrong);
	fixture_deinit(&f);
	munmap(mem, size);
}

int main(void)
{
	test_attach();
	test_many_containers();
	test_gone();
	for (int i = 0; i < 4; i++)
		test_random(i & 1, i & 2);
	test_killed(true, false, "v2");
	test_killed(false, false, "v1");
	test_killed(true, true, "another container");
	return tap_done();
}

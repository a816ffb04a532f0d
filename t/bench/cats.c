// Reads FILE again and again for SECONDS from PROCESSES processes at once and prints
//	COUNT SECONDS P50_NS P99_NS MAX_NS BYTES
// loop: each does open, read, read at the end of the file, close.
// fresh: the same, each time in a process that has just begun, as a real cat(1) is.
// pread: one pread after the other on a file that stays open.
// pace: as loop, but once every 1 ms. A reading that has to wait makes those behind it late,
// and that counts; how late this process itself is woken up does not.
// cats loop|fresh|pread|pace PROCESSES SECONDS FILE
#include "t/bench/hist.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { STACK = 64 << 10, PACE_NS = 1000000 };

struct job {
	const char *file;
	struct hist *hist;
	uint64_t start, end;
};

static void loop(const struct job *job)
{
	while (now_ns() < job->end)
		cat(job->file, job->hist);
}

static int fresh_child(void *arg)
{
	const struct job *job = arg;

	cat(job->file, job->hist);
	return 0;
}

// The child borrows our memory and we wait: what is measured is not fork.
static void fresh(const struct job *job)
{
	static char stack[STACK] __attribute__((aligned(16)));
	int status;

	while (now_ns() < job->end) {
		pid_t pid = clone(fresh_child, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD,
			(void *)(uintptr_t)job);

		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			err(111, "clone");
		if (status)
			exit(111);
	}
}

static void pread_loop(const struct job *job)
{
	static char buf[1 << 16];
	int fd = open(job->file, O_RDONLY | O_CLOEXEC);

	while (now_ns() < job->end) {
		uint64_t start = now_ns();
		ssize_t n = pread(fd, buf, sizeof buf, 0);

		if (n < 0)
			err(111, "%s", job->file);
		hist_add(job->hist, now_ns() - start, (uint64_t)n);
	}
}

static void pace(const struct job *job)
{
	for (uint64_t due = job->start; due < job->end; due += PACE_NS) {
		uint64_t start = due, bytes;
		int fd;

		if (now_ns() < due) {
			sleep_until(due);
			start = now_ns();
		}
		fd = open(job->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err(111, "%s", job->file);
		bytes = read_to_end(fd, job->file);
		close(fd);
		hist_add(job->hist, now_ns() - start, bytes);
	}
}

static const struct {
	const char *name;
	void (*run)(const struct job *job);
} modes[] = {{"loop", loop}, {"fresh", fresh}, {"pread", pread_loop}, {"pace", pace}};

static void child(unsigned mode, const struct job *job)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	// So that reading from 0 takes as long as any later time.
	cat(job->file, &(struct hist){0});
	sleep_until(job->start);
	modes[mode].run(job);
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned mode = 0;
	struct job job;
	int processes, status, bad = 0;
	double seconds;

	while (argc == 5 && mode < 4 && strcmp(argv[1], modes[mode].name))
		mode++;
	if (argc != 5 || mode == 4) {
		fprintf(stderr, "usage: cats loop|fresh|pread|pace PROCESSES SECONDS FILE\n");
		return 100;
	}
	processes = atoi(argv[2]);
	seconds = atof(argv[3]);
	job.file = argv[4];
	job.hist = shared(sizeof(*job.hist));
	// Late enough for every process to be there.
	job.start = now_ns() + 2000000 + (uint64_t)processes * 1000000;
	job.end = job.start + (uint64_t)(seconds * 1e9);
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(111, "fork");
		if (pid == 0)
			child(mode, &job);
	}
	while (wait(&status) > 0)
		bad |= status;
	hist_print(job.hist, (double)(now_ns() - job.start) / 1e9);
	return bad ? 111 : 0;
}

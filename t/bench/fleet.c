// Many containers at once: cgroups, a cgroup namespace and a pid namespace each, whose pid 1
// reads when it is told to.
// fleet COUNT DIRECTORY
// DIRECTORY/cgroups lists cgroup directories, one for each hierarchy, below which those of the
// containers are made: 0, 1, 2... and "main" for this process; whoever started it removes
// them. It takes a line from the fifo DIRECTORY/in, does that, and writes a line to the fifo
// DIRECTORY/out:
//	run SECONDS FILE FROM TO READERS INTERVAL_US [FROM TO READERS INTERVAL_US]...
//		READERS in each of the containers FROM to TO (not included) read again and
//		again, with INTERVAL_US from one time to the next
//	once FILE FROM TO
//		each of them reads once, one after another
//	storm RATE SECONDS FILE
//		so many pid and cgroup namespaces a second, in each of which one process
//		reads once and ends
// The answer has for each group COUNT SECONDS P50_NS P99_NS MAX_NS BYTES.
#include "t/bench/hist.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { GROUPS = 2, HIERARCHIES = 16, STORMERS = 4, STACK = 64 << 10 };

struct group {
	int from, to, readers;
	uint64_t interval_ns;
};

struct container {
	uint32_t go; // futex: the number of commands it was given
	int group;
	unsigned number; // of its first reader in its group
};

static struct {
	uint32_t done; // containers that have done what they were told, or died
	int bad;
	int once;
	char file[PATH_MAX];
	uint64_t start, end;
	struct group group[GROUPS];
	struct hist hist[GROUPS];
} *command;

static struct container *container;
static int count;
static char *parent[HIERARCHIES];
static int parents;

__attribute__((format(printf, 1, 2))) static const char *path(const char *format, ...)
{
	static char buf[PATH_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof buf, format, ap);
	va_end(ap);
	return buf;
}

// --- containers ---

// A v1 cpuset is born empty and takes no task like that.
static void copy_line(const char *from, const char *to, const char *name)
{
	char line[4096], target[PATH_MAX];
	FILE *f = fopen(path("%s/%s", from, name), "re");

	if (!f)
		return;
	snprintf(target, sizeof target, "%s/%s", to, name);
	if (fgets(line, sizeof line, f)) {
		FILE *out = fopen(target, "we");

		if (out)
			fputs(line, out);
		if (out)
			fclose(out);
	}
	fclose(f);
}

static void join(const char *name)
{
	for (int i = 0; i < parents; i++) {
		char dir[PATH_MAX];
		FILE *f;

		snprintf(dir, sizeof dir, "%s/%s", parent[i], name);
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			err(111, "%s", dir);
		copy_line(parent[i], dir, "cpuset.mems");
		copy_line(parent[i], dir, "cpuset.cpus");
		f = fopen(path("%s/cgroup.procs", dir), "we");
		if (!f || fputs("0", f) < 0 || fclose(f))
			err(111, "%s", dir);
	}
}

static void read_loop(const struct group *g, unsigned number, struct hist *hist)
{
	unsigned readers = (unsigned)(g->to - g->from) * (unsigned)g->readers;
	uint64_t due = command->start + g->interval_ns * number / readers;

	sleep_until(due);
	while (now_ns() < command->end) {
		cat(command->file, hist);
		due += g->interval_ns;
		if (g->interval_ns)
			sleep_until(due);
	}
}

static int follow(const struct container *self)
{
	const struct group *g = &command->group[self->group];
	struct hist *hist = &command->hist[self->group];
	int status, bad = 0;

	if (command->once) {
		cat(command->file, hist);
		return 0;
	}
	for (int i = 0; i < g->readers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(111, "fork");
		if (pid == 0) {
			read_loop(g, self->number + (unsigned)i, hist);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad;
}

static void be_container(struct container *self)
{
	uint32_t seen = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		while (__atomic_load_n(&self->go, __ATOMIC_ACQUIRE) == seen)
			syscall(SYS_futex, &self->go, FUTEX_WAIT, seen, NULL, NULL, 0);
		seen++;
		if (follow(self))
			command->bad = 1;
		__atomic_fetch_add(&command->done, 1, __ATOMIC_RELEASE);
	}
}

static pid_t new_process(int flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid < 0)
		err(111, "clone");
	return pid;
}

static void make_containers(void)
{
	int own = open("/proc/self/ns/cgroup", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof name, "%d", i);
		join(name);
		if (unshare(CLONE_NEWCGROUP) < 0)
			err(111, "unshare");
		if (new_process(CLONE_NEWPID) == 0)
			be_container(&container[i]);
		if (setns(own, CLONE_NEWCGROUP) < 0)
			err(111, "setns");
	}
	join("main");
	close(own);
}

// --- commands ---

static void tell(int i)
{
	__atomic_fetch_add(&container[i].go, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &container[i].go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_done(uint32_t told)
{
	while (__atomic_load_n(&command->done, __ATOMIC_ACQUIRE) < told) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			errx(111, "a container ended");
		usleep(200);
	}
}

static void answer(int groups, double seconds)
{
	if (command->bad)
		errx(111, "a reader failed");
	for (int g = 0; g < groups; g++) {
		const struct hist *h = &command->hist[g];

		printf("%s%llu %.6f %llu %llu %llu %llu", g ? " " : "",
			(unsigned long long)h->count, seconds,
			(unsigned long long)hist_quantile(h, .5),
			(unsigned long long)hist_quantile(h, .99), (unsigned long long)h->max_ns,
			(unsigned long long)h->bytes);
	}
	printf("\n");
	fflush(stdout);
}

static int number(void)
{
	const char *word = strtok(NULL, " ");

	return word ? atoi(word) : -1;
}

static int parse_group(struct group *g)
{
	g->from = number();
	g->to = number();
	g->readers = number();
	g->interval_ns = (uint64_t)number() * 1000;
	return g->from >= 0 && g->from < g->to && g->to <= count && g->readers > 0;
}

static void run(double seconds)
{
	int groups = 0;
	uint32_t told = 0;
	unsigned processes = 0;

	while (groups < GROUPS && parse_group(&command->group[groups])) {
		const struct group *g = &command->group[groups++];

		processes += (unsigned)((g->to - g->from) * g->readers);
	}
	// Late enough for every process to be there.
	command->start = now_ns() + 10000000 + (uint64_t)processes * 500000;
	command->end = command->start + (uint64_t)(seconds * 1e9);
	for (int n = 0; n < groups; n++) {
		const struct group *g = &command->group[n];

		for (int i = g->from; i < g->to; i++) {
			container[i].group = n;
			container[i].number = (unsigned)((i - g->from) * g->readers);
			tell(i);
			told++;
		}
	}
	wait_done(told);
	answer(groups, (double)(now_ns() - command->start) / 1e9);
}

static void once(void)
{
	uint64_t start = now_ns();
	int from = number(), to = number();

	command->once = 1;
	for (int i = from; i >= 0 && i < to && i < count; i++) {
		container[i].group = 0;
		tell(i);
		wait_done((uint32_t)(i - from) + 1);
	}
	answer(1, (double)(now_ns() - start) / 1e9);
}

static int storm_child(void *arg)
{
	cat(command->file, arg);
	return 0;
}

// One that cannot keep up with its rate goes as fast as it can.
static void stormer(double rate, unsigned self)
{
	static char stack[STACK] __attribute__((aligned(16)));
	uint64_t interval = (uint64_t)(STORMERS * 1e9 / rate);
	uint64_t due = command->start + interval * self / STORMERS;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; due < command->end && now_ns() < command->end; due += interval) {
		pid_t pid;

		sleep_until(due);
		pid = clone(storm_child, stack + STACK,
			CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_NEWCGROUP | SIGCHLD,
			&command->hist[0]);
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			err(111, "clone");
		if (status)
			_exit(111);
	}
	_exit(0);
}

static void storm(double rate, double seconds)
{
	pid_t pid[STORMERS];
	int status;

	command->start = now_ns() + 5000000;
	command->end = command->start + (uint64_t)(seconds * 1e9);
	for (unsigned i = 0; i < STORMERS; i++) {
		pid[i] = new_process(0);
		if (pid[i] == 0)
			stormer(rate, i);
	}
	for (unsigned i = 0; i < STORMERS; i++) {
		if (waitpid(pid[i], &status, 0) < 0 || status)
			command->bad = 1;
	}
	answer(1, (double)(now_ns() - command->start) / 1e9);
}

static void take(char *line)
{
	const char *what = strtok(line, " \n");
	double a = 0, b = 0;

	memset(command, 0, sizeof *command);
	if (what && !strcmp(what, "storm")) {
		a = atof(strtok(NULL, " "));
		b = atof(strtok(NULL, " "));
	} else if (what && !strcmp(what, "run")) {
		a = atof(strtok(NULL, " "));
	} else if (!what || strcmp(what, "once")) {
		errx(100, "no such command");
	}
	snprintf(command->file, sizeof command->file, "%s", strtok(NULL, " \n"));
	if (*what == 's')
		storm(a, b);
	else if (*what == 'r')
		run(a);
	else
		once();
}

int main(int argc, char **argv)
{
	char line[PATH_MAX + 256];
	FILE *f;

	if (argc != 3) {
		fprintf(stderr, "usage: fleet COUNT DIRECTORY\n");
		return 100;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	count = atoi(argv[1]);
	f = fopen(path("%s/cgroups", argv[2]), "re");
	while (f && parents < HIERARCHIES && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		parent[parents++] = strdup(line);
	}
	if (!f)
		err(111, "cgroups");
	fclose(f);
	// Open for both: there is no end of file when a writer has gone.
	if (!freopen(path("%s/in", argv[2]), "r+e", stdin) ||
		!freopen(path("%s/out", argv[2]), "r+e", stdout))
		err(111, "fifos");
	command = shared(sizeof *command);
	container = shared((size_t)count * sizeof *container + 1);
	make_containers();
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		take(line);
	return 0;
}

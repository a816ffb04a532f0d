// What processes have used, or what they use while a command runs.
//
// usage PID...			RSSANON_KB PRIVATE_KB PSS_KB THREADS DESCRIPTORS of all of them
// usage PID... -- COMMAND...	runs it, and behind each line it prints adds
//				CPU_NS SWITCHES, of the processes and of the children they
//				have waited for
//
// CPU time comes from the clock of each process, in nanoseconds, and counts threads that
// have ended; that of waited children comes in clock ticks.
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long long cpu_ns(int pid)
{
	unsigned long long user = 0, system = 0;
	struct timespec ts;
	char path[64], line[1024], *p;
	clockid_t clock;
	FILE *f;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts) < 0)
		errx(111, "process %d is gone", pid);
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof line, f) && (p = strrchr(line, ')')))
		sscanf(p + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
			&system);
	if (f)
		fclose(f);
	return (unsigned long long)ts.tv_sec * 1000000000u + (unsigned long long)ts.tv_nsec +
	       (user + system) * (1000000000u / (unsigned long long)sysconf(_SC_CLK_TCK));
}

// Adds the numbers of all lines that begin with a key.
static unsigned long long sum_of(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	unsigned long long sum = 0, n;
	char line[512];

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%llu", &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

static unsigned long long entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned long long n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 2 ? n - 2 : 0;
}

static unsigned long long switches(int pid)
{
	unsigned long long sum = 0;
	struct dirent *e;
	char path[300];
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%s/status", pid, e->d_name);
		sum += sum_of(path, "voluntary_ctxt_switches:") +
		       sum_of(path, "nonvoluntary_ctxt_switches:");
	}
	if (d)
		closedir(d);
	return sum;
}

/* Private is what no other process has and no file either: whose a page of a program's text is
 * depends on who else has lately run there. */
static void print_memory(int count, char **pids)
{
	unsigned long long anon = 0, private = 0, pss = 0, threads = 0, fds = 0;

	for (int i = 0; i < count; i++) {
		char path[64];

		snprintf(path, sizeof path, "/proc/%s/status", pids[i]);
		anon += sum_of(path, "RssAnon:");
		threads += sum_of(path, "Threads:");
		snprintf(path, sizeof path, "/proc/%s/smaps_rollup", pids[i]);
		private += sum_of(path, "Private_Dirty:");
		pss += sum_of(path, "Pss:");
		snprintf(path, sizeof path, "/proc/%s/fd", pids[i]);
		fds += entries(path);
	}
	printf("%llu %llu %llu %llu %llu\n", anon, private, pss, threads, fds);
}

static void total(int count, char **pids, unsigned long long *cpu, unsigned long long *sw)
{
	*cpu = *sw = 0;
	for (int i = 0; i < count; i++) {
		*sw += switches(atoi(pids[i]));
		*cpu += cpu_ns(atoi(pids[i]));
	}
}

static int run(int count, char **pids, char **argv)
{
	unsigned long long cpu, sw, cpu_end, sw_end;
	int out[2], status;
	char line[4096];
	FILE *f;
	pid_t pid;

	total(count, pids, &cpu, &sw);
	if (pipe(out) < 0 || (pid = fork()) < 0)
		err(111, "fork");
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execvp(*argv, argv);
		err(111, "%s", *argv);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		total(count, pids, &cpu_end, &sw_end);
		printf("%s %llu %llu\n", line, cpu_end - cpu, sw_end - sw);
	}
	if (waitpid(pid, &status, 0) < 0 || status)
		return 111;
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;

	while (count + 1 < argc && strcmp(argv[count + 1], "--"))
		count++;
	if (count + 2 < argc)
		return run(count, argv + 1, argv + count + 2);
	print_memory(count, argv + 1);
	return 0;
}

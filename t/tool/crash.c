// Sends a signal to the daemon's workers, one after the other:
//	crash KEEPER SIGNAL INTERVAL_MS SECONDS [COUNT [WRITES]]
// every INTERVAL_MS, for SECONDS or COUNT times, and prints how many it hit. A worker
// is a child of KEEPER that calls itself evlxcfs-worker; none is hit twice, and none before
// it has called write(2) and the like WRITES times, which it does once for each answer.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int read_line(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	int r = f && fgets(out, (int)size, f);

	if (f)
		fclose(f);
	return r;
}

static int worker(int keeper)
{
	char path[64], children[4096], comm[32], *p = children, *end;
	int found = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", keeper, keeper);
	if (!read_line(path, children, sizeof children))
		return 0;
	for (;;) {
		int pid = (int)strtol(p, &end, 10);

		if (end == p)
			return found;
		p = end;
		snprintf(path, sizeof path, "/proc/%d/comm", pid);
		if (read_line(path, comm, sizeof comm) && strcmp(comm, "evlxcfs-worker\n") == 0)
			found = pid;
	}
}

// Whether it has written so often: syscw of /proc/PID/io.
static int has_written(int pid, long times)
{
	char path[64], line[64];
	long n = 0;
	FILE *f;

	if (times == 0)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/io", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "syscw: %ld", &n) == 1)
			break;
	fclose(f);
	return n >= times;
}

int main(int argc, char **argv)
{
	int keeper, sig, last = 0;
	long count, writes, hits = 0;
	double end, pause, next;

	if (argc < 5) {
		fprintf(stderr, "usage: crash KEEPER SIGNAL INTERVAL_MS SECONDS [COUNT [WRITES]]\n");
		return 100;
	}
	keeper = atoi(argv[1]);
	sig = atoi(argv[2]);
	pause = atof(argv[3]) / 1000;
	next = now();
	end = next + atof(argv[4]);
	count = argc > 5 ? atol(argv[5]) : -1;
	writes = argc > 6 ? atol(argv[6]) : 0;
	while (now() < end && hits != count) {
		int pid = worker(keeper);

		if (pid && pid != last && now() >= next && has_written(pid, writes) && kill(pid, sig) == 0) {
			last = pid;
			hits++;
			next = now() + pause;
		}
		usleep(1000);
	}
	printf("%ld\n", hits);
	return count > 0 && hits != count;
}

// Reads FILE again and again (open, read to the end, close) with a pause of PAUSE_US in
// between, for SECONDS, and prints for each window of WINDOW seconds of CLOCK_BOOTTIME
//	READS MEDIAN_US MAX_US SERVED_MAX_US
// MEDIAN_US and MAX_US are how long a read took. SERVED_MAX_US is the longest without the time
// in which the process PID, which serves it, was ready and had no CPU, of those in which the
// reader had to wait for none: what a read waits for, however busy the machine is besides.
// The first and the last window are not whole and left out.
// latency SECONDS WINDOW PAUSE_US FILE PID
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { READS = 1 << 20 };

static unsigned took[READS], served_max;
static size_t reads;

static double now(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		err(111, "clock");
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static void report(void)
{
	qsort(took, reads, sizeof(took[0]), by_value);
	printf("%zu %u %u %u\n", reads, took[reads / 2], took[reads - 1], served_max);
	fflush(stdout);
}

static void read_whole(const char *file)
{
	static char buf[1 << 16];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, buf, sizeof buf)) > 0)
			;
	if (n < 0)
		err(111, "%s", file);
	close(fd);
}

// The schedstat of a process (Documentation/scheduler/sched-stats.rst).
static int open_schedstat(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(111, "%s", path);
	return fd;
}

// Microseconds it was ready and not run.
static double held_up(int schedstat)
{
	char buf[64];
	long run, wait;
	ssize_t n = pread(schedstat, buf, sizeof buf - 1, 0);

	if (n <= 0)
		err(111, "schedstat");
	buf[n] = '\0';
	if (sscanf(buf, "%ld %ld", &run, &wait) != 2)
		errx(111, "schedstat: %s", buf);
	return (double)wait / 1e3;
}

static void measure(const char *file, int self, int server)
{
	double held = held_up(self), without = held_up(server), start = now(CLOCK_BOOTTIME);

	read_whole(file);
	took[reads] = (unsigned)(now(CLOCK_BOOTTIME) - start);
	without = held_up(server) - without;
	held = held_up(self) - held;
	if (held < 100 && took[reads] > served_max + without)
		served_max = (unsigned)(took[reads] - without);
	reads++;
}

int main(int argc, char **argv)
{
	double end, length;
	long window, first;
	int self, server;

	if (argc != 6) {
		fprintf(stderr, "usage: latency SECONDS WINDOW PAUSE_US FILE PID\n");
		return 100;
	}
	self = open_schedstat("self");
	server = open_schedstat(argv[5]);
	length = atof(argv[2]) * 1e6;
	end = now(CLOCK_BOOTTIME) + atof(argv[1]) * 1e6;
	first = window = (long)(now(CLOCK_BOOTTIME) / length);
	while (now(CLOCK_BOOTTIME) < end) {
		long this = (long)(now(CLOCK_BOOTTIME) / length);

		if (this != window || reads == READS) {
			if (window != first && reads)
				report();
			window = this;
			reads = served_max = 0;
		}
		measure(argv[4], self, server);
		usleep((useconds_t)atoi(argv[3]));
	}
	return 0;
}

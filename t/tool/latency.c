// Reads FILE again and again (open, read to the end, close) with a pause of PAUSE_US in
// between, for SECONDS, and prints for each window of WINDOW seconds of CLOCK_BOOTTIME
//	READS MEDIAN_US MAX_US CPU_MAX_US
// MEDIAN_US and MAX_US are how long a read took. CPU_MAX_US is the most CPU time that
// process PID used during one of them, without those in which the reader itself had to wait
// for a CPU: what a read had to wait for, whatever the machine was doing besides. The first
// and the last window are not whole and left out.
// latency SECONDS WINDOW PAUSE_US FILE PID
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READS = 1 << 20 };

static unsigned took[READS], cpu_max;
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
	printf("%zu %u %u %u\n", reads, took[reads / 2], took[reads - 1], cpu_max);
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

// Nanoseconds this process was ready and not run (Documentation/scheduler/sched-stats.rst).
static long held_up(void)
{
	static int fd = -1;
	char buf[64];
	long run, wait;
	ssize_t n;

	if (fd < 0)
		fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	n = pread(fd, buf, sizeof buf - 1, 0);
	if (n <= 0)
		err(111, "schedstat");
	buf[n] = '\0';
	if (sscanf(buf, "%ld %ld", &run, &wait) != 2)
		errx(111, "schedstat: %s", buf);
	return wait;
}

static void measure(const char *file, clockid_t clock)
{
	long held = held_up();
	double start = now(CLOCK_BOOTTIME), cpu = now(clock);

	read_whole(file);
	took[reads++] = (unsigned)(now(CLOCK_BOOTTIME) - start);
	cpu = now(clock) - cpu;
	held = held_up() - held;
	if (held < 100000 && cpu > cpu_max)
		cpu_max = (unsigned)cpu;
}

int main(int argc, char **argv)
{
	double end, length;
	long window, first;
	clockid_t clock;
	int r;

	if (argc != 6) {
		fprintf(stderr, "usage: latency SECONDS WINDOW PAUSE_US FILE PID\n");
		return 100;
	}
	r = clock_getcpuclockid(atoi(argv[5]), &clock);
	if (r)
		errx(111, "process %s: %s", argv[5], strerror(r));
	length = atof(argv[2]) * 1e6;
	end = now(CLOCK_BOOTTIME) + atof(argv[1]) * 1e6;
	first = window = (long)(now(CLOCK_BOOTTIME) / length);
	while (now(CLOCK_BOOTTIME) < end) {
		long this = (long)(now(CLOCK_BOOTTIME) / length);

		if (this != window || reads == READS) {
			if (window != first && reads)
				report();
			window = this;
			reads = cpu_max = 0;
		}
		measure(argv[4], clock);
		usleep((useconds_t)atoi(argv[3]));
	}
	return 0;
}

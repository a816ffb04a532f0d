// Prints at once and then in the middle of each period of 5 s of CLOCK_BOOTTIME, for SECONDS:
// the time, the first field of the loadavg file behind descriptor 5, and that of /proc/loadavg.
// The kernel counts every 5 s and a tick or so from its start, the daemon every 5 s: in the
// middle both have counted, and neither counts the reader. Uses next to no CPU time itself.
// loadlog SECONDS
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD = 5000, MIDDLE = 2500 };

static double load(int fd)
{
	char buf[128];
	ssize_t n = pread(fd, buf, sizeof buf - 1, 0);

	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return atof(buf);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	int own = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	long now = now_ms(), end;

	if (argc != 2 || own < 0) {
		fprintf(stderr, "usage: loadlog SECONDS 5</proc/loadavg\n");
		return 100;
	}
	end = now + atol(argv[1]) * 1000;
	while (now < end) {
		double kernel = load(5), here = load(own);

		printf("%ld.%02ld %.2f %.2f\n", now / 1000, now % 1000 / 10, kernel, here);
		fflush(stdout);
		usleep((useconds_t)(PERIOD - (now + MIDDLE) % PERIOD) * 1000);
		now = now_ms();
	}
	return 0;
}

// Prints once a second, for SECONDS: the time, the first field of the loadavg file behind
// descriptor 5, and that of /proc/loadavg. Uses next to no CPU time itself.
// loadlog SECONDS
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double load(int fd)
{
	char buf[128];
	ssize_t n = pread(fd, buf, sizeof buf - 1, 0);

	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return atof(buf);
}

int main(int argc, char **argv)
{
	int own = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);

	if (argc != 2 || own < 0) {
		fprintf(stderr, "usage: loadlog SECONDS 5</proc/loadavg\n");
		return 100;
	}
	for (long i = 0; i <= atol(argv[1]); i++) {
		struct timespec ts;

		clock_gettime(CLOCK_BOOTTIME, &ts);
		printf("%ld.%02ld %.2f %.2f\n", (long)ts.tv_sec, ts.tv_nsec / 10000000, load(5),
			load(own));
		fflush(stdout);
		sleep(1);
	}
	return 0;
}

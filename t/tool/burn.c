// Uses MS milliseconds of CPU time: burn user|sys MS [CPU]
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static long used_ms(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000 +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
}

int main(int argc, char **argv)
{
	long ms = argc >= 3 ? atol(argv[2]) : 0;
	static char buf[1 << 16];
	int zero;

	if (ms <= 0) {
		fprintf(stderr, "usage: burn user|sys MS [CPU]\n");
		return 100;
	}
	if (argc == 4) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(atoi(argv[3]), &set);
		if (sched_setaffinity(0, sizeof set, &set) < 0) {
			perror("sched_setaffinity");
			return 111;
		}
	}
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	while (used_ms() < ms) {
		if (strcmp(argv[1], "sys") == 0) {
			for (int i = 0; i < 100; i++)
				if (read(zero, buf, sizeof buf) < 0)
					return 111;
		} else {
			// A loop that the compiler must leave as it is.
			for (int i = 0; i < 100000; i++)
				__asm__ volatile("" ::: "memory");
		}
	}
	return 0;
}

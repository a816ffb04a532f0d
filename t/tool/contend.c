// contend toggle DIR CONTROLLER SECONDS	switches the controller of a cgroup2 on and off
// contend burn SECONDS			uses a CPU in the kernel, which switching does too
// contend read FILE SECONDS		prints "READS P50_US P99_US MAX_US" of reading it
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READS = 1 << 20 };

static unsigned took[READS];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void toggle(const char *dir, const char *controller, double end)
{
	char path[4096], text[64];
	unsigned long times = 0;
	int fd;

	snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		err(111, "%s", path);
	for (; now() < end || times % 2; times++) {
		int n = snprintf(text, sizeof text, "%c%s", times % 2 ? '-' : '+', controller);

		if (pwrite(fd, text, (size_t)n, 0) != n)
			err(111, "%s", path);
	}
	printf("%lu\n", times);
}

static void burn(double end)
{
	static char buf[1 << 16];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (now() < end)
		if (read(fd, buf, sizeof buf) < 0)
			err(111, "/dev/zero");
	close(fd);
}

static void read_whole(const char *file)
{
	char buf[1 << 14];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, buf, sizeof buf)) > 0)
			;
	if (n < 0)
		err(111, "%s", file);
	close(fd);
}

static int by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	size_t n = 0;
	double end;

	if (argc == 5 && !strcmp(argv[1], "toggle")) {
		toggle(argv[2], argv[3], now() + atof(argv[4]) * 1e6);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "burn")) {
		burn(now() + atof(argv[2]) * 1e6);
		return 0;
	}
	if (argc != 4 || strcmp(argv[1], "read")) {
		fprintf(stderr,
			"usage: contend toggle DIR CONTROLLER SECONDS | burn SECONDS | read FILE SECONDS\n");
		return 100;
	}
	for (end = now() + atof(argv[3]) * 1e6; n < READS && now() < end; n++) {
		double start = now();

		read_whole(argv[2]);
		took[n] = (unsigned)(now() - start);
	}
	qsort(took, n, sizeof took[0], by_value);
	printf("%zu %u %u %u\n", n, took[n / 2], took[n * 99 / 100], took[n - 1]);
	return 0;
}

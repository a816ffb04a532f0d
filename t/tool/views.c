// Reads every FILE from beginning to end, over and over until standard input ends, and
// demands that no open and no read fails: views [FILE...]
//
// Only diskstats may be empty. meminfo must have a MemTotal, cpuinfo and stat a CPU, since
// readers divide by them. Each second round reads at offset 0 of a descriptor that is
// kept. Prints "ready" after the first round and how many there were at the end.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buf[1 << 20];

static int fail(const char *path, const char *why)
{
	printf("%s: %s\n%.2000s", path, why, buf);
	return 1;
}

static int whole(int fd)
{
	ssize_t n, len = 0;

	while ((n = pread(fd, buf + len, sizeof buf - 1 - (size_t)len, len)) > 0)
		len += n;
	buf[n < 0 ? 0 : len] = '\0';
	return n < 0 ? -1 : 0;
}

static int check(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *p;

	if (!buf[0])
		return strcmp(name, "diskstats") ? fail(path, "empty") : 0;
	p = strstr(buf, "MemTotal:");
	if (!strcmp(name, "meminfo") && (!p || strtoull(p + 9, NULL, 10) == 0))
		return fail(path, "no MemTotal");
	if (!strcmp(name, "stat") && !strstr(buf, "\ncpu"))
		return fail(path, "no CPU");
	if (!strcmp(name, "cpuinfo") && !strstr(buf, "processor"))
		return fail(path, "no CPU");
	return 0;
}

static int one(const char *path, int *kept, long round)
{
	int fd = *kept, r;

	if (fd < 0 || round % 2 == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	buf[0] = '\0';
	if (fd < 0)
		return fail(path, strerror(errno));
	r = whole(fd) < 0 ? fail(path, strerror(errno)) : check(path);
	if (*kept < 0)
		*kept = fd;
	else if (fd != *kept)
		close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	static int kept[64];
	long round = 0;

	if (argc < 2 || argc > 64) {
		fprintf(stderr, "usage: views FILE...\n");
		return 100;
	}
	memset(kept, -1, sizeof kept);
	do {
		for (int i = 1; i < argc; i++)
			if (one(argv[i], &kept[i], round))
				return 1;
		if (!round++) {
			printf("ready\n");
			fflush(stdout);
		}
	} while (poll(&in, 1, 0) == 0);
	printf("ok %ld\n", round);
	return 0;
}

// Reads counters over and over and demands that none ever goes back, until standard
// input ends: forward stat|uptime|diskstats FILE
//
// A line is known by its name, so a CPU that is gone for a while and comes again must go
// on where it stopped. What is not a counter (procs_running, I/Os in flight) is left out.
// In stat, the line of all CPUs must never be less than the sum of those listed. Prints
// how many readings there were, and how many different sets of lines.
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 4096, FIELDS = 24, NAME = 40 };

struct line {
	char name[NAME];
	unsigned long long field[FIELDS];
};

static struct line seen[LINES];
static int lines;
static char buf[1 << 18], before[1 << 18];

static int fail(const char *why)
{
	printf("%s\n--- before\n%s--- now\n%s", why, before, buf);
	exit(1);
}

static struct line *line_of(const char *name)
{
	int i = 0;

	while (i < lines && strcmp(seen[i].name, name))
		i++;
	if (i == LINES)
		fail("too many lines");
	if (i == lines)
		snprintf(seen[lines++].name, NAME, "%s", name);
	return &seen[i];
}

// Field 3 of the counters behind a disk's name is none: I/Os in flight.
static int is_counter(const char *kind, const char *name, int i)
{
	if (!strcmp(kind, "diskstats"))
		return i != 8;
	return strncmp(name, "procs_", 6) != 0;
}

static int compare(const char *kind, const char *name, char *p, unsigned long long *now)
{
	struct line *line = line_of(name);
	char why[128];
	int n = 0;

	for (char *word = strtok(p, " "); word && n < FIELDS; word = strtok(NULL, " "), n++) {
		// "12.34" is 1234: uptime always has two decimals.
		char *dot = strchr(word, '.');

		if (dot)
			memmove(dot, dot + 1, strlen(dot));
		now[n] = strtoull(word, NULL, 10);
		if (is_counter(kind, name, n) && now[n] < line->field[n]) {
			snprintf(why, sizeof why, "%s, field %d: %llu after %llu", name, n + 1,
				 now[n], line->field[n]);
			fail(why);
		}
		line->field[n] = now[n];
	}
	return n;
}

static char *name_of(const char *kind, char *p, char *name)
{
	int words = !strcmp(kind, "stat") ? 1 : !strcmp(kind, "diskstats") ? 3 : 0, len = 0;

	name[0] = '\0';
	while (words--) {
		while (*p == ' ')
			p++;
		while (*p && *p != ' ' && len < NAME - 2)
			name[len++] = *p++;
		name[len++] = words ? ' ' : '\0';
	}
	return p;
}

// Which CPUs or disks there are, as a number.
static unsigned long check(const char *kind)
{
	unsigned long long all[FIELDS] = {0}, sum[FIELDS] = {0}, now[FIELDS];
	static char copy[sizeof buf];
	unsigned long set = 5381;
	char name[NAME], *save;

	memcpy(copy, buf, sizeof copy);
	for (char *p = strtok_r(copy, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		char *rest = name_of(kind, p, name);
		int n = compare(kind, name, rest, now);

		for (char *c = name; *c; c++)
			set = set * 33 + (unsigned char)*c;
		if (!strcmp(name, "cpu"))
			memcpy(all, now, (size_t)n * sizeof *now);
		else if (!strncmp(name, "cpu", 3) && isdigit((unsigned char)name[3]))
			for (int i = 0; i < n; i++)
				sum[i] += now[i];
	}
	for (int i = 0; i < FIELDS; i++)
		if (sum[i] > all[i])
			fail("the CPUs have more than their sum");
	return set;
}

static int whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, len = 0;

	while (fd >= 0 && (n = read(fd, buf + len, sizeof buf - 1 - (size_t)len)) > 0)
		len += n;
	buf[len] = '\0';
	if (fd < 0 || n < 0) {
		perror(path);
		exit(111);
	}
	close(fd);
	return len > 0;
}

int main(int argc, char **argv)
{
	unsigned long sets[1024], set;
	long readings = 0;
	struct pollfd in = {.fd = 0, .events = POLLIN};
	int n = 0, i;

	if (argc != 3 || (strcmp(argv[1], "stat") && strcmp(argv[1], "uptime") && strcmp(argv[1], "diskstats"))) {
		fprintf(stderr, "usage: forward stat|uptime|diskstats FILE\n");
		return 100;
	}
	do {
		if (!whole(argv[2]) && strcmp(argv[1], "diskstats"))
			fail("an empty reading");
		set = check(argv[1]);
		for (i = 0; i < n && sets[i] != set; i++)
			;
		if (i == n && n < 1024)
			sets[n++] = set;
		memcpy(before, buf, sizeof before);
		readings++;
	} while (poll(&in, 1, 0) == 0);
	printf("ok %ld readings %d sets\n", readings, n);
	return 0;
}

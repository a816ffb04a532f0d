// Reads the files of DIR (a container's /proc) in turn, whole and in pieces, and
// checks each reading by itself and against the one before:
//	vigil SECONDS MEMTOTAL_KB DIR
// ends after SECONDS, or on SIGTERM, with a line "ok READINGS LONGEST_MS", where a
// reading is an open, the reads and a close. The first reading that fails or is
// wrong ends it with a line that says how, and status 1.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buf[1 << 18];
static size_t len;
static volatile sig_atomic_t told;

static void on_term(int sig)
{
	(void)sig;
	told = 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

__attribute__((noreturn, format(printf, 2, 3))) static void wrong(
	const char *file, const char *format, ...)
{
	va_list ap;

	printf("%s: ", file);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n--- %zu bytes:\n%.*s\n---\n", len, (int)len, buf);
	fflush(stdout);
	_exit(1);
}

// Reads `file` in pieces of that size.
static void take(int dir, const char *file, size_t piece)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	len = 0;
	if (fd < 0)
		wrong(file, "open: %s", strerror(errno));
	do {
		if (piece > sizeof buf - 1 - len)
			piece = sizeof buf - 1 - len;
		n = read(fd, buf + len, piece);
		if (n < 0)
			wrong(file, "read at %zu: %s", len, strerror(errno));
		len += (size_t)n;
	} while (n > 0);
	buf[len] = '\0';
	if (close(fd) < 0)
		wrong(file, "close: %s", strerror(errno));
	if (!len || buf[len - 1] != '\n')
		wrong(file, "has no end");
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += buf[i] == '\n';
	return n;
}

// "Key:   123 kB"
static int is_meminfo_line(const char *p)
{
	size_t key = strcspn(p, ": \n");

	if (!key || p[key] != ':')
		return 0;
	p += key + 1;
	p += strspn(p, " ");
	if (!isdigit((unsigned char)*p))
		return 0;
	p += strspn(p, "0123456789");
	return *p == '\n' || strncmp(p, " kB\n", 4) == 0;
}

static void meminfo(const char *file, unsigned long total)
{
	static unsigned count;
	static char last[64];
	unsigned long value, unused = 0;
	const char *line = buf;

	if (sscanf(buf, "MemTotal: %lu kB\nMemFree: %lu kB", &value, &unused) != 2 ||
	    value != total || unused > total)
		wrong(file, "should begin with %lu kB", total);
	if (!count)
		count = lines();
	if (lines() != count)
		wrong(file, "has %u lines, before %u", lines(), count);
	for (const char *p = buf; *p; p = strchr(p, '\n') + 1) {
		if (!is_meminfo_line(p))
			wrong(file, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
		line = p;
	}
	if (!*last)
		snprintf(last, sizeof last, "%.*s", (int)strcspn(line, ":"), line);
	if (strncmp(line, last, strlen(last)))
		wrong(file, "does not end with %s", last);
}

enum { TIMES = 10 };

static void stat_file(const char *file)
{
	static unsigned long long before[TIMES];
	static unsigned count;
	unsigned long long sum[TIMES] = {0}, all[TIMES] = {0};
	unsigned cpus = 0;

	for (const char *p = buf; strncmp(p, "cpu", 3) == 0; p = strchr(p, '\n') + 1) {
		unsigned long long *to = p[3] == ' ' ? all : sum;
		char *end = (char *)(p + 3 + strcspn(p + 3, " \n"));

		cpus += p[3] != ' ';
		for (int i = 0; i < TIMES; i++) {
			const char *from = end;
			to[i] += strtoull(from, &end, 10);
			if (end == from)
				wrong(file, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
		}
		if (*end != '\n')
			wrong(file, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
	}
	if (!count)
		count = cpus;
	if (!cpus || cpus != count)
		wrong(file, "has %u CPUs, before %u", cpus, count);
	if (!strstr(buf, "\nintr ") || !strstr(buf, "\nbtime ") || !strstr(buf, "\nprocesses "))
		wrong(file, "is not whole");
	for (int i = 0; i < TIMES; i++) {
		if (all[i] != sum[i])
			wrong(file, "column %d: %llu in all, %llu for the CPUs", i, all[i], sum[i]);
		if (all[i] < before[i])
			wrong(file, "column %d went back from %llu", i, before[i]);
		before[i] = all[i];
	}
}

static void uptime(const char *file)
{
	static double before, idle_before;
	double up, idle;
	int end = 0;

	if (sscanf(buf, "%lf %lf%n", &up, &idle, &end) != 2 || strcmp(buf + end, "\n"))
		wrong(file, "is not two numbers");
	if (up < before || idle < idle_before)
		wrong(file, "went back from %.2f %.2f", before, idle_before);
	before = up;
	idle_before = idle;
}

static void loadavg(const char *file)
{
	double a, b, c;
	long running, all, last;
	int end = 0;

	if (sscanf(buf, "%lf %lf %lf %ld/%ld %ld%n", &a, &b, &c, &running, &all, &last, &end) != 6 ||
	    strcmp(buf + end, "\n"))
		wrong(file, "is not a load average");
}

static void cpuinfo(const char *file)
{
	static unsigned count;
	unsigned cpus = 0;

	for (const char *p = buf; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		cpus += strncmp(p, "processor\t", 10) == 0;
	if (!count)
		count = cpus;
	if (!cpus || cpus != count)
		wrong(file, "has %u processors, before %u", cpus, count);
}

static void swaps(const char *file)
{
	if (strncmp(buf, "Filename", 8))
		wrong(file, "has no header");
}

int main(int argc, char **argv)
{
	static const char *const files[] = {"meminfo", "stat", "uptime", "loadavg", "cpuinfo",
					    "swaps"};
	static const size_t pieces[] = {131072, 1024, 4096, 97, 131072, 300};
	double end, longest = 0;
	unsigned long total, n;
	int dir;

	if (argc != 4) {
		fprintf(stderr, "usage: vigil SECONDS MEMTOTAL_KB DIR\n");
		return 100;
	}
	end = now() + atof(argv[1]);
	total = strtoul(argv[2], NULL, 10);
	signal(SIGTERM, on_term);
	dir = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		perror(argv[3]);
		return 111;
	}
	for (n = 0; !told && now() < end; n++) {
		const char *file = files[n % 6];
		size_t piece = pieces[(n + n / 6) % 6];
		double start = now(), took;

		// A byte at a time, as a shell's read does.
		take(dir, file, n % 6 == 2 && n % 5 == 0 ? 1 : piece);
		took = now() - start;
		longest = took > longest ? took : longest;
		switch (n % 6) {
		case 0: meminfo(file, total); break;
		case 1: stat_file(file); break;
		case 2: uptime(file); break;
		case 3: loadavg(file); break;
		case 4: cpuinfo(file); break;
		case 5: swaps(file); break;
		}
	}
	printf("ok %lu %.0f\n", n, longest * 1000);
	return 0;
}

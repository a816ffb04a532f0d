// What is right of the files that vigil reads: struct reading is one reading of one of
// them, and check functions end the program when it is not.
#ifndef T_TOOL_VIGIL_H
#define T_TOOL_VIGIL_H

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 6 };

struct reading {
	const char *file;
	int fd;
	double opened, first; // CLOCK_BOOTTIME, around the first read
	size_t len;
	char buf[1 << 17];
};

// What the container has.
static unsigned long total;
static unsigned cpus;

__attribute__((noreturn, format(printf, 2, 3))) static void wrong(
	const struct reading *r, const char *format, ...)
{
	va_list ap;

	printf("%s: ", r->file);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n--- %zu bytes:\n%.*s\n---\n", r->len, (int)r->len, r->buf);
	fflush(stdout);
	_exit(1);
}

// The next line, or NULL.
static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p && p[1] ? p + 1 : NULL;
}

// "Key:   123 kB"; its number.
static unsigned long meminfo_line(const struct reading *r, const char *p, size_t *key)
{
	char *rest;
	unsigned long value;

	*key = strcspn(p, ": \n");
	value = strtoul(p + *key + 1, &rest, 10);
	if (!*key || p[*key] != ':' || !isdigit((unsigned char)rest[-1]) ||
	    (*rest != '\n' && strncmp(rest, " kB\n", 4)))
		wrong(r, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
	return value;
}

static unsigned long meminfo_of(const struct reading *r, const char *key)
{
	size_t len;

	for (const char *p = r->buf; p; p = next_line(p)) {
		unsigned long value = meminfo_line(r, p, &len);

		if (strlen(key) == len && memcmp(p, key, len) == 0)
			return value;
	}
	wrong(r, "has no %s", key);
}

static void meminfo_sum(const struct reading *r, const char *sum, const char *a, const char *b)
{
	unsigned long whole = meminfo_of(r, sum), parts = meminfo_of(r, a) + meminfo_of(r, b);

	// In kB each rounded down.
	if (whole < parts || whole > parts + 1)
		wrong(r, "%s is %lu, %s and %s are %lu", sum, whole, a, b, parts);
}

static void meminfo(const struct reading *r)
{
	static unsigned count;
	static char last[64];
	const char *line = r->buf;
	unsigned n = 0;
	size_t key;

	for (const char *p = r->buf; p; p = next_line(p), n++) {
		meminfo_line(r, p, &key);
		line = p;
	}
	if (strncmp(r->buf, "MemTotal:", 9) || meminfo_of(r, "MemTotal") != total)
		wrong(r, "should begin with %lu kB", total);
	if (meminfo_of(r, "MemAvailable") > total)
		wrong(r, "has more available than there is");
	if (meminfo_of(r, "MemFree") > meminfo_of(r, "MemAvailable"))
		wrong(r, "has more free than available");
	meminfo_sum(r, "Active", "Active(anon)", "Active(file)");
	meminfo_sum(r, "Inactive", "Inactive(anon)", "Inactive(file)");
	meminfo_line(r, line, &key);
	if (!count) {
		count = n;
		snprintf(last, sizeof last, "%.*s", (int)key, line);
	}
	if (n != count || strncmp(line, last, strlen(last)))
		wrong(r, "has %u lines, before %u that ended with %s", n, count, last);
}

enum { TIMES = 10, IDLE = 3 };

static void stat_file(const struct reading *r)
{
	static unsigned long long before[TIMES];
	unsigned long long sum[TIMES] = {0}, all[TIMES] = {0};
	unsigned n = 0;

	for (const char *p = r->buf; p && strncmp(p, "cpu", 3) == 0; p = next_line(p)) {
		unsigned long long *to = p[3] == ' ' ? all : sum;
		char *rest = (char *)(p + 3 + strcspn(p + 3, " \n"));

		n += p[3] != ' ';
		for (int i = 0; i < TIMES; i++) {
			const char *from = rest;
			to[i] += strtoull(from, &rest, 10);
			if (rest == from)
				wrong(r, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
		}
		if (*rest != '\n')
			wrong(r, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
	}
	if (n != cpus)
		wrong(r, "has %u CPUs, not %u", n, cpus);
	if (!strstr(r->buf, "\nintr ") || !strstr(r->buf, "\nbtime ") ||
	    !strstr(r->buf, "\nprocesses "))
		wrong(r, "is not whole");
	for (int i = 0; i < TIMES; i++) {
		// Each CPU's idle time is held back by itself when it was shown too long.
		unsigned long long slack = i == IDLE && cpus > 1 ? 100 : 0;

		if (all[i] + slack < sum[i] || all[i] > sum[i] + slack)
			wrong(r, "column %d: %llu in all, %llu for the CPUs", i, all[i], sum[i]);
		if (all[i] < before[i])
			wrong(r, "column %d went back from %llu", i, before[i]);
		before[i] = all[i];
	}
}

// The container was started at one time, whenever and however it is asked.
static void uptime(const struct reading *r)
{
	static double idle_before, earliest = -1e9, latest = 1e9;
	const double tick = 0.011;
	double up, idle;
	int rest = 0;

	if (sscanf(r->buf, "%lf %lf%n", &up, &idle, &rest) != 2 || strcmp(r->buf + rest, "\n"))
		wrong(r, "is not two numbers");
	if (idle < idle_before)
		wrong(r, "idle went back from %.2f", idle_before);
	idle_before = idle;
	if (r->opened - up - tick > earliest)
		earliest = r->opened - up - tick;
	if (r->first - up + tick < latest)
		latest = r->first - up + tick;
	if (earliest > latest)
		wrong(r, "was read from %.2f to %.2f; started between %.2f and %.2f", r->opened,
		      r->first, latest, earliest);
}

static void loadavg(const struct reading *r)
{
	double a, b, c;
	long running, all, last;
	int rest = 0;

	if (sscanf(r->buf, "%lf %lf %lf %ld/%ld %ld%n", &a, &b, &c, &running, &all, &last,
		   &rest) != 6 ||
	    strcmp(r->buf + rest, "\n") || a < 0 || a > 1000 || running > all)
		wrong(r, "is not a load average");
}

// Nothing in it changes but the frequency.
static void cpuinfo(const struct reading *r)
{
	static char first[sizeof r->buf];
	char *to = first;
	int begun = *first != '\0';
	unsigned n = 0;

	for (const char *p = r->buf; p; p = next_line(p)) {
		size_t len = strcspn(p, "\n") + 1;

		n += strncmp(p, "processor\t", 10) == 0;
		if (strncmp(p, "cpu MHz", 7) == 0)
			continue;
		if (!begun)
			memcpy(to, p, len);
		else if (strncmp(to, p, len))
			wrong(r, "has a line '%.*s', before '%.*s'", (int)len - 1, p,
			      (int)strcspn(to, "\n"), to);
		to += len;
	}
	if (n != cpus || (begun && *to))
		wrong(r, "has %u processors, not %u", n, cpus);
}

static void swaps(const struct reading *r)
{
	if (strncmp(r->buf, "Filename", 8))
		wrong(r, "has no header");
	for (const char *p = next_line(r->buf); p; p = next_line(p)) {
		unsigned long size, used;
		int rest = 0;

		if (sscanf(p, "%*s %*s %lu %lu %*d%n", &size, &used, &rest) != 2 ||
		    p[rest] != '\n' || used > size)
			wrong(r, "has a line '%.*s'", (int)strcspn(p, "\n"), p);
	}
}

static const struct {
	const char *file;
	void (*check)(const struct reading *r);
} files[FILES] = {
	{"meminfo", meminfo}, {"stat", stat_file}, {"uptime", uptime},
	{"loadavg", loadavg}, {"cpuinfo", cpuinfo}, {"swaps", swaps},
};

#endif

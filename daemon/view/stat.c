/*
 * /proc/stat: the container's CPU times between lines that are the host's. Lines keep the
 * host's order and lines unknown here pass through, as do fields of "cpu" lines behind
 * the ten that Linux has had since 2.6.33.
 */
#include "daemon/view.h"

#include <string.h>

enum { FIELDS = 10 };

/* The fields of a "cpu" line; -1 is always 0 for a container. */
static const signed char fields[FIELDS] = {
	CPU_USER, CPU_NICE, CPU_SYSTEM, CPU_IDLE,
	-1,            /* iowait: cgroups do not count it */
	-1,            /* irq */
	-1,            /* softirq */
	CPU_STEAL, -1, /* guest */
	-1,            /* guest_nice */
};

/* "cpu", or "cpu" and a number; *cpu is then that. */
static bool is_cpu(struct slice key, uint64_t *cpu)
{
	if (key.len < 3 || memcmp(key.p, "cpu", 3))
		return false;
	*cpu = UINT64_MAX;
	return key.len == 3 || slice_u64((struct slice){key.p + 3, key.len - 3}, cpu);
}

/* How many fields the host's kernel prints, and what is behind the tenth, if anything. */
static unsigned count_fields(struct slice line, struct slice *rest)
{
	struct slice word;
	unsigned n = 0;

	slice_word(&line, &word);
	*rest = (struct slice){0};
	while (n < FIELDS && slice_word(&line, &word))
		n++;
	if (n == FIELDS)
		*rest = line;
	return n;
}

static void out_times(struct outbuf *out, const uint64_t ticks[CPU_TIMES], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		out_char(out, ' ');
		out_u64(out, fields[i] < 0 ? 0 : ticks[(int)fields[i]]);
	}
}

/* The host's line of that CPU, from *cursor on, since CPUs come in order. Looked for only
 * where the kernel has fields that are not known here. */
static void out_unknown(struct outbuf *out, const char **cursor, unsigned cpu)
{
	const char *p = *cursor;
	struct slice line, copy, key, rest;
	uint64_t n;

	while (procfile_line(&p, &line)) {
		copy = line;
		if (!slice_word(&copy, &key) || !is_cpu(key, &n) || n > cpu)
			return;
		*cursor = p;
		if (n < cpu)
			continue;
		if (count_fields(line, &rest) == FIELDS)
			out_mem(out, rest.p, rest.len);
		return;
	}
}

static void out_cpus(struct outbuf *out, const struct cpus *cpus,
	const uint64_t sum[CPU_TIMES], const char *text, struct slice line)
{
	struct cpuview_cursor cursor = {0};
	uint64_t ticks[CPU_TIMES];
	struct slice unknown;
	unsigned count = count_fields(line, &unknown), number;
	int cpu = cpuset_next(&cpus->set, 0);

	out_str(out, "cpu ");
	out_times(out, sum, count);
	out_mem(out, unknown.p, unknown.len);
	out_char(out, '\n');
	while (cpuview_line(&cursor, &number, ticks)) {
		out_str(out, "cpu");
		out_u64(out, number);
		out_times(out, ticks, count);
		if (unknown.len && cpu >= 0) {
			out_unknown(out, &text, (unsigned)cpu);
			cpu = cpuset_next(&cpus->set, (unsigned)cpu + 1);
		}
		out_char(out, '\n');
	}
}

static void out_pair(struct outbuf *out, const char *key, uint64_t value)
{
	out_str(out, key);
	out_char(out, ' ');
	out_u64(out, value);
	out_char(out, '\n');
}

static int64_t boot_offset(const struct subject *subject)
{
	return container_boot_offset(subject->ct, subject->host, subject->now_ns);
}

/* A time namespace moves boot by what it adds to the time since; the seconds of that are
 * shown, rounded down (fs/proc/stat.c, 5.6). */
static bool out_btime(
	struct outbuf *out, const struct subject *subject, struct slice line)
{
	static const int64_t second = 1000000000;
	const int64_t offset = boot_offset(subject);
	int64_t seconds = offset / second, ns = offset % second;
	struct slice word;
	uint64_t btime;

	if (!offset || !slice_word(&line, &word) || !slice_u64(word, &btime))
		return false;
	if (ns < 0) {
		seconds--;
		ns += second;
	}
	if (ns && host_boot_fraction() < (uint64_t)ns)
		seconds++;
	out_pair(out, "btime", btime - (uint64_t)seconds);
	return true;
}

/* Thousands of numbers on a large host, and all of them the host's: only their total.
 * softirq has a fixed number of fields, and some readers insist on every one. */
static bool out_intr(struct outbuf *out, const struct subject *subject, struct slice line)
{
	struct slice total;

	if (subject->policy->intr || !slice_word(&line, &total))
		return false;
	out_str(out, "intr ");
	out_mem(out, total.p, total.len);
	out_char(out, '\n');
	return true;
}

/* Writes what the container sees in place of the host's line; false for nothing else. */
static bool out_changed(struct outbuf *out, const struct subject *subject,
	struct slice key, struct slice rest)
{
	const struct load_counts *load = subject->load;

	if (slice_is(key, "intr"))
		return out_intr(out, subject, rest);
	if (slice_is(key, "btime"))
		return out_btime(out, subject, rest);
	if (load && slice_is(key, "procs_running"))
		out_pair(out, "procs_running", load->running);
	else if (load && slice_is(key, "procs_blocked"))
		out_pair(out, "procs_blocked", load->blocked);
	else
		return false;
	return true;
}

static void out_host_lines(struct outbuf *out, const struct subject *subject,
	const struct cpus *cpus, const uint64_t sum[CPU_TIMES], const char *text)
{
	struct slice line, rest, key;
	const char *cursor = text;
	bool times = false;
	uint64_t cpu;

	while (procfile_line(&cursor, &line)) {
		rest = line;
		if (!slice_word(&rest, &key))
			key = (struct slice){0};
		if (is_cpu(key, &cpu)) {
			if (!times)
				out_cpus(out, cpus, sum, cursor, line);
			times = true;
		} else if (!out_changed(out, subject, key, rest)) {
			out_line(out, line.p, line.len);
		}
	}
}

/* Without times of its own a container has the host's file, with the btime that goes with
 * its uptime. */
static int host_but_btime(
	struct outbuf *out, const struct subject *subject, const char *cursor)
{
	struct slice line, rest, key;

	if (!boot_offset(subject))
		return VIEW_HOST;
	while (procfile_line(&cursor, &line)) {
		rest = line;
		if (!slice_word(&rest, &key) || !slice_is(key, "btime") ||
			!out_btime(out, subject, rest))
			out_line(out, line.p, line.len);
	}
	return VIEW_DONE;
}

int view_stat(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	uint64_t sum[CPU_TIMES];
	struct slice host;
	struct cpus cpus;

	(void)arg;
	if (host_text(subject->host, HOST_STAT, &host) < 0)
		return VIEW_HOST;
	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (cpuview_times(subject->cpuview, subject->ct, subject->host, &cpus,
		    subject->now_ns, sum) != CG_OK)
		return host_but_btime(out, subject, host.p);
	out_host_lines(out, subject, &cpus, sum, host.p);
	return VIEW_DONE;
}

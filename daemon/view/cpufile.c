/*
 * Files that pass through from the host's /sys/devices/system/cpu. The files of a container's
 * CPU are those of the host's CPU behind it, and lists and masks of CPUs name the
 * container's alone, by its numbers: topology/core_cpus, cache/index0/shared_cpu_list.
 */
#include "daemon/view/cpulist.h"

#include <stdio.h>
#include <string.h>

enum form { FORM_OTHER, FORM_LIST, FORM_MASK };

static bool ends(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

/* What the file holds, by its name (drivers/base/topology.c, cacheinfo.c and cpu.c,
 * Linux 6.18). */
static enum form form_of(int cpu, const char *path)
{
	if (cpu < 0)
		return !strcmp(path, "enabled") || !strcmp(path, "isolated") ||
				       !strcmp(path, "nohz_full")
			       ? FORM_LIST
			       : FORM_OTHER;
	if (strncmp(path, "topology/", 9) && strncmp(path, "cache/", 6))
		return FORM_OTHER;
	if (ends(path, "_list"))
		return FORM_LIST;
	return ends(path, "_cpus") || ends(path, "_siblings") || ends(path, "_cpu_map")
		       ? FORM_MASK
		       : FORM_OTHER;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "ff,00000003\n" */
static bool parse_mask(struct slice text, struct cpuset *set)
{
	unsigned cpu = 0;

	*set = (struct cpuset){0};
	for (size_t i = text.len; i--;) {
		int digit = hex_digit(text.p[i]);

		if (text.p[i] == ',' || text.p[i] == '\n')
			continue;
		if (digit < 0)
			return false;
		for (int bit = 0; bit < 4; bit++)
			if (digit >> bit & 1)
				cpuset_add(set, cpu + (unsigned)bit);
		cpu += 4;
	}
	return cpu > 0;
}

/* In the places of the host's digits. */
static void out_mask(struct outbuf *out, struct slice text, const struct cpuset *set)
{
	char *to = out_reserve(out, text.len);
	unsigned cpu = 0;

	if (!to)
		return;
	out->len += text.len;
	for (size_t i = text.len; i--;) {
		unsigned digit = 0;

		to[i] = text.p[i];
		if (hex_digit(to[i]) < 0)
			continue;
		for (unsigned bit = 0; bit < 4; bit++)
			digit |= (unsigned)cpuset_has(set, cpu + bit) << bit;
		to[i] = "0123456789abcdef"[digit];
		cpu += 4;
	}
}

static int out_cpus(
	struct outbuf *out, const struct cpus *cpus, struct slice text, enum form form)
{
	struct cpuset set;

	if (form == FORM_MASK ? !parse_mask(text, &set) : cpuset_parse(&set, text.p) < 0)
		return VIEW_HOST;
	cpuview_number(cpus, &set);
	if (form == FORM_MASK)
		out_mask(out, text, &set);
	else
		out_cpu_list(out, &set);
	return VIEW_DONE;
}

static int out_switch(struct outbuf *out, const struct cpus *cpus, unsigned cpu)
{
	struct cpuset set = cpus->set;

	cpuview_number(cpus, &set);
	out_str(out, cpuset_has(&set, cpu) ? "1\n" : "0\n");
	return VIEW_DONE;
}

int view_cpu_file(
	struct outbuf *out, const struct subject *subject, int cpu, const char *path)
{
	const enum form form = form_of(cpu, path);
	static struct textbuf text;
	struct cpus cpus;
	char place[512];
	struct slice have;

	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (!cpus.known)
		return VIEW_HOST;
	if (cpu >= 0 && !strcmp(path, "online"))
		return out_switch(out, &cpus, (unsigned)cpu);
	if (form == FORM_OTHER && !cpus.renumber)
		return VIEW_HOST;
	if (cpu >= 0)
		snprintf(place, sizeof(place), "cpu%u/%s",
			cpuview_behind(&cpus, (unsigned)cpu), path);
	if (procfile_read(subject->host->syscpu, cpu >= 0 ? place : path, &text) < 0)
		return VIEW_HOST;
	have = (struct slice){text.data, text.len};
	if (form != FORM_OTHER)
		return out_cpus(out, &cpus, have, form);
	out_mem(out, have.p, have.len);
	return VIEW_DONE;
}

unsigned view_cpu_behind(const struct subject *subject, unsigned cpu)
{
	struct cpus cpus;

	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	return cpuview_behind(&cpus, cpu);
}

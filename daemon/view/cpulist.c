/*
 * /sys/devices/system/cpu/{online,present,possible,offline}: which CPUs there are. They
 * always agree with cpuinfo and stat, since the same function says so. `possible` is 0 to
 * the highest CPU that is online: programs that index by the number of the CPU they run
 * on size their tables by it.
 */
#include "daemon/view/cpulist.h"

void out_cpu_list(struct outbuf *out, const struct cpuset *set)
{
	size_t size = cpuset_format(set, NULL, 0) + 1;
	char *to = out_reserve(out, size);

	if (to)
		out->len += cpuset_format(set, to, size);
	out_char(out, '\n');
}

/* The CPUs below the highest of a set that are in it if `in`, and that are not. */
static void fill(struct cpuset *set, bool in)
{
	struct cpuset filled = {0};
	unsigned cpu = 0;

	for (int next = cpuset_next(set, 0); next >= 0; next = cpuset_next(set, cpu)) {
		for (; cpu < (unsigned)next; cpu++)
			cpuset_add(&filled, cpu);
		if (in)
			cpuset_add(&filled, cpu);
		cpu++;
	}
	*set = filled;
}

int view_cpu_list(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	struct cpuset set;
	struct cpus cpus;

	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (!cpus.known)
		return VIEW_HOST;
	set = cpus.set;
	cpuview_number(&cpus, &set);
	if (arg >= CPU_POSSIBLE)
		fill(&set, arg == CPU_POSSIBLE);
	out_cpu_list(out, &set);
	return VIEW_DONE;
}

/*
 * /sys/devices/system/cpu/{online,present,possible,offline,cpuN/online}: which CPUs there
 * are. They always agree with cpuinfo and stat, since the same function says so. Without
 * --enable-cfs CPUs keep the host's numbers, and what is present or possible is the
 * host's, too.
 */
#include "daemon/view.h"

static void out_list(struct outbuf *out, const struct cpuset *set)
{
	size_t size = cpuset_format(set, NULL, 0) + 1;
	char *to = out_reserve(out, size);

	if (to)
		out->len += cpuset_format(set, to, size);
	out_char(out, '\n');
}

int view_cpu_list(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	struct cpuset first = {0};
	struct cpus cpus;

	if (arg != CPU_ONLINE && !subject->policy->cfs)
		return VIEW_HOST;
	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (!cpus.known)
		return VIEW_HOST;
	if (arg >= CPU_SWITCH) {
		/* A number beyond them is the host's CPU of that number. */
		if (arg - CPU_SWITCH >= cpus.count)
			return VIEW_HOST;
		out_char(out, '1');
	}
	if (arg >= CPU_OFFLINE) {
		out_char(out, '\n');
		return VIEW_DONE;
	}
	for (unsigned i = 0; cpus.renumber && i < cpus.count; i++)
		cpuset_add(&first, i);
	out_list(out, cpus.renumber ? &first : &cpus.set);
	return VIEW_DONE;
}

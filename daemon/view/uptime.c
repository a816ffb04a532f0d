/*
 * /proc/uptime: how long the container's init has run, and how long its CPUs were idle in
 * that time, the same figure as in stat.
 */
#include "daemon/view.h"

int view_uptime(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	uint64_t ticks[CPU_TIMES], age_ns = 0, idle, hz = (uint64_t)subject->host->hz;
	struct cpus cpus;

	(void)arg;
	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (cpuview_times(subject->cpuview, subject->ct, subject->host, &cpus,
		    subject->now_ns, ticks) != CG_OK)
		return VIEW_HOST;
	if (subject->now_ns > subject->ct->start_ns)
		age_ns = subject->now_ns - subject->ct->start_ns;
	/* In two steps, since ticks * 100 could overflow. */
	idle = ticks[CPU_IDLE] / hz * 100 + ticks[CPU_IDLE] % hz * 100 / hz;
	out_hundredths(out, age_ns / 10000000);
	out_char(out, ' ');
	out_hundredths(out, idle);
	out_char(out, '\n');
	return VIEW_DONE;
}

/*
 * /proc/uptime: how long the container's init has run, or in a time namespace that moves
 * boot the time since then; and how long its CPUs were idle since init started, the same
 * figure as in stat, which is the host's where stat is.
 */
#include "daemon/view.h"

static void out_idle(struct outbuf *out, uint64_t ticks, uint64_t hz)
{
	/* In two steps, since ticks * 100 could overflow. */
	out_hundredths(out, ticks / hz * 100 + ticks % hz * 100 / hz);
}

/* The second number of the host's file. */
static bool host_idle(const struct subject *subject, struct slice *idle)
{
	struct slice text, line;

	return host_text(subject->host, HOST_UPTIME, &text) == 0 &&
	       procfile_line(&text.p, &line) && slice_word(&line, idle) &&
	       slice_word(&line, idle);
}

/* In a time namespace the kernel shows start times as moved by its offset, and btime too:
 * ps subtracts them from this. */
static uint64_t uptime_ns(const struct subject *subject)
{
	const uint64_t now = subject->now_ns, start = subject->ct->start_ns;
	const int64_t offset =
		container_boot_offset(subject->ct, subject->host, subject->now_ns);
	const uint64_t up = now + (uint64_t)offset;

	if (!offset)
		return now > start ? now - start : 0;
	return offset < 0 && up > now ? 0 : up;
}

int view_uptime(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	uint64_t ticks[CPU_TIMES];
	struct slice idle = {0};
	struct cpus cpus;
	bool own;

	(void)arg;
	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	own = cpuview_times(subject->cpuview, subject->ct, subject->host, &cpus,
		      subject->now_ns, ticks) == CG_OK;
	if (!own && !host_idle(subject, &idle))
		return VIEW_HOST;
	out_hundredths(out, uptime_ns(subject) / 10000000);
	out_char(out, ' ');
	if (own)
		out_idle(out, ticks[CPU_IDLE], (uint64_t)subject->host->hz);
	else
		out_mem(out, idle.p, idle.len);
	out_char(out, '\n');
	return VIEW_DONE;
}

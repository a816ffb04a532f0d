/*
 * loadavg (fs/proc/loadavg.c, Linux 6.12): three averages, rounded to hundredths, tasks
 * that run of all, and the last pid. Averages and tasks are those of the last count.
 */
#include "daemon/view.h"

/* Half a hundredth is added, the rest is cut off. */
static void out_average(struct outbuf *out, uint64_t avg)
{
	avg += LOAD_ONE / 200;
	out_hundredths(out, (avg >> LOAD_SHIFT) * 100 +
				    (((avg & (LOAD_ONE - 1)) * 100) >> LOAD_SHIFT));
	out_char(out, ' ');
}

int view_loadavg(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	const struct load_counts *load = subject->load;

	(void)arg;
	if (!load)
		return VIEW_HOST;
	for (int i = 0; i < LOAD_TERMS; i++)
		out_average(out, load->avg[i]);
	out_u64(out, load->running);
	out_char(out, '/');
	out_u64(out, load->total);
	out_char(out, ' ');
	out_u64(out, load->last_pid);
	out_char(out, '\n');
	return VIEW_DONE;
}

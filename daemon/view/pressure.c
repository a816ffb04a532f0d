/*
 * pressure/cpu, io, memory and irq: the file of the container's cgroup2, as it is. A
 * cgroup without one (root, or cgroup.pressure switched off) shows its nearest
 * ancestor's.
 */
#include "daemon/view.h"

/* arg is the fact, one of CGF_PRESSURE_*. */
int view_pressure(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	const char *text;

	if (container_nearest(subject->ct, (enum cg_fact)arg, &text, NULL) != CG_OK)
		return VIEW_HOST;
	out_str(out, text);
	return VIEW_DONE;
}

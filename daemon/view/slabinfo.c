/*
 * slabinfo: the container's list where the kernel keeps one (v1; since Linux 5.9 the
 * file is there and empty), else the heading alone. The host's slabs are not the
 * container's, and reading them takes a mutex for a walk over every cache: the heading,
 * the same in every kernel we run on, is not worth that.
 */
#include "daemon/view.h"

#include <string.h>

static const char heading[] =
	"slabinfo - version: 2.1\n"
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	" : tunables <limit> <batchcount> <sharedfactor>"
	" : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

int view_slabinfo(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	const char *text;

	(void)arg;
	if (container_text(subject->ct, CGF_SLABINFO, 0, &text) != CG_OK ||
		strncmp(text, heading, strcspn(heading, "\n")))
		text = heading;
	out_str(out, text);
	return VIEW_DONE;
}

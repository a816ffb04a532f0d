/*
 * swaps: one line that stands for all the swap the container may use. The columns are
 * those of swap_show() in mm/swapfile.c.
 */
#include "daemon/view/memory.h"

#include <string.h>

static const char heading[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority";

/* The kernel puts one tab more behind numbers of less than eight digits. */
static void column(struct outbuf *out, uint64_t kb, bool wide)
{
	out_u64(out, kb);
	out_str(out, wide && kb < 10000000 ? "\t\t" : "\t");
}

/* Linux 5.9 and before have Size and Used one tab wide. */
static struct slice host_heading(const struct subject *subject, bool *wide)
{
	struct slice text, line;
	const char *cursor;

	*wide = true;
	if (host_text(subject->host, HOST_SWAPS, &text) < 0)
		return (struct slice){heading, sizeof(heading) - 1};
	cursor = text.p;
	if (!procfile_line(&cursor, &line) || line.len < 8 ||
		memcmp(line.p, "Filename", 8))
		return (struct slice){heading, sizeof(heading) - 1};
	*wide = memmem(line.p, line.len, "Size\t\t", 6);
	return line;
}

int view_swaps(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	struct memory memory;
	struct slice head;
	bool wide;

	(void)arg;
	if (memory_read(subject, MEMORY_TOTALS, &memory) != VIEW_DONE)
		return VIEW_HOST;
	head = host_heading(subject, &wide);
	out_mem(out, head.p, head.len);
	out_char(out, '\n');
	if (!memory.swap_total)
		return VIEW_DONE;
	out_str_left(out, "none", 40);
	out_str(out, "virtual\t\t");
	column(out, memory.swap_total, wide);
	column(out, memory.swap_used, wide);
	out_str(out, "0\n");
	return VIEW_DONE;
}

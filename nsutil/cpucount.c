/*
 * See cpucount.h.
 */
#include "nsutil/cpucount.h"

#include "nsutil/cpuset.h"
#include "nsutil/procfile.h"

#include <errno.h>
#include <string.h>

/* By the numbers of their lines in /proc/stat. 0 or -errno. */
static int online(int procfd, unsigned *out)
{
	struct textbuf text = {0};
	struct slice line, name;
	const char *rest;
	uint64_t cpu;
	int r = procfile_read(procfd, "stat", &text);

	*out = 1;
	for (rest = text.data; r == 0 && procfile_line(&rest, &line);) {
		if (!slice_word(&line, &name) || name.len < 4 || memcmp(name.p, "cpu", 3))
			continue;
		if (slice_u64((struct slice){name.p + 3, name.len - 3}, &cpu) &&
			cpu >= *out && cpu < CPUSET_MAX)
			*out = (unsigned)cpu + 1;
	}
	textbuf_deinit(&text);
	return r;
}

int cpucount_possible(int procfd, int sysfd, unsigned *out)
{
	struct textbuf text = {0};
	struct cpuset set;
	unsigned count = 0;
	int r = sysfd < 0 ? -ENOENT
			  : procfile_read(sysfd, "devices/system/cpu/possible", &text);

	if (r >= 0 && cpuset_parse(&set, text.data) == 0)
		for (int cpu = -1; (cpu = cpuset_next(&set, (unsigned)(cpu + 1))) >= 0;)
			count = (unsigned)cpu + 1;
	textbuf_deinit(&text);
	*out = count;
	if (r < 0 && r != -ENOENT && r != -EACCES)
		return r;
	return count ? 0 : online(procfd, out);
}

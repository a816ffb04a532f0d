/*
 * /proc/cpuinfo: the blocks of the container's CPUs, by the numbers that stat and the CPU
 * lists have for them. The architecture is told from the text, not from the build.
 *
 * Most (x86, arm, arm64, riscv, mips, ppc64 and others) print blocks that begin with a
 * "processor" line and end with a blank one; what stands before the first and behind the
 * last belongs to all (mips: system type; arm: Hardware; ppc64: timebase). s390x prints a
 * summary with the number of CPUs and a line for each, then blocks that begin with a
 * blank line and "cpu number" (arch/s390/kernel/processor.c).
 */
#include "daemon/view.h"

#include <string.h>

struct render {
	struct outbuf *out;
	const struct cpus *cpus;
	unsigned blocks; /* written so far */
	bool hidden;     /* inside the block of a CPU that is not the container's */
	unsigned blanks; /* s390x: blank lines held back until it is known whose they are
			  */
};

/* "KEY<blanks>: N..." or, without `colon`, "KEY N...": where N stands in the line. */
static bool numbered(struct slice line, const char *key, bool colon, struct slice *number,
	uint64_t *value)
{
	size_t n = strlen(key), at = n, digits;

	if (line.len <= n || memcmp(line.p, key, n) ||
		(line.p[n] != ' ' && line.p[n] != '\t' && line.p[n] != ':'))
		return false;
	for (; at < line.len && (line.p[at] == ' ' || line.p[at] == '\t'); at++)
		;
	if (colon) {
		if (at == line.len || line.p[at++] != ':')
			return false;
		for (; at < line.len && (line.p[at] == ' ' || line.p[at] == '\t'); at++)
			;
	}
	for (digits = at;
		digits < line.len && line.p[digits] >= '0' && line.p[digits] <= '9';
		digits++)
		;
	*number = (struct slice){line.p + at, digits - at};
	return slice_u64(*number, value);
}

/* The line with another number in the place of its own. */
static void out_numbered(
	struct outbuf *out, struct slice line, struct slice number, uint64_t n)
{
	const char *rest = number.p + number.len;

	out_mem(out, line.p, (size_t)(number.p - line.p));
	out_u64(out, n);
	out_line(out, rest, (size_t)(line.p + line.len - rest));
}

/* The line of a CPU of the container, the nth of its kind. */
static void out_cpu(
	const struct render *r, struct slice line, struct slice number, unsigned nth)
{
	if (r->cpus->renumber)
		out_numbered(r->out, line, number, nth);
	else
		out_line(r->out, line.p, line.len);
}

static bool is_visible(const struct render *r, uint64_t cpu)
{
	return cpu < CPUSET_MAX && cpuset_has(&r->cpus->set, (unsigned)cpu);
}

static void block_line(struct render *r, struct slice line)
{
	struct slice number;
	uint64_t cpu;

	if (numbered(line, "processor", true, &number, &cpu)) {
		r->hidden = !is_visible(r, cpu);
		if (!r->hidden)
			out_cpu(r, line, number, r->blocks++);
		return;
	}
	if (!r->hidden)
		out_line(r->out, line.p, line.len);
	if (!line.len)
		r->hidden = false;
}

static void s390_line(struct render *r, struct slice line, unsigned *summary)
{
	struct slice number;
	uint64_t n;

	if (!line.len) {
		r->blanks++;
		return;
	}
	if (numbered(line, "cpu number", true, &number, &n))
		r->hidden = !is_visible(r, n);
	for (; r->blanks; r->blanks--)
		if (!r->hidden)
			out_char(r->out, '\n');
	if (numbered(line, "# processors", true, &number, &n))
		out_numbered(r->out, line, number, r->cpus->count);
	else if (numbered(line, "processor", false, &number, &n)) {
		if (is_visible(r, n))
			out_cpu(r, line, number, (*summary)++);
	} else if (numbered(line, "cpu number", true, &number, &n)) {
		if (!r->hidden)
			out_cpu(r, line, number, r->blocks++);
	} else if (!r->hidden) {
		out_line(r->out, line.p, line.len);
	}
}

static bool is_s390(const char *text)
{
	struct slice line, number;
	uint64_t n;

	while (procfile_line(&text, &line) && line.len)
		if (numbered(line, "# processors", true, &number, &n))
			return true;
	return false;
}

int view_cpuinfo(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	struct cpus cpus;
	struct render r = {.out = out, .cpus = &cpus};
	struct slice host, line;
	unsigned summary = 0;
	const char *cursor;
	bool s390;

	(void)arg;
	if (host_text(subject->host, HOST_CPUINFO, &host) < 0)
		return VIEW_HOST;
	cpuview_cpus(&cpus, subject->ct, subject->host, subject->policy->cfs);
	if (!cpus.known)
		return VIEW_HOST;
	cursor = host.p;
	s390 = is_s390(cursor);
	while (procfile_line(&cursor, &line)) {
		if (s390)
			s390_line(&r, line, &summary);
		else
			block_line(&r, line);
	}
	/* No block is a format unknown here, such as sparc's. */
	return r.blocks || summary ? VIEW_DONE : VIEW_HOST;
}

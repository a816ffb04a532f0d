/*
 * meminfo: the host's file line by line, each line that has a figure of the container
 * with that figure instead. Lines keep the host's order, and the columns of
 * meminfo_proc_show() in fs/proc/meminfo.c: the number ends in column 24 or, if it does
 * not fit, beyond. No figure exceeds its total: MemTotal, or SwapTotal for what is in
 * swap, and SwapCached not what is used of that.
 */
#include "daemon/view/memory.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 24, WIDTH = 8, WIDTH_PAGES = 5 };

/* Figures that are not one line of memory.stat. */
enum figure {
	FIG_TOTAL,
	FIG_FREE,
	FIG_AVAILABLE,
	FIG_ACTIVE,
	FIG_INACTIVE,
	FIG_MLOCKED,
	FIG_SWAP_TOTAL,
	FIG_SWAP_FREE,
	FIG_ZSWAPPED,
	FIG_COMMIT_LIMIT,
	FIG_COMMITTED,
	FIG_HUGE_TOTAL,
	FIG_HUGE_FREE,
	FIG_HUGE_RSVD,
	FIG_HUGE_SURP,
	FIG_HUGETLB,
	FIGURES,
};

enum kind {
	KIND_HOST, /* the host's line */
	KIND_ZERO,
	KIND_STAT,   /* index is an enum cg_memstat */
	KIND_FIGURE, /* index is an enum figure */
	KIND_HUGE,   /* likewise, where the hugetlb controller is */
};

#define HOST(name)                                                                       \
	{                                                                                \
		.key = name ":", .len = sizeof(name), .kind = KIND_HOST                  \
	}
#define ZERO(name)                                                                       \
	{                                                                                \
		.key = name ":", .len = sizeof(name), .kind = KIND_ZERO                  \
	}
#define STAT(name, stat)                                                                 \
	{                                                                                \
		.key = name ":", .len = sizeof(name), .kind = KIND_STAT, .index = stat   \
	}
#define FIGURE(name, figure)                                                             \
	{                                                                                \
		.key = name ":", .len = sizeof(name), .kind = KIND_FIGURE,               \
		.index = figure                                                          \
	}
#define HUGE(name, figure)                                                               \
	{                                                                                \
		.key = name ":", .len = sizeof(name), .kind = KIND_HUGE, .index = figure \
	}

/* In the kernel's order (Linux 6.18), which makes the lookup quick. */
static const struct line {
	char key[19];
	uint8_t len; /* of the key */
	uint8_t kind;
	uint8_t index;
} lines[] = {
	FIGURE("MemTotal", FIG_TOTAL),
	FIGURE("MemFree", FIG_FREE),
	FIGURE("MemAvailable", FIG_AVAILABLE),
	ZERO("Buffers"),
	STAT("Cached", CGM_FILE),
	STAT("SwapCached", CGM_SWAPCACHED),
	FIGURE("Active", FIG_ACTIVE),
	FIGURE("Inactive", FIG_INACTIVE),
	STAT("Active(anon)", CGM_ACTIVE_ANON),
	STAT("Inactive(anon)", CGM_INACTIVE_ANON),
	STAT("Active(file)", CGM_ACTIVE_FILE),
	STAT("Inactive(file)", CGM_INACTIVE_FILE),
	STAT("Unevictable", CGM_UNEVICTABLE),
	FIGURE("Mlocked", FIG_MLOCKED),
	FIGURE("SwapTotal", FIG_SWAP_TOTAL),
	FIGURE("SwapFree", FIG_SWAP_FREE),
	STAT("Zswap", CGM_ZSWAP),
	FIGURE("Zswapped", FIG_ZSWAPPED),
	STAT("Dirty", CGM_FILE_DIRTY),
	STAT("Writeback", CGM_FILE_WRITEBACK),
	STAT("AnonPages", CGM_ANON),
	STAT("Mapped", CGM_FILE_MAPPED),
	STAT("Shmem", CGM_SHMEM),
	STAT("KReclaimable", CGM_SLAB_RECLAIMABLE),
	STAT("Slab", CGM_SLAB),
	STAT("SReclaimable", CGM_SLAB_RECLAIMABLE),
	STAT("SUnreclaim", CGM_SLAB_UNRECLAIMABLE),
	STAT("KernelStack", CGM_KERNEL_STACK),
	STAT("PageTables", CGM_PAGETABLES),
	STAT("SecPageTables", CGM_SEC_PAGETABLES),
	ZERO("NFS_Unstable"),
	ZERO("Bounce"),
	ZERO("WritebackTmp"),
	FIGURE("CommitLimit", FIG_COMMIT_LIMIT),
	FIGURE("Committed_AS", FIG_COMMITTED),
	HOST("VmallocTotal"),
	STAT("VmallocUsed", CGM_VMALLOC),
	HOST("VmallocChunk"),
	STAT("Percpu", CGM_PERCPU),
	ZERO("HardwareCorrupted"),
	STAT("AnonHugePages", CGM_ANON_THP),
	STAT("ShmemHugePages", CGM_SHMEM_THP),
	ZERO("ShmemPmdMapped"),
	STAT("FileHugePages", CGM_FILE_THP),
	ZERO("FilePmdMapped"),
	HOST("CmaTotal"),
	HOST("CmaFree"),
	ZERO("Balloon"),
	HUGE("HugePages_Total", FIG_HUGE_TOTAL),
	HUGE("HugePages_Free", FIG_HUGE_FREE),
	HUGE("HugePages_Rsvd", FIG_HUGE_RSVD),
	HUGE("HugePages_Surp", FIG_HUGE_SURP),
	HOST("Hugepagesize"),
	HUGE("Hugetlb", FIG_HUGETLB),
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

struct meminfo {
	struct memory memory;
	uint64_t figure[FIGURES];
	bool huge; /* the container has a hugetlb cgroup */
};

/* What a size of huge pages is called in the controller's file names: mem_fmt() in
 * mm/hugetlb_cgroup.c. */
static void huge_file(char *name, size_t size, uint64_t kb, const char *what)
{
	static const char units[][4] = {"KB", "MB", "GB"};
	unsigned unit = 0;

	for (; unit < 2 && kb >= 1024; unit++)
		kb /= 1024;
	snprintf(name, size, "hugetlb.%llu%s.%s", (unsigned long long)kb, units[unit],
		what);
}

/* One figure of the hugetlb controller in kB; `kb` is the size of page. */
static bool huge_value(
	struct container *ct, unsigned up, uint64_t kb, const char *what, uint64_t *out)
{
	static struct textbuf text;
	char name[64];

	huge_file(name, sizeof(name), kb, what);
	if (container_read(ct, CG_HUGETLB, up, name, &text) < 0 ||
		procfile_value(text.data, out) < 0)
		return false;
	*out >>= 10;
	return true;
}

/* The lowest limit, a file called `what`, on the way to the root, and the nearest cgroup
 * that has one. */
static bool huge_limit(struct container *ct, uint64_t kb, const char *what,
	uint64_t *limit, unsigned *nearest)
{
	int depth = container_depth(ct, CG_HUGETLB);
	bool found = false;
	uint64_t v;

	*limit = UINT64_MAX;
	for (int up = 0; up <= depth; up++) {
		if (!huge_value(ct, (unsigned)up, kb, what, &v))
			continue;
		if (!found)
			*nearest = (unsigned)up;
		found = true;
		*limit = memory_min(*limit, v);
	}
	return found;
}

/* The host's pages of a size; meminfo tells only what all sizes are together. */
static uint64_t huge_pages(const struct host *host, uint64_t kb)
{
	static struct textbuf text;
	uint64_t pages = UINT64_MAX;
	char path[96];

	snprintf(path, sizeof(path),
		"../../../kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		(unsigned long long)kb);
	if (procfile_read(host->syscpu, path, &text) == 0)
		procfile_value(text.data, &pages);
	return pages;
}

/* What the container may use of the host's pools of other sizes, `pools` kB together.
 * Their sizes are whatever the architecture has, 64 kB to 64 GB, and most of them have no
 * pages; `up` has the controller.
 */
static uint64_t huge_others(const struct subject *subject, uint64_t size, uint64_t pools,
	const char *what, unsigned up)
{
	struct container *ct = subject->ct;
	uint64_t sum = 0, limit;
	unsigned nearest;

	for (uint64_t kb = 64; sum < pools && kb <= 64 << 20; kb *= 2)
		if (kb != size && huge_value(ct, up, kb, what, &limit) &&
			huge_limit(ct, kb, what, &limit, &nearest))
			sum += memory_min(limit / kb, huge_pages(subject->host, kb)) * kb;
	return memory_min(sum, pools);
}

/* Nothing is read where the host has no huge pages to share. */
static void set_huge(const struct subject *subject, struct meminfo *m)
{
	struct container *ct = subject->ct;
	const uint64_t *host = m->memory.host;
	uint64_t size = host[MEMH_HUGE_SIZE], total = host[MEMH_HUGE_TOTAL], pool;
	uint64_t limit, used = 0, reserved = 0;
	bool v1 = container_version(ct, CG_HUGETLB) == &cg_v1;
	const char *what = v1 ? "limit_in_bytes" : "max";
	unsigned up = 0;

	if (!size || (!total && !host[MEMH_HUGETLB]) ||
		!huge_limit(ct, size, what, &limit, &up))
		return;
	huge_value(ct, up, size, v1 ? "usage_in_bytes" : "current", &used);
	/* Linux 5.7; counts pages that are reserved, faulted in or not. */
	huge_value(ct, up, size, v1 ? "rsvd.usage_in_bytes" : "rsvd.current", &reserved);
	reserved = memory_less(reserved, used) / size;
	pool = memory_min(total, limit / size);
	m->huge = true;
	m->figure[FIG_HUGE_TOTAL] = pool;
	m->figure[FIG_HUGE_FREE] =
		memory_min(memory_less(pool, used / size), host[MEMH_HUGE_FREE]);
	m->figure[FIG_HUGE_RSVD] = memory_min(
		memory_min(reserved, host[MEMH_HUGE_RSVD]), m->figure[FIG_HUGE_FREE]);
	m->figure[FIG_HUGETLB] = memory_min(pool * size, host[MEMH_HUGETLB]);
	if (host[MEMH_HUGETLB] > total * size)
		m->figure[FIG_HUGETLB] += huge_others(
			subject, size, host[MEMH_HUGETLB] - total * size, what, up);
}

/* Every term is a number of bytes divided by 1024, or the host's: no sum of a few of them
 * overflows. */
static void set_figures(const struct subject *subject, struct meminfo *m)
{
	const struct memory *memory = &m->memory;
	const uint64_t *stat = memory->stat;
	uint64_t *figure = m->figure;
	uint64_t mem_free = memory->total - memory->used;

	figure[FIG_TOTAL] = memory->total;
	figure[FIG_AVAILABLE] =
		memory_min(mem_free + stat[CGM_ACTIVE_FILE] + stat[CGM_INACTIVE_FILE] +
				   stat[CGM_SLAB_RECLAIMABLE],
			memory->host[MEMH_AVAILABLE]);
	/* free(1) subtracts MemAvailable from MemTotal: what is used there and what is
	 * free make no more than the total. */
	figure[FIG_FREE] = memory_min(mem_free, figure[FIG_AVAILABLE]);
	figure[FIG_ACTIVE] = stat[CGM_ACTIVE_ANON] + stat[CGM_ACTIVE_FILE];
	figure[FIG_INACTIVE] = stat[CGM_INACTIVE_ANON] + stat[CGM_INACTIVE_FILE];
	figure[FIG_MLOCKED] =
		memory_min(stat[CGM_UNEVICTABLE], memory->host[MEMH_MLOCKED]);
	for (unsigned i = FIG_TOTAL; i <= FIG_MLOCKED; i++)
		figure[i] = memory_min(figure[i], memory->total);
	figure[FIG_SWAP_TOTAL] = memory->swap_total;
	figure[FIG_SWAP_FREE] = memory->swap_total - memory->swap_used;
	figure[FIG_ZSWAPPED] = subject->policy->no_zswap ? 0
							 : memory_min(stat[CGM_ZSWAPPED],
								   memory->swap_total);
	figure[FIG_COMMIT_LIMIT] = memory->total + memory->swap_total;
	figure[FIG_COMMITTED] = memory->used + memory->swap_used;
}

/* v1 keeps what v2 has in memory.stat in files of their own, or nowhere. */
static void set_stat(const struct subject *subject, struct memory *memory)
{
	uint64_t kmem;

	if (memory->version == &cg_v1 &&
		container_value(subject->ct, CGF_KMEM_USAGE, memory->up, &kmem) == CG_OK)
		memory->stat[CGM_SLAB] = memory->stat[CGM_SLAB_UNRECLAIMABLE] =
			kmem >> 10;
	if (subject->policy->no_zswap)
		memory->stat[CGM_ZSWAP] = 0;
	for (unsigned i = 0; i < CG_MEMSTATS; i++)
		if (i != CGM_ZSWAPPED)
			memory->stat[i] = memory_min(memory->stat[i], memory->total);
	/* htop subtracts it from what is used. */
	memory->stat[CGM_SWAPCACHED] =
		memory_min(memory->stat[CGM_SWAPCACHED], memory->swap_used);
}

static bool is_line(struct slice text, const struct line *line)
{
	return text.len > line->len && text.p[line->len] == ' ' &&
	       memcmp(text.p, line->key, line->len) == 0;
}

static const struct line *line_find(struct slice text, unsigned *next)
{
	for (unsigned i = 0; i < LINES; i++) {
		unsigned k = *next + i < LINES ? *next + i : *next + i - LINES;

		if (!is_line(text, &lines[k]))
			continue;
		*next = k + 1;
		return &lines[k];
	}
	return NULL;
}

/* False: the host's line stays as it is. */
static bool line_value(const struct meminfo *m, const struct line *line, uint64_t *value)
{
	if (line->kind == KIND_HOST || (line->kind == KIND_HUGE && !m->huge))
		return false;
	if (line->kind == KIND_ZERO)
		*value = 0;
	else if (line->kind == KIND_STAT)
		*value = m->memory.stat[line->index];
	else
		*value = m->figure[line->index];
	return true;
}

/* The number in the host's line; its `len` is 0 if there is none. */
static struct slice number_in(struct slice text, const struct line *line)
{
	const char *start = text.p + line->len, *end = text.p + text.len;

	while (end > start && (end[-1] < '0' || end[-1] > '9'))
		end--;
	for (start = end; start > text.p + line->len && start[-1] != ' ';)
		start--;
	return (struct slice){start, (size_t)(end - start)};
}

static unsigned width_of(const struct line *line)
{
	unsigned width = line->kind == KIND_HUGE && line->index != FIG_HUGETLB
				 ? WIDTH_PAGES
				 : WIDTH;

	return line->len < COLUMN - width ? width : COLUMN - (unsigned)line->len - 1;
}

/* The host's line with another number in its place. False if either is too wide. */
static bool put_over(struct outbuf *out, const struct line *line, struct slice text,
	struct slice number, uint64_t value)
{
	char digits[OUT_DIGITS], *p = out_digits(digits + OUT_DIGITS, value), *to;
	size_t len = (size_t)(digits + OUT_DIGITS - p);

	if (number.p + number.len != text.p + COLUMN || len > width_of(line))
		return false;
	to = out_line(out, text.p, text.len);
	if (to) {
		memset(to + line->len, ' ', COLUMN - line->len - len);
		memcpy(to + COLUMN - len, p, len);
	}
	return true;
}

static void put_line(struct outbuf *out, const struct line *line, struct slice text,
	struct slice number, uint64_t value)
{
	if (put_over(out, line, text, number, value))
		return;
	out_str_left(out, line->key, COLUMN - width_of(line));
	out_u64_right(out, value, width_of(line));
	/* " kB" or nothing follows the number; whatever it is, it is the host's. */
	number.p += number.len;
	out_line(out, number.p, (size_t)(text.p + text.len - number.p));
}

int view_meminfo(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	struct meminfo m = {0};
	struct slice text, line;
	const char *cursor;
	unsigned next = 0;

	(void)arg;
	if (memory_read(subject, MEMORY_DETAILS, &m.memory) != VIEW_DONE ||
		host_text(subject->host, HOST_MEMINFO, &text) < 0)
		return VIEW_HOST;
	set_stat(subject, &m.memory);
	set_figures(subject, &m);
	set_huge(subject, &m);
	for (cursor = text.p; procfile_line(&cursor, &line);) {
		const struct line *known = line_find(line, &next);
		struct slice number = known ? number_in(line, known) : (struct slice){0};
		uint64_t value;

		if (number.len && line_value(&m, known, &value))
			put_line(out, known, line, number, value);
		else
			out_line(out, line.p, line.len);
	}
	return VIEW_DONE;
}

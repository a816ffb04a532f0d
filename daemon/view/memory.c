/*
 * Totals of memory and swap. A limit is the lowest on the way to the root and never more
 * than the host has; usage is that of the nearest cgroup that counts. What is used never
 * exceeds its total: a limit can be set below the usage.
 */
#include "daemon/view/memory.h"

enum { KB_SHIFT = 10 };

static const char *const host_keys[MEMORY_HOSTS] = {
	[MEMH_TOTAL] = "MemTotal:",
	[MEMH_AVAILABLE] = "MemAvailable:",
	[MEMH_MLOCKED] = "Mlocked:",
	[MEMH_SWAP_TOTAL] = "SwapTotal:",
	[MEMH_HUGE_TOTAL] = "HugePages_Total:",
	[MEMH_HUGE_FREE] = "HugePages_Free:",
	[MEMH_HUGE_RSVD] = "HugePages_Rsvd:",
	[MEMH_HUGE_SIZE] = "Hugepagesize:",
	[MEMH_HUGETLB] = "Hugetlb:",
};

static bool read_host(const struct subject *subject, struct memory *memory)
{
	struct slice text;
	uint64_t found;

	if (host_text(subject->host, HOST_MEMINFO, &text) < 0)
		return false;
	found = procfile_keyed(text.p, host_keys, MEMORY_HOSTS, memory->host);
	if (!(found >> MEMH_AVAILABLE & 1))
		memory->host[MEMH_AVAILABLE] = UINT64_MAX;
	/* As cgroup figures below, so that no sum of a few of them overflows. */
	for (unsigned i = 0; i < MEMORY_HOSTS; i++)
		memory->host[i] = memory_min(memory->host[i], UINT64_MAX >> KB_SHIFT);
	return memory->host[MEMH_TOTAL] > 0;
}

/* The usage, and which cgroup has it: a cgroup whose parent does not enable the
 * controller has no such file, and neither has the root of v2. */
static bool read_usage(struct container *ct, struct memory *memory)
{
	const char *text;
	uint64_t bytes;

	memory->version = container_version(ct, CG_MEMORY);
	if (!memory->version ||
		container_nearest(ct, CGF_MEM_USAGE, &text, &memory->up) != CG_OK ||
		procfile_value(text, &bytes) < 0)
		return false;
	memory->used = bytes >> KB_SHIFT;
	return true;
}

/* Returns which keys were there; values in kB. */
static uint64_t read_stat(struct container *ct, struct memory *memory)
{
	const char *text;
	uint64_t found;

	if (container_text(ct, CGF_MEM_STAT, memory->up, &text) != CG_OK)
		return 0;
	found = cg_parse_memstat(memory->version, text, memory->stat);
	for (unsigned i = 0; i < CG_MEMSTATS; i++)
		memory->stat[i] >>= KB_SHIFT;
	return found;
}

/* The lowest limit in kB: what memory.stat says (v1), which also knows ancestors that are
 * not below our mount, else that of the files on the way to the root. */
static bool read_limit(struct container *ct, enum cg_fact fact,
	const struct memory *memory, bool in_stat, enum cg_memstat key, uint64_t *kb)
{
	*kb = UINT64_MAX;
	if (in_stat)
		*kb = memory->stat[key];
	else if (container_min(ct, fact, kb) == CG_OK)
		*kb >>= KB_SHIFT;
	else
		return false;
	return true;
}

/* No limit, or one of 0 (ps divides by MemTotal): the host's total. False for the root
 * cgroup of v1: unlike v2's it has the files, but they show a part of the host. */
static bool set_total(struct container *ct, struct memory *memory, uint64_t found)
{
	uint64_t limit, host = memory->host[MEMH_TOTAL];
	bool known = read_limit(ct, CGF_MEM_LIMIT, memory,
		found >> CGM_HIERARCHICAL_LIMIT & 1, CGM_HIERARCHICAL_LIMIT, &limit);

	memory->total = known && limit ? memory_min(limit, host) : host;
	memory->used = memory_min(memory->used, memory->total);
	return memory->version == &cg_v2 || memory->total < host ||
	       container_depth(ct, CG_MEMORY) > (int)memory->up;
}

/* v2 counts and limits swap by itself. Without these files there is no swap accounting.
 */
static void set_swap_v2(struct container *ct, struct memory *memory)
{
	uint64_t limit, bytes;

	if (container_value(ct, CGF_SWAP_USAGE, memory->up, &bytes) != CG_OK)
		return;
	memory->swap_used = bytes >> KB_SHIFT;
	memory->swap_total = memory->host[MEMH_SWAP_TOTAL];
	if (read_limit(ct, CGF_SWAP_LIMIT, memory, false, 0, &limit))
		memory->swap_total = memory_min(memory->swap_total, limit);
}

/* v1 limits memory and swap together, and may swap as much of it as it likes; with a
 * swappiness of 0 it does not swap at all. */
static void set_swap_v1(struct container *ct, struct memory *memory, uint64_t found)
{
	uint64_t limit, swappiness;
	bool in_stat = found >> CGM_HIERARCHICAL_MEMSW & 1;

	/* Without swap accounting the kernel has none of these: nothing to look for. */
	if (!in_stat && found >> CGM_HIERARCHICAL_LIMIT & 1)
		return;
	if (!read_limit(ct, CGF_SWAP_LIMIT, memory, in_stat, CGM_HIERARCHICAL_MEMSW,
		    &limit) &&
		!(found >> CGM_SWAP & 1))
		return;
	/* The kernel does not count what is in the swap cache as swap here (it does on
	 * v2): mem_cgroup_swapin_uncharge_swap() in Linux 6.12. */
	memory->swap_used = memory->stat[CGM_SWAP] + memory->stat[CGM_SWAPCACHED];
	memory->swap_total = memory_min(memory->host[MEMH_SWAP_TOTAL], limit);
	if (container_value(ct, CGF_SWAPPINESS, memory->up, &swappiness) == CG_OK &&
		swappiness == 0)
		memory->swap_total = memory_min(memory->swap_total, memory->swap_used);
}

int memory_read(
	const struct subject *subject, enum memory_depth depth, struct memory *memory)
{
	struct container *ct = subject->ct;
	uint64_t found = 0;

	*memory = (struct memory){0};
	if (!read_host(subject, memory) || !read_usage(ct, memory))
		return VIEW_HOST;
	if (depth == MEMORY_DETAILS || memory->version == &cg_v1)
		found = read_stat(ct, memory);
	if (!set_total(ct, memory, found))
		return VIEW_HOST;
	if (subject->policy->no_swap || !memory->host[MEMH_SWAP_TOTAL])
		return VIEW_DONE;
	if (memory->version == &cg_v1)
		set_swap_v1(ct, memory, found);
	else
		set_swap_v2(ct, memory);
	memory->swap_used = memory_min(memory->swap_used, memory->swap_total);
	return VIEW_DONE;
}

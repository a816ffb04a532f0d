/*
 * The layout of hierarchies and the parsers both versions share.
 */
#include "nsutil/cgroup.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <string.h>

static const char controller_names[CG_CONTROLLERS][8] = {
	[CG_MEMORY] = "memory",
	[CG_CPU] = "cpu",
	[CG_CPUACCT] = "cpuacct",
	[CG_CPUSET] = "cpuset",
	[CG_BLKIO] = "blkio",
	[CG_HUGETLB] = "hugetlb",
};

int cg_controller_by_name(struct slice name)
{
	/* v2 calls blkio by its new name. */
	if (slice_is(name, "io"))
		return CG_BLKIO;
	for (int i = 0; i < CG_CONTROLLERS; i++)
		if (*controller_names[i] && slice_is(name, controller_names[i]))
			return i;
	return -1;
}

void cg_layout_init(struct cg_layout *layout)
{
	*layout = (struct cg_layout){0};
	memset(layout->of, -1, sizeof(layout->of));
}

void cg_layout_deinit(struct cg_layout *layout)
{
	for (int i = 0; i < layout->count; i++) {
		fd_close(layout->hierarchy[i].fd);
		free(layout->hierarchy[i].root);
		free(layout->hierarchy[i].name);
	}
	cg_layout_init(layout);
}

/* Takes the next item from a list separated by commas, blanks or newlines. */
static bool next_item(const char **p, struct slice *item)
{
	*p += strspn(*p, ", \n");
	*item = (struct slice){*p, strcspn(*p, ", \n")};
	*p += item->len;
	return item->len > 0;
}

/* What is in a v1 hierarchy has left cgroup2, whatever cgroup2 said earlier. */
static bool taken(
	const struct cg_layout *layout, int controller, const struct cg_version *version)
{
	int i = layout->of[controller];

	return i >= 0 && !(version == &cg_v1 && layout->hierarchy[i].version == &cg_v2);
}

/* Only the root of a v1 hierarchy has release_agent, and every cgroup of v2 but the root
 * has cgroup.events. */
static bool is_root(int fd, const struct cg_version *version)
{
	if (version == &cg_v1)
		return faccessat(fd, "release_agent", F_OK, 0) == 0;
	return faccessat(fd, "cgroup.controllers", F_OK, 0) == 0 &&
	       faccessat(fd, "cgroup.events", F_OK, 0) < 0 && errno == ENOENT;
}

int cg_layout_add(struct cg_layout *layout, int fd_in, const char *root, const char *name,
	const struct cg_version *version, const char *controllers)
{
	autofd fd = fd_in;
	autofree char *root_copy = strdup(root);
	autofree char *name_copy = strdup(name);
	bool real_root = is_root(fd, version);
	struct slice item;
	int i = layout->count;

	if (!root_copy || !name_copy)
		return -ENOMEM;
	if (i == CG_HIERARCHIES)
		return -ENOSPC;
	while (controllers && next_item(&controllers, &item)) {
		int controller = cg_controller_by_name(item);
		if (controller >= 0 && !taken(layout, controller, version))
			layout->of[controller] = (signed char)i;
	}
	if (version == &cg_v2) {
		/* cpu.stat is in every cgroup, with or without the cpu controller. */
		if (layout->of[CG_CPUACCT] < 0)
			layout->of[CG_CPUACCT] = (signed char)i;
		layout->of[CG_PRESSURE] = (signed char)i;
	}
	layout->hierarchy[i] = (struct cg_hierarchy){
		.is_root = real_root,
		.fd = fd_steal(&fd),
		.root = ptr_steal(root_copy),
		.name = ptr_steal(name_copy),
		.version = version,
	};
	layout->count++;
	return 0;
}

/* The line "ID:NAME:PATH" of the hierarchy; the path may contain colons, the name not. */
static bool line_path(struct slice line, const char *name, struct slice *path)
{
	const char *first = memchr(line.p, ':', line.len), *second,
		   *end = line.p + line.len;
	struct slice field;

	if (!first)
		return false;
	second = memchr(first + 1, ':', (size_t)(end - first - 1));
	if (!second)
		return false;
	field = (struct slice){first + 1, (size_t)(second - first - 1)};
	*path = (struct slice){second + 1, (size_t)(end - second - 1)};
	return slice_is(field, name);
}

bool cg_raw_path_of(
	const struct cg_layout *layout, int i, const char *text, struct slice *path)
{
	struct slice line;

	while (procfile_line(&text, &line))
		if (line_path(line, layout->hierarchy[i].name, path))
			return true;
	return false;
}

bool cg_path_of(
	const struct cg_layout *layout, int i, const char *text, struct slice *path)
{
	const struct cg_hierarchy *h = &layout->hierarchy[i];
	size_t root = strcmp(h->root, "/") ? strlen(h->root) : 0;

	if (!cg_raw_path_of(layout, i, text, path) || path->len < root ||
		memcmp(path->p, h->root, root) ||
		(path->len > root && path->p[root] != '/'))
		return false;
	path->p += root;
	path->len -= root;
	if (path->len == 1)
		path->len = 0;
	/* "/.." leads out of our cgroup namespace; nothing to find there. */
	return path->len < 3 || memcmp(path->p, "/..", 3) ||
	       (path->len > 3 && path->p[3] != '/');
}

int cg_parse_quota(const char *text, struct cg_quota *out)
{
	struct slice line, word;

	if (!procfile_line(&text, &line) || !slice_word(&line, &word))
		return -EINVAL;
	if (slice_is(word, "max") || slice_is(word, "-1"))
		out->quota_us = UINT64_MAX;
	else if (!slice_u64(word, &out->quota_us))
		return -EINVAL;
	if (slice_word(&line, &word) &&
		(!slice_u64(word, &out->period_us) || !out->period_us))
		return -EINVAL;
	return 0;
}

bool cg_usage_all_next(
	const char **cursor, unsigned *cpu, uint64_t *user_ns, uint64_t *system_ns)
{
	struct slice line, word;
	uint64_t n;

	while (procfile_line(cursor, &line)) {
		if (!slice_word(&line, &word) || !slice_u64(word, &n) || n >= UINT32_MAX)
			continue;
		*cpu = (unsigned)n;
		if (slice_word(&line, &word) && slice_u64(word, user_ns) &&
			slice_word(&line, &word) && slice_u64(word, system_ns))
			return true;
	}
	return false;
}

uint64_t cg_parse_memstat(
	const struct cg_version *version, const char *text, uint64_t values[CG_MEMSTATS])
{
	const char *keys[CG_MEMSTATS];

	for (unsigned i = 0; i < CG_MEMSTATS; i++)
		keys[i] = version->memstat[i];
	return procfile_keyed(text, keys, CG_MEMSTATS, values);
}

uint64_t cg_parse_cpustat(
	const struct cg_version *version, const char *text, uint64_t values[CG_CPUSTATS])
{
	const char *keys[CG_CPUSTATS];
	uint64_t found;

	for (unsigned i = 0; i < CG_CPUSTATS; i++)
		keys[i] = version->cpustat[i].key;
	found = procfile_keyed(text, keys, CG_CPUSTATS, values);
	for (unsigned i = 0; i < CG_CPUSTATS; i++)
		if (found >> i & 1 && __builtin_mul_overflow(values[i],
					      version->cpustat[i].ns, &values[i]))
			values[i] = UINT64_MAX;
	return found;
}

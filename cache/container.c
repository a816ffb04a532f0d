/*
 * Facts about one container's cgroup and its ancestors.
 */
#include "cache/container.h"

#include "cache/cgfiles.h"
#include "cache/pool.h"
#include "cache/saturate.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT_LOOK_NS UINT64_C(1000000000)

static struct pool pool = {.size = sizeof(struct container)};

int container_new(struct container **out, struct cgfiles *files)
{
	static uint64_t last_id;
	struct container *ct = pool_get(&pool);

	if (!ct)
		return -ENOMEM;
	ct->id = ++last_id;
	ct->cgnsfd = -1;
	ct->files = files;
	*out = ct;
	return 0;
}

static void free_texts(struct container *ct)
{
	if (ct->texts != ct->near)
		free(ct->texts);
	ct->texts = NULL;
}

void container_free(struct container *ct)
{
	if (!ct)
		return;
	cgfiles_forget(ct->files, ct);
	fd_close(ct->cgnsfd);
	free_texts(ct);
	pool_put(&pool, ct);
}

static bool same_path(const char *have, struct slice path)
{
	return have ? path.p && slice_is(path, have) : !path.p;
}

/* Where it is in the hierarchy; p is NULL if it is not. */
static struct slice path_in(const struct container *ct, int i, enum cgpath_rule rule,
	bool skip_root, const struct cgtexts *texts)
{
	struct slice path = {0};

	if (!cgpath_of(rule, cgfiles_layout(ct->files), i, texts, &path) ||
		(skip_root && !path.len))
		return (struct slice){0};
	return path.len ? path : (struct slice){"", 0};
}

static bool is_same(struct slice a, struct slice b)
{
	return a.p && b.p && a.len == b.len && !memcmp(a.p, b.p, a.len);
}

/* Each text once, one behind the other: `to` becomes that, and `path` where each is.
 * Returns how many bytes that takes; with `to` NULL nothing else is done. */
static size_t put_paths(const struct slice *paths, int count, char *to, const char **path)
{
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		int same = 0;

		while (paths[i].p && !is_same(paths[same], paths[i]))
			same++;
		if (to)
			path[i] = !paths[i].p ? NULL : same < i ? path[same] : to + size;
		if (!paths[i].p || same < i)
			continue;
		if (to) {
			memcpy(to + size, paths[i].p, paths[i].len);
			to[size + paths[i].len] = '\0';
		}
		size += paths[i].len + 1;
	}
	return size;
}

int container_set_paths(struct container *ct, enum cgpath_rule rule, bool skip_root,
	const struct cgtexts *texts)
{
	const int count = cgfiles_layout(ct->files)->count;
	struct slice paths[CG_HIERARCHIES];
	char *to = ct->near;
	bool changed = false;
	size_t size;

	for (int i = 0; i < count; i++) {
		paths[i] = path_in(ct, i, rule, skip_root, texts);
		changed |= !same_path(ct->path[i], paths[i]);
	}
	ct->hierarchies = count;
	if (!changed)
		return 0;
	size = put_paths(paths, count, NULL, NULL);
	if (size > sizeof(ct->near) && !(to = malloc(size)))
		return -ENOMEM;
	free_texts(ct);
	ct->texts = to;
	put_paths(paths, count, to, ct->path);
	cgfiles_forget(ct->files, ct);
	return 0;
}

int container_set_cgroups(struct container *ct, const char *text)
{
	return container_set_paths(
		ct, CGPATH_INIT, false, &(struct cgtexts){.outer = text});
}

bool container_is_at(
	const struct container *ct, bool skip_root, const struct cgtexts *texts)
{
	for (int i = 0; i < cgfiles_layout(ct->files)->count; i++)
		if (!same_path(ct->path[i], path_in(ct, i, CGPATH_OWN, skip_root, texts)))
			return false;
	return true;
}

bool container_has(const struct container *ct, const struct cgtexts *texts)
{
	const struct cg_layout *layout = cgfiles_layout(ct->files);
	unsigned places = 0;

	for (int i = 0; i < layout->count; i++) {
		struct slice path, root;

		if (!ct->path[i] || !cgpath_of(CGPATH_OWN, layout, i, texts, &path))
			continue;
		if (!cgpath_of(CGPATH_ROOT, layout, i, texts, &root))
			root.len = 0;
		places |= cgpath_place(path, ct->path[i], root.len);
	}
	return !(places & CGPATH_BESIDE) &&
	       (places & CGPATH_BELOW || !(places & CGPATH_ALONE));
}

bool container_is_nowhere(const struct container *ct)
{
	for (int i = 0; i < CG_HIERARCHIES; i++)
		if (ct->path[i])
			return false;
	return true;
}

uint64_t container_dir(const struct container *ct)
{
	const struct cg_layout *layout = cgfiles_layout(ct->files);
	char buf[PATH_MAX];
	struct stat st;

	for (int i = 0; i < layout->count; i++) {
		if (!ct->path[i] || !*ct->path[i])
			continue;
		if ((size_t)snprintf(buf, sizeof(buf), ".%s", ct->path[i]) >=
				sizeof(buf) ||
			fstatat(layout->hierarchy[i].fd, buf, &st, 0) < 0)
			return 0;
		return st.st_ino;
	}
	return 0;
}

static int hierarchy_of(const struct container *ct, enum cg_controller controller)
{
	int i = cgfiles_layout(ct->files)->of[controller];

	return i >= 0 && ct->path[i] ? i : -1;
}

/* A runtime gives an init its time namespace (setns(2), unshare(2)) while it is young,
 * when hooks may have read already: the younger it is, the sooner it is looked at again.
 */
static bool boot_offset_due(const struct container *ct, uint64_t now_ns)
{
	uint64_t age_ns = sat_sub(ct->boot_ns, ct->start_ns);

	return ct->init > 0 &&
	       (!ct->boot_ns ||
		       now_ns - ct->boot_ns >= min_u64(age_ns / 16, BOOT_LOOK_NS));
}

int64_t container_boot_offset(
	struct container *ct, const struct host *host, uint64_t now_ns)
{
	int64_t offset;

	if (!boot_offset_due(ct, now_ns))
		return ct->boot_offset;
	ct->boot_ns = now_ns;
	if (nsid_boot_offset(host->proc, ct->init, &offset) == 0)
		ct->boot_offset = offset - host->boot_offset;
	return ct->boot_offset;
}

const struct cg_version *container_version(
	const struct container *ct, enum cg_controller controller)
{
	int i = hierarchy_of(ct, controller);

	return i < 0 ? NULL : cgfiles_layout(ct->files)->hierarchy[i].version;
}

/* -1 for no hierarchy. */
static int depth_in(const struct container *ct, int hierarchy)
{
	int depth = 0;

	if (hierarchy < 0)
		return -1;
	for (const char *p = ct->path[hierarchy]; *p; p++)
		depth += *p == '/';
	return depth;
}

int container_depth(const struct container *ct, enum cg_controller controller)
{
	return depth_in(ct, hierarchy_of(ct, controller));
}

/* The path of the up-th ancestor; false above the root. */
static bool ancestor(const char *path, unsigned up, struct slice *out)
{
	*out = (struct slice){path, strlen(path)};
	for (; up; up--) {
		if (!out->len)
			return false;
		while (out->p[--out->len] != '/')
			;
	}
	return true;
}

/* The controller a fact belongs to is the same in both tables but for cpu.stat, which v2
 * has without the cpu controller: ask the version that the controller is in. */
static int fact_hierarchy(const struct container *ct, enum cg_fact fact)
{
	int v2 = hierarchy_of(ct, cg_v2.fact[fact].controller);

	if (v2 >= 0 && cgfiles_layout(ct->files)->hierarchy[v2].version == &cg_v2)
		return v2;
	return hierarchy_of(ct, cg_v1.fact[fact].controller);
}

int container_text(
	struct container *ct, enum cg_fact fact, unsigned up, const char **text)
{
	int i = fact_hierarchy(ct, fact);
	struct slice path;

	*text = "";
	if (i < 0 || !ancestor(ct->path[i], up, &path))
		return CG_ABSENT;
	if (cgfiles_read(ct->files, ct, fact, up,
		    &cgfiles_layout(ct->files)->hierarchy[i], path, text) < 0)
		return CG_ABSENT;
	return CG_OK;
}

int container_value(struct container *ct, enum cg_fact fact, unsigned up, uint64_t *out)
{
	const char *text;

	if (container_text(ct, fact, up, &text) != CG_OK || procfile_value(text, out) < 0)
		return CG_ABSENT;
	return CG_OK;
}

static int fact_depth(const struct container *ct, enum cg_fact fact)
{
	int i = fact_hierarchy(ct, fact);
	const struct cg_layout *layout = cgfiles_layout(ct->files);

	if (i < 0 || !layout->hierarchy[i].version->fact[fact].file[0])
		return -1;
	/* Not the controller's: the fact of a mixed hybrid can be read elsewhere. */
	return depth_in(ct, i);
}

int container_min(struct container *ct, enum cg_fact fact, uint64_t *out)
{
	int depth = fact_depth(ct, fact), result = CG_ABSENT;
	uint64_t v, min = UINT64_MAX;

	for (int up = 0; up <= depth; up++) {
		if (container_value(ct, fact, (unsigned)up, &v) != CG_OK)
			continue;
		result = CG_OK;
		if (v < min)
			min = v;
	}
	if (result == CG_OK)
		*out = min;
	return result;
}

int container_nearest(
	struct container *ct, enum cg_fact fact, const char **text, unsigned *up)
{
	int depth = fact_depth(ct, fact);

	for (int i = 0; i <= depth; i++) {
		if (container_text(ct, fact, (unsigned)i, text) != CG_OK ||
			!(*text)[strspn(*text, " \n")])
			continue;
		if (up)
			*up = (unsigned)i;
		return CG_OK;
	}
	*text = "";
	return CG_ABSENT;
}

static int quota_at(struct container *ct, unsigned up, struct cg_quota *out)
{
	const char *text;

	*out = (struct cg_quota){.quota_us = UINT64_MAX};
	if (container_text(ct, CGF_CPU_QUOTA, up, &text) != CG_OK ||
		cg_parse_quota(text, out) < 0 || out->quota_us == UINT64_MAX)
		return CG_ABSENT;
	/* v1 keeps the period in a file of its own. */
	if (!out->period_us &&
		container_value(ct, CGF_CPU_PERIOD, up, &out->period_us) != CG_OK)
		return CG_ABSENT;
	return out->period_us ? CG_OK : CG_ABSENT;
}

/* a < b as fractions. */
static bool quota_less(const struct cg_quota *a, const struct cg_quota *b)
{
	return wide_less(
		wide_mul(a->quota_us, b->period_us), wide_mul(b->quota_us, a->period_us));
}

int container_quota(struct container *ct, struct cg_quota *out, unsigned *up)
{
	int depth = fact_depth(ct, CGF_CPU_QUOTA), result = CG_ABSENT;
	struct cg_quota q;

	for (int i = 0; i <= depth; i++) {
		if (quota_at(ct, (unsigned)i, &q) != CG_OK)
			continue;
		if (result == CG_OK && !quota_less(&q, out))
			continue;
		result = CG_OK;
		*out = q;
		if (up)
			*up = (unsigned)i;
	}
	return result;
}

int container_path(const struct container *ct, enum cg_controller controller, unsigned up,
	const char *name, char *buf, size_t size)
{
	int i = hierarchy_of(ct, controller);
	struct slice path;

	if (i < 0 || !ancestor(ct->path[i], up, &path))
		return -ENOENT;
	if (snprintf(buf, size, ".%.*s/%s", (int)path.len, path.p, name) >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

int container_read(struct container *ct, enum cg_controller controller, unsigned up,
	const char *name, struct textbuf *text)
{
	const struct cg_layout *layout = cgfiles_layout(ct->files);
	char buf[PATH_MAX];
	int r = container_path(ct, controller, up, name, buf, sizeof(buf));

	if (r < 0)
		return r;
	return procfile_read(layout->hierarchy[layout->of[controller]].fd, buf, text);
}

/*
 * Texts in, slices of them out: nothing here asks the kernel.
 */
#include "cache/cgpath.h"

#include <string.h>

static bool has_tail(struct slice s, const char *tail, size_t len)
{
	return s.len >= len && !memcmp(s.p + s.len - len, tail, len);
}

/* systemd as a container's init moves itself out of the container's cgroup, one down;
 * lxcfs knows these two. */
static void strip_init(struct slice *path)
{
	static const char *const tails[] = {"/init.scope", "/system.slice"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		size_t len = strlen(tails[i]);

		if (!has_tail(*path, tails[i], len))
			continue;
		path->len -= len;
		return;
	}
}

/* Takes from the outer path what the namespace adds to its root. The kernel writes
 * " (deleted)" behind the path of a removed cgroup (Linux 4.19, v2). */
static bool strip_inner(struct slice *path, struct slice inner)
{
	static const char deleted[] = " (deleted)";

	if (slice_is(inner, "/"))
		return true;
	if (slice_is(inner, "/ (deleted)"))
		inner = (struct slice){deleted, sizeof(deleted) - 1};
	if (inner.len >= 3 && !memcmp(inner.p, "/..", 3) &&
		(inner.len == 3 || inner.p[3] == '/'))
		return false;
	if (!has_tail(*path, inner.p, inner.len))
		return false;
	path->len -= inner.len;
	return true;
}

bool cgpath_of(enum cgpath_rule rule, const struct cg_layout *layout, int i,
	const struct cgtexts *texts, struct slice *path)
{
	struct slice inner;

	if (!cg_path_of(layout, i, texts->outer, path))
		return false;
	if (rule == CGPATH_INIT)
		strip_init(path);
	if (rule != CGPATH_ROOT)
		return true;
	return texts->inner && cg_raw_path_of(layout, i, texts->inner, &inner) &&
	       strip_inner(path, inner);
}

bool cgpath_tells_root(const struct cg_layout *layout, const struct cgtexts *texts)
{
	struct slice path;

	for (int i = 0; i < layout->count; i++)
		if (cgpath_of(CGPATH_OWN, layout, i, texts, &path) &&
			!cgpath_of(CGPATH_ROOT, layout, i, texts, &path))
			return false;
	return true;
}

static int in_root(
	const struct cg_layout *layout, const struct cgtexts *texts, int *known)
{
	struct slice path;
	int n = 0;

	*known = 0;
	for (int i = 0; i < layout->count; i++) {
		if (!cgpath_of(CGPATH_OWN, layout, i, texts, &path))
			continue;
		++*known;
		n += path.len == 0;
	}
	return n;
}

bool cgpath_some_root(const struct cg_layout *layout, const struct cgtexts *texts)
{
	int known;

	return in_root(layout, texts, &known) > 0;
}

bool cgpath_all_root(const struct cg_layout *layout, const struct cgtexts *texts)
{
	int known, roots = in_root(layout, texts, &known);

	return roots == known;
}

uint64_t cgpath_hash(const struct cg_layout *layout, const struct cgtexts *texts)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	struct slice path;

	for (int i = 0; i < layout->count; i++) {
		if (!cgpath_of(CGPATH_OWN, layout, i, texts, &path))
			path.len = 0;
		for (size_t k = 0; k < path.len; k++)
			h = (h ^ (unsigned char)path.p[k]) * UINT64_C(0x100000001b3);
		h = (h ^ 0x100) * UINT64_C(0x100000001b3);
	}
	return h;
}

bool cgpath_below(struct slice path, const char *top)
{
	size_t len = strlen(top);

	return path.len >= len && !memcmp(path.p, top, len) &&
	       (path.len == len || path.p[len] == '/');
}

enum cgpath_place cgpath_place(struct slice path, const char *top, size_t base)
{
	size_t first;

	if (strncmp(path.p, top, base) != 0)
		base = 0;
	if (!top[base])
		return path.len > base ? CGPATH_ALONE : CGPATH_APART;
	if (cgpath_below(path, top))
		return CGPATH_BELOW;
	first = base + 1 + strcspn(top + base + 1, "/");
	if (path.len < first || memcmp(path.p, top, first) != 0 ||
		(path.len > first && path.p[first] != '/'))
		return CGPATH_APART;
	return CGPATH_BESIDE;
}

/*
 * From the texts of a process's /proc/PID/cgroup to the cgroup that counts for it, in
 * each hierarchy. All paths are relative to what the hierarchy's mount shows; "" is its
 * root.
 */
#ifndef CACHE_CGPATH_H
#define CACHE_CGPATH_H

#include "nsutil/cgns.h"
#include "nsutil/cgroup.h"

enum cgpath_rule {
	CGPATH_OWN,  /* where the process is */
	CGPATH_INIT, /* the same without the tail that systemd as an init puts there */
	CGPATH_ROOT, /* the root of its cgroup namespace */
};

/* False when the process is not in the hierarchy, or the rule cannot tell: a process that
 * was moved out of its namespace's root does not show where that is. *path points into
 * texts. */
bool cgpath_of(enum cgpath_rule rule, const struct cg_layout *layout, int i,
	const struct cgtexts *texts, struct slice *path);

/* Whether CGPATH_ROOT can tell in every hierarchy the process is in. */
bool cgpath_tells_root(const struct cg_layout *layout, const struct cgtexts *texts);

/* Whether some hierarchy has the process in its root, and whether all have. */
bool cgpath_some_root(const struct cg_layout *layout, const struct cgtexts *texts);
bool cgpath_all_root(const struct cg_layout *layout, const struct cgtexts *texts);

/* A number for where the process is (CGPATH_OWN). Others may have the same. */
uint64_t cgpath_hash(const struct cg_layout *layout, const struct cgtexts *texts);

/* Whether path is `top` or lies below it. */
bool cgpath_below(struct slice path, const char *top);

/* Where a process is in one hierarchy, seen from a container's cgroup there. */
enum cgpath_place {
	CGPATH_APART = 0,  /* in the root, or with no ancestor but the root in common */
	CGPATH_BELOW = 1,  /* in the container's cgroup or below it */
	CGPATH_BESIDE = 2, /* another cgroup below an ancestor that both have */
	CGPATH_ALONE = 4,  /* the container is in the root, and the process is not */
};

/* The place of `path` for the container's cgroup `top`. The first `base` bytes of both
 * count as the root: the root of a cgroup namespace that both live in. */
enum cgpath_place cgpath_place(struct slice path, const char *top, size_t base);

#endif

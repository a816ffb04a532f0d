/*
 * Who belongs together: from the texts of a process to its container. Nothing here talks
 * to a container's processes.
 */
#include "cache/pidns_table.h"

#include "cache/cgfiles.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

/* Makes the container or brings its paths up to date. */
static int put(struct pidns *cache, struct pidns_space *space, uint64_t key,
	enum cgpath_rule rule, const struct cgtexts *texts, uint64_t now_ns,
	struct container **out)
{
	struct container **link = pidns_link_of(cache, space->ino, key), *ct = *link;
	int r = 0;

	if (!ct) {
		r = container_new(&ct, cache->files);
		if (r < 0)
			return r;
		ct->space = space;
		ct->pidns = space->ino;
		ct->outer = space->outer;
		ct->key = ct->cgns = key;
		ct->init = space->init;
		ct->start_ns = space->start_ns;
	}
	r = container_set_paths(ct, rule, space == cache->host, texts);
	if (r < 0) {
		if (!*link)
			container_free(ct);
		return r;
	}
	ct->used_ns = ct->checked_ns = now_ns;
	if (!*link) {
		pidns_make_room(cache, space);
		link = &cache->bucket[pidns_bucket_of(space->ino, key)];
		ct->next = *link;
		*link = ct;
		ct->peer = space->first;
		space->first = ct;
		cache->count++;
		space->containers++;
		if (cache->watch)
			cache->watch(cache->watch_arg, ct, true);
	}
	*out = ct;
	return 0;
}

/* What its history is remembered by, longer than it is kept in existence here: the number
 * of a namespace is used again then, and the inode number of its cgroup is not. */
static uint64_t with_dir(uint64_t key, uint64_t dir)
{
	return key ^ dir * UINT64_C(0x9e3779b97f4a7c15);
}

/* By the root of the cgroup namespace, which is kept in existence from now on. */
static int put_root(struct pidns *cache, struct pidns_space *space, uint64_t cgns,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns, struct container **out)
{
	int r = put(cache, space, cgns, CGPATH_ROOT, texts, now_ns, out);

	if (r < 0)
		return r;
	if ((*out)->cgnsfd < 0)
		(*out)->cgnsfd = fd_steal(cgnsfd);
	if (!(*out)->dir) {
		(*out)->dir = container_dir(*out);
		(*out)->cgns = with_dir(cgns, (*out)->dir) & INT64_MAX;
	}
	return 0;
}

/* Its cgroup is still the one it was made for, and not another of the same name. */
static bool is_fresh(struct container *ct, uint64_t now_ns)
{
	if (now_ns - ct->checked_ns < PIDNS_RECHECK_NS)
		return true;
	ct->checked_ns = now_ns;
	return container_dir(ct) == ct->dir;
}

struct container *pidns_find(
	struct pidns *cache, const struct caller *caller, uint64_t now_ns)
{
	struct container **link = pidns_link_of(cache, caller->pidns, caller->cgns),
			 *ct = *link;

	/* The namespace's root may have been removed since, or made anew. */
	if (ct && !is_fresh(ct, now_ns)) {
		pidns_container_drop(cache, link);
		return NULL;
	}
	if (ct)
		ct->used_ns = now_ns;
	return ct;
}

/* By the caller's own cgroup. */
static int put_own(struct pidns *cache, struct pidns_space *space,
	const struct cgtexts *texts, uint64_t now_ns, struct container **out)
{
	const struct cg_layout *layout = cgfiles_layout(cache->files);
	bool skip_root = space == cache->host;
	uint64_t mark = UINT64_C(1) << 63, key = cgpath_hash(layout, texts) | mark;
	struct container **link, *ct;
	int r;

	*out = NULL;
	if (skip_root && cgpath_all_root(layout, texts))
		return 0;
	link = pidns_link_of(cache, space->ino, key);
	ct = *link;
	if (ct && container_is_at(ct, skip_root, texts) && is_fresh(ct, now_ns)) {
		ct->used_ns = now_ns;
		*out = ct;
		return 0;
	}
	/* Another cgroup of that name, or of that hash. */
	if (ct)
		pidns_container_drop(cache, link);
	r = put(cache, space, key, CGPATH_OWN, texts, now_ns, out);
	if (r < 0)
		return r;
	(*out)->dir = container_dir(*out);
	(*out)->cgns = with_dir(key, (*out)->dir) | mark;
	return 0;
}

int pidns_learn(struct pidns *cache, const struct caller *caller,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns, struct container **out)
{
	struct pidns_space *space = pidns_space_of(cache, caller->pidns);
	bool own_cgns = pidns_has_cgns(cache, caller);
	struct container *ct;

	*out = NULL;
	if (!space)
		return -ESRCH;
	if (own_cgns && cgpath_tells_root(cgfiles_layout(cache->files), texts))
		return put_root(cache, space, caller->cgns, texts, cgnsfd, now_ns, out);
	if (space != cache->host) {
		uint64_t key = own_cgns ? caller->cgns : space->main;

		ct = key ? pidns_get(cache, space->ino, key, now_ns) : NULL;
		/* Never looked at, or forgotten since. */
		if (!space->seen_ns || (!ct && key && key == space->main)) {
			space->main = space->seen_ns = 0;
			return PIDNS_NEEDS_INIT;
		}
		if (ct && (own_cgns || container_has(ct, texts))) {
			*out = ct;
			return 0;
		}
		/* In a container's container: side by side below which root? */
		if (ct && !texts->inner && caller->cgns != cache->cgns->own_ino)
			return PIDNS_NEEDS_INNER;
	}
	return put_own(cache, space, texts, now_ns, out);
}

int pidns_learn_init(struct pidns *cache, const struct caller *init,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns)
{
	const struct cg_layout *layout = cgfiles_layout(cache->files);
	struct pidns_space *space = pidns_space_of(cache, init->pidns);
	struct container *ct;
	int r;

	if (!space)
		return -ESRCH;
	space->seen_ns = now_ns;
	/* v1 shows a process whose first thread has ended in every root (kernel/cgroup:
	 * proc_cgroup_show): what was known stays. */
	if (!texts || (cgpath_some_root(layout, texts) &&
			      nsid_is_zombie(cache->cgns->procfd, init->tid)))
		return 0;
	if (!pidns_has_cgns(cache, init)) {
		r = put(cache, space, init->cgns, CGPATH_INIT, texts, now_ns, &ct);
	} else if (cgpath_tells_root(layout, texts)) {
		r = put_root(cache, space, init->cgns, texts, cgnsfd, now_ns, &ct);
	} else {
		/* Somebody else in it may have told. */
		space->main =
			*pidns_link_of(cache, space->ino, init->cgns) ? init->cgns : 0;
		return 0;
	}
	space->main = r == 0 ? init->cgns : 0;
	return r;
}

/*
 * Two small hash tables. Nothing here talks to a container's processes.
 */
#include "cache/pidns.h"

#include "cache/cgfiles.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"
#include "nsutil/pidfd.h"

struct pidns_space {
	struct pidns_space *next;
	uint64_t ino;
	pid_t init;
	int pin; /* pidfd of init; before Linux 5.3 the namespace */
	bool is_pidfd;
	uint64_t start_ns, made_ns;
	unsigned containers;
	struct container *first; /* of them */
	/* Key of the container of init's cgroup; 0: it cannot be told. */
	uint64_t main;
	uint64_t seen_ns; /* when that was looked at; 0: never */
};

/* nsfs numbers namespaces in sequence, so that both numbers of one container after another
 * grow by the same: the product's upper half tells them apart all the same. */
static unsigned bucket_of(uint64_t pidns, uint64_t key)
{
	uint64_t h = (pidns + key * 31) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(h >> 32) % PIDNS_BUCKETS;
}

int pidns_init(struct pidns *cache, const struct cgns *cgns, uint64_t host_pidns, long hz,
	struct cgfiles *files)
{
	*cache = (struct pidns){.cgns = cgns, .hz = hz, .files = files};
	cache->host = calloc(1, sizeof(*cache->host));
	if (!cache->host)
		return -ENOMEM;
	cache->host->ino = host_pidns;
	cache->host->pin = -1;
	return 0;
}

static struct pidns_space *space_of(const struct pidns *cache, uint64_t ino)
{
	struct pidns_space *space = cache->space[bucket_of(ino, 0)];

	if (ino == cache->host->ino)
		return cache->host;
	while (space && space->ino != ino)
		space = space->next;
	return space;
}

static void container_drop(struct pidns *cache, struct container **link)
{
	struct container *ct = *link, **peer = &ct->space->first;

	while (*peer != ct)
		peer = &(*peer)->peer;
	*peer = ct->peer;
	*link = ct->next;
	ct->space->containers--;
	cache->count--;
	container_free(ct);
}

/* Where the table has it. */
static struct container **place_of(struct pidns *cache, const struct container *ct)
{
	struct container **link = &cache->bucket[bucket_of(ct->pidns, ct->key)];

	while (*link != ct)
		link = &(*link)->next;
	return link;
}

static void drop_all(struct pidns *cache, struct pidns_space *space)
{
	while (space->first)
		container_drop(cache, place_of(cache, space->first));
}

static void space_free(struct pidns_space *space)
{
	fd_close(space->pin);
	free(space);
}

static void space_drop(struct pidns *cache, struct pidns_space **link)
{
	struct pidns_space *space = *link;

	drop_all(cache, space);
	*link = space->next;
	cache->count--;
	space_free(space);
}

void pidns_forget(struct pidns *cache)
{
	for (int i = 0; i < PIDNS_BUCKETS; i++)
		while (cache->space[i])
			space_drop(cache, &cache->space[i]);
	drop_all(cache, cache->host);
	cgfiles_forget_above(cache->files);
}

void pidns_deinit(struct pidns *cache)
{
	if (!cache->host)
		return;
	pidns_forget(cache);
	space_free(cache->host);
	*cache = (struct pidns){0};
}

/* The init that the entry was made for still runs. Without pidfds (before Linux 5.3) a
 * process with the same number that started at another moment is another process. */
static bool alive(const struct pidns *cache, const struct pidns_space *space)
{
	uint64_t start;

	if (space->is_pidfd)
		return pidfd_alive(space->pin);
	return nsid_start_time(cache->cgns->procfd, space->init, cache->hz, &start) ==
		       0 &&
	       start == space->start_ns;
}

/* Where there is a link to it; to a null when it is not known. Hierarchies that came
 * later make it unknown: its paths do not have them. */
static struct container **link_of(struct pidns *cache, uint64_t pidns, uint64_t key)
{
	struct container **link = &cache->bucket[bucket_of(pidns, key)];

	while (*link && ((*link)->pidns != pidns || (*link)->key != key))
		link = &(*link)->next;
	if (*link && (*link)->hierarchies != cgfiles_layout(cache->files)->count) {
		container_drop(cache, link);
		link = &cache->bucket[bucket_of(pidns, key)];
		while (*link)
			link = &(*link)->next;
	}
	return link;
}

struct container *pidns_get(
	struct pidns *cache, uint64_t pidns, uint64_t key, uint64_t now_ns)
{
	struct container *ct = *link_of(cache, pidns, key);

	if (ct)
		ct->used_ns = now_ns;
	return ct;
}

struct container *pidns_find(
	struct pidns *cache, const struct caller *caller, uint64_t now_ns)
{
	return pidns_get(cache, caller->pidns, caller->cgns, now_ns);
}

/* A few of the namespaces each time one is added: dead ones go as fast as new ones come,
 * however many that are. */
static void sweep(struct pidns *cache)
{
	for (int i = 0; i < PIDNS_BUCKETS / 32; i++) {
		struct pidns_space **link = &cache->space[cache->hand++ % PIDNS_BUCKETS];
		while (*link)
			if (alive(cache, *link))
				link = &(*link)->next;
			else
				space_drop(cache, link);
	}
}

int pidns_add(struct pidns *cache, uint64_t ino, pid_t init, uint64_t now_ns)
{
	int procfd = cache->cgns->procfd, r;
	struct pidns_space **link = &cache->space[bucket_of(ino, 0)];
	struct pidns_space *space;
	uint64_t check = 0;

	if (space_of(cache, ino))
		return 0;
	sweep(cache);
	space = calloc(1, sizeof(*space));
	if (!space)
		return -ENOMEM;
	*space = (struct pidns_space){.ino = ino, .init = init, .made_ns = now_ns};
	space->pin = pidfd_get(init);
	space->is_pidfd = space->pin >= 0;
	if (!space->is_pidfd)
		space->pin = nsid_open(procfd, init, NS_PID);
	r = space->pin < 0 ? space->pin : 0;
	if (r == 0)
		r = nsid_start_time(procfd, init, cache->hz, &space->start_ns);
	if (r == 0)
		r = nsid_of(procfd, init, NS_PID, &check);
	if (r == 0)
		r = nsid_is_init(procfd, init);
	if (r >= 0)
		r = r && check == ino && alive(cache, space) ? 0 : -ESRCH;
	if (r < 0) {
		space_free(space);
		return r;
	}
	space->next = *link;
	*link = space;
	cache->count++;
	return 0;
}

bool pidns_known(const struct pidns *cache, uint64_t pidns)
{
	return space_of(cache, pidns);
}

pid_t pidns_init_of(const struct pidns *cache, uint64_t pidns)
{
	const struct pidns_space *space = space_of(cache, pidns);

	return space ? space->init : 0;
}

bool pidns_init_due(
	const struct pidns *cache, uint64_t pidns, uint64_t max_age_ns, uint64_t now_ns)
{
	const struct pidns_space *space = space_of(cache, pidns);

	return space && space != cache->host &&
	       (!space->seen_ns || now_ns - space->seen_ns >= max_age_ns);
}

bool pidns_init_seen(const struct pidns *cache, uint64_t pidns)
{
	const struct pidns_space *space = space_of(cache, pidns);

	return space && (space == cache->host || space->seen_ns);
}

/* One namespace's many cgroups are no reason to forget another's. */
static void make_room(struct pidns *cache, const struct pidns_space *space)
{
	struct container *oldest = NULL;

	if (space->containers < PIDNS_PER_SPACE)
		return;
	for (struct container *ct = space->first; ct; ct = ct->peer)
		if (!oldest || ct->used_ns < oldest->used_ns)
			oldest = ct;
	container_drop(cache, place_of(cache, oldest));
}

/* Makes the container or brings its paths up to date. */
static int put(struct pidns *cache, struct pidns_space *space, uint64_t key,
	enum cgpath_rule rule, const struct cgtexts *texts, uint64_t now_ns,
	struct container **out)
{
	struct container **link = link_of(cache, space->ino, key), *ct = *link;
	int r = 0;

	if (!ct) {
		r = container_new(&ct, cache->files);
		if (r < 0)
			return r;
		ct->space = space;
		ct->pidns = space->ino;
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
		make_room(cache, space);
		link = &cache->bucket[bucket_of(space->ino, key)];
		ct->next = *link;
		*link = ct;
		ct->peer = space->first;
		space->first = ct;
		cache->count++;
		space->containers++;
	}
	*out = ct;
	return 0;
}

/* By the root of the cgroup namespace, which is kept in existence from now on. */
static int put_root(struct pidns *cache, struct pidns_space *space, uint64_t cgns,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns, struct container **out)
{
	int r = put(cache, space, cgns, CGPATH_ROOT, texts, now_ns, out);

	if (r == 0 && (*out)->cgnsfd < 0)
		(*out)->cgnsfd = fd_steal(cgnsfd);
	return r;
}

/* Its cgroup is still the one it was made for, and not another of the same name. */
static bool is_fresh(struct container *ct, uint64_t now_ns)
{
	if (now_ns - ct->checked_ns < PIDNS_RECHECK_NS)
		return true;
	ct->checked_ns = now_ns;
	return container_dir(ct) == ct->dir;
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
	link = link_of(cache, space->ino, key);
	ct = *link;
	if (ct && container_is_at(ct, skip_root, texts) && is_fresh(ct, now_ns)) {
		ct->used_ns = now_ns;
		*out = ct;
		return 0;
	}
	/* Another cgroup of that name, or of that hash. */
	if (ct)
		container_drop(cache, link);
	r = put(cache, space, key, CGPATH_OWN, texts, now_ns, out);
	if (r < 0)
		return r;
	(*out)->dir = container_dir(*out);
	(*out)->cgns = (key ^ (*out)->dir * UINT64_C(0x9e3779b97f4a7c15)) | mark;
	return 0;
}

int pidns_learn(struct pidns *cache, const struct caller *caller,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns, struct container **out)
{
	struct pidns_space *space = space_of(cache, caller->pidns);
	bool own_cgns = caller->cgns != cache->cgns->own_ino;
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
		if (ct && (own_cgns || container_holds(ct, texts))) {
			*out = ct;
			return 0;
		}
	}
	return put_own(cache, space, texts, now_ns, out);
}

int pidns_learn_init(struct pidns *cache, const struct caller *init,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns)
{
	const struct cg_layout *layout = cgfiles_layout(cache->files);
	struct pidns_space *space = space_of(cache, init->pidns);
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
	if (init->cgns == cache->cgns->own_ino) {
		r = put(cache, space, init->cgns, CGPATH_INIT, texts, now_ns, &ct);
	} else if (cgpath_tells_root(layout, texts)) {
		r = put_root(cache, space, init->cgns, texts, cgnsfd, now_ns, &ct);
	} else {
		/* Somebody else in it may have told. */
		space->main = *link_of(cache, space->ino, init->cgns) ? init->cgns : 0;
		return 0;
	}
	space->main = r == 0 ? init->cgns : 0;
	return r;
}

void pidns_prune(struct pidns *cache, uint64_t now_ns)
{
	for (int i = 0; i < PIDNS_BUCKETS; i++)
		for (struct container **ct = &cache->bucket[i]; *ct;)
			if (now_ns - (*ct)->used_ns >= PIDNS_IDLE_NS)
				container_drop(cache, ct);
			else
				ct = &(*ct)->next;
	for (int i = 0; i < PIDNS_BUCKETS; i++)
		for (struct pidns_space **space = &cache->space[i]; *space;)
			if ((!(*space)->containers &&
				    now_ns - (*space)->made_ns >= PIDNS_IDLE_NS) ||
				!alive(cache, *space))
				space_drop(cache, space);
			else
				space = &(*space)->next;
	if (!cache->count)
		cgfiles_forget_above(cache->files);
}

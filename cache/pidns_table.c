/*
 * What is remembered of pid namespaces and containers, and what is forgotten when: two
 * small hash tables.
 */
#include "cache/pidns_table.h"

#include "cache/cgfiles.h"
#include "cache/pool.h"
#include "nsutil/cleanup.h"
#include "nsutil/initpid.h"
#include "nsutil/nsid.h"
#include "nsutil/pidfd.h"

enum { SWEEP = 4 };

static struct pool spaces = {.size = sizeof(struct pidns_space)};

/* nsfs numbers namespaces in sequence, so that both numbers of one container after
 * another grow by the same: the product's upper half tells them apart all the same. */
unsigned pidns_bucket_of(uint64_t pidns, uint64_t key)
{
	uint64_t h = (pidns + key * 31) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(h >> 32) % PIDNS_BUCKETS;
}

int pidns_init(struct pidns *cache, const struct cgns *cgns, uint64_t host_pidns, long hz,
	struct cgfiles *files)
{
	*cache = (struct pidns){.cgns = cgns, .hz = hz, .files = files};
	/* Not of the pool: it stays, and would keep others' pages. */
	cache->host = calloc(1, sizeof(*cache->host));
	if (!cache->host)
		return -ENOMEM;
	cache->host->ino = cache->host->outer = host_pidns;
	cache->host->around = cgns->own_ino;
	cache->host->pin = -1;
	return 0;
}

struct pidns_space *pidns_space_of(const struct pidns *cache, uint64_t ino)
{
	struct pidns_space *space = cache->space[pidns_bucket_of(ino, 0)];

	if (ino == cache->host->ino)
		return cache->host;
	while (space && space->ino != ino)
		space = space->next;
	return space;
}

void pidns_container_drop(struct pidns *cache, struct container **link)
{
	struct container *ct = *link, **peer = &ct->space->first;

	while (*peer != ct)
		peer = &(*peer)->peer;
	*peer = ct->peer;
	*link = ct->next;
	ct->space->containers--;
	cache->count--;
	if (cache->watch)
		cache->watch(cache->watch_arg, ct, false);
	container_free(ct);
}

/* Where the table has it. */
static struct container **place_of(struct pidns *cache, const struct container *ct)
{
	struct container **link = &cache->bucket[pidns_bucket_of(ct->pidns, ct->key)];

	while (*link != ct)
		link = &(*link)->next;
	return link;
}

static void drop_all(struct pidns *cache, struct pidns_space *space)
{
	while (space->first)
		pidns_container_drop(cache, place_of(cache, space->first));
}

static void space_free(struct pidns_space *space)
{
	fd_close(space->pin);
	pool_put(&spaces, space);
}

static void space_drop(struct pidns *cache, struct pidns_space **link)
{
	struct pidns_space *space = *link;

	drop_all(cache, space);
	*link = space->next;
	cache->count--;
	space_free(space);
}

static void forget_all(struct pidns *cache)
{
	for (int i = 0; i < PIDNS_BUCKETS; i++)
		while (cache->space[i])
			space_drop(cache, &cache->space[i]);
	drop_all(cache, cache->host);
	cgfiles_forget_above(cache->files);
}

bool pidns_forget_if_full(struct pidns *cache, int error)
{
	if (error != -EMFILE && error != -ENFILE)
		return false;
	forget_all(cache);
	return true;
}

void pidns_deinit(struct pidns *cache)
{
	if (!cache->host)
		return;
	forget_all(cache);
	free(cache->host);
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

struct container **pidns_link_of(struct pidns *cache, uint64_t pidns, uint64_t key)
{
	struct container **link = &cache->bucket[pidns_bucket_of(pidns, key)];

	while (*link && ((*link)->pidns != pidns || (*link)->key != key))
		link = &(*link)->next;
	if (*link && (*link)->hierarchies != cgfiles_layout(cache->files)->count) {
		pidns_container_drop(cache, link);
		link = &cache->bucket[pidns_bucket_of(pidns, key)];
		while (*link)
			link = &(*link)->next;
	}
	return link;
}

struct container *pidns_get(
	struct pidns *cache, uint64_t pidns, uint64_t key, uint64_t now_ns)
{
	struct container *ct = *pidns_link_of(cache, pidns, key);

	if (ct)
		ct->used_ns = now_ns;
	return ct;
}

/* A few of the namespaces each time one is added: however fast new ones come and go, no
 * more dead ones are kept than a part of the living. Each look is a system call. */
static void sweep(struct pidns *cache)
{
	unsigned seen = 0;

	for (int i = 0; i < PIDNS_BUCKETS / 8 && seen < SWEEP; i++) {
		struct pidns_space **link = &cache->space[cache->hand++ % PIDNS_BUCKETS];

		for (; *link; seen++)
			if (alive(cache, *link))
				link = &(*link)->next;
			else
				space_drop(cache, link);
	}
}

static void space_link(struct pidns *cache, struct pidns_space *space, uint64_t now_ns)
{
	struct pidns_space **link = &cache->space[pidns_bucket_of(space->ino, 0)];

	space->made_ns = now_ns;
	space->next = *link;
	*link = space;
	cache->count++;
}

/* Whatever process `init` is now is held from here on; nsfd is the namespace. 0 or
 * -errno. */
static int space_new(
	struct pidns *cache, uint64_t ino, pid_t init, int nsfd, struct pidns_space **out)
{
	int procfd = cache->cgns->procfd, r;
	struct pidns_space *space;
	uint64_t parent;

	sweep(cache);
	space = pool_get(&spaces);
	if (!space)
		return -ENOMEM;
	*space = (struct pidns_space){.ino = ino, .init = init};
	space->outer = nsid_outermost(nsfd, ino, cache->host->ino, &parent);
	space->around = parent == cache->host->ino
				? cache->cgns->own_ino
				: nsid_cgns_around(procfd, init, parent);
	space->pin = pidfd_get(init);
	space->is_pidfd = space->pin >= 0;
	if (!space->is_pidfd)
		space->pin = nsid_open(procfd, init, NS_PID);
	r = space->pin < 0 ? space->pin : 0;
	if (r == 0)
		r = nsid_start_time(procfd, init, cache->hz, &space->start_ns);
	if (r < 0)
		space_free(space);
	else
		*out = space;
	return r;
}

int pidns_add(struct pidns *cache, uint64_t ino, pid_t init, uint64_t now_ns)
{
	int procfd = cache->cgns->procfd, r;
	struct pidns_space *space;
	autofd nsfd = -1;
	uint64_t check = 0;

	if (pidns_space_of(cache, ino))
		return 0;
	nsfd = nsid_open_as(procfd, init, NS_PID, ino);
	r = nsfd < 0 ? nsfd : space_new(cache, ino, init, nsfd, &space);
	if (r < 0)
		return r;
	r = nsid_of(procfd, init, NS_PID, &check);
	if (r == 0)
		r = nsid_is_init(procfd, init);
	if (r >= 0)
		r = r && check == ino && alive(cache, space) ? 0 : -ESRCH;
	if (r < 0)
		space_free(space);
	else
		space_link(cache, space, now_ns);
	return r;
}

int pidns_ask(struct pidns *cache, uint64_t ino, int nsfd, uint64_t now_ns)
{
	pid_t init = initpid_ioctl(nsfd);
	struct pidns_space *space;
	int r;

	if (init < 0 || pidns_space_of(cache, ino))
		return init < 0 ? init : 0;
	r = space_new(cache, ino, init, nsfd, &space);
	if (r < 0)
		return r;
	/* It still lives under that number, which was thus nobody else's meanwhile. */
	if (initpid_ioctl(nsfd) != init) {
		space_free(space);
		return -ESRCH;
	}
	space_link(cache, space, now_ns);
	return 0;
}

bool pidns_has_cgns(const struct pidns *cache, const struct caller *caller)
{
	const struct pidns_space *space = pidns_space_of(cache, caller->pidns);

	return caller->cgns != cache->cgns->own_ino &&
	       (!space || caller->cgns != space->around);
}

bool pidns_known(const struct pidns *cache, uint64_t pidns)
{
	return pidns_space_of(cache, pidns);
}

uint64_t pidns_outer(const struct pidns *cache, uint64_t pidns)
{
	const struct pidns_space *space = pidns_space_of(cache, pidns);

	return space ? space->outer : pidns;
}

pid_t pidns_init_of(const struct pidns *cache, uint64_t pidns)
{
	const struct pidns_space *space = pidns_space_of(cache, pidns);

	return space ? space->init : 0;
}

bool pidns_init_due(
	const struct pidns *cache, uint64_t pidns, uint64_t max_age_ns, uint64_t now_ns)
{
	const struct pidns_space *space = pidns_space_of(cache, pidns);

	return space && space != cache->host &&
	       (!space->seen_ns || now_ns - space->seen_ns >= max_age_ns);
}

bool pidns_init_seen(const struct pidns *cache, uint64_t pidns)
{
	const struct pidns_space *space = pidns_space_of(cache, pidns);

	return space && (space == cache->host || space->seen_ns);
}

void pidns_make_room(struct pidns *cache, const struct pidns_space *space)
{
	struct container *oldest = NULL;

	if (space->containers < PIDNS_PER_SPACE)
		return;
	for (struct container *ct = space->first; ct; ct = ct->peer)
		if (!oldest || ct->used_ns < oldest->used_ns)
			oldest = ct;
	pidns_container_drop(cache, place_of(cache, oldest));
}

void pidns_prune(struct pidns *cache, uint64_t now_ns)
{
	for (int i = 0; i < PIDNS_BUCKETS; i++)
		for (struct container **ct = &cache->bucket[i]; *ct;)
			if (now_ns - (*ct)->used_ns >= PIDNS_IDLE_NS)
				pidns_container_drop(cache, ct);
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

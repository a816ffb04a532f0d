/*
 * Two hash tables, by the container's key and by the sample's number, and a queue for
 * each rank of those that are due: nothing but making room looks at all of them. A
 * sample's cgroup is the one its container had when it last read.
 */
#include "daemon/sample.h"

#include "cache/pool.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static struct pool pool = {.size = sizeof(struct sample)};

static unsigned bucket_of(const struct load_key *key)
{
	/* nsfs numbers namespaces in sequence. */
	return (unsigned)((key->pidns + key->cgns) % SAMPLE_BUCKETS);
}

static struct load_key key_of(const struct container *ct)
{
	return (struct load_key){ct->pidns, ct->cgns, ct->start_ns};
}

struct sample *sample_find(struct samples *samples, const struct container *ct)
{
	struct load_key key = key_of(ct);
	struct sample *s = samples->bucket[bucket_of(&key)];

	while (s && (s->key.pidns != key.pidns || s->key.cgns != key.cgns ||
			    s->key.start_ns != key.start_ns))
		s = s->next;
	return s;
}

struct sample *sample_next(const struct samples *samples, const struct sample *prev)
{
	unsigned i = prev ? bucket_of(&prev->key) + 1 : 0;

	if (prev && prev->next)
		return prev->next;
	while (i < SAMPLE_BUCKETS && !samples->bucket[i])
		i++;
	return i < SAMPLE_BUCKETS ? samples->bucket[i] : NULL;
}

static struct sample **id_bucket(struct samples *samples, uint64_t id)
{
	return &samples->by_id[id % SAMPLE_BUCKETS];
}

struct sample *sample_by_id(const struct samples *samples, uint64_t id)
{
	struct sample *s = samples->by_id[id % SAMPLE_BUCKETS];

	while (s && s->id != id)
		s = s->next_id;
	return s;
}

void sample_set_due(struct samples *samples, struct sample *sample)
{
	struct sample_queue *queue;

	if (sample->due)
		return;
	sample->due = true;
	sample->due_rank = sample->stuck     ? SAMPLE_STUCK
			   : sample->counted ? SAMPLE_KNOWN
					     : SAMPLE_AWAITED;
	queue = &samples->due[sample->due_rank];
	sample->due_next = NULL;
	sample->due_prev = queue->last;
	*(queue->last ? &queue->last->due_next : &queue->first) = sample;
	queue->last = sample;
}

static void leave_queue(struct samples *samples, struct sample *sample)
{
	struct sample_queue *queue = &samples->due[sample->due_rank];
	struct sample *prev = sample->due_prev, *next = sample->due_next;

	if (!sample->due)
		return;
	*(prev ? &prev->due_next : &queue->first) = next;
	*(next ? &next->due_prev : &queue->last) = prev;
	sample->due = false;
}

static void free_path(struct sample *sample)
{
	if (sample->path != sample->near)
		free(sample->path);
	sample->path = NULL;
}

void sample_drop(struct samples *samples, struct sample *sample)
{
	struct sample **link = &samples->bucket[bucket_of(&sample->key)];

	while (*link != sample)
		link = &(*link)->next;
	*link = sample->next;
	link = id_bucket(samples, sample->id);
	while (*link != sample)
		link = &(*link)->next_id;
	*link = sample->next_id;
	leave_queue(samples, sample);
	samples->count--;
	samples->owned[sample->owner]--;
	free_path(sample);
	pool_put(&pool, sample);
}

enum { ANYBODY = SAMPLE_BUCKETS };

static void make_room(struct samples *samples, unsigned owner, uint64_t now_ns)
{
	struct sample *oldest = NULL, *s = NULL;

	while ((s = sample_next(samples, s)))
		if ((owner == ANYBODY || s->owner == owner) && s->counted &&
			(!oldest || s->used_ns < oldest->used_ns))
			oldest = s;
	if (oldest && now_ns - oldest->used_ns >= LOAD_PERIOD_NS)
		sample_drop(samples, oldest);
}

static struct sample *add(
	struct samples *samples, const struct container *ct, uint64_t now_ns)
{
	struct load_key key = key_of(ct);
	struct sample **link = &samples->bucket[bucket_of(&key)], *s;
	const unsigned owner = (unsigned)(ct->outer % SAMPLE_BUCKETS);

	if (samples->owned[owner] >= SAMPLE_QUOTA)
		make_room(samples, owner, now_ns);
	else if (samples->count >= LOAD_ENTRIES)
		make_room(samples, ANYBODY, now_ns);
	if (samples->owned[owner] >= SAMPLE_QUOTA || samples->count >= LOAD_ENTRIES)
		return NULL;
	s = pool_get(&pool);
	if (!s)
		return NULL;
	s->id = ++samples->last_id;
	s->key = key;
	s->stored = LOAD_NOWHERE;
	s->next = *link;
	*link = s;
	link = id_bucket(samples, s->id);
	s->next_id = *link;
	*link = s;
	samples->count++;
	s->owner = owner;
	samples->owned[owner]++;
	return s;
}

/* Where CPU time is accounted. The root cgroup is the host's. -1: it has none there. */
static int hierarchy_of(const struct cg_layout *layout, const struct container *ct)
{
	int i = layout->of[CG_CPUACCT];

	return i >= 0 && ct->path[i] && *ct->path[i] ? i : -1;
}

/* Follows a container that was moved. False when it has no path. */
static bool set_path(struct sample *s, int hierarchy, const char *path)
{
	const size_t size = strlen(path) + 1;
	char *to = s->near;

	if (s->path && s->hierarchy == hierarchy && !strcmp(s->path, path))
		return true;
	if (size > sizeof(s->near) && !(to = malloc(size)))
		return s->path != NULL;
	free_path(s);
	s->path = memcpy(to, path, size);
	s->hierarchy = hierarchy;
	return true;
}

struct sample *sample_get(struct samples *samples, const struct cg_layout *layout,
	const struct container *ct, uint64_t now_ns, bool *is_new)
{
	int hierarchy = hierarchy_of(layout, ct);
	struct sample *s = sample_find(samples, ct);

	*is_new = !s;
	if (hierarchy < 0)
		return NULL;
	if (!s) {
		s = add(samples, ct, now_ns);
		if (!s)
			return NULL;
		s->init = ct->init;
		s->made_ns = now_ns;
	}
	if (!set_path(s, hierarchy, ct->path[hierarchy])) {
		sample_drop(samples, s);
		return NULL;
	}
	s->used_ns = now_ns;
	return s;
}

bool sample_is_v1(const struct sample *sample, const struct cg_layout *layout)
{
	return layout->hierarchy[sample->hierarchy].version == &cg_v1;
}

/* As many as the last time, until it is known. */
static void charge(struct samples *samples, struct sample *sample)
{
	const uint64_t tasks = sample->state.counts.total;

	sample->charged = tasks < SAMPLE_LOOKS ? (uint32_t)tasks : SAMPLE_LOOKS;
	samples->looks[sample->owner] += sample->charged;
}

void sample_walked(struct samples *samples, struct sample *sample, uint64_t looks)
{
	const uint64_t had = samples->looks[sample->owner] + looks;

	/* What was charged may have been written off since. */
	samples->looks[sample->owner] =
		had > sample->charged ? (uint32_t)(had - sample->charged) : 0;
	sample->charged = 0;
}

void sample_new_period(struct samples *samples)
{
	for (unsigned i = 0; i < SAMPLE_BUCKETS; i++) {
		uint32_t *looks = &samples->looks[i];

		*looks -= *looks < SAMPLE_LOOKS ? *looks : SAMPLE_LOOKS;
	}
}

struct sample *sample_take_due(
	struct samples *samples, const struct cg_layout *layout, bool v1_only)
{
	for (int rank = 0; rank < SAMPLE_RANKS; rank++) {
		struct sample *s = samples->due[rank].first;

		/* All are of one version, but while hierarchies come and go. */
		while (s && (samples->looks[s->owner] >= SAMPLE_LOOKS ||
				    (v1_only && !sample_is_v1(s, layout))))
			s = s->due_next;
		if (!s)
			continue;
		leave_queue(samples, s);
		charge(samples, s);
		return s;
	}
	return NULL;
}

int sample_open(const struct sample *sample, const struct cg_layout *layout)
{
	char path[PATH_MAX];
	size_t len = strlen(sample->path);
	int fd;

	if (len + 2 > sizeof(path))
		return -ENAMETOOLONG;
	path[0] = '.';
	memcpy(path + 1, sample->path, len + 1);
	fd = openat(layout->hierarchy[sample->hierarchy].fd, path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * A small hash table by the container's key. A sample's cgroup is the one its container
 * had when it last read.
 */
#include "daemon/sample.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

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

struct sample *sample_by_id(const struct samples *samples, uint64_t id)
{
	struct sample *s = NULL;

	while ((s = sample_next(samples, s)) && s->id != id)
		;
	return s;
}

void sample_drop(struct samples *samples, struct sample *sample)
{
	struct sample **link = &samples->bucket[bucket_of(&sample->key)];

	while (*link != sample)
		link = &(*link)->next;
	*link = sample->next;
	samples->count--;
	free(sample->path);
	free(sample);
}

/* Whoever waits for a count is not thrown out. */
static void make_room(struct samples *samples)
{
	struct sample *oldest = NULL, *s = NULL;

	while ((s = sample_next(samples, s)))
		if (s->counted && (!oldest || s->used_ns < oldest->used_ns))
			oldest = s;
	if (oldest)
		sample_drop(samples, oldest);
}

static struct sample *add(struct samples *samples, const struct container *ct)
{
	struct load_key key = key_of(ct);
	struct sample **link = &samples->bucket[bucket_of(&key)], *s;

	if (samples->count >= LOAD_ENTRIES)
		make_room(samples);
	if (samples->count >= LOAD_ENTRIES)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->id = ++samples->last_id;
	s->key = key;
	s->next = *link;
	*link = s;
	samples->count++;
	sample_set_due(samples, s);
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
	char *copy;

	if (s->path && s->hierarchy == hierarchy && !strcmp(s->path, path))
		return true;
	copy = strdup(path);
	if (!copy)
		return s->path != NULL;
	free(s->path);
	s->path = copy;
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
		s = add(samples, ct);
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

void sample_set_due(struct samples *samples, struct sample *sample)
{
	if (!sample->due)
		sample->due = ++samples->last_due;
}

bool sample_is_v1(const struct sample *sample, const struct cg_layout *layout)
{
	return layout->hierarchy[sample->hierarchy].version == &cg_v1;
}

static bool more_urgent(const struct sample *a, const struct sample *b)
{
	if (a->stuck != b->stuck)
		return b->stuck;
	if (a->counted != b->counted)
		return b->counted;
	return a->due < b->due;
}

struct sample *sample_due(
	const struct samples *samples, const struct cg_layout *layout, bool v1_only)
{
	struct sample *best = NULL, *s = NULL;

	while ((s = sample_next(samples, s)))
		if (s->due && !s->walking && (!v1_only || sample_is_v1(s, layout)) &&
			(!best || more_urgent(s, best)))
			best = s;
	return best;
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

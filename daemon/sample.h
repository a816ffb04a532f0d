/*
 * The table of containers whose tasks are counted, and what is known of each.
 */
#ifndef DAEMON_SAMPLE_H
#define DAEMON_SAMPLE_H

#include "cache/container.h"
#include "cache/load.h"

#include <stdbool.h>

enum { SAMPLE_BUCKETS = 64 };

/* A container that is counted: no more than a count needs, since the cache of containers
 * may forget it meanwhile. */
struct sample {
	struct sample *next; /* of the bucket */
	uint64_t id;         /* never used again */
	struct load_key key;
	pid_t init;
	unsigned level; /* of its pid namespace, see taskwalk_level */
	int hierarchy;  /* of the layout */
	char *path;     /* of its cgroup there; owned */
	uint64_t made_ns, used_ns;
	uint64_t due; /* to be walked, the lowest number first; 0: not */
	bool walking;
	bool stuck;   /* the last walk had no end: the others first */
	bool known;   /* state holds averages, however old */
	bool counted; /* state is worth showing */
	pid_t caller; /* the last thread whose number was looked up */
	struct load_state state;
};

/* All zero is empty. */
struct samples {
	unsigned count;
	uint64_t last_id, last_due;
	struct sample *bucket[SAMPLE_BUCKETS];
};

/* The sample of the container, or a new one (is_new), due to be walked, with nothing
 * known yet. NULL: the container has no cgroup of its own where CPU time is accounted,
 * there are LOAD_ENTRIES samples that nobody can do without, or no memory. */
struct sample *sample_get(struct samples *samples, const struct cg_layout *layout,
	const struct container *ct, uint64_t now_ns, bool *is_new);
/* The sample of the container, or NULL. */
struct sample *sample_find(struct samples *samples, const struct container *ct);
void sample_drop(struct samples *samples, struct sample *sample);
struct sample *sample_by_id(const struct samples *samples, uint64_t id);
/* The first sample, or the one after `prev`. Dropping prev before the call is not
 * allowed. */
struct sample *sample_next(const struct samples *samples, const struct sample *prev);

void sample_set_due(struct samples *samples, struct sample *sample);
/* The one to be walked next; only of v1 hierarchies if that is said. NULL: none is due.
 */
struct sample *sample_due(
	const struct samples *samples, const struct cg_layout *layout, bool v1_only);

bool sample_is_v1(const struct sample *sample, const struct cg_layout *layout);
/* Its cgroup's directory, open for reading; the caller closes it. -errno. */
int sample_open(const struct sample *sample, const struct cg_layout *layout);

#endif

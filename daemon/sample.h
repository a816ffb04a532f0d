/*
 * The table of containers whose tasks are counted, and what is known of each.
 */
#ifndef DAEMON_SAMPLE_H
#define DAEMON_SAMPLE_H

#include "cache/container.h"
#include "cache/load.h"

#include <stdbool.h>

enum {
	SAMPLE_BUCKETS = 1024,
	SAMPLE_NEAR = 96, /* bytes that most paths do with */
	/* Of one pid namespace below ours with all that are in it: each takes a walk
	 * every LOAD_PERIOD_NS. */
	SAMPLE_QUOTA = 256,
	/* Tasks and cgroups that are looked at for one owner each LOAD_PERIOD_NS: half a
	 * second of a CPU. Who has more of them is counted less often; whoever makes many
	 * namespaces in a container would have all its tasks counted for each. */
	SAMPLE_LOOKS = 32768,
};

/* Who is walked first. */
enum sample_rank {
	SAMPLE_AWAITED, /* somebody waits for its first count */
	SAMPLE_KNOWN,
	SAMPLE_STUCK, /* its last walk had no end */
	SAMPLE_RANKS,
};

/* A container that is counted: no more than a count needs, since the cache of containers
 * may forget it meanwhile. */
struct sample {
	struct sample *next;    /* of the bucket */
	struct sample *next_id; /* of the bucket by id */
	uint64_t id;            /* never used again */
	struct load_key key;
	pid_t init;
	unsigned owner; /* whose quota: a bucket */
	unsigned level; /* of its pid namespace, see taskwalk_level */
	int hierarchy;  /* of the layout */
	char *path;     /* of its cgroup there: near, or owned */
	char near[SAMPLE_NEAR];
	uint64_t made_ns, used_ns;
	struct sample *due_prev, *due_next; /* of the queue, if it is due */
	enum sample_rank due_rank;          /* which queue */
	bool due, walking;
	uint32_t charged; /* for the walk that is under way */
	bool stuck;       /* the last walk had no end */
	bool known;       /* state holds averages, however old */
	bool counted;     /* state is worth showing */
	pid_t caller;     /* the last thread whose number was looked up */
	struct load_state state;
	int stored; /* where in the history, see load_store */
};

/* In the order in which they became due. */
struct sample_queue {
	struct sample *first, *last;
};

/* All zero is empty. */
struct samples {
	unsigned count;
	uint64_t last_id;
	struct sample *bucket[SAMPLE_BUCKETS], *by_id[SAMPLE_BUCKETS];
	unsigned owned[SAMPLE_BUCKETS]; /* by owners; the few of one bucket share it */
	uint32_t looks[SAMPLE_BUCKETS]; /* that they had and are to do without */
	struct sample_queue due[SAMPLE_RANKS];
};

/* The sample of the container, or a new one (is_new), with nothing known yet. NULL: the
 * container has no cgroup of its own where CPU time is accounted, there are LOAD_ENTRIES
 * samples, or SAMPLE_QUOTA of its owner's, that were all read within LOAD_PERIOD_NS or
 * are waited for, or no memory. Else
 * the one that was read longest ago makes room: were it one that is read all the time,
 * both would be counted anew for each of their reads. */
struct sample *sample_get(struct samples *samples, const struct cg_layout *layout,
	const struct container *ct, uint64_t now_ns, bool *is_new);
/* The sample of the container, or NULL. */
struct sample *sample_find(struct samples *samples, const struct container *ct);
void sample_drop(struct samples *samples, struct sample *sample);
struct sample *sample_by_id(const struct samples *samples, uint64_t id);
/* The first sample, or the one after `prev`. Dropping prev before the call is not
 * allowed. */
struct sample *sample_next(const struct samples *samples, const struct sample *prev);

/* It is to be walked, after those of its rank that are due already. */
void sample_set_due(struct samples *samples, struct sample *sample);
/* Takes the one to be walked next, which is due no more; only of v1 hierarchies if that
 * is said. NULL: none is due whose owner has looks left. */
struct sample *sample_take_due(
	struct samples *samples, const struct cg_layout *layout, bool v1_only);

/* Its walk has looked at so many tasks and cgroups. */
void sample_walked(struct samples *samples, struct sample *sample, uint64_t looks);
/* LOAD_PERIOD_NS have passed. */
void sample_new_period(struct samples *samples);

bool sample_is_v1(const struct sample *sample, const struct cg_layout *layout);
/* Its cgroup's directory, open for reading; the caller closes it. -errno. */
int sample_open(const struct sample *sample, const struct cg_layout *layout);

#endif

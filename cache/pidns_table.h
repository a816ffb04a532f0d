/*
 * The tables of cache/pidns, for the two files that it consists of.
 */
#ifndef CACHE_PIDNS_TABLE_H
#define CACHE_PIDNS_TABLE_H

#include "cache/pidns.h"

struct pidns_space {
	struct pidns_space *next;
	uint64_t ino, outer; /* see struct container */
	uint64_t around;     /* the cgroup namespace that it was made in; 0: unknown */
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

/* Of PIDNS_BUCKETS: a namespace's has key 0. */
unsigned pidns_bucket_of(uint64_t pidns, uint64_t key);
/* NULL when it is not known. */
struct pidns_space *pidns_space_of(const struct pidns *cache, uint64_t ino);
/* Where there is a link to it; to a null when it is not known. Hierarchies that came
 * later make it unknown: its paths do not have them. */
struct container **pidns_link_of(struct pidns *cache, uint64_t pidns, uint64_t key);
void pidns_container_drop(struct pidns *cache, struct container **link);
/* For one more container. One namespace's many cgroups are no reason to forget another's.
 */
void pidns_make_room(struct pidns *cache, const struct pidns_space *space);

#endif

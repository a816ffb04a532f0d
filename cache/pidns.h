/*
 * Which container a thread belongs to. Two tables: pid namespaces with their init, and
 * containers, by pid namespace and cgroup namespace, or by cgroup where a caller has no
 * cgroup namespace that tells.
 *
 * An inode number of nsfs stands for one namespace only while that namespace exists. What
 * is remembered here keeps it in existence: a pidfd its process's pid namespace (so does
 * a descriptor of the namespace), a descriptor the cgroup namespace. So a number that is
 * found needs no further check. A pid of an init is good while anybody lives in its
 * namespace: it is the last to go.
 */
#ifndef CACHE_PIDNS_H
#define CACHE_PIDNS_H

#include "cache/container.h"

#include <stdbool.h>

enum {
	PIDNS_BUCKETS = 1024,  /* a power of two */
	PIDNS_PER_SPACE = 256, /* containers of one pid namespace */
};

/* Who asks, by inode numbers. */
struct caller {
	pid_t tid;
	uint64_t pidns, cgns;
};

/* Told of each container that is learned or forgotten. Calls nothing of the cache. */
typedef void pidns_watch(void *arg, const struct container *ct, bool learned);

struct pidns {
	pidns_watch *watch;      /* NULL: none */
	void *watch_arg;         /* its first argument */
	const struct cgns *cgns; /* not owned, like files */
	struct cgfiles *files;
	long hz;
	unsigned count; /* namespaces and containers */
	unsigned hand;  /* where the search for dead ones goes on */
	struct pidns_space *host;
	struct pidns_space *space[PIDNS_BUCKETS];
	struct container *bucket[PIDNS_BUCKETS];
};

/* Entries not used for this long are pruned. */
#define PIDNS_IDLE_NS UINT64_C(10000000000)
/* A cgroup is looked up again after this long, */
#define PIDNS_RECHECK_NS UINT64_C(10000000)
/* or this long where looking takes a helper. */
#define PIDNS_RECHECK_DEAR_NS UINT64_C(1000000000)

/* host_pidns is the pid namespace whose processes are the host's. 0 or -ENOMEM;
 * pidns_deinit is safe in any case. */
int pidns_init(struct pidns *cache, const struct cgns *cgns, uint64_t host_pidns, long hz,
	struct cgfiles *files);
void pidns_deinit(struct pidns *cache);

/* Of what follows: containers belong to the cache and are valid until the next call.
 * now_ns is CLOCK_BOOTTIME. */

/* Whether the caller has a cgroup namespace whose root is its container's: not ours, and
 * not the one in which its pid namespace was made. A container within a container may
 * have none of its own. */
bool pidns_has_cgns(const struct pidns *cache, const struct caller *caller);

/* The container of a caller who has one, NULL when it is not known. */
struct container *pidns_find(
	struct pidns *cache, const struct caller *caller, uint64_t now_ns);
/* By the container's own key. */
struct container *pidns_get(
	struct pidns *cache, uint64_t pidns, uint64_t key, uint64_t now_ns);

/* Remembers that init is pid 1 of the namespace, once that proves true: its pidfd is
 * opened first, so that a pid that was used again in between is noticed. 0 or -errno:
 * -ESRCH when it is not so. */
int pidns_add(struct pidns *cache, uint64_t pidns, pid_t init, uint64_t now_ns);
/* The same with the init that the kernel names (initpid_ioctl), and names again then.
 * nsfd, which stays the caller's, is the namespace. Also -ENOTTY or -EINVAL where it
 * cannot. */
int pidns_ask(struct pidns *cache, uint64_t pidns, int nsfd, uint64_t now_ns);
/* Whether that has been done; nothing has to be for the host's. */
bool pidns_known(const struct pidns *cache, uint64_t pidns);
/* The outermost pid namespace around it that is below ours, as in struct container; the
 * namespace itself while it is not known. */
uint64_t pidns_outer(const struct pidns *cache, uint64_t pidns);
/* The init; 0 when it is not known, or for the host's. */
pid_t pidns_init_of(const struct pidns *cache, uint64_t pidns);
/* Whether it is time to call pidns_learn_init: never done, or max_age_ns ago. */
bool pidns_init_due(
	const struct pidns *cache, uint64_t pidns, uint64_t max_age_ns, uint64_t now_ns);
bool pidns_init_seen(const struct pidns *cache, uint64_t pidns);

enum {
	PIDNS_NEEDS_INIT = 1,
	PIDNS_NEEDS_INNER = 2, /* texts->inner, though pidns_has_cgns is false */
};

/*
 * The container of a caller whose texts are these; NULL for the host. Takes *cgnsfd, the
 * caller's cgroup namespace (-1: it has none), when it remembers the container by that.
 * 0, -errno, PIDNS_NEEDS_INIT: call pidns_learn_init first, or PIDNS_NEEDS_INNER: call it
 * again with both texts.
 */
int pidns_learn(struct pidns *cache, const struct caller *caller,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns,
	struct container **out);

/* Takes the cgroup of the namespace's init from its texts (NULL: they could not be read);
 * init->cgns is its cgroup namespace and *cgnsfd is as above. 0 or -errno. */
int pidns_learn_init(struct pidns *cache, const struct caller *init,
	const struct cgtexts *texts, int *cgnsfd, uint64_t now_ns);

/* Forgets what was not used since PIDNS_IDLE_NS before now, and what is dead. */
void pidns_prune(struct pidns *cache, uint64_t now_ns);
/* Forgets all if the error is that there are more containers than descriptors, and tells
 * whether: it is worth trying again then, and those who go on reading come back. */
bool pidns_forget_if_full(struct pidns *cache, int error);

#endif

/*
 * The daemon's own view of the cgroup hierarchies, which must not depend on what the host
 * later unmounts or covers, and must not keep the host's mounts busy.
 *
 * It mounts nothing that is not mounted already: a new v1 hierarchy takes its controllers
 * away from cgroup2, and a mount of cgroup2 that does not repeat the options of its
 * superblock changes them for the whole host (Linux 6.1). While we hold a v1 hierarchy,
 * the host can unmount and mount it, but not mount its controllers in another grouping
 * (EBUSY).
 */
#ifndef NSUTIL_CGMOUNT_H
#define NSUTIL_CGMOUNT_H

#include "nsutil/cgroup.h"

/* How the hierarchies are held. */
enum cgmount_way {
	CGMOUNT_AUTO,      /* the first of the following that holds all there are */
	CGMOUNT_CLONE,     /* detached clones: open_tree(2), Linux 5.2 */
	CGMOUNT_NAMESPACE, /* bind mounts in a mount namespace of our own */
	CGMOUNT_HOST,      /* the host's own mounts: they are busy while we run */
	CGMOUNT_WAYS,
};

/* "auto", "clone", "namespace", "host". */
extern const char *const cgmount_way_names[CGMOUNT_WAYS];

struct cgmount {
	enum cgmount_way way; /* taken in fact; CGMOUNT_AUTO: no hierarchy is held */
	int nsfd;           /* our mount namespace; -1: none. Keeps its mounts attached */
	int watch;          /* mountinfo, to see that it changed; -1: not looked at yet */
	uint64_t polled_ns; /* when that was asked, */
	uint64_t looked_ns; /* and when it was looked at */
	uint64_t seen;      /* which cgroup mounts it showed then */
	int missing;        /* hierarchies that are mounted and could not be held */
};

#define CGMOUNT_NULL ((struct cgmount){.nsfd = -1, .watch = -1})

/*
 * Adds every mounted cgroup hierarchy that views can use to the layout, v1 before v2, by
 * the way wanted. The namespace way mounts, in its own namespace, on the directory
 * "cgroup" below runtime_dir: it makes both and detaches what a dead daemon left mounted
 * there. No other way touches them. procfd stays the caller's.
 *
 * 0, also when no cgroups are mounted at all; -errno when the wanted way cannot be taken;
 * -ENOTRECOVERABLE: the process is astray in another namespace and must end.
 */
int cgmount_open(struct cgmount *cgmount, int procfd, const char *runtime_dir,
	enum cgmount_way want, struct cg_layout *layout);
void cgmount_close(struct cgmount *cgmount);

/*
 * Adds hierarchies that were mounted since cgmount_open; what is held stays. Costs one
 * poll(2) in CGMOUNT_POLL_NS while no mount changes, and reads mountinfo once in
 * CGMOUNT_REFRESH_NS at most. They are cloned, or are the host's where that is not
 * possible. now_ns: CLOCK_BOOTTIME.
 */
enum { CGMOUNT_POLL_NS = 100000000, CGMOUNT_REFRESH_NS = 2000000000 };
void cgmount_refresh(
	struct cgmount *cgmount, int procfd, uint64_t now_ns, struct cg_layout *layout);

#endif

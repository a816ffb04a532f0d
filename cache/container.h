/*
 * What is remembered of one container: its init, its cgroup in each hierarchy, and (in a
 * bounded pool shared by all) descriptors of the cgroup files it reads often.
 */
#ifndef CACHE_CONTAINER_H
#define CACHE_CONTAINER_H

#include "cache/cgpath.h"
#include "nsutil/cgroup.h"
#include "nsutil/cpuset.h"
#include "nsutil/host.h"

#include <sys/types.h>

struct cgfiles;
struct pidns_space;

enum { CONTAINER_NEAR = 96 }; /* bytes of paths that most containers do with */

struct container {
	struct container *next;    /* of the table that holds it */
	struct pidns_space *space; /* likewise */
	struct container *peer;    /* next in that space */
	uint64_t key;              /* in that table, besides pidns */
	uint64_t id;               /* never used again, also not after this one is gone */
	/* Inode number of its pid namespace; and of its cgroup namespace, with that of
	 * its cgroup in it. Where it has no cgroup namespace of its own, cgns has bit 63
	 * set. */
	uint64_t pidns, cgns;
	/* That of the outermost pid namespace around it that is below ours, which may be
	 * its own: whoever makes namespaces in there has no more room for that. */
	uint64_t outer;
	pid_t init;          /* in our pid namespace; 0 in the host's pid namespace */
	uint64_t start_ns;   /* CLOCK_BOOTTIME at which init started; 0 there */
	int64_t boot_offset; /* see container_boot_offset */
	uint64_t boot_ns;    /* CLOCK_BOOTTIME of the last look at it; 0: none yet */
	int cgnsfd;          /* keeps the number cgns from being used again; -1; owned */
	uint64_t used_ns;    /* CLOCK_BOOTTIME of the last use */
	uint64_t checked_ns; /* CLOCK_BOOTTIME of the last look at its cgroups */
	uint64_t dir;        /* container_dir() then */
	struct cgfiles *files; /* the pool; not owned */
	int hierarchies;       /* that the layout had when path was set */
	/* Path below the hierarchy's mount root, "" for the root, else "/a/b". NULL: this
	 * container is not in that hierarchy. Those that are the same are one text. */
	const char *path[CG_HIERARCHIES];
	char *texts; /* of the paths: near, or owned */
	char near[CONTAINER_NEAR];
};

/* How far a fact could be read. Errors of a cgroup file are never an error to a reader.
 */
enum {
	CG_OK = 0,
	CG_ABSENT = 1, /* no such controller or file here, unreadable, or the cgroup is
			  gone */
};

/* The pool of kept-open descriptors and the layout they are read in. `limit` is the
 * number of descriptors kept, 0 for none. The layout stays the caller's and must live
 * longer. */
int cgfiles_new(struct cgfiles **out, const struct cg_layout *layout, unsigned limit);
void cgfiles_free(struct cgfiles *files);
/* Closes every descriptor kept for the container. */
void cgfiles_forget(struct cgfiles *files, const struct container *ct);
/* Descriptors held now; for metrics and tests. */
unsigned cgfiles_held(const struct cgfiles *files);

/* A container with no paths yet. 0 or -ENOMEM. Free it with container_free. */
int container_new(struct container **out, struct cgfiles *files);
void container_free(struct container *ct);

/* Takes the paths from a process's texts; what changed is read anew. With skip_root a
 * process in a hierarchy's root counts as not in it. 0 or -ENOMEM. */
int container_set_paths(struct container *ct, enum cgpath_rule rule, bool skip_root,
	const struct cgtexts *texts);
/* The same by CGPATH_INIT from the text of one /proc/PID/cgroup. */
int container_set_cgroups(struct container *ct, const char *text);

/* Whether container_set_paths(ct, CGPATH_OWN, skip_root, texts) would change nothing. */
bool container_is_at(
	const struct container *ct, bool skip_root, const struct cgtexts *texts);
/*
 * Whether a process of the container's pid namespace, but of the cgroup namespace around
 * it, belongs to the container and not to a cgroup of its own. It does when
 * 1. it is in the container's cgroup or below it, or
 * 2. it shares no cgroup but the root with the container, or is in the root itself: an
 *    administrator's shell that entered the namespaces, wherever that was started.
 * It does not when in some hierarchy
 * 3. both have an ancestor in common that is not the root: containers side by side that
 *    share a pid namespace, or
 * 4. the container is in the root and the process is not, unless 1 holds in another
 *    hierarchy: only the container's work has cgroups, not its init.
 * The root is that of the cgroup namespace whose texts->inner there is, else ours.
 */
bool container_has(const struct container *ct, const struct cgtexts *texts);
/* Whether it is in no hierarchy at all. */
bool container_is_nowhere(const struct container *ct);
/* The inode number of one of its cgroups: another one, made anew under the same name, has
 * another (Linux 5.5; before that it may have the same). 0 when it cannot be told. */
uint64_t container_dir(const struct container *ct);

/* Nanoseconds that the time namespace of its init's children adds to our CLOCK_BOOTTIME;
 * 0 without an init, and where the kernel does not tell. A process that has entered
 * another time namespace within the container gets the same. Reads procfs once while
 * the init's age grows by a sixteenth, and once a second when that takes longer. */
int64_t container_boot_offset(
	struct container *ct, const struct host *host, uint64_t now_ns);

/* The version of the hierarchy that holds the controller; NULL when nothing does. */
const struct cg_version *container_version(
	const struct container *ct, enum cg_controller controller);

/* Number of ancestors up to and including the hierarchy's root: 0 for the root cgroup
 * itself, 2 for "/a/b". -1 when the container is not in a hierarchy of that controller.
 */
int container_depth(const struct container *ct, enum cg_controller controller);

/*
 * The text of a fact's file in the container's cgroup (up = 0) or its up-th ancestor.
 * CG_OK, or CG_ABSENT. *text is NUL-terminated and valid until the next call of any
 * function below.
 */
int container_text(
	struct container *ct, enum cg_fact fact, unsigned up, const char **text);

/* The same for one-number files; "max" is UINT64_MAX. */
int container_value(struct container *ct, enum cg_fact fact, unsigned up, uint64_t *out);

/* The smallest value over the container's cgroup and all its ancestors that have the
 * file: limits. CG_ABSENT when none has it. */
int container_min(struct container *ct, enum cg_fact fact, uint64_t *out);

/* The text of the nearest cgroup, upwards, that has the file and where it is not empty or
 * blank; *up (may be NULL) says which. For controllers not enabled at the bottom. */
int container_nearest(
	struct container *ct, enum cg_fact fact, const char **text, unsigned *up);

/* The quota with the lowest quota/period on the way to the root and how far up it is.
 * CG_ABSENT when there is no limit. */
int container_quota(struct container *ct, struct cg_quota *out, unsigned *up);

/* Reads a file of the container's cgroup by name, for what is not a fact
 * (hugetlb.SIZE.*). 0 or -errno. */
int container_read(struct container *ct, enum cg_controller controller, unsigned up,
	const char *name, struct textbuf *text);
/* Where such a file is, below the mount of the controller's hierarchy. 0 or -errno. */
int container_path(const struct container *ct, enum cg_controller controller, unsigned up,
	const char *name, char *buf, size_t size);

#endif

/*
 * The cgroup hierarchies, held by the process that lives longest: what the host unmounts
 * later is still there for every worker, and for the next version of the binary.
 */
#ifndef DAEMON_CGROUPS_H
#define DAEMON_CGROUPS_H

#include "daemon/options.h"
#include "nsutil/cgmount.h"

struct cgroups {
	struct cg_layout layout;
	struct cgmount mount; /* how they are held */
};

/* A null one has .mount = CGMOUNT_NULL. Takes up what was held before this binary was
 * executed, or finds what is mounted. False after a line on standard error; cgroups_close
 * is safe in any case. */
bool cgroups_open(struct cgroups *cgroups, const struct options *options);
/* Says how the mounts are held where that matters to whoever runs the host. */
void cgroups_tell(const struct cgroups *cgroups);
void cgroups_close(struct cgroups *cgroups);

/* Makes what is held the caller's, with nothing left here: for a worker, which adds to
 * it. */
void cgroups_take(
	struct cgroups *cgroups, struct cg_layout *layout, struct cgmount *mount);

/* Before execve(2): the next binary's cgroups_open gets what we hold. If that fails,
 * calling it with `pass` false takes it back. Allocates nothing. */
void cgroups_hand_on(const struct cgroups *cgroups, bool pass);

#endif

/*
 * See cgroups.h. The variable that names the descriptors also holds the process id, so
 * that no other process takes it for its own.
 */
#include "daemon/cgroups.h"

#include "daemon/hostfs.h"
#include "daemon/log.h"
#include "nsutil/cgstate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "EVLXCFS_CGROUPS"

static char variable[4096];

static bool take_up(struct cgroups *cgroups)
{
	const char *text = getenv(VARIABLE);
	int pid, n = 0;

	return text && sscanf(text, "%d:%n", &pid, &n) == 1 && n && pid == getpid() &&
	       cgstate_read(text + n, &cgroups->mount, &cgroups->layout) == 0;
}

bool cgroups_open(struct cgroups *cgroups, const struct options *options)
{
	int r;

	cgroups->mount = CGMOUNT_NULL;
	cg_layout_init(&cgroups->layout);
	if (take_up(cgroups))
		return true;
	r = cgmount_open(&cgroups->mount, hostfs_proc(), options->runtime_dir,
		options->cgroup_mounts, &cgroups->layout);
	if (r < 0) {
		log_warnx("cgroup mounts: %s", strerror(-r));
		return false;
	}
	if (cgroups->mount.missing)
		log_warnx(
			"%d cgroup hierarchies are mounted where they cannot be reached",
			cgroups->mount.missing);
	if (!cgroups->layout.count)
		log_warnx("no cgroup hierarchy is mounted: containers see the host's "
			  "figures");
	return true;
}

void cgroups_tell(const struct cgroups *cgroups)
{
	if (cgroups->layout.count && cgroups->mount.way == CGMOUNT_HOST)
		log_info("using the host's cgroup mounts, which stay busy meanwhile");
}

void cgroups_close(struct cgroups *cgroups)
{
	cg_layout_deinit(&cgroups->layout);
	cgmount_close(&cgroups->mount);
}

void cgroups_take(
	struct cgroups *cgroups, struct cg_layout *layout, struct cgmount *mount)
{
	*layout = cgroups->layout;
	*mount = cgroups->mount;
	cgroups->mount = CGMOUNT_NULL;
	cg_layout_init(&cgroups->layout);
}

void cgroups_hand_on(const struct cgroups *cgroups, bool pass)
{
	int n = snprintf(variable, sizeof(variable), VARIABLE "=%d:", (int)getpid());

	/* What does not fit is found anew. */
	if (cgstate_write(&cgroups->mount, &cgroups->layout, pass, variable + n,
		    sizeof(variable) - (size_t)n) < 0)
		variable[n] = '\0';
	putenv(variable);
}

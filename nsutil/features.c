/*
 * See features.h.
 */
#include "nsutil/features.h"

#include "nsutil/cleanup.h"
#include "nsutil/initpid.h"
#include "nsutil/pidfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
const struct feature_row feature_table[FEATURES] = {
	[FEATURE_PIDFD] = {"pidfds", "5.3",
		"a container's end is noticed by the start time of its init"},
	[FEATURE_INIT_IOCTL] = {"NS_GET_PID_FROM_PIDNS", "6.11",
		"a forked helper finds the init of each new container"},
	[FEATURE_CGROUP_NS] = {"cgroup namespaces", "4.6",
		"a container is the cgroup of its init"},
	[FEATURE_TIME_NS] = {"time namespaces", "5.6",
		"uptime counts from the start of a container's init"},
	[FEATURE_PSI] = {"pressure (PSI)", "",
		"there are no files in proc/pressure"},
	[FEATURE_SWAP] = {"swap accounting", "",
		"containers see no swap"},
};
/* clang-format on */

static enum feature_state has_pidfd(void)
{
	autofd fd = pidfd_get(getpid());

	return fd >= 0 ? FEATURE_PRESENT : FEATURE_ABSENT;
}

/* Our own namespace answers as any other does. */
static enum feature_state has_ioctl(int procfd)
{
	autofd ns = openat(procfd, "self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t init = ns < 0 ? -errno : initpid_ioctl(ns);

	if (ns < 0)
		return FEATURE_UNKNOWN;
	return init == -ENOTTY || init == -EINVAL ? FEATURE_ABSENT : FEATURE_PRESENT;
}

static enum feature_state has_file(int procfd, const char *path)
{
	struct stat st;

	return fstatat(procfd, path, &st, 0) == 0 ? FEATURE_PRESENT : FEATURE_ABSENT;
}

/* The file that a cgroup has with swap accounting only. On v1 the root has it, too. */
static const char *swap_file(const struct cg_layout *layout)
{
	const int i = layout->of[CG_MEMORY];

	return layout->hierarchy[i].version == &cg_v2 ? "memory.swap.current"
						      : "memory.memsw.limit_in_bytes";
}

/* Looks at the first cgroup below `root` that has the memory controller. */
static enum feature_state swap_below(int root, const char *file)
{
	enum feature_state state = FEATURE_UNKNOWN;
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return state;
	}
	while (state == FEATURE_UNKNOWN && (entry = readdir(dir))) {
		char path[NAME_MAX + 64];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/memory.current", entry->d_name);
		if (has_file(root, path) == FEATURE_ABSENT)
			continue;
		snprintf(path, sizeof(path), "%s/%s", entry->d_name, file);
		state = has_file(root, path);
	}
	closedir(dir);
	return state;
}

static enum feature_state has_swap(const struct cg_layout *layout)
{
	const int i = layout->of[CG_MEMORY];
	const struct cg_hierarchy *h = i < 0 ? NULL : &layout->hierarchy[i];
	const char *file;

	if (!h)
		return FEATURE_ABSENT;
	file = swap_file(layout);
	if (h->version != &cg_v2 || has_file(h->fd, file) == FEATURE_PRESENT)
		return has_file(h->fd, file);
	return swap_below(h->fd, file);
}

void features_probe(
	int procfd, const struct cg_layout *layout, enum feature_state state[FEATURES])
{
	state[FEATURE_PIDFD] = has_pidfd();
	state[FEATURE_INIT_IOCTL] = has_ioctl(procfd);
	state[FEATURE_CGROUP_NS] = has_file(procfd, "self/ns/cgroup");
	state[FEATURE_TIME_NS] = has_file(procfd, "self/ns/time");
	state[FEATURE_PSI] = has_file(procfd, "pressure/cpu");
	state[FEATURE_SWAP] = has_swap(layout);
}

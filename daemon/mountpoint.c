/*
 * See mountpoint.h.
 */
#include "daemon/mountpoint.h"

#include "daemon/log.h"
#include "fusechan/mount.h"
#include "nsutil/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int canonical(const char *path, char out[PATH_MAX])
{
	autofree char *copy = strdup(path);
	autofree char *parent = NULL;
	char *slash, *name;
	size_t len;

	if (!copy)
		return -ENOMEM;
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : copy;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return realpath(copy, out) ? 0 : -errno;
	if (slash)
		*slash = '\0';
	parent = realpath(slash ? (slash == copy ? "/" : copy) : ".", NULL);
	if (!parent)
		return -errno;
	if (snprintf(out, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", name) >=
		PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

bool mountpoint_resolve(const char *path, char out[PATH_MAX])
{
	int r = canonical(path, out);

	if (r < 0)
		log_warnx("%s: %s", path, strerror(-r));
	return r == 0;
}

bool mountpoint_clear(const char *target)
{
	struct stat st;
	int r;

	while ((r = fuse_mount_probe(target)) == MOUNT_STALE) {
		r = fuse_unmount(target);
		if (r < 0) {
			log_warnx("%s: cannot detach a dead mount: %s", target,
				strerror(-r));
			return false;
		}
		log_info("%s: detached the mount of a dead daemon", target);
	}
	if (r == MOUNT_ALIVE) {
		log_warnx("%s is in use by another FUSE daemon", target);
		return false;
	}
	if (r < 0) {
		log_warnx("%s: %s", target, strerror(-r));
		return false;
	}
	if (stat(target, &st) < 0) {
		log_warn("%s", target);
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_warnx("%s is not a directory", target);
		return false;
	}
	return true;
}

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

enum { LINKS_MAX = 40 }; /* as path_resolution(7) has it */

/* Cuts path, without trailing slashes, into a directory and the name below it. */
static const char *split(char *path, const char **parent)
{
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	*parent = !slash ? "." : slash == path ? "/" : path;
	if (!slash)
		return path;
	*slash = '\0';
	return slash + 1;
}

/* The directory of `path` without links, and its last component as it is. A last component
 * that is no name is resolved at once: 1 then. */
static int join(const char *path, char out[PATH_MAX])
{
	autofree char *copy = strdup(path);
	autofree char *dir = NULL;
	const char *parent, *name;

	if (!copy)
		return -ENOMEM;
	name = split(copy, &parent);
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return realpath(path, out) ? 1 : -errno;
	dir = realpath(parent, NULL);
	if (!dir)
		return -errno;
	if (snprintf(out, PATH_MAX, "%s/%s", strcmp(dir, "/") ? dir : "", name) >=
		PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* The path to which the link at `link` leads. 0; 1 if there is no link; -errno. */
static int follow(const char *link, char out[PATH_MAX])
{
	char text[PATH_MAX];
	ssize_t n = readlink(link, text, sizeof(text));
	int dir = 0;

	if (n < 0)
		return 1;
	if ((size_t)n >= sizeof(text))
		return -ENAMETOOLONG;
	text[n] = '\0';
	if (text[0] != '/')
		dir = (int)(strrchr(link, '/') - link) + 1;
	return snprintf(out, PATH_MAX, "%.*s%s", dir, link, text) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

/* readlink(2) asks no server about a mount that it ends on; lstat(2), with which realpath
 * of glibc before 2.33 looks at each component, fails there when the mount is dead. */
static int canonical(const char *path, char out[PATH_MAX])
{
	char next[PATH_MAX];
	int r = join(path, out);

	for (int i = 0; r == 0 && i < LINKS_MAX; i++) {
		r = follow(out, next);
		if (r == 0)
			r = join(next, out);
	}
	return r == 0 ? -ELOOP : r < 0 ? r : 0;
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

/*
 * Mounts of our own that show a directory without whatever is mounted in it: attached
 * nowhere, held by descriptor, and left alone by later mounts of the host.
 */
#ifndef NSUTIL_TREECLONE_H
#define NSUTIL_TREECLONE_H

/* A detached, private, non-recursive clone of the mount behind dirfd and path, as an
 * O_PATH descriptor that the caller closes (open_tree(2), Linux 5.2). flags are those of
 * openat(2)'s AT_ family: 0 or AT_EMPTY_PATH. -errno: -ENOSYS before that, -EPERM without
 * CAP_SYS_ADMIN, -EINVAL where mounts in it are locked (mount_namespaces(7)). */
int treeclone(int dirfd, const char *path, int flags);

/* The same of a path on every kernel, by a bind mount for a moment: to be called in a
 * mount namespace that shares nothing (see mntns.h). -errno as above. */
int treeclone_bind(const char *path);

#endif

/*
 * See treeclone.h.
 */
#include "nsutil/treeclone.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428 /* asm-generic/unistd.h, Linux 5.2 */
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442 /* Linux 5.12 */
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

/* Linux 6.15 passes on to the clone of a shared mount what is mounted below the original.
 */
static void make_private(int tree)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} attr = {.propagation = MS_PRIVATE}; /* struct mount_attr, linux/mount.h */

	syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

int treeclone(int dirfd, const char *path, int flags)
{
	int tree = (int)syscall(
		SYS_open_tree, dirfd, path, (unsigned)flags | OPEN_TREE_CLONE | O_CLOEXEC);

	if (tree < 0)
		return -errno;
	make_private(tree);
	return tree;
}

int treeclone_bind(const char *path)
{
	autofd fd = -1;

	if (mount(path, path, NULL, MS_BIND, NULL) < 0)
		return -errno;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || fd < 0)
		return -errno;
	return fd_steal(&fd);
}

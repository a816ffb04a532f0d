/*
 * Mounting and unmounting a FUSE file system by hand.
 */
#ifndef FUSECHAN_MOUNT_H
#define FUSECHAN_MOUNT_H

#include <stdbool.h>

/* Mounts the connection `fd` on the directory target with `flags`, MS_* of mount(2).
 * Unless `writable`, the superblock is read-only, whether or not the mount on it is: that
 * saves a GETATTR for every read (no access time gets old), and a read-only mount could
 * not be bind-remounted in a user namespace. 0 or -errno. */
int fuse_mount(const char *target, const char *source, const char *type, int fd,
	unsigned long flags, bool writable);

/* Detaches what is mounted on target; users of it keep it until they let go. */
int fuse_unmount(const char *target);

enum {
	MOUNT_NONE = 0,  /* no FUSE mount there */
	MOUNT_STALE = 1, /* one whose server is gone */
	MOUNT_ALIVE = 2, /* one that answers, or that hangs */
};

/* What sits on target now. Asks in a child process with a deadline of a second, since a
 * FUSE mount whose server is stuck would keep us with it. -errno when target cannot be
 * looked at. */
int fuse_mount_probe(const char *target);

#endif

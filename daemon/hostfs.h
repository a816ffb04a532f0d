/*
 * The host's /proc and /sys, which this process and its children read through descriptors
 * alone. They are detached clones: whatever the host mounts over files in them, our own
 * files above all, is not in the way. A read of one of our own files would wait for
 * itself.
 *
 * Held by the process that lives longest, like the cgroup hierarchies, and handed on to
 * the next version of the binary, which has no worker yet that could answer.
 */
#ifndef DAEMON_HOSTFS_H
#define DAEMON_HOSTFS_H

#include <stdbool.h>

/* How they are held. */
enum hostfs_way {
	HOSTFS_CLONE,     /* by open_tree(2), Linux 5.2 */
	HOSTFS_NAMESPACE, /* by a bind mount in a mount namespace that is gone */
	HOSTFS_PLAIN,     /* not as clones: what is mounted over files is read */
	HOSTFS_WAYS,
};

/* Takes up what was held before this binary was executed, or opens both; /sys may be
 * missing. Later calls do nothing unless it failed, and try again then. 0 or -errno;
 * -ENOTRECOVERABLE: the process is astray in another namespace and must end. */
int hostfs_open(void);

/* O_PATH descriptors of the directories, opened if they are not yet. They stay ours.
 * -1 where there is none. */
int hostfs_proc(void);
int hostfs_sys(void);

/* The worse of the ways in which the two are held. */
enum hostfs_way hostfs_way(void);

/* Before execve(2): the next binary's hostfs_open gets what we hold. If that fails,
 * calling it with `pass` false takes it back. Allocates nothing. */
void hostfs_hand_on(bool pass);

#endif

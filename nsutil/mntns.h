/*
 * A mount namespace of our own, and the way back from it. One thread only: a namespace
 * belongs to a thread, and unshare(2) takes its root and directory with it.
 */
#ifndef NSUTIL_MNTNS_H
#define NSUTIL_MNTNS_H

/* Where we were; a descriptor is -1 when there is nothing to go back to. */
struct mntns {
	int procfd; /* procfs of our pid namespace; not owned */
	int home;   /* the mount namespace we came from */
	int root;   /* its root directory, as we saw it */
	int cwd;
};

#define MNTNS_NULL ((struct mntns){.procfd = -1, .home = -1, .root = -1, .cwd = -1})

/* Enters a copy of the present mount namespace in which nothing is shared with any other.
 * procfd stays the caller's. 0, then mntns_leave must follow; -errno (EPERM without
 * CAP_SYS_ADMIN or CAP_SYS_CHROOT), then nothing has changed, but for -ENOTRECOVERABLE: see mntns_leave. */
int mntns_enter(struct mntns *ns, int procfd);

/*
 * Makes `base`, a mount of ours, the root of this namespace and lets go of every mount
 * that is not below it, so that the namespace keeps nothing of the host's busy. By
 * pivot_root(2); where the root is a ramfs, which has no parent to be put under and so
 * cannot be pivoted, by moving base over it and chroot(2). 0 or -errno.
 */
int mntns_isolate(const struct mntns *ns, const char *base);

/* A descriptor of the present mount namespace, which keeps it and its mounts; the caller
 * closes it. -errno. */
int mntns_open(int procfd);

/* Goes back to where mntns_enter was called: namespace, root, working directory. 0, or
 * -ENOTRECOVERABLE when that cannot be: the process is then somewhere in between and must
 * end. */
int mntns_leave(struct mntns *ns);

#endif

/*
 * Everything that the way back needs is opened before the first step, since no path leads
 * out of the new namespace once its root has changed.
 */
#include "nsutil/mntns.h"

#include "nsutil/cleanup.h"
#include "nsutil/mountinfo.h"
#include "nsutil/procfile.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

int mntns_open(int procfd)
{
	int fd = openat(procfd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void forget(struct mntns *ns)
{
	fd_close(ns->home);
	fd_close(ns->root);
	fd_close(ns->cwd);
	*ns = MNTNS_NULL;
}

static int enter(struct mntns *ns)
{
	ns->home = mntns_open(ns->procfd);
	if (ns->home < 0)
		return ns->home;
	ns->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ns->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ns->root < 0 || ns->cwd < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;
	return 0;
}

int mntns_enter(struct mntns *ns, int procfd)
{
	int r;

	*ns = MNTNS_NULL;
	/* The way back takes CAP_SYS_CHROOT. This changes nothing. */
	if (chroot("/") < 0)
		return -errno;
	ns->procfd = procfd;
	r = enter(ns);
	if (r < 0) {
		forget(ns);
		return r;
	}
	/* What is mounted or unmounted here must not reach the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return 0;
	r = -errno;
	return mntns_leave(ns) < 0 ? -ENOTRECOVERABLE : r;
}

static bool is_below(const char *path, const char *base)
{
	size_t n = strlen(base);

	return !strncmp(path, base, n) && (!path[n] || path[n] == '/');
}

/* Detaches each mount of the text but the root and those below base. The working
 * directory is the old root. Children go with their parents, so that many are gone when
 * their turn comes. */
static void detach_all(char *text, const char *base)
{
	struct mountinfo m;

	while (mountinfo_next(&text, &m))
		if (m.target[0] == '/' && m.target[1] && !is_below(m.target, base))
			umount2(m.target + 1, MNT_DETACH | UMOUNT_NOFOLLOW);
}

static int move_root(const struct mntns *ns, const char *base)
{
	struct textbuf text = {0};
	autofd old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = old < 0 ? -errno : procfile_read(ns->procfd, "self/mountinfo", &text);

	if (r == 0 && (chdir(base) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
			      chroot(".") < 0 || fchdir(old) < 0))
		r = -errno;
	if (r == 0)
		detach_all(text.data, base);
	textbuf_deinit(&text);
	return r;
}

int mntns_isolate(const struct mntns *ns, const char *base)
{
	if (chdir(base) < 0)
		return -errno;
	/* The old root comes to lie on the new one (pivot_root(2), "."), from where it is
	 * detached with all that is mounted in it. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
	return errno == EINVAL ? move_root(ns, base) : -errno;
}

int mntns_leave(struct mntns *ns)
{
	int r = 0;

	/* setns makes the namespace's root ours, which it need not have been. */
	if (setns(ns->home, CLONE_NEWNS) < 0 || fchdir(ns->root) < 0 || chroot(".") < 0 ||
		fchdir(ns->cwd) < 0)
		r = -ENOTRECOVERABLE;
	forget(ns);
	return r;
}

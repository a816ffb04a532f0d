/*
 * mount(2) with the options that every kernel takes; fsopen(2) gains nothing here.
 */
#include "fusechan/mount.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_MAGIC 0x65735546 /* linux/magic.h has it only since Linux 5.17 */

int fuse_mount(const char *target, const char *source, const char *type, int fd,
	unsigned long flags, bool writable)
{
	char options[128];

	snprintf(options, sizeof(options),
		"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		fd);
	if (mount(source, target, type, flags | (writable ? 0 : MS_RDONLY), options) < 0)
		return -errno;
	if (mount(NULL, target, NULL, flags | MS_REMOUNT | MS_BIND, NULL) < 0) {
		int error = errno;
		umount2(target, MNT_DETACH);
		return -error;
	}
	return 0;
}

int fuse_unmount(const char *target)
{
	return umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

/* In the child: how the file system at target answers. */
static int probe(const char *target)
{
	char parent[PATH_MAX + 4];
	struct stat here, above;
	struct statfs fs;

	if (statfs(target, &fs) < 0)
		return errno == ENOTCONN || errno == ECONNABORTED ? MOUNT_STALE
								  : 128 + errno % 128;
	if (fs.f_type != FUSE_MAGIC)
		return MOUNT_NONE;
	/* A directory inside a FUSE file system is not in our way. */
	snprintf(parent, sizeof(parent), "%s/..", target);
	if (stat(target, &here) == 0 && stat(parent, &above) == 0 &&
		here.st_dev == above.st_dev)
		return MOUNT_NONE;
	return MOUNT_ALIVE;
}

int fuse_mount_probe(const char *target)
{
	int pipefd[2], status, r;
	struct pollfd pfd;
	pid_t child;

	if (pipe(pipefd) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		close(pipefd[0]);
		_exit(probe(target));
	}
	r = child < 0 ? -errno : 0;
	close(pipefd[1]);
	if (child > 0) {
		pfd = (struct pollfd){.fd = pipefd[0], .events = POLLIN};
		while ((r = poll(&pfd, 1, 1000)) < 0 && errno == EINTR)
			;
		if (r == 0) {
			/* It hangs in the mount's server and may outlive the signal. */
			kill(child, SIGKILL);
			waitpid(child, &status, WNOHANG);
			r = MOUNT_ALIVE;
		} else if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
			r = -ECHILD;
		} else {
			r = WEXITSTATUS(status);
			r = r >= 128 ? -(r - 128) : r;
		}
	}
	close(pipefd[0]);
	return r;
}

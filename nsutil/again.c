/*
 * See again.h.
 */
#include "nsutil/again.h"

#include "nsutil/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 3 };

bool again_wanted(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
	       error == -EAGAIN || error == -EINTR;
}

int again_open(int dirfd, const char *path, int flags)
{
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = openat(dirfd, path, flags);
		if (fd >= 0 || !again_wanted(-errno))
			break;
	}
	return fd < 0 ? -errno : fd;
}

int again_stat(int dirfd, const char *path, struct stat *st, int flags)
{
	int r = -1;

	for (int i = 0; i < TRIES; i++) {
		r = fstatat(dirfd, path, st, flags);
		if (r == 0 || !again_wanted(-errno))
			break;
	}
	return r < 0 ? -errno : 0;
}

int again_dir_open(struct again_dir *dir, int dirfd, const char *path)
{
	dir->at = dir->len = 0;
	dir->fd = again_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir->fd < 0 ? dir->fd : 0;
}

void again_dir_close(struct again_dir *dir)
{
	dir->fd = fd_close(dir->fd);
}

/* struct linux_dirent64 of getdents64(2): inode and offset, 8 bytes each, then these. */
enum { RECLEN = 16, NAME = 19 };

static int fill(struct again_dir *dir)
{
	long n = -1;

	for (int i = 0; i < TRIES; i++) {
		n = syscall(SYS_getdents64, dir->fd, dir->buf, sizeof(dir->buf));
		if (n >= 0 || !again_wanted(-errno))
			break;
	}
	dir->at = 0;
	dir->len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? -errno : n > 0;
}

int again_dir_next(struct again_dir *dir, const char **name)
{
	const char *entry;
	int r = 1;

	if (dir->at >= dir->len)
		r = fill(dir);
	if (r <= 0)
		return r;
	entry = dir->buf + dir->at;
	dir->at += *(const uint16_t *)(const void *)(entry + RECLEN);
	*name = entry + NAME;
	return 1;
}

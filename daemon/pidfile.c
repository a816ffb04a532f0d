/*
 * See pidfile.h. A lock of fcntl(2) belongs to the process, survives execve(2), and is
 * gone once the process closes any descriptor of the file: nothing else here opens it.
 */
#include "daemon/pidfile.h"

#include "daemon/log.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define VARIABLE "EVLXCFS_PIDFILE"

enum { WAIT_TRIES = 50, WAIT_MS = 20 };

static struct {
	const char *path;
	int fd;
	int owner; /* the process that has the lock; 0: none */
} own = {.fd = -1};
static char variable[48];

static struct flock whole(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

/* Whether the path still leads to the open file. */
static bool is_at(const char *path, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* -ESTALE: another took its name meanwhile. */
static int lock(const char *path, int *out)
{
	struct flock all = whole(F_WRLCK);
	struct stat st;
	autofd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		0644);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (fcntl(fd, F_SETLK, &all) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	if (!is_at(path, fd))
		return -ESTALE;
	*out = fd_steal(&fd);
	return 0;
}

static int lock_patiently(const char *path, int *out)
{
	static const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000};
	int r = lock(path, out);

	for (int i = 0; (r == -EAGAIN || r == -ESTALE) && i < WAIT_TRIES; i++) {
		nanosleep(&pause, NULL);
		r = lock(path, out);
	}
	return r;
}

/* Whoever reads meanwhile finds this id, or the former one, on the first line. */
static int write_id(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	ssize_t n = pwrite(fd, text, (size_t)len, 0);

	if (n < 0 || ftruncate(fd, len) < 0)
		return -errno;
	return n == len ? 0 : -ENOSPC;
}

/* The descriptor that the binary before this one has left. */
static bool inherit(void)
{
	const char *text = getenv(VARIABLE);
	int pid, fd;

	if (!text || sscanf(text, "%d:%d", &pid, &fd) != 2 || pid != getpid() ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	own.fd = fd;
	own.owner = pid;
	return true;
}

static void complain(const char *path, int error)
{
	const int holder = error == -EAGAIN ? pidfile_holder(path) : 0;

	if (holder)
		log_warnx("pidfile %s: process %d holds it", path, holder);
	else if (error == -EAGAIN)
		log_warnx("pidfile %s: another process holds it", path);
	else if (error == -EINVAL)
		log_warnx("pidfile %s: not a regular file", path);
	else
		log_warnx("pidfile %s: %s", path, strerror(-error));
}

bool pidfile_take(const char *path, bool resumed)
{
	int r;

	own.path = path;
	if (!path || (resumed && inherit()))
		return true;
	r = lock_patiently(path, &own.fd);
	if (r == 0) {
		own.owner = getpid();
		r = write_id(own.fd);
	}
	if (r < 0)
		complain(path, r);
	if (r < 0 && !resumed)
		pidfile_release();
	return r == 0 || resumed;
}

void pidfile_hand_on(bool pass)
{
	if (own.fd < 0)
		return;
	snprintf(variable, sizeof(variable), VARIABLE "=%d:%d", (int)getpid(), own.fd);
	putenv(variable);
	fcntl(own.fd, F_SETFD, pass ? 0 : FD_CLOEXEC);
}

void pidfile_drop(void)
{
	own.fd = fd_close(own.fd);
}

void pidfile_release(void)
{
	if (own.fd >= 0 && own.owner == getpid() && is_at(own.path, own.fd)) {
		/* The directory may be one that an unprivileged process cannot remove
		 * from. */
		if (unlink(own.path) < 0 && ftruncate(own.fd, 0) < 0)
			log_warn("pidfile %s", own.path);
	}
	pidfile_drop();
}

int pidfile_holder(const char *path)
{
	struct flock all = whole(F_WRLCK);
	autofd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fcntl(fd, F_GETLK, &all) < 0 || all.l_type == F_UNLCK)
		return 0;
	return all.l_pid;
}

/*
 * See hostfs.h. The variable that names the descriptors also holds the process id, so
 * that no other process takes it for its own.
 */
#include "daemon/hostfs.h"

#include "nsutil/cleanup.h"
#include "nsutil/mntns.h"
#include "nsutil/treeclone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VARIABLE "EVLXCFS_HOSTFS"

enum { PROC, SYS, DIRS };

static const char *const paths[DIRS] = {[PROC] = "/proc", [SYS] = "/sys"};

static struct {
	bool open;
	int error; /* of the last try to open them */
	int fd[DIRS];
	enum hostfs_way way;
} held = {.fd = {-1, -1}};

static char variable[64] = VARIABLE "=";

static bool is_directory(int fd)
{
	struct stat st;

	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fstat(fd, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool take_up(void)
{
	const char *text = getenv(VARIABLE);
	int pid, way, fd[DIRS];

	if (!text ||
		sscanf(text, "%d:%d:%d:%d", &pid, &way, &fd[PROC], &fd[SYS]) != 4 ||
		pid != getpid() || way < 0 || way >= HOSTFS_WAYS ||
		!is_directory(fd[PROC]) || (fd[SYS] >= 0 && !is_directory(fd[SYS])))
		return false;
	memcpy(held.fd, fd, sizeof(fd));
	held.way = (enum hostfs_way)way;
	return true;
}

static int hold(enum hostfs_way way, const char *path)
{
	int fd;

	switch (way) {
	case HOSTFS_CLONE: return treeclone(AT_FDCWD, path, 0);
	case HOSTFS_NAMESPACE: return treeclone_bind(path);
	default: break;
	}
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Takes one way for what is not held yet. 0, or why the last one could not be held,
 * -errno. */
static int try_way(enum hostfs_way way)
{
	int r = 0;

	for (int i = 0; i < DIRS; i++) {
		int fd = held.fd[i] < 0 ? hold(way, paths[i]) : -1;

		if (fd >= 0) {
			held.fd[i] = fd;
			held.way = way;
		} else if (held.fd[i] < 0 && (i == PROC || fd != -ENOENT)) {
			r = fd;
		}
	}
	return r;
}

static int try_namespace(void)
{
	autofd plain = hold(HOSTFS_PLAIN, paths[PROC]);
	struct mntns ns;
	int r = plain < 0 ? plain : mntns_enter(&ns, plain);

	if (r < 0)
		return r;
	r = try_way(HOSTFS_NAMESPACE);
	return mntns_leave(&ns) < 0 ? -ENOTRECOVERABLE : r;
}

/* A worse way would be taken for good because of a bad moment. */
static bool may_pass(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int open_both(void)
{
	int r = try_way(HOSTFS_CLONE);

	if (r == 0 || may_pass(r))
		return r;
	r = try_namespace();
	if (r == 0 || r == -ENOTRECOVERABLE || may_pass(r))
		return r;
	r = try_way(HOSTFS_PLAIN);
	return held.fd[PROC] < 0 || may_pass(r) ? r : 0;
}

int hostfs_open(void)
{
	if (!held.open && held.error != -ENOTRECOVERABLE) {
		held.error = take_up() ? 0 : open_both();
		held.open = held.error == 0;
	}
	return held.error;
}

int hostfs_proc(void)
{
	hostfs_open();
	return held.fd[PROC];
}

int hostfs_sys(void)
{
	hostfs_open();
	return held.fd[SYS];
}

enum hostfs_way hostfs_way(void)
{
	hostfs_open();
	return held.way;
}

void hostfs_hand_on(bool pass)
{
	snprintf(variable, sizeof(variable), VARIABLE "=%d:%d:%d:%d", (int)getpid(),
		(int)held.way, held.fd[PROC], held.fd[SYS]);
	for (int i = 0; i < DIRS; i++)
		if (held.fd[i] >= 0)
			fcntl(held.fd[i], F_SETFD, pass ? 0 : FD_CLOEXEC);
	putenv(variable);
}

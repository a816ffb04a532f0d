/*
 * See oomscore.h. The value that the daemon was started with goes to the next binary in
 * the environment, with the process id, so that no other process takes it for its own.
 * -1000 exempts the keeper also from memory.oom.group of its cgroup, which Kubernetes
 * sets (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "daemon/oomscore.h"

#include "daemon/hostfs.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#define VARIABLE "EVLXCFS_OOM"

enum { NEVER = -1000, MOST = 1000 };

static char variable[48];
static int started_with;

static int open_own(int flags)
{
	return openat(hostfs_proc(), "self/oom_score_adj", flags | O_CLOEXEC);
}

static void set(int value)
{
	autofd fd = open_own(O_WRONLY);
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", value);

	/* Refused, it stays what it is: nothing depends on it. */
	if (fd >= 0 && write(fd, text, (size_t)len) < 0)
		errno = 0;
}

static int get(void)
{
	autofd fd = open_own(O_RDONLY);
	char text[16] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	return n > 0 ? atoi(text) : 0;
}

static bool find_own(void)
{
	const char *own = getenv(VARIABLE);
	int pid, value;

	if (!own || sscanf(own, "%d:%d", &pid, &value) != 2 || pid != getpid())
		return false;
	started_with = value;
	return true;
}

void oomscore_protect(void)
{
	if (!find_own())
		started_with = get();
	snprintf(variable, sizeof(variable), VARIABLE "=%d:%d", (int)getpid(),
		started_with);
	putenv(variable);
	set(NEVER);
}

void oomscore_raise(int more)
{
	set(started_with + more < MOST ? started_with + more : MOST);
}

/*
 * See watchdog.h.
 */
#include "daemon/watchdog.h"

#include "daemon/hostfs.h"
#include "daemon/server.h"
#include "nsutil/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
	LOOKS = 4,   /* in the bound */
	STRIKES = 3, /* so that even what came just after a look waits no longer than that
		      */
	SHARE = 4,   /* the part of the bound that a worker in a loop must have used */
};

/* poll(2) looks again when it is woken, and does not tell of a request that the worker
 * has taken by then; SIGIO is sent for every one. */
static bool want_signal(const struct watchdog *dog, bool on)
{
	int flags = fcntl(dog->fuse, F_GETFL);

	return flags >= 0 &&
	       fcntl(dog->fuse, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC) == 0;
}

/* False without memory for the signal: poll(2) alone may miss a request. */
static bool arm(struct watchdog *dog)
{
	dog->armed = true;
	return fcntl(dog->fuse, F_SETOWN, getpid()) == 0 && want_signal(dog, true);
}

void watchdog_init(
	struct watchdog *dog, int fuse, const struct journal *journal, unsigned bound_s)
{
	*dog = (struct watchdog){.fuse = fuse,
		.journal = journal,
		.interval_ms = (uint64_t)bound_s * 1000 / LOOKS};
	if (dog->interval_ms)
		arm(dog);
}

void watchdog_deinit(struct watchdog *dog)
{
	dog->interval_ms = 0;
	dog->armed = false;
	dog->next_ms = 0;
}

static uint64_t progress(const struct watchdog *dog)
{
	return __atomic_load_n(&dog->journal->taken, __ATOMIC_RELAXED) +
	       __atomic_load_n(&dog->journal->answered, __ATOMIC_RELAXED);
}

/* 0 when it cannot be told. */
static uint64_t cpu_time_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Whether it would run if it could: state R of /proc/PID/stat. Allocates nothing. */
static bool is_ready_to_run(pid_t pid)
{
	char path[32], buf[128];
	const char *comm_end;
	autofd fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/stat", (int)pid);
	fd = openat(hostfs_proc(), path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return false;
	buf[n] = '\0';
	comm_end = strrchr(buf, ')');
	return comm_end && !strncmp(comm_end, ") R", 3);
}

static bool is_starved(const struct watchdog *dog, pid_t worker)
{
	uint64_t share_ns = dog->interval_ms * LOOKS / SHARE * 1000000u;

	return cpu_time_ns(worker) - dog->used_ns < share_ns && is_ready_to_run(worker);
}

void watchdog_start(struct watchdog *dog, pid_t worker, uint64_t now_ms)
{
	if (!dog->interval_ms)
		return;
	want_signal(dog, false);
	dog->armed = false;
	if (dog->next_ms)
		return;
	dog->seen = progress(dog);
	dog->used_ns = cpu_time_ns(worker);
	dog->strikes = 0;
	dog->idle = 0;
	dog->next_ms = now_ms + dog->interval_ms;
}

void watchdog_stop(struct watchdog *dog)
{
	dog->next_ms = 0;
}

/* A request waits, or the news that the connection is gone. */
static bool channel_waits(const struct watchdog *dog)
{
	struct pollfd pfd = {.fd = dog->fuse, .events = POLLIN};

	return poll(&pfd, 1, 0) > 0;
}

/* Looks that a worker may have only requests that are parked: these wait for a helper,
 * which may take its time. */
static unsigned patience(const struct watchdog *dog)
{
	return STRIKES + 1 + (unsigned)(PARK_SECONDS * 1000 / dog->interval_ms);
}

bool watchdog_look(struct watchdog *dog, pid_t worker, uint64_t now_ms)
{
	unsigned pending = journal_pending(dog->journal);
	bool waits = channel_waits(dog);
	uint64_t now = progress(dog);

	dog->next_ms = now_ms + dog->interval_ms;
	if (now != dog->seen) {
		dog->seen = now;
		dog->used_ns = cpu_time_ns(worker);
		dog->strikes = 0;
		dog->idle = 0;
	} else {
		dog->strikes++;
		dog->idle = waits || journal_working(dog->journal) ? dog->idle + 1 : 0;
	}
	if (!pending && !waits) {
		bool signalled = arm(dog);

		/* Taken just before that, it would be told by nobody. */
		if (signalled && !journal_pending(dog->journal))
			dog->next_ms = 0;
		return false;
	}
	return (dog->idle >= STRIKES || dog->strikes >= patience(dog)) &&
	       !is_starved(dog, worker);
}

/*
 * A slot is a walk on the loop, or a helper and the jobs it was given, in the order in
 * which it does them. A job leaves its slot with exactly one call of done(). A helper
 * that was killed keeps its slot until it is reaped: it may sleep in the kernel, and
 * nobody waits for it.
 */
#include "daemon/walks.h"

#include "daemon/oomscore.h"
#include "nsutil/cleanup.h"
#include "nsutil/initpid.h"
#include "nsutil/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

struct slot {
	struct walks *walks;
	uint64_t job[WALKS_BATCH]; /* ids */
	unsigned jobs, reported; /* job[reported] and later ones have not been reported */
	struct taskwalk walk;
	pid_t pid; /* of the helper; 0: none */
	int pidfd; /* -1 before Linux 5.3 */
	int results;
	struct loop_fd *watch;
	struct loop_timer *deadline;
};

struct walks {
	struct loop *loop;
	struct loop_timer *slice, *retry;
	bool paused; /* until `retry`: a helper could not be made */
	int procfd, secret;
	struct walks_user user;
	unsigned turn;         /* slot of the last slice */
	uint64_t slice_end_ns; /* CLOCK_MONOTONIC */
	struct slot slot[WALKS];
};

/* What a helper writes; pipes keep writes of this size whole. */
struct result {
	uint64_t id;
	struct taskwalk_counts counts;
};

static const uint64_t slice_ns = WALKS_SLICE_US * UINT64_C(1000);

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool on_loop(const struct slot *slot)
{
	return slot->jobs && !slot->pid;
}

static void report(
	struct slot *slot, enum walk_end end, const struct taskwalk_counts *counts)
{
	uint64_t id = slot->job[slot->reported++];

	if (slot->reported == slot->jobs)
		slot->jobs = slot->reported = 0;
	slot->walks->user.done(slot->walks->user.arg, id, end, counts);
}

/* The helper is gone or will be: the job it was at has failed, the others may be tried by
 * the next one. */
static void report_rest(struct slot *slot)
{
	enum walk_end end = WALK_STUCK;

	for (unsigned left = slot->jobs - slot->reported; left; left--) {
		report(slot, end, NULL);
		end = WALK_AGAIN;
	}
}

static bool take_jobs(struct walks *walks);

/* --- on the loop --- */

static void start_walk(struct slot *slot, const struct walk_job *job)
{
	slot->job[0] = job->id;
	slot->jobs = 1;
	taskwalk_start(&slot->walk, slot->walks->procfd, job->dirfd, "cgroup.threads",
		job->level);
}

/* Goes on until it is done, which is true, or the time has come. */
static bool run(struct slot *slot, uint64_t end_ns)
{
	struct taskwalk_counts counts;
	int r;

	do
		r = taskwalk_step(&slot->walk);
	while (r == TASKWALK_MORE && monotonic_ns() < end_ns);
	if (r == TASKWALK_MORE)
		return false;
	counts = slot->walk.counts;
	taskwalk_end(&slot->walk);
	report(slot, WALK_COUNTED, &counts);
	return true;
}

static struct slot *next_turn(struct walks *walks)
{
	for (int i = 0; i < WALKS; i++) {
		walks->turn = (walks->turn + 1) % WALKS;
		if (on_loop(&walks->slot[walks->turn]))
			return &walks->slot[walks->turn];
	}
	return NULL;
}

/* Requests that have come in are served between two slices. */
static void on_slice(void *arg)
{
	struct walks *walks = arg;
	uint64_t end = monotonic_ns() + slice_ns;
	struct slot *slot;

	while (monotonic_ns() < end && (slot = next_turn(walks)))
		if (run(slot, end))
			take_jobs(walks);
	walks->slice_end_ns = monotonic_ns();
	walks_fill(walks);
}

void walks_hurry(struct walks *walks, uint64_t id)
{
	uint64_t now = monotonic_ns();

	if (now - walks->slice_end_ns < slice_ns)
		return;
	for (int i = 0; i < WALKS; i++) {
		struct slot *slot = &walks->slot[i];

		if (!on_loop(slot) || slot->job[0] != id)
			continue;
		run(slot, now + slice_ns);
		walks->slice_end_ns = monotonic_ns();
		walks_fill(walks);
		return;
	}
}

/* --- in a helper --- */

static int helper(struct slot *slot, const struct walk_job *jobs, unsigned count, int out)
{
	struct walks *walks = slot->walks;
	struct result result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	oomscore_raise(OOMSCORE_HELPER);
	/* Whoever holds /dev/fuse keeps the mount alive. */
	fd_close(walks->secret);
	for (unsigned i = 0; i < count; i++) {
		taskwalk_start(&slot->walk, walks->procfd, jobs[i].dirfd, "tasks",
			jobs[i].level);
		while (taskwalk_step(&slot->walk) == TASKWALK_MORE)
			;
		result = (struct result){jobs[i].id, slot->walk.counts};
		taskwalk_end(&slot->walk);
		if (write(out, &result, sizeof(result)) != sizeof(result))
			return 1;
	}
	return 0;
}

static void drain(struct slot *slot)
{
	struct result result;

	while (slot->jobs &&
		read(slot->results, &result, sizeof(result)) == sizeof(result)) {
		loop_timer_start(slot->deadline, slot->walks->user.seconds);
		report(slot, WALK_COUNTED, &result.counts);
	}
}

static void forget_helper(struct slot *slot)
{
	loop_fd_free(slot->watch);
	loop_timer_stop(slot->deadline);
	slot->watch = NULL;
	slot->pidfd = fd_close(slot->pidfd);
	slot->results = fd_close(slot->results);
	slot->pid = 0;
}

/* Without a pidfd: the end of the pipe, which comes a moment before it can be reaped. */
static void on_helper(void *arg)
{
	struct slot *slot = arg;

	drain(slot);
	if (waitpid(slot->pid, NULL, WNOHANG) == 0)
		return;
	drain(slot);
	report_rest(slot);
	forget_helper(slot);
	walks_fill(slot->walks);
}

static void on_deadline(void *arg)
{
	struct slot *slot = arg;

	kill(slot->pid, SIGKILL);
	drain(slot);
	report_rest(slot);
	walks_fill(slot->walks);
}

static bool watch_helper(struct slot *slot)
{
	struct walks *walks = slot->walks;
	int fd = slot->pidfd >= 0 ? slot->pidfd : slot->results;

	if (loop_fd_new(walks->loop, &slot->watch, fd, on_helper, slot) < 0)
		return false;
	loop_timer_start(slot->deadline, walks->user.seconds);
	return true;
}

static bool fork_helper(struct slot *slot, const struct walk_job *jobs, unsigned count)
{
	autofd ours = -1;
	autofd theirs = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	ours = ends[0];
	theirs = ends[1];
	slot->pid = initpid_fork(slot->walks->procfd);
	if (slot->pid == 0)
		_exit(helper(slot, jobs, count, theirs));
	if (slot->pid < 0) {
		slot->pid = 0;
		return false;
	}
	slot->results = fd_steal(&ours);
	slot->pidfd = pidfd_get(slot->pid);
	if (watch_helper(slot))
		return true;
	/* No memory to wait for it with. */
	kill(slot->pid, SIGKILL);
	return false;
}

/* One that could not be watched. */
static void reclaim(struct slot *slot)
{
	if (slot->pid && !slot->watch && waitpid(slot->pid, NULL, WNOHANG))
		forget_helper(slot);
}

/* Whether it has as many jobs as it can have. */
static bool start_helper(struct slot *slot, const struct walk_job *first)
{
	struct walk_job jobs[WALKS_BATCH] = {*first};
	struct walks *walks = slot->walks;
	unsigned count = 1;
	bool good;

	while (count < WALKS_BATCH &&
		walks->user.next(walks->user.arg, true, &jobs[count]))
		count++;
	for (unsigned i = 0; i < count; i++)
		slot->job[i] = jobs[i].id;
	slot->jobs = count;
	good = fork_helper(slot, jobs, count);
	for (unsigned i = 0; i < count; i++)
		fd_close(jobs[i].dirfd);
	if (!good)
		walks_pause(walks);
	for (unsigned i = 0; !good && i < count; i++)
		report(slot, WALK_AGAIN, NULL);
	return count == WALKS_BATCH;
}

/* --- both --- */

static void on_retry(void *arg)
{
	struct walks *walks = arg;

	walks->paused = false;
	walks_fill(walks);
}

void walks_pause(struct walks *walks)
{
	walks->paused = true;
	loop_timer_start(walks->retry, WALKS_RETRY_MS / 1e3);
}

/* Making a helper with all its jobs takes up to a millisecond: not more than one at a
 * time. True when it is to be called again soon. */
static bool take_jobs(struct walks *walks)
{
	for (int i = 0; i < WALKS; i++) {
		struct slot *slot = &walks->slot[i];
		struct walk_job job;

		reclaim(slot);
		if (slot->jobs || slot->pid || walks->paused ||
			!walks->user.next(walks->user.arg, false, &job))
			continue;
		if (!job.helper)
			start_walk(slot, &job);
		else if (start_helper(slot, &job))
			return true;
	}
	return false;
}

void walks_fill(struct walks *walks)
{
	bool soon = take_jobs(walks);

	for (int i = 0; i < WALKS; i++)
		soon |= on_loop(&walks->slot[i]);
	if (soon)
		loop_timer_soon(walks->slice);
}

static int make_timers(struct walks *walks)
{
	int r = loop_timer_new(walks->loop, &walks->slice, on_slice, walks);

	if (r == 0)
		r = loop_timer_new(walks->loop, &walks->retry, on_retry, walks);
	for (int i = 0; r == 0 && i < WALKS; i++)
		r = loop_timer_new(walks->loop, &walks->slot[i].deadline, on_deadline,
			&walks->slot[i]);
	return r;
}

int walks_new(struct walks **out, struct loop *loop, int procfd, int secret,
	const struct walks_user *user)
{
	struct walks *walks = calloc(1, sizeof(*walks));
	int r;

	if (!walks)
		return -ENOMEM;
	walks->loop = loop;
	walks->procfd = procfd;
	walks->secret = secret;
	walks->user = *user;
	for (int i = 0; i < WALKS; i++) {
		walks->slot[i] =
			(struct slot){.walks = walks, .pidfd = -1, .results = -1};
		taskwalk_init(&walks->slot[i].walk);
	}
	r = make_timers(walks);
	if (r < 0) {
		walks_free(walks);
		return r;
	}
	*out = walks;
	return 0;
}

void walks_free(struct walks *walks)
{
	if (!walks)
		return;
	for (int i = 0; i < WALKS; i++) {
		struct slot *slot = &walks->slot[i];

		taskwalk_end(&slot->walk);
		if (slot->pid) {
			kill(slot->pid, SIGKILL);
			waitpid(slot->pid, NULL, WNOHANG);
			forget_helper(slot);
		}
		loop_timer_free(slot->deadline);
	}
	loop_timer_free(walks->slice);
	loop_timer_free(walks->retry);
	free(walks);
}

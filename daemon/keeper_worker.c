/*
 * The worker, as the keeper sees it: how it is started, what its end means, and when the
 * next one is due.
 *
 * At any time at most one worker runs user code: a new one is started when the last one
 * has ended, or was killed and has been held in the kernel since.
 */
#include "daemon/keeper_state.h"

#include "daemon/announce.h"
#include "daemon/oomscore.h"
#include "daemon/ownfault.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/worker.h"
#include "nsutil/cleanup.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

void keeper_kill_worker(struct keeper *keeper)
{
	kill(keeper->worker, SIGKILL);
	keeper_phase(keeper, PHASE_KILLED, KILLED_MS);
}

void keeper_order(struct keeper *keeper, enum worker_order what)
{
	char byte = (char)what;

	/* One that cannot be told is about to end by itself: the mount is gone, or it is
	 * dead already. Or there is no memory for the message: to leave is to be gone. */
	bool told = send(keeper->control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;

	keeper_phase(keeper, PHASE_ENDING, END_MS);
	if (!told && what == WORKER_LEAVE)
		keeper_kill_worker(keeper);
	watchdog_stop(&keeper->dog);
}

static bool has_worker(const struct keeper *keeper)
{
	return keeper->phase == PHASE_STARTING || keeper->phase == PHASE_SERVING;
}

void keeper_pursue(struct keeper *keeper)
{
	if (!has_worker(keeper))
		return;
	if (keeper->goal == GOAL_STOP)
		keeper_order(keeper,
			keeper->conn->options->keep_mount ? WORKER_FINISH : WORKER_EMPTY);
	else if (keeper->goal == GOAL_UPGRADE && keeper->verdict == TRIAL_GOOD)
		keeper_order(keeper, WORKER_LEAVE);
	else if (keeper->goal == GOAL_UPGRADE && keeper->verdict == TRIAL_FOREIGN)
		keeper_order(keeper, WORKER_FINISH);
	else if (keeper->goal == GOAL_UPGRADE && keeper->verdict == TRIAL_BESIDE &&
		 keeper->phase == PHASE_SERVING && keeper->control >= 0)
		keeper_upgrade(keeper);
}

static int worker_process(struct keeper *keeper, int control)
{
	struct worker_job job = {.options = keeper->conn->options,
		.target = keeper->conn->target,
		.shared = &keeper->conn->shared,
		.cgroups = &keeper->conn->cgroups,
		.fuse = keeper->conn->fuse,
		.control = control};
	int status;

	close(keeper->signals);
	if (!keeper->announced && job.options->ready_fd >= 0)
		close(job.options->ready_fd);
	fd_close(keeper->trial.out);
	/* A worker that others can hold open would not seem gone. */
	if (keeper->control >= 0)
		close(keeper->control);
	pidfile_drop();
	prctl(PR_SET_NAME, "evlxcfs-worker");
	oomscore_raise(OOMSCORE_WORKER);
	/* Without a keeper nobody replaces a worker that is stopped: it goes on, and
	 * ends. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	status = worker_run(&job);
	close(control);
	return status;
}

bool keeper_fork(struct keeper *keeper, pid_t *out, int *control, bool at_once)
{
	const char byte = WORKER_SERVE;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	/* Told before it is there, it begins whatever becomes of the keeper. */
	pid = at_once && send(pair[0], &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		      ? -1
		      : fork();
	if (pid == 0) {
		keeper->is_worker = true;
		close(pair[0]);
		keeper_finish(keeper, worker_process(keeper, pair[1]));
		return true;
	}
	fd_close(pair[1]);
	if (pid < 0) {
		fd_close(pair[0]);
		return false;
	}
	*out = pid;
	*control = pair[0];
	return true;
}

/* False: there is nothing to serve yet, or any more. */
static bool renew(struct keeper *keeper)
{
	/* umount -f aborts first. */
	if (connection_taken_away(keeper->conn)) {
		keeper_unmounted(keeper);
		return false;
	}
	if (!connection_renew(keeper->conn))
		return false;
	watchdog_init(&keeper->dog, keeper->conn->fuse, journal_of(keeper),
		keeper->conn->options->watchdog);
	return true;
}

void keeper_start_worker(struct keeper *keeper)
{
	if (keeper->conn->fuse < 0 && !renew(keeper)) {
		if (!keeper->done)
			keeper_phase(keeper, PHASE_NONE, RETRY_MS);
		return;
	}
	keeper->answered = journal_of(keeper)->answered;
	keeper->stuck = false;
	if (!keeper_fork(keeper, &keeper->worker, &keeper->control, true)) {
		log_warn("cannot start a worker");
		keeper_phase(keeper, PHASE_NONE, RETRY_MS);
		return;
	}
	if (keeper->is_worker)
		return;
	keeper_phase(keeper, PHASE_STARTING, START_MS);
	keeper_pursue(keeper);
}

void keeper_adopt(struct keeper *keeper)
{
	int status;
	pid_t pid;

	keeper->worker = keeper->conn->worker;
	keeper->control = fd_steal(&keeper->conn->control);
	keeper->answered = journal_of(keeper)->answered;
	keeper_phase(keeper, PHASE_SERVING, 0);
	watchdog_start(&keeper->dog, keeper->worker, keeper_now_ms());
	pid = waitpid(keeper->worker, &status, WNOHANG);
	if (pid)
		/* It is no child of ours if its death was told before. */
		keeper_worker_ended(keeper, pid > 0 ? status : SIGKILL);
	else
		keeper_relief_start(keeper);
}

/* The mount is worth more than a keeper without privileges. */
void keeper_keep_privileges(struct keeper *keeper)
{
	keeper->privileges_due_ms = 0;
	if (privileges_keep(keeper->conn->options))
		return;
	if (keeper->conn->held) {
		keeper->privileges_due_ms = keeper_now_ms() + RETRY_MS;
		return;
	}
	keeper->status = WORKER_FAILED;
	keeper_stop(keeper);
}

static void announce(struct keeper *keeper)
{
	const struct connection *conn = keeper->conn;

	if (keeper->announced || keeper->goal == GOAL_STOP)
		return;
	keeper->announced = true;
	if (conn->options->keep_mount)
		announce_store(conn->fuse, conn->shared.fd);
	if (conn->held)
		log_info("goes on with the mount on %s", conn->target);
	if (conn->resumed)
		announce_resumed();
	else
		announce_ready(conn->options);
	keeper_keep_privileges(keeper);
}

void keeper_on_control(struct keeper *keeper)
{
	char byte;
	ssize_t n = recv(keeper->control, &byte, 1, MSG_DONTWAIT);

	/* An error is not the end: a worker that sees this end closed would unmount. */
	if (n < 0)
		return;
	if (n == 0) {
		/* The worker is ending; SIGCHLD tells of its death. */
		keeper->control = fd_close(keeper->control);
		return;
	}
	if (byte != WORKER_SERVES)
		return;
	if (keeper->phase == PHASE_STARTING) {
		keeper_phase(keeper, PHASE_SERVING, 0);
		watchdog_start(&keeper->dog, keeper->worker, keeper_now_ms());
	}
	announce(keeper);
	/* An upgrade may have waited for it. */
	if (keeper->goal == GOAL_UPGRADE)
		keeper_pursue(keeper);
}

/* Deaths that are the worker's own doing. */
static bool own_fault(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status) != WORKER_DONE &&
		       WEXITSTATUS(status) != WORKER_GONE &&
		       WEXITSTATUS(status) != WORKER_FAILED;
	return ownfault_signal(WTERMSIG(status));
}

static void log_end(struct keeper *keeper, int status, bool fault)
{
	struct log_limit *limit = &keeper->deaths[fault];
	const int pid = (int)keeper->worker;
	unsigned long held = limit->held;

	if ((WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_GONE) ||
		!log_allowed(limit, serve_now()))
		return;
	limit->held = 0;
	if (keeper->stuck)
		log_warnx("worker %d did not get on and was killed (%lu more before)",
			pid, held);
	else if (WIFSIGNALED(status))
		log_warnx("worker %d was ended by signal %d, %s (%lu more before)", pid,
			WTERMSIG(status), strsignal(WTERMSIG(status)), held);
	else
		log_warnx("worker %d ended with status %d (%lu more before)", pid,
			WEXITSTATUS(status), held);
}

/* Milliseconds until the next start: at once while there is something to show for it. */
static uint64_t backoff(struct keeper *keeper)
{
	uint64_t delay = 10;

	if (journal_of(keeper)->answered != keeper->answered)
		keeper->fruitless = 0;
	else
		keeper->fruitless++;
	if (keeper->fruitless < 3)
		return 0;
	for (unsigned i = 3; i < keeper->fruitless && delay < BACKOFF_MS; i++)
		delay *= 2;
	return delay < BACKOFF_MS ? delay : BACKOFF_MS;
}

/* Only now is it known that nothing of the old mount is left. */
static void lost(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;

	log_warnx("the mount on %s was aborted and is made anew: "
		  "containers that use the old one have to be restarted",
		conn->target);
	keeper_relief_drop(keeper);
	watchdog_deinit(&keeper->dog);
	conn->fuse = fd_close(conn->fuse);
	keeper_phase(keeper, PHASE_NONE, RENEW_MS);
}

void keeper_worker_ended(struct keeper *keeper, int status)
{
	bool gone = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_GONE;
	bool fault = keeper->stuck || own_fault(status);
	uint64_t delay;

	log_end(keeper, status, fault);
	keeper->control = fd_close(keeper->control);
	keeper->worker = 0;
	watchdog_stop(&keeper->dog);
	journal_recover(journal_of(keeper), fault);
	delay = backoff(keeper);
	keeper_phase(keeper, PHASE_NONE, delay ? delay : 1);
	if (keeper->goal == GOAL_STOP) {
		if (gone || !journal_pending(journal_of(keeper)) ||
			++keeper->tries >= END_TRIES)
			keeper_finish(keeper, keeper->status);
		return;
	}
	if (gone && connection_taken_away(keeper->conn)) {
		keeper_unmounted(keeper);
		return;
	}
	if (!keeper->announced && !keeper->conn->held &&
		((WIFEXITED(status) && WEXITSTATUS(status) == WORKER_FAILED) ||
			keeper->fruitless >= FIRST_TRIES)) {
		connection_unmount(keeper->conn, false);
		keeper_finish(keeper, WORKER_FAILED);
		return;
	}
	if (gone)
		lost(keeper);
	else if (keeper_relief_serve(keeper))
		return;
	else if (keeper->goal == GOAL_UPGRADE)
		keeper_upgrade(keeper);
}

void keeper_leave_behind(struct keeper *keeper)
{
	const pid_t pid = keeper->worker;

	for (int i = 0; i < LEFT_MAX; i++) {
		if (keeper->left[i])
			continue;
		keeper->left[i] = pid;
		log_warnx("worker %d is held in the kernel; another takes its place",
			(int)pid);
		keeper->stuck = true;
		keeper_worker_ended(keeper, SIGKILL);
		return;
	}
	keeper_phase(keeper, PHASE_KILLED, KILLED_MS);
}

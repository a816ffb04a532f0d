/*
 * Three things happen to a keeper: signals, its children's ends, and time. What it wants
 * (goal) and how far its worker is (phase) say what each of them means. It allocates
 * nothing, parses nothing that a container controls, and never waits for the mount.
 *
 * At any time at most one worker runs user code: a new one is started when the last one has
 * ended, or was killed and has been held in the kernel since.
 */
#include "daemon/keeper.h"

#include "daemon/announce.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"
#include "fusechan/mount.h"
#include "nsutil/cleanup.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	START_MS = 10000,  /* a worker that does not serve by then is killed */
	END_MS = 5000,	   /* so is one that does not end when told to */
	TRIAL_MS = 10000,
	KILLED_MS = 1000,  /* one that does not die is left behind */
	RETRY_MS = 1000,   /* of what the system refuses */
	BACKOFF_MS = 1000, /* at most, between two starts */
	LEFT_MAX = 4,	   /* workers left behind */
	FIRST_TRIES = 8,   /* of the first worker; later ones are tried for ever */
	END_TRIES = 3,	   /* workers that may die while the last requests are answered */
};

enum goal { GOAL_SERVE, GOAL_UPGRADE, GOAL_STOP };

enum phase {
	PHASE_NONE,	/* no worker; one is started when it is due */
	PHASE_STARTING, /* not serving yet; it is due for that */
	PHASE_SERVING,
	PHASE_ENDING,	/* told to end; due for that */
	PHASE_KILLED,	/* due for its death */
};

enum tag { TAG_SIGNAL, TAG_CHANNEL, TAG_CONTROL };

struct keeper {
	struct connection *conn;
	int epoll, signals;
	enum goal goal;
	enum phase phase;
	uint64_t due_ms; /* of the phase; 0: never */
	pid_t worker;
	int control; /* to the worker; -1 without one */
	pid_t left[LEFT_MAX]; /* killed, and not dead yet; 0: none */
	bool stuck;	      /* it was killed because it did not get on */
	bool announced;
	bool is_worker; /* this is the child */
	uint64_t answered; /* when the worker started */
	unsigned fruitless; /* workers that ended one after another without an answer */
	unsigned tries;	    /* at the goal */
	struct handover_trial trial;
	uint64_t trial_due_ms;
	int verdict; /* of the trial, for GOAL_UPGRADE */
	struct watchdog dog;
	struct log_limit deaths;
	bool done;
	int status;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct journal *journal_of(const struct keeper *keeper)
{
	return keeper->conn->shared.journal;
}

static void phase_set(struct keeper *keeper, enum phase phase, uint64_t in_ms)
{
	keeper->phase = phase;
	keeper->due_ms = in_ms ? now_ms() + in_ms : 0;
}

static void finish(struct keeper *keeper, int status)
{
	keeper->done = true;
	keeper->status = status;
}

static void worker_kill(struct keeper *keeper)
{
	kill(keeper->worker, SIGKILL);
	phase_set(keeper, PHASE_KILLED, KILLED_MS);
}

/* --- orders --- */

static void order(struct keeper *keeper, enum worker_order what)
{
	char byte = (char)what;

	/* One that cannot be told is about to end by itself. */
	if (send(keeper->control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		phase_set(keeper, PHASE_ENDING, END_MS);
	else
		worker_kill(keeper);
	watchdog_stop(&keeper->dog);
}

static bool has_worker(const struct keeper *keeper)
{
	return keeper->phase == PHASE_STARTING || keeper->phase == PHASE_SERVING;
}

/* Tells the worker what the goal asks of it. */
static void pursue(struct keeper *keeper)
{
	if (!has_worker(keeper))
		return;
	if (keeper->goal == GOAL_STOP)
		order(keeper, keeper->conn->options->keep_mount ? WORKER_FINISH : WORKER_EMPTY);
	else if (keeper->goal == GOAL_UPGRADE && keeper->verdict == TRIAL_GOOD)
		order(keeper, WORKER_LEAVE);
	else if (keeper->goal == GOAL_UPGRADE && keeper->verdict == TRIAL_FOREIGN)
		order(keeper, WORKER_FINISH);
}

/* --- starting --- */

static int worker_process(struct keeper *keeper, int control)
{
	struct worker_job job = {.options = keeper->conn->options,
		.target = keeper->conn->target,
		.shared = &keeper->conn->shared,
		.cgroups = &keeper->conn->cgroups,
		.fuse = keeper->conn->fuse,
		.control = control};
	int status;

	close(keeper->epoll);
	close(keeper->signals);
	if (!keeper->announced && job.options->ready_fd >= 0)
		close(job.options->ready_fd);
	fd_close(keeper->trial.out);
	prctl(PR_SET_NAME, "evlxcfs-worker");
	status = worker_run(&job);
	close(control);
	return status;
}

static bool worker_fork(struct keeper *keeper)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_CONTROL};
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		keeper->is_worker = true;
		close(pair[0]);
		finish(keeper, worker_process(keeper, pair[1]));
		return true;
	}
	close(pair[1]);
	if (pid < 0 || epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, pair[0], &event) < 0) {
		fd_close(pair[0]);
		if (pid > 0)
			kill(pid, SIGKILL);
		return false;
	}
	keeper->worker = pid;
	keeper->control = pair[0];
	return true;
}

static bool renew(struct keeper *keeper)
{
	if (!connection_renew(keeper->conn))
		return false;
	watchdog_init(&keeper->dog, keeper->epoll, keeper->conn->fuse, journal_of(keeper),
		keeper->conn->options->watchdog, TAG_CHANNEL);
	return true;
}

static void worker_start(struct keeper *keeper)
{
	if (keeper->conn->fuse < 0 && !renew(keeper)) {
		phase_set(keeper, PHASE_NONE, RETRY_MS);
		return;
	}
	keeper->answered = journal_of(keeper)->answered;
	keeper->stuck = false;
	if (!worker_fork(keeper)) {
		log_warn("cannot start a worker");
		phase_set(keeper, PHASE_NONE, RETRY_MS);
		return;
	}
	if (keeper->is_worker)
		return;
	phase_set(keeper, PHASE_STARTING, START_MS);
	pursue(keeper);
}

static void stop(struct keeper *keeper);

static void announce(struct keeper *keeper)
{
	const struct connection *conn = keeper->conn;

	if (keeper->announced || keeper->goal == GOAL_STOP)
		return;
	keeper->announced = true;
	if (conn->options->keep_mount)
		announce_store(conn->fuse, conn->shared.fd);
	if (conn->resumed) {
		announce_resumed();
	} else if (!announce_ready(conn->options)) {
		keeper->status = WORKER_FAILED;
		stop(keeper);
	}
	/* Only now: the pid file may be in a directory that is not root's. */
	if (!privileges_keep(conn->options)) {
		keeper->status = WORKER_FAILED;
		stop(keeper);
	}
}

static void on_control(struct keeper *keeper)
{
	char byte;
	ssize_t n = recv(keeper->control, &byte, 1, MSG_DONTWAIT);

	if (n <= 0) {
		/* It is ending; its death will be told. */
		epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, keeper->control, NULL);
		return;
	}
	if (keeper->phase == PHASE_STARTING) {
		phase_set(keeper, PHASE_SERVING, 0);
		watchdog_start(&keeper->dog, now_ms());
	}
	announce(keeper);
}

/* --- ending --- */

/* Deaths that are the worker's own doing. */
static bool own_fault(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status) != WORKER_DONE && WEXITSTATUS(status) != WORKER_GONE &&
		       WEXITSTATUS(status) != WORKER_FAILED;
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGABRT:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGSYS:
	case SIGTRAP: return true;
	default: return false;
	}
}

static void log_death(struct keeper *keeper, int status)
{
	unsigned long held = keeper->deaths.held;

	if ((WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_GONE) ||
		!log_allowed(&keeper->deaths, serve_now()))
		return;
	keeper->deaths.held = 0;
	if (keeper->stuck)
		log_warnx("worker %d did not get on and was killed (%lu ends not told before)",
			(int)keeper->worker, held);
	else if (WIFSIGNALED(status))
		log_warnx("worker %d was ended by signal %d, %s (%lu ends not told before)",
			(int)keeper->worker, WTERMSIG(status), strsignal(WTERMSIG(status)), held);
	else
		log_warnx("worker %d ended with status %d (%lu ends not told before)",
			(int)keeper->worker, WEXITSTATUS(status), held);
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

/* The worker has left. Comes back only if another binary could not be executed. */
static void upgrade(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;
	bool answered = !journal_pending(journal_of(keeper));
	int r;

	if (keeper->verdict == TRIAL_BAD || keeper->verdict == TRIAL_AGAIN)
		return;
	if (keeper->verdict == TRIAL_FOREIGN && !answered) {
		if (++keeper->tries < END_TRIES)
			return;
		log_warnx("not upgraded: what was read cannot be answered");
	} else {
		cgroups_hand_on(&conn->cgroups, true);
		r = handover_exec(conn->fuse, conn->shared.fd);
		cgroups_hand_on(&conn->cgroups, false);
		log_warnx("not upgraded: %s", strerror(-r));
	}
	announce_resumed();
	keeper->goal = GOAL_SERVE;
}

/* Only now is it known that nothing of the old mount is left. */
static void lost(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;

	log_warnx("the mount on %s was aborted or taken away and is made anew: containers that "
		  "use the old one have to be restarted",
		conn->target);
	watchdog_deinit(&keeper->dog);
	conn->fuse = fd_close(conn->fuse);
}

static void worker_ended(struct keeper *keeper, int status)
{
	bool gone = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_GONE;
	uint64_t delay;

	log_death(keeper, status);
	keeper->control = fd_close(keeper->control);
	keeper->worker = 0;
	watchdog_stop(&keeper->dog);
	journal_recover(journal_of(keeper), keeper->stuck || own_fault(status));
	delay = backoff(keeper);
	phase_set(keeper, PHASE_NONE, delay ? delay : 1);
	if (keeper->goal == GOAL_STOP) {
		if (gone || !journal_pending(journal_of(keeper)) || ++keeper->tries >= END_TRIES)
			finish(keeper, keeper->status);
		return;
	}
	if (!keeper->announced && !keeper->conn->resumed &&
		((WIFEXITED(status) && WEXITSTATUS(status) == WORKER_FAILED) ||
			keeper->fruitless >= FIRST_TRIES)) {
		fuse_unmount(keeper->conn->target);
		finish(keeper, WORKER_FAILED);
		return;
	}
	if (gone)
		lost(keeper);
	else if (keeper->goal == GOAL_UPGRADE)
		upgrade(keeper);
}

/* It was killed and does not die: something holds it in the kernel, where it can do no more
 * harm. */
static void worker_leave_behind(struct keeper *keeper)
{
	const pid_t pid = keeper->worker;

	for (int i = 0; i < LEFT_MAX; i++) {
		if (keeper->left[i])
			continue;
		keeper->left[i] = pid;
		log_warnx("worker %d is held in the kernel; another takes its place", (int)pid);
		keeper->stuck = true;
		worker_ended(keeper, SIGKILL);
		return;
	}
	phase_set(keeper, PHASE_KILLED, KILLED_MS);
}

/* --- what others ask --- */

static void stop(struct keeper *keeper)
{
	const struct connection *conn = keeper->conn;
	bool left = false;

	if (keeper->goal == GOAL_STOP)
		return;
	keeper->goal = GOAL_STOP;
	keeper->tries = 0;
	handover_abort(&keeper->trial);
	announce_end(conn->options);
	for (int i = 0; i < LEFT_MAX; i++)
		left |= keeper->left[i] != 0;
	if (!conn->options->keep_mount && conn->fuse >= 0) {
		/* A worker that is held keeps the connection, and whoever waits for it. */
		if (left)
			umount2(conn->target, MNT_FORCE);
		fuse_unmount(conn->target);
	}
	if (keeper->phase == PHASE_NONE && conn->fuse < 0)
		finish(keeper, keeper->status);
	else if (keeper->phase == PHASE_NONE)
		phase_set(keeper, PHASE_NONE, 1);
	else
		pursue(keeper);
}

static void trial_begin(struct keeper *keeper)
{
	int r = handover_try(&keeper->trial);

	keeper->trial_due_ms = now_ms() + TRIAL_MS;
	if (r == 0)
		return;
	log_warnx("not upgraded, the installed binary cannot be run: %s", strerror(-r));
	announce_resumed();
	keeper->goal = GOAL_SERVE;
}

static void upgrade_begin(struct keeper *keeper)
{
	if (keeper->goal != GOAL_SERVE)
		return;
	keeper->goal = GOAL_UPGRADE;
	keeper->verdict = TRIAL_BAD;
	keeper->tries = 0;
	announce_reload();
	trial_begin(keeper);
}

static void trial_ended(struct keeper *keeper, int status)
{
	keeper->verdict = handover_verdict(&keeper->trial, status);
	if (keeper->goal != GOAL_UPGRADE)
		return;
	if (keeper->verdict == TRIAL_AGAIN) {
		trial_begin(keeper);
	} else if (keeper->verdict == TRIAL_BAD) {
		log_warnx("not upgraded: the installed binary does not start");
		announce_resumed();
		keeper->goal = GOAL_SERVE;
	} else if (keeper->phase == PHASE_NONE) {
		upgrade(keeper);
	} else {
		pursue(keeper);
	}
}

static void on_child_ends(struct keeper *keeper)
{
	int status;
	pid_t pid;

	/* As pid 1 of a container it also gets orphans. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < LEFT_MAX; i++)
			if (keeper->left[i] == pid)
				keeper->left[i] = 0;
		if (pid == keeper->worker)
			worker_ended(keeper, status);
		else if (pid == keeper->trial.pid)
			trial_ended(keeper, status);
	}
}

static void on_signal(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	while (!keeper->done && read(keeper->signals, &info, sizeof(info)) == sizeof(info)) {
		switch ((int)info.ssi_signo) {
		case SIGTERM:
		case SIGINT: stop(keeper); break;
		case SIGHUP:
		case SIGUSR1: upgrade_begin(keeper); break;
		case SIGUSR2: shared_toggle_view(&keeper->conn->shared); break;
		case SIGCHLD: on_child_ends(keeper); break;
		}
	}
}

/* --- time --- */

static void on_due(struct keeper *keeper)
{
	switch (keeper->phase) {
	case PHASE_NONE: worker_start(keeper); break;
	case PHASE_STARTING:
	case PHASE_ENDING:
		keeper->stuck = true;
		worker_kill(keeper);
		break;
	case PHASE_KILLED: worker_leave_behind(keeper); break;
	case PHASE_SERVING: break;
	}
}

static void on_time(struct keeper *keeper, uint64_t now)
{
	if (keeper->trial.pid && now >= keeper->trial_due_ms)
		kill(keeper->trial.pid, SIGKILL);
	if (keeper->phase == PHASE_SERVING && keeper->dog.next_ms && now >= keeper->dog.next_ms &&
		watchdog_look(&keeper->dog, now, TAG_CHANNEL)) {
		keeper->stuck = true;
		worker_kill(keeper);
	}
	if (keeper->due_ms && now >= keeper->due_ms)
		on_due(keeper);
}

static int until_next(const struct keeper *keeper)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	if (keeper->due_ms)
		next = keeper->due_ms;
	if (keeper->dog.next_ms && keeper->dog.next_ms < next)
		next = keeper->dog.next_ms;
	if (keeper->trial.pid && keeper->trial_due_ms < next)
		next = keeper->trial_due_ms;
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static int open_events(struct keeper *keeper)
{
	static const int wanted[] = {
		SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_SIGNAL};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	keeper->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (keeper->signals < 0 || keeper->epoll < 0 ||
		epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, keeper->signals, &event) < 0)
		return -errno;
	return watchdog_init(&keeper->dog, keeper->epoll, keeper->conn->fuse,
		journal_of(keeper), keeper->conn->options->watchdog, TAG_CHANNEL);
}

static void dispatch(struct keeper *keeper, uint64_t tag)
{
	switch ((enum tag)tag) {
	case TAG_SIGNAL: on_signal(keeper); break;
	case TAG_CHANNEL:
		if (keeper->phase == PHASE_SERVING)
			watchdog_start(&keeper->dog, now_ms());
		break;
	case TAG_CONTROL: on_control(keeper); break;
	}
}

int keeper_run(struct connection *conn)
{
	static struct keeper keeper = {
		.epoll = -1, .signals = -1, .control = -1, .trial = {.out = -1}};
	struct epoll_event event;
	int r;

	keeper.conn = conn;
	r = open_events(&keeper);
	if (r < 0) {
		log_warnx("cannot wait for events: %s", strerror(-r));
		return WORKER_FAILED;
	}
	worker_start(&keeper);
	while (!keeper.done) {
		int n = epoll_wait(keeper.epoll, &event, 1, until_next(&keeper));

		if (n > 0)
			dispatch(&keeper, event.data.u64);
		if (!keeper.done)
			on_time(&keeper, now_ms());
	}
	if (!keeper.is_worker) {
		fd_close(keeper.signals);
		fd_close(keeper.epoll);
	}
	return keeper.status;
}

/*
 * Three things happen to a keeper: signals, its children's ends, and time. What it wants
 * (goal) and how far its worker is (phase) say what each of them means. It allocates
 * nothing, parses nothing that a container controls, and never waits for the mount.
 */
#include "daemon/keeper.h"

#include "daemon/keeper_state.h"
#include "daemon/report.h"
#include "daemon/worker.h"
#include "nsutil/cleanup.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

uint64_t keeper_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void keeper_phase(struct keeper *keeper, enum phase phase, uint64_t in_ms)
{
	keeper->phase = phase;
	keeper->due_ms = in_ms ? keeper_now_ms() + in_ms : 0;
}

void keeper_finish(struct keeper *keeper, int status)
{
	keeper->done = true;
	keeper->status = status;
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
			keeper_worker_ended(keeper, status);
		else if (pid == keeper->relief.pid)
			keeper_relief_ended(keeper);
		else if (pid == keeper->trial.pid)
			keeper_trial_ended(keeper, status);
	}
}

static void on_request(struct keeper *keeper)
{
	if (keeper->phase == PHASE_SERVING)
		watchdog_start(&keeper->dog, keeper->worker, keeper_now_ms());
}

static void on_toggle(struct shared *shared)
{
	shared_toggle_view(shared);
	report_view(shared_host_view(shared));
}

static void on_signal(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	while (!keeper->done &&
		read(keeper->signals, &info, sizeof(info)) == sizeof(info)) {
		switch ((int)info.ssi_signo) {
		case SIGTERM:
		case SIGINT: keeper_stop(keeper); break;
		case SIGHUP:
		case SIGUSR1: keeper_upgrade_begin(keeper); break;
		case SIGUSR2: on_toggle(&keeper->conn->shared); break;
		case SIGCHLD: on_child_ends(keeper); break;
		case SIGIO: on_request(keeper); break;
		}
	}
}

static void on_due(struct keeper *keeper)
{
	switch (keeper->phase) {
	case PHASE_NONE: keeper_start_worker(keeper); break;
	case PHASE_STARTING:
	case PHASE_ENDING:
		keeper->stuck = true;
		keeper_kill_worker(keeper);
		break;
	case PHASE_KILLED: keeper_leave_behind(keeper); break;
	case PHASE_SERVING: break;
	}
}

static void on_time(struct keeper *keeper, uint64_t now)
{
	if (keeper->trial.pid && now >= keeper->trial_due_ms) {
		kill(keeper->trial.pid, SIGKILL);
		keeper->trial_due_ms = now + RETRY_MS;
	}
	if (keeper->phase == PHASE_SERVING && keeper->dog.next_ms &&
		now >= keeper->dog.next_ms &&
		watchdog_look(&keeper->dog, keeper->worker, now)) {
		keeper->stuck = true;
		keeper_kill_worker(keeper);
	}
	if (keeper->relief.due_ms && now >= keeper->relief.due_ms)
		keeper_relief_due(keeper);
	if (keeper->privileges_due_ms && now >= keeper->privileges_due_ms)
		keeper_keep_privileges(keeper);
	if (!keeper->done && keeper->due_ms && now >= keeper->due_ms)
		on_due(keeper);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

static int until_next(const struct keeper *keeper)
{
	uint64_t now = keeper_now_ms(), next = UINT64_MAX;

	next = sooner(next, keeper->due_ms);
	next = sooner(next, keeper->dog.next_ms);
	next = sooner(next, keeper->relief.due_ms);
	next = sooner(next, keeper->privileges_due_ms);
	if (keeper->trial.pid)
		next = sooner(next, keeper->trial_due_ms);
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static void wanted_signals(sigset_t *set)
{
	static const int wanted[] = {
		SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGIO};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(set, wanted[i]);
}

void keeper_hold_signals(void)
{
	sigset_t set;

	wanted_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int open_events(struct keeper *keeper)
{
	sigset_t set;

	wanted_signals(&set);
	signal(SIGPIPE, SIG_IGN);
	keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signals < 0)
		return -errno;
	watchdog_init(&keeper->dog, keeper->conn->fuse, journal_of(keeper),
		keeper->conn->options->watchdog);
	return 0;
}

/* Not epoll: its watches are counted per user, and a container of the same user can use
 * them all up. poll(2) of so few descriptors allocates nothing. */
static void wait_once(struct keeper *keeper)
{
	struct pollfd fds[] = {
		{.fd = keeper->signals, .events = POLLIN},
		{.fd = watchdog_fd(&keeper->dog), .events = POLLIN},
		{.fd = keeper->control, .events = POLLIN},
		{.fd = keeper->relief.control, .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), until_next(keeper)) <= 0)
		return;
	if (fds[3].revents)
		keeper_relief_on_control(keeper);
	if (fds[2].revents)
		keeper_on_control(keeper);
	if (fds[1].revents)
		on_request(keeper);
	if (fds[0].revents)
		on_signal(keeper);
}

int keeper_run(struct connection *conn)
{
	static struct keeper keeper; /* all zero: it takes no room in the program */
	int r;

	keeper.signals = keeper.control = keeper.relief.control = keeper.trial.out = -1;
	keeper.conn = conn;
	while ((r = open_events(&keeper)) < 0) {
		log_warnx("cannot wait for events: %s", strerror(-r));
		if (!connection_pause(conn))
			return conn->told_to_end ? WORKER_DONE : WORKER_FAILED;
	}
	if (conn->worker)
		keeper_adopt(&keeper);
	else
		keeper_start_worker(&keeper);
	while (!keeper.done) {
		wait_once(&keeper);
		if (!keeper.done)
			on_time(&keeper, keeper_now_ms());
	}
	if (!keeper.is_worker) {
		if (keeper.status == WORKER_DONE)
			report_end(conn->target, conn->options->keep_mount);
		fd_close(keeper.signals);
	}
	return keeper.status;
}

/*
 * After an upgrade the worker of the old binary goes on serving. Its relief, a worker of
 * this binary, opens all that it needs beside it and says so; then the old worker is told
 * to leave, and the relief begins to serve when the old one has ended. A relief that
 * fails costs nothing but another try.
 */
#include "daemon/keeper_state.h"

#include "daemon/worker.h"
#include "nsutil/cleanup.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static void relief_forget(struct keeper *keeper, uint64_t again_ms)
{
	keeper->relief.control = fd_close(keeper->relief.control);
	keeper->relief.pid = 0;
	keeper->relief.due_ms = again_ms;
}

void keeper_relief_start(struct keeper *keeper)
{
	const uint64_t now = keeper_now_ms();

	if (keeper_fork(keeper, &keeper->relief.pid, &keeper->relief.control, false)) {
		keeper->relief.due_ms = now + START_MS;
		return;
	}
	log_warn("cannot start another worker; the old one goes on");
	relief_forget(keeper, now + RETRY_MS);
}

void keeper_relief_due(struct keeper *keeper)
{
	if (!keeper->relief.pid) {
		keeper_relief_start(keeper);
		return;
	}
	/* Its end starts another one. */
	kill(keeper->relief.pid, SIGKILL);
	keeper->relief.due_ms = keeper_now_ms() + RETRY_MS;
}

void keeper_relief_on_control(struct keeper *keeper)
{
	char byte;
	ssize_t n = recv(keeper->relief.control, &byte, 1, MSG_DONTWAIT);

	if (n < 0)
		return;
	if (n == 0) {
		keeper->relief.control = fd_close(keeper->relief.control);
		return;
	}
	keeper->relief.due_ms = 0;
	if (keeper->phase == PHASE_SERVING)
		keeper_order(keeper, WORKER_LEAVE);
}

void keeper_relief_ended(struct keeper *keeper)
{
	log_warnx("worker %d of the new binary has ended; the old one goes on",
		(int)keeper->relief.pid);
	relief_forget(keeper, keeper_now_ms() + RETRY_MS);
}

void keeper_relief_drop(struct keeper *keeper)
{
	if (keeper->relief.pid)
		kill(keeper->relief.pid, SIGKILL);
	relief_forget(keeper, 0);
}

bool keeper_relief_serve(struct keeper *keeper)
{
	const char byte = WORKER_SERVE;

	if (!keeper->relief.pid || send(keeper->relief.control, &byte, 1,
					   MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		keeper_relief_drop(keeper);
		return false;
	}
	keeper->worker = keeper->relief.pid;
	keeper->control = fd_steal(&keeper->relief.control);
	relief_forget(keeper, 0);
	keeper->answered = journal_of(keeper)->answered;
	keeper->stuck = false;
	keeper_phase(keeper, PHASE_STARTING, START_MS);
	return true;
}

/*
 * Ending for good, and going on as another binary: the installed one is tried first, and
 * executed when the worker has left.
 */
#include "daemon/keeper_state.h"

#include "daemon/announce.h"
#include "daemon/hostfs.h"
#include "daemon/pidfile.h"

#include <string.h>

void keeper_stop(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;
	bool left = false;

	if (keeper->goal == GOAL_STOP)
		return;
	keeper->goal = GOAL_STOP;
	keeper->tries = 0;
	handover_abort(&keeper->trial);
	keeper_relief_drop(keeper);
	announce_end();
	for (int i = 0; i < LEFT_MAX; i++)
		left |= keeper->left[i] != 0;
	/* A worker that is held keeps the connection, and whoever waits for it waiting. */
	if (!conn->options->keep_mount && conn->fuse >= 0)
		connection_unmount(conn, left);
	if (keeper->phase == PHASE_NONE && conn->fuse < 0)
		keeper_finish(keeper, keeper->status);
	else if (keeper->phase == PHASE_NONE)
		keeper_phase(keeper, PHASE_NONE, 1);
	else
		keeper_pursue(keeper);
}

void keeper_unmounted(struct keeper *keeper)
{
	log_info("the mount on %s was taken away", keeper->conn->target);
	keeper->goal = GOAL_STOP;
	handover_abort(&keeper->trial);
	keeper_relief_drop(keeper);
	announce_end();
	keeper_finish(keeper, keeper->status);
}

static void trial_begin(struct keeper *keeper)
{
	int r = handover_try(&keeper->trial, &keeper->conn->cgroups);

	keeper->trial_due_ms = keeper_now_ms() + TRIAL_MS;
	if (r == 0)
		return;
	log_warnx("not upgraded, the installed binary cannot be run: %s", strerror(-r));
	announce_resumed();
	keeper->goal = GOAL_SERVE;
}

void keeper_upgrade_begin(struct keeper *keeper)
{
	if (keeper->goal != GOAL_SERVE)
		return;
	keeper->goal = GOAL_UPGRADE;
	keeper->verdict = TRIAL_BAD;
	keeper->tries = 0;
	announce_reload();
	trial_begin(keeper);
}

void keeper_trial_ended(struct keeper *keeper, int status)
{
	keeper->verdict = handover_verdict(
		&keeper->trial, status, shared_form(&keeper->conn->shared));
	if (keeper->goal != GOAL_UPGRADE)
		return;
	if (keeper->verdict == TRIAL_AGAIN) {
		trial_begin(keeper);
	} else if (keeper->verdict == TRIAL_BAD) {
		log_warnx("not upgraded: the installed binary does not start");
		announce_resumed();
		keeper->goal = GOAL_SERVE;
	} else if (keeper->phase == PHASE_NONE) {
		keeper_upgrade(keeper);
	} else {
		keeper_pursue(keeper);
	}
}

/* Comes back only with -errno. */
static int execute(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;
	const struct handover with = {.fuse = conn->fuse,
		.state = conn->shared.fd,
		.worker = keeper->worker,
		.control = keeper->control,
		.target = conn->target};
	int r;

	keeper_relief_drop(keeper);
	hostfs_hand_on(true);
	cgroups_hand_on(&conn->cgroups, true);
	pidfile_hand_on(true);
	r = handover_exec(&with);
	cgroups_hand_on(&conn->cgroups, false);
	hostfs_hand_on(false);
	pidfile_hand_on(false);
	return r;
}

void keeper_upgrade(struct keeper *keeper)
{
	bool answered = !journal_pending(journal_of(keeper));

	if (keeper->verdict == TRIAL_BAD || keeper->verdict == TRIAL_AGAIN)
		return;
	if (handover_replaced(&keeper->trial)) {
		keeper->verdict = TRIAL_AGAIN;
		trial_begin(keeper);
		return;
	}
	if (keeper->verdict == TRIAL_FOREIGN && !answered) {
		if (++keeper->tries < END_TRIES)
			return;
		log_warnx("not upgraded: what was read cannot be answered");
	} else {
		log_info("upgrade from version %s to %s", EVLXCFS_VERSION,
			keeper->trial.version);
		log_warnx("not upgraded: %s", strerror(-execute(keeper)));
	}
	announce_resumed();
	keeper->goal = GOAL_SERVE;
}

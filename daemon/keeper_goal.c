/*
 * Ending for good, and going on as another binary: the installed one is tried first, and
 * executed when the worker has left.
 */
#include "daemon/keeper_state.h"

#include "daemon/announce.h"
#include "fusechan/mount.h"

#include <string.h>
#include <sys/mount.h>

void keeper_stop(struct keeper *keeper)
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
		/* A worker that is held keeps the connection, and whoever waits for it
		 * waiting. */
		if (left)
			umount2(conn->target, MNT_FORCE);
		fuse_unmount(conn->target);
	}
	if (keeper->phase == PHASE_NONE && conn->fuse < 0)
		keeper_finish(keeper, keeper->status);
	else if (keeper->phase == PHASE_NONE)
		keeper_phase(keeper, PHASE_NONE, 1);
	else
		keeper_pursue(keeper);
}

static void trial_begin(struct keeper *keeper)
{
	int r = handover_try(&keeper->trial);

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
		keeper_upgrade(keeper);
	} else {
		keeper_pursue(keeper);
	}
}

void keeper_upgrade(struct keeper *keeper)
{
	struct connection *conn = keeper->conn;
	bool answered = !journal_pending(journal_of(keeper));
	int r;

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
		cgroups_hand_on(&conn->cgroups, true);
		r = handover_exec(conn->fuse, conn->shared.fd);
		cgroups_hand_on(&conn->cgroups, false);
		log_warnx("not upgraded: %s", strerror(-r));
	}
	announce_resumed();
	keeper->goal = GOAL_SERVE;
}

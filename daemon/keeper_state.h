/*
 * What the parts of the keeper share. keeper.c waits and says what happened; of what that
 * means, keeper_worker.c is about the worker, keeper_relief.c about the one that takes
 * the place of an older binary's, and keeper_goal.c about ending and upgrading.
 */
#ifndef DAEMON_KEEPER_STATE_H
#define DAEMON_KEEPER_STATE_H

#include "daemon/connection.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"

#include <sys/types.h>

enum {
	START_MS = 10000,  /* a worker that does not serve by then is killed */
	END_MS = 5000,     /* so is one that does not end when told to */
	TRIAL_MS = 10000,  /* and a binary that is tried */
	KILLED_MS = 1000,  /* one that does not die is left behind */
	RETRY_MS = 1000,   /* of what the system refuses */
	RENEW_MS = 20,     /* an umount that has begun with an abort is over by then */
	BACKOFF_MS = 1000, /* at most, between two starts */
	LEFT_MAX = 4,      /* workers left behind */
	FIRST_TRIES = 8,   /* of the first worker; later ones are tried for ever */
	END_TRIES = 3,     /* workers that may die while the last requests are answered */
};

enum goal { GOAL_SERVE, GOAL_UPGRADE, GOAL_STOP };

enum phase {
	PHASE_NONE,     /* no worker; one is started when it is due */
	PHASE_STARTING, /* not serving yet; it is due for that */
	PHASE_SERVING,
	PHASE_ENDING, /* told to end; due for that */
	PHASE_KILLED, /* due for its death */
};

/* The worker that is to take the place of one of an older binary. */
struct relief {
	pid_t pid;       /* 0: none */
	int control;     /* to it; owned; -1: none */
	uint64_t due_ms; /* of its being prepared, or of the next try; 0: never */
};

struct keeper {
	struct connection *conn;
	int signals; /* owned */
	enum goal goal;
	enum phase phase;
	uint64_t due_ms; /* of the phase; 0: never */
	struct watchdog dog;
	bool announced;
	uint64_t privileges_due_ms; /* when giving them up is tried again; 0: never */
	bool is_worker;             /* this is the child */
	bool done;
	int status; /* to exit with */

	pid_t worker;      /* 0: none */
	int control;       /* to it; owned; -1: it has closed its end, or there is none */
	bool stuck;        /* it was killed because it did not get on */
	uint64_t answered; /* when it started */
	unsigned fruitless; /* workers that ended one after another without an answer */
	struct relief relief;
	pid_t left[LEFT_MAX];       /* killed, and not dead yet; 0: none */
	struct log_limit deaths[2]; /* by their own fault or not */

	unsigned tries; /* at the goal */
	struct handover_trial trial;
	uint64_t trial_due_ms;
	int verdict; /* of the trial, for GOAL_UPGRADE */
};

static inline struct journal *journal_of(const struct keeper *keeper)
{
	return keeper->conn->shared.journal;
}

/* keeper.c. CLOCK_MONOTONIC. */
uint64_t keeper_now_ms(void);
/* The next phase; in_ms 0: it has no end of its own. */
void keeper_phase(struct keeper *keeper, enum phase phase, uint64_t in_ms);
void keeper_finish(struct keeper *keeper, int status);

/* keeper_worker.c. In the child keeper_start_worker and keeper_fork come back when the
 * worker has ended, with is_worker and done set. */
void keeper_start_worker(struct keeper *keeper);
/* A worker that serves at once, or when it is told to. False with errno. */
bool keeper_fork(struct keeper *keeper, pid_t *pid, int *control, bool at_once);
void keeper_order(struct keeper *keeper, enum worker_order what);
void keeper_keep_privileges(struct keeper *keeper);
/* Goes on with the worker that served before this binary was executed. */
void keeper_adopt(struct keeper *keeper);
void keeper_kill_worker(struct keeper *keeper);
/* Tells the worker what the goal asks of it. */
void keeper_pursue(struct keeper *keeper);
/* It has something to say. */
void keeper_on_control(struct keeper *keeper);
/* It has ended with that status of wait(2). */
void keeper_worker_ended(struct keeper *keeper, int status);
/* It was killed and does not die: something holds it in the kernel, where it can do no
 * more harm. */
void keeper_leave_behind(struct keeper *keeper);

/* keeper_relief.c */
void keeper_relief_start(struct keeper *keeper);
/* At relief.due_ms. */
void keeper_relief_due(struct keeper *keeper);
/* It has something to say: it is prepared. */
void keeper_relief_on_control(struct keeper *keeper);
/* It has ended, and was reaped. */
void keeper_relief_ended(struct keeper *keeper);
/* It is not needed any more. */
void keeper_relief_drop(struct keeper *keeper);
/* The worker has ended: the relief is the worker from now on. False when there is none.
 */
bool keeper_relief_serve(struct keeper *keeper);

/* keeper_goal.c */
void keeper_stop(struct keeper *keeper);
/* The administrator has unmounted, which ends the daemon. The worker has ended. */
void keeper_unmounted(struct keeper *keeper);
void keeper_upgrade_begin(struct keeper *keeper);
void keeper_trial_ended(struct keeper *keeper, int status);
/* The worker has left. Comes back only if another binary could not be executed, or not
 * yet. */
void keeper_upgrade(struct keeper *keeper);

#endif

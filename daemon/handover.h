/*
 * Going on where another process was: which descriptors were given to this one, and
 * executing the installed binary in place of this one with the same descriptors.
 */
#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include "daemon/cgroups.h"
#include "daemon/options.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct handover {
	int fuse;  /* /dev/fuse, mounted or not; -1: none; the caller's to close */
	int state; /* the shared block; -1: none; likewise */
	bool self; /* from this very process: what supervisors wait for was told before */
	/* With `self` alone: */
	pid_t worker;       /* child that still serves; 0: none */
	int control;        /* socket to that worker; -1: none; the caller's to close */
	const char *target; /* mountpoint; points into the environment; NULL: unknown */
};

/* To be called first: remembers where the binary is and what it was started with. */
void handover_init(char **argv);

/* Whether this process served before it executed this binary. */
bool handover_resumes(void);
/* What was given to this process: by itself before it executed this binary, by --fuse-fd,
 * or by systemd (LISTEN_FDS with the names of announce.h). */
void handover_find(struct handover *out, const struct options *options);

/* A trial of the installed binary, which starts as far as it can with --check. */
struct handover_trial {
	pid_t pid;        /* 0: none */
	int out;          /* its standard output; owned */
	char version[24]; /* of the binary, once it was tried */
	struct stat binary;
};

#define HANDOVER_TRIAL_NULL ((struct handover_trial){.out = -1})

/* The trial gets the mounts that we hold, as the binary itself would: it may have fewer
 * privileges than it takes to make them. 0 or -errno. */
int handover_try(struct handover_trial *trial, const struct cgroups *cgroups);
/* The trial process has ended with that status of wait(2) and was reaped. `form`: our
 * block's (shared_form). */
enum {
	TRIAL_BAD = 0,
	TRIAL_GOOD = 1,    /* it can take up what we have read */
	TRIAL_FOREIGN = 2, /* it can start, but everything must be answered before */
	TRIAL_AGAIN = 3,   /* meanwhile another binary was installed */
	TRIAL_BESIDE = 4,  /* likewise, and beside a worker of ours that still serves */
};
int handover_verdict(struct handover_trial *trial, int status, uint32_t form);
/* Whether another binary is installed than the one that was tried. */
bool handover_replaced(const struct handover_trial *trial);
/* Kills it; the caller reaps it. */
void handover_abort(struct handover_trial *trial);

/* Whether this process is such a trial. */
bool handover_is_trial(void);
/* The first line that --check prints: a trial reads it. */
void handover_print(uint32_t form);

/* Executes the installed binary with the descriptors (fuse and control may be -1), which
 * stay open across it. Returns only with -errno. */
int handover_exec(const struct handover *with);

#endif

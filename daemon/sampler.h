/*
 * Whose tasks are counted and when: the load averages of the containers that read them.
 */
#ifndef DAEMON_SAMPLER_H
#define DAEMON_SAMPLER_H

#include "cache/load.h"
#include "daemon/view.h"

#include <stdbool.h>

enum {
	/* A container that has not read for this long is counted no more; its averages
	 * are brought up to date when it reads again. */
	SAMPLER_KEEP_SECONDS = 300,
	/* A first reader waits this long for its container to be counted, then it gets
	 * the host's figures. */
	SAMPLER_PATIENCE_SECONDS = 3,
	/* A helper that takes this long for one container is stuck. */
	SAMPLER_HELPER_SECONDS = 10,
};

struct server;
struct sampler;

/* `load` is the history and stays the caller's. 0 or -errno. */
int sampler_new(struct sampler **out, struct server *server, struct load *load);
void sampler_free(struct sampler *sampler);
/* Forgets averages that would say nothing any more. */
void sampler_trim(struct sampler *sampler, uint64_t now_ns);

/*
 * Sets subject->load, valid until the loop goes on, for a view that needs it; `newest` if
 * it needs load->last_pid as of now. Starts counting the container, which then goes on by
 * itself. SUBJECT_FOUND, with subject->load NULL where it cannot be counted, or
 * SUBJECT_PARK with the key to wait for, which give_up forbids.
 */
int sampler_want(struct sampler *sampler, struct subject *subject, bool newest,
	bool give_up, uint64_t *key);

#endif

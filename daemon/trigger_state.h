/*
 * What trigger.c (who asks for what) and trigger_set.c (setting, being told, ending) know
 * of a trigger.
 */
#ifndef DAEMON_TRIGGER_STATE_H
#define DAEMON_TRIGGER_STATE_H

#include "daemon/trigger.h"
#include "nsutil/helper.h"

enum trigger_state {
	TRIGGER_SETTING,
	TRIGGER_SET,
	TRIGGER_REFUSED, /* or its cgroup has gone */
	TRIGGER_LEFT,    /* closed while a helper was setting it */
};

struct trigger {
	struct triggers *all;
	unsigned place;
	enum trigger_state state;
	int error; /* of TRIGGER_REFUSED: a negative errno */
	int fd;    /* of the kernel's file; owned */
	int epoll; /* readable when something happens there; owned */
	struct loop_fd *event;
	/* Of TRIGGER_SETTING and TRIGGER_LEFT: */
	struct helper helper;
	struct loop_fd *ended; /* NULL before Linux 5.3 */
	struct loop_timer *timer;
	uint64_t until_ns;
};

struct triggers {
	struct server *server;
	struct trigger_store *store;
	unsigned setting;
	struct trigger *set[TRIGGERS]; /* NULL: nothing, or what a predecessor set */
	/* What is to be closed, and who does that. */
	int closing[TRIGGERS];
	unsigned closings;
	struct helper closer;
	struct loop_timer *closed;
};

/* Helpers at one time, and requests that wait for one of them to be free. */
enum { SETTING_MOST = 4, WAITING_MOST = 8, NO_PLACE = TRIGGERS };

/* Waits for its trigger to be set; in place NO_PLACE, for a helper to be free. */
static inline uint64_t park_key(unsigned place)
{
	return PARK_TRIGGER | place;
}

/* Starts to set what the store has in a place, for the subject. 0 or -errno. */
int trigger_set(struct triggers *all, unsigned place, const struct subject *subject,
	const struct node *row);
/* Its open file has no trigger any more. */
void trigger_leave(struct trigger *t);

#endif

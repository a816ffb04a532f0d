/*
 * What trigger.c (who asks for what), trigger_set.c (setting and being told) and
 * trigger_hold.c (ending) know of a trigger.
 */
#ifndef DAEMON_TRIGGER_STATE_H
#define DAEMON_TRIGGER_STATE_H

#include "daemon/trigger.h"
#include "nsutil/helper.h"

enum trigger_state {
	TRIGGER_FREE,
	TRIGGER_PENDING, /* for a helper to set it */
	TRIGGER_SETTING,
	TRIGGER_SET,
	TRIGGER_REFUSED, /* or its cgroup has gone */
	TRIGGER_LEFT,    /* its file was closed while a helper was setting it */
	TRIGGER_CLOSING, /* its file was closed */
	TRIGGER_CLOSED,  /* by us, and not yet by the holder that is about to end */
};

struct trigger {
	struct triggers *all;
	enum trigger_state state;
	int error;    /* of TRIGGER_REFUSED: a negative errno */
	bool resumed; /* a predecessor's: nobody waits for its being set */
	bool held;    /* the holder has its descriptor, too */
	int fd;       /* of the kernel's file; owned */
	int epoll;    /* readable when something happens there; owned */
	struct loop_fd *event;
	struct loop_timer *timer;
	/* While it is set: */
	struct helper helper;
	struct loop_fd *ended; /* NULL before Linux 5.3 */
	int sock;              /* by which it sends the descriptor; owned */
	uint64_t until_ns;
};

struct triggers {
	struct server *server;
	struct trigger_store *store;
	uint64_t pidns; /* the host's */
	unsigned setting;
	struct loop_timer *attend; /* what is to be done beside all requests */
	struct helper holder, old; /* old: it is about to end, */
	struct loop_fd *holder_ended;
	uint64_t until_ns; /* and nobody waits for that any longer */
	struct trigger trigger[TRIGGERS];
};

enum {
	SETTING_MOST = 4,   /* helpers at one time */
	PENDING_QUOTA = 12, /* writes of one container that wait for one, */
	PENDING_MOST = 24,  /* and of all */
	NO_PLACE = TRIGGERS,
};

static inline unsigned trigger_place(const struct trigger *t)
{
	return (unsigned)(t - t->all->trigger);
}

/* Waits for the trigger to be set; with NO_PLACE, for a place to be free. */
static inline uint64_t park_key(unsigned place)
{
	return PARK_TRIGGER | place;
}

static inline void triggers_attend_soon(struct triggers *all)
{
	loop_timer_soon(all->attend);
}

/* trigger_hold.c: sees to it that there is a holder, and that what was closed ends. False
 * when that is to be tried again in a while; while all->old is there, soon. */
bool triggers_hold(struct triggers *all);

/* trigger_set.c. The store has something new in a free place: it will be set. */
void trigger_begin(struct trigger *t);
/* Its file was closed, or has no trigger any more. The place is free when the kernel is
 * done with it. */
void trigger_leave(struct trigger *t);
/* Tells those who poll the file to ask again. */
void trigger_wake(struct trigger *t);

#endif

/*
 * Everything one event loop works with, and the few calls its parts make on each other.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "cache/callers.h"
#include "cache/pidns.h"
#include "daemon/handle.h"
#include "daemon/loop.h"
#include "daemon/node.h"
#include "daemon/parked.h"
#include "daemon/queue.h"
#include "fusechan/channel.h"
#include "nsutil/cgmount.h"
#include "nsutil/initpid.h"

#include <stdbool.h>
#include <time.h>

enum {
	/* Messages served in one iteration, so that timers get their turn, and those of
	 * them that are served before others are read, which may come first. */
	SERVE_BATCH = 32,
	SERVE_SLICE = 4,
	SERVE_READ = 256, /* messages read between two slices */
	SERVE_REST = 64,  /* iterations for those that go on asking at the end */
	RESOLVERS = 8,   /* helpers at one time */
	PARK_QUOTA = 20, /* requests of one pid namespace that may wait for one thing */
	PRUNE_SECONDS = 5,
	/* The longest that a request waits for one thing; then it is taken up again. The
	 * watchdog must not take that for a worker that does not get on. */
	PARK_SECONDS = 5,
	RESOLVER_SECONDS = 2,
};

struct sampler;
struct server;
struct shared;
struct slowreads;
struct triggers;
struct worker_job;

enum resolve_kind {
	RESOLVE_INIT,        /* the init of the caller's pid namespace */
	RESOLVE_INIT_CGROUP, /* the cgroup of that init */
	RESOLVE_CALLER,      /* the cgroup of the caller */
};

/* A helper that finds out something for one pid namespace; free while `caller.pidns` is
 * 0. */
struct resolver {
	struct server *server;
	enum resolve_kind kind;
	struct caller caller; /* for whom; in RESOLVE_INIT_CGROUP the init itself */
	int cgnsfd;           /* whose cgroup namespace; -1: ours */
	bool killed;          /* nobody waits for it any more */
	struct helper helper;
	struct loop_fd *watch;
	struct loop_timer *deadline;
};

/* After this long nobody waits to be told who they are. */
#define PARK_NS (UINT64_C(1000000000) * PARK_SECONDS)
/* Waits for any resolver to be free; no inode has this number. */
enum { PARK_RESOLVER = 1 };
/* With the number of a sample: waits for its first count. */
#define PARK_LOAD (UINT64_C(1) << 63)

/* With the number of a reading: waits for a file that is read in a helper. */
#define PARK_SLOW (UINT64_C(1) << 62)
/* With its place: waits for a pressure trigger to be set. */
#define PARK_TRIGGER (UINT64_C(1) << 61)

struct server {
	struct channel channel;
	struct loop *loop;
	struct loop_fd *channel_watch;
	struct loop_timer *again; /* the queue was not empty at the end of an iteration */
	struct loop_timer *prune;
	bool pruning;
	unsigned known; /* the most in the cache since memory was last given back */
	struct host host;
	struct cg_layout layout;
	struct cgmount cgmount; /* how the layout's hierarchies are held */
	struct cgfiles *files;
	struct cgns cgns;
	struct pidns pidns;
	struct callers callers;
	struct handles handles;
	struct policy policy;
	struct cputree *cputree;
	struct cpuview *cpuview;
	struct disktimes *disktimes;
	struct sampler *sampler;
	struct slowreads *slowreads;
	struct triggers *triggers; /* NULL without --enable-psi-poll */
	struct timespec started;   /* time stamps of every node */
	bool no_ioctl;             /* find every init with a helper */
	bool cgroups_block;        /* read every /proc/PID/cgroup in a helper */
	bool gone;                 /* the mount was taken away */
	unsigned burst; /* messages to read before the first of them is answered */
	unsigned lone;  /* those that were read one at a time */
	bool ending; /* nothing more is read; stops when all that was read is answered */
	const struct worker_job *job; /* not owned, as is: */
	struct shared *shared;
	struct loop_fd *control_watch; /* orders from the keeper; NULL without one */
	struct resolver resolver[RESOLVERS];
	struct parked parked;
	uint64_t grow_ns; /* CLOCK_BOOTTIME before which the journal does not grow */
	struct loop_timer *shrink; /* runs while the journal has grown; else NULL */
	struct queue *queue; /* requests that were read and not yet served; not owned */
};

/* How a request is served. */
struct serving {
	uint64_t epoch;    /* host.epoch when it was read, or taken up again */
	uint64_t since_ns; /* when it was parked first; 0: never */
	bool give_up;      /* it waits no longer */
	bool give_up_file; /* neither for a file that is read in a helper */
};

/* serve.c: answers the request in the slot, which is neither queued nor parked, or parks
 * it. */
void serve_slot(struct server *server, struct slot *slot, struct serving how);

/* intake.c: answers what waits on the channel, about SERVE_BATCH messages. The loop's
 * callback; arg is the server. */
void serve_drain(void *arg);
/* Puts the requests that a predecessor had read into the queue. Those that ended
 * SLOT_FAULTS_MAX of them are answered EIO in their turn. */
void serve_takeover(struct server *server);
/* Reads no more, after what waits now if `read_rest`, and stops the loop when everything
 * that was read is answered. */
void serve_end(struct server *server, bool read_rest);
/* Takes up again every request parked on the key, the one that waits for longest first.
 */
void serve_wake(struct server *server, uint64_t key, bool give_up);

/* serve.c: CLOCK_BOOTTIME in nanoseconds. */
uint64_t serve_now(void);

/* room.c: adds slots to the journal, all of which hold requests. False if there can be no
 * more now. */
bool room_make(struct server *server);
/* Slots were added, by a predecessor if not by room_make: they are returned when they are
 * not needed any more. */
void room_watch(struct server *server);

enum { SUBJECT_FOUND = 0, SUBJECT_PARK = 1 };

/* subject.c: who asks. SUBJECT_FOUND with *subject set (the host when it cannot be told),
 * or SUBJECT_PARK with the key to wait for; give_up forbids that. */
int subject_find(struct server *server, pid_t tid, bool give_up, struct subject *subject,
	uint64_t *key);
/* The prune timer's callback; arg is the server. */
void subject_prune(void *arg);

/*
 * resolve.c: finds something out in a helper. SUBJECT_PARK with the key to wait for, or
 * -errno when it cannot be. With key NULL nobody waits, and nothing is done if there is
 * no helper to spare.
 */
int resolve_start(struct server *server, enum resolve_kind kind,
	const struct caller *caller, uint64_t *key);
/* Once before the loop runs. 0 or -errno. */
int resolve_init(struct server *server);
void resolve_deinit(struct server *server);

#endif

/*
 * The one block of memory that outlives the process that serves: the journal of requests,
 * and what must mean the same, or not go backwards, to whoever serves next. It is a
 * memfd, so that it can be handed to another program as well.
 */
#ifndef DAEMON_SHARED_H
#define DAEMON_SHARED_H

#include "fusechan/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum shared_region {
	SHARED_JOURNAL,
	SHARED_CPUTREE,
	SHARED_SNAPSHOTS,
	SHARED_CPUVIEW,
	SHARED_LOAD,
	SHARED_DISKTIMES,
	SHARED_TRIGGERS,
	SHARED_DEVICE,
	SHARED_REGIONS,
};

/* The head of the block. */
struct shared_head;

struct shared {
	int fd;    /* the memfd; owned */
	void *mem; /* owned */
	size_t size;
	unsigned cpus; /* that the host can have; sizes of some regions */
	struct journal *journal;
	void *region[SHARED_REGIONS];
};

#define SHARED_NULL ((struct shared){.fd = -1})

/*
 * Makes the block, or takes up the one behind `old` (-1: none), which it owns from then
 * on. What the old one has in the same format is kept; the rest starts anew, and
 * `mounted` says that the kernel knows numbers of what is lost then. An `old` that is no
 * such block is closed and nothing of it is used: -ESTALE then, and the block is a new
 * one. 0 or another -errno; nothing is held then, and `old` is still the caller's.
 */
int shared_open(struct shared *shared, int old, bool mounted);
/* Takes up the block behind fd, which a worker serves with at this moment: writes
 * nothing. 0 or -errno; -EINVAL for a block of another form. fd is still the caller's
 * then. */
int shared_join(struct shared *shared, int fd);
/* A number that two builds share when shared_join of one takes the block of the other. */
uint32_t shared_form(const struct shared *shared);
void shared_close(struct shared *shared);

/* CLOCK_REALTIME at which the mount was made: the time stamp of every node. */
struct timespec shared_started(const struct shared *shared);
/* Nobody has set any, or will take note of what becomes of them. */
void shared_forget_triggers(struct shared *shared);
/* The connection is gone and another one takes its place. */
void shared_new_mount(struct shared *shared);

/* The device number of the mount, as struct mountinfo has it; 0: there is none, or an
 * older version did not note it. */
uint64_t shared_device(const struct shared *shared);
void shared_note_device(struct shared *shared, uint64_t device);

/* SIGUSR2: whether readers get the host's files. */
bool shared_host_view(const struct shared *shared);
void shared_toggle_view(struct shared *shared);

#endif

/*
 * Requests that wait for something other than their turn: a helper's answer, a count.
 * Serving one later is serving it anew: the result is then in the cache, or it gives up
 * and gets the host's file. There are few, and all are searched.
 */
#ifndef DAEMON_PARKED_H
#define DAEMON_PARKED_H

#include "fusechan/journal.h"

#include <stdint.h>

enum { PARKED_MOST = 63 };

struct parked_request {
	uint64_t key; /* 0: none here; else the namespace it waits for, or PARK_... */
	uint64_t since_ns; /* CLOCK_BOOTTIME of the first time, for whatever it was */
	struct slot *slot;
};

/* All zero is empty. */
struct parked {
	struct parked_request request[PARKED_MOST];
};

/* A place for one more; NULL when there is none. */
struct parked_request *parked_free(struct parked *parked);
/* The request in the slot; NULL when it is not parked. */
struct parked_request *parked_in(struct parked *parked, const struct slot *slot);
/* How many wait for the key. */
unsigned parked_on(const struct parked *parked, uint64_t key);

#endif

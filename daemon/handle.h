/*
 * Snapshots of open files. Opening allocates nothing; the first read renders a snapshot,
 * and later reads of that handle slice it. The pool is bounded and each owner has a quota
 * of it: who needs room loses their own oldest first. A handle whose snapshot is gone is
 * simply rendered again.
 *
 * Most readers take the whole text at once and come back only to see that nothing follows.
 * For them there is room in the pool no longer than it takes to answer: what is remembered,
 * of as many as may be open at one time, is where the text ended.
 *
 * A reader that takes a file in pieces must not get them from two renderings because a
 * process ended in between. So small snapshots that are read in pieces are also kept in
 * memory that outlives the process, and so are the ends.
 */
#ifndef DAEMON_HANDLE_H
#define DAEMON_HANDLE_H

#include "daemon/outbuf.h"

enum {
	HANDLE_SNAPSHOTS = 64,
	HANDLE_QUOTA = 16,
	/* An idle snapshot keeps its memory for the next one, this many of them and up to
	 * this size. */
	HANDLE_SPARE = 4,
	HANDLE_SPARE_SIZE = 16 << 10,
	/* Longer ones do not survive the process. */
	HANDLE_STORED_SIZE = 8 << 10,
	/* The newest handle of those with the same remainder has its end there. */
	HANDLE_ENDS = 1024,
};

/* The copies; pages are touched as snapshots need them. All zero: empty. */
struct handle_store {
	uint64_t fh[HANDLE_SNAPSHOTS]; /* 0: nothing at this index of the pool */
	uint32_t len[HANDLE_SNAPSHOTS];
	uint64_t made_for[HANDLE_SNAPSHOTS];
	uint64_t ended[HANDLE_ENDS]; /* handles whose text was read whole; 0: none */
	uint64_t end_for[HANDLE_ENDS];
	uint32_t end[HANDLE_ENDS]; /* its length */
	char text[HANDLE_SNAPSHOTS][HANDLE_STORED_SIZE];
};

struct snapshot {
	uint64_t fh;	   /* 0: free */
	uint64_t owner;	   /* container id; 0 the host */
	uint64_t used;	   /* sequence number of the last use */
	uint64_t made_for; /* `unique` of the read that it was made for */
	uint64_t batch;	   /* in which it may be given to other readers of */
	uint64_t node;	   /* this file; 0: in none */
	bool stored;	   /* a predecessor's: its text is in the store */
	struct outbuf text;
};

#define HANDLE_LEFT UINT64_MAX /* owner of what predecessors left */

struct handles {
	uint64_t clock;
	uint64_t batch; /* of requests that came together; counted by handle_new_batch */
	struct handle_store *store; /* NULL: none; not owned */
	struct snapshot slot[HANDLE_SNAPSHOTS];
	struct snapshot end; /* what handle_find gives for an end: a length without a text */
};

/* Keeps copies in the store from now on, and takes up what a predecessor left there. */
void handles_attach(struct handles *handles, struct handle_store *store);
void handles_deinit(struct handles *handles);

/* The snapshot of the handle, or NULL when there is none that tells what is at `offset`. Of
 * its text only what is there and further on may be looked at. */
struct snapshot *handle_find(struct handles *handles, uint64_t fh, uint64_t offset);

/* The snapshot that was made for this very read by a process that ended before it noted that
 * it had answered; NULL when there is none. Another one in its place would mix two
 * renderings for a reader who got the first part already. */
struct snapshot *handle_made_for(struct handles *handles, uint64_t fh, uint64_t unique);

/* An empty snapshot for the handle, in place of one that it has. Never NULL. */
struct snapshot *handle_take(struct handles *handles, uint64_t fh, uint64_t owner);

/* The snapshot is whole, made for the read `unique`. `pieces`: more than its end will be asked
 * for; otherwise it is good only until the next call. */
void handle_keep(
	struct handles *handles, struct snapshot *snapshot, uint64_t unique, bool pieces);

/* What is shared from now on is for requests that were read by now. */
void handle_new_batch(struct handles *handles);
/* Others of this batch may have the text, too, if they are the owner's and read the node. */
void handle_share(const struct handles *handles, struct snapshot *snapshot, uint64_t node);
/* Such a text, for the read `unique` of `fh` if it takes no more than `size` bytes and all of
 * it in one piece; NULL. It is good only until the next call. */
struct snapshot *handle_shared(struct handles *handles, uint64_t node, uint64_t owner,
	uint64_t fh, uint64_t unique, uint32_t size);

/* The handle was closed, or its snapshot could not be made. Unknown ones are ignored. */
void handle_release(struct handles *handles, uint64_t fh);

#endif

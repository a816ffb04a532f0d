/*
 * Snapshots of open files. Opening allocates nothing; the first read renders a snapshot,
 * and later reads of that handle slice it. The pool is bounded and each owner has a quota
 * of it: who needs room loses their own oldest first. Where there is none all the same,
 * whoever holds most of it gives up their oldest, with all owners that are within the
 * same outermost pid namespace together. A handle whose snapshot is gone is simply
 * rendered again.
 *
 * Most readers take the whole text at once and come back only to see that nothing
 * follows. For them there is room in the pool no longer than it takes to answer: what is
 * remembered, of as many as may be open at one time, is where the text ended.
 *
 * No reader may get one file from two renderings because a process ended in between. So
 * the texts lie in memory that outlives it, and so do the ends; and a read that was
 * answered, or may have been, by a process that ended before it noted that gets the same
 * text from the next one.
 */
#ifndef DAEMON_HANDLE_H
#define DAEMON_HANDLE_H

#include "daemon/outbuf.h"

enum {
	HANDLE_SNAPSHOTS = 64,
	HANDLE_QUOTA = 16,
	/* An idle place in the pool keeps its memory for the next text, this many of them
	 * and after texts up to this size. */
	HANDLE_SPARE = 4,
	HANDLE_SPARE_SIZE = 16 << 10,
	/* Of files that are open and were read whole, in sets of WAYS. In each set,
	 * whoever has most of it loses the oldest. */
	HANDLE_ENDS = 1024,
	HANDLE_WAYS = 8,
};

/* What outlives the process; the texts follow it, each in a place of its own whose pages
 * are touched as it needs them. All zero: empty. */
struct handle_store {
	uint64_t fh[HANDLE_SNAPSHOTS]; /* 0: nothing in this place */
	uint32_t len[HANDLE_SNAPSHOTS];
	uint64_t made_for[HANDLE_SNAPSHOTS];
	uint64_t ended[HANDLE_ENDS];    /* handles whose text was read whole; 0: none */
	uint32_t end[HANDLE_ENDS];      /* its length */
	uint32_t ended_by[HANDLE_ENDS]; /* snapshot.outer, shortened */
	/* The last text that was read whole, while it is in its place. */
	uint64_t answering; /* `unique` of the read that it was made for; 0: none */
	uint32_t answer_place, answer_len;
	/* Order of eviction when room is needed. A process of an older
	 * version leaves zeros here: its snapshots count as the host's, and as oldest. */
	uint64_t owner[HANDLE_SNAPSHOTS], outer[HANDLE_SNAPSHOTS];
	uint64_t used[HANDLE_SNAPSHOTS]; /* sequence number of the last use */
};

/* Bytes of the store and its texts, on a host that can have so many CPUs. A text that is
 * longer than its place does not survive the process: 1 MB and 4 kB for each CPU. */
size_t handle_store_size(unsigned cpus);

struct snapshot {
	uint64_t fh;       /* 0: free */
	uint64_t owner;    /* the same number in every process; 0: the host */
	uint64_t outer;    /* of the container; 0 the host */
	uint64_t used;     /* sequence number of the last use */
	uint64_t made_for; /* `unique` of the read that it was made for */
	uint64_t batch;    /* in which it may be given to other readers of */
	uint64_t node;     /* this file; 0: in none */
	uint64_t reader;   /* id of the container whose readers share the text */
	bool unseen;  /* a predecessor's: not all of its pages are this process's yet */
	bool touched; /* there is memory in its place */
	struct outbuf text;
};

struct handles {
	uint64_t clock;
	uint64_t batch, oldest;     /* see handle_new_batch */
	struct handle_store *store; /* not owned */
	size_t room;                /* of one place */
	struct snapshot slot[HANDLE_SNAPSHOTS];
	struct snapshot
		end; /* what handle_find gives for an end: a length without a text */
};

/* Works in the store from now on, which has the size for so many CPUs and starts at the
 * beginning of a page of any size, and takes up what a predecessor left there. */
void handles_attach(struct handles *handles, struct handle_store *store, unsigned cpus);
void handles_deinit(struct handles *handles);

/* No handle that is in the store will be used again. */
void handle_store_forget(struct handle_store *store);

/* The snapshot of the handle, or NULL when there is none that tells what is at `offset`.
 * Of its text only what is there and further on may be looked at. */
struct snapshot *handle_find(struct handles *handles, uint64_t fh, uint64_t offset);

/* The snapshot that was made for this very read by a process that ended before it noted
 * that it had answered; NULL when there is none. Of what is read whole the last one is
 * there, until handle_take. */
struct snapshot *handle_made_for(struct handles *handles, uint64_t fh, uint64_t unique);

/* An empty snapshot for the handle, in place of one that it has. Never NULL. `owner`
 * names a container the same in every process that uses the store; 0: the host. */
struct snapshot *handle_take(
	struct handles *handles, uint64_t fh, uint64_t owner, uint64_t outer);

/* The snapshot is whole, made for the read `unique`. `pieces`: more than its end will be
 * asked for; otherwise it is good only until the next handle_take. */
void handle_keep(
	struct handles *handles, struct snapshot *snapshot, uint64_t unique, bool pieces);

/* Requests that came together have the same number, and those that come later a higher
 * one. From now on every request up to `batch` may have what is shared; those that were
 * read and not yet served have `oldest` and up. */
void handle_new_batch(struct handles *handles, uint64_t batch, uint64_t oldest);
/* Other readers of the node in the container `reader` (its id; 0: the host) may have the
 * text, too. */
void handle_share(const struct handles *handles, struct snapshot *snapshot, uint64_t node,
	uint64_t reader);
/* Such a text, for the read `unique` of `fh`, which came with `batch`, if it takes no
 * more than `size` bytes and all of it in one piece; NULL. It is good only until the next
 * call. */
struct snapshot *handle_shared(struct handles *handles, uint64_t node, uint64_t reader,
	uint64_t batch, uint64_t fh, uint64_t unique, uint32_t size);

/* The handle was closed, or its snapshot could not be made. Unknown ones are ignored. */
void handle_release(struct handles *handles, uint64_t fh);

#endif

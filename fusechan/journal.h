/*
 * Requests that were read from /dev/fuse and not yet answered, in memory that outlives
 * the process: whoever takes over the descriptor finds here what its predecessor had
 * taken and answers it. A caller whose request is lost sleeps for ever, so the order of
 * writes here is the order in which a crash may cut them.
 *
 * A change of these structures is a new JOURNAL_FORMAT: a daemon that hands over to one
 * of another format answers everything first.
 */
#ifndef FUSECHAN_JOURNAL_H
#define FUSECHAN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	JOURNAL_FORMAT = 1,
	JOURNAL_SLOTS = 64,
	/* A message that may have to wait fits a slot: a header, a structure and a name
	 * of 255 bytes. The rest of a longer one (writes, refused renames) goes to the
	 * spill and is answered before the next read. */
	SLOT_MESSAGE = 960,
	/* The kernel wants room for max(8192, 80 + max_write) bytes (fs/fuse/dev.c). */
	JOURNAL_READ_SIZE = 8192,
	/* A request that was being worked on when so many processes died of a fault of
	 * their own is not tried again. */
	SLOT_FAULTS_MAX = 2,
};

enum slot_state {
	SLOT_FREE = 0,
	SLOT_READING, /* handed to read(2); holds a request if its header says so */
	SLOT_TAKEN,   /* holds a request that is being worked on or waits */
};

struct slot {
	uint32_t state;  /* enum slot_state */
	uint32_t len;    /* bytes of the message, SLOT_MESSAGE at most */
	uint32_t faults; /* processes that died of their own fault while working on it */
	uint32_t busy;   /* being worked on at this moment */
	uint64_t reserved[6];
	_Alignas(8) char message[SLOT_MESSAGE];
};

/* What INIT agreed on; a successor cannot ask again. */
struct session {
	uint32_t ready; /* INIT was answered */
	uint32_t minor; /* of the protocol in use */
	uint32_t flags;
	uint32_t reserved;
};

struct journal {
	uint64_t magic;
	struct session session;
	uint64_t taken; /* requests worked on, again after each wait; with `answered` the
			 * progress others can see */
	uint64_t answered; /* replies written */
	uint64_t serial;   /* the last file handle given out */
	char spill[JOURNAL_READ_SIZE - SLOT_MESSAGE];
	struct slot slot[JOURNAL_SLOTS];
};

/* Makes an empty journal in memory shared between successive processes. File handles are
 * counted from `serial` on: one that no open file of an older journal has. */
void journal_format(struct journal *journal, uint64_t serial);
/* Whether that has been done. */
bool journal_valid(const struct journal *journal);
/* Makes its pages present in this process and, where the limit allows, locks them: a
 * SIGKILL during a read(2) into a page that is not there loses the request. */
void journal_populate(struct journal *journal);
/* The second half alone, for a journal that another process uses: reads its pages. */
void journal_lock(const struct journal *journal);

/* A slot to read the next message into; NULL when all are taken. Taking it again without
 * journal_taken in between gives the same one. */
struct slot *journal_next(struct journal *journal);
/* Where read(2) shall put the message. */
void journal_iov(struct journal *journal, struct slot *slot, struct iovec iov[2]);
/* read(2) returned len bytes into the slot. */
void journal_taken(struct slot *slot, size_t len);
/* The request is worked on from now; it waits. */
void journal_busy(struct slot *slot);
void journal_waits(struct slot *slot);
/* The process is about to end, and what it works on is not to blame. */
void journal_excuse(struct journal *journal);
/* The request is answered, or needs no answer. */
void journal_done(struct slot *slot);
/* Number of slots that hold a request, and of those that are worked on. */
unsigned journal_pending(const struct journal *journal);
unsigned journal_working(const struct journal *journal);

/* After the end of the process that used it: everything read and not answered is in slots
 * that are SLOT_TAKEN. `fault`: it died of its own fault, which counts against what it
 * worked on. */
void journal_recover(struct journal *journal, bool fault);
/* The connection is gone and another one takes its place: nothing is pending. */
void journal_forget(struct journal *journal);

#endif

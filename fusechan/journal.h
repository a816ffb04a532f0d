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
	JOURNAL_FORMAT = 2,
	/* The kernel lets no more tasks wait than there are: where there are more, the
	 * rest waits in the kernel. */
	JOURNAL_SLOTS = 16384,
	/* Pages come and go in units, a multiple of every page size. */
	JOURNAL_UNIT = 64 << 10,
	/* A header, a structure and a name of 255 bytes: nothing longer waits. The rest
	 * of a longer message (a write, a refused rename) goes to the spill and is not
	 * looked at. */
	SLOT_MESSAGE = 304,
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

enum slot_work {
	SLOT_WAITS = 0,
	SLOT_BUSY, /* being worked on at this moment */
	SLOT_CUT,  /* was worked on when its process ended: may have been answered */
};

struct slot {
	uint32_t state; /* enum slot_state */
	uint16_t len;   /* bytes of the message, SLOT_MESSAGE at most */
	uint8_t faults; /* processes that died of their own fault while working on it */
	uint8_t work;   /* enum slot_work */
	uint64_t reserved;
	_Alignas(8) char message[SLOT_MESSAGE];
};

/* What INIT agreed on; a successor cannot ask again. */
struct session {
	uint32_t ready; /* INIT was answered */
	uint32_t minor; /* of the protocol in use */
	uint32_t flags;
	uint32_t reserved;
};

enum { JOURNAL_WORDS = JOURNAL_SLOTS / 64, JOURNAL_GROUPS = JOURNAL_WORDS / 64 };

/* `magic` to `serial` have the places that every format so far gives them. */
struct journal {
	uint64_t magic;
	struct session session;
	uint64_t taken; /* requests worked on, again after each wait; with `answered` the
			 * progress others can see */
	uint64_t answered; /* replies written */
	uint64_t serial;   /* the last file handle given out */
	uint32_t units;    /* present: all slots that end within them can be used */
	uint32_t excused;  /* the process ends, and its work is not to blame */
	/* From here to `free`: counted anew by journal_recover. */
	uint32_t pending, working; /* slots that hold a request; those worked on */
	uint64_t groups[JOURNAL_GROUPS]; /* a bit for each word of `free` with a bit set */
	uint64_t free[JOURNAL_WORDS];    /* a bit for each slot to read into */
	char spill[JOURNAL_READ_SIZE - SLOT_MESSAGE];
	struct slot slot[JOURNAL_SLOTS];
};

/* Slots of the first unit, which is always there. */
enum {
	JOURNAL_FIRST = (JOURNAL_UNIT - offsetof(struct journal, slot)) /
			sizeof(struct slot),
};

/* Makes an empty journal in memory shared between successive processes. File handles are
 * counted from `serial` on: one that no open file of an older journal has. */
void journal_format(struct journal *journal, uint64_t serial);
/* Whether that has been done. */
bool journal_valid(const struct journal *journal);
/* Makes its pages present in this process and, where the limit allows, locks them: a
 * SIGKILL during a read(2) into a page that is not there loses the request. Returns pages
 * that no slot uses, which a process has left that ended at journal_grow or
 * journal_shrink. */
void journal_populate(struct journal *journal);
/* Locks the first unit, for a journal that another process uses: reads its pages. */
void journal_lock(const struct journal *journal);

/* The number of slots that can be used. */
unsigned journal_size(const struct journal *journal);
/* Adds a unit, if its pages can be locked. Gives whether it has. */
bool journal_grow(struct journal *journal);
/* Returns the units behind the last slot that holds a request. Gives whether more than
 * the first is left. */
bool journal_shrink(struct journal *journal);

/* The first free slot, to read the next message into; NULL when all are taken. Without
 * journal_taken in between it gives none behind that. */
struct slot *journal_next(struct journal *journal);
/* Where read(2) shall put the message. */
void journal_iov(struct journal *journal, struct slot *slot, struct iovec iov[2]);
/* read(2) returned len bytes into the slot. */
void journal_taken(struct journal *journal, struct slot *slot, size_t len);
/* The request is worked on from now; it waits. */
void journal_busy(struct journal *journal, struct slot *slot);
void journal_waits(struct journal *journal, struct slot *slot);
/* The process is about to end, and what it works on is not to blame. May be called by a
 * signal handler. */
void journal_excuse(struct journal *journal);
/* The request is answered, or needs no answer. */
void journal_done(struct journal *journal, struct slot *slot);
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

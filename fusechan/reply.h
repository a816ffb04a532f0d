/*
 * Answers: one writev each. All return 0, or -errno when the kernel refused the answer
 * for a reason that is not the caller's going away (that is 0: nobody waits any more).
 * The caller has got EIO then.
 */
#ifndef FUSECHAN_REPLY_H
#define FUSECHAN_REPLY_H

#include "fusechan/channel.h"

/* A body of len bytes; may be empty. */
int reply(struct channel *ch, uint64_t unique, const void *body, size_t len);

/* A positive errno. */
int reply_error(struct channel *ch, uint64_t unique, int error);

/* Wakes those who poll the open file that asked with this `kh`; they ask again. */
int reply_poll_wakeup(struct channel *ch, uint64_t kh);

/* Appends one directory entry of minor 27 to today to buf, which holds *len of size
 * bytes. `next` is the offset at which reading goes on behind it. False when it does not
 * fit. */
int reply_dirent(void *buf, size_t *len, size_t size, uint64_t ino, uint64_t next,
	unsigned type, const char *name);

#endif

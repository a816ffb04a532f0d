/*
 * The connection to the kernel: an open /dev/fuse and the journal its messages are read
 * into.
 */
#ifndef FUSECHAN_CHANNEL_H
#define FUSECHAN_CHANNEL_H

#include "fusechan/journal.h"
#include "fusechan/request.h"

struct channel {
	int fd;                  /* non-blocking; not owned */
	struct journal *journal; /* not owned */
};

enum {
	CHANNEL_MESSAGE = 0,
	CHANNEL_EMPTY = 1, /* nothing waits */
	CHANNEL_GONE = 2,  /* unmounted, or the connection was aborted */
	CHANNEL_FULL = 3,  /* no slot is free: nothing was asked */
};

enum {
	CHANNEL_MINOR_MIN = 27,   /* Linux 4.19 */
	CHANNEL_MINOR_MAX = 45,   /* Linux 6.18 */
	CHANNEL_MAX_WRITE = 4096, /* the least the kernel accepts */
	CHANNEL_MAX_PAGES = 4,    /* of one READ: pins 16 kB of the caller, not 128 */
	/* RELEASE goes in the background, at most so many at a time, and is in the way of
	 * requests that come later. With few, where thousands read, they would pile up in
	 * the kernel without a bound; with many, a process that ends with 60,000 open
	 * files would keep all others waiting. */
	CHANNEL_BACKGROUND = 4096,
};

/* A channel of nothing. */
#define CHANNEL_NULL ((struct channel){.fd = -1})

/* A new /dev/fuse, which the caller closes, or -errno: -EINVAL when that file is another
 * one than the FUSE device. */
int channel_open(void);

enum {
	CHANNEL_FRESH = 0, /* nothing is mounted with it yet */
	CHANNEL_ALIVE = 1,
	CHANNEL_DEAD = 2, /* unmounted, or aborted */
};
/* How a descriptor that somebody else opened is; makes it non-blocking. -EINVAL when it
 * is none of /dev/fuse. */
int channel_probe(int fd);

/* Reads one message. CHANNEL_MESSAGE with *slot set, CHANNEL_EMPTY, CHANNEL_GONE,
 * CHANNEL_FULL, or -errno for what should not happen. Of a message longer than a slot the
 * beginning is kept. */
int channel_read(struct channel *ch, struct slot **slot);

/* Parses the message in a slot. */
int channel_parse(struct channel *ch, struct slot *slot, struct request *request);

/* Asks the kernel to send again what nobody has answered, with FUSECHAN_UNIQUE_RESEND
 * set. 0 or -errno: -EINVAL from kernels that cannot. Linux 6.9 says it can and does it
 * wrong. */
int channel_resend(struct channel *ch);

/* The number of the message in a slot. */
uint64_t channel_unique(const struct slot *slot);

/* Answers INIT and remembers what was agreed. 0, or -EPROTO for a kernel older than 4.19
 * or of another major version (the answer says so). */
int channel_init(struct channel *ch, const struct request *request);

#endif

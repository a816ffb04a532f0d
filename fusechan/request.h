/*
 * One message from /dev/fuse, validated once: whoever gets a struct request may trust
 * that its argument is whole and its name ends where it says.
 */
#ifndef FUSECHAN_REQUEST_H
#define FUSECHAN_REQUEST_H

#include "fusechan/abi.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct request {
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	pid_t pid; /* the caller's thread id in the mounter's pid namespace; 0: unknown */
	const char *opname;
	/* The opcode's own structure, as long as the opcode table says; NULL without one.
	 * Aligned to 8. Points into the message. */
	const void *arg;
	/* First string behind it (LOOKUP), NUL-terminated; NULL without one. */
	const char *name;
	/* What follows the structure (WRITE); NULL without. */
	const void *data;
	size_t data_len;
};

/* Outcomes of request_parse that are not errors of ours. */
enum {
	REQUEST_OK = 0,
	REQUEST_UNKNOWN = 1,   /* an opcode that the table does not have: answer ENOSYS */
	REQUEST_MALFORMED = 2, /* header good, the rest not: answer EINVAL */
	REQUEST_GARBAGE = 3,   /* not even a header: nobody to answer */
	REQUEST_TOO_LONG = 4,  /* only its head was kept: answer ENAMETOOLONG */
};

/* Reads the message of len bytes at msg (aligned to 8), which must outlive *request. For
 * every outcome but REQUEST_GARBAGE the header fields are set. */
int request_parse(struct request *request, const void *msg, size_t len);

/* Whether the kernel waits for an answer: not for FORGET, BATCH_FORGET and INTERRUPT. */
int request_wants_reply(uint32_t opcode);

#endif

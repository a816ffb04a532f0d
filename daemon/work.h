/*
 * One request on its way through a handler; what serve.c and the files that hold its
 * larger handlers share.
 */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

#include "daemon/server.h"

enum { SERVED = 0, SERVE_PARK = 1 };

struct work {
	struct server *server;
	struct request request;
	uint64_t batch;    /* the epoch (nsutil/host.h) in which it was read */
	bool give_up;      /* waited long enough: the host's file */
	bool give_up_file; /* and that could not be read */
	uint64_t key;      /* set with SERVE_PARK: what to wait for */
};

/* A handler returns SERVED, SERVE_PARK, or a negative errno for the caller. */
typedef int handler(struct work *work);

/* The number of the request, also of one that came again, with a bit more in it. */
static inline uint64_t work_number(const struct work *work)
{
	return work->request.unique & ~FUSECHAN_UNIQUE_RESEND;
}

/* serve.c: answers the request. */
void work_send(struct work *work, const void *body, size_t len);

/* read.c */
/* How long the text is that the caller would read now; 0 when nothing tells that at
 * once. */
size_t work_length(struct work *work, const struct node_info *info);
handler work_read;
handler work_readdir;

#endif

/*
 * From a node and who asks to the bytes that a snapshot holds.
 */
#ifndef DAEMON_RENDER_H
#define DAEMON_RENDER_H

#include "daemon/node.h"

/* Writes all of a file or, as READDIR sends them, a directory's entries to `out`, which
 * is empty. 0 or -errno. */
int render(
	const struct node_info *info, const struct subject *subject, struct outbuf *out);

#endif

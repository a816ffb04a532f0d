/*
 * Mount options, -o of the command line: mount(8)'s own, and those of FUSE that matter
 * here.
 */
#ifndef DAEMON_MOUNTOPTS_H
#define DAEMON_MOUNTOPTS_H

#include <stdbool.h>

/* Name and type are lxcfs's, by which tools know such a mount. */
#define MOUNTOPTS_SOURCE "lxcfs"
#define MOUNTOPTS_TYPE "fuse.lxcfs"
/* That of version 0.1 before it took lxcfs's. */
#define MOUNTOPTS_OLD_TYPE "fuse.evlxcfs"

struct mountopts {
	char source[128];    /* name of the mount, its source in mountinfo */
	char type[64];       /* file system type: "fuse." and a subtype */
	unsigned long flags; /* MS_* for mount(2) */
};

/* Without any -o. */
void mountopts_init(struct mountopts *out);

/* Takes a list "ro,fsname=NAME"; later words win. Leaves `text` as it is. False after a
 * line on standard error: a word is unknown, or lacks its value. */
bool mountopts_parse(struct mountopts *out, const char *text);

#endif

/*
 * The directory we mount on, before we do.
 */
#ifndef DAEMON_MOUNTPOINT_H
#define DAEMON_MOUNTPOINT_H

#include <limits.h>
#include <stdbool.h>

/* The absolute path of a mountpoint, without symbolic links: umount2(2) with
 * UMOUNT_NOFOLLOW and mountinfo take no other. No file system is asked about the directory
 * itself, since a dead mount there answers ENOTCONN to everything. False after a line on
 * standard error. */
bool mountpoint_resolve(const char *path, char out[PATH_MAX]);

/* Detaches what dead daemons left there; refuses a mount that is alive, and anything that
 * is not a directory. False after a line on standard error. */
bool mountpoint_clear(const char *target);

#endif

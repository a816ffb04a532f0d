/*
 * Our mount, as mountinfo of this process shows it. Nothing is allocated, and no server of
 * a file system is asked, unless it says so. A device number means a file system for as
 * long as that is alive: another mount can have it afterwards.
 */
#ifndef DAEMON_OWNMOUNT_H
#define DAEMON_OWNMOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The device number of the FUSE mount that a path walk to `target` ends on, if its type is
 * `type`, that of lxcfs or that of older versions; with NULL, of any type. 0: there is
 * none, or it cannot be told. */
uint64_t ownmount_on(const char *target, const char *type);

/* Whether the file system is mounted in this mount namespace, as a whole: binds of parts
 * of it do not count. `target` becomes the place, if it is mounted elsewhere alone. True
 * also when it cannot be told. */
bool ownmount_find(uint64_t device, char target[PATH_MAX]);

/* The connection ended. Whether the mount had been taken away, by umount(8), and not been
 * aborted. False also for a device of 0: there was none to be taken away. Can ask a FUSE
 * mount, in a child and for a second at most, whether it is dead. */
bool ownmount_taken_away(uint64_t device, char target[PATH_MAX]);

/* Detaches the mount of the connection `fuse`, where it is now, and no other. With
 * `force`, aborts the connection before. If the connection is dead, asks the mount as
 * above. */
void ownmount_detach(uint64_t device, const char *target, int fuse, bool force);

#endif

/*
 * What a container did to each block device, from the files of its cgroup.
 */
#ifndef DAEMON_VIEW_DISKUSAGE_H
#define DAEMON_VIEW_DISKUSAGE_H

#include "daemon/view.h"

enum disk_op { DISK_READ, DISK_WRITE, DISK_DISCARD, DISK_OPS };

struct disk_usage {
	uint64_t dev; /* as disk_dev makes it */
	uint64_t ios[DISK_OPS], bytes[DISK_OPS];
	bool listed;  /* v1: the container's file lists it */
	bool in_root; /* v1: the root's file lists it */
};

static inline uint64_t disk_dev(uint64_t major, uint64_t minor)
{
	return major << 32 | (minor & UINT32_MAX);
}

/* Reads the container's files, for disk_usage_find. VIEW_DONE, or VIEW_HOST when it is in
 * no cgroup, but for the root, that counts. -ENOMEM: not all devices are there. */
int disk_usage_read(struct container *ct);

/* A number of the file that was read, in the cgroup in which it was; not 0. */
uint64_t disk_usage_source(void);

/* NULL for a device that no file lists. Quick when asked in the files' order. */
const struct disk_usage *disk_usage_find(uint64_t dev);

/* False for NULL. */
bool disk_usage_any(const struct disk_usage *usage);

/*
 * v1, a device without figures: does nobody count there? Linux 5.15 to 6.3 list the
 * container's devices but count only under a throttle rule; since 6.10 nothing is listed,
 * not in the root either, before the device's first rule. A device that the root's list
 * has and the container's has not was never used.
 */
bool disk_usage_uncounted(const struct disk_usage *usage);

#endif

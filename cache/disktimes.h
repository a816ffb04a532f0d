/*
 * What each container was last shown of each block device, in a block of memory that
 * outlives the process. A container's time is its share of the host's, which shrinks
 * while others are busy; its I/Os begin anew where its cgroup's controller is switched
 * off and on, and are others' where it is off. What was shown must not fall.
 */
#ifndef CACHE_DISKTIMES_H
#define CACHE_DISKTIMES_H

#include "cache/container.h"

enum {
	DISK_TIMES = 5,
	DISK_COUNTS = 6, /* I/Os of each kind, and bytes */
	/* Pairs of a container and a device that are remembered. Of more that live at the
	 * same time, one that was not read for long goes back to its share, as
	 * slots_take() says. */
	DISKTIMES_PAIRS = 8192,
};

struct disktimes;

/* All zero: nothing was shown yet. */
struct disk_past {
	uint64_t source;             /* of the figures below; 0: none */
	uint64_t last[DISK_COUNTS];  /* what it said */
	uint64_t count[DISK_COUNTS]; /* what is shown */
	uint64_t time[DISK_TIMES];   /* ms, as shown but for the kernel's 32 bits */
	/* The host's, ms, beyond the 32 bits that the kernel prints, and its I/Os. */
	uint64_t host_time[DISK_TIMES], host_ios;
};

size_t disktimes_size(void);
/* Takes up what is in `mem`, aligned for uint64_t, or starts anew if it is all zero or of
 * another make. The memory stays the caller's. */
struct disktimes *disktimes_attach(void *mem);

/* The container's past of a device, to be read and changed; an empty one when nothing was
 * shown yet, or `times` is NULL. Valid until the next call. */
struct disk_past *disktimes_of(struct disktimes *times, const struct container *ct,
	uint64_t dev, uint64_t now_ns);
/* NULL when nothing was shown. */
struct disk_past *disktimes_find(
	struct disktimes *times, const struct container *ct, uint64_t dev);

/* Goes on with what a source says now. Another than before: from there on; and one that
 * says less than it did began anew. */
void disktimes_count(
	struct disk_past *past, uint64_t source, const uint64_t now[DISK_COUNTS]);
/* Goes on with the host's times, as printed, and all its I/Os: fewer of them than before
 * are another device's. */
void disktimes_host(
	struct disk_past *past, const uint64_t time[DISK_TIMES], uint64_t ios);

/* Many containers are gone: gives their memory back. */
void disktimes_trim(struct disktimes *times);

#endif

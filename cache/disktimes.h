/*
 * Times of block devices as they were last shown to each container, in a block of memory
 * that outlives the process. A container's time is its share of the host's, which shrinks
 * while others are busy; what was shown must not.
 */
#ifndef CACHE_DISKTIMES_H
#define CACHE_DISKTIMES_H

#include "cache/container.h"

enum {
	DISK_TIMES = 5,
	/* Pairs of a container and a device that are remembered. Of more that live at the
	 * same time, one that was not read for long goes back to its share, as
	 * slots_take() says. */
	DISKTIMES_PAIRS = 8192,
};

struct disktimes;

size_t disktimes_size(void);
/* Takes up what is in `mem`, aligned for uint64_t, or starts anew if it is all zero or of
 * another make. The memory stays the caller's. */
struct disktimes *disktimes_attach(void *mem);

/* The DISK_TIMES times of a device, to be read and changed; zeros when nothing was shown
 * yet, or `times` is NULL. Valid until the next call. */
uint64_t *disktimes_of(struct disktimes *times, const struct container *ct, uint64_t dev,
	uint64_t now_ns);

/* Many containers are gone: gives their memory back. */
void disktimes_trim(struct disktimes *times);

#endif

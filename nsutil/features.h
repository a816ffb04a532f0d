/*
 * Kernel features that evlxcfs uses where they exist. Probed by trying, not
 * by version, and for reports alone: every user of a feature tries it by itself.
 */
#ifndef NSUTIL_FEATURES_H
#define NSUTIL_FEATURES_H

#include "nsutil/cgroup.h"

#include <stdbool.h>

enum feature {
	FEATURE_PIDFD,
	FEATURE_INIT_IOCTL,
	FEATURE_CGROUP_NS,
	FEATURE_TIME_NS,
	FEATURE_PSI,
	FEATURE_SWAP,
	FEATURES,
};

enum feature_state { FEATURE_ABSENT, FEATURE_PRESENT, FEATURE_UNKNOWN };

struct feature_row {
	char name[24];
	char since[8]; /* Linux version, where one brought it; "": a configuration */
	const char *without; /* consequence of its absence, for people */
};

extern const struct feature_row feature_table[FEATURES];

/* Probes all of them. procfd is a directory of /proc and stays the caller's. FEATURE_SWAP
 * (memory controller with swap accounting) is told from the cgroups of the layout; it is
 * unknown where no cgroup but the root has the memory controller. */
void features_probe(
	int procfd, const struct cg_layout *layout, enum feature_state state[FEATURES]);

#endif

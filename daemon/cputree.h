/*
 * Names below the host's /sys/devices/system/cpu that somebody has looked up, so that
 * each has a number. cpu0, cpu1, … share one set of names, as do the policies of cpufreq:
 * on a host of 1000 CPUs the table is as small as on one of two.
 *
 * It lives in shared memory and only grows, so numbers mean the same to whichever process
 * serves the mount. Its size is bounded by what the host's tree has: a container cannot
 * add a name that does not exist.
 */
#ifndef DAEMON_CPUTREE_H
#define DAEMON_CPUTREE_H

#include <stdbool.h>
#include <stddef.h>

enum { CPUTREE_ENTRIES = 4096, CPUTREE_NAMES = 64 << 10 };
enum { CPUTREE_ROOT = -1 };

struct cputree {
	unsigned count, names_len;
	/* Part of every number: differs from that of a tree that was lost while the mount
	 * lived on, so that the kernel's old numbers name nothing. */
	unsigned generation;
	struct {
		short parent;        /* entry, or CPUTREE_ROOT */
		unsigned short name; /* offset of its name */
	} entry[CPUTREE_ENTRIES];
	char names[CPUTREE_NAMES];
};

/* A place in the tree: an entry, and which CPU or policy where it is below one. */
struct cputree_at {
	int entry;
	unsigned instance;
};

/* The place of `name` below `parent`. Knows nothing of what exists: the caller has
 * looked. False when the table is full. */
bool cputree_child(struct cputree *tree, struct cputree_at parent, const char *name,
	struct cputree_at *child);

/* The path below /sys/devices/system/cpu, "." for its root. False for a place that was
 * never given out, or a path longer than size. */
bool cputree_path(
	const struct cputree *tree, struct cputree_at at, char *path, size_t size);

/* The place above; CPUTREE_ROOT's is itself. */
struct cputree_at cputree_parent(const struct cputree *tree, struct cputree_at at);

/* n of "cpuN" (no leading zeros); -1 for any other name. */
int cputree_cpu_number(const char *name);
/* n of the path "cpuN/REST", with *rest; -1 for any other, which *rest is then. */
int cputree_cpu_of(const char *path, const char **rest);

#endif

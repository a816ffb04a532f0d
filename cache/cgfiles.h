/*
 * Descriptors of cgroup files, kept open because a pread costs a third of open, read and
 * close. Bounded (each pins some 4 kB of kernel memory) and thrown out least recently
 * used first. Correctness never depends on a hit: a descriptor of a removed cgroup reads
 * ENODEV, also when the path was made again, and is then opened anew. Only v1 can rename
 * a cgroup: one above a container is believed to have its name for a second at most.
 */
#ifndef CACHE_CGFILES_H
#define CACHE_CGFILES_H

#include "nsutil/cgroup.h"

struct cgfiles;
struct container;

/* Reads the file of `fact` at `path` below hierarchy's mount, which is the container's
 * cgroup (up is 0) or one above it. The time is that of the container's last use. 0 with
 * *text valid until the next call, or -errno. */
int cgfiles_read(struct cgfiles *files, const struct container *ct, enum cg_fact fact,
	unsigned up, const struct cg_hierarchy *hierarchy, struct slice path,
	const char **text);

/* The inode number of the file that the last cgfiles_read read, where the fact is CPU
 * time: no other file of the hierarchy has it, nor one that is made anew in its place
 * (Linux 4.14; before that it may have the same). Looked up when the file is opened. */
uint64_t cgfiles_ino(const struct cgfiles *files);

/* Closes what is kept of cgroups that are not a container's own: they go with no
 * container, but are there for as long as there are any. */
void cgfiles_forget_above(struct cgfiles *files);

const struct cg_layout *cgfiles_layout(const struct cgfiles *files);

#endif

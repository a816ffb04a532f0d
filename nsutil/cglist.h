/*
 * The cgroup mounts that mountinfo shows and views can use.
 */
#ifndef NSUTIL_CGLIST_H
#define NSUTIL_CGLIST_H

#include "nsutil/procfile.h"

/* A mount of a hierarchy, as mountinfo shows it. */
struct cglist_entry {
	int id;           /* of the mount */
	const char *name; /* as in struct cg_hierarchy */
	char *root, *target, *super;
	bool v2;
};

enum { CGLIST_ENTRIES = 32 };

/* All of them that can be of use. v1 before v2; within one hierarchy those that show more
 * of it first. None that a FUSE file system covers: looking for it would ask whoever
 * serves that, which may be us. */
struct cglist {
	struct cglist_entry entry[CGLIST_ENTRIES];
	int count;
};

/* Makes the list from the texts of self/mountinfo and self/cgroup (where hierarchies have
 * the names that /proc/PID/cgroup gives them). Both are cut into pieces, and the list
 * points into them. */
void cglist_parse(struct cglist *list, char *mountinfo, char *cgroup);

/* Of the text of a mountinfo, which stays as it is: another number when a cgroup mount
 * has come or gone. */
uint64_t cglist_fingerprint(const char *mountinfo);

/* Takes the next item of a list separated by commas; items may be empty. */
bool cglist_item(const char **list, struct slice *item);

#endif

/*
 * Lines of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
 */
#ifndef NSUTIL_MOUNTINFO_H
#define NSUTIL_MOUNTINFO_H

#include <stdbool.h>

/* One mount. The strings lie in the text that was parsed, without escapes. */
struct mountinfo {
	int id;       /* unique among the mounts alive */
	char *root;   /* what of the file system is mounted */
	char *target; /* where, as seen from the reader's root */
	char *type;   /* of the file system: "cgroup2" */
	char *source; /* may be empty */
	char *super;  /* options of the superblock, separated by commas */
};

/* Takes the next line from *cursor, which is cut into pieces, and skips those that are no
 * mount. False at the end. */
bool mountinfo_next(char **cursor, struct mountinfo *out);

/* The id of the mount that an open descriptor (O_PATH too) is on, by its fdinfo
 * (Linux 3.15) below procfd. -errno. */
int mountinfo_id(int procfd, int fd);

#endif

/*
 * Lines of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
 */
#ifndef NSUTIL_MOUNTINFO_H
#define NSUTIL_MOUNTINFO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One mount. The strings lie in the text that was parsed, without escapes. */
struct mountinfo {
	int id;       /* unique among the mounts alive */
	uint64_t device; /* of the file system: major << 32 | minor; 0 is none's */
	char *root;   /* what of the file system is mounted */
	char *target; /* where, as seen from the reader's root */
	char *type;   /* of the file system: "cgroup2" */
	char *source; /* may be empty */
	char *super;  /* options of the superblock, separated by commas */
};

/* Takes the next line from *cursor, which is cut into pieces, and skips those that are no
 * mount. False at the end. */
bool mountinfo_next(char **cursor, struct mountinfo *out);

/* A mountinfo file, read mount by mount without allocating. Skips a line that is longer
 * than two paths with every byte escaped. */
struct mountinfo_file {
	int fd;      /* owned; -1: closed */
	size_t len;  /* of the text */
	size_t line; /* length of its first line, which was given out */
	char text[2 * 4 * PATH_MAX + 1024];
};

/* Opens that of this process, below procfd. 0 or -errno. */
int mountinfo_open(struct mountinfo_file *file, int procfd);
/* The next mount, whose strings are valid until the next call. 1; 0 at the end; -errno.
 * Before Linux 5.8, a mount that goes away meanwhile can hide another one. */
int mountinfo_read(struct mountinfo_file *file, struct mountinfo *out);
void mountinfo_close(struct mountinfo_file *file);

/* The id of the mount that an open descriptor (O_PATH too) is on, by its fdinfo
 * (Linux 3.15) below procfd. Allocates nothing. -errno. */
int mountinfo_id(int procfd, int fd);

#endif

/*
 * Files of the host whose read can sleep: in sysfs, what asks a driver or another CPU
 * (cpufreq: 20 ms a core on some hosts); pressure files, whose open waits for the close
 * of every trigger that a container has in its cgroupfs, 10 ms each (kernfs has one lock
 * for both). They are read in a helper while the request is parked.
 */
#ifndef DAEMON_SLOWREAD_H
#define DAEMON_SLOWREAD_H

#include "daemon/server.h"

enum {
	SLOWREADS = 4,        /* helpers at one time */
	SLOWREAD_QUOTA = 8,   /* requests that wait for one file, */
	SLOWREAD_PLACES = 32, /* and for a helper: others have a reading of their own */
	SLOWREAD_SECONDS = 5, /* then the reader gets EIO */
};

/* Whether a file of the cpu tree is one of those. What is not known to be quick is. */
bool slowread_needed(const struct node_info *file);

/*
 * The contents of a file below a directory, as of a read that began after the request
 * came; if `nearest`, of the nearest directory upwards that has it. 0 with
 * *text valid until the loop goes on, SUBJECT_PARK with the key to wait for, or a
 * negative errno for the reader: that of the read, -EIO when it took too long, -EBUSY
 * when too many wait.
 */
int slowread_get(struct server *server, int dirfd, const char *path, bool nearest,
	bool give_up, struct slice *text, uint64_t *key);

/* 0 or -errno. */
int slowread_new(struct slowreads **out, struct server *server);
void slowread_free(struct slowreads *reads);

#endif

/*
 * A directory that stands in for a host: DIR/proc, DIR/cpu or DIR/sys/cpu (for
 * /sys/devices/system/cpu; or that below DIR, where more of /sys is needed) and
 * DIR/cgroup. A cgroup directory with cgroup.controllers is
 * v2; otherwise each directory in it is a v1 hierarchy named by its controllers
 * ("cpu,cpuacct"), and one called "unified" the hybrid's v2.
 */
#ifndef T_UNIT_FIXTURE_H
#define T_UNIT_FIXTURE_H

#include "cache/container.h"
#include "daemon/view.h"

struct fixture {
	char dir[256];
	bool temporary; /* removed by fixture_deinit */
	struct host host;
	struct cg_layout layout;
	struct cgfiles *files;
	struct container *ct;
	struct policy policy;
	struct subject subject;
	void *history; /* memory for subject.cpuview; see fixture_history */
	struct outbuf out;
};

/* Opens an existing tree (t/fixtures/NAME, or any path with a slash in front). Ends the
 * test program when it cannot. */
void fixture_open(struct fixture *f, const char *name);
/* Starts an empty temporary tree with proc, cpu and cgroup directories. Write files with
 * fixture_write, then call fixture_load. */
void fixture_new(struct fixture *f);
/* Writes a file below the tree, making its directories. */
void fixture_write(struct fixture *f, const char *path, const char *text);
void fixture_remove(struct fixture *f, const char *path);
/* Takes a file or a directory away, and puts the same one back: a new file in its place
 * may get the number of the old inode, or another one. */
void fixture_hide(struct fixture *f, const char *path);
void fixture_unhide(struct fixture *f, const char *path);
/* Reads the layout of the tree and opens the host. Called by fixture_open. */
void fixture_load(struct fixture *f);
/* Makes the container whose cgroup is `path` ("/ct", "/" for the root) in every
 * hierarchy; its init started at start_ns. Later changes of the tree are seen. */
void fixture_container(struct fixture *f, const char *path, uint64_t start_ns);
/* Keeps a history of CPU times, for a host of so many CPUs, from here on: called after
 * fixture_container, and again with 0 after it made another container. */
void fixture_history(struct fixture *f, unsigned cpus);
/* Runs a view for the container and gives its text, or "HOST" for VIEW_HOST. */
const char *fixture_show(struct fixture *f, view_show *show, unsigned arg);
void fixture_deinit(struct fixture *f);

#endif

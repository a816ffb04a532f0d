/*
 * The command line: lxcfs's, so that a service file needs only another program name, and
 * a few of our own. One table feeds the parser and --help.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "daemon/mountopts.h"
#include "daemon/view.h"
#include "nsutil/cgmount.h"

/* Who reads /proc/PID/cgroup, which before Linux 6.8 waits for a lock of all cgroups. */
enum cgroup_reader {
	CGROUP_READER_AUTO,
	CGROUP_READER_LOOP,
	CGROUP_READER_HELPER,
	CGROUP_READERS,
};

enum { KEPT_BY_MEMORY = 0x7fffffff }; /* as many as go with the host's memory */

struct options {
	const char *mountpoint;
	const char *pidfile;     /* NULL: none */
	const char *runtime_dir; /* default /run/evlxcfs */
	struct policy policy;
	struct mountopts mount;
	unsigned kept_files;   /* cgroup file descriptors kept open; KEPT_BY_MEMORY */
	int ready_fd;          /* -1: none */
	int fuse_fd, state_fd; /* handed to us; -1: none */
	unsigned watchdog;     /* seconds; 0: none */
	bool keep_mount;       /* at the end, for whoever holds the descriptor */
	bool no_keeper;        /* one process */
	bool check;            /* only try whether it starts */
	bool debug;
	bool psi_poll;   /* pressure files take triggers */
	bool force_fork; /* find every init with a helper */
	enum cgroup_reader cgroup_reader;
	enum cgmount_way cgroup_mounts;
	uint64_t drop; /* capabilities that are not kept; bit N is capability N */
};

enum { OPTIONS_RUN = 0, OPTIONS_DONE = 1, OPTIONS_BAD = 2 };

/* OPTIONS_RUN; OPTIONS_DONE after --help or --version were printed; OPTIONS_BAD after one
 * line on standard error. Strings point into argv. */
int options_parse(struct options *options, int argc, char **argv);

#endif

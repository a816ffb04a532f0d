/*
 * The tree that is mounted: one table of files and directories, and behind it the host's
 * /sys/devices/system/cpu as far as somebody has looked into it.
 *
 * A node id says the same in every process that serves the mount: bits 0-15 the row (1 is
 * the root), bits 16-31 the instance of a row that stands for many (cpu7), bits 32-47 the
 * generation of the cpu tree's names (0 unless they were lost), the rest 0, for "whoever
 * asks". The inode number that readers see is the lower half.
 */
#ifndef DAEMON_NODE_H
#define DAEMON_NODE_H

#include "daemon/view.h"
#include "fusechan/abi.h"

#include <sys/types.h>

enum { NODE_HOST_NONE = -1 };

enum node_load {
	NODE_NO_LOAD,
	NODE_LOAD,        /* all but last_pid */
	NODE_LOAD_NEWEST, /* last_pid as of now, too */
};

struct node {
	char name[10];
	unsigned short parent; /* row; 0: there is no such row */
	mode_t mode;
	view_show *show;     /* NULL: the host's contents, or a helper's */
	unsigned arg;        /* of show */
	enum node_load load; /* what show needs of subject->load */
	int host_file;       /* enum host_file, or NODE_HOST_NONE: see host_path */
	char host_path[16];  /* below host->proc or, for the cpu tree, host->syscpu */
	bool optional;       /* only there when the host has it */
};

/* What the rest of the daemon knows of a node. */
struct node_info {
	const struct node *row; /* NULL for an entry of the host's cpu tree */
	char path[512];         /* below host->syscpu, for those */
	uint64_t id;
	mode_t mode; /* with the file type */
	/* After node_measure: */
	unsigned nlink;
	uint64_t size;
	uint64_t valid_ns; /* how long the kernel may keep them */
	bool own_end;      /* see daemon/filesize.h */
};

/* Nodes never change: the kernel may keep what it knows of them. */
enum { NODE_VALID_SECONDS = 24 * 3600 };
#define NODE_VALID_NS (UINT64_C(1000000000) * NODE_VALID_SECONDS)

struct cputree;

/* Where the names of the host's cpu tree are kept, whether containers' CPUs have
 * numbers of their own (--enable-cfs), and how many CPUs the host can have; before any
 * call below. */
void node_attach(struct cputree *shared, bool cfs, unsigned cpus);

/* 0, or a negative errno for the reader: -ENOENT for an id that names nothing here. */
int node_get(struct host *host, uint64_t id, struct node_info *info);
int node_lookup(
	struct host *host, uint64_t parent, const char *name, struct node_info *info);
/* Whether it is one of proc/pressure/. */
bool node_is_pressure(const struct node_info *info);
/* What stat(2) shows of it besides, at now_ns of CLOCK_BOOTTIME; it can read the host's
 * file. */
void node_measure(struct host *host, struct node_info *info, uint64_t now_ns);

/* Calls emit(arg, info, name) for every child of a directory and for "." and "..".
 * `cpus`, if given, are those whose directories node_is_cpu_dir lists. 0 or -errno. */
typedef void node_emit(void *arg, uint64_t id, mode_t mode, const char *name);
int node_list(struct host *host, const struct node_info *dir, const struct cpuset *cpus,
	node_emit *emit, void *arg);

/* Whether the directory's listing leaves out CPUs that the container does not see. */
bool node_is_cpu_dir(const struct node_info *dir);

/* The target of a symbolic link, NUL-terminated. Its length or -errno. */
ssize_t node_readlink(
	struct host *host, const struct node_info *link, char *buf, size_t size);

/* The host's contents of a file that has no view, or whose view says so. 0 or -errno. */
int node_host_text(struct host *host, const struct node_info *file, struct outbuf *out);

#endif

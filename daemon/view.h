/*
 * A view is one file as one reader should see it: a show() that reads cgroup and host
 * files and writes text. It knows no offset, no request and no FUSE. Adding one is a row
 * in node.c and a file in view/.
 */
#ifndef DAEMON_VIEW_H
#define DAEMON_VIEW_H

#include "cache/container.h"
#include "cache/cpuview.h"
#include "cache/disktimes.h"
#include "cache/load.h"
#include "daemon/outbuf.h"
#include "nsutil/host.h"

/* Options that change what views show. */
struct policy {
	bool cfs;        /* --enable-cfs: CPU quotas limit the number of CPUs */
	bool no_swap;    /* --disable-swap */
	bool no_zswap;   /* --disable-zswap */
	bool no_loadavg; /* --disable-loadavg: the host's load average */
	bool intr;       /* --enable-intr: the per-interrupt counts in stat */
};

/* Who reads. */
struct subject {
	struct host *host;
	struct container *ct; /* NULL: the host itself, which sees the host's files */
	const struct policy *policy;
	uint64_t now_ns;             /* CLOCK_BOOTTIME when the request was taken up */
	pid_t caller;                /* thread id in our pid namespace; 0 when unknown */
	struct cpuview *cpuview;     /* history of CPU times; NULL: none is kept */
	struct disktimes *disktimes; /* times of disks shown last; likewise */
	const struct load_counts *load; /* NULL: not counted, show the host's */
};

/* What show() says of the text it wrote. */
enum {
	VIEW_DONE = 0, /* out holds the whole file */
	VIEW_HOST = 1, /* the reader gets the host's file; what is in out is dropped */
};

/* Writes the file to `out`. `arg` is the node table's argument. VIEW_DONE or VIEW_HOST.
 * Called only with subject->ct set. */
typedef int view_show(struct outbuf *out, const struct subject *subject, unsigned arg);

view_show view_meminfo, view_swaps, view_stat, view_uptime, view_cpuinfo, view_cpu_list;
view_show view_diskstats, view_slabinfo, view_loadavg;

/* Arguments of view_cpu_list: which list of CPUs. */
enum { CPU_ONLINE, CPU_PRESENT, CPU_POSSIBLE, CPU_OFFLINE };

/* A file of the host's cpu tree that is no row of the node table: `path` in the directory
 * of the CPU that the reader calls `cpu`, or, with -1, at the top. */
int view_cpu_file(
	struct outbuf *out, const struct subject *subject, int cpu, const char *path);
/* The host's number of that CPU. */
unsigned view_cpu_behind(const struct subject *subject, unsigned cpu);

#endif

/*
 * The host's own files, read through descriptors opened at startup so that a fixture tree
 * can stand in for the host, and so that what is mounted over /proc later does not
 * matter.
 */
#ifndef NSUTIL_HOST_H
#define NSUTIL_HOST_H

#include "nsutil/cpuset.h"
#include "nsutil/procfile.h"

/* Host files that views read again and again. Their descriptors stay open. */
enum host_file {
	HOST_MEMINFO,
	HOST_STAT,
	HOST_CPUINFO,
	HOST_UPTIME,
	HOST_LOADAVG,
	HOST_DISKSTATS,
	HOST_SWAPS,
	HOST_SLABINFO,
	HOST_CPU_ONLINE, /* /sys/devices/system/cpu/online */
	HOST_FILES,
};

struct host {
	int proc;   /* /proc */
	int syscpu; /* /sys/devices/system/cpu; -1 when there is none */
	long hz;    /* clock ticks per second of /proc (USER_HZ) */
	/* Nanoseconds that our own time namespace adds to CLOCK_BOOTTIME. */
	int64_t boot_offset;
	uint64_t epoch, since;
	struct {
		int fd;
		uint64_t epoch; /* of text; 0: never read */
		struct textbuf text;
	} file[HOST_FILES];
};

/* Opens the directories `proc` and `syscpu`, below descriptors as openat(2) has them,
 * which stay the caller's. 0 or -errno. A null host is all zero but for descriptors at
 * -1: call host_init first, then host_deinit is always safe. */
void host_init(struct host *host);
int host_open(struct host *host, int procdir, const char *proc, int sysdir,
	const char *syscpu);
void host_deinit(struct host *host);

/* From here on host_text reads anew. The loop says so before each batch of requests.
 * Epochs are counted; the number of this one is host->epoch. */
void host_new_epoch(struct host *host);
/* But for who has asked since an earlier epoch, what was read in that or later is new.
 * That holds until the next call of either. */
void host_since(struct host *host, uint64_t epoch);

/* The whole text of a host file, as it was at some moment of this epoch (see host_since).
 * It belongs to host and is valid until the next epoch. 0 or -errno. */
int host_text(struct host *host, enum host_file file, struct slice *text);

/* The length of that text; it is not kept, since slabinfo or cpuinfo can be large. 0 for
 * one that cannot be read. */
size_t host_length(struct host *host, enum host_file file);

/* The nanoseconds of the host's boot time, of which btime in HOST_STAT has the seconds.
 */
uint64_t host_boot_fraction(void);

/* The host's online CPUs; CPU 0 alone when the host does not say. */
void host_online(struct host *host, struct cpuset *set);

#endif

/*
 * The length of a file as stat(2) and lseek(2) tell it, in three cases.
 *
 * A file of sysfs shows a page, one of procfs nothing. But from Linux 6.5 on sendfile(2)
 * from a file of no size gives nothing without asking us, and busybox's cat believes it:
 * there a file has a size, and sendfile fails in work_read, so that programs fall back.
 *
 * A program that reads as much as stat told must get the whole text, and GNU tail, which
 * reads blocks of 8 kB backwards and stops at the second empty one, must find its end.
 * The kernel keeps one size of a file for all containers, and their texts differ. So a
 * size is one of these:
 *
 * 1. A page, for texts that never come near that length. The kernel keeps it for a day.
 * 2. FILESIZE_ALIKE, while the host's text is shorter than that by a page: tail finds the
 *    end of any text from there, and half a second's growth of the host still fits.
 * 3. More than the host's text, and kept by nobody. lseek, which names the open file, is
 *    told a size close to the end of what its caller would read.
 */
#ifndef DAEMON_FILESIZE_H
#define DAEMON_FILESIZE_H

#include "daemon/node.h"

enum { FILESIZE_PAGE = 4096, FILESIZE_ALIKE = 4 * FILESIZE_PAGE };

struct filesize {
	uint64_t bytes;
	uint64_t valid_ns; /* the kernel may keep it so long */
	bool own_end;      /* case 3 */
};

/* The size of a row of the node table, on a host of so many possible CPUs, at now_ns of
 * CLOCK_BOOTTIME. Reads the host's file at most twice a second. */
struct filesize filesize_of(
	struct host *host, const struct node *row, unsigned cpus, uint64_t now_ns);

/* Case 3: the size for a caller whose text has len bytes. More than that, and by no more
 * than 8 kB. */
uint64_t filesize_own(size_t len);

#endif

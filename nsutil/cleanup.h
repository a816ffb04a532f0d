/*
 * Ownership at declaration: a variable declared with one of these attributes gives back
 * what it holds when its scope ends, on every path. Publish by stealing from it last.
 */
#ifndef NSUTIL_CLEANUP_H
#define NSUTIL_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* close(2) that keeps errno; a negative descriptor is nothing. Returns -1, so that
 * `fd = fd_close(fd)` leaves the variable empty. */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		close(fd);
		errno = saved;
	}
	return -1;
}

/* Takes the descriptor out of *fd, which no longer owns it. */
static inline int fd_steal(int *fd)
{
	int out = *fd;
	*fd = -1;
	return out;
}

static inline void cleanup_fd(int *fd)
{
	fd_close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void *ptr_steal_(void *p)
{
	void *out = *(void **)p;
	*(void **)p = NULL;
	return out;
}

#define autofd __attribute__((cleanup(cleanup_fd))) int
#define autofree __attribute__((cleanup(cleanup_free)))
/* Takes the pointer out of `p`, which no longer owns it. */
#define ptr_steal(p) ((__typeof__(p))ptr_steal_(&(p)))

#endif

/*
 * System calls that are tried again where they fail for want of memory or descriptors, or
 * by a signal: mostly that is over at once, and a reader is not told that a file is not
 * there because of it.
 */
#ifndef NSUTIL_AGAIN_H
#define NSUTIL_AGAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Whether a -errno says nothing of the file: ENOMEM, EMFILE, ENFILE, EAGAIN or EINTR. */
bool again_wanted(int error);

/* openat(2). The descriptor, which the caller closes, or -errno. */
int again_open(int dirfd, const char *path, int flags);
/* fstatat(2). 0 or -errno. */
int again_stat(int dirfd, const char *path, struct stat *st, int flags);

/* The names in a directory. Allocates nothing. */
struct again_dir {
	int fd; /* owned */
	size_t at, len;
	_Alignas(8) char buf[2048];
};

/* 0 or -errno; again_dir_close in any case. */
int again_dir_open(struct again_dir *dir, int dirfd, const char *path);
void again_dir_close(struct again_dir *dir);
/* 1 with the next name, valid until the next call; 0 at the end; -errno. */
int again_dir_next(struct again_dir *dir, const char **name);

#endif

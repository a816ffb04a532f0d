/*
 * Text files that the kernel generates (procfs, cgroupfs, sysfs): read whole, then walked
 * line by line. Keys are matched exactly, never by prefix.
 */
#ifndef NSUTIL_PROCFILE_H
#define NSUTIL_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing buffer that holds one file's text, NUL-terminated. All zero is empty. It is
 * meant to be used again and again, so that a warm read allocates nothing. */
struct textbuf {
	char *data;
	size_t len, cap;
};

void textbuf_deinit(struct textbuf *buf);

/* Reads all of fd from offset 0. fd stays the caller's. 0 or -errno (ENODEV: the cgroup
 * behind a kept descriptor was removed). On error the buffer is empty. */
int procfile_pread(int fd, struct textbuf *buf);

/* The same with one read less, for a file that a single call writes in the kernel
 * (seq_file's single_open; of a cgroup's files all but tasks, cgroup.procs and
 * cgroup.threads): there a read that does not fill the buffer was the last. Of any other
 * file it gives a part. */
int procfile_pread_single(int fd, struct textbuf *buf);

/* Reads what a pipe holds, to its end. fd stays the caller's. 0 or -errno: -EAGAIN when
 * somebody can still write to it. */
int procfile_drain(int fd, struct textbuf *buf);

/* Opens path below dirfd, reads all of it, closes it. 0 or -errno. */
int procfile_read(int dirfd, const char *path, struct textbuf *buf);

/* A piece of text inside somebody else's buffer; not NUL-terminated. */
struct slice {
	const char *p;
	size_t len;
};

bool slice_is(struct slice s, const char *text);

/* Takes the next line, without its newline, from *cursor (NUL-terminated text). False at
 * the end. A last line without newline counts. */
bool procfile_line(const char **cursor, struct slice *line);

/* Takes the next word (blanks and tabs separate) from *line. False when none is left. */
bool slice_word(struct slice *line, struct slice *word);

/* Parses all of s as a decimal number. False if it is empty or has anything else in it;
 * a number too large for 64 bits saturates at UINT64_MAX. */
bool slice_u64(struct slice s, uint64_t *out);

/* Like slice_u64 for text that ends with a newline or NUL, as one-value files do. "max"
 * is UINT64_MAX; so is -1, which v1 files use for "no limit". 0 or -EINVAL. */
int procfile_value(const char *text, uint64_t *out);

/*
 * Reads "key value" lines into values[i] for the line whose key equals keys[i]. Entries
 * of keys may be NULL (no such key in this version). Returns a bit mask of the keys
 * found; values of keys not found are left alone. count is at most 64.
 */
uint64_t procfile_keyed(
	const char *text, const char *const *keys, unsigned count, uint64_t *values);

#endif

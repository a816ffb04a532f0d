/*
 * Everything goes through a descriptor of the procfs of our own pid namespace: `pid` is
 * always a number of that namespace.
 */
#include "nsutil/nsid.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char names[][8] = {[NS_PID] = "pid", [NS_CGROUP] = "cgroup"};

enum { PATH = 48 };

/* The number in "pid:[4026531836]" (fs/nsfs.c: ns_get_name). */
static bool link_ino(const char *text, size_t len, uint64_t *ino)
{
	const char *open = memchr(text, '[', len);

	return open && text[len - 1] == ']' &&
	       slice_u64((struct slice){open + 1, (size_t)(text + len - 1 - open - 1)},
		       ino);
}

/* Its text costs half of a stat of what it leads to, which makes an inode for a namespace
 * that nobody has open. */
int nsid_of(int procfd, pid_t tid, enum ns_kind kind, uint64_t *ino)
{
	char path[PATH], text[PATH];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/ns/%s", (int)tid, names[kind]);
	n = readlinkat(procfd, path, text, sizeof(text));
	if (n < 0)
		return -errno;
	return n && link_ino(text, (size_t)n, ino) ? 0 : -EINVAL;
}

int nsid_open(int procfd, pid_t tid, enum ns_kind kind)
{
	char path[PATH];
	int fd;

	snprintf(path, sizeof(path), "%d/ns/%s", (int)tid, names[kind]);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int nsid_open_as(int procfd, pid_t tid, enum ns_kind kind, uint64_t ino)
{
	autofd fd = nsid_open(procfd, tid, kind);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_ino == ino ? fd_steal(&fd) : -ESRCH;
}

uint64_t nsid_outermost(int nsfd, uint64_t ino, uint64_t own, uint64_t *parent)
{
	autofd held = -1;
	struct stat st;

	*parent = 0;
	if (ino == own)
		return 0;
	for (int depth = 0; depth < 33; depth++) { /* MAX_PID_NS_LEVEL and ours */
		nsfd = ioctl(nsfd, NS_GET_PARENT);
		fd_close(held);
		held = nsfd;
		if (nsfd < 0 || fstat(nsfd, &st) < 0)
			break;
		if (depth == 0)
			*parent = st.st_ino;
		if (st.st_ino == own)
			break;
		ino = st.st_ino;
	}
	return ino;
}

int nsid_of_proc(int procfd, pid_t tid, uint64_t *ino)
{
	char path[PATH];
	struct stat st;

	snprintf(path, sizeof(path), "%d", (int)tid);
	if (fstatat(procfd, path, &st, 0) < 0)
		return -errno;
	*ino = st.st_ino;
	return 0;
}

static int read_pid_file(int procfd, pid_t pid, const char *name, char *buf, size_t size)
{
	char path[PATH];
	autofd fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

int nsid_start_time(int procfd, pid_t pid, long hz, uint64_t *start_ns)
{
	char buf[1024];
	struct slice rest, word = {0};
	uint64_t ticks;
	const char *p;
	int r = read_pid_file(procfd, pid, "stat", buf, sizeof(buf));

	if (r < 0)
		return r;
	/* The command may hold blanks and parentheses: field 3 follows the last ')'. */
	p = strrchr(buf, ')');
	if (!p)
		return -EINVAL;
	rest = (struct slice){p + 1, strlen(p + 1)};
	for (int field = 3; field <= 22; field++)
		if (!slice_word(&rest, &word))
			return -EINVAL;
	if (!slice_u64(word, &ticks))
		return -EINVAL;
	*start_ns = ticks * (UINT64_C(1000000000) / (uint64_t)hz);
	return 0;
}

/* "SECONDS NANOSECONDS", the nanoseconds positive (show_offset() of
 * kernel/time/namespace.c, Linux 6.12), which refuses an offset of 146 years. */
static bool timens_offset(struct slice rest, int64_t *offset_ns)
{
	static const uint64_t second = 1000000000, seconds_max = 4611686018;
	struct slice word;
	uint64_t s, ns;
	bool negative;

	if (!slice_word(&rest, &word))
		return false;
	negative = *word.p == '-';
	word.p += negative;
	word.len -= negative;
	if (!slice_u64(word, &s) || s >= seconds_max || !slice_word(&rest, &word) ||
		!slice_u64(word, &ns) || ns >= second)
		return false;
	*offset_ns =
		(negative ? -(int64_t)(s * second) : (int64_t)(s * second)) + (int64_t)ns;
	return true;
}

int nsid_boot_offset(int procfd, pid_t pid, int64_t *offset_ns)
{
	char buf[256];
	const char *text = buf;
	struct slice line, word;
	int r = read_pid_file(procfd, pid, "timens_offsets", buf, sizeof(buf));

	if (r < 0)
		return r;
	while (procfile_line(&text, &line))
		if (slice_word(&line, &word) && slice_is(word, "boottime"))
			return timens_offset(line, offset_ns) ? 0 : -EINVAL;
	return -EINVAL;
}

/* The first word behind `key` in /proc/PID/status, or the last. buf holds it. */
static int status_word(int procfd, pid_t pid, const char *key, bool last, char *buf,
	size_t size, struct slice *out)
{
	const char *text = buf;
	struct slice line, word;
	int r = read_pid_file(procfd, pid, "status", buf, size);

	*out = (struct slice){0};
	while (r == 0 && procfile_line(&text, &line)) {
		if (!slice_word(&line, &word) || !slice_is(word, key))
			continue;
		while (slice_word(&line, &word)) {
			*out = word;
			if (!last)
				break;
		}
		break;
	}
	return r;
}

int nsid_is_init(int procfd, pid_t pid)
{
	char buf[4096];
	struct slice word;
	int r = status_word(procfd, pid, "NSpid:", true, buf, sizeof(buf), &word);

	return r < 0 ? r : slice_is(word, "1");
}

uint64_t nsid_cgns_around(int procfd, pid_t init, uint64_t parent)
{
	enum { ANCESTORS = 64 };
	uint64_t cgns = 0, ino;
	char buf[4096];
	struct slice word;

	for (int i = 0; i < ANCESTORS; i++) {
		if (status_word(procfd, init, "PPid:", false, buf, sizeof(buf), &word) <
				0 ||
			!word.len)
			break;
		init = (pid_t)strtol(word.p, NULL, 10);
		if (init <= 0 || nsid_of(procfd, init, NS_PID, &ino) < 0 ||
			ino != parent || nsid_of(procfd, init, NS_CGROUP, &cgns) < 0)
			break;
	}
	return cgns;
}

bool nsid_is_zombie(int procfd, pid_t tid)
{
	char buf[4096];
	struct slice word;

	return status_word(procfd, tid, "State:", false, buf, sizeof(buf), &word) == 0 &&
	       slice_is(word, "Z");
}

bool nsid_is_to_live(int procfd, pid_t tid)
{
	char buf[4096];
	struct slice word;

	return tid > 0 &&
	       status_word(procfd, tid, "SigPnd:", false, buf, sizeof(buf), &word) == 0 &&
	       word.len && !(strtoull(word.p, NULL, 16) >> (SIGKILL - 1) & 1);
}

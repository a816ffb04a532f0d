/*
 * The walk holds an open directory for each level, not a list of what it has yet to
 * visit: cgroups may be many, their depth is bounded. It allocates nothing, so that it
 * can also run in a forked child. A directory is read on from where its last subdirectory
 * was found.
 *
 * Of a task only /proc/TID/status is read: /proc/TID/stat sums up the whole thread group.
 * Of one in state D also where it sleeps.
 * The kernel's own count per cgroup, CGROUPSTATS over netlink, is not used: it knows v1
 * and one level only, and leaves killable sleepers out (kernel/cgroup/cgroup-v1.c,
 * Linux 6.12).
 */
#include "nsutil/taskwalk.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* State and NSpid come early; behind them is at most what nobody needs. */
enum { STATUS_SIZE = 4096 };

/* linux_dirent64 of getdents64(2): what readdir(3) would allocate a stream for. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

void taskwalk_init(struct taskwalk *walk)
{
	*walk = (struct taskwalk){.procfd = -1, .tasks = -1};
}

void taskwalk_start(
	struct taskwalk *walk, int procfd, int dirfd, const char *file, unsigned level)
{
	taskwalk_init(walk);
	walk->procfd = procfd;
	walk->file = file;
	walk->level = level;
	walk->dir[0] = dirfd;
	walk->depth = 1;
}

void taskwalk_end(struct taskwalk *walk)
{
	walk->tasks = fd_close(walk->tasks);
	while (walk->depth > 0)
		fd_close(walk->dir[--walk->depth]);
}

static ssize_t read_at(int dirfd, const char *path, char *buf, size_t size)
{
	autofd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

pid_t taskwalk_last_tid(int procfd)
{
	char buf[128];
	const char *p;
	uint64_t v;
	ssize_t n = read_at(procfd, "loadavg", buf, sizeof(buf));

	if (n <= 0)
		return 0;
	buf[strcspn(buf, "\n")] = '\0';
	p = strrchr(buf, ' ');
	if (!p || !slice_u64((struct slice){p + 1, strlen(p + 1)}, &v) || v > INT32_MAX)
		return 0;
	return (pid_t)v;
}

/* PID_MAX_LIMIT of include/linux/threads.h. A circle larger than the one in use keeps the
 * order: what is above `last` was given out in an earlier round. */
enum { PID_CIRCLE = 1 << 22 };

bool taskwalk_newer(pid_t a, pid_t b, pid_t last)
{
	unsigned age_a = ((unsigned)last - (unsigned)a) & (PID_CIRCLE - 1);
	unsigned age_b = ((unsigned)last - (unsigned)b) & (PID_CIRCLE - 1);

	return age_a < age_b;
}

static ssize_t read_task(int procfd, pid_t tid, const char *file, char *buf, size_t size)
{
	char path[32], digits[16];
	unsigned n = 0, at = 0;

	if (tid <= 0)
		return -ESRCH;
	for (; tid; tid /= 10)
		digits[n++] = (char)('0' + tid % 10);
	while (n)
		path[at++] = digits[--n];
	memcpy(path + at, file, strlen(file) + 1);
	return read_at(procfd, path, buf, size);
}

static ssize_t read_status(int procfd, pid_t tid, char *buf)
{
	return read_task(procfd, tid, "/status", buf, STATUS_SIZE);
}

/* The line of that key in a status file, without the key. */
static bool status_line(const char *text, const char *key, struct slice *line)
{
	struct slice word;

	while (procfile_line(&text, line))
		if (slice_word(line, &word) && slice_is(word, key))
			return true;
	return false;
}

static pid_t nspid_at(const char *status, unsigned level)
{
	struct slice line, word;
	uint64_t v;

	if (!status_line(status, "NSpid:", &line))
		return 0;
	for (unsigned i = 0; i <= level; i++)
		if (!slice_word(&line, &word))
			return 0;
	return slice_u64(word, &v) && v <= INT32_MAX ? (pid_t)v : 0;
}

pid_t taskwalk_pid_at(int procfd, pid_t tid, unsigned level)
{
	char buf[STATUS_SIZE];

	return read_status(procfd, tid, buf) < 0 ? 0 : nspid_at(buf, level);
}

int taskwalk_level(int procfd, pid_t pid)
{
	char buf[STATUS_SIZE];
	struct slice line, word;
	ssize_t n = read_status(procfd, pid, buf);
	int count = 0;

	if (n < 0)
		return (int)n;
	if (!status_line(buf, "NSpid:", &line))
		return -EINVAL;
	while (slice_word(&line, &word))
		count++;
	return count ? count - 1 : -EINVAL;
}

/*
 * Where tasks sleep that the freezer of v1 stopped: they are in state D, but are no load
 * (task_contributes_to_load() before Linux 6.1, TASK_FROZEN since). Most are woken up and
 * sleep again in __refrigerator(), so called since Linux 3.3. Since 6.1 those in a sleep
 * with TASK_FREEZABLE, and stopped ones, stay where they are: in these functions hardly
 * anybody else is in state D. What waits for a vfork child or NFS is in that state before
 * it is frozen, too, and counts. v2 freezes in state S.
 */
static const char frozen_in[] = "__refrigerator\0"
				"hrtimer_nanosleep\0"
				"futex_wait_queue\0"
				"futex_do_wait\0" /* Linux 6.16 */
				"unix_stream_read_generic\0"
				"do_sigtimedwait\0"
				"do_wait\0" /* seen in 6.1 and 6.12, not in 6.18 */
				"do_signal_stop\0"
				"ptrace_stop\0";

/* False where the kernel does not say: wchan is "0", or there is none. */
static bool is_frozen(int procfd, pid_t tid)
{
	char name[64];

	if (read_task(procfd, tid, "/wchan", name, sizeof(name)) < 0)
		return false;
	/* Compilers append ".isra.0" and the like. */
	name[strcspn(name, ".")] = '\0';
	for (const char *p = frozen_in; *p; p += strlen(p) + 1)
		if (!strcmp(name, p))
			return true;
	return false;
}

static void count_task(struct taskwalk *walk, pid_t tid)
{
	struct taskwalk_counts *counts = &walk->counts;
	char buf[STATUS_SIZE];
	struct slice line, state;
	pid_t pid;

	/* "State:	R (running)" */
	if (read_status(walk->procfd, tid, buf) < 0 ||
		!status_line(buf, "State:", &line) || !slice_word(&line, &state))
		return;
	counts->total++;
	counts->running += slice_is(state, "R");
	counts->blocked += slice_is(state, "D") && !is_frozen(walk->procfd, tid);
	if (counts->newest_tid &&
		!taskwalk_newer(tid, counts->newest_tid, walk->last_tid))
		return;
	pid = nspid_at(buf, walk->level);
	if (pid) {
		counts->newest_tid = tid;
		counts->newest_pid = pid;
	}
}

/* The next number of the chunk, which may go on in the next one. */
static bool next_tid(struct taskwalk *walk, pid_t *tid)
{
	while (walk->at < walk->len) {
		unsigned digit = (unsigned)(walk->chunk[walk->at++] - '0');

		if (digit <= 9 && walk->tid < PID_CIRCLE) {
			walk->tid = walk->tid * 10 + (pid_t)digit;
		} else if (walk->tid) {
			*tid = walk->tid;
			walk->tid = 0;
			return true;
		}
	}
	return false;
}

static void leave_list(struct taskwalk *walk)
{
	walk->tasks = fd_close(walk->tasks);
	walk->tid = 0;
	walk->at = walk->len = 0;
}

/* One task, or the next part of the list. */
static void step_list(struct taskwalk *walk)
{
	ssize_t n;
	pid_t tid;

	if (next_tid(walk, &tid)) {
		count_task(walk, tid);
		if (walk->counts.total >= TASKWALK_TASKS)
			leave_list(walk);
		return;
	}
	do
		n = read(walk->tasks, walk->chunk, sizeof(walk->chunk));
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		leave_list(walk);
		return;
	}
	walk->at = 0;
	walk->len = (unsigned)n;
	/* Nobody in the list is newer than this. */
	walk->last_tid = taskwalk_last_tid(walk->procfd);
}

/* Begins with the list of the directory on top. */
static void step_enter(struct taskwalk *walk)
{
	int top = walk->dir[walk->depth - 1];

	walk->entered = true;
	walk->counts.cgroups++;
	if (walk->counts.total < TASKWALK_TASKS)
		walk->tasks = openat(top, walk->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static void leave_dir(struct taskwalk *walk)
{
	fd_close(walk->dir[--walk->depth]);
}

/* The first subdirectory in a part of the directory on top, and where to read on. */
static const struct entry *find_subdir(const char *part, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct entry *e = (const struct entry *)(const void *)(part + at);

		if (e->type == DT_DIR && strcmp(e->name, ".") && strcmp(e->name, ".."))
			return e;
		at += e->reclen;
	}
	return NULL;
}

/* The next subdirectory of the directory on top becomes the top, or there is none and the
 * top is left. The number of links says whether reading it is worth while: kernfs counts
 * the directories. */
static void step_dir(struct taskwalk *walk)
{
	int top = walk->dir[walk->depth - 1], sub;
	const struct entry *e;
	struct stat st;
	long n;

	if (walk->depth == TASKWALK_DEPTH || walk->counts.cgroups >= TASKWALK_CGROUPS ||
		fstat(top, &st) < 0 || st.st_nlink == 2) {
		leave_dir(walk);
		return;
	}
	n = syscall(SYS_getdents64, top, walk->chunk, sizeof(walk->chunk));
	if (n <= 0) {
		leave_dir(walk);
		return;
	}
	e = find_subdir(walk->chunk, (size_t)n);
	if (!e)
		return;
	if (lseek(top, e->off, SEEK_SET) < 0) {
		leave_dir(walk);
		return;
	}
	sub = openat(top, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return;
	walk->dir[walk->depth++] = sub;
	walk->entered = false;
}

int taskwalk_step(struct taskwalk *walk)
{
	if (walk->tasks >= 0)
		step_list(walk);
	else if (walk->depth && !walk->entered)
		step_enter(walk);
	else if (walk->depth)
		step_dir(walk);
	return walk->depth ? TASKWALK_MORE : TASKWALK_DONE;
}

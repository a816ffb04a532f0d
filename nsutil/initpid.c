/*
 * The child enters the namespace, gives up all its capabilities and all its descriptors
 * but one, and makes a grandchild, which is born without them inside the namespace. That
 * one makes pid 1 the owner of the descriptor (F_SETOWN), which asks for no privilege;
 * we, who have the same open file, ask who its owner is (F_GETOWN), and the kernel says
 * it in our numbers.
 *
 * For that moment a container can see the grandchild: it can signal it, as any root can,
 * and trace it if it has CAP_SYS_PTRACE in the user namespace of our memory. No container
 * in a user namespace of its own has that (we are not dumpable). Where the namespace, or
 * one around it, belongs to our own user namespace somebody may have it. There a process
 * in between, which no container sees, unmaps all but the program's own text and a stack
 * first: what was read for other containers, and the memory that all workers share, is
 * nowhere in the grandchild.
 */
#include "nsutil/initpid.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Pid in our namespace of pid `arg` in that one (Linux 6.11). */
#ifndef NS_GET_PID_FROM_PIDNS
#define NS_GET_PID_FROM_PIDNS _IOR(0xb7, 0x6, int)
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* asm-generic/unistd.h, Linux 5.9 */
#endif

pid_t initpid_ioctl(int nsfd)
{
	int pid = ioctl(nsfd, NS_GET_PID_FROM_PIDNS, 1);

	if (pid < 0)
		return -errno;
	return pid ? pid : -ESRCH;
}

RAW_CHILD static int grandchild(const void *arg)
{
	const struct helper_job *job = arg;

	/* Its parent has no number here: getppid would say 0, dead or not. A parent that
	 * died just now has closed nothing that this one needs, and it ends at once
	 * anyway. */
	raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return raw_call(SYS_fcntl, job->in, F_SETOWN, 1, 0, 0) < 0;
}

RAW_CHILD static long number(const char *text)
{
	long n = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (*text - '0');
	return n;
}

/* Before Linux 5.9: what /proc says there is. The kernel walks that directory by number,
 * so closing meanwhile skips nothing. */
RAW_CHILD static void close_listed(int procfd, int but)
{
	struct dirent64_head {
		uint64_t ino, off;
		uint16_t len;
		uint8_t type;
		char name[];
	} __attribute__((packed));
	_Alignas(8) char buf[1024];
	long dir = raw_call(
		SYS_openat, procfd, (long)"self/fd", O_RDONLY | O_DIRECTORY, 0, 0);
	long n;

	if (dir < 0)
		return;
	while ((n = raw_call(SYS_getdents64, dir, (long)buf, sizeof(buf), 0, 0)) > 0)
		for (long at = 0; at < n;) {
			struct dirent64_head *d =
				(struct dirent64_head *)(void *)(buf + at);
			long fd = number(d->name);

			at += d->len;
			if (fd >= 0 && fd != but && fd != dir)
				raw_call(SYS_close, fd, 0, 0, 0, 0);
		}
	raw_call(SYS_close, dir, 0, 0, 0, 0);
}

RAW_CHILD static void close_all(int procfd, int but)
{
	if (raw_call(SYS_close_range, but + 1, ~0U, 0, 0, 0) < 0)
		close_listed(procfd, but);
	else if (but > 0)
		raw_call(SYS_close_range, 0, but - 1, 0, 0, 0);
}

RAW_CHILD static bool drop_all(void)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];

	header.version = _LINUX_CAPABILITY_VERSION_3;
	header.pid = 0;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = data[i].inheritable = 0;
	return raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       raw_call(SYS_capset, (long)&header, (long)data, 0, 0, 0) == 0;
}

/* Waits for a child to end, and ends it when it does not, as one that a container has
 * stopped: it is reaped here, or it would be left to somebody else. */
RAW_CHILD static void reap(long pid, long patience_ms)
{
	struct {
		long sec, nsec;
	} patience;
	unsigned long child[128 / 8 / sizeof(long)]; /* MIPS has 128 signals */
	long r;

	patience.sec = patience_ms / 1000;
	patience.nsec = patience_ms % 1000 * 1000000L;
	for (unsigned i = 0; i < sizeof(child) / sizeof(child[0]); i++)
		child[i] = 0;
	child[0] = 1UL << (SIGCHLD - 1);
	/* SIGCHLD is blocked: it waits until it is asked for. */
	raw_call(SYS_rt_sigtimedwait, (long)child, 0, (long)&patience, _NSIG / 8, 0);
	if (raw_call(SYS_wait4, pid, 0, WNOHANG, 0, 0) != 0)
		return;
	raw_call(SYS_kill, pid, SIGKILL, 0, 0, 0);
	do
		r = raw_call(SYS_wait4, pid, 0, 0, 0, 0);
	while (r == -EINTR);
}

/* Asks in the namespace: with flags of clone(2) for the grandchild, and the upper end of
 * its stack. */
RAW_CHILD static int ask(const struct helper_job *job, unsigned long flags, char *stack)
{
	long pid;

	if (raw_call(SYS_setns, job->nsfd, CLONE_NEWPID, 0, 0, 0) < 0)
		return 2;
	close_all(job->procfd, job->in);
	if (!drop_all())
		return 3;
	pid = raw_clone(flags | SIGCHLD, stack, grandchild, job);
	if (pid < 0)
		return 4;
	reap(pid, INITPID_PATIENCE_MS);
	return 0;
}

#ifdef RAW_SHARED
/* The program's code and constants; set before it is needed. */
static uintptr_t image_start, image_end;

/* The first one is the program itself. Segments are in the order of their addresses. */
static int note_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		image_end = info->dlpi_addr + p->p_vaddr;
		if (p->p_flags & PF_W)
			break;
		if (!image_start)
			image_start = image_end;
	}
	return 1;
}

static void find_image(struct helper_job *job)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	if (!image_start)
		dl_iterate_phdr(note_image, NULL);
	image_start -= image_start % page;
	image_end -= image_end % page;
	job->code = image_start;
	job->code_end = image_end;
}

/* What is mapped now, but for the program's code; the kernel's own pages ([vvar],
 * [vdso]), which cost nothing, and which could not be had back; and what lies behind a
 * guard: the stack of a helper that may be about to make a child on it. */
static void advise_all(int procfd, int advice)
{
	struct textbuf maps = {0};
	uintptr_t guard_end = 0;
	struct helper_job job;
	const char *text;
	struct slice line;

	find_image(&job);
	if (procfile_read(procfd, "self/maps", &maps) < 0)
		return;
	for (text = maps.data; procfile_line(&text, &line);) {
		/* "FROM-TO rw-p ...", or with an s: shared */
		const char *name = memchr(line.p, '[', line.len);
		char *end;
		uintptr_t from = strtoul(line.p, &end, 16),
			  to = strtoul(end + 1, &end, 16);

		if ((name && name[1] == 'v') || from == guard_end ||
			(advice == MADV_DOFORK && end[4] == 's'))
			continue;
		if (from >= job.code_end || to <= job.code)
			madvise((void *)from, to - from, advice);
		guard_end = end[1] == '-' ? to : 0;
	}
	textbuf_deinit(&maps);
}

static bool forks_alone;

void initpid_forks_alone(int procfd)
{
	if (!forks_alone)
		advise_all(procfd, MADV_DONTFORK);
	forks_alone = true;
}

pid_t initpid_fork(int procfd)
{
	pid_t pid;

	if (forks_alone)
		advise_all(procfd, MADV_DOFORK);
	pid = fork();
	if (forks_alone && pid)
		advise_all(procfd, MADV_DONTFORK);
	return pid;
}

/* munmap(2) refuses a range that ends above what a process can have, and where that is
 * differs: so as much as can be, to the page. */
RAW_CHILD static void unmap_from(uintptr_t start)
{
	uintptr_t size = 0;

	for (uintptr_t more = UINTPTR_MAX / 2 + 1; more >= 4096; more /= 2)
		if (raw_call(SYS_munmap, start, size + more, 0, 0, 0) == 0)
			size += more;
}

/* All but the program and the stacks. No libc is left then, nor any data. */
RAW_CHILD static bool strip(const struct helper_job *job)
{
	uintptr_t low = job->code, low_end = job->code_end;
	uintptr_t high = (uintptr_t)job->stacks_low;
	uintptr_t high_end = (uintptr_t)job->stacks_high;

	if (high < low) {
		uintptr_t start = high, end = high_end;

		high = low, high_end = low_end;
		low = start, low_end = end;
	}
	if (raw_call(SYS_munmap, 0, low, 0, 0, 0) < 0 ||
		raw_call(SYS_munmap, low_end, high - low_end, 0, 0, 0) < 0)
		return false;
	unmap_from(high_end);
	return true;
}
#else
/* What makes system calls there is libc, which has to stay. */
void initpid_forks_alone(int procfd)
{
	(void)procfd;
}
pid_t initpid_fork(int procfd)
{
	(void)procfd;
	return fork();
}
static void find_image(struct helper_job *job)
{
	(void)job;
}
static bool strip(const struct helper_job *job)
{
	(void)job;
	return true;
}
#endif

/* In a copy of our memory, and not in the namespace yet. */
RAW_CHILD static int alone(const void *arg)
{
	const struct helper_job *job = arg;

	raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return strip(job) ? ask(job, 0, job->stack - HELPER_STACK) : 5;
}

RAW_CHILD static int child(const void *arg)
{
	const struct helper_job *job = arg;
	long pid;

	if (!helper_follow(job))
		return 1;
	if (!job->apart)
		return ask(job, CLONE_VM, job->stack);
	pid = raw_clone(SIGCHLD, job->stack, alone, job);
	if (pid < 0)
		return 4;
	/* It ends what it waits for, before it is ended itself. */
	reap(pid, INITPID_PATIENCE_MS + 100);
	return 0;
}

/* 1, 0, or -1 when it cannot be told. */
static int same_ns(int fd, int procfd, const char *own_path)
{
	struct stat own, theirs;

	if (fd < 0 || fstat(fd, &theirs) < 0 || fstatat(procfd, own_path, &own, 0) < 0)
		return -1;
	return own.st_ino == theirs.st_ino;
}

/* Whether all that can see a process in the namespace is in user namespaces of its own:
 * the namespaces around it, up to ours, see it too. */
static bool harmless(int procfd, int nsfd)
{
	autofd held = -1;

	for (int depth = 0; depth < 32; depth++) { /* MAX_PID_NS_LEVEL */
		autofd owner = ioctl(nsfd, NS_GET_USERNS);
		int parent, top;

		if (same_ns(owner, procfd, "self/ns/user") != 0)
			return false;
		parent = ioctl(nsfd, NS_GET_PARENT);
		fd_close(held);
		nsfd = held = parent;
		top = same_ns(parent, procfd, "self/ns/pid");
		if (top)
			return top > 0;
	}
	return false;
}

int initpid_start(struct helper *helper, int procfd, int nsfd)
{
	struct helper_job job = {
		.procfd = procfd, .nsfd = nsfd, .apart = !harmless(procfd, nsfd)};

	if (job.apart)
		find_image(&job);
	return helper_start(helper, child, &job);
}

pid_t initpid_answer(const struct helper *helper)
{
	int pid = fcntl(helper->in, F_GETOWN);

	return pid > 0 ? pid : -ESRCH;
}

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
 * one around it, belongs to our own user namespace somebody may have it: there the
 * grandchild has a copy of our memory, which holds no secret, and not the memory itself.
 */
#include "nsutil/initpid.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* include/uapi/linux/nsfs.h: pid in our namespace of pid `arg` in that one (Linux 6.11),
 * the user namespace that owns a namespace, and the namespace around it (Linux 4.9). */
#ifndef NS_GET_PID_FROM_PIDNS
#define NS_GET_PID_FROM_PIDNS _IOR(0xb7, 0x6, int)
#endif
#ifndef NS_GET_USERNS
#define NS_GET_USERNS _IO(0xb7, 0x1)
#define NS_GET_PARENT _IO(0xb7, 0x2)
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

/* Waits for the grandchild to end, and ends it when a container has stopped it: it is
 * reaped here, or it would be left to the container's init. */
RAW_CHILD static void reap(long pid)
{
	struct {
		long sec, nsec;
	} patience;
	unsigned long child[128 / 8 / sizeof(long)]; /* MIPS has 128 signals */
	long r;

	patience.sec = INITPID_PATIENCE_MS / 1000;
	patience.nsec = INITPID_PATIENCE_MS % 1000 * 1000000L;
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

RAW_CHILD static int child(const void *arg)
{
	const struct helper_job *job = arg;
	long pid;

	if (!helper_follow(job))
		return 1;
	if (raw_call(SYS_setns, job->nsfd, CLONE_NEWPID, 0, 0, 0) < 0)
		return 2;
	close_all(job->procfd, job->in);
	if (!drop_all())
		return 3;
	pid = raw_clone(
		SIGCHLD | (job->apart ? 0 : CLONE_VM), job->stack, grandchild, job);
	if (pid < 0)
		return 4;
	reap(pid);
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

	return helper_start(helper, child, &job);
}

pid_t initpid_answer(const struct helper *helper)
{
	int pid = fcntl(helper->in, F_GETOWN);

	return pid > 0 ? pid : -ESRCH;
}

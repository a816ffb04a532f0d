/*
 * Processes in namespaces of their own, for unit tests. All of it needs root.
 */
#ifndef T_UNIT_NAMESPACE_H
#define T_UNIT_NAMESPACE_H

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether clone(2) makes a pid namespace, with more flags besides. A container refuses it
 * for want of CAP_SYS_ADMIN, a chroot refuses user namespaces. */
static inline bool ns_allowed(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD | flags, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid > 0;
}

/* The init of a new pid namespace, which sleeps; more flags of clone(2) besides. */
static inline pid_t ns_init(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD | flags, 0, 0, 0, 0);

	if (pid < 0)
		err(1, "clone");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* The init of a pid namespace in one: its number here, which the kernel says by way of a
 * pipe's owner. *outer is the init around it, with which both end. */
static inline pid_t ns_nested(pid_t *outer)
{
	pid_t inner = 0;
	int pair[2];

	if (pipe(pair) < 0)
		err(1, "pipe");
	*outer = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (*outer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(pair[0], F_SETOWN, ns_init(0));
		if (write(pair[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(pair[0], &(char){0}, 1) == 1)
		inner = fcntl(pair[0], F_GETOWN);
	close(pair[0]);
	close(pair[1]);
	return inner;
}

/* Another process of that one's pid namespace. The caller's next children are its own
 * again. */
static inline pid_t ns_member(pid_t init)
{
	char path[64];
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), theirs;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)init);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0 || setns(theirs, CLONE_NEWPID) < 0)
		err(1, "%s", path);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0 || setns(own, CLONE_NEWPID) < 0)
		err(1, "clone");
	close(own);
	close(theirs);
	return pid;
}

static inline void ns_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline int ns_proc(void)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err(1, "/proc");
	return fd;
}

#endif

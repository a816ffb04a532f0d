/*
 * Parent and child are two processes on one memory: the child runs on a stack of its own
 * and no signal handler runs in it (all are blocked before it is made), so nothing that
 * it does is seen by us but through the pipe. Its table of descriptors is a copy.
 */
#include "nsutil/helper.h"

#include "nsutil/cleanup.h"
#include "nsutil/pidfd.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* From below: a page that faults, stacks for two more, the child's, the job. */
enum {
	GUARD = 64 << 10, /* the largest page there is for this */
	MORE = 2 * HELPER_STACK,
	CHILD = 24 << 10,
	STACKS = (GUARD + MORE + CHILD + GUARD - 1) / GUARD * GUARD,
};

static int stack_new(void **out)
{
	char *p = mmap(NULL, STACKS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	if (mprotect(p + GUARD, STACKS - GUARD, PROT_READ | PROT_WRITE) < 0) {
		int r = -errno;
		munmap(p, STACKS);
		return r;
	}
	*out = p;
	return 0;
}

static int hidden = -1;

void helper_hide(int fd)
{
	hidden = fd;
}

/* The child has to inherit a mask that lets no signal through. */
static pid_t spawn(char *top, raw_main *call, const struct helper_job *job)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = (pid_t)raw_clone(CLONE_VM | SIGCHLD, top, call, job);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

int helper_start(struct helper *helper, raw_main *call, const struct helper_job *job)
{
	struct helper_job *copy;
	int pair[2], r;
	char *top;

	*helper = HELPER_NULL;
	r = stack_new(&helper->stack);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		helper_deinit(helper);
		return r;
	}
	top = (char *)helper->stack + STACKS - (sizeof(*copy) + 15) / 16 * 16;
	copy = (struct helper_job *)(void *)top;
	*copy = *job;
	copy->in = helper->in = pair[0];
	copy->out = pair[1];
	copy->hidden = hidden;
	copy->parent = getpid();
	copy->stack = (char *)helper->stack + GUARD + MORE;
	copy->stacks_low = (char *)helper->stack + GUARD;
	copy->stacks_high = (char *)helper->stack + STACKS;
	helper->pid = spawn(top, call, copy);
	close(pair[1]);
	if (helper->pid < 0) {
		r = helper->pid;
		helper_deinit(helper);
		return r;
	}
	helper->pidfd = pidfd_get(helper->pid);
	return 0;
}

bool helper_ended(struct helper *helper)
{
	int status;
	pid_t r;

	if (!helper->pid)
		return true;
	do
		r = waitpid(helper->pid, &status, WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return false;
	helper->pid = 0;
	helper->status = r > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return true;
}

void helper_kill(struct helper *helper)
{
	/* Not reaped yet, so the number is still its own. */
	if (helper->pid > 0)
		kill(helper->pid, SIGKILL);
}

void helper_deinit(struct helper *helper)
{
	fd_close(helper->pidfd);
	fd_close(helper->in);
	if (helper->stack)
		munmap(helper->stack, STACKS);
	*helper = HELPER_NULL;
}

void helper_leave(struct helper *helper)
{
	helper_kill(helper);
	if (!helper_ended(helper))
		helper->stack = NULL;
	helper_deinit(helper);
}

/* Whoever makes it work must not slow down those that need no helper: several of them can
 * run at once, and the one process that answers gets its time before them. */
enum { NICE = 5 };

RAW_CHILD bool helper_follow(const struct helper_job *job)
{
	raw_call(SYS_setpriority, PRIO_PROCESS, 0, NICE, 0, 0);
	raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (job->hidden >= 0)
		raw_call(SYS_close, job->hidden, 0, 0, 0, 0);
	return raw_call(SYS_getppid, 0, 0, 0, 0, 0) == job->parent;
}

RAW_CHILD int helper_copy_file(const struct helper_job *job)
{
	char buf[4096];
	long fd, n;

	/* Our end is of no use here, and it may be that no other descriptor is free. */
	raw_call(SYS_close, job->in, 0, 0, 0, 0);
	fd = n = raw_call(
		SYS_openat, job->procfd, (long)job->path, O_RDONLY | O_CLOEXEC, 0, 0);

	while (n >= 0) {
		long wrote;

		n = raw_call(SYS_read, fd, (long)buf, sizeof(buf), 0, 0);
		if (n == 0)
			break;
		wrote = n > 0 ? raw_call(SYS_write, job->out, (long)buf, n, 0, 0) : 0;
		if (n > 0 && wrote != n)
			n = wrote < 0 ? wrote : -EFBIG;
	}
	if (fd >= 0)
		raw_call(SYS_close, fd, 0, 0, 0, 0);
	if (n < 0)
		return (int)n;
	buf[0] = '\0';
	n = raw_call(SYS_write, job->out, (long)buf, 1, 0, 0);
	return n < 0 ? (int)n : 0;
}

RAW_CHILD bool helper_path_up(char *path)
{
	char *last = NULL, *before = NULL;

	for (char *p = path; *p; p++) {
		if (*p != '/')
			continue;
		before = last;
		last = p;
	}
	if (!before)
		return false;
	while ((*before++ = *last++))
		;
	return true;
}

RAW_CHILD int helper_copy_nearest(const struct helper_job *job)
{
	int r;

	/* The job is the child's own copy. */
	do
		r = helper_copy_file(job);
	while (r == -ENOENT && helper_path_up((char *)(uintptr_t)job->path));
	return r;
}

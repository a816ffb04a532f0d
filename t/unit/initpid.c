/*
 * nsutil/initpid and nsutil/helper: both ways say the same, and the one with a helper
 * leaves nothing behind in the process that shared its memory.
 */
#include "nsutil/initpid.h"

#include "nsutil/cgns.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"
#include "t/unit/namespace.h"
#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static int proc;

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static bool end(struct helper *helper)
{
	for (int i = 0; i < 5000; i++) {
		if (helper_ended(helper))
			return true;
		nap();
	}
	return false;
}

static pid_t forked(int nsfd)
{
	struct helper helper;
	pid_t pid = initpid_start(&helper, proc, nsfd);

	if (pid < 0)
		return pid;
	pid = end(&helper) ? initpid_answer(&helper) : -ETIME;
	helper_deinit(&helper);
	return pid;
}

static int count(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int lines(const char *path)
{
	FILE *f = fopen(path, "re");
	int c, n = 0;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static void test_answers(void)
{
	pid_t init = ns_init(0), by_ioctl;
	int nsfd = nsid_open(proc, init, NS_PID);

	by_ioctl = initpid_ioctl(nsfd);
	ok(by_ioctl == init || by_ioctl == -ENOTTY || by_ioctl == -EINVAL,
		"by ioctl, where there is one");
	is_int(forked(nsfd), init, "by a helper");
	ns_end(init);
	is_int(forked(nsfd), -ESRCH, "of a namespace that has ended");
	close(nsfd);
	is_int(forked(proc), -ESRCH, "of what is no namespace");
}

static void test_user_namespace(void)
{
	pid_t init;
	int nsfd;

	if (!ns_allowed(CLONE_NEWUSER)) {
		tap_skip(1, "user namespaces are refused here");
		return;
	}
	init = ns_init(CLONE_NEWUSER);
	nsfd = nsid_open(proc, init, NS_PID);
	is_int(forked(nsfd), init, "in another user namespace");
	close(nsfd);
	ns_end(init);
}

static void test_nested(void)
{
	pid_t outer, inner = ns_nested(&outer);
	int nsfd = nsid_open(proc, inner, NS_PID);

	is_int(forked(nsfd), inner, "a namespace in a namespace");
	close(nsfd);
	ns_end(outer);
}

static void test_leaves_nothing(void)
{
	pid_t init = ns_init(0);
	int nsfd = nsid_open(proc, init, NS_PID), fds, maps, wrong = 0;
	sigset_t before = {0}, after = {0};

	forked(nsfd);
	fds = count("/proc/self/fd");
	maps = lines("/proc/self/maps");
	sigprocmask(SIG_SETMASK, NULL, &before);
	for (int i = 0; i < 300; i++)
		wrong += forked(nsfd) != init;
	is_int(wrong, 0, "300 times");
	is_int(count("/proc/self/fd"), fds, "no descriptor is left");
	is_int(lines("/proc/self/maps"), maps, "no stack is left");
	sigprocmask(SIG_SETMASK, NULL, &after);
	ok(!memcmp(&before, &after, sizeof(before)), "the signal mask is as before");
	close(nsfd);
	ns_end(init);
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no child is left");
}

/* Failing system calls of the child, all the time, while errno is ours. */
static void test_errno(void)
{
	pid_t init = ns_init(0);
	int nsfd = nsid_open(proc, init, NS_PID), wrong = 0;

	for (int i = 0; i < 100; i++) {
		struct helper helper;

		if (initpid_start(&helper, proc, i % 2 ? nsfd : proc) < 0)
			continue;
		errno = EXDEV;
		for (int k = 0; k < 2000; k++)
			wrong += *(volatile int *)&errno != EXDEV;
		end(&helper);
		helper_deinit(&helper);
	}
	is_int(wrong, 0, "errno is not touched by a child");
	close(nsfd);
	ns_end(init);
}

static void test_kill(void)
{
	pid_t init = ns_init(0);
	int nsfd = nsid_open(proc, init, NS_PID);
	struct helper helper;

	ok(initpid_start(&helper, proc, nsfd) == 0, "started");
	helper_kill(&helper);
	ok(end(&helper), "killed in between");
	if (helper.pidfd >= 0)
		ok(poll(&(struct pollfd){.fd = helper.pidfd, .events = POLLIN}, 1, 0) ==
				1,
			"its pidfd says so");
	helper_deinit(&helper);
	helper_deinit(&helper);
	ok(helper.in == -1 && helper.pidfd == -1, "given back, twice");
	close(nsfd);
	ns_end(init);
}

/* A namespace whose init has stopped is no hindrance. */
static void test_stopped(void)
{
	pid_t init = ns_init(0);
	int nsfd = nsid_open(proc, init, NS_PID);

	kill(init, SIGSTOP);
	is_int(forked(nsfd), init, "of a stopped init");
	close(nsfd);
	ns_end(init);
}

static void test_cgroup(void)
{
	pid_t init = ns_init(CLONE_NEWCGROUP);
	struct cgns cgns;
	struct cgtexts here, there;
	char outer[8192], inner[8192];
	int nsfd = nsid_open(proc, init, NS_CGROUP);
	struct helper helper;
	uint64_t after = 0;

	ok(cgns_init(&cgns, proc) == 0, "cgns_init");
	is_int(cgns_read(&cgns, init, nsfd, &here), 0, "read in place");
	snprintf(outer, sizeof(outer), "%s", here.outer);
	snprintf(inner, sizeof(inner), "%s", here.inner);
	ok(strlen(outer) >= strlen(inner) && strchr(inner, ':'),
		"its paths get no longer inside");
	nsid_of(proc, getpid(), NS_CGROUP, &after);
	is_u64(after, cgns.own_ino, "back in our own");
	ok(cgns_start(&cgns, &helper, init, nsfd) == 0 && end(&helper), "a helper");
	is_int(cgns_answer(&cgns, &helper, true, &there), 0, "that answers");
	ok(!strcmp(there.outer, outer) && !strcmp(there.inner, inner), "the same");
	helper_deinit(&helper);
	ok(cgns_start(&cgns, &helper, init, -1) == 0 && end(&helper),
		"without a namespace");
	is_int(cgns_answer(&cgns, &helper, false, &there), 0, "it answers");
	ok(!strcmp(there.outer, outer) && !there.inner, "what we see ourselves");
	helper_deinit(&helper);
	ns_end(init);
	ok(cgns_start(&cgns, &helper, init, nsfd) == 0 && end(&helper),
		"of a dead process");
	is_int(cgns_answer(&cgns, &helper, true, &there), -ESRCH, "nothing");
	helper_deinit(&helper);
	ok(cgns_read(&cgns, init, nsfd, &here) < 0, "nothing in place");
	close(nsfd);
	cgns_deinit(&cgns);
}

enum { LACKS = 1, HAS_SHARED = 2, DIES = 3, GOOD = 7 };

/* As a helper that counts tasks does: it goes on with all that we have. */
static int use_memory(char *heap, char *shared)
{
	unsigned char there;
	char *more = malloc(100000);
	struct timespec ts;

	/* By the kernel's own pages. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (!more || strcmp(heap, "heap"))
		return LACKS;
	memset(more, 1, 100000);
	return mincore(shared, 1, &there) < 0 && errno == ENOMEM ? GOOD : HAS_SHARED;
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
								    : DIES;
}

/* In a process that has said so, which here only a child may. */
static int fork_after_alone(void)
{
	char *heap = strdup("heap");
	char *shared = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int first;
	pid_t pid;

	madvise(shared, 4096, MADV_DONTFORK);
	initpid_forks_alone(proc);
	for (int i = 0; i < 2; i++) {
		pid = initpid_fork(proc);
		if (pid == 0)
			_exit(use_memory(heap, shared));
		first = status_of(pid);
		if (first != GOOD)
			return first;
	}
	return GOOD;
}

static void test_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fork_after_alone());
	is_int(status_of(pid), GOOD,
		"a child that is to go on has our memory, and not what all share");
}

int main(void)
{
	if (geteuid())
		return tap_skip_all("needs root");
	if (!ns_allowed(CLONE_NEWCGROUP))
		return tap_skip_all("namespaces are refused here");
	proc = ns_proc();
	prctl(PR_SET_DUMPABLE, 0);
	test_answers();
	test_user_namespace();
	test_nested();
	test_leaves_nothing();
	test_errno();
	test_kill();
	test_stopped();
	test_cgroup();
	test_fork();
	return tap_done();
}

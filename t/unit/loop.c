/*
 * daemon/loop: a loop that goes on when epoll refuses descriptors. A seccomp filter
 * refuses them, as the kernel does when all watches of the user are taken.
 */
#include "daemon/loop.h"

#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop *loop;
static char heard[16]; /* what has called back, in this order */
static unsigned n;

static void refuse(long call, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		abort();
}

static void hear(char what)
{
	heard[n++] = what;
	heard[n] = '\0';
}

static void on_pipe(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) != 1)
		abort();
	hear(byte);
}

static void on_timer(void *arg)
{
	(void)arg;
	hear('t');
	loop_stop(loop);
}

static void on_last(void *arg)
{
	on_pipe(arg);
	loop_stop(loop);
}

static void on_soon(void *arg)
{
	(void)arg;
	hear('s');
}

static void on_usr(void *arg)
{
	(void)arg;
	hear('u');
}

static void make_pipe(int fds[2])
{
	if (pipe(fds) < 0)
		abort();
}

static void say(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		abort();
}

static void make_loop(void)
{
	n = 0;
	ok(loop_new(&loop) == 0, "a loop is made");
}

/* One descriptor is watched already; a second one, a signal and the timers come later. */
static void refused_later(void)
{
	struct loop_timer *timer, *soon;
	struct loop_fd *first, *second;
	int a[2], b[2];

	make_pipe(a), make_pipe(b);
	make_loop();
	loop_fd_new(loop, &first, a[0], on_pipe, &a[0]);
	loop_timer_new(loop, &timer, on_timer, NULL);
	loop_timer_new(loop, &soon, on_soon, NULL);
	say(a[1], '1');
	loop_timer_start(timer, 0.01);
	loop_run(loop);
	is_str(heard, "1t", "epoll takes the first descriptor");
	refuse(SYS_epoll_ctl, ENOSPC);
	n = 0;
	loop_fd_new(loop, &second, b[0], on_pipe, &b[0]);
	ok(loop_signal(loop, SIGUSR1, on_usr, NULL) == 0, "a signal is watched");
	loop_timer_start(timer, 0.2);
	loop_timer_soon(soon);
	say(b[1], '2');
	kill(getpid(), SIGUSR1);
	ok(loop_run(loop) == 0, "epoll refuses the second: the loop goes on");
	is_u64(n, 4, "each watcher calls back once");
	ok(heard[3] == 't', "the timer last");
	n = 0;
	say(a[1], '3');
	loop_timer_start(timer, 0.05);
	loop_run(loop);
	is_str(heard, "3t", "the loop goes on with the first descriptor");
	n = 0;
	loop_fd_free(second);
	say(b[1], '4');
	loop_timer_start(timer, 0.05);
	loop_run(loop);
	is_str(heard, "t", "a freed watcher does not call back");
	loop_fd_free(first);
	loop_timer_free(timer);
	loop_timer_free(soon);
	loop_free(loop);
}

/* Nothing else wakes the loop up. */
static void refused_alone(void)
{
	struct loop_fd *only;
	int a[2];

	make_pipe(a);
	make_loop();
	loop_fd_new(loop, &only, a[0], on_last, &a[0]);
	say(a[1], '1');
	alarm(10);
	loop_run(loop);
	alarm(0);
	is_str(heard, "1", "epoll refuses the only descriptor of a loop: it calls back");
	loop_fd_free(only);
	loop_free(loop);
}

static void refused_at_once(long call, int error)
{
	struct loop_timer *timer;
	struct loop_fd *first;
	int a[2];

	refuse(call, error);
	make_pipe(a);
	make_loop();
	loop_fd_new(loop, &first, a[0], on_pipe, &a[0]);
	loop_timer_new(loop, &timer, on_timer, NULL);
	loop_timer_start(timer, 0.05);
	say(a[1], '1');
	ok(loop_run(loop) == 0, "system call %ld refused: the loop runs", call);
	is_str(heard, "1t", "descriptor and timer call back");
	loop_fd_free(first);
	loop_timer_free(timer);
	loop_free(loop);
}

int main(void)
{
	refused_later();
	refused_alone();
	refused_at_once(SYS_epoll_create1, EMFILE);
	refused_at_once(SYS_timerfd_create, ENOMEM);
	refuse(SYS_signalfd4, ENFILE);
	make_loop();
	ok(loop_signal(loop, SIGUSR2, on_usr, NULL) == -ENFILE,
		"a signal that cannot be watched is told");
	loop_free(loop);
	return tap_done();
}

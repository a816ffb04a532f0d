/*
 * The only file that knows libev. A loop of our own, never the default one: nothing else
 * in the process can add to it.
 *
 * epoll's watches are counted per user, so that a container can use them all up. libev
 * tells of a descriptor that epoll refuses with EV_ERROR and stops watching it. Then all
 * watchers move to another libev loop, on poll(2), which needs nothing of the kind. The
 * list of watchers is kept for that.
 */
#include "daemon/loop.h"

#include "daemon/log.h"
#include "nsutil/cleanup.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/signalfd.h>

struct loop_fd {
	ev_io io;
	struct loop *loop;
	struct loop_fd *next; /* in loop->fds */
	loop_callback *call;
	void *arg;
};

struct loop_timer {
	ev_timer timer;
	ev_idle soon;
	struct loop *loop;
	struct loop_timer *next; /* in loop->timers */
	loop_callback *call;
	void *arg;
};

struct loop_signal {
	int signum;
	loop_callback *call;
	void *arg;
};

struct loop {
	struct ev_loop *ev;
	ev_periodic never;
	ev_idle look; /* see on_look */
	struct loop_fd *fds;
	struct loop_timer *timers;
	bool refused; /* epoll refused a descriptor in this iteration */
	bool stopped;
	struct loop_signal signal[LOOP_SIGNALS];
	int signals;
	sigset_t wanted;
	int signalfd; /* owned; -1: none */
	struct loop_fd *signal_watch;
};

#define container_of(ptr, type, member)                                                  \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void on_never(struct ev_loop *ev, ev_periodic *watch, int events)
{
	(void)ev, (void)watch, (void)events;
}

/* libev asks epoll at the start of an iteration, and waits for events before it tells of
 * a refusal. While this watcher is active the iteration does not wait. */
static void on_look(struct ev_loop *ev, ev_idle *watch, int events)
{
	(void)events;
	ev_idle_stop(ev, watch);
}

static struct ev_loop *libev_new(struct loop *loop, unsigned backend)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_NOENV | backend);

	if (!ev)
		return NULL;
	/* libev wakes up once a minute to look for clock jumps, unless a periodic watcher
	 * has made it use a timerfd for that (libev 4.33). This one is far away. */
	ev_periodic_init(&loop->never, on_never, 4e9, 0., NULL);
	ev_periodic_start(ev, &loop->never);
	ev_unref(ev);
	return ev;
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->signalfd = -1;
	sigemptyset(&loop->wanted);
	ev_idle_init(&loop->look, on_look);
	ev_set_priority(&loop->look, EV_MAXPRI);
	loop->ev = libev_new(loop, EVFLAG_AUTO);
	if (!loop->ev) {
		free(loop);
		return -ENOMEM;
	}
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_fd_free(loop->signal_watch);
	fd_close(loop->signalfd);
	ev_loop_destroy(loop->ev);
	free(loop);
}

static void move_timer(struct ev_loop *from, struct ev_loop *to, struct loop_timer *timer)
{
	if (ev_is_active(&timer->timer)) {
		ev_tstamp left = ev_timer_remaining(from, &timer->timer);

		ev_timer_stop(from, &timer->timer);
		ev_timer_set(&timer->timer, left > 0. ? left : 0., 0.);
		ev_timer_start(to, &timer->timer);
	}
	if (ev_is_active(&timer->soon)) {
		ev_idle_stop(from, &timer->soon);
		ev_idle_start(to, &timer->soon);
	}
}

/* Moves every watcher to a loop on poll(2). Nothing is pending in the old one: libev
 * calls back for all that before ev_run returns. */
static int use_poll(struct loop *loop)
{
	struct ev_loop *old = loop->ev, *ev;

	log_warnx("epoll refuses a descriptor: the worker goes on with poll(2)");
	ev_ref(old);
	ev_periodic_stop(old, &loop->never);
	ev = libev_new(loop, EVBACKEND_POLL);
	if (!ev)
		return -ENOMEM;
	for (struct loop_fd *fd = loop->fds; fd; fd = fd->next) {
		ev_io_stop(old, &fd->io);
		ev_io_start(ev, &fd->io);
	}
	for (struct loop_timer *timer = loop->timers; timer; timer = timer->next)
		move_timer(old, ev, timer);
	ev_idle_stop(old, &loop->look);
	ev_loop_destroy(old);
	loop->ev = ev;
	loop->refused = false;
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	loop->stopped = false;
	while (r == 0 && !loop->stopped) {
		ev_run(loop->ev, 0);
		if (loop->refused && !loop->stopped)
			r = use_poll(loop);
	}
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	ev_break(loop->ev, EVBREAK_ALL);
}

static void on_fd(struct ev_loop *ev, ev_io *watch, int events)
{
	struct loop_fd *fd = container_of(watch, struct loop_fd, io);

	if (events & EV_ERROR) {
		fd->loop->refused = true;
		ev_break(ev, EVBREAK_ALL);
		return;
	}
	fd->call(fd->arg);
}

int loop_fd_new(
	struct loop *loop, struct loop_fd **out, int fd, loop_callback *call, void *arg)
{
	struct loop_fd *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->loop = loop;
	watch->call = call;
	watch->arg = arg;
	watch->next = loop->fds;
	loop->fds = watch;
	ev_io_init(&watch->io, on_fd, fd, EV_READ);
	ev_io_start(loop->ev, &watch->io);
	ev_idle_start(loop->ev, &loop->look);
	*out = watch;
	return 0;
}

void loop_fd_free(struct loop_fd *watch)
{
	struct loop_fd **at;

	if (!watch)
		return;
	for (at = &watch->loop->fds; *at != watch; at = &(*at)->next)
		;
	*at = watch->next;
	ev_io_stop(watch->loop->ev, &watch->io);
	free(watch);
}

static void on_timer(struct ev_loop *ev, ev_timer *watch, int events)
{
	struct loop_timer *timer = container_of(watch, struct loop_timer, timer);

	(void)ev, (void)events;
	timer->call(timer->arg);
}

static void on_soon(struct ev_loop *ev, ev_idle *watch, int events)
{
	struct loop_timer *timer = container_of(watch, struct loop_timer, soon);

	(void)events;
	ev_idle_stop(ev, watch);
	timer->call(timer->arg);
}

int loop_timer_new(
	struct loop *loop, struct loop_timer **out, loop_callback *call, void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->loop = loop;
	timer->call = call;
	timer->arg = arg;
	timer->next = loop->timers;
	loop->timers = timer;
	ev_timer_init(&timer->timer, on_timer, 0., 0.);
	/* Not a timer of 0 s: libev waits a millisecond for that (4.33). The priority
	 * makes it run in every iteration, not only in one without other events. */
	ev_idle_init(&timer->soon, on_soon);
	ev_set_priority(&timer->soon, EV_MAXPRI);
	*out = timer;
	return 0;
}

void loop_timer_free(struct loop_timer *timer)
{
	struct loop_timer **at;

	if (!timer)
		return;
	for (at = &timer->loop->timers; *at != timer; at = &(*at)->next)
		;
	*at = timer->next;
	loop_timer_stop(timer);
	free(timer);
}

void loop_timer_start(struct loop_timer *timer, double seconds)
{
	struct ev_loop *ev = timer->loop->ev;

	ev_timer_stop(ev, &timer->timer);
	/* libev counts from the start of the iteration, which may have been long ago. */
	ev_now_update(ev);
	ev_timer_set(&timer->timer, seconds, 0.);
	ev_timer_start(ev, &timer->timer);
}

void loop_timer_soon(struct loop_timer *timer)
{
	ev_idle_start(timer->loop->ev, &timer->soon);
}

void loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, &timer->timer);
	ev_idle_stop(timer->loop->ev, &timer->soon);
}

static void on_signals(void *arg)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	while (read(loop->signalfd, &info, sizeof(info)) == sizeof(info))
		for (int i = 0; i < loop->signals; i++)
			if (loop->signal[i].signum == (int)info.ssi_signo)
				loop->signal[i].call(loop->signal[i].arg);
}

/* Not libev's own signalfd: it would not tell that epoll refuses it. */
int loop_signal(struct loop *loop, int signum, loop_callback *call, void *arg)
{
	int fd;

	if (loop->signals == LOOP_SIGNALS)
		return -ENOSPC;
	sigaddset(&loop->wanted, signum);
	fd = signalfd(loop->signalfd, &loop->wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signalfd = fd;
	sigprocmask(SIG_BLOCK, &loop->wanted, NULL);
	loop->signal[loop->signals++] = (struct loop_signal){signum, call, arg};
	if (loop->signal_watch)
		return 0;
	return loop_fd_new(loop, &loop->signal_watch, fd, on_signals, loop);
}

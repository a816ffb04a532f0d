/*
 * The only file that knows libev. A loop of our own, never the default one: nothing else
 * in the process can add to it.
 */
#include "daemon/loop.h"

#include <errno.h>
#include <ev.h>
#include <stddef.h>
#include <stdlib.h>

struct loop_fd {
	ev_io io;
	struct ev_loop *ev;
	loop_callback *call;
	void *arg;
};

struct loop_timer {
	ev_timer timer;
	ev_idle soon;
	struct ev_loop *ev;
	loop_callback *call;
	void *arg;
};

struct loop_signal {
	ev_signal signal;
	loop_callback *call;
	void *arg;
};

struct loop {
	struct ev_loop *ev;
	ev_periodic never;
	struct loop_signal signal[LOOP_SIGNALS];
	int signals;
};

#define container_of(ptr, type, member)                                                  \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void on_never(struct ev_loop *ev, ev_periodic *watch, int events)
{
	(void)ev, (void)watch, (void)events;
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV | EVFLAG_SIGNALFD);
	if (!loop->ev) {
		free(loop);
		return -ENOMEM;
	}
	/* libev wakes up once a minute to look for clock jumps, unless a periodic watcher
	 * has made it use a timerfd for that (libev 4.33). This one is far away. */
	ev_periodic_init(&loop->never, on_never, 4e9, 0., NULL);
	ev_periodic_start(loop->ev, &loop->never);
	ev_unref(loop->ev);
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	ev_loop_destroy(loop->ev);
	free(loop);
}

void loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

static void on_fd(struct ev_loop *ev, ev_io *watch, int events)
{
	struct loop_fd *fd = container_of(watch, struct loop_fd, io);

	(void)ev, (void)events;
	fd->call(fd->arg);
}

int loop_fd_new(
	struct loop *loop, struct loop_fd **out, int fd, loop_callback *call, void *arg)
{
	struct loop_fd *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->ev = loop->ev;
	watch->call = call;
	watch->arg = arg;
	ev_io_init(&watch->io, on_fd, fd, EV_READ);
	ev_io_start(loop->ev, &watch->io);
	*out = watch;
	return 0;
}

void loop_fd_free(struct loop_fd *watch)
{
	if (!watch)
		return;
	ev_io_stop(watch->ev, &watch->io);
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
	timer->ev = loop->ev;
	timer->call = call;
	timer->arg = arg;
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
	if (!timer)
		return;
	loop_timer_stop(timer);
	free(timer);
}

void loop_timer_start(struct loop_timer *timer, double seconds)
{
	ev_timer_stop(timer->ev, &timer->timer);
	/* libev counts from the start of the iteration, which may have been long ago. */
	ev_now_update(timer->ev);
	ev_timer_set(&timer->timer, seconds, 0.);
	ev_timer_start(timer->ev, &timer->timer);
}

void loop_timer_soon(struct loop_timer *timer)
{
	ev_idle_start(timer->ev, &timer->soon);
}

void loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->ev, &timer->timer);
	ev_idle_stop(timer->ev, &timer->soon);
}

static void on_signal(struct ev_loop *ev, ev_signal *watch, int events)
{
	struct loop_signal *sig = container_of(watch, struct loop_signal, signal);

	(void)ev, (void)events;
	sig->call(sig->arg);
}

int loop_signal(struct loop *loop, int signum, loop_callback *call, void *arg)
{
	struct loop_signal *sig = &loop->signal[loop->signals];

	if (loop->signals == LOOP_SIGNALS)
		return -ENOSPC;
	loop->signals++;
	sig->call = call;
	sig->arg = arg;
	ev_signal_init(&sig->signal, on_signal, signum);
	ev_signal_start(loop->ev, &sig->signal);
	return 0;
}

/*
 * A trigger belongs to an open pressure file of the kernel's, one for each of ours. What
 * sets it and what ends it waits: the write for the lock of all cgroups, the close for
 * RCU. So a helper writes, and a helper holds what is to be closed until we have let go
 * of it, so that the kernel's work is done at the helper's end.
 */
#include "daemon/trigger_state.h"

#include "fusechan/reply.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

enum { SET_SECONDS = 2 };
/* Where no pidfd tells of a helper's end. */
#define LOOK_SECONDS 0.02

/* Holds what it has inherited until we have closed our end of its pipe, and so what is to
 * be closed. */
RAW_CHILD static int child_close(const void *arg)
{
	const struct helper_job *job = arg;
	struct pollfd out = {.fd = job->out};

	if (!helper_follow(job))
		return 0;
	raw_call(SYS_close, job->in, 0, 0, 0, 0);
	raw_call(SYS_ppoll, (long)&out, 1, 0, 0, 0);
	return 0;
}

static void close_all(struct triggers *all)
{
	if (all->closer.pid || !all->closings)
		return;
	/* Without a helper it takes us the milliseconds. */
	helper_start(&all->closer, child_close, &(struct helper_job){.nsfd = -1});
	while (all->closings)
		fd_close(all->closing[--all->closings]);
	all->closer.in = fd_close(all->closer.in);
	if (all->closer.pid)
		loop_timer_start(all->closed, LOOK_SECONDS);
}

static void on_closed(void *arg)
{
	struct triggers *all = arg;

	if (!helper_ended(&all->closer)) {
		loop_timer_start(all->closed, LOOK_SECONDS);
		return;
	}
	helper_deinit(&all->closer);
	close_all(all);
}

static void close_later(struct triggers *all, int fd)
{
	if (all->closings == TRIGGERS)
		fd_close(fd);
	else
		all->closing[all->closings++] = fd;
	close_all(all);
}

static void unwatch(struct trigger *t)
{
	loop_fd_free(t->event);
	t->event = NULL;
	t->epoll = fd_close(t->epoll);
}

static void drop(struct trigger *t)
{
	unwatch(t);
	t->all->set[t->place] = NULL;
	close_later(t->all, t->fd);
	free(t);
}

static void wake(struct trigger *t)
{
	struct trigger_note *note = &t->all->store->note[t->place];

	note->event = 1;
	if (note->poll)
		reply_poll_wakeup(&t->all->server->channel, note->poll);
}

static void refuse(struct trigger *t, int error)
{
	unwatch(t);
	t->state = TRIGGER_REFUSED;
	t->error = error;
}

/* To be called is to be told: whether the epoll instance is readable was found out by
 * asking the trigger, which says each event once. What stays is that its cgroup is gone.
 */
static void on_event(void *arg)
{
	struct trigger *t = arg;
	struct epoll_event event;

	if (epoll_wait(t->epoll, &event, 1, 0) == 1 && event.events & EPOLLERR)
		refuse(t, -ENODEV);
	wake(t);
}

/* libev watches for EPOLLIN alone, which an epoll instance makes of EPOLLPRI. One each:
 * which of several it was could not be told. */
static int watch(struct trigger *t)
{
	struct epoll_event event = {.events = EPOLLPRI | EPOLLET};

	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->fd, &event) < 0)
		return -errno;
	return loop_fd_new(t->all->server->loop, &t->event, t->epoll, on_event, t);
}

RAW_CHILD static int child_set(const void *arg)
{
	const struct helper_job *job = arg;
	long len = 0, n;

	if (!helper_follow(job))
		return EIO;
	while (job->path[len++])
		;
	n = raw_call(SYS_write, job->procfd, (long)job->path, len, 0, 0);
	return n < 0 ? (int)-n : 0;
}

/* The helper has ended. */
static void finish(struct trigger *t)
{
	struct triggers *all = t->all;
	const unsigned place = t->place;
	int r = t->helper.status > 0 ? -t->helper.status : t->helper.status ? -EAGAIN : 0;

	all->setting--;
	loop_fd_free(t->ended);
	loop_timer_free(t->timer);
	helper_deinit(&t->helper);
	t->timer = NULL;
	t->ended = NULL;
	if (t->state == TRIGGER_LEFT) {
		drop(t);
	} else {
		t->state = TRIGGER_SET;
		if (r == 0)
			r = watch(t);
		if (r < 0) {
			refuse(t, r);
			wake(t);
		}
	}
	serve_wake(all->server, park_key(place), false);
	serve_wake(all->server, park_key(NO_PLACE), false);
}

static void on_ended(void *arg)
{
	struct trigger *t = arg;

	if (helper_ended(&t->helper))
		finish(t);
}

static void on_timer(void *arg)
{
	struct trigger *t = arg;
	struct server *server = t->all->server;

	if (helper_ended(&t->helper)) {
		finish(t);
		return;
	}
	if (!t->ended)
		loop_timer_start(t->timer, LOOK_SECONDS);
	if (serve_now() < t->until_ns)
		return;
	t->until_ns = UINT64_MAX;
	helper_kill(&t->helper);
	serve_wake(server, park_key(t->place), true);
}

void trigger_leave(struct trigger *t)
{
	t->all->store->fh[t->place] = 0;
	if (t->state != TRIGGER_SETTING) {
		drop(t);
		return;
	}
	t->state = TRIGGER_LEFT;
	helper_kill(&t->helper);
}

/* The file of the container's cgroup that its view shows; else the host's, which older
 * kernels let nobody write to without CAP_SYS_RESOURCE (Linux 6.5 does). */
static int open_pressure(
	struct host *host, const struct subject *subject, const struct node *row)
{
	const enum cg_fact fact = (enum cg_fact)row->arg;
	const char *text;
	unsigned up;
	int fd;

	if (subject->ct && container_nearest(subject->ct, fact, &text, &up) == CG_OK)
		return container_open(subject->ct, CG_PRESSURE, up, cg_v2.fact[fact].file,
			O_RDWR | O_NONBLOCK);
	fd = openat(host->proc, row->host_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int start(struct trigger *t)
{
	struct loop *loop = t->all->server->loop;
	struct helper_job job = {.procfd = t->fd, .nsfd = -1};
	int r;

	memcpy(job.path, t->all->store->note[t->place].text, PSI_TRIGGER_SIZE);
	r = loop_timer_new(loop, &t->timer, on_timer, t);
	if (r == 0)
		r = helper_start(&t->helper, child_set, &job);
	if (r < 0) {
		loop_timer_free(t->timer);
		return r;
	}
	/* Where that fails the timer finds out. */
	if (t->helper.pidfd >= 0)
		loop_fd_new(loop, &t->ended, t->helper.pidfd, on_ended, t);
	t->all->setting++;
	t->until_ns = serve_now() + UINT64_C(1000000000) * SET_SECONDS;
	loop_timer_start(t->timer, t->ended ? SET_SECONDS : LOOK_SECONDS);
	return 0;
}

int trigger_set(struct triggers *all, unsigned place, const struct subject *subject,
	const struct node *row)
{
	struct trigger *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct trigger){
		.all = all, .place = place, .epoll = -1, .helper = HELPER_NULL};
	r = t->fd = open_pressure(&all->server->host, subject, row);
	if (r >= 0)
		r = start(t);
	if (r < 0) {
		fd_close(t->fd);
		free(t);
		return r;
	}
	all->set[place] = t;
	return 0;
}

int triggers_new(
	struct triggers **out, struct server *server, struct trigger_store *store)
{
	struct triggers *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	all->server = server;
	all->store = store;
	all->closer = HELPER_NULL;
	r = loop_timer_new(server->loop, &all->closed, on_closed, all);
	if (r < 0)
		free(all);
	else
		*out = all;
	return r;
}

/* This process is at its end: stacks of helpers that go on stay mapped. */
static void give_up_helper(struct helper *helper)
{
	if (!helper_ended(helper))
		helper->stack = NULL;
	helper_deinit(helper);
}

void triggers_free(struct triggers *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < TRIGGERS; i++) {
		struct trigger *t = all->set[i];

		if (!t)
			continue;
		helper_kill(&t->helper);
		loop_fd_free(t->ended);
		loop_timer_free(t->timer);
		give_up_helper(&t->helper);
		drop(t);
	}
	give_up_helper(&all->closer);
	loop_timer_free(all->closed);
	free(all);
}

/*
 * A trigger belongs to an open pressure file of the kernel's, one for each of ours. What
 * sets it and what ends it waits: the write for the lock of all cgroups, the close for
 * RCU, some 10 ms each, and the open for a close of another one (kernfs has one lock for
 * both). So a helper opens and writes, and sends what it has; trigger_hold.c closes.
 */
#include "daemon/trigger_state.h"

#include "fusechan/reply.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { SET_SECONDS = 2 };
_Static_assert(TRIGGER_PATH + PSI_TRIGGER_SIZE <= sizeof(((struct helper_job *)0)->path),
	"a helper is told of both in one");
/* Until a helper is looked at again whose end no pidfd tells; until what failed for want
 * of something is tried again. */
#define LOOK_SECONDS 0.02
#define RETRY_SECONDS 1.
/* Until a trigger is asked again: a fifth of its shortest window. */
#define ASK_SECONDS 0.1

static struct trigger_note *note_of(const struct trigger *t)
{
	return &t->all->store->note[trigger_place(t)];
}

/* --- being told --- */

static void unwatch(struct trigger *t)
{
	loop_fd_free(t->event);
	t->event = NULL;
	t->epoll = fd_close(t->epoll);
}

void trigger_wake(struct trigger *t)
{
	if (note_of(t)->poll)
		reply_poll_wakeup(&t->all->server->channel, note_of(t)->poll);
}

static void refuse(struct trigger *t, int error)
{
	unwatch(t);
	t->state = TRIGGER_REFUSED;
	t->error = error;
	trigger_wake(t);
}

static void tell(struct trigger *t)
{
	note_of(t)->event = 1;
	trigger_wake(t);
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
	else
		tell(t);
}

/* For a trigger that epoll refuses: asks it, now and in a while. */
static void ask(struct trigger *t)
{
	struct pollfd pfd = {.fd = t->fd, .events = POLLPRI};

	loop_timer_start(t->timer, ASK_SECONDS);
	if (poll(&pfd, 1, 0) <= 0)
		return;
	if (pfd.revents & POLLERR)
		refuse(t, -ENODEV);
	else
		tell(t);
}

/* libev watches for EPOLLIN alone, which an epoll instance makes of EPOLLPRI. One each:
 * which of several it was could not be told. It is empty until libev has it in its own,
 * which is in the next iteration: else that would ask, and an event be lost. */
static void watch(struct trigger *t)
{
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll >= 0 &&
		loop_fd_new(t->all->server->loop, &t->event, t->epoll, on_event, t) < 0)
		unwatch(t);
	loop_timer_soon(t->timer);
}

static void watch_it(struct trigger *t)
{
	struct epoll_event event = {.events = EPOLLPRI | EPOLLET};

	if (t->epoll >= 0 && (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->fd, &event) == 0 ||
				     errno == EEXIST))
		return;
	unwatch(t);
	ask(t);
}

/* --- setting --- */

/* Of one descriptor, SCM_RIGHTS: see unix(7). */
union passed {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

RAW_CHILD static int child_set(const void *arg)
{
	const struct helper_job *job = arg;
	const char *text = job->path;
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union passed passed = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				       .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS}};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &passed,
		.msg_controllen = sizeof(passed.room)};
	int *fd = (int *)(void *)CMSG_DATA(&passed.header);
	long n, len = 0;

	if (!helper_follow(job))
		return EIO;
	while (*text++)
		;
	while (text[len++])
		;
	/* Where the file is not, the nearest one upwards, as for reading; the job is our
	 * own copy. */
	do
		n = *fd = (int)raw_call(SYS_openat, job->procfd, (long)job->path,
			O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, 0);
	while (n == -ENOENT && helper_path_up((char *)(uintptr_t)job->path));
	if (n >= 0)
		n = raw_call(SYS_write, *fd, (long)text, len, 0, 0);
	if (n >= 0)
		n = raw_call(SYS_sendmsg, job->nsfd, (long)&msg, MSG_NOSIGNAL, 0, 0);
	return n < 0 ? (int)-n : 0;
}

/* The descriptor that a helper has sent; -1: none. */
static int receive(int sock)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union passed passed = {.room = ""};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &passed,
		.msg_controllen = sizeof(passed.room)};

	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0 ||
		passed.header.cmsg_type != SCM_RIGHTS)
		return -1;
	return *(int *)(void *)CMSG_DATA(&passed.header);
}

/* The file has the trigger; is it the very one that it was? One that was made anew is
 * another cgroup's. */
static int begin_watch(struct trigger *t)
{
	struct trigger_note *note = note_of(t);
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return -errno;
	if (note->ino && note->ino != st.st_ino)
		return -ENODEV;
	note->ino = st.st_ino;
	watch(t);
	return 0;
}

/* No cgroup on the way has such a file ("cgroup_disable=pressure", Linux 4.20 to 5.1):
 * who reads sees the host's, so that is the one. */
static void take_host(struct trigger_note *note)
{
	const char *name = strrchr(note->path, '/') + 1;
	char resource[16];

	snprintf(resource, sizeof(resource), "%.*s", (int)strcspn(name, "."), name);
	snprintf(note->path, sizeof(note->path), "pressure/%s", resource);
	note->host = true;
}

/* The helper has ended. It may have been killed too late. */
static void finish(struct trigger *t)
{
	struct triggers *all = t->all;
	int r = t->helper.status > 0 ? -t->helper.status : -EAGAIN;

	t->fd = receive(t->sock);
	t->sock = fd_close(t->sock);
	all->setting--;
	loop_fd_free(t->ended);
	t->ended = NULL;
	loop_timer_stop(t->timer);
	helper_deinit(&t->helper);
	if (t->state == TRIGGER_LEFT) {
		t->state = t->fd < 0 ? TRIGGER_FREE : TRIGGER_CLOSING;
	} else if (t->fd < 0 && r == -ENOENT && !t->resumed && !note_of(t)->host) {
		take_host(note_of(t));
		t->state = TRIGGER_PENDING;
	} else if (t->fd < 0 && r == -EAGAIN && t->resumed) {
		t->state = TRIGGER_PENDING;
	} else {
		t->state = TRIGGER_SET;
		if (t->fd >= 0)
			r = begin_watch(t);
		if (r < 0)
			refuse(t, r);
	}
	triggers_attend_soon(all);
	serve_wake(all->server, park_key(trigger_place(t)), false);
}

static void on_ended(void *arg)
{
	struct trigger *t = arg;

	if (helper_ended(&t->helper))
		finish(t);
}

/* Those whose turn it was not yet have waited as long. */
static void give_up(struct triggers *all)
{
	for (unsigned i = 0; i < TRIGGERS; i++)
		if (all->trigger[i].state == TRIGGER_PENDING && !all->trigger[i].resumed)
			serve_wake(all->server, park_key(i), true);
	serve_wake(all->server, park_key(NO_PLACE), true);
}

static void on_timer(void *arg)
{
	struct trigger *t = arg;
	struct triggers *all = t->all;

	if (t->state == TRIGGER_SET)
		watch_it(t);
	if (t->state != TRIGGER_SETTING && t->state != TRIGGER_LEFT)
		return;
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
	serve_wake(all->server, park_key(trigger_place(t)), true);
	give_up(all);
}

static int start(struct trigger *t)
{
	struct server *server = t->all->server;
	const struct trigger_note *note = note_of(t);
	const int i = server->layout.of[CG_PRESSURE];
	struct helper_job job = {.procfd = server->host.proc};
	int pair[2], r = 0;

	if (!note->host && i < 0)
		return -ENOENT;
	if (!note->host)
		job.procfd = server->layout.hierarchy[i].fd;
	memcpy(job.path, note->path, strlen(note->path) + 1);
	memcpy(job.path + strlen(note->path) + 1, note->text, PSI_TRIGGER_SIZE);
	if (!t->timer)
		r = loop_timer_new(server->loop, &t->timer, on_timer, t);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	t->sock = pair[0];
	job.nsfd = pair[1];
	r = helper_start(&t->helper, child_set, &job);
	close(pair[1]);
	if (r < 0) {
		t->sock = fd_close(t->sock);
		return r;
	}
	/* Where that fails the timer finds out. */
	if (t->helper.pidfd >= 0)
		loop_fd_new(server->loop, &t->ended, t->helper.pidfd, on_ended, t);
	t->state = TRIGGER_SETTING;
	t->all->setting++;
	t->until_ns = serve_now() + UINT64_C(1000000000) * SET_SECONDS;
	loop_timer_start(t->timer, t->ended ? SET_SECONDS : LOOK_SECONDS);
	return 0;
}

/* False when some are to be tried again. */
static bool set_pending(struct triggers *all)
{
	bool good = true;

	for (unsigned i = 0; i < TRIGGERS && all->setting < SETTING_MOST; i++) {
		struct trigger *t = &all->trigger[i];
		int r = t->state == TRIGGER_PENDING ? start(t) : 0;

		if (r < 0 && t->resumed && r != -ENOENT && r != -ENODEV) {
			good = false;
		} else if (r < 0) {
			refuse(t, r);
			serve_wake(all->server, park_key(i), false);
		}
	}
	return good;
}

void trigger_begin(struct trigger *t)
{
	t->state = TRIGGER_PENDING;
	t->resumed = t->held = false;
	triggers_attend_soon(t->all);
}

/* --- ending --- */

void trigger_leave(struct trigger *t)
{
	t->all->store->fh[trigger_place(t)] = 0;
	unwatch(t);
	if (t->state == TRIGGER_SETTING) {
		t->state = TRIGGER_LEFT;
		helper_kill(&t->helper);
	} else {
		t->state = t->fd < 0 ? TRIGGER_FREE : TRIGGER_CLOSING;
	}
	triggers_attend_soon(t->all);
}

static void on_attend(void *arg)
{
	struct triggers *all = arg;
	bool good;

	good = triggers_hold(all);
	good = set_pending(all) && good;
	serve_wake(all->server, park_key(NO_PLACE),
		all->old.pid && serve_now() >= all->until_ns);
	if (all->old.pid)
		loop_timer_start(all->attend, LOOK_SECONDS);
	else if (!good)
		loop_timer_start(all->attend, RETRY_SECONDS);
}

/* --- all of them --- */

int triggers_new(
	struct triggers **out, struct server *server, struct trigger_store *store)
{
	struct triggers *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	all->server = server;
	all->store = store;
	all->holder = all->old = HELPER_NULL;
	r = nsid_of(server->host.proc, getpid(), NS_PID, &all->pidns);
	if (r == 0)
		r = loop_timer_new(server->loop, &all->attend, on_attend, all);
	if (r < 0) {
		free(all);
		return r;
	}
	for (unsigned i = 0; i < TRIGGERS; i++) {
		all->trigger[i] = (struct trigger){.all = all,
			.fd = -1,
			.sock = -1,
			.epoll = -1,
			.helper = HELPER_NULL};
		if (!store->fh[i])
			continue;
		all->trigger[i].state = TRIGGER_PENDING;
		all->trigger[i].resumed = true;
		triggers_attend_soon(all);
	}
	*out = all;
	return 0;
}

void triggers_free(struct triggers *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < TRIGGERS; i++) {
		struct trigger *t = &all->trigger[i];

		unwatch(t);
		loop_fd_free(t->ended);
		loop_timer_free(t->timer);
		helper_leave(&t->helper);
		fd_close(t->sock);
		fd_close(t->fd);
	}
	loop_fd_free(all->holder_ended);
	helper_leave(&all->old);
	helper_leave(&all->holder);
	loop_timer_free(all->attend);
	free(all);
}

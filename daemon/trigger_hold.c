/*
 * The holder: a helper that does nothing but have all open pressure files of ours open,
 * too, so that no close of ours is the last, which waits for RCU. What we have closed
 * ends when the holder does, after the next one was made without it. Ours may be all at
 * once, when this process ends.
 */
#include "daemon/trigger_state.h"

#include "nsutil/cleanup.h"

enum { END_SECONDS = 2 };

#ifndef SYS_ppoll /* where time_t has always had 64 bits */
#define SYS_ppoll SYS_ppoll_time64
#endif

/* Has what it has inherited, until it is killed or follows us. */
RAW_CHILD static int child_hold(const void *arg)
{
	if (helper_follow(arg))
		raw_call(SYS_ppoll, 0, 0, 0, 0, 0);
	return 0;
}

/* Somebody has killed it: there must be another one. */
static void on_holder_ended(void *arg)
{
	struct triggers *all = arg;

	if (!helper_ended(&all->holder))
		return;
	loop_fd_free(all->holder_ended);
	all->holder_ended = NULL;
	helper_deinit(&all->holder);
	for (unsigned i = 0; i < TRIGGERS; i++)
		all->trigger[i].held = false;
	triggers_attend_soon(all);
}

/* A new holder, if the one there is has not what it should have, or has what it should
 * not. False when that is to be tried again. */
static bool renew(struct triggers *all)
{
	struct helper holder = HELPER_NULL;
	bool open = false, due = false;

	if (all->old.pid)
		return true;
	for (unsigned i = 0; i < TRIGGERS; i++) {
		struct trigger *t = &all->trigger[i];

		if (t->state == TRIGGER_CLOSING && t->held) {
			t->fd = fd_close(t->fd);
			t->state = TRIGGER_CLOSED;
		}
		open |= t->fd >= 0;
		due |= t->state == TRIGGER_CLOSED || (t->fd >= 0 && !t->held);
	}
	if (!due)
		return true;
	if (open &&
		helper_start(&holder, child_hold, &(struct helper_job){.nsfd = -1}) < 0)
		return false;
	for (unsigned i = 0; i < TRIGGERS; i++)
		all->trigger[i].held = all->trigger[i].fd >= 0;
	loop_fd_free(all->holder_ended);
	all->holder_ended = NULL;
	all->old = all->holder;
	all->holder = holder;
	if (holder.pidfd >= 0)
		loop_fd_new(all->server->loop, &all->holder_ended, holder.pidfd,
			on_holder_ended, all);
	all->until_ns = serve_now() + UINT64_C(1000000000) * END_SECONDS;
	helper_kill(&all->old);
	return all->old.pid || renew(all);
}

static void end_old(struct triggers *all)
{
	if (!all->old.pid || !helper_ended(&all->old))
		return;
	helper_deinit(&all->old);
	for (unsigned i = 0; i < TRIGGERS; i++)
		if (all->trigger[i].state == TRIGGER_CLOSED)
			all->trigger[i].state = TRIGGER_FREE;
}

bool triggers_hold(struct triggers *all)
{
	end_old(all);
	return renew(all);
}

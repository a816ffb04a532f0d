/*
 * Whose trigger it is, and what its open file says when it is written to or polled.
 */
#include "daemon/trigger_state.h"

#include "fusechan/reply.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

static unsigned find(const struct triggers *all, uint64_t fh)
{
	unsigned i;

	for (i = 0; i < TRIGGERS && all->store->fh[i] != fh; i++)
		;
	return i;
}

/* A free place; NO_PLACE when the container has enough of them or all are taken. */
static unsigned find_free(const struct triggers *all, uint64_t outer)
{
	unsigned place = NO_PLACE, own = 0;

	for (unsigned i = 0; i < TRIGGERS; i++)
		if (all->store->fh[i])
			own += all->store->note[i].outer == outer;
		else if (!all->set[i])
			place = i;
	return own < TRIGGER_QUOTA ? place : NO_PLACE;
}

/* Sets a new trigger with the text, or one of a predecessor's. 0, SERVE_PARK, or -errno:
 * there is none then. */
static int begin(struct work *work, const struct node *row, uint64_t fh, const char *text,
	unsigned *place)
{
	struct server *server = work->server;
	struct triggers *all = server->triggers;
	struct trigger_store *store = all->store;
	struct subject subject;
	uint64_t outer;
	int r;

	r = subject_find(server, work->request.pid, work->give_up, &subject, &work->key);
	if (r)
		return r == SUBJECT_PARK ? SERVE_PARK : r;
	if (all->setting == SETTING_MOST) {
		work->key = park_key(NO_PLACE);
		return work->give_up || serve_waiting(server, work->key) == WAITING_MOST
			       ? -EAGAIN
			       : SERVE_PARK;
	}
	outer = subject.ct ? subject.ct->outer : 0;
	if (*place == NO_PLACE) {
		*place = find_free(all, outer);
		if (*place == NO_PLACE)
			return -ENOSPC;
		store->note[*place] = (struct trigger_note){
			.made_by = work_number(work), .outer = outer};
		memcpy(store->note[*place].text, text, PSI_TRIGGER_SIZE);
		store->fh[*place] = fh;
	}
	r = trigger_set(all, *place, &subject, row);
	if (r < 0)
		store->fh[*place] = 0;
	return r;
}

int trigger_write(struct work *work)
{
	const struct fuse_write_in *in = work->request.arg;
	const struct fuse_write_out out = {.size = in->size};
	struct triggers *all = work->server->triggers;
	char text[PSI_TRIGGER_SIZE];
	struct node_info info;
	struct trigger *t;
	unsigned place;
	int r;

	if (!all)
		return -EROFS;
	r = node_get(&work->server->host, work->request.nodeid, &info);
	if (r < 0)
		return r;
	if (!node_is_pressure(&info))
		return -EROFS;
	place = find(all, in->fh);
	if (place != NO_PLACE && all->store->note[place].made_by != work_number(work))
		return -EBUSY;
	if (place == NO_PLACE || !all->set[place]) {
		r = psi_trigger(work->request.data, work->request.data_len, text);
		if (r == 0)
			r = begin(work, info.row, in->fh, text, &place);
		if (r)
			return r;
	}
	t = all->set[place];
	if (t->state == TRIGGER_SETTING && !work->give_up) {
		work->key = park_key(place);
		return SERVE_PARK;
	}
	if (t->state != TRIGGER_SET) {
		r = t->state == TRIGGER_REFUSED ? t->error : -EAGAIN;
		trigger_leave(t);
		return r;
	}
	work_send(work, &out, sizeof(out));
	return SERVED;
}

/* As psi_trigger_poll() in kernel/sched/psi.c says it. */
static int events_of(struct work *work, const struct node *row, uint32_t *events)
{
	const struct fuse_poll_in *in = work->request.arg;
	struct triggers *all = work->server->triggers;
	unsigned place = find(all, in->fh);
	struct trigger_note *note;
	int r = 0;

	*events = POLLERR | POLLPRI;
	if (place == NO_PLACE)
		return 0;
	if (!all->set[place])
		r = begin(work, row, in->fh, NULL, &place);
	if (r)
		return r == SERVE_PARK ? r : 0;
	note = &all->store->note[place];
	if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY)
		note->poll = in->kh;
	if (all->set[place]->state == TRIGGER_REFUSED)
		return 0;
	*events = note->event ? POLLPRI : 0;
	note->event = 0;
	return 0;
}

int trigger_poll(struct work *work)
{
	struct fuse_poll_out out = {0};
	struct node_info info;
	uint32_t events = 0;
	int r;

	if (!work->server->triggers)
		return -ENOSYS;
	r = node_get(&work->server->host, work->request.nodeid, &info);
	if (r == 0 && node_is_pressure(&info))
		r = events_of(work, info.row, &events);
	if (r)
		return r;
	/* What the kernel says of a file that does not care. */
	out.revents = events | POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	work_send(work, &out, sizeof(out));
	return SERVED;
}

void trigger_release(struct triggers *all, uint64_t fh)
{
	unsigned place = all ? find(all, fh) : NO_PLACE;

	if (place == NO_PLACE)
		return;
	if (all->set[place])
		trigger_leave(all->set[place]);
	else
		all->store->fh[place] = 0;
}

void triggers_resume(struct triggers *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < TRIGGERS; i++)
		if (all->store->fh[i] && !all->set[i] && all->store->note[i].poll)
			reply_poll_wakeup(
				&all->server->channel, all->store->note[i].poll);
}

/*
 * Whose trigger it is, and what its open file says when it is written to or polled.
 */
#include "daemon/trigger_state.h"

#include "fusechan/reply.h"
#include "nsutil/nsid.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static unsigned find(const struct triggers *all, uint64_t fh)
{
	unsigned i;

	for (i = 0; i < TRIGGERS && all->store->fh[i] != fh; i++)
		;
	return i;
}

static bool is_pending(const struct trigger *t)
{
	return t->state == TRIGGER_PENDING || t->state == TRIGGER_SETTING;
}

/* Places that are taken, by those within one pid namespace. */
static unsigned taken_by(const struct triggers *all, uint64_t outer)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TRIGGERS; i++)
		n += all->trigger[i].state && all->store->note[i].outer == outer;
	return n;
}

/* All places are taken: whoever has most gives up the last one, if that is more than the
 * one who asks would have then. False when nobody has. */
static bool make_room(struct triggers *all, uint64_t outer)
{
	unsigned most = taken_by(all, outer) + 1, victim = NO_PLACE;

	for (unsigned i = 0; i < TRIGGERS; i++) {
		unsigned n = all->store->fh[i] && !is_pending(&all->trigger[i])
				     ? taken_by(all, all->store->note[i].outer)
				     : 0;
		if (n > most || (n == most && victim != NO_PLACE)) {
			most = n;
			victim = i;
		}
	}
	if (victim == NO_PLACE)
		return false;
	/* Its file has none any more, and poll says so. */
	trigger_leave(&all->trigger[victim]);
	trigger_wake(&all->trigger[victim]);
	return true;
}

/* A free place; SERVE_PARK, or -errno. */
static int find_free(struct work *work, uint64_t outer, unsigned *place)
{
	struct triggers *all = work->server->triggers;
	unsigned own = 0, ending = 0, pending = 0, own_pending = 0;
	bool some_end = false;

	*place = NO_PLACE;
	for (unsigned i = 0; i < TRIGGERS; i++) {
		const struct trigger *t = &all->trigger[i];
		bool is_own = all->store->note[i].outer == outer;

		if (t->state == TRIGGER_FREE) {
			*place = i;
			continue;
		}
		own += is_own;
		ending += is_own && t->state >= TRIGGER_LEFT;
		some_end |= t->state >= TRIGGER_LEFT;
		pending += is_pending(t) && !t->resumed;
		own_pending += is_own && is_pending(t) && !t->resumed;
	}
	work->key = park_key(NO_PLACE);
	if (own - ending >= TRIGGER_QUOTA)
		return -ENOSPC;
	if (pending >= PENDING_MOST ||
		parked_on(&work->server->parked, work->key) >= PENDING_QUOTA)
		return -EAGAIN;
	/* What it has closed will make room, and those before it will be set. */
	if (own >= TRIGGER_QUOTA || own_pending >= PENDING_QUOTA)
		return SERVE_PARK;
	if (*place != NO_PLACE)
		return 0;
	return some_end || make_room(all, outer) ? SERVE_PARK : -ENOSPC;
}

/* Whose file it is to be: the one that the container's view shows, else the host's, which
 * older kernels let nobody write to without CAP_SYS_RESOURCE (Linux 6.5 does). 0,
 * SERVE_PARK or -errno. */
static int find_file(struct work *work, const struct node *row, struct trigger_note *note)
{
	struct server *server = work->server;
	struct subject subject;
	uint64_t pidns;
	int r;

	if (work->give_up)
		return -EAGAIN;
	r = subject_find(server, work->request.pid, false, &subject, &work->key);
	if (r)
		return r == SUBJECT_PARK ? SERVE_PARK : r;
	note->outer = subject.ct ? subject.ct->outer : 0;
	if (subject.ct) {
		r = container_path(subject.ct, CG_PRESSURE, 0, cg_v2.fact[row->arg].file,
			note->path, sizeof(note->path));
		if (r != -ENOENT)
			return r;
	}
	/* Who cannot be told is not the host. */
	if (!subject.ct && (work->request.pid <= 0 ||
				   nsid_of(server->host.proc, work->request.pid, NS_PID,
					   &pidns) < 0 ||
				   pidns != server->triggers->pidns))
		return -EAGAIN;
	note->host = true;
	snprintf(note->path, sizeof(note->path), "%s", row->host_path);
	return 0;
}

/* Begins to set a trigger as it is written. 0, SERVE_PARK, or -errno. */
static int begin(struct work *work, const struct node *row, uint64_t fh, unsigned *place)
{
	struct triggers *all = work->server->triggers;
	struct trigger_note note = {.made_by = work_number(work)};
	int r = psi_trigger(work->request.data, work->request.data_len, note.text);

	if (r == 0)
		r = find_file(work, row, &note);
	if (r == 0)
		r = find_free(work, note.outer, place);
	if (r)
		return r;
	all->store->note[*place] = note;
	/* Should we end here, the successor finds it whole or not at all. */
	atomic_signal_fence(memory_order_seq_cst);
	all->store->fh[*place] = fh;
	trigger_begin(&all->trigger[*place]);
	return 0;
}

int trigger_write(struct work *work)
{
	const struct fuse_write_in *in = work->request.arg;
	const struct fuse_write_out out = {.size = in->size};
	struct triggers *all = work->server->triggers;
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
		return -EIO; /* as proc_reg_write() of fs/proc/inode.c */
	place = find(all, in->fh);
	if (place == NO_PLACE)
		r = begin(work, info.row, in->fh, &place);
	else if (all->store->note[place].made_by != work_number(work))
		r = -EBUSY;
	if (r)
		return r;
	t = &all->trigger[place];
	if (is_pending(t) && !work->give_up) {
		work->key = park_key(place);
		return SERVE_PARK;
	}
	/* What came again after a crash may have been answered before. */
	if (t->state == TRIGGER_SET || (is_pending(t) && t->resumed)) {
		work_send(work, &out, sizeof(out));
		return SERVED;
	}
	r = t->state == TRIGGER_REFUSED ? t->error : -EAGAIN;
	trigger_leave(t);
	return r;
}

/* As psi_trigger_poll() in kernel/sched/psi.c says it; without a trigger, too. */
int trigger_poll(struct work *work)
{
	const struct fuse_poll_in *in = work->request.arg;
	struct triggers *all = work->server->triggers;
	/* What the kernel says of a file that does not care. */
	struct fuse_poll_out out = {
		.revents = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
	struct trigger_note *note = NULL;
	struct node_info info;
	unsigned place;
	int r;

	if (!all)
		return -ENOSYS;
	r = node_get(&work->server->host, work->request.nodeid, &info);
	if (r < 0)
		return r;
	place = find(all, in->fh);
	if (place != NO_PLACE && all->trigger[place].state != TRIGGER_REFUSED)
		note = &all->store->note[place];
	if (note && in->flags & FUSE_POLL_SCHEDULE_NOTIFY)
		note->poll = in->kh;
	if (note ? note->event : node_is_pressure(&info))
		out.revents |= note ? POLLPRI : POLLPRI | POLLERR;
	work_send(work, &out, sizeof(out));
	/* Rather twice than never. */
	if (note)
		note->event = 0;
	return SERVED;
}

/* A write that was answered before a crash, and came again: nobody waits for it. */
static void drop_writes(struct server *server, uint64_t fh)
{
	for (int i = 0; i < PARKED_MOST; i++) {
		struct parked_request *parked = &server->parked.request[i];
		const struct fuse_write_in *in;
		struct request request;

		if (!parked->key ||
			channel_parse(&server->channel, parked->slot, &request) !=
				REQUEST_OK ||
			request.opcode != FUSE_WRITE)
			continue;
		in = request.arg;
		if (in->fh != fh)
			continue;
		parked->key = 0;
		reply_error(&server->channel, request.unique, EIO);
		journal_done(server->channel.journal, parked->slot);
	}
}

void trigger_release(struct triggers *all, uint64_t fh)
{
	unsigned place;

	if (!all)
		return;
	drop_writes(all->server, fh);
	place = find(all, fh);
	if (place != NO_PLACE)
		trigger_leave(&all->trigger[place]);
}

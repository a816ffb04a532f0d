/*
 * Where requests come from: the kernel, the journal of a predecessor, or the end of what
 * they waited for. Each goes to serve_slot.
 */
#include "daemon/server.h"

#include "daemon/log.h"
#include "fusechan/reply.h"

#include <errno.h>
#include <string.h>

/* Whatever is read from now on is new to every request that waits. */
static void new_batch(struct server *server)
{
	host_new_epoch(&server->host);
	handle_new_batch(&server->handles);
}

void serve_wake(struct server *server, uint64_t key, bool give_up)
{
	bool due[JOURNAL_SLOTS];

	/* A request that is taken up may park again, even on the same key. */
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		due[i] = server->parked[i].key == key;
	new_batch(server);
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (due[i] && server->parked[i].key == key)
			serve_slot(server, &server->channel.journal->slot[i], give_up);
	if (server->ending && !journal_pending(server->channel.journal))
		loop_stop(server->loop);
}

/* A request that came again takes the place of its older copies: of one, but for
 * processes that ended just before this. It waits where they did. */
static void replace_older(struct server *server, struct slot *slot)
{
	struct slot *const first = server->channel.journal->slot;
	struct parked *parked = &server->parked[slot - first];
	struct slot *older;

	*parked = (struct parked){0};
	while ((older = channel_older(&server->channel, slot))) {
		if (slot->faults < older->faults)
			slot->faults = older->faults;
		if (server->parked[older - first].key)
			*parked = server->parked[older - first];
		server->parked[older - first] = (struct parked){0};
		journal_done(older);
	}
}

enum { TAKE_MORE, TAKE_EMPTY, TAKE_GONE };

/* Reads up to `most` messages, `*count` of them. */
static int take(struct server *server, struct slot **batch, unsigned most, unsigned *count)
{
	for (*count = 0; *count < most; ++*count) {
		int r = channel_read(&server->channel, &batch[*count]);

		if (r == CHANNEL_EMPTY)
			return TAKE_EMPTY;
		if (r != CHANNEL_MESSAGE) {
			if (r < 0)
				log_warnx("reading /dev/fuse: %s", strerror(-r));
			return TAKE_GONE;
		}
		replace_older(server, batch[*count]);
	}
	return TAKE_MORE;
}

/* Not if it was replaced, and its slot taken by another that was served in its stead; nor if
 * it waits where an older copy did. */
static bool is_new(const struct server *server, const struct slot *slot)
{
	return slot->state == SLOT_TAKEN &&
	       !server->parked[slot - server->channel.journal->slot].key;
}

/* Of the messages that come alone, only one in so many is followed by a look for another:
 * mostly there is none, and the loop asks anyway. */
enum { LOOK_AFTER = 8 };

static bool is_lone(struct server *server)
{
	return server->burst == 1 && ++server->lone % LOOK_AFTER;
}

/*
 * At most SERVE_BATCH messages. True when more may wait.
 *
 * Those that came together are read before the first of them is answered: the host's files
 * and what several of them ask for are then read once for all. But one that came alone is
 * not kept waiting for others: how many are read at a time grows only while more of them
 * keep coming.
 */
static bool drain(struct server *server)
{
	struct slot *batch[SERVE_BATCH];
	unsigned count, left = SERVE_BATCH;
	int r = TAKE_MORE;

	while (r == TAKE_MORE && left) {
		r = take(server, batch, server->burst < left ? server->burst : left, &count);
		new_batch(server);
		for (unsigned i = 0; i < count; i++)
			if (is_new(server, batch[i]))
				serve_slot(server, batch[i], false);
		left -= count;
		if (r == TAKE_MORE && is_lone(server))
			break;
		server->burst = r == TAKE_MORE ? server->burst * 2 : 1;
		if (server->burst > SERVE_BATCH)
			server->burst = SERVE_BATCH;
	}
	if (r == TAKE_GONE) {
		server->gone = true;
		loop_stop(server->loop);
	}
	return r == TAKE_MORE;
}

void serve_drain(void *arg)
{
	drain(arg);
}

void serve_end(struct server *server, bool read_rest)
{
	server->burst = SERVE_BATCH;
	/* Whoever goes on asking without a pause is not waited for. */
	for (int i = 0; read_rest && i < JOURNAL_SLOTS && drain(server); i++)
		;
	loop_fd_free(server->channel_watch);
	server->channel_watch = NULL;
	server->ending = true;
	if (!journal_pending(server->channel.journal))
		loop_stop(server->loop);
}

/* What has ended as many processes as it may is not tried again. */
static void give_up_slot(struct server *server, struct slot *slot)
{
	struct request request;

	if (channel_parse(&server->channel, slot, &request) != REQUEST_GARBAGE) {
		log_warnx("%s of node %llu by thread %d ended %u workers: it gets EIO",
			request.opname, (unsigned long long)request.nodeid, (int)request.pid,
			slot->faults);
		reply_error(&server->channel, request.unique, EIO);
	}
	journal_done(slot);
}

static void take_up(struct server *server, struct slot *slot)
{
	if (slot->faults >= SLOT_FAULTS_MAX)
		give_up_slot(server, slot);
	else
		serve_slot(server, slot, false);
}

/* Whether the predecessor ended between making the text of this read and noting that it
 * was answered. */
static bool was_answered(const struct server *server, const struct slot *slot)
{
	const uint64_t answering = server->handles.store->answering;

	return answering &&
	       (channel_unique(slot) & ~FUSECHAN_UNIQUE_RESEND) == answering;
}

static bool is_interrupt(const struct slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->message;

	return in->opcode == FUSE_INTERRUPT;
}

void serve_takeover(struct server *server)
{
	struct journal *journal = server->channel.journal;

	new_batch(server);
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (journal->slot[i].state == SLOT_TAKEN)
			replace_older(server, &journal->slot[i]);
	/* Its text is there until the next one is made. */
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (journal->slot[i].state == SLOT_TAKEN &&
			was_answered(server, &journal->slot[i]))
			take_up(server, &journal->slot[i]);
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (journal->slot[i].state == SLOT_TAKEN &&
			!is_interrupt(&journal->slot[i]))
			take_up(server, &journal->slot[i]);
	/* What they interrupt waits now, if it is among these. */
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (journal->slot[i].state == SLOT_TAKEN &&
			is_interrupt(&journal->slot[i]))
			take_up(server, &journal->slot[i]);
}

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

/* A request that came again takes the place of its older copy. */
static void replace_older(struct server *server, struct slot *slot)
{
	struct slot *older = channel_older(&server->channel, slot);

	if (!older)
		return;
	slot->faults = older->faults;
	server->parked[older - server->channel.journal->slot] = (struct parked){0};
	journal_done(older);
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

/* Not if it was replaced, and its slot taken by another that was served in its stead. */
static bool is_new(const struct server *server, const struct slot *slot)
{
	return slot->state == SLOT_TAKEN &&
	       !server->parked[slot - server->channel.journal->slot].key;
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

void serve_takeover(struct server *server)
{
	struct journal *journal = server->channel.journal;

	new_batch(server);
	for (int i = 0; i < JOURNAL_SLOTS; i++) {
		struct slot *slot = &journal->slot[i];

		if (slot->state != SLOT_TAKEN)
			continue;
		if (slot->faults >= SLOT_FAULTS_MAX)
			give_up_slot(server, slot);
		else
			serve_slot(server, slot, false);
	}
}

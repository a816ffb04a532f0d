/*
 * Where requests come from: the kernel, the journal of a predecessor, or the end of what
 * they waited for. Each goes to serve_slot.
 */
#include "daemon/server.h"

#include "daemon/log.h"
#include "fusechan/reply.h"

#include <errno.h>
#include <string.h>

void serve_wake(struct server *server, uint64_t key, bool give_up)
{
	bool due[JOURNAL_SLOTS];

	/* A request that is taken up may park again, even on the same key. */
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		due[i] = server->parked[i].key == key;
	host_new_epoch(&server->host);
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

/* At most SERVE_BATCH messages. True when more may wait. */
static bool drain(struct server *server)
{
	struct slot *slot;

	for (int i = 0; i < SERVE_BATCH; i++) {
		int r = channel_read(&server->channel, &slot);

		if (r == CHANNEL_EMPTY)
			return false;
		if (r != CHANNEL_MESSAGE) {
			if (r < 0)
				log_warnx("reading /dev/fuse: %s", strerror(-r));
			server->gone = true;
			loop_stop(server->loop);
			return false;
		}
		host_new_epoch(&server->host);
		replace_older(server, slot);
		serve_slot(server, slot, false);
	}
	return true;
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

	host_new_epoch(&server->host);
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

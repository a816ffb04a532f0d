/*
 * Where requests come from: the kernel, the journal of a predecessor, or the end of what
 * they waited for. Each goes to serve_slot.
 */
#include "daemon/server.h"

#include "daemon/log.h"
#include "fusechan/reply.h"
#include "nsutil/nsid.h"

#include <errno.h>
#include <string.h>

/* Whatever is read from now on is new to every request that waits. */
static void new_batch(struct server *server)
{
	const int oldest = queue_oldest(&server->queue);

	host_new_epoch(&server->host);
	handle_new_batch(&server->handles, server->host.epoch,
		oldest < 0 ? server->host.epoch : server->batch[oldest]);
}

/* The slot that waits for longest of those that are due; -1. */
static int longest(const struct server *server, const bool *due)
{
	int first = -1;

	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (due[i] && (first < 0 || server->parked[i].since_ns <
						    server->parked[first].since_ns))
			first = i;
	return first;
}

/* Only one of them may get on, by a helper for it: were that not the oldest, it could be
 * another one each time. Whoever waited for one thing after the other, but for a file,
 * waits no more. */
void serve_wake(struct server *server, uint64_t key, bool give_up)
{
	const uint64_t now_ns = key & PARK_SLOW ? 0 : serve_now();
	bool due[JOURNAL_SLOTS];
	int i;

	/* A request that is taken up may park again, even on the same key. */
	for (i = 0; i < JOURNAL_SLOTS; i++)
		due[i] = server->parked[i].key == key;
	new_batch(server);
	while ((i = longest(server, due)) >= 0) {
		due[i] = false;
		if (server->parked[i].key != key)
			continue;
		server->batch[i] = server->host.epoch;
		serve_slot(server, &server->channel.journal->slot[i],
			give_up || now_ns > server->parked[i].since_ns + PARK_NS);
	}
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
		queue_drop(&server->queue, (unsigned)(older - first));
		journal_done(older);
	}
}

/* The slot of the request that the message interrupts, if that waits for its turn; -1. */
static int interrupted(const struct server *server, const struct fuse_in_header *in)
{
	const struct fuse_interrupt_in *arg = (const void *)(in + 1);
	const struct slot *slot = server->channel.journal->slot;

	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (queue_has(&server->queue, (unsigned)i) &&
			channel_unique(&slot[i]) == arg->unique)
			return i;
	return -1;
}

/* With so many in the queue it is worth to ask who a stranger is. */
enum { ASK_FROM = 4 };

/* What nobody waits for makes room; an interrupt comes after what it interrupts. */
static unsigned turn_of(struct server *server, const struct slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->message;
	const pid_t tid = (pid_t)in->pid;
	unsigned turn;
	uint64_t pidns;
	int target;

	switch (in->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: return QUEUE_AT_ONCE;
	case FUSE_INTERRUPT:
		target = interrupted(server, in);
		return target < 0 ? QUEUE_AT_ONCE : server->queue.turn[target];
	default: break;
	}
	turn = queue_turn(&server->queue, tid);
	if (turn != QUEUE_STRANGER || tid <= 0 || server->queue.count < ASK_FROM ||
		nsid_of(server->host.proc, tid, NS_PID, &pidns) < 0)
		return turn;
	return queue_learn(&server->queue, tid, pidns_outer(&server->pidns, pidns));
}

enum { TAKE_MORE, TAKE_EMPTY, TAKE_GONE };

static void enqueue(struct server *server, const struct slot *slot)
{
	const unsigned i = (unsigned)(slot - server->channel.journal->slot);

	/* Else it waits where an older copy did. */
	if (!server->parked[i].key)
		queue_add(&server->queue, i, turn_of(server, slot));
	server->batch[i] = server->host.epoch;
}

/* Reads up to `most` messages. */
static int take(struct server *server, unsigned most)
{
	struct slot *slot = NULL;

	for (unsigned i = 0; i < most; i++) {
		int r = channel_read(&server->channel, &slot);

		if (r == CHANNEL_EMPTY)
			return TAKE_EMPTY;
		if (r != CHANNEL_MESSAGE) {
			if (r < 0)
				log_warnx("reading /dev/fuse: %s", strerror(-r));
			return TAKE_GONE;
		}
		if (i == 0)
			new_batch(server);
		replace_older(server, slot);
		enqueue(server, slot);
	}
	return TAKE_MORE;
}

/* Of the messages that come alone, only one in so many is followed by a look for another:
 * mostly there is none, and the loop asks anyway. */
enum { LOOK_AFTER = 8 };

static bool is_lone(struct server *server)
{
	return server->burst == 1 && ++server->lone % LOOK_AFTER;
}

static unsigned serve_queued(struct server *server, unsigned most)
{
	unsigned n = 0;
	int slot;

	while (n < most && (slot = queue_take(&server->queue)) >= 0) {
		serve_slot(server, &server->channel.journal->slot[slot], false);
		n++;
	}
	return n;
}

/*
 * Serves about SERVE_BATCH messages. True when more may wait.
 *
 * Those that came together are read before the first of them is answered: the host's
 * files and what several of them ask for are then read once for all, and containers take
 * turns. But one that came alone is not kept waiting for others: how many are read at a
 * time grows only while more of them keep coming. Once some wait for their turn, all that
 * come are read.
 */
static bool drain(struct server *server)
{
	unsigned served = 0;
	int r;

	do {
		r = take(server, server->queue.count ? JOURNAL_SLOTS : server->burst);
		served += serve_queued(server, SERVE_SLICE);
		if (r == TAKE_MORE && !server->queue.count && is_lone(server))
			break;
		server->burst = r == TAKE_MORE ? server->burst * 2 : 1;
		if (server->burst > SERVE_BATCH)
			server->burst = SERVE_BATCH;
	} while (r != TAKE_GONE && served < SERVE_BATCH &&
		 (r == TAKE_MORE || server->queue.count));
	if (r == TAKE_GONE) {
		server->gone = true;
		loop_stop(server->loop);
	}
	return r == TAKE_MORE || server->queue.count;
}

void serve_drain(void *arg)
{
	struct server *server = arg;

	drain(server);
	if (server->queue.count)
		loop_timer_soon(server->again);
}

void serve_end(struct server *server, bool read_rest)
{
	server->burst = SERVE_BATCH;
	/* Whoever goes on asking without a pause is not waited for. */
	for (int i = 0; read_rest && i < JOURNAL_SLOTS && drain(server); i++)
		;
	serve_queued(server, JOURNAL_SLOTS);
	loop_timer_stop(server->again);
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
			request.opname, (unsigned long long)request.nodeid,
			(int)request.pid, slot->faults);
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

	return answering && (channel_unique(slot) & ~FUSECHAN_UNIQUE_RESEND) == answering;
}

/* Whether it comes after all others: an interrupt, and a release, whose file has no
 * request left that was not answered. */
static bool is_last(const struct slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->message;

	return in->opcode == FUSE_INTERRUPT || in->opcode == FUSE_RELEASE;
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
		if (journal->slot[i].state == SLOT_TAKEN && !is_last(&journal->slot[i]))
			take_up(server, &journal->slot[i]);
	/* What they interrupt waits now, if it is among these. */
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (journal->slot[i].state == SLOT_TAKEN && is_last(&journal->slot[i]))
			take_up(server, &journal->slot[i]);
}

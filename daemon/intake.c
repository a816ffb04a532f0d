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

static struct slot *slot_at(struct server *server, int i)
{
	return &server->channel.journal->slot[i];
}

static unsigned number_of(const struct server *server, const struct slot *slot)
{
	return (unsigned)(slot - server->channel.journal->slot);
}

/* Coarse: from the vDSO, whatever the clock source is. */
static uint32_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)ts.tv_sec;
}

/* Whatever is read from now on is new to every request that waits. */
static void new_batch(struct server *server)
{
	host_new_epoch(&server->host);
	server->queue->now_s = now_s();
	handle_new_batch(&server->handles, server->host.epoch,
		queue_oldest(server->queue, server->host.epoch));
}

/* The one that waits for longest of those that are due; -1. */
static int longest(const struct parked *parked, const bool *due)
{
	int first = -1;

	for (int i = 0; i < PARKED_MOST; i++)
		if (due[i] && (first < 0 || parked->request[i].since_ns <
						    parked->request[first].since_ns))
			first = i;
	return first;
}

static void take_up_parked(struct server *server, struct parked_request *parked,
	bool give_up, uint64_t now_ns)
{
	const bool waits_no_more = give_up || now_ns > parked->since_ns + PARK_NS;
	const struct serving how = {.epoch = server->host.epoch,
		.since_ns = parked->since_ns,
		.give_up = waits_no_more,
		.give_up_file = waits_no_more && parked->key & PARK_SLOW};
	struct slot *slot = parked->slot;

	parked->key = 0;
	serve_slot(server, slot, how);
}

/* Only one of them may get on, by a helper for it: were that not the oldest, it could be
 * another one each time. Whoever waited for one thing after the other, but for a file,
 * waits no more. */
void serve_wake(struct server *server, uint64_t key, bool give_up)
{
	struct parked_request *parked = server->parked.request;
	const uint64_t now_ns = key & PARK_SLOW ? 0 : serve_now();
	bool due[PARKED_MOST];
	int i;

	/* A request that is taken up may park again, even on the same key. */
	for (i = 0; i < PARKED_MOST; i++)
		due[i] = parked[i].key == key;
	new_batch(server);
	while ((i = longest(&server->parked, due)) >= 0) {
		due[i] = false;
		if (parked[i].key == key)
			take_up_parked(server, &parked[i], give_up, now_ns);
	}
	if (server->ending && !journal_pending(server->channel.journal))
		loop_stop(server->loop);
}

static uint64_t number_sent(const struct slot *slot)
{
	return channel_unique(slot) & ~FUSECHAN_UNIQUE_RESEND;
}

/* A copy of the request in `slot` that is queued or parked; NULL. */
static struct slot *other_copy(struct server *server, const struct slot *slot)
{
	const int i = queue_find(server->queue, number_sent(slot));

	if (i >= 0)
		return slot_at(server, i);
	for (int k = 0; k < PARKED_MOST; k++) {
		const struct parked_request *parked = &server->parked.request[k];

		if (parked->key && number_sent(parked->slot) == number_sent(slot))
			return parked->slot;
	}
	return NULL;
}

static void merge(struct slot *to, const struct slot *from)
{
	if (to->faults < from->faults)
		to->faults = from->faults;
	if (from->work == SLOT_CUT)
		to->work = SLOT_CUT;
}

/* A request that came again takes the place of its older copy, of which the kernel takes
 * no answer. One that is parked waits on. Gives whether the slot has to be queued. */
static bool replace_older(struct server *server, struct slot *slot, struct slot *older)
{
	struct parked_request *parked = parked_in(&server->parked, older);

	merge(slot, older);
	if (parked)
		parked->slot = slot;
	queue_drop(server->queue, number_of(server, older));
	journal_done(server->channel.journal, older);
	return !parked;
}

static bool came_again(const struct slot *slot)
{
	return channel_unique(slot) & FUSECHAN_UNIQUE_RESEND;
}

/* With so many in the queue it is worth to ask who a stranger is. */
enum { ASK_FROM = 4 };

/* The tenant of the thread, who is looked for where that matters. */
static uint32_t tenant_of(struct server *server, pid_t tid)
{
	struct queue *queue = server->queue;
	uint32_t tenant = queue_tenant(queue, tid);
	uint64_t pidns;

	if (tenant != QUEUE_STRANGER || tid <= 0 || queue->count < ASK_FROM ||
		nsid_of(server->host.proc, tid, NS_PID, &pidns) < 0)
		return tenant;
	queue_learn(queue, tid, pidns_outer(&server->pidns, pidns));
	return queue_tenant(queue, tid);
}

/* Requests that nobody waits for make room; an interrupt comes after what it
 * interrupts. */
static unsigned turn_of(struct server *server, const struct slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->message;
	const struct fuse_interrupt_in *arg = (const void *)(in + 1);
	int target;

	switch (in->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: return QUEUE_AT_ONCE;
	case FUSE_INTERRUPT:
		target = queue_find(
			server->queue, arg->unique & ~FUSECHAN_UNIQUE_RESEND);
		return target < 0 ? (unsigned)QUEUE_AT_ONCE
				  : queue_turn_of(server->queue, (unsigned)target);
	default:
		return queue_turn(server->queue, tenant_of(server, (pid_t)in->pid));
	}
}

static void enqueue(struct server *server, const struct slot *slot)
{
	queue_add(server->queue, number_of(server, slot), turn_of(server, slot),
		number_sent(slot), server->host.epoch);
}

/* A request that has ended as many processes as it may is not tried again. */
static void give_up_slot(struct server *server, struct slot *slot)
{
	struct request request;

	if (channel_parse(&server->channel, slot, &request) != REQUEST_GARBAGE) {
		log_warnx("%s of node %llu by thread %d ended %u workers: it gets EIO",
			request.opname, (unsigned long long)request.nodeid,
			(int)request.pid, slot->faults);
		reply_error(&server->channel, request.unique, EIO);
	}
	journal_done(server->channel.journal, slot);
}

static void take_up(struct server *server, struct slot *slot, uint64_t epoch)
{
	if (slot->faults >= SLOT_FAULTS_MAX)
		give_up_slot(server, slot);
	else
		serve_slot(server, slot, (struct serving){.epoch = epoch});
}

/* Unless it is `alone`, it waits for its turn. */
static void accept(struct server *server, struct slot *slot, bool alone)
{
	struct slot *older = came_again(slot) ? other_copy(server, slot) : NULL;

	if (older && !replace_older(server, slot, older))
		return;
	if (alone)
		take_up(server, slot, server->host.epoch);
	else
		enqueue(server, slot);
}

enum { TAKE_MORE, TAKE_EMPTY, TAKE_GONE };

/* Into a journal that has room for it, or gets it. */
static int read_one(struct server *server, struct slot **slot)
{
	int r = channel_read(&server->channel, slot);

	if (r == CHANNEL_FULL && room_make(server))
		r = channel_read(&server->channel, slot);
	return r;
}

/* Reads up to `most` messages. One that nobody else waits with is served. */
static int take(struct server *server, unsigned most)
{
	const bool alone = most == 1 && !server->queue->count;
	struct slot *slot = NULL;

	for (unsigned i = 0; i < most; i++) {
		int r = read_one(server, &slot);

		if (r == CHANNEL_EMPTY || r == CHANNEL_FULL)
			return TAKE_EMPTY;
		if (r != CHANNEL_MESSAGE) {
			if (r < 0)
				log_warnx("reading /dev/fuse: %s", strerror(-r));
			return TAKE_GONE;
		}
		if (i == 0)
			new_batch(server);
		accept(server, slot, alone);
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
	int i;

	while (n < most && (i = queue_take(server->queue)) >= 0) {
		take_up(server, slot_at(server, i),
			queue_epoch(server->queue, (unsigned)i));
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
		r = take(server, server->queue->count ? SERVE_READ : server->burst);
		served += serve_queued(server, SERVE_SLICE);
		if (r == TAKE_MORE && !server->queue->count && is_lone(server))
			break;
		server->burst = r == TAKE_MORE ? server->burst * 2 : 1;
		if (server->burst > SERVE_BATCH)
			server->burst = SERVE_BATCH;
	} while (r != TAKE_GONE && served < SERVE_BATCH &&
		 (r == TAKE_MORE || server->queue->count));
	if (r == TAKE_GONE) {
		server->gone = true;
		loop_stop(server->loop);
	}
	return r == TAKE_MORE || server->queue->count;
}

void serve_drain(void *arg)
{
	struct server *server = arg;

	drain(server);
	if (server->queue->count)
		loop_timer_soon(server->again);
}

void serve_end(struct server *server, bool read_rest)
{
	server->burst = SERVE_BATCH;
	/* Whoever goes on asking without a pause is not waited for. */
	for (int i = 0; read_rest && i < SERVE_REST && drain(server); i++)
		;
	serve_queued(server, JOURNAL_SLOTS);
	loop_timer_stop(server->again);
	loop_fd_free(server->channel_watch);
	server->channel_watch = NULL;
	server->ending = true;
	if (!journal_pending(server->channel.journal))
		loop_stop(server->loop);
}

static void serve_first(struct server *server, int i)
{
	queue_drop(server->queue, (unsigned)i);
	take_up(server, slot_at(server, i), queue_epoch(server->queue, (unsigned)i));
}

/* Whether the request has to come before others: its predecessor may have answered it
 * without noting that. Then it is the only one of its file that was read, but for the
 * RELEASE that could come next. Not if it may be what ended the predecessor. */
static bool is_first(const struct server *server, int i)
{
	const struct slot *slot = &server->channel.journal->slot[i];

	return queue_has(server->queue, (unsigned)i) && slot->work == SLOT_CUT &&
	       !slot->faults;
}

static bool is_interrupt(const struct slot *slot)
{
	const struct fuse_in_header *in = (const void *)slot->message;

	return in->opcode == FUSE_INTERRUPT;
}

/* Copies of a request are found in any order. */
static void accept_left(struct server *server, struct slot *slot)
{
	struct slot *copy = came_again(slot) ? NULL : other_copy(server, slot);

	if (!copy) {
		accept(server, slot, false);
		return;
	}
	merge(copy, slot);
	journal_done(server->channel.journal, slot);
}

/* Interrupts find what they interrupt in the queue. */
static void accept_all(struct server *server, bool interrupts)
{
	struct journal *journal = server->channel.journal;

	for (unsigned i = 0; i < journal_size(journal); i++) {
		struct slot *slot = &journal->slot[i];

		if (slot->state == SLOT_TAKEN && is_interrupt(slot) == interrupts)
			accept_left(server, slot);
	}
}

void serve_takeover(struct server *server)
{
	struct journal *journal = server->channel.journal;
	const uint64_t answering = server->handles.store->answering;
	int answered;

	new_batch(server);
	accept_all(server, false);
	accept_all(server, true);
	/* The predecessor ended between making the text of this read and noting that it
	 * was answered. The text is there until the next one is made. */
	answered = answering ? queue_find(server->queue, answering) : -1;
	if (answered >= 0)
		serve_first(server, answered);
	for (unsigned i = 0; i < journal_size(journal); i++)
		if (is_first(server, (int)i))
			serve_first(server, (int)i);
	if (journal_size(journal) > JOURNAL_FIRST)
		room_watch(server);
	if (server->queue->count)
		loop_timer_soon(server->again);
}

/*
 * Room in the journal: it grows when all its slots hold requests, so that every request
 * that waits is read and takes its turn, and shrinks when they are answered.
 */
#include "daemon/server.h"

#include "daemon/log.h"

enum {
	SHRINK_SECONDS = 5,
	/* Pages that cannot be locked are asked for again. Until then, the rest waits in
	 * the kernel. */
	RETRY_SECONDS = 1,
};

static void on_time(void *arg)
{
	struct server *server = arg;

	queue_trim(server->queue);
	if (journal_shrink(server->channel.journal)) {
		loop_timer_start(server->shrink, SHRINK_SECONDS);
		return;
	}
	loop_timer_free(server->shrink);
	server->shrink = NULL;
}

void room_watch(struct server *server)
{
	/* Without memory for a timer it stays as large as it is. */
	if (server->shrink ||
		loop_timer_new(server->loop, &server->shrink, on_time, server) == 0)
		loop_timer_start(server->shrink, SHRINK_SECONDS);
}

bool room_make(struct server *server)
{
	static struct log_limit limit;
	struct journal *journal = server->channel.journal;
	const uint64_t now_ns = serve_now();

	if (now_ns < server->grow_ns || journal_size(journal) == JOURNAL_SLOTS)
		return false;
	if (journal_grow(journal)) {
		room_watch(server);
		return true;
	}
	server->grow_ns = now_ns + RETRY_SECONDS * UINT64_C(1000000000);
	if (log_allowed(&limit, now_ns))
		log_warnx("no more memory can be locked than for %u requests at a time",
			journal_size(journal));
	return false;
}

/* daemon/watchdog: when a worker is stuck. A pipe stands for the channel. */
#include "daemon/watchdog.h"

#include "daemon/server.h"
#include "t/unit/tap.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A worker that is no process waits for no CPU. */
enum { BOUND = 4, INTERVAL = 1000, LATE = 100, NOBODY = -1 };

static struct journal journal;
static struct watchdog dog;
static int channel[2];
static uint64_t now;

static void begin(void)
{
	journal_format(&journal, 1);
	if (pipe(channel) < 0)
		abort();
	watchdog_init(&dog, channel[0], &journal, BOUND);
	now = 1000000;
	watchdog_start(&dog, NOBODY, now);
}

static void end(void)
{
	watchdog_deinit(&dog);
	close(channel[0]);
	close(channel[1]);
}

/* The worker has taken a request. */
static struct slot *take_one(void)
{
	struct slot *slot = journal_next(&journal);

	journal_taken(&journal, slot, 40);
	return slot;
}

static void message(void)
{
	if (write(channel[1], "x", 1) != 1)
		abort();
}

/* Looks until it finds the worker stuck, at most LATE times. */
static unsigned looks(void)
{
	unsigned n = 0;

	while (n < LATE && dog.next_ms) {
		now = dog.next_ms;
		n++;
		if (watchdog_look(&dog, NOBODY, now))
			return n;
	}
	return 0;
}

static bool armed(void)
{
	struct pollfd pfd = {.fd = watchdog_fd(&dog), .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

/* A worker that takes what comes at once: only the signal tells. */
static bool signalled(void)
{
	const struct timespec none = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return sigtimedwait(&set, NULL, &none) == SIGIO;
}

static void taken_at_once(void)
{
	char byte;

	begin();
	is_u64(looks(), 0, "nobody asks anything");
	signalled();
	message();
	if (read(channel[0], &byte, 1) != 1)
		abort();
	journal_busy(&journal, take_one());
	ok(!armed() && signalled(),
		"a request that was taken at once is told by the signal");
	watchdog_start(&dog, NOBODY, now);
	is_u64(looks(), 3, "and looked after");
	message();
	ok(!signalled(), "meanwhile there is no signal");
	end();
}

int main(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	taken_at_once();
	begin();
	message();
	ok(dog.next_ms == now + INTERVAL, "the bound is four looks");
	is_u64(looks(), 3, "a message that nobody reads: stuck at the third");
	end();

	begin();
	journal_busy(&journal, take_one());
	is_u64(looks(), 3, "a request that nobody gets done: likewise");
	end();

	begin();
	take_one();
	is_u64(looks(), 4 + PARK_SECONDS, "one that waits has all that it may wait");
	end();

	begin();
	take_one();
	for (int i = 0; i < 4; i++) {
		now = dog.next_ms;
		ok(!watchdog_look(&dog, NOBODY, now), "one that waits, look %d", i);
	}
	message();
	is_u64(looks(), 3,
		"then a message that nobody reads: no longer than for one alone");
	end();

	begin();
	message();
	for (int i = 0; i < 10; i++) {
		now = dog.next_ms;
		if (i % 2)
			journal.taken++;
		ok(!watchdog_look(&dog, NOBODY, now), "a worker that gets on, look %d",
			i);
	}
	end();

	begin();
	is_u64(looks(), 0, "nobody asks anything: nothing");
	is_u64(dog.next_ms, 0, "and no more looks");
	ok(!armed(), "until");
	message();
	ok(armed(), "somebody does");
	watchdog_start(&dog, NOBODY, now);
	ok(watchdog_fd(&dog) < 0, "the channel is polled for one event");
	end();

	if (pipe(channel) < 0)
		abort();
	watchdog_init(&dog, channel[0], &journal, 0);
	message();
	watchdog_start(&dog, NOBODY, now);
	ok(!armed() && !dog.next_ms, "without a bound it looks at nothing");
	end();
	return tap_done();
}

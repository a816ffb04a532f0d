/*
 * fusechan/journal: a process that is killed at any instruction. A child is traced step by
 * step while it reads requests, answers them, and lets the journal grow and shrink; after
 * each step the next process would find what this test finds in a copy of the journal.
 * Pipes stand for the kernel: requests come in one, each by itself (O_DIRECT), numbers of
 * answered ones go to the other.
 */
#include "fusechan/abi.h"
#include "fusechan/journal.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BEFORE = JOURNAL_FIRST - 3, /* requests that are in the journal at the start */
	MORE = 6,                   /* that the child reads */
	ALL = BEFORE + MORE,
	LEN = 80,
	NO_TRACE = 77, /* the child's exit status */
	COPIED = 2 * JOURNAL_UNIT,
};

static struct journal *journal, copy;
static int requests[2], answers[2];
static bool answered[ALL];

static void send_request(unsigned i)
{
	char message[LEN] = {0};
	struct fuse_in_header in = {.len = LEN, .opcode = FUSE_READ, .unique = i + 1};

	memcpy(message, &in, sizeof(in));
	if (write(requests[1], message, LEN) != LEN)
		abort();
}

/* As channel_read does. */
static void take_one(void)
{
	struct slot *slot = journal_next(journal);
	struct iovec iov[2];
	ssize_t n;

	if (!slot && journal_grow(journal))
		slot = journal_next(journal);
	if (!slot)
		_exit(1);
	journal_iov(journal, slot, iov);
	n = readv(requests[0], iov, 2);
	if (n != LEN)
		_exit(2);
	journal_taken(journal, slot, (size_t)n);
}

static uint64_t number_of(const struct slot *slot)
{
	return ((const struct fuse_in_header *)(const void *)slot->message)->unique;
}

static void answer_one(struct slot *slot)
{
	uint16_t number = (uint16_t)(number_of(slot) - 1);

	journal_busy(journal, slot);
	if (write(answers[1], &number, sizeof(number)) != sizeof(number))
		_exit(3);
	journal_done(journal, slot);
}

static void child(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(NO_TRACE);
	raise(SIGSTOP);
	for (int i = 0; i < MORE; i++)
		take_one();
	journal_busy(journal, &journal->slot[2]);
	journal_waits(journal, &journal->slot[2]);
	for (unsigned i = 0; i < ALL; i++)
		if (i != 1)
			answer_one(&journal->slot[i]);
	journal_shrink(journal);
	_exit(0);
}

static unsigned requests_read(void)
{
	int left = 0;

	ioctl(requests[0], FIONREAD, &left);
	return ALL - (unsigned)left / LEN;
}

static void collect_answers(void)
{
	uint16_t number;

	while (read(answers[0], &number, sizeof(number)) == sizeof(number)) {
		if (answered[number])
			abort();
		answered[number] = true;
	}
}

/* How often the slots that hold a request have each number; false for nonsense. */
static bool find_pending(unsigned char *found)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < journal_size(&copy); i++) {
		const struct slot *slot = &copy.slot[i];
		const uint64_t number = number_of(slot);

		if (slot->state != SLOT_TAKEN)
			continue;
		pending++;
		if (number < 1 || number > ALL || slot->len != LEN || found[number - 1]++)
			return false;
		/* Only what was worked on can have been answered before. */
		if (answered[number - 1] && slot->work != SLOT_CUT)
			return false;
	}
	return pending == journal_pending(&copy);
}

/* The next process finds every request that was read and not answered, and at most one
 * that was. */
static bool is_whole(void)
{
	unsigned char found[ALL] = {0};
	const unsigned count = requests_read();
	unsigned again = 0;
	struct slot *slot;

	memcpy(&copy, journal, COPIED);
	journal_recover(&copy, false);
	collect_answers();
	if (!find_pending(found))
		return false;
	for (unsigned i = 0; i < ALL; i++) {
		if (i < count && !answered[i] && !found[i])
			return false;
		if (i >= count && found[i])
			return false;
		again += answered[i] && found[i];
	}
	slot = journal_next(&copy);
	return again <= 1 && (!slot || slot < copy.slot + journal_size(&copy));
}

static void begin(void)
{
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (journal == MAP_FAILED || pipe2(requests, O_DIRECT) < 0 ||
		pipe2(answers, O_NONBLOCK) < 0)
		abort();
	journal_format(journal, 1);
	for (unsigned i = 0; i < BEFORE; i++) {
		send_request(i);
		take_one();
	}
	for (unsigned i = BEFORE; i < ALL; i++)
		send_request(i);
}

int main(void)
{
	unsigned steps = 0, grown = 0;
	bool good = true;
	int status;
	pid_t pid;

	begin();
	pid = fork();
	if (pid == 0)
		child();
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_TRACE)
		return tap_skip_all("ptrace(2) is refused");
	while (good && WIFSTOPPED(status)) {
		good = is_whole();
		grown += good && copy.units == 2;
		if (!good || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			break;
		steps++;
		waitpid(pid, &status, 0);
	}
	if (good && WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		return tap_skip_all("this machine does not stop at each step");
	}
	ok(good, "ended after any of %u instructions: nothing is lost, nothing comes twice",
		steps);
	kill(pid, SIGKILL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the last of them is the end");
	ok(grown > 100 && journal->units == 1, "the journal grew meanwhile, and shrank");
	is_u64(journal_pending(journal), 1, "one request is left");
	return tap_done();
}

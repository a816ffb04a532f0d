/* daemon/shared: what the block of one process is to the next, of this build or another.
 */
#include "daemon/shared.h"

#include "daemon/handle.h"
#include "fusechan/journal_v1.h"
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_TEXT = 100000 };

static struct shared first, second;

static void read_in_pieces(struct shared *shared, uint64_t fh)
{
	static struct handles handles;
	struct snapshot *s;

	handles_attach(&handles, shared->region[SHARED_SNAPSHOTS], shared->cpus);
	s = handle_take(&handles, fh, 1, 1);
	for (unsigned i = 0; i < LONG_TEXT; i++)
		out_char(&s->text, (char)('a' + i % 26));
	handle_keep(&handles, s, 1, true);
	handles_deinit(&handles);
}

static bool goes_on(struct shared *shared, uint64_t fh)
{
	static struct handles handles;
	struct snapshot *s;
	bool good;

	handles_attach(&handles, shared->region[SHARED_SNAPSHOTS], shared->cpus);
	s = handle_find(&handles, fh, 9);
	good = s && s->text.len == LONG_TEXT;
	for (unsigned i = 0; good && i < LONG_TEXT; i++)
		good = s->text.data[i] == (char)('a' + i % 26);
	handles_deinit(&handles);
	return good;
}

static uint64_t memory_kb(const struct shared *shared)
{
	struct stat st;

	return fstat(shared->fd, &st) == 0 ? (uint64_t)st.st_blocks / 2 : UINT64_MAX;
}

/* Another build has a region of that name in another format. */
static void make_foreign(struct shared *shared, const char *name)
{
	char *head = shared->mem;
	size_t i = 0;

	while (strcmp(head + i, name))
		i += 8;
	memcpy(head + i, "other", 6);
}

/* A process that runs on one CPU only, as many services do. */
static void count_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned last = 0;
	cpu_set_t one, all;

	/* "0", "0-3" or "0-3,8": the last number. */
	while (file && fscanf(file, "%*[-,]") != EOF && fscanf(file, "%u", &last) == 1)
		;
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	for (int cpu = 0; !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	shared_open(&first, -1, false);
	if (file) {
		is_u64(first.cpus, last + 1, "room for all CPUs that there can be");
		fclose(file);
	} else {
		tap_skip(1, "no file says how many CPUs there can be");
	}
	shared_close(&first);
	sched_setaffinity(0, sizeof(all), &all);
}

static void again(void)
{
	int r = shared_open(&first, -1, false);

	is_int(r, 0, "a new block");
	ok(memory_kb(&first) < 256, "has little memory");
	first.journal->serial = 4711;
	read_in_pieces(&first, 5);
	shared_toggle_view(&first);
	r = shared_open(&second, dup(first.fd), true);
	is_int(r, 0, "the next process of this build");
	is_u64(second.journal->serial, 4711, "has its journal");
	ok(goes_on(&second, 5) && shared_host_view(&second), "and all the rest");
	shared_close(&second);
}

static void other_build(void)
{
	int r;

	make_foreign(&first, "cputree");
	r = shared_open(&second, dup(first.fd), true);
	is_int(r, 0, "one of another build");
	is_u64(second.journal->serial, 4711, "has the journal in a block of its own");
	ok(goes_on(&second, 5) && shared_host_view(&second),
		"and what it knows of the rest");
	ok(memory_kb(&second) < 512, "and no memory for what nobody wrote");
	shared_close(&second);
	make_foreign(&first, "journal");
	r = shared_open(&second, dup(first.fd), true);
	is_int(r, 0, "one that does not know the journal");
	ok(second.journal->serial > 4711, "gives handles that no open file has");
	shared_close(&second);
	r = shared_open(&second, -1, true);
	ok(r == 0 && !goes_on(&second, 5), "without the block there is nothing of it");
	shared_close(&second);
}

/* A block of a build whose journal has format 1, with a request in it: its version and
 * size stand behind the name, and between them where it lies. */
static void older_journal(void)
{
	struct journal_v1 *old;
	uint64_t *entry;
	int r = shared_open(&first, -1, false);
	char *head = first.mem;

	while (strcmp(head, "journal"))
		head += 8;
	entry = (uint64_t *)(void *)(head + 16);
	is_u64(entry[0], JOURNAL_FORMAT, "the head tells the journal's format");
	entry[0] = 1;
	entry[2] = sizeof(*old);
	old = (void *)first.journal;
	memset(old, 0, sizeof(*old));
	old->serial = 4712;
	old->slot[63].state = SLOT_TAKEN;
	old->slot[63].len = 80;
	r += shared_open(&second, dup(first.fd), true);
	is_int(r, 0, "one with a journal of the older format");
	journal_recover(second.journal, true);
	is_u64(second.journal->serial, 4712, "it has the number of the last handle");
	is_u64(journal_pending(second.journal), 1, "and the request");
	shared_close(&second);
	shared_close(&first);
}

static void nonsense(void)
{
	int r = shared_open(&second, open("/dev/null", O_RDWR), false);

	is_int(r, -ESTALE, "what is no such block is told");
	ok(second.journal != NULL, "and a new one made");
	shared_close(&second);
	memset(first.mem, 0xff, 4096);
	r = shared_open(&second, dup(first.fd), false);
	is_int(r, -ESTALE, "so is one that makes no sense");
	shared_close(&second);
}

int main(void)
{
	count_cpus();
	again();
	other_build();
	nonsense();
	shared_close(&first);
	older_journal();
	return tap_done();
}

// Reads what a container sees in turn and in every way there is, and checks each
// reading by itself and against those before:
//	vigil SECONDS MEMTOTAL_KB CPUS ROOT
// reads ROOT/proc/{meminfo,stat,uptime,loadavg,cpuinfo,swaps} whole, in pieces of
// several sizes, at odd offsets with pread, all six at once, and lists
// ROOT/sys/devices/system/cpu. Ends after SECONDS, or on SIGTERM, with a line
// "ok READINGS LONGEST_MS", where a reading is an open, the reads and a close. The
// first reading that fails or is wrong ends it with a line that says how, and
// status 1.
//	vigil SECONDS FILE
// reads one file, a long one, in pieces that overlap.
//
// A reading put together of two renderings is wrong: its columns do not add up, its
// lines do not fit, its time was not the time, or a byte that was read twice differs.
// The container's memory changes with each reading, so that two are never alike.
#include "vigil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CHURN = 16, CHURN_SIZE = 64 << 10 };

static struct reading readings[FILES];
static int proc, cpudir;
static volatile sig_atomic_t told;

static void on_term(int sig)
{
	(void)sig;
	told = 1;
}

static double clock_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void begin(struct reading *r, const char *file)
{
	r->file = file;
	r->len = 0;
	r->first = 0;
	r->opened = clock_of(CLOCK_BOOTTIME);
	r->fd = openat(proc, file, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		wrong(r, "open: %s", strerror(errno));
}

// Whether there was more.
static int got(struct reading *r, ssize_t n)
{
	if (!r->first)
		r->first = clock_of(CLOCK_BOOTTIME);
	if (n < 0)
		wrong(r, "read at %zu: %s", r->len, strerror(errno));
	r->len += (size_t)n;
	return n > 0;
}

static size_t room(const struct reading *r, size_t piece)
{
	size_t left = sizeof r->buf - 1 - r->len;

	return piece < left ? piece : left;
}

static int step(struct reading *r, size_t piece)
{
	return got(r, read(r->fd, r->buf + r->len, room(r, piece)));
}

// The next piece along with what was read before it, which must not have changed.
static int step_odd(struct reading *r, size_t piece)
{
	char again[512];
	// What was read at once, or is read from offset 0, is rendered anew.
	size_t from = r->len % piece ? r->len : r->len > piece ? r->len - piece : r->len > 0;
	size_t back = r->len - from;
	ssize_t n = pread(r->fd, again, room(r, piece) + back, (off_t)from);

	if (n >= 0 && (size_t)n < back)
		wrong(r, "has ended at %zu now", from + (size_t)n);
	if (n > 0 && memcmp(again, r->buf + from, back))
		wrong(r, "reads '%.*s' from %zu on now", (int)n, again, from);
	if (n < 0)
		return got(r, n);
	memcpy(r->buf + r->len, again + back, (size_t)n - back);
	return got(r, n - (ssize_t)back);
}

static void end(struct reading *r)
{
	r->buf[r->len] = '\0';
	if (close(r->fd) < 0)
		wrong(r, "close: %s", strerror(errno));
	if (!r->len || r->buf[r->len - 1] != '\n')
		wrong(r, "has no end");
}

static void one(unsigned long n)
{
	// 131072 is cat's, 1 a shell's; odd ones with pread.
	static const size_t pieces[] = {131072, 1024, 4096, 300, 131072, 97, 131072, 53};
	const unsigned i = n % FILES;
	struct reading *r = &readings[i];
	size_t piece = pieces[(n / FILES) % 8];

	if (i == 2 && n % 5 == 0)
		piece = 1;
	begin(r, files[i].file);
	while (piece % 2 && piece > 1 ? step_odd(r, piece) : step(r, piece))
		;
	end(r);
	files[i].check(r);
}

static void all_at_once(void)
{
	unsigned more = FILES;

	for (int i = 0; i < FILES; i++)
		begin(&readings[i], files[i].file);
	while (more) {
		more = 0;
		for (int i = 0; i < FILES; i++)
			more += step(&readings[i], 128) != 0;
	}
	for (int i = 0; i < FILES; i++) {
		end(&readings[i]);
		files[i].check(&readings[i]);
	}
}

struct entry {
	unsigned long long ino;
	long long off;
	unsigned short size;
	unsigned char type;
	char name[];
};

// By small portions: each asks the daemon for the rest.
static void list(void)
{
	static unsigned count;
	struct reading *r = &readings[0];
	_Alignas(8) char portion[96];
	unsigned n = 0, numbered = 0;
	long got_bytes;

	r->file = "sys/devices/system/cpu";
	r->len = 1;
	r->buf[0] = '\n';
	if (lseek(cpudir, 0, SEEK_SET) < 0)
		wrong(r, "rewind: %s", strerror(errno));
	while ((got_bytes = syscall(SYS_getdents64, cpudir, portion, sizeof portion)) > 0) {
		for (long at = 0; at < got_bytes;) {
			const struct entry *e = (const void *)(portion + at);
			char line[300];

			snprintf(line, sizeof line, "\n%s\n", e->name);
			r->buf[r->len] = '\0';
			if (strstr(r->buf, line))
				wrong(r, "has %s twice", e->name);
			memcpy(r->buf + r->len, line + 1, strlen(line + 1));
			r->len += strlen(line + 1);
			n++;
			numbered += !strncmp(e->name, "cpu", 3) &&
				    isdigit((unsigned char)e->name[3]);
			at += e->size;
		}
	}
	if (got_bytes < 0)
		wrong(r, "getdents: %s", strerror(errno));
	if (!count)
		count = n;
	if (n != count || numbered != cpus)
		wrong(r, "has %u entries, before %u, and %u CPUs, not %u", n, count, numbered, cpus);
}

static void long_one(const char *file)
{
	struct reading *r = &readings[0];

	begin(r, file);
	while (step_odd(r, 251))
		;
	end(r);
}

static void churn(unsigned long n)
{
	static char *memory;

	if (!memory)
		memory = mmap(NULL, CHURN * CHURN_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return;
	if (n % CHURN)
		memset(memory + n % CHURN * CHURN_SIZE, 1, CHURN_SIZE);
	else
		madvise(memory, CHURN * CHURN_SIZE, MADV_DONTNEED);
}

static void open_root(const char *path)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	proc = openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cpudir = openat(root, "sys/devices/system/cpu", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || proc < 0 || cpudir < 0) {
		perror(path);
		exit(111);
	}
}

int main(int argc, char **argv)
{
	double stop, longest = 0;
	unsigned long n, count = 0;

	if (argc != 5 && argc != 3) {
		fprintf(stderr, "usage: vigil SECONDS MEMTOTAL_KB CPUS ROOT | SECONDS FILE\n");
		return 100;
	}
	stop = clock_of(CLOCK_MONOTONIC) + atof(argv[1]);
	signal(SIGTERM, on_term);
	if (argc == 5) {
		total = strtoul(argv[2], NULL, 10);
		cpus = (unsigned)strtoul(argv[3], NULL, 10);
		open_root(argv[4]);
	}
	for (n = 0; !told && clock_of(CLOCK_MONOTONIC) < stop; n++) {
		double start, took;

		churn(n);
		start = clock_of(CLOCK_MONOTONIC);
		if (argc == 3)
			long_one(argv[2]);
		else if (n % 20 == 7)
			all_at_once();
		else if (n % 20 == 13)
			list();
		else
			one(n);
		count += argc == 5 && n % 20 == 7 ? FILES : 1;
		took = clock_of(CLOCK_MONOTONIC) - start;
		longest = took > longest ? took : longest;
	}
	printf("ok %lu %.0f\n", count, longest * 1000);
	return 0;
}

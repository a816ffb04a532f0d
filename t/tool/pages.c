// Holds memory of one kind, touched to the last page, until standard input ends:
// pages KIND BYTES [PATH]
//	anon		private memory
//	huge		private memory, in huge pages as far as the kernel has them
//	locked		private memory that cannot be evicted
//	sparse		BYTES of page tables, and as many pages as there are of those
//	shmem		shared memory that nobody maps
//	shared		shared memory, mapped
//	cache		the first BYTES of the file PATH, read
//	mapped		the same, mapped
//	dirty		the same, written and not synced
// Prints "ready" and how many kB of huge pages it has. The kernel may take back what is a file's
// (some do so at once, with DAMON): cache and mapped are read again until the end.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE = 2 << 20, PER_TABLE = 512, AGAIN_MS = 20 };

static void die(const char *what)
{
	perror(what);
	exit(111);
}

static char *map(size_t bytes, int flags, int fd)
{
	int prot = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
	char *p = mmap(NULL, bytes, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void own(const char *kind, size_t bytes)
{
	size_t sparse = strcmp(kind, "sparse") ? 1 : PER_TABLE;
	char *p = map(bytes * sparse + HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	p += HUGE - (size_t)p % HUGE;
	if (madvise(p, bytes * sparse, strcmp(kind, "huge") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE) < 0 &&
	    !strcmp(kind, "huge"))
		fprintf(stderr, "no huge pages\n");
	for (size_t i = 0; i < bytes * sparse; i += PAGE * sparse)
		p[i] = 1;
	if (!strcmp(kind, "locked") && mlock(p, bytes) < 0)
		die("mlock");
}

static void shared(const char *kind, size_t bytes)
{
	static char page[PAGE];
	int fd;

	if (!strcmp(kind, "shared")) {
		memset(map(bytes, MAP_SHARED | MAP_ANONYMOUS, -1), 1, bytes);
		return;
	}
	fd = memfd_create("pages", MFD_CLOEXEC);
	for (size_t i = 0; i < bytes; i += PAGE)
		if (write(fd, page, PAGE) != PAGE)
			die("memfd");
}

// The last one to close a block device drops its pages: it stays open.
static int file = -1;
static volatile char *mapped;

static void hold(const char *kind, size_t bytes, const char *path)
{
	static char page[PAGE];
	int write_it = !strcmp(kind, "dirty");

	if (file < 0)
		file = open(path, write_it ? O_RDWR | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
	if (file < 0)
		die(path);
	if (!mapped && !strcmp(kind, "mapped"))
		mapped = map(bytes, MAP_SHARED, file);
	for (size_t i = 0; i < bytes; i += PAGE)
		if (mapped)
			(void)mapped[i];
		else if ((write_it ? pwrite(file, page, PAGE, (off_t)i)
				   : pread(file, page, PAGE, (off_t)i)) != PAGE)
			die(path);
}

static long huge_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "AnonHugePages: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int path;
	} kinds[] = {
		{"anon", 0}, {"huge", 0}, {"locked", 0}, {"sparse", 0}, {"shmem", 0},
		{"shared", 0}, {"cache", 1}, {"mapped", 1}, {"dirty", 1},
	};
	size_t bytes = argc > 2 ? strtoull(argv[2], NULL, 0) : 0, i = 0;
	struct pollfd input = {.fd = 0, .events = POLLIN};
	int again;
	char c;

	while (i < sizeof kinds / sizeof *kinds && (argc < 2 || strcmp(kinds[i].name, argv[1])))
		i++;
	if (!bytes || i == sizeof kinds / sizeof *kinds || argc != 3 + kinds[i].path) {
		fprintf(stderr, "usage: pages anon|huge|locked|sparse|shmem|shared BYTES\n"
				"       pages cache|mapped|dirty BYTES PATH\n");
		return 100;
	}
	if (kinds[i].path)
		hold(argv[1], bytes, argv[3]);
	else if (argv[1][0] == 's' && argv[1][1] == 'h')
		shared(argv[1], bytes);
	else
		own(argv[1], bytes);
	again = kinds[i].path && strcmp(argv[1], "dirty") ? AGAIN_MS : -1;
	printf("ready %ld\n", huge_kb());
	fflush(stdout);
	while (poll(&input, 1, again) == 0 || read(0, &c, 1) > 0)
		if (again > 0)
			hold(argv[1], bytes, argv[3]);
	return 0;
}

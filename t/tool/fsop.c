// One file operation from the command line, answered by its result or by the
// name of the errno, so that a shell test can ask for exactly EROFS.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
	"usage: fsop open FLAG[,FLAG...] PATH       rdonly wronly rdwr trunc creat append excl direct directory path nofollow\n"
	"       fsop write FLAG[,FLAG...] PATH TEXT\n"
	"       fsop truncate|unlink|rmdir|mkdir|mkfifo|chmod|chown|utimes|setxattr|getxattr|listxattr|rmxattr PATH\n"
	"       fsop rename|link|symlink FROM TO\n"
	"       fsop writable WHO                   for each path on stdin: WHO, access(2), faccessat(2) with AT_EACCESS,\n"
	"                                           then open wronly, rdwr and append, each also with trunc and creat,\n"
	"                                           as one word if they agree, and the path\n"
	"       fsop fd PATH STEP...                rN read and print, RN read and print the count,\n"
	"                                           pOFF,N PREADs the same way as r, POFF,N as R,\n"
	"                                           sOFF cOFF eOFF lseek SET CUR END, capital prints the position\n"
	"       fsop mmap shared|private PATH       prints what is mapped up to the first NUL\n"
	"       fsop getdents SIZE PATH             names, one a line; count of calls on stderr\n"
	"       fsop statfs PATH                    type and free blocks\n"
	"       fsop thread PATH                    read and printed by a thread whose leader has ended\n"
	"       fsop cgroupns N PATH                read N times, each in a new cgroup namespace; how many could be\n"
	"       fsop hold N PATH                    N descriptors read to their end, then wait for EOF on stdin\n";

static int fail(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 0;
}

static int result(int r)
{
	if (r < 0)
		return fail();
	printf("ok\n");
	return 0;
}

static int flags_of(char *text)
{
	static const struct {
		const char *name;
		int flag;
	} table[] = {
		{"rdonly", O_RDONLY}, {"wronly", O_WRONLY}, {"rdwr", O_RDWR},
		{"trunc", O_TRUNC}, {"creat", O_CREAT}, {"append", O_APPEND},
		{"excl", O_EXCL}, {"direct", O_DIRECT}, {"directory", O_DIRECTORY},
		{"path", O_PATH}, {"nofollow", O_NOFOLLOW}, {"nonblock", O_NONBLOCK},
	};
	int flags = 0;

	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof table / sizeof *table && strcmp(word, table[i].name))
			i++;
		if (i == sizeof table / sizeof *table) {
			fprintf(stderr, "fsop: no such flag: %s\n", word);
			exit(100);
		}
		flags |= table[i].flag;
	}
	return flags;
}

static const char *name_of(int r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

/* One name for all flags, or those that differ from the first. */
static void print_opens(const char *path)
{
	static const int flags[] = {O_WRONLY, O_RDWR, O_WRONLY | O_APPEND};
	static const int more[] = {0, O_TRUNC, O_CREAT, O_CREAT | O_TRUNC};
	const char *first = NULL;

	for (size_t i = 0; i < 12; i++) {
		int with = flags[i / 4] | more[i % 4];
		int fd = open(path, with | O_NONBLOCK | O_CLOEXEC, 0600);
		const char *name = name_of(fd);

		close(fd);
		if (!first)
			printf(" %s", first = name);
		else if (strcmp(first, name))
			printf(" %#x:%s", with, name);
	}
}

static int writable(const char *who)
{
	char *path = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&path, &size, stdin)) > 0) {
		path[n - 1] = '\0';
		printf("%s %s", who, name_of(access(path, W_OK)));
		printf(" %s", name_of(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS)));
		print_opens(path);
		printf(" %s\n", path);
	}
	free(path);
	return 0;
}

static int steps(const char *path, char **step)
{
	static char buf[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail();
	for (; *step; step++) {
		char kind = **step, *arg = *step + 1;
		long long a = strtoll(arg, &arg, 0), b = *arg == ',' ? strtoll(arg + 1, NULL, 0) : 0;
		long long r;

		switch (kind) {
		case 'r': case 'R':
			r = read(fd, buf, a > (long long)sizeof buf ? sizeof buf : (size_t)a);
			break;
		case 'p': case 'P':
			r = pread(fd, buf, b > (long long)sizeof buf ? sizeof buf : (size_t)b, a);
			break;
		case 's': case 'S':
			r = lseek(fd, a, SEEK_SET);
			break;
		case 'c': case 'C':
			r = lseek(fd, a, SEEK_CUR);
			break;
		case 'e': case 'E':
			r = lseek(fd, a, SEEK_END);
			break;
		default:
			fputs(usage, stderr);
			return 100;
		}
		if (r < 0)
			fail();
		else if (kind == 'r' || kind == 'p')
			fwrite(buf, 1, r, stdout);
		else if (kind < 'a')
			printf("%lld\n", r);
	}
	return 0;
}

static int map(const char *how, const char *path)
{
	int shared = !strcmp(how, "shared");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p;

	if (fd < 0)
		return fail();
	p = mmap(NULL, 4096, PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fail();
	fwrite(p, 1, strnlen(p, 4096), stdout);
	return 0;
}

static int list(size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *buf = malloc(size);
	int calls = 0;
	long n;

	if (fd < 0 || !buf)
		return fail();
	while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0) {
		calls++;
		for (long at = 0; at < n;) {
			struct dirent64 *d = (struct dirent64 *)(buf + at);

			printf("%s\n", d->d_name);
			at += d->d_reclen;
		}
	}
	fprintf(stderr, "%d\n", calls);
	return n < 0 ? fail() : 0;
}

static void *reader(void *path)
{
	char buf[1 << 16];
	int fd;
	ssize_t n = 0;

	usleep(50000);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (fd < 0 || n < 0)
		fail();
	fflush(stdout);
	_exit(0);
}

static int cgroupns(int n, const char *path)
{
	struct rlimit limit = {(rlim_t)n + 16, (rlim_t)n + 16};
	char buf[1 << 16];
	int done = 0;

	setrlimit(RLIMIT_NOFILE, &limit);
	/* Each is held, or its number would be used again. */
	while (done < n && unshare(CLONE_NEWCGROUP) == 0 &&
		open("/proc/self/ns/cgroup", O_RDONLY | O_CLOEXEC) >= 0) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, buf, sizeof buf) <= 0)
			break;
		close(fd);
		done++;
	}
	printf("%d\n", done);
	return 0;
}

static int hold(int n, const char *path)
{
	struct rlimit limit = {n + 16, n + 16};
	char buf[4096];

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)n + 16) {
		limit.rlim_cur = (rlim_t)n + 16;
		if (limit.rlim_max < limit.rlim_cur)
			limit.rlim_max = limit.rlim_cur;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return fail();
	}
	for (int i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t r, sum = 0;

		if (fd < 0)
			return fail();
		while ((r = read(fd, buf, sizeof buf)) > 0)
			sum += r;
		if (r < 0)
			return fail();
		if (!sum) {
			printf("empty\n");
			return 1;
		}
	}
	printf("held %d\n", n);
	fflush(stdout);
	while (read(0, buf, sizeof buf) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	const char *op = argc > 2 ? argv[1] : "";
	const char *a = argc > 2 ? argv[2] : NULL, *b = argc > 3 ? argv[3] : NULL;
	int fd;

	if (!strcmp(op, "open") && b) {
		fd = open(b, flags_of(argv[2]) | O_CLOEXEC, 0600);
		return result(fd);
	}
	if (!strcmp(op, "write") && argc == 5) {
		fd = open(b, flags_of(argv[2]) | O_CLOEXEC, 0600);
		return result(fd < 0 ? fd : (int)write(fd, argv[4], strlen(argv[4])));
	}
	if (!strcmp(op, "writable"))
		return writable(a);
	if (!strcmp(op, "truncate"))
		return result(truncate(a, 0));
	if (!strcmp(op, "unlink"))
		return result(unlink(a));
	if (!strcmp(op, "rmdir"))
		return result(rmdir(a));
	if (!strcmp(op, "mkdir"))
		return result(mkdir(a, 0755));
	if (!strcmp(op, "mkfifo"))
		return result(mkfifo(a, 0644));
	if (!strcmp(op, "chmod"))
		return result(chmod(a, 0666));
	if (!strcmp(op, "chown"))
		return result(chown(a, 1, 1));
	if (!strcmp(op, "utimes"))
		return result(utimensat(AT_FDCWD, a, NULL, 0));
	if (!strcmp(op, "setxattr"))
		return result(setxattr(a, "user.x", "1", 1, 0));
	if (!strcmp(op, "getxattr"))
		return result((int)getxattr(a, "user.x", NULL, 0));
	if (!strcmp(op, "listxattr"))
		return result((int)listxattr(a, NULL, 0));
	if (!strcmp(op, "rmxattr"))
		return result(removexattr(a, "user.x"));
	if (!strcmp(op, "rename") && b)
		return result(rename(a, b));
	if (!strcmp(op, "link") && b)
		return result(link(a, b));
	if (!strcmp(op, "symlink") && b)
		return result(symlink(a, b));
	if (!strcmp(op, "fd"))
		return steps(a, argv + 3);
	if (!strcmp(op, "mmap") && b)
		return map(a, b);
	if (!strcmp(op, "getdents") && b)
		return list(strtoul(a, NULL, 0), b);
	if (!strcmp(op, "statfs")) {
		struct statfs s;

		if (statfs(a, &s) < 0)
			return fail();
		printf("%lx %llu\n", (unsigned long)s.f_type, (unsigned long long)s.f_bfree);
		return 0;
	}
	if (!strcmp(op, "thread")) {
		pthread_t t;

		if (pthread_create(&t, NULL, reader, argv[2]) == 0)
			pthread_exit(NULL);
		return 111;
	}
	if (!strcmp(op, "cgroupns") && b)
		return cgroupns(atoi(a), b);
	if (!strcmp(op, "hold") && b)
		return hold(atoi(a), b);
	fputs(usage, stderr);
	return 100;
}

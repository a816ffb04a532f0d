// In a container: lies in wait for the process that the daemon sends into a pid
// namespace to find its init, which lives for some microseconds.
//
//	attack stop|kill|trace|look FILE ROUNDS
//
// In each round a new pid namespace, inside ours, reads FILE, while we try to get
// hold of any process that is not ours, or (look) to see where its descriptors lead.
// Prints "caught N" or "refused N" (it was there, and we may not); for each that was
// traced "caps HEX fds N shared N files N writable N", of its mappings how many it
// shares with others, how many different files they are of and how many kilobytes it can
// write; and for each descriptor that was looked at "fd KIND". What a traced one can
// write of its memory, or of anybody's, is overwritten before it goes on.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 << 10 };

static int caught, refused, same_fd;

static void die(const char *what)
{
	perror(what);
	exit(111);
}

// The init of a new namespace, which reads the file once it is told to.
static int reader(void *arg)
{
	char **argv = arg, buf[4096];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(same_fd, buf, 1) != 1)
		return 1;
	fd = open(argv[2], O_RDONLY);
	if (fd < 0 || read(fd, buf, sizeof buf) <= 0)
		return 1;
	return 0;
}

static FILE *maps_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	return fopen(path, "r");
}

static void overwrite(pid_t pid)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	int mem;
	FILE *maps = maps_of(pid);
	static char zero[4096];

	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	while (mem >= 0 && maps && fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 || perms[1] != 'w')
			continue;
		for (; from < to; from += sizeof zero)
			if (pwrite(mem, zero, sizeof zero, (off_t)from) < 0)
				break;
	}
	if (maps)
		fclose(maps);
	close(mem);
}

// One that has no file mapped is on its way out, by somebody's SIGKILL.
static void report_maps(pid_t pid, const char *caps, int fds)
{
	char line[512], perms[8], inode[32], last[32] = "0";
	unsigned long from, to, writable = 0;
	int shared = 0, files = 0;
	FILE *maps = maps_of(pid);

	while (maps && fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %31s", &from, &to, perms, inode) != 4)
			continue;
		shared += perms[3] == 's';
		writable += perms[1] == 'w' ? to - from : 0;
		files += strcmp(inode, "0") && strcmp(inode, last);
		if (strcmp(inode, "0"))
			strcpy(last, inode);
	}
	if (maps)
		fclose(maps);
	if (files)
		printf("caps %s fds %d shared %d files %d writable %lu\n", caps, fds, shared,
			files, writable >> 10);
}

static void report(pid_t pid)
{
	char path[64], line[256], caps[64] = "?";
	int fds = 0;
	FILE *f;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "CapPrm: %63s", caps);
	if (f)
		fclose(f);
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		fds += e->d_name[0] != '.';
	if (d)
		closedir(d);
	report_maps(pid, caps, fds);
}

// Whether it was there. Its directory of descriptors is root's to list; where they lead
// and what its memory holds is not.
static int look(pid_t pid)
{
	char path[64], to[64];
	ssize_t n;
	int fd;

	for (int i = 0; i < 64; i++) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, i);
		n = readlink(path, to, sizeof to - 1);
		if (n < 0 && errno == ENOENT)
			continue;
		if (n < 0) {
			refused += errno == EACCES;
			return errno == EACCES;
		}
		to[n] = '\0';
		printf("fd %s\n", strtok(to, ":["));
		caught++;
	}
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	if (fd < 0)
		refused += errno == EACCES;
	close(fd);
	return fd >= 0;
}

static int try(const char *how, pid_t pid)
{
	int r;

	if (!strcmp(how, "look"))
		return look(pid);
	if (!strcmp(how, "trace"))
		r = ptrace(PTRACE_SEIZE, pid, 0, 0);
	else
		r = kill(pid, strcmp(how, "stop") ? SIGKILL : SIGSTOP);
	if (r < 0) {
		refused += errno == EPERM;
		return 0;
	}
	caught++;
	if (strcmp(how, "trace"))
		return 1;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	if (waitpid(pid, &r, __WALL) == pid && WIFSTOPPED(r)) {
		report(pid);
		overwrite(pid);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	return 1;
}

static void round_of(char **argv)
{
	static char stack[STACK] __attribute__((aligned(16)));
	int go[2], status;
	pid_t pid, ended;

	if (pipe(go) < 0)
		die("pipe");
	same_fd = go[0];
	pid = clone(reader, stack + STACK, CLONE_NEWPID | SIGCHLD, argv);
	if (pid < 0)
		die("clone");
	if (write(go[1], "", 1) != 1)
		die("write");
	// Numbers are given in order: the next ones are whoever comes next. What was
	// traced and has died is ours to bury, or its namespace does not end.
	for (;;) {
		ended = waitpid(-1, &status, WNOHANG | __WALL);
		if (ended == pid || ended < 0)
			break;
		for (int i = 1; ended == 0 && i <= 3; i++)
			if (try(argv[1], pid + i))
				break;
	}
	close(go[0]);
	close(go[1]);
	if (ended < 0 || status)
		die("reader");
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: attack stop|kill|trace|look FILE ROUNDS\n");
		return 100;
	}
	for (int i = 0; i < atoi(argv[3]); i++)
		round_of(argv);
	printf("caught %d\nrefused %d\n", caught, refused);
	return 0;
}

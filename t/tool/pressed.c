// Sets a pressure trigger and says what comes of it, a word a line:
//	pressed FILE TEXT [WAIT...]
// writes TEXT with the NUL, as programs do; "set" or the error's name. Then each WAIT:
//	poll=SECONDS epoll=SECONDS	waits for POLLPRI: "event"; "error" besides it
//					with POLLERR; "none" in that time
//	count=SECONDS			how many events poll tells of in that time
//	again				writes once more: "set" or the error's name
//	many=N				opens FILE and sets as many more: how many it could,
//					and the error's name
//	say=FILE			makes the file, for those who wait for it
// Without a TEXT ("") nothing is written.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const char *name_of(int error)
{
	switch (error) {
	case EINVAL: return "EINVAL";
	case EBUSY: return "EBUSY";
	case EROFS: return "EROFS";
	case EACCES: return "EACCES";
	case EPERM: return "EPERM";
	case ENOSPC: return "ENOSPC";
	case EAGAIN: return "EAGAIN";
	case EIO: return "EIO";
	default: return strerror(error);
	}
}

static const char *set(int fd, const char *text)
{
	if (fd < 0 || write(fd, text, strlen(text) + 1) != (ssize_t)strlen(text) + 1)
		return name_of(errno);
	return "set";
}

static const char *word(unsigned events)
{
	if (!(events & POLLPRI))
		return "none";
	return events & POLLERR ? "error" : "event";
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static const char *by_poll(int fd, int seconds)
{
	struct pollfd p = {.fd = fd, .events = POLLPRI};

	return word(poll(&p, 1, seconds * 1000) == 1 ? (unsigned)p.revents : 0);
}

static void count(int fd, int seconds)
{
	struct pollfd p = {.fd = fd, .events = POLLPRI};
	long long end = now_ms() + seconds * 1000LL, left;
	int n = 0;

	while ((left = end - now_ms()) > 0 && poll(&p, 1, (int)left) == 1 && !(p.revents & POLLERR))
		n++;
	printf("%d\n", n);
}

static const char *by_epoll(int fd, int seconds)
{
	struct epoll_event e = {.events = EPOLLPRI | EPOLLET};
	int epoll = epoll_create1(0);
	int n = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0
			? -1
			: epoll_wait(epoll, &e, 1, seconds * 1000);

	close(epoll);
	return n < 0 ? name_of(errno) : word(n ? e.events : 0);
}

static void many(const char *file, const char *text, int n)
{
	const char *said = "set";
	int i;

	for (i = 0; i < n; i++) {
		said = set(open(file, O_RDWR | O_CLOEXEC), text);
		if (strcmp(said, "set"))
			break;
	}
	printf("%d %s\n", i, said);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: pressed FILE TEXT [WAIT...]\n");
		return 100;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (*argv[2] || fd < 0)
		puts(fd < 0 ? name_of(errno) : set(fd, argv[2]));
	for (int i = 3; i < argc; i++) {
		const char *arg = strchr(argv[i], '=');
		int n = arg ? atoi(arg + 1) : 0;

		switch (argv[i][0]) {
		case 'p': puts(by_poll(fd, n)); break;
		case 'e': puts(by_epoll(fd, n)); break;
		case 'c': count(fd, n); break;
		case 'a': puts(set(fd, argv[2])); break;
		case 'm': many(argv[1], argv[2], n); break;
		case 's': close(open(arg + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0666)); break;
		default: return 100;
		}
	}
	return 0;
}

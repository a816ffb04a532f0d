// Takes epoll watches until the kernel refuses one (fs.epoll.max_user_watches), says
// "full", and keeps them until standard input ends: watches
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int main(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int file = eventfd(0, 0), epoll;
	char c;

	/* Each instance can watch the file once. */
	do
		epoll = epoll_create1(0);
	while (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) == 0);
	if (errno != ENOSPC) {
		perror("watches");
		return 111;
	}
	printf("full\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

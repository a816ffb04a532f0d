/*
 * See announce.h. Nothing is allocated: the keeper calls this for as long as it lives.
 */
#include "daemon/announce.h"

#include "daemon/log.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

/* sd_notify(3): a datagram of lines; fd (-1: none) goes with it. */
static void notify(const char *text, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr msg = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1};
	size_t len = path ? strlen(path) : 0;
	autofd sock = -1;

	if (len < 2 || len >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warn("telling %s", path);
}

void announce_ready(const struct options *options)
{
	if (options->ready_fd >= 0) {
		if (write(options->ready_fd, "\n", 1) < 0)
			log_warn("--ready-fd=%d", options->ready_fd);
		close(options->ready_fd);
	}
	notify("READY=1\n", -1);
}

void announce_resumed(void)
{
	notify("READY=1\n", -1);
}

void announce_reload(void)
{
	struct timespec ts;
	char text[64];

	/* systemd matches the answer to its question by this time (Type=notify-reload).
	 */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		(unsigned long long)ts.tv_sec * 1000000 +
			(unsigned long long)ts.tv_nsec / 1000);
	notify(text, -1);
}

void announce_end(void)
{
	notify("STOPPING=1\n", -1);
}

void announce_store(int fuse, int state)
{
	notify("FDSTOREREMOVE=1\nFDNAME=" ANNOUNCE_FUSE "\n", -1);
	notify("FDSTOREREMOVE=1\nFDNAME=" ANNOUNCE_STATE "\n", -1);
	notify("FDSTORE=1\nFDNAME=" ANNOUNCE_FUSE "\n", fuse);
	notify("FDSTORE=1\nFDNAME=" ANNOUNCE_STATE "\n", state);
}

bool announce_can_store(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path;
}

// Hands an open file to another process over a unix socket.
//	fdpass recv SOCKET STEP...	waits for one descriptor; STEP as for send
//	fdpass send SOCKET FILE STEP...	opens FILE, does the steps, hands it over
// A STEP is rN or pOFF,N: read or pread N bytes and print them; or wFIFO: wait
// until somebody has written to it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	return 111;
}

static int steps(int fd, char **step)
{
	static char buf[1 << 17];

	for (; *step; step++) {
		char *arg = *step + 1, c;

		if (**step == 'w') {
			int fifo = open(arg, O_RDONLY | O_CLOEXEC);

			if (fifo < 0 || read(fifo, &c, 1) < 0)
				return die(arg);
			close(fifo);
			continue;
		}
		long a = strtol(arg, &arg, 0);
		ssize_t n = **step == 'r' ? read(fd, buf, (size_t)a)
					  : pread(fd, buf, strtoul(arg + 1, NULL, 0), a);

		if (n < 0)
			return die("read");
		fwrite(buf, 1, (size_t)n, stdout);
	}
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = room, .msg_controllen = sizeof room};
	struct cmsghdr *c;
	int s, fd, r;

	if (argc < 3 || strlen(argv[2]) >= sizeof addr.sun_path) {
		fprintf(stderr, "usage: fdpass recv SOCKET STEP... | send SOCKET FILE STEP...\n");
		return 100;
	}
	strcpy(addr.sun_path, argv[2]);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strcmp(argv[1], "recv") == 0) {
		if (bind(s, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(s, 1) < 0)
			return die("listen");
		s = accept(s, NULL, NULL);
		if (s < 0 || recvmsg(s, &msg, MSG_CMSG_CLOEXEC) < 0)
			return die("recvmsg");
		c = CMSG_FIRSTHDR(&msg);
		if (!c || c->cmsg_type != SCM_RIGHTS) {
			fprintf(stderr, "no descriptor came\n");
			return 111;
		}
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		return steps(fd, argv + 3);
	}
	fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return die(argv[3]);
	r = steps(fd, argv + 4);
	if (r)
		return r;
	// The receiver may still be starting.
	for (int i = 0; connect(s, (struct sockaddr *)&addr, sizeof addr) < 0; i++) {
		if (i == 1000 || (errno != ENOENT && errno != ECONNREFUSED))
			return die("connect");
		usleep(10000);
	}
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(s, &msg, 0) < 0 ? die("sendmsg") : 0;
}

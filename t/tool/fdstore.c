// A service manager with a descriptor store, as systemd is one for a service with
// Type=notify and FileDescriptorStoreMax:
//	fdstore DIR COMMAND...
// Each line of standard input that says "start" runs COMMAND with NOTIFY_SOCKET and,
// when something is stored, LISTEN_FDS; "plain ARGUMENT..." runs it with these
// arguments before its last one, what is stored from descriptor 3 on, and no such
// variables; "drop" empties the store. DIR/log gets what COMMAND tells, DIR/pid its
// process id, and "ended STATUS" when it ended. The end of input ends this too.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORE = 8, FIRST = 3, HIGH = 50 };

static struct {
	int fd;
	char name[32];
} store[STORE];
static int stored;
static const char *dir;
static char notify[108];
static char **command;
static pid_t child;

static void die(const char *what)
{
	perror(what);
	exit(111);
}

__attribute__((format(printf, 2, 3))) static void put(const char *name, const char *format, ...)
{
	char path[256];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, strcmp(name, "log") ? "we" : "ae");
	if (!f)
		die(path);
	va_start(ap, format);
	vfprintf(f, format, ap);
	va_end(ap);
	fclose(f);
}

static void drop(const char *name)
{
	int kept = 0;

	for (int i = 0; i < stored; i++) {
		if (!name || strcmp(store[i].name, name) == 0)
			close(store[i].fd);
		else
			store[kept++] = store[i];
	}
	stored = kept;
}

static void keep(const char *name, int fd)
{
	if (stored == STORE || fd < 0)
		return;
	store[stored].fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	snprintf(store[stored++].name, sizeof store[0].name, "%s", name);
	close(fd);
}

static void start(char *arguments)
{
	char names[STORE * 32] = "", number[16], *argv[64];
	int n = 0, last = 0;

	child = fork();
	if (child) {
		put("pid", "%d\n", (int)child);
		put("log", "started\n");
		return;
	}
	for (int i = 0; i < stored; i++) {
		if (dup2(store[i].fd, FIRST + i) < 0)
			die("dup2");
		strcat(strcat(names, i ? ":" : ""), store[i].name);
	}
	while (command[last + 1])
		argv[n++] = command[last++];
	if (arguments) {
		for (char *a = strtok(arguments, " "); a; a = strtok(NULL, " "))
			argv[n++] = a;
	} else {
		setenv("NOTIFY_SOCKET", notify, 1);
		snprintf(number, sizeof number, "%d", stored);
		setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		snprintf(number, sizeof number, "%d", (int)getpid());
		setenv("LISTEN_PID", number, 1);
	}
	argv[n++] = command[last];
	argv[n] = NULL;
	execv(argv[0], argv);
	die(argv[0]);
}

static void told(int sock)
{
	char text[1024], room[CMSG_SPACE(sizeof(int))], name[32] = "";
	struct iovec iov = {text, sizeof text - 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
			     .msg_controllen = sizeof room};
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	char *at;
	int fd = -1;

	if (n < 0)
		die("recvmsg");
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	at = strstr(text, "FDNAME=");
	if (at)
		sscanf(at, "FDNAME=%31[^\n]", name);
	if (strstr(text, "FDSTOREREMOVE=1"))
		drop(name);
	else if (strstr(text, "FDSTORE=1"))
		keep(name, fd);
	put("log", "%s", text);
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct pollfd pfd[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
	char line[1024];
	int status;

	if (argc < 4) {
		fprintf(stderr, "usage: fdstore DIR COMMAND...\n");
		return 100;
	}
	dir = argv[1];
	command = argv + 2;
	snprintf(notify, sizeof notify, "%s/notify", dir);
	memcpy(addr.sun_path, notify, sizeof notify);
	pfd[1].fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(pfd[1].fd, (struct sockaddr *)&addr, sizeof addr) < 0)
		die(notify);
	for (;;) {
		if (poll(pfd, 2, 20) < 0)
			die("poll");
		if (pfd[1].revents)
			told(pfd[1].fd);
		else if (child && waitpid(child, &status, WNOHANG) == child) {
			put("log", "ended %d\n",
			    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
			child = 0;
		}
		if (!pfd[0].revents)
			continue;
		// One line a write, from a shell's echo.
		ssize_t n = read(0, line, sizeof line - 1);
		if (n <= 0)
			return 0;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "drop") == 0)
			drop(NULL);
		else
			start(strncmp(line, "plain ", 6) ? NULL : line + 6);
	}
}

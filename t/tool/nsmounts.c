// nsmounts FILE: the mountinfo of the mount namespace that FILE (such as
// /proc/PID/fd/N) refers to, as seen from its root.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;
	int proc, ns, fd;

	if (argc != 2)
		return 100;
	proc = open("/proc", O_PATH | O_DIRECTORY);
	ns = open(argv[1], O_RDONLY);
	if (proc < 0 || ns < 0 || setns(ns, CLONE_NEWNS) < 0) {
		perror(argv[1]);
		return 111;
	}
	fd = openat(proc, "self/mountinfo", O_RDONLY);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (write(1, buf, n) != n)
			return 111;
	return n ? 111 : 0;
}

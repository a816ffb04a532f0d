// COUNT processes that read FILE again and again, from one moment on and for SECONDS: open, read
// to the end, close. Prints "ok READINGS".
// crowd COUNT SECONDS FILE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_once(const char *file)
{
	static char buf[1 << 14];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0)
		n = read(fd, buf, sizeof buf);
	if (n < 0)
		err(111, "%s", file);
	close(fd);
}

int main(int argc, char **argv)
{
	int status, bad = 0, begin[2], count = argc == 4 ? atoi(argv[1]) : 0;
	unsigned long *readings = mmap(NULL, sizeof *readings, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double end;
	char byte;

	if (count <= 0 || readings == MAP_FAILED || pipe(begin) < 0) {
		fprintf(stderr, "usage: crowd COUNT SECONDS FILE\n");
		return 100;
	}
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(111, "fork");
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(begin[1]);
		if (read(begin[0], &byte, 1) < 0)
			err(111, "pipe");
		end = now() + atof(argv[2]);
		while (now() < end) {
			read_once(argv[3]);
			__atomic_fetch_add(readings, 1, __ATOMIC_RELAXED);
		}
		_exit(0);
	}
	close(begin[1]);
	while (wait(&status) > 0)
		bad |= status;
	printf("ok %lu\n", *readings);
	return bad ? 111 : 0;
}

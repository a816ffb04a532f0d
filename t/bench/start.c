// How long a server takes until its mount answers: starts COMMAND, reads FILE until that works,
// prints the microseconds from the start to the end of that read, and ends COMMAND.
// start FILE COMMAND...
#include "t/bench/hist.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { PATIENCE_S = 20 };

static int answers(const char *file)
{
	char byte;
	int fd = open(file, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return 0;
	r = read(fd, &byte, 1) == 1;
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	uint64_t start = now_ns(), took = 0;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: start FILE COMMAND...\n");
		return 100;
	}
	pid = fork();
	if (pid < 0)
		err(111, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(2, 1);
		execvp(argv[2], argv + 2);
		err(111, "%s", argv[2]);
	}
	while (!took && now_ns() - start < PATIENCE_S * UINT64_C(1000000000)) {
		if (answers(argv[1]))
			took = now_ns() - start;
		else if (waitpid(pid, NULL, WNOHANG) > 0)
			errx(111, "%s ended", argv[2]);
		else
			usleep(100);
	}
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (!took)
		errx(111, "%s does not answer", argv[1]);
	printf("%llu\n", (unsigned long long)took / 1000);
	return 0;
}

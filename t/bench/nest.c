// A host within the host: nest COMMAND... runs it with pid and mount namespaces of its own
// and a /proc that shows them. Signals that ask for an end are passed on, and whoever kills
// this process asks for one as well: the command cleans up after itself.
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int signum)
{
	kill(child, signum);
}

static void run(char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		err(111, "mount /proc");
	execvp(*argv, argv);
	err(111, "%s", *argv);
}

int main(int argc, char **argv)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: nest COMMAND...\n");
		return 100;
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		err(111, "unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err(111, "private mounts");
	child = fork();
	if (child < 0)
		err(111, "fork");
	if (child == 0)
		run(argv + 1);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], pass_on);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(111, "wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

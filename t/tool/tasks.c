// Makes tasks in the states that load averages are about: tasks KIND=N...
//	busy=N		processes that only use CPU time
//	block=N		processes in state D (each waits for a vfork child, which sleeps)
//	threads=N	sleeping threads, as many as there can be
// Prints "busy B block B threads T" when they are there, then sleeps. They end with it.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static long threads(long n)
{
	pthread_attr_t attr;
	pthread_t thread;
	long i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (i = 0; i < n; i++)
		if (pthread_create(&thread, &attr, sleeper, NULL))
			break;
	return i;
}

static void busy(void)
{
	for (volatile unsigned x = 0;; x++)
		;
}

static void block(void)
{
	// A vfork child that is killed lets its parent go on, and that ends.
	if (vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	_exit(0);
}

static long processes(long n, void (*call)(void))
{
	long i;

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			call();
		}
	}
	return i;
}

static long value(char **argv, const char *key)
{
	for (; *argv; argv++)
		if (!strncmp(*argv, key, strlen(key)))
			return atol(*argv + strlen(key));
	return 0;
}

int main(int argc, char **argv)
{
	long b, d;

	if (argc < 2) {
		fprintf(stderr, "usage: tasks [busy=N] [block=N] [threads=N]\n");
		return 100;
	}
	b = processes(value(argv, "busy="), busy);
	d = processes(value(argv, "block="), block);
	printf("busy %ld block %ld threads %ld\n", b, d, threads(value(argv, "threads=")));
	fflush(stdout);
	for (;;)
		pause();
}

/*
 * nsutil/nsid: namespaces by number, and how long a number stays good.
 */
#include "nsutil/nsid.h"

#include "nsutil/cleanup.h"
#include "nsutil/pidfd.h"
#include "t/unit/namespace.h"
#include "t/unit/tap.h"

#include <pthread.h>
#include <time.h>

static int proc;

static uint64_t number(pid_t pid)
{
	uint64_t ino = 0;

	nsid_of(proc, pid, NS_PID, &ino);
	return ino;
}

static void test_numbers(void)
{
	pid_t init = ns_init(CLONE_NEWCGROUP);
	uint64_t own = number(getpid()), theirs = number(init), cgroup = 0, proc_ino = 0;
	int fd;

	ok(own && theirs && own != theirs, "two pid namespaces have two numbers");
	ok(nsid_of(proc, init, NS_CGROUP, &cgroup) == 0 && cgroup != theirs,
		"its cgroup namespace");
	fd = nsid_open_as(proc, init, NS_PID, theirs);
	ok(fd >= 0, "opened by its number");
	fd_close(fd);
	is_int(nsid_open_as(proc, init, NS_PID, own), -ESRCH, "not by another");
	is_int(nsid_is_init(proc, init), 1, "an init");
	is_int(nsid_is_init(proc, getpid()), getpid() == 1, "no init");
	ok(nsid_of_proc(proc, init, &proc_ino) == 0 && proc_ino,
		"a number of its directory");
	ok(!nsid_is_zombie(proc, init), "it lives");
	kill(init, SIGKILL);
	while (waitid(P_PID, (id_t)init, NULL, WEXITED | WNOWAIT) < 0)
		;
	ok(nsid_is_zombie(proc, init), "dead and not reaped");
	waitpid(init, NULL, 0);
	ok(nsid_of(proc, init, NS_PID, &theirs) < 0 &&
			nsid_open(proc, init, NS_PID) < 0 &&
			nsid_of_proc(proc, init, &proc_ino) < 0 &&
			!nsid_is_zombie(proc, init),
		"gone");
}

/* Namespaces go some time after their last process. */
static void settle(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Whether one of some later namespaces has the number. */
static bool comes_again(uint64_t ino)
{
	bool again = false;

	for (int i = 0; i < 40; i++) {
		pid_t pid = ns_init(0);
		again = again || number(pid) == ino;
		ns_end(pid);
	}
	return again;
}

/* What cache/pidns relies on. */
static void test_pin(void)
{
	bool pinned_again = false;

	for (int i = 0; i < 10; i++) {
		pid_t pid = ns_init(0);
		uint64_t ino = number(pid);
		int pin = pidfd_get(pid);

		if (pin < 0)
			pin = nsid_open(proc, pid, NS_PID);
		ns_end(pid);
		settle();
		pinned_again = pinned_again || comes_again(ino);
		fd_close(pin);
	}
	ok(!pinned_again, "the number of a pinned namespace is not given to another");
}

static void test_outermost(void)
{
	pid_t outer, inner = ns_nested(&outer);
	int in = nsid_open(proc, inner, NS_PID), out = nsid_open(proc, outer, NS_PID),
	    own = nsid_open(proc, getpid(), NS_PID);
	uint64_t here, there, below, parent, cgns;

	nsid_of(proc, getpid(), NS_PID, &here);
	nsid_of(proc, outer, NS_PID, &there);
	nsid_of(proc, inner, NS_PID, &below);
	is_u64(nsid_outermost(out, there, here, &parent), there, "below ours: itself");
	is_u64(parent, here, "just below");
	is_u64(nsid_outermost(in, below, here, &parent), there,
		"further down: the one around it");
	is_u64(parent, there, "which is just around it");
	is_u64(nsid_outermost(in, below, there, &parent), below, "as seen from there");
	is_u64(nsid_outermost(in, below, 1, &parent), here, "as far as can be seen");
	is_u64(nsid_outermost(own, here, here, &parent), 0, "not below");
	is_u64(nsid_outermost(-1, below, here, &parent), below,
		"itself when it cannot be told");
	is_u64(parent, 0, "and nothing around it");
	nsid_of(proc, outer, NS_CGROUP, &cgns);
	is_u64(nsid_cgns_around(proc, inner, there), cgns, "where it was made");
	is_u64(nsid_cgns_around(proc, inner, 1), 0, "no ancestor there");
	is_u64(nsid_cgns_around(proc, -1, there), 0, "nobody");
	close(in);
	close(out);
	close(own);
	ns_end(outer);
}

static void *sleep_forever(void *arg)
{
	prctl(PR_SET_NAME, "second");
	for (;;)
		pause();
	return arg;
}

/* A process whose first thread has ended is a zombie by that thread's number only. */
static void test_leader(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, sleep_forever, NULL);
		pthread_exit(NULL);
	}
	for (int i = 0; i < 3000 && !nsid_is_zombie(proc, pid); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	ok(nsid_is_zombie(proc, pid), "a leader that has ended before its threads");
	ok(number(pid) == number(getpid()), "its namespace can still be asked for");
	ns_end(pid);
}

static void test_start_time(void)
{
	uint64_t before, after;
	struct timespec now;
	pid_t pid = ns_init(0);

	clock_gettime(CLOCK_BOOTTIME, &now);
	after = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	ok(nsid_start_time(proc, pid, sysconf(_SC_CLK_TCK), &before) == 0 &&
			before <= after && after - before < UINT64_C(60000000000),
		"started just now");
	ns_end(pid);
	ok(nsid_start_time(proc, pid, 100, &before) < 0, "gone");
}

/* What a command may be called, and its start time all the same. */
static void test_comm(void)
{
	static const char *const names[] = {
		"plain", "two words", ") R 1 2 3 (", "((", "))", "a) S (b", "", "\n) 7"};
	uint64_t want = 0, got;
	char old[16];
	unsigned wrong = 0;

	prctl(PR_GET_NAME, old);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		prctl(PR_SET_NAME, names[i]);
		wrong += nsid_start_time(proc, getpid(), 100, &got) != 0 ||
			 (i && got != want);
		want = got;
	}
	prctl(PR_SET_NAME, old);
	is_u64(wrong, 0, "commands with blanks, parentheses and newlines");
}

int main(void)
{
	if (geteuid())
		return tap_skip_all("needs root");
	if (!ns_allowed(CLONE_NEWCGROUP))
		return tap_skip_all("namespaces are refused here");
	proc = ns_proc();
	test_numbers();
	test_pin();
	test_outermost();
	test_leader();
	test_start_time();
	test_comm();
	return tap_done();
}

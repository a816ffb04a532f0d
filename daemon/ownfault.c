/*
 * See ownfault.h. The handler does nothing but store into the journal.
 */
#include "daemon/ownfault.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static struct journal *excused;

bool ownfault_signal(int signum)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == signum)
			return true;
	return false;
}

static void on_signal(int signum, siginfo_t *info, void *context)
{
	(void)context;
	/* Codes up to 0 are those of kill(2) and its like; abort(3) is from within. */
	if (info->si_code <= 0 && info->si_pid != getpid())
		journal_excuse(excused);
	/* The handler is reset: this time it ends the process, when the handler returns.
	 */
	raise(signum);
}

void ownfault_watch(struct journal *journal)
{
	const struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESETHAND};
	struct sigaction old;

	excused = journal;
	/* A sanitizer has handlers of its own. */
	for (size_t i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

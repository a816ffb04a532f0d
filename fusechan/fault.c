/*
 * See fault.h. Empty but in the tests' own binary.
 */
#include "fusechan/fault.h"

#ifdef FAULT_INJECTION

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char *const names[FAULT_STAGES] = {
	[FAULT_STARTUP] = "startup:",
	[FAULT_INIT] = "init:",
	[FAULT_READ] = "read:",
	[FAULT_TAKEN] = "taken:",
	[FAULT_PARKED] = "parked:",
	[FAULT_RENDERED] = "rendered:",
	[FAULT_REPLY] = "reply:",
	[FAULT_REPLIED] = "replied:",
};

static unsigned long period[FAULT_STAGES];
static unsigned spared;

static void configure(void)
{
	const char *list = getenv("EVLXCFS_FAULT");

	for (int i = 0; list && i < FAULT_STAGES; i++) {
		const char *at = strstr(list, names[i]);
		/* "read:" must not be found in "unread:". */
		if (at && (at == list || at[-1] == ','))
			period[i] = strtoul(at + strlen(names[i]), NULL, 10);
	}
}

/* What a worker that lacks something does. A byte in the file counts it. */
static void fail_while_there(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd >= 0)
		_exit(write(fd, ".", 1) == 1 ? 111 : 112);
}

void fault_point(enum fault_stage stage)
{
	static unsigned long passed[FAULT_STAGES];
	static int configured, answered;
	unsigned random;

	if (stage == FAULT_STARTUP)
		fail_while_there(getenv("EVLXCFS_FAULT_WHILE"));
	if (!configured++)
		configure();
	if (stage == FAULT_REPLIED)
		answered = 1;
	if (!period[stage])
		return;
	if (stage == FAULT_STARTUP) {
		if (getrandom(&random, sizeof(random), 0) > 0 &&
			random % period[stage] == 0)
			abort();
		return;
	}
	if ((answered || stage == FAULT_INIT) && ++passed[stage] >= period[stage] &&
		(!spared || stage == FAULT_READ))
		abort();
}

void fault_spare(unsigned faults)
{
	spared = faults;
}

void fault_offset(uint64_t offset)
{
	if (offset == FAULT_OFFSET_ABORT)
		abort();
	if (offset == FAULT_OFFSET_STOP)
		raise(SIGSTOP);
	while (offset == FAULT_OFFSET_SLEEP)
		pause();
	if (offset == FAULT_OFFSET_LOOP)
		for (;;)
			;
}

#endif

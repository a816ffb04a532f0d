/*
 * See privileges.h.
 */
#include "daemon/privileges.h"

#include "daemon/log.h"
#include "nsutil/caps.h"
#include "nsutil/cleanup.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Whoever executed this binary in its own place had done it before. */
static bool has_standard(void)
{
	return fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
	       fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

bool privileges_open_standard(void)
{
	autofd fd = open("/dev/null", O_RDWR);

	/* It gets the lowest free number; one of the first three stays. */
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0) {
		log_warn("/dev/null");
		return has_standard();
	}
	if (dup2(fd, STDIN_FILENO) < 0) {
		log_warn("standard input");
		return false;
	}
	return true;
}

void privileges_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t privileges_unused(const struct options *options)
{
	const uint64_t triggers =
		UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_SYS_RESOURCE;

	return options->drop | (options->psi_poll ? 0 : triggers);
}

const char *privileges_hint(int error, int capability)
{
	static char text[40];
	char name[20] = "";

	if ((error != -EPERM && error != -EACCES) || caps_permitted() >> capability & 1)
		return "";
	snprintf(name, sizeof(name), "%s", caps_name(capability));
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	snprintf(text, sizeof(text), " (CAP_%s is missing)", name);
	return text;
}

bool privileges_keep(const struct options *options)
{
	int r = caps_keep(privileges_unused(options));

	if (r < 0)
		log_warnx("cannot give up capabilities: %s", strerror(-r));
	if (r == CAPS_UNBOUNDED)
		log_debug("the bounding set of capabilities cannot be made smaller");
	return r >= 0;
}

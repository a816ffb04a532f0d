/*
 * A line is formatted in one buffer and written at once, so that lines of several
 * processes do not mix. Whoever reads the log may be stopped, or have no room on a disk:
 * a line that would have to wait is lost, or all readers would wait with it.
 */
#include "daemon/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool log_verbose;

/* A pipe that can be written to takes a line whole (PIPE_BUF), and so does a socket. The
 * description is shared with others: it is not made non-blocking. */
static bool is_listening(void)
{
	struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&pfd, 1, 0) > 0 && pfd.revents & POLLOUT;
}

__attribute__((format(printf, 2, 0))) static void log_line(
	int error, const char *fmt, va_list ap)
{
	char line[512] = "evlxcfs: ";
	size_t len = strlen(line), room = sizeof(line) - 1;
	int saved = errno;
	int n = vsnprintf(line + len, room - len, fmt, ap);

	if (n > 0)
		len += (size_t)n < room - len ? (size_t)n : room - len - 1;
	if (error) {
		n = snprintf(line + len, room - len, ": %s", strerror(error));
		if (n > 0)
			len += (size_t)n < room - len ? (size_t)n : room - len - 1;
	}
	line[len++] = '\n';
	if (is_listening() && write(STDERR_FILENO, line, len) < 0)
		errno = 0; /* nobody listens; there is nowhere to say so */
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(errno, fmt, ap);
	va_end(ap);
}

void log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(0, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(0, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line(0, fmt, ap);
	va_end(ap);
}

bool log_allowed(struct log_limit *limit, uint64_t now_ns)
{
	if (now_ns < limit->next_ns) {
		limit->held++;
		return false;
	}
	limit->next_ns = now_ns + UINT64_C(60000000000);
	return true;
}

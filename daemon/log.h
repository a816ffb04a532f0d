/*
 * One line per event on standard error. Only daemon/ speaks.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* -d: also log_debug. */
extern bool log_verbose;

/* Appends ": " and the text of errno. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Does not. */
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For what a container can cause: true at most once a minute for each limiter. It counts
 * what it holds back; the next true line can tell with *held. */
struct log_limit {
	uint64_t next_ns;
	unsigned long held;
};
bool log_allowed(struct log_limit *limit, uint64_t now_ns);

#endif

/*
 * TAP for unit tests: each check prints one line; tap_done() prints the plan and gives
 * the exit status.
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool ok(
	bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failed += !good;
	return good;
}

static inline bool is_u64(uint64_t got, uint64_t want, const char *what)
{
	if (ok(got == want, "%s", what))
		return true;
	printf("# got  %llu\n# want %llu\n", (unsigned long long)got,
		(unsigned long long)want);
	return false;
}

static inline bool is_int(long long got, long long want, const char *what)
{
	if (ok(got == want, "%s", what))
		return true;
	printf("# got  %lld\n# want %lld\n", got, want);
	return false;
}

static inline void tap_text(const char *label, const char *text)
{
	printf("# %s:\n", label);
	while (text && *text) {
		size_t n = strcspn(text, "\n");
		printf("#   %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static inline bool is_str(const char *got, const char *want, const char *what)
{
	if (ok(got && !strcmp(got, want), "%s", what))
		return true;
	tap_text("got", got ? got : "(null)");
	tap_text("want", want);
	return false;
}

/* Leaves out `count` checks: a line each, which is a failure where EVLXCFS_TEST_NO_SKIP
 * forbids it. */
static inline void tap_skip(int count, const char *reason)
{
	const bool allowed = !getenv("EVLXCFS_TEST_NO_SKIP");

	for (; count; count--) {
		printf("%sok %d %s %s\n", allowed ? "" : "not ", ++tap_count,
			allowed ? "# SKIP" : "- skipped, which is not allowed here:",
			reason);
		tap_failed += !allowed;
	}
}

/* Leaves out the whole test. Returns the exit status. */
static inline int tap_skip_all(const char *reason)
{
	if (getenv("EVLXCFS_TEST_NO_SKIP")) {
		tap_skip(1, reason);
		printf("1..1\n");
		return 1;
	}
	printf("1..0 # SKIP %s\n", reason);
	return 0;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif

/*
 * The text of one answer, growing as a view writes it. Writing never fails for the
 * writer: running out of memory is remembered and asked for once, at the end. No stdio on
 * this way.
 */
#ifndef DAEMON_OUTBUF_H
#define DAEMON_OUTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbuf {
	char *data;
	size_t len, cap;
	bool failed; /* out of memory: what is there is not whole */
	bool lent;   /* data is somebody else's; a text that outgrows it moves */
};

void outbuf_deinit(struct outbuf *out);
/* Empties it; what is written next goes to cap bytes at data, which outlive it. */
void outbuf_lend(struct outbuf *out, char *data, size_t cap);
/* Empties it and keeps the memory. */
void outbuf_reset(struct outbuf *out);

void out_mem(struct outbuf *out, const void *data, size_t len);
/* The same and a newline. Gives the place of what it wrote; NULL without memory. */
char *out_line(struct outbuf *out, const void *data, size_t len);
void out_str(struct outbuf *out, const char *text);
void out_char(struct outbuf *out, char c);
/* Decimal. */
void out_u64(struct outbuf *out, uint64_t v);
/* Decimal, right-aligned with blanks in at least `width` columns, as "%*llu". */
void out_u64_right(struct outbuf *out, uint64_t v, unsigned width);
/* Decimal, into at most OUT_DIGITS bytes that end before `end`; gives the first. */
enum { OUT_DIGITS = 20 };
char *out_digits(char *end, uint64_t v);
/* Text, left-aligned with blanks behind it in at least `width` columns, as "%-*s". */
void out_str_left(struct outbuf *out, const char *text, unsigned width);
/* v / 100 with two decimals, as "%llu.%02llu". */
void out_hundredths(struct outbuf *out, uint64_t v);
/* Makes room for len more bytes and gives the place; NULL without memory. The caller
 * fills it and adds to out->len. */
char *out_reserve(struct outbuf *out, size_t len);

#endif

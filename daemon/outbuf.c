/*
 * Growing text buffer of a view. See outbuf.h.
 */
#include "daemon/outbuf.h"

#include <stdlib.h>
#include <string.h>

enum { OUTBUF_FIRST = 2048 };

void outbuf_deinit(struct outbuf *out)
{
	if (!out->lent)
		free(out->data);
	*out = (struct outbuf){0};
}

void outbuf_lend(struct outbuf *out, char *data, size_t cap)
{
	outbuf_deinit(out);
	*out = (struct outbuf){.data = data, .cap = cap, .lent = true};
}

void outbuf_reset(struct outbuf *out)
{
	out->len = 0;
	out->failed = false;
}

char *out_reserve(struct outbuf *out, size_t len)
{
	size_t cap = out->cap ? out->cap : OUTBUF_FIRST;
	char *data;

	if (out->failed)
		return NULL;
	if (out->cap - out->len >= len)
		return out->data + out->len;
	while (cap - out->len < len)
		cap *= 2;
	data = realloc(out->lent ? NULL : out->data, cap);
	if (!data) {
		out->failed = true;
		return NULL;
	}
	if (out->lent)
		memcpy(data, out->data, out->len);
	out->lent = false;
	out->data = data;
	out->cap = cap;
	return data + out->len;
}

void out_mem(struct outbuf *out, const void *data, size_t len)
{
	char *to;

	if (len && (to = out_reserve(out, len))) {
		memcpy(to, data, len);
		out->len += len;
	}
}

char *out_line(struct outbuf *out, const void *data, size_t len)
{
	char *to = out_reserve(out, len + 1);

	if (!to)
		return NULL;
	if (len)
		memcpy(to, data, len);
	to[len] = '\n';
	out->len += len + 1;
	return to;
}

void out_str(struct outbuf *out, const char *text)
{
	out_mem(out, text, strlen(text));
}

void out_char(struct outbuf *out, char c)
{
	out_mem(out, &c, 1);
}

static void out_pad(struct outbuf *out, size_t used, unsigned width)
{
	char *to;

	if (used < width && (to = out_reserve(out, width - used))) {
		memset(to, ' ', width - used);
		out->len += width - used;
	}
}

char *out_digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return end;
}

void out_u64_right(struct outbuf *out, uint64_t v, unsigned width)
{
	char digits[OUT_DIGITS], *const end = digits + OUT_DIGITS,
					*p = out_digits(end, v);

	out_pad(out, (size_t)(end - p), width);
	out_mem(out, p, (size_t)(end - p));
}

void out_u64(struct outbuf *out, uint64_t v)
{
	out_u64_right(out, v, 0);
}

void out_str_left(struct outbuf *out, const char *text, unsigned width)
{
	out_str(out, text);
	out_pad(out, strlen(text), width);
}

void out_hundredths(struct outbuf *out, uint64_t v)
{
	out_u64(out, v / 100);
	out_char(out, '.');
	out_char(out, (char)('0' + v / 10 % 10));
	out_char(out, (char)('0' + v % 10));
}

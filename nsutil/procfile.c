/*
 * Reading and walking the kernel's text files. Nothing here knows a file by name.
 */
#include "nsutil/procfile.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <string.h>

enum { TEXTBUF_FIRST = 4096, TEXTBUF_MAX = 64 << 20 };

void textbuf_deinit(struct textbuf *buf)
{
	free(buf->data);
	*buf = (struct textbuf){0};
}

static int textbuf_grow(struct textbuf *buf)
{
	size_t cap = buf->cap ? buf->cap * 2 : TEXTBUF_FIRST;
	char *data;

	if (cap > TEXTBUF_MAX)
		return -EFBIG;
	data = realloc(buf->data, cap);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

static int textbuf_fail(struct textbuf *buf, int error)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
	return error;
}

enum read_flags {
	READ_FROM_START = 1, /* else from where the descriptor is */
	READ_SINGLE = 2,     /* a short read is the end */
};

/* A seq_file hands out whole records, so a short read is not the end of the file, unless
 * it has only one; an empty read always is. */
static int read_all(int fd, unsigned flags, struct textbuf *buf)
{
	buf->len = 0;
	for (;;) {
		ssize_t n;
		size_t room;
		int r;

		if (buf->cap - buf->len < 2 && (r = textbuf_grow(buf)) < 0)
			return textbuf_fail(buf, r);
		room = buf->cap - buf->len - 1;
		n = flags & READ_FROM_START
			    ? pread(fd, buf->data + buf->len, room, (off_t)buf->len)
			    : read(fd, buf->data + buf->len, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return textbuf_fail(buf, -errno);
		buf->len += (size_t)n;
		if (n == 0 || (flags & READ_SINGLE && (size_t)n < room))
			break;
	}
	buf->data[buf->len] = '\0';
	return 0;
}

int procfile_pread(int fd, struct textbuf *buf)
{
	return read_all(fd, READ_FROM_START, buf);
}

int procfile_pread_single(int fd, struct textbuf *buf)
{
	return read_all(fd, READ_FROM_START | READ_SINGLE, buf);
}

int procfile_drain(int fd, struct textbuf *buf)
{
	return read_all(fd, 0, buf);
}

int procfile_read(int dirfd, const char *path, struct textbuf *buf)
{
	autofd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return textbuf_fail(buf, -errno);
	return procfile_pread(fd, buf);
}

bool slice_is(struct slice s, const char *text)
{
	/* Most end at the first character; an empty slice may point nowhere. */
	if (!s.len || *s.p != *text)
		return !s.len && !*text;
	return strlen(text) == s.len && memcmp(s.p, text, s.len) == 0;
}

bool procfile_line(const char **cursor, struct slice *line)
{
	const char *p = *cursor, *end;

	if (!p || !*p)
		return false;
	end = strchrnul(p, '\n');
	*line = (struct slice){p, (size_t)(end - p)};
	*cursor = *end ? end + 1 : end;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool slice_word(struct slice *line, struct slice *word)
{
	size_t n = 0;

	while (line->len && is_blank(*line->p)) {
		line->p++;
		line->len--;
	}
	while (n < line->len && !is_blank(line->p[n]))
		n++;
	*word = (struct slice){line->p, n};
	line->p += n;
	line->len -= n;
	return n > 0;
}

bool slice_u64(struct slice s, uint64_t *out)
{
	uint64_t v = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');
		if (digit > 9)
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, digit, &v))
			v = UINT64_MAX;
	}
	*out = v;
	return true;
}

int procfile_value(const char *text, uint64_t *out)
{
	struct slice line, word;

	if (!procfile_line(&text, &line) || !slice_word(&line, &word))
		return -EINVAL;
	if (slice_is(word, "max") || slice_is(word, "-1")) {
		*out = UINT64_MAX;
		return 0;
	}
	return slice_u64(word, out) ? 0 : -EINVAL;
}

/* A set of first characters, which settles most lines that no key asks for. */
struct firsts {
	uint64_t bits[4];
};

static void firsts_add(struct firsts *set, char c)
{
	set->bits[(unsigned char)c / 64] |= UINT64_C(1) << ((unsigned char)c % 64);
}

static bool firsts_has(const struct firsts *set, char c)
{
	return set->bits[(unsigned char)c / 64] >> ((unsigned char)c % 64) & 1;
}

uint64_t procfile_keyed(
	const char *text, const char *const *keys, unsigned count, uint64_t *values)
{
	struct slice line, key, value;
	struct firsts firsts = {{0}};
	uint64_t found = 0;
	unsigned next = 0;

	for (unsigned i = 0; i < count; i++)
		if (keys[i])
			firsts_add(&firsts, *keys[i]);
	while (procfile_line(&text, &line)) {
		if (!slice_word(&line, &key) || !firsts_has(&firsts, *key.p))
			continue;
		for (unsigned i = 0; i < count; i++) {
			unsigned k = next + i < count ? next + i : next + i - count;
			uint64_t v;

			if (!keys[k] || !slice_is(key, keys[k]))
				continue;
			if (slice_word(&line, &value) && slice_u64(value, &v)) {
				values[k] = v;
				found |= UINT64_C(1) << k;
			}
			next = k + 1;
			break;
		}
	}
	return found;
}

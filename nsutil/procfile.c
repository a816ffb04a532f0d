/*
 * Reading and walking the kernel's text files. Nothing here knows a file by name.
 */
#include "nsutil/procfile.h"

#include "nsutil/again.h"
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
	autofd fd = again_open(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return textbuf_fail(buf, fd);
	return procfile_pread(fd, buf);
}

bool slice_is(struct slice s, const char *text)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != text[i] || !text[i])
			return false;
	return !text[s.len];
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
	const char *p = line->p, *const end = p + line->len, *start;

	while (p < end && is_blank(*p))
		p++;
	for (start = p; p < end && !is_blank(*p);)
		p++;
	*word = (struct slice){start, (size_t)(p - start)};
	*line = (struct slice){p, (size_t)(end - p)};
	return p > start;
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

enum { KEYS = 64 };

/* Keys in chains, one for each remainder of the hash: most lines that no key asks for end
 * at an empty one. Numbers are those of the keys and one; 0 ends a chain. */
struct keymap {
	unsigned char chain[KEYS], next[KEYS];
};

/* Few keys of one file have the same length and these characters. */
static unsigned key_hash(const char *p, size_t len)
{
	const unsigned char first = (unsigned char)p[0],
			    middle = (unsigned char)p[len / 2],
			    last = (unsigned char)p[len - 1];

	return (unsigned)(len * 7 + first + middle * 3u + last * 5u) % KEYS;
}

static void keymap_make(struct keymap *map, const char *const *keys, unsigned count)
{
	memset(map->chain, 0, sizeof(map->chain));
	for (unsigned i = count; i-- > 0;) {
		unsigned char *chain;

		if (!keys[i] || !*keys[i])
			continue;
		chain = &map->chain[key_hash(keys[i], strlen(keys[i]))];
		map->next[i] = *chain;
		*chain = (unsigned char)(i + 1);
	}
}

/* The first key that it is; -1 for none. */
static int keymap_find(
	const struct keymap *map, const char *const *keys, struct slice key)
{
	unsigned i = map->chain[key_hash(key.p, key.len)];

	while (i && !slice_is(key, keys[i - 1]))
		i = map->next[i - 1];
	return (int)i - 1;
}

/* The word at p, which may be empty, up to a blank or the end of the line; *end is behind
 * it. */
static struct slice word_at(const char *p, const char **end)
{
	const char *start;

	while (is_blank(*p))
		p++;
	for (start = p; (unsigned char)*p > ' ';)
		p++;
	*end = p;
	return (struct slice){start, (size_t)(p - start)};
}

uint64_t procfile_keyed(
	const char *text, const char *const *keys, unsigned count, uint64_t *values)
{
	struct keymap map;
	uint64_t found = 0, v;

	keymap_make(&map, keys, count);
	for (; text && *text; text += *text == '\n') {
		struct slice word = word_at(text, &text);
		int k = word.len && is_blank(*text) ? keymap_find(&map, keys, word) : -1;

		if (k >= 0) {
			word = word_at(text, &text);
			if (slice_u64(word, &v) &&
				(is_blank(*text) || !*text || *text == '\n')) {
				values[k] = v;
				found |= UINT64_C(1) << k;
			}
		}
		text = strchrnul(text, '\n');
	}
	return found;
}

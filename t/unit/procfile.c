/*
 * nsutil/procfile: reading whole files and walking their lines.
 */
#include "nsutil/procfile.h"

#include "nsutil/cleanup.h"
#include "t/unit/tap.h"

#include <fcntl.h>

static struct slice slice(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static void test_lines(void)
{
	static const char text[] = "one\n\n  two  \nlast";
	static const char *const want[] = {"one", "", "  two  ", "last"};
	const char *cursor = text;
	struct slice line;
	unsigned n = 0;

	for (; procfile_line(&cursor, &line); n++)
		ok(n < 4 && slice_is(line, want[n]), "line %u is \"%s\"", n, want[n]);
	is_u64(n, 4, "four lines, the last without newline");
	ok(!procfile_line(&cursor, &line), "and no more");
	cursor = "";
	ok(!procfile_line(&cursor, &line), "an empty text has no line");
	cursor = NULL;
	ok(!procfile_line(&cursor, &line), "nor has none");
}

static void test_words(void)
{
	struct slice line = slice(" \tMemTotal:\t  12 kB  "), word;

	ok(slice_word(&line, &word) && slice_is(word, "MemTotal:"), "the first word");
	ok(slice_word(&line, &word) && slice_is(word, "12"), "the second");
	ok(slice_is(line, " kB  "), "the rest stays");
	ok(slice_word(&line, &word) && slice_is(word, "kB"), "the third");
	ok(!slice_word(&line, &word), "no fourth");
	ok(!slice_is(slice("file_mapped"), "file") &&
			!slice_is(slice("file"), "file_mapped") &&
			slice_is(slice("file"), "file"),
		"words are compared whole");
	ok(slice_is((struct slice){0}, "") && !slice_is((struct slice){0}, "x") &&
			!slice_is(slice("x"), ""),
		"an empty slice is the empty text");
}

static void test_numbers(void)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a", "1\n"};
	uint64_t v = 7;

	ok(slice_u64(slice("0"), &v) && v == 0, "0");
	ok(slice_u64(slice("18446744073709551615"), &v) && v == UINT64_MAX,
		"the largest");
	ok(slice_u64(slice("18446744073709551616"), &v) && v == UINT64_MAX,
		"one more saturates");
	ok(slice_u64(slice("99999999999999999999999"), &v) && v == UINT64_MAX,
		"so do many more");
	ok(slice_u64(slice("00000000000000000000000012"), &v) && v == 12,
		"leading zeros");
	v = 7;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!slice_u64(slice(bad[i]), &v) && v == 7, "no number: %u", i);
}

static void test_value(void)
{
	uint64_t v = 7;

	ok(procfile_value("42\n", &v) == 0 && v == 42, "a value");
	ok(procfile_value("42", &v) == 0 && v == 42, "without newline");
	ok(procfile_value("max\n", &v) == 0 && v == UINT64_MAX, "max");
	ok(procfile_value("-1\n", &v) == 0 && v == UINT64_MAX, "-1");
	v = 7;
	ok(procfile_value("", &v) == -EINVAL && procfile_value("\n", &v) == -EINVAL &&
			procfile_value("maximum\n", &v) == -EINVAL &&
			procfile_value("-2\n", &v) == -EINVAL && v == 7,
		"neither");
}

static void test_keyed(void)
{
	static const char *const keys[] = {
		"file", NULL, "file_mapped", "anon", "missing", "bad"};
	static const char text[] =
		"anon 1\nfile_mapped 3\nfile_dirty 9\nfile 2\nfilex 8\n"
		"bad x\nmissing\n\n anon 4\nodd\nfile";
	uint64_t v[6] = {70, 71, 72, 73, 74, 75};

	is_u64(procfile_keyed(text, keys, 6, v), 0xd, "which keys were found");
	is_u64(v[0], 2, "file is not file_mapped");
	is_u64(v[2], 3, "file_mapped is not file");
	is_u64(v[3], 4, "the last of two lines counts");
	ok(v[1] == 71 && v[4] == 74 && v[5] == 75, "what is not there is left alone");
	is_u64(procfile_keyed("", keys, 6, v), 0, "an empty text");
	is_u64(procfile_keyed(text, keys, 0, v), 0, "no keys");
}

/* 64 keys in every rotation of the order: the search wraps round. */
static void test_keyed_order(void)
{
	static char names[64][8], text[64 * 16];
	const char *keys[64];
	bool good = true;

	for (unsigned i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "key%u", i);
		keys[i] = names[i];
	}
	for (unsigned first = 0; first < 64; first++) {
		uint64_t v[64] = {0};
		size_t len = 0;

		for (unsigned i = 0; i < 64; i++)
			len += (size_t)sprintf(text + len, "key%u %u\n",
				(first + i * 5) % 64, (first + i * 5) % 64);
		good &= procfile_keyed(text, keys, 64, v) == UINT64_MAX;
		for (unsigned i = 0; i < 64; i++)
			good &= v[i] == i;
	}
	ok(good, "64 keys in any order");
}

static void test_read(void)
{
	char name[] = "/tmp/evlxcfs-unit-XXXXXX";
	autofd fd = mkstemp(name);
	struct textbuf buf = {0};
	size_t size = 3 * 4096 + 5;
	char *data;

	is_int(procfile_read(AT_FDCWD, "/nonexistent", &buf), -ENOENT, "no such file");
	ok(!buf.len && !buf.data, "leaves an empty buffer");
	is_int(procfile_read(AT_FDCWD, name, &buf), 0, "an empty file");
	ok(buf.len == 0 && !strcmp(buf.data, ""), "is an empty text");
	for (size_t i = 0; i < size; i++)
		if (write(fd, "x", 1) != 1)
			return;
	is_int(procfile_pread(fd, &buf), 0, "a file larger than the buffer");
	ok(buf.len == size && strspn(buf.data, "x") == size && !buf.data[size],
		"is read whole");
	data = buf.data;
	is_int(procfile_pread(fd, &buf), 0, "again from the start");
	ok(buf.len == size && buf.data == data, "without a new allocation");
	is_int(procfile_read(AT_FDCWD, "/", &buf), -EISDIR, "a directory");
	ok(buf.len == 0 && !strcmp(buf.data, ""), "empties the buffer");
	is_int(procfile_pread(-1, &buf), -EBADF, "no descriptor");
	is_int(procfile_read(AT_FDCWD, "/proc/self/mountinfo", &buf), 0,
		"procfs in pieces");
	ok(buf.len > 0 && buf.data[buf.len - 1] == '\n', "down to its last line");
	unlink(name);
	textbuf_deinit(&buf);
	textbuf_deinit(&buf);
	ok(!buf.data && !buf.len && !buf.cap, "deinit twice");
}

static void test_read_single(void)
{
	autofd fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	char name[] = "/tmp/evlxcfs-unit-XXXXXX";
	autofd file = mkstemp(name);
	struct textbuf buf = {0};
	size_t all;

	/* A mapping is a record here, more of them than fit seq_file's page. */
	is_int(procfile_pread(fd, &buf), 0, "a file of many records");
	all = buf.len;
	is_int(procfile_pread_single(fd, &buf), 0, "taken for one of a single record");
	ok(buf.len > 0 && buf.len < all && buf.cap > buf.len + 1 && !buf.data[buf.len],
		"is what one read gives");
	is_int(procfile_pread_single(file, &buf), 0, "an empty file");
	ok(buf.len == 0 && !strcmp(buf.data, ""), "is an empty text");
	textbuf_deinit(&buf);
	/* As long as a new buffer's room, and longer. */
	for (size_t size = 4095; size <= 4097; size++) {
		if (ftruncate(file, (off_t)size) < 0)
			return;
		is_int(procfile_pread_single(file, &buf), 0,
			"a file that fills the buffer");
		is_u64(buf.len, size, "is read whole");
		textbuf_deinit(&buf);
	}
	is_int(procfile_pread_single(-1, &buf), -EBADF, "no descriptor");
	ok(!buf.len, "and no text");
	unlink(name);
	textbuf_deinit(&buf);
}

int main(void)
{
	test_lines();
	test_words();
	test_numbers();
	test_value();
	test_keyed();
	test_keyed_order();
	test_read();
	test_read_single();
	return tap_done();
}

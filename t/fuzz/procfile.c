/*
 * Lines, words, numbers and keyed tables, each against a slower way to the same result.
 */
#include "nsutil/procfile.h"
#include "t/fuzz/fuzz.h"

enum { KEYS = 4 };

static void check_number(struct slice word)
{
	uint64_t n = 0, value;
	bool digits = word.len > 0, huge = false;

	for (size_t i = 0; i < word.len; i++) {
		digits &= word.p[i] >= '0' && word.p[i] <= '9';
		huge |= n > (UINT64_MAX - (uint64_t)(word.p[i] - '0')) / 10;
		n = n * 10 + (uint64_t)(word.p[i] - '0');
	}
	CHECK(slice_u64(word, &value) == digits);
	CHECK(!digits || value == (huge ? UINT64_MAX : n));
}

/* The lines, put together again, are the text. */
static void check_lines(const char *text)
{
	const char *cursor = text, *at = text;
	struct slice line, word;

	while (procfile_line(&cursor, &line)) {
		CHECK(line.p == at && !memchr(line.p, '\n', line.len));
		at += line.len;
		CHECK(!*at || *at == '\n');
		at += *at == '\n';
		CHECK(cursor == at);
		while (slice_word(&line, &word)) {
			CHECK(word.len && !memchr(word.p, ' ', word.len) &&
				!memchr(word.p, '\t', word.len));
			CHECK(word.p + word.len == line.p);
			check_number(word);
		}
		CHECK(!line.len);
	}
	CHECK(!*at);
}

/* The keys are the first words of the input's first line. */
static void check_keyed(const char *text, const char *const keys[KEYS])
{
	uint64_t got[KEYS], want[KEYS], mask = 0, found;
	const char *cursor = text;
	struct slice line, key, value;

	memset(got, 0x5a, sizeof(got));
	memset(want, 0x5a, sizeof(want));
	found = procfile_keyed(text, keys, KEYS, got);
	CHECK(found < 1 << KEYS);
	for (int i = 0; i < KEYS; i++) {
		CHECK(found >> i & 1 || got[i] == want[i]);
		CHECK(!(found >> i & 1) || keys[i]);
	}
	/* What is found is a line of that key with that value. */
	while (procfile_line(&cursor, &line)) {
		uint64_t n;

		if (!slice_word(&line, &key) || !slice_word(&line, &value) ||
			!slice_u64(value, &n))
			continue;
		for (int i = 0; i < KEYS; i++)
			if (keys[i] && slice_is(key, keys[i]) && got[i] == n)
				mask |= UINT64_C(1) << i;
	}
	CHECK((found & ~mask) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *head = fuzz_cut(&data, &size, '\n'), *text = fuzz_text(data, size);
	char *rest = head, *word;
	const char *keys[KEYS] = {0};
	uint64_t value;

	for (int i = 0; i < KEYS && (word = strsep(&rest, " ")); i++)
		keys[i] = *word ? word : NULL;
	check_lines(text);
	check_keyed(text, keys);
	procfile_value(text, &value);
	free(text);
	free(head);
	return 0;
}

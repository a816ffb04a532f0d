/*
 * For programs that libFuzzer feeds: each has one LLVMFuzzerTestOneInput, in which it parses
 * the bytes and checks what the parser's header promises.
 */
#ifndef T_FUZZ_FUZZ_H
#define T_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, which libFuzzer reports with the input. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			__builtin_trap(); \
	} while (0)

/* A NUL-terminated copy on the heap, where AddressSanitizer sees the last byte; the
 * caller's to free. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Cuts the input at the first `separator`: what is before it as a text, and the rest. */
static inline char *fuzz_cut(const uint8_t **data, size_t *size, char separator)
{
	const uint8_t *end = *size ? memchr(*data, separator, *size) : NULL;
	size_t len = end ? (size_t)(end - *data) : *size;
	char *text = fuzz_text(*data, len);

	*data += len + (end != NULL);
	*size -= len + (end != NULL);
	return text;
}

#endif

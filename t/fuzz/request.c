/*
 * Messages from /dev/fuse: whatever request_parse hands out lies inside the message.
 */
#include "fusechan/request.h"
#include "t/fuzz/fuzz.h"

static void check_inside(const void *piece, size_t len, const char *msg, size_t size)
{
	const char *p = piece;

	CHECK(p >= msg && p <= msg + size && len <= (size_t)(msg + size - p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A buffer of just that size, aligned as the journal's are. */
	char *msg = malloc(size ? size : 1);
	struct request request;
	int r;

	CHECK(msg);
	if (size)
		memcpy(msg, data, size);
	/* A length that does not match is one early return, and the fuzzer is slow to
	 * guess one that does. */
	if (size >= sizeof(struct fuse_in_header) && size % 8 == 0)
		((struct fuse_in_header *)msg)->len = (uint32_t)size;
	r = request_parse(&request, msg, size);
	CHECK(r == REQUEST_OK || r == REQUEST_UNKNOWN || r == REQUEST_MALFORMED ||
		r == REQUEST_GARBAGE);
	if (r != REQUEST_GARBAGE) {
		CHECK(request.unique == ((struct fuse_in_header *)msg)->unique);
		CHECK(request.nodeid == ((struct fuse_in_header *)msg)->nodeid);
		CHECK(request.opname);
		request_wants_reply(request.opcode);
	}
	if (r == REQUEST_OK) {
		CHECK(request.pid >= 0);
		if (request.arg)
			check_inside(request.arg, 8, msg, size);
		if (request.name)
			check_inside(request.name, strlen(request.name) + 1, msg, size);
		if (request.data)
			check_inside(request.data, request.data_len, msg, size);
	}
	free(msg);
	return 0;
}

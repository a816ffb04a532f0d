/* fusechan/request: what the kernel may send, and what nobody should. */
#include "fusechan/channel.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static _Alignas(8) char buf[8192];

static struct fuse_in_header *message(uint32_t opcode, size_t len)
{
	struct fuse_in_header *in = (void *)buf;

	memset(buf, 0xaa, sizeof(buf));
	*in = (struct fuse_in_header){.len = (uint32_t)len,
		.opcode = opcode,
		.unique = 0x1234,
		.nodeid = 7,
		.pid = 42};
	return in;
}

static void headers(void)
{
	struct request r;
	struct fuse_in_header *in = message(FUSE_STATFS, sizeof(*in));

	is_int(request_parse(&r, buf, 0), REQUEST_GARBAGE, "an empty message");
	is_int(request_parse(&r, buf, sizeof(*in) - 1), REQUEST_GARBAGE, "half a header");
	in->len = 4711;
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_GARBAGE,
		"a header whose length is not the message's");
	in->len = sizeof(*in);
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_OK,
		"STATFS is a header alone");
	ok(r.unique == 0x1234 && r.nodeid == 7 && r.pid == 42 && r.opcode == FUSE_STATFS,
		"header fields");
	is_str(r.opname, "STATFS", "its name");
	ok(!r.arg && !r.name && !r.data, "and nothing else");
	in->pid = 0x80000000u;
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_MALFORMED, "a negative pid");
	for (uint32_t op = 0; op < 5000; op++) {
		message(op, sizeof(*in));
		if (request_parse(&r, buf, sizeof(*in)) == REQUEST_GARBAGE ||
			r.unique != 0x1234 || !r.opname) {
			ok(false, "opcode %u alone in a header", op);
			return;
		}
	}
	ok(true, "any opcode alone in a header is answerable");
	message(0, sizeof(*in));
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_UNKNOWN, "opcode 0");
	message(UINT32_MAX, sizeof(*in));
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_UNKNOWN, "opcode 2^32-1");
	message(FUSE_GETXATTR, sizeof(*in));
	is_int(request_parse(&r, buf, sizeof(*in)), REQUEST_UNKNOWN,
		"an opcode we do not serve");
}

/* Every opcode with a structure: one byte too short is malformed, exact is good, longer
 * is good too (newer kernels append fields). */
static void structures(void)
{
	static const struct {
		uint32_t opcode;
		size_t size;
	} cases[] = {
		{FUSE_FORGET, sizeof(struct fuse_forget_in)},
		{FUSE_GETATTR, sizeof(struct fuse_getattr_in)},
		{FUSE_OPEN, sizeof(struct fuse_open_in)},
		{FUSE_OPENDIR, sizeof(struct fuse_open_in)},
		{FUSE_READ, sizeof(struct fuse_read_in)},
		{FUSE_READDIR, sizeof(struct fuse_read_in)},
		{FUSE_RELEASE, sizeof(struct fuse_release_in)},
		{FUSE_RELEASEDIR, sizeof(struct fuse_release_in)},
		{FUSE_INTERRUPT, sizeof(struct fuse_interrupt_in)},
		{FUSE_POLL, sizeof(struct fuse_poll_in)},
		{FUSE_SETATTR, sizeof(struct fuse_setattr_in)},
		{FUSE_INIT, 16},
	};
	struct request r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t whole = sizeof(struct fuse_in_header) + cases[i].size;
		bool good = true;

		for (size_t len = sizeof(struct fuse_in_header); len < whole; len++) {
			message(cases[i].opcode, len);
			good = good && request_parse(&r, buf, len) == REQUEST_MALFORMED;
		}
		message(cases[i].opcode, whole);
		good = good && request_parse(&r, buf, whole) == REQUEST_OK &&
		       r.arg == buf + sizeof(struct fuse_in_header);
		message(cases[i].opcode, whole + 48);
		good = good && request_parse(&r, buf, whole + 48) == REQUEST_OK;
		ok(good, "%s at every length", r.opname);
	}
}

static void names(void)
{
	struct request r;
	size_t head = sizeof(struct fuse_in_header);
	char *name = buf + head;

	message(FUSE_LOOKUP, head);
	is_int(request_parse(&r, buf, head), REQUEST_MALFORMED, "LOOKUP without a name");
	message(FUSE_LOOKUP, head + 4);
	memcpy(name, "proc", 4);
	is_int(request_parse(&r, buf, head + 4), REQUEST_MALFORMED,
		"LOOKUP of a name without an end");
	message(FUSE_LOOKUP, head + 5);
	memcpy(name, "proc", 5);
	is_int(request_parse(&r, buf, head + 5), REQUEST_OK, "LOOKUP");
	is_str(r.name, "proc", "its name");
	message(FUSE_LOOKUP, head + 1);
	*name = '\0';
	is_int(request_parse(&r, buf, head + 1), REQUEST_OK, "LOOKUP of an empty name");
	is_str(r.name, "", "which is empty");
	message(FUSE_LOOKUP, head + 256);
	memset(name, 'x', 255);
	name[255] = '\0';
	is_int(request_parse(&r, buf, head + 256), REQUEST_OK, "LOOKUP of 255 bytes");
	is_int((long long)strlen(r.name), 255, "all of them");
}

static void data(void)
{
	struct request r;
	size_t head = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in);
	struct fuse_write_in *in = (void *)(buf + sizeof(struct fuse_in_header));

	message(FUSE_WRITE, head + 10);
	*in = (struct fuse_write_in){.fh = 1, .size = 10};
	is_int(request_parse(&r, buf, head + 10), REQUEST_OK, "WRITE of 10 bytes");
	ok(r.data_len == 10 && r.data == buf + head, "and its data");
	in->size = 11;
	is_int(request_parse(&r, buf, head + 10), REQUEST_MALFORMED,
		"WRITE that promises more than it brings");
	in->size = UINT32_MAX;
	is_int(request_parse(&r, buf, head + 10), REQUEST_MALFORMED, "WRITE of 4 GB");
}

/* Random messages: an outcome of the list, and nothing read outside of them (the
 * sanitizer build watches). */
static void noise(void)
{
	unsigned seed = 1;
	struct request r;
	bool good = true;

	for (int i = 0; i < 200000; i++) {
		size_t len = (size_t)rand_r(&seed) % 400;
		char *msg = aligned_alloc(8, (len + 8) & ~(size_t)7);
		int outcome;

		if (!msg)
			abort();
		for (size_t k = 0; k < len; k++)
			msg[k] = (char)rand_r(&seed);
		if (len >= 8 && i % 4) {
			memcpy(msg, &(uint32_t){(uint32_t)len}, 4);
			memcpy(msg + 4, &(uint32_t){(uint32_t)i % 60}, 4);
		}
		outcome = request_parse(&r, msg, len);
		good = good && outcome >= REQUEST_OK && outcome <= REQUEST_GARBAGE;
		if (outcome == REQUEST_OK && r.name)
			good = good && r.name + strlen(r.name) < msg + len;
		free(msg);
	}
	ok(good, "200000 random messages");
}

static void replies(void)
{
	ok(!request_wants_reply(FUSE_FORGET) && !request_wants_reply(FUSE_BATCH_FORGET) &&
			!request_wants_reply(FUSE_INTERRUPT),
		"FORGET, BATCH_FORGET and INTERRUPT get no answer");
	ok(request_wants_reply(FUSE_READ) && request_wants_reply(FUSE_RELEASE) &&
			request_wants_reply(9999),
		"everything else does");
}

/* A message longer than a slot: only its head is there. */
static void long_messages(void)
{
	static struct journal journal;
	struct channel ch = {.fd = -1, .journal = &journal};
	struct fuse_in_header *in = message(FUSE_SETXATTR, 3000);
	struct slot *slot;
	struct iovec iov[2];
	struct request r;

	journal_format(&journal, 1);
	slot = journal_next(&journal);
	journal_iov(&journal, slot, iov);
	ok(iov[0].iov_len + iov[1].iov_len == JOURNAL_READ_SIZE,
		"room for the kernel's least");
	memcpy(iov[0].iov_base, in, iov[0].iov_len);
	journal_taken(&journal, slot, 3000);
	is_int(channel_parse(&ch, slot, &r), REQUEST_TOO_LONG, "longer than a slot");
	is_u64(r.unique, 0x1234, "and still answerable");
	is_u64(r.opcode, FUSE_SETXATTR, "by its opcode");
	/* Of a write the beginning is what counts. */
	in = message(FUSE_WRITE, 3000);
	*(struct fuse_write_in *)(void *)(in + 1) =
		(struct fuse_write_in){.fh = 7, .size = 2920};
	memcpy(buf + sizeof(*in) + sizeof(struct fuse_write_in), "some", 4);
	memcpy(slot->message, in, SLOT_MESSAGE);
	is_int(channel_parse(&ch, slot, &r), REQUEST_OK, "a long write");
	ok(r.arg && ((const struct fuse_write_in *)r.arg)->fh == 7 && r.pid == 42 &&
			r.data_len == SLOT_MESSAGE - sizeof(*in) -
					      sizeof(struct fuse_write_in) &&
			!memcmp(r.data, "some", 4),
		"has its beginning");
	in->len = 0xffffffff;
	memcpy(slot->message, in, sizeof(*in));
	is_int(channel_parse(&ch, slot, &r), REQUEST_OK, "however long it says it is");
	slot->len = sizeof(*in) + sizeof(struct fuse_write_in) - 1;
	is_int(channel_parse(&ch, slot, &r), REQUEST_TOO_LONG,
		"but for half a structure");
}

int main(void)
{
	headers();
	structures();
	names();
	data();
	noise();
	replies();
	long_messages();
	return tap_done();
}

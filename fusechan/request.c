/*
 * The opcode table and the one place where a message's bytes are checked. Structures grow
 * with the protocol's minor number; the table holds the length of minor 27 (Linux 4.19),
 * which every later kernel meets.
 */
#include "fusechan/request.h"

#include <string.h>

enum { NAME = 1, DATA = 2, SILENT = 4 };

/* Texts in place: a pointer is a relocation besides, which is three times its size. */
struct opcode {
	char name[16];      /* "": not known */
	unsigned short arg; /* bytes of the structure behind the header */
	unsigned short flags;
};

/* Opcodes that are not here, like all xattr and lock ones, are answered ENOSYS, which the
 * kernel remembers where it matters. Those we refuse need no parsing: length 0. */
static const struct opcode opcodes[] = {
	[FUSE_LOOKUP] = {"LOOKUP", 0, NAME},
	[FUSE_FORGET] = {"FORGET", sizeof(struct fuse_forget_in), SILENT},
	[FUSE_GETATTR] = {"GETATTR", sizeof(struct fuse_getattr_in), 0},
	[FUSE_SETATTR] = {"SETATTR", sizeof(struct fuse_setattr_in), 0},
	[FUSE_READLINK] = {"READLINK", 0, 0},
	[FUSE_SYMLINK] = {"SYMLINK", 0, 0},
	[FUSE_MKNOD] = {"MKNOD", 0, 0},
	[FUSE_MKDIR] = {"MKDIR", 0, 0},
	[FUSE_UNLINK] = {"UNLINK", 0, 0},
	[FUSE_RMDIR] = {"RMDIR", 0, 0},
	[FUSE_RENAME] = {"RENAME", 0, 0},
	[FUSE_LINK] = {"LINK", 0, 0},
	[FUSE_OPEN] = {"OPEN", sizeof(struct fuse_open_in), 0},
	[FUSE_READ] = {"READ", sizeof(struct fuse_read_in), 0},
	[FUSE_WRITE] = {"WRITE", sizeof(struct fuse_write_in), DATA},
	[FUSE_STATFS] = {"STATFS", 0, 0},
	[FUSE_RELEASE] = {"RELEASE", sizeof(struct fuse_release_in), 0},
	[FUSE_SETXATTR] = {"SETXATTR", 0, 0},
	[FUSE_REMOVEXATTR] = {"REMOVEXATTR", 0, 0},
	[FUSE_INIT] = {"INIT", 16, 0},
	[FUSE_OPENDIR] = {"OPENDIR", sizeof(struct fuse_open_in), 0},
	[FUSE_READDIR] = {"READDIR", sizeof(struct fuse_read_in), 0},
	[FUSE_RELEASEDIR] = {"RELEASEDIR", sizeof(struct fuse_release_in), 0},
	[FUSE_CREATE] = {"CREATE", 0, 0},
	[FUSE_INTERRUPT] = {"INTERRUPT", sizeof(struct fuse_interrupt_in), SILENT},
	[FUSE_DESTROY] = {"DESTROY", 0, 0},
	[FUSE_IOCTL] = {"IOCTL", 0, 0},
	[FUSE_POLL] = {"POLL", sizeof(struct fuse_poll_in), 0},
	[FUSE_BATCH_FORGET] = {"BATCH_FORGET", sizeof(struct fuse_batch_forget_in),
		SILENT},
	[FUSE_FALLOCATE] = {"FALLOCATE", 0, 0},
	[FUSE_RENAME2] = {"RENAME2", 0, 0},
	[FUSE_COPY_FILE_RANGE] = {"COPY_FILE_RANGE", 0, 0},
	[FUSECHAN_OP_TMPFILE] = {"TMPFILE", 0, 0},
};

static const struct opcode *opcode_find(uint32_t opcode)
{
	if (opcode >= sizeof(opcodes) / sizeof(opcodes[0]) || !opcodes[opcode].name[0])
		return NULL;
	return &opcodes[opcode];
}

int request_wants_reply(uint32_t opcode)
{
	const struct opcode *op = opcode_find(opcode);

	return !op || !(op->flags & SILENT);
}

int request_parse(struct request *request, const void *msg, size_t len)
{
	const struct fuse_in_header *in = msg;
	const struct opcode *op;
	const char *rest;

	*request = (struct request){0};
	if (len < sizeof(*in) || in->len != len)
		return REQUEST_GARBAGE;
	request->opcode = in->opcode;
	request->unique = in->unique;
	request->nodeid = in->nodeid;
	request->pid = (pid_t)in->pid;
	request->opname = "?";
	op = opcode_find(in->opcode);
	if (!op)
		return REQUEST_UNKNOWN;
	request->opname = op->name;
	rest = (const char *)(in + 1);
	len -= sizeof(*in);
	if (len < op->arg || (pid_t)in->pid < 0)
		return REQUEST_MALFORMED;
	if (op->arg)
		request->arg = rest;
	rest += op->arg;
	len -= op->arg;
	if (op->flags & NAME) {
		/* Up to the end of the message: newer kernels may append extensions. */
		if (!memchr(rest, '\0', len))
			return REQUEST_MALFORMED;
		request->name = rest;
	}
	if (op->flags & DATA) {
		const struct fuse_write_in *write = request->arg;
		if (write->size > len)
			return REQUEST_MALFORMED;
		request->data = rest;
		request->data_len = write->size;
	}
	return REQUEST_OK;
}

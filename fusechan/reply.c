/*
 * See reply.h.
 */
#include "fusechan/reply.h"

#include "fusechan/fault.h"

#include <errno.h>
#include <string.h>

static int send_reply(
	struct channel *ch, uint64_t unique, int error, const void *body, size_t len)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + len),
		.error = -error,
		.unique = unique,
	};
	/* writev does not write to the body; iovec has no const. */
	struct iovec iov[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)body, len}};
	ssize_t n;

	fault_point(FAULT_REPLY);
	do
		n = writev(ch->fd, iov, len ? 2 : 1);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* ENOENT: the caller was killed. ENODEV: the mount is gone; reading will tell. */
	return errno == ENOENT || errno == ENODEV ? 0 : -errno;
}

/*
 * Errors of the write, by fuse_dev_do_write in fs/fuse/dev.c (Linux 6.1 to 6.18):
 *
 * EINVAL: the header is wrong, or the body has another length than the request takes. The
 *   request still waits.
 * EFAULT, ENOMEM, EIO: the body could not be copied. The kernel has ended the request
 *   with EIO, or (ENOMEM before it had looked at the header) it still waits.
 *
 * A request that still waits gets EIO: its caller would sleep for ever. One that has ended
 * is not there any more, ENOENT, which is as good.
 */
static int answer(
	struct channel *ch, uint64_t unique, int error, const void *body, size_t len)
{
	enum { TRIES = 3 };
	int r = send_reply(ch, unique, error, body, len), again = r;

	for (int i = 0; again < 0 && i < TRIES; i++)
		again = send_reply(ch, unique, EIO, NULL, 0);
	ch->journal->answered++;
	fault_point(FAULT_REPLIED);
	return r;
}

int reply(struct channel *ch, uint64_t unique, const void *body, size_t len)
{
	return answer(ch, unique, 0, body, len);
}

int reply_error(struct channel *ch, uint64_t unique, int error)
{
	return answer(ch, unique, error, NULL, 0);
}

/* include/uapi/linux/fuse.h: a message of number 0 with a code for its error. */
int reply_poll_wakeup(struct channel *ch, uint64_t kh)
{
	const struct fuse_notify_poll_wakeup_out out = {.kh = kh};

	return send_reply(ch, 0, -FUSE_NOTIFY_POLL, &out, sizeof(out));
}

int reply_dirent(void *buf, size_t *len, size_t size, uint64_t ino, uint64_t next,
	unsigned type, const char *name)
{
	size_t namelen = strlen(name);
	size_t entry = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + namelen);
	struct fuse_dirent *d = (void *)((char *)buf + *len);

	if (size - *len < entry)
		return 0;
	memset(d, 0, entry);
	d->ino = ino;
	d->off = next;
	d->namelen = (uint32_t)namelen;
	d->type = type;
	memcpy(d->name, name, namelen);
	*len += entry;
	return 1;
}

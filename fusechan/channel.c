/*
 * Reading messages and agreeing on the protocol.
 */
#include "fusechan/channel.h"

#include "fusechan/fault.h"
#include "fusechan/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Character device 10:229 (Documentation/admin-guide/devices.txt). */
static bool is_fuse(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(10, 229);
}

int channel_open(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (is_fuse(fd))
		return fd;
	close(fd);
	return -EINVAL;
}

int channel_probe(int fd)
{
	struct pollfd pfd = {.fd = fd};
	int flags = fcntl(fd, F_GETFL);
	char byte;

	if (flags < 0 || !is_fuse(fd))
		return -EINVAL;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (poll(&pfd, 1, 0) < 0)
		return -errno;
	if (!(pfd.revents & POLLERR))
		return CHANNEL_ALIVE;
	/* A buffer too small for any message takes none. */
	return read(fd, &byte, sizeof(byte)) < 0 && errno == EPERM ? CHANNEL_FRESH
								   : CHANNEL_DEAD;
}

int channel_read(struct channel *ch, struct slot **out)
{
	struct slot *slot = journal_next(ch->journal);
	struct iovec iov[2];
	ssize_t n;

	if (!slot)
		return CHANNEL_FULL;
	journal_iov(ch->journal, slot, iov);
	/* ENOENT: the request at the head was interrupted before we got it. */
	do
		n = readv(ch->fd, iov, 2);
	while (n < 0 && (errno == EINTR || errno == ENOENT));
	if (n < 0) {
		if (errno == EAGAIN)
			return CHANNEL_EMPTY;
		return errno == ENODEV || errno == ECONNABORTED ? CHANNEL_GONE : -errno;
	}
	fault_point(FAULT_READ);
	journal_taken(ch->journal, slot, (size_t)n);
	*out = slot;
	return CHANNEL_MESSAGE;
}

int channel_parse(struct channel *ch, struct slot *slot, struct request *request)
{
	const struct fuse_in_header *in = (const void *)slot->message;

	const struct fuse_write_in *write = (const void *)(in + 1);

	(void)ch;
	/* Requests that we serve fit a slot, but for names that no file has, and writes,
	 * of which the beginning tells. */
	if (slot->len >= sizeof(*in) && in->len > slot->len) {
		*request = (struct request){.opcode = in->opcode,
			.unique = in->unique,
			.nodeid = in->nodeid,
			.pid = (pid_t)in->pid,
			.opname = "?"};
		if (in->opcode != FUSE_WRITE || in->len - sizeof(*in) < sizeof(*write) ||
			slot->len < sizeof(*in) + sizeof(*write))
			return REQUEST_TOO_LONG;
		request->arg = write;
		request->data = write + 1;
		request->data_len = slot->len - sizeof(*in) - sizeof(*write);
		return REQUEST_OK;
	}
	return request_parse(request, slot->message, slot->len);
}

int channel_resend(struct channel *ch)
{
	const struct fuse_out_header out = {
		.len = sizeof(out), .error = FUSECHAN_NOTIFY_RESEND};
	ssize_t n;

	do
		n = write(ch->fd, &out, sizeof(out));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

uint64_t channel_unique(const struct slot *slot)
{
	return ((const struct fuse_in_header *)(const void *)slot->message)->unique;
}

/*
 * Not asked for: READDIRPLUS and WRITEBACK (nothing to gain), POSIX locks (the kernel
 * keeps them), EXPORT_SUPPORT, NO_OPEN (contents depend on the caller), ATOMIC_O_TRUNC (a
 * file would have no size for all who share it). Asked for where
 * offered: AUTO_INVAL and friends do not matter with direct I/O.
 */
static const uint32_t wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS |
			       FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |
			       FUSE_HANDLE_KILLPRIV;

int channel_init(struct channel *ch, const struct request *request)
{
	const struct fuse_init_in *in = request->arg;
	struct session *session = &ch->journal->session;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.max_readahead = 0,
		.max_background = CHANNEL_BACKGROUND,
		.congestion_threshold = CHANNEL_BACKGROUND,
		.max_write = CHANNEL_MAX_WRITE,
		.time_gran = 1,
		.max_pages = CHANNEL_MAX_PAGES,
	};

	if (in->major > FUSE_KERNEL_VERSION)
		/* A newer major asks again with ours (include/uapi/linux/fuse.h). */
		return reply(ch, request->unique, &out, sizeof(out));
	if (in->major < FUSE_KERNEL_VERSION || in->minor < CHANNEL_MINOR_MIN) {
		reply_error(ch, request->unique, EPROTO);
		return -EPROTO;
	}
	out.minor = in->minor < CHANNEL_MINOR_MAX ? in->minor : CHANNEL_MINOR_MAX;
	out.flags = in->flags & wanted;
	session->minor = out.minor;
	session->flags = out.flags;
	session->ready = 1;
	/* 64 bytes since minor 23; what newer kernels added was cut out of `unused`. */
	return reply(ch, request->unique, &out, sizeof(out));
}

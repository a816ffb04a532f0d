/*
 * opcode → handler. A handler answers the request, or says why it must wait; then it is
 * called again from the start when that has changed. Every request that is read ends in
 * exactly one answer: a caller whose request is forgotten sleeps for ever.
 */
#include "daemon/work.h"

#include "daemon/filesize.h"
#include "daemon/log.h"
#include "daemon/trigger.h"
#include "fusechan/fault.h"
#include "fusechan/reply.h"
#include "nsutil/nsid.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

uint64_t serve_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void work_send(struct work *work, const void *body, size_t len)
{
	int r = reply(&work->server->channel, work->request.unique, body, len);

	if (r < 0)
		log_warnx("the kernel refused an answer to %s: %s", work->request.opname,
			strerror(-r));
}

static void send_error(struct work *work, int error)
{
	int r = reply_error(&work->server->channel, work->request.unique, error);

	if (r < 0)
		log_warnx("the kernel refused an error for %s: %s", work->request.opname,
			strerror(-r));
}

/* What stat(2) calls the block size. wc -c begins to read a file of a size at a multiple
 * of it from the start, and so must not be led past what there is. */
static uint32_t block_size(uint64_t size)
{
	uint32_t block = size ? 4096 : 1024;

	while (block < size && block < 1u << 30)
		block *= 2;
	return block;
}

/* Whether a write to the file can succeed. */
static bool takes_triggers(const struct server *server, const struct node_info *info)
{
	return server->triggers && node_is_pressure(info);
}

static void fill_attr(
	struct server *server, const struct node_info *info, struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){
		.ino = (uint32_t)info->id,
		.size = info->size,
		.mode = info->mode | (takes_triggers(server, info) ? 0222 : 0),
		.nlink = info->nlink,
		.atime = (uint64_t)server->started.tv_sec,
		.mtime = (uint64_t)server->started.tv_sec,
		.ctime = (uint64_t)server->started.tv_sec,
		.atimensec = (uint32_t)server->started.tv_nsec,
		.mtimensec = (uint32_t)server->started.tv_nsec,
		.ctimensec = (uint32_t)server->started.tv_nsec,
		.blksize = block_size(info->size),
	};
}

static int on_init(struct work *work)
{
	int r;

	fault_point(FAULT_INIT);
	r = channel_init(&work->server->channel, &work->request);
	if (r < 0)
		log_warnx("cannot agree on a FUSE protocol with this kernel: %s",
			strerror(-r));
	else if (work->server->channel.journal->session.ready)
		log_info("FUSE protocol 7.%u",
			work->server->channel.journal->session.minor);
	return SERVED;
}

static int on_lookup(struct work *work)
{
	struct fuse_entry_out out = {.entry_valid = NODE_VALID_SECONDS};
	struct node_info info;
	int r = node_lookup(
		&work->server->host, work->request.nodeid, work->request.name, &info);

	if (r < 0)
		return r;
	node_measure(&work->server->host, &info, serve_now());
	/* Scripts look for MOUNTPOINT/proc: half a second, as lxcfs has it, and a dead
	 * mount has none. Containers, in which the files are bound, ask no more for it. */
	if (work->request.nodeid == FUSE_ROOT_ID) {
		out.entry_valid = 0;
		out.entry_valid_nsec = 500000000;
	}
	out.nodeid = info.id;
	out.attr_valid = info.valid_ns / 1000000000;
	out.attr_valid_nsec = info.valid_ns % 1000000000;
	fill_attr(work->server, &info, &out.attr);
	work_send(work, &out, sizeof(out));
	return SERVED;
}

static int send_attr(struct work *work, const struct node_info *info)
{
	struct fuse_attr_out out = {.attr_valid = info->valid_ns / 1000000000,
		.attr_valid_nsec = info->valid_ns % 1000000000};

	fill_attr(work->server, info, &out.attr);
	work_send(work, &out, sizeof(out));
	return SERVED;
}

/* An open file is named for lseek(2) to its end. */
static int on_getattr(struct work *work)
{
	const struct fuse_getattr_in *in = work->request.arg;
	struct node_info info;
	size_t len;
	int r = node_get(&work->server->host, work->request.nodeid, &info);

	if (r < 0)
		return r;
	node_measure(&work->server->host, &info, serve_now());
	if (info.own_end && in->getattr_flags & FUSE_GETATTR_FH &&
		(len = work_length(work, &info)))
		info.size = filesize_own(len);
	return send_attr(work, &info);
}

/* With triggers the superblock is writable, and the kernel has checked the file's mode: as
 * in procfs, O_TRUNC and truncate(2) succeed on all files and change nothing. */
static int on_setattr(struct work *work)
{
	const struct fuse_setattr_in *in = work->request.arg;
	struct node_info info;
	int r = node_get(&work->server->host, work->request.nodeid, &info);

	if (r < 0)
		return r;
	if (!work->server->triggers ||
		in->valid &
			(FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_ATIME | FATTR_MTIME))
		return -EROFS;
	node_measure(&work->server->host, &info, serve_now());
	return send_attr(work, &info);
}

static int on_readlink(struct work *work)
{
	struct node_info info;
	char target[PATH_MAX];
	ssize_t n = node_get(&work->server->host, work->request.nodeid, &info);

	if (n == 0)
		n = S_ISLNK(info.mode) ? node_readlink(&work->server->host, &info, target,
						 sizeof(target))
				       : -EINVAL;
	if (n < 0)
		return (int)n;
	work_send(work, target, (size_t)n);
	return SERVED;
}

static void send_open(struct work *work, uint32_t flags)
{
	struct fuse_open_out out = {
		.fh = ++work->server->channel.journal->serial, .open_flags = flags};

	work_send(work, &out, sizeof(out));
}

/* Nothing is allocated: a handle is a number, the rest comes with the first read. */
static int on_open(struct work *work)
{
	const struct fuse_open_in *in = work->request.arg;
	struct node_info info;
	int r = node_get(&work->server->host, work->request.nodeid, &info);

	if (r < 0)
		return r;
	if (S_ISDIR(info.mode))
		return -EISDIR;
	/* access(2) asks the kernel alone, which goes by the mode where the superblock is
	 * writable; so open(2) does, too. */
	if (((in->flags & O_ACCMODE) != O_RDONLY || in->flags & O_TRUNC) &&
		!work->server->triggers)
		return -EROFS;
	/* Else one who writes keeps all others from the file, which all containers share.
	 */
	send_open(work, FOPEN_DIRECT_IO | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES);
	return SERVED;
}

static int on_opendir(struct work *work)
{
	struct node_info info;
	int r = node_get(&work->server->host, work->request.nodeid, &info);

	if (r < 0)
		return r;
	if (!S_ISDIR(info.mode))
		return -ENOTDIR;
	send_open(work, 0);
	return SERVED;
}

static int on_release(struct work *work)
{
	const struct fuse_release_in *in = work->request.arg;

	handle_release(&work->server->handles, in->fh);
	trigger_release(work->server->triggers, in->fh);
	work_send(work, NULL, 0);
	return SERVED;
}

static int on_statfs(struct work *work)
{
	/* What procfs says: no blocks, no files, names up to 255 bytes. */
	struct fuse_statfs_out out = {
		.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};

	work_send(work, &out, sizeof(out));
	return SERVED;
}

static int on_forget(struct work *work)
{
	(void)work;
	return SERVED;
}

/* The caller was hit by a signal: a SIGKILL, as which the kernel counts all that end it
 * (complete_signal in kernel/signal.c), or one that it will handle when it has read, as
 * it would with procfs; a freezer or a debugger, too. Whether it lives to want the answer
 * is asked of procfs. Requests that do not wait are answered before what interrupts them,
 * so only a parked one can be meant. */
static int on_interrupt(struct work *work)
{
	const struct fuse_interrupt_in *in = work->request.arg;
	struct server *server = work->server;

	for (int i = 0; i < PARKED_MOST; i++) {
		struct parked_request *parked = &server->parked.request[i];
		struct request waiting;

		if (!parked->key ||
			channel_parse(&server->channel, parked->slot, &waiting) !=
				REQUEST_OK ||
			waiting.unique != in->unique)
			continue;
		if (nsid_is_to_live(server->host.proc, waiting.pid))
			return SERVED;
		parked->key = 0;
		reply_error(&server->channel, waiting.unique, EINTR);
		journal_done(server->channel.journal, parked->slot);
		return SERVED;
	}
	return SERVED;
}

static int on_destroy(struct work *work)
{
	work_send(work, NULL, 0);
	return SERVED;
}

static int on_ioctl(struct work *work)
{
	(void)work;
	return -ENOTTY;
}

/* A privileged container can make the superblock writable; we are not. */
static int refuse(struct work *work)
{
	(void)work;
	return -EROFS;
}

/* NULL: the kernel is told that there is no such thing. */
static handler *handler_of(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP: return on_lookup;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET: return on_forget;
	case FUSE_GETATTR: return on_getattr;
	case FUSE_SETATTR: return on_setattr;
	case FUSE_READLINK: return on_readlink;
	case FUSE_OPEN: return on_open;
	case FUSE_READ: return work_read;
	case FUSE_WRITE: return trigger_write;
	case FUSE_STATFS: return on_statfs;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: return on_release;
	case FUSE_INIT: return on_init;
	case FUSE_OPENDIR: return on_opendir;
	case FUSE_READDIR: return work_readdir;
	case FUSE_INTERRUPT: return on_interrupt;
	case FUSE_DESTROY: return on_destroy;
	case FUSE_IOCTL: return on_ioctl;
	case FUSE_POLL: return trigger_poll;
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_CREATE:
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
	case FUSECHAN_OP_TMPFILE: return refuse;
	default: return NULL;
	}
}

/* Everything but SERVED and SERVE_PARK is an error that the caller gets. */
static int handle(struct work *work, int parsed)
{
	handler *const call = handler_of(work->request.opcode);

	/* What is refused need not be well formed. */
	if (call == refuse)
		return refuse(work);
	if (parsed == REQUEST_UNKNOWN || !call)
		return -ENOSYS;
	if (parsed != REQUEST_OK)
		return parsed == REQUEST_TOO_LONG ? -ENAMETOOLONG : -EINVAL;
	return call(work);
}

static void park(
	struct work *work, struct parked_request *parked, struct slot *slot, uint64_t since_ns)
{
	*parked = (struct parked_request){.key = work->key,
		.since_ns = since_ns ? since_ns : serve_now(),
		.slot = slot};
	journal_waits(work->server->channel.journal, slot);
	fault_point(FAULT_PARKED);
}

void serve_slot(struct server *server, struct slot *slot, struct serving how)
{
	struct journal *journal = server->channel.journal;
	struct parked_request *parked;
	struct work work = {.server = server,
		.batch = how.epoch,
		.give_up = how.give_up,
		.give_up_file = how.give_up_file};
	int parsed = channel_parse(&server->channel, slot, &work.request), r;

	fault_spare(slot->faults);
	fault_point(FAULT_TAKEN);
	host_since(&server->host, work.batch);
	journal_busy(journal, slot);
	journal->taken++;
	if (parsed == REQUEST_GARBAGE) {
		log_warnx("dropped a message of %u bytes without a valid header",
			slot->len);
		journal_done(journal, slot);
		return;
	}
	r = handle(&work, parsed);
	parked = r == SERVE_PARK ? parked_free(&server->parked) : NULL;
	if (parked) {
		park(&work, parked, slot, how.since_ns);
		return;
	}
	if (r == SERVE_PARK) {
		work.give_up = work.give_up_file = true;
		r = handle(&work, parsed);
		r = r == SERVE_PARK ? -EIO : r;
	}
	if (r < 0 && request_wants_reply(work.request.opcode))
		send_error(&work, -r);
	journal_done(journal, slot);
}

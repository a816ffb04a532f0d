// What FUSE itself costs: our channel, and a handler that answers with what is in DIRECTORY,
// read once. Its files appear below MOUNTPOINT/proc.
// floor DIRECTORY MOUNTPOINT: says "ready" on standard output, unmounts on SIGTERM or SIGINT.
#include "fusechan/channel.h"
#include "fusechan/mount.h"
#include "fusechan/reply.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = FUSE_ROOT_ID, PROC, FIRST, FILES = 16, FILE_SIZE = 1 << 17, VALID = 86400 };

static struct {
	char name[64];
	char data[FILE_SIZE];
	size_t len;
} file[FILES];

static unsigned files;
static struct journal journal;
static struct channel channel = {-1, &journal};
static volatile sig_atomic_t ended;

static void on_signal(int signum)
{
	(void)signum;
	ended = 1;
}

static void load(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];
	FILE *f;

	if (!d)
		err(111, "%s", dir);
	while ((e = readdir(d)) && files < FILES) {
		if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof(file->name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = fopen(path, "re");
		if (!f)
			err(111, "%s", path);
		strcpy(file[files].name, e->d_name);
		file[files].len = fread(file[files].data, 1, FILE_SIZE, f);
		fclose(f);
		files++;
	}
	closedir(d);
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){.ino = node,
		.mode = node < FIRST ? S_IFDIR | 0555 : S_IFREG | 0444,
		.nlink = 1,
		.blksize = 1024};
}

static uint64_t lookup(const struct request *request)
{
	if (request->nodeid == ROOT && !strcmp(request->name, "proc"))
		return PROC;
	for (unsigned i = 0; request->nodeid == PROC && i < files; i++)
		if (!strcmp(request->name, file[i].name))
			return FIRST + i;
	return 0;
}

static void on_lookup(const struct request *request)
{
	struct fuse_entry_out out = {
		.nodeid = lookup(request), .entry_valid = VALID, .attr_valid = VALID};

	out.attr = attr_of(out.nodeid);
	if (out.nodeid)
		reply(&channel, request->unique, &out, sizeof(out));
	else
		reply_error(&channel, request->unique, ENOENT);
}

static void on_getattr(const struct request *request)
{
	struct fuse_attr_out out = {.attr_valid = VALID, .attr = attr_of(request->nodeid)};

	reply(&channel, request->unique, &out, sizeof(out));
}

static void on_open(const struct request *request)
{
	struct fuse_open_out out = {
		.fh = ++journal.serial, .open_flags = FOPEN_DIRECT_IO | FOPEN_NOFLUSH};

	reply(&channel, request->unique, &out, sizeof(out));
}

static void on_read(const struct request *request)
{
	const struct fuse_read_in *in = request->arg;
	unsigned i = (unsigned)(request->nodeid - FIRST);
	size_t len = i < files && in->offset < file[i].len ? file[i].len - in->offset : 0;

	reply(&channel, request->unique, len ? file[i].data + in->offset : NULL,
		len < in->size ? len : in->size);
}

static void serve(struct slot *slot)
{
	struct request request;

	if (channel_parse(&channel, slot, &request) != REQUEST_OK) {
		reply_error(&channel, request.unique, ENOSYS);
	} else {
		switch (request.opcode) {
		case FUSE_INIT: channel_init(&channel, &request); break;
		case FUSE_LOOKUP: on_lookup(&request); break;
		case FUSE_GETATTR: on_getattr(&request); break;
		case FUSE_OPEN: on_open(&request); break;
		case FUSE_READ: on_read(&request); break;
		case FUSE_RELEASE: reply(&channel, request.unique, NULL, 0); break;
		default:
			if (request_wants_reply(request.opcode))
				reply_error(&channel, request.unique, ENOSYS);
		}
	}
	journal_done(&journal, slot);
}

static void loop(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	struct slot *slot;
	int r;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, channel.fd, &event) < 0)
		err(111, "epoll");
	while (!ended) {
		if (epoll_wait(epoll, &event, 1, -1) < 0)
			continue;
		while ((r = channel_read(&channel, &slot)) == CHANNEL_MESSAGE)
			serve(slot);
		if (r != CHANNEL_EMPTY)
			break;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: floor DIRECTORY MOUNTPOINT\n");
		return 100;
	}
	load(argv[1]);
	journal_format(&journal, 0);
	journal_populate(&journal);
	channel.fd = channel_open();
	if (channel.fd < 0)
		errx(111, "/dev/fuse: %s", strerror(-channel.fd));
	r = fuse_mount(argv[2], "floor", "fuse.floor", channel.fd,
		MS_NOSUID | MS_NODEV | MS_NOEXEC, false);
	if (r < 0)
		errx(111, "mount on %s: %s", argv[2], strerror(-r));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	printf("ready\n");
	fflush(stdout);
	loop();
	fuse_unmount(argv[2]);
	return 0;
}

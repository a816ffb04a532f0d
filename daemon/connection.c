/*
 * See connection.h. Renewing allocates nothing: the keeper does it.
 */
#include "daemon/connection.h"

#include "daemon/announce.h"
#include "daemon/handover.h"
#include "daemon/hostfs.h"
#include "daemon/log.h"
#include "daemon/mountpoint.h"
#include "daemon/ownmount.h"
#include "daemon/privileges.h"
#include "fusechan/channel.h"
#include "fusechan/mount.h"
#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool mount_it(struct connection *conn)
{
	const struct mountopts *as = &conn->options->mount;
	int r = fuse_mount(conn->target, as->source, as->type, conn->fuse, as->flags,
		conn->options->psi_poll);

	if (r < 0)
		log_warnx("cannot mount on %s: %s%s", conn->target, strerror(-r),
			privileges_hint(r, CAP_SYS_ADMIN));
	else
		shared_note_device(&conn->shared, ownmount_on(conn->target, NULL));
	return r == 0;
}

const char *connection_device_error(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM: return "may not be opened";
	case EINVAL: return "is not the FUSE device (character device 10:229)";
	case ENOENT: return "is not there (is the fuse module loaded?)";
	case ENODEV:
	case ENXIO: return "has no driver (is the fuse module loaded?)";
	default: return strerror(-error);
	}
}

/* Unless there is one that waits to be mounted. */
static bool open_device(struct connection *conn)
{
	if (conn->fuse >= 0)
		return true;
	conn->fuse = channel_open();
	if (conn->fuse >= 0)
		return true;
	log_warnx("/dev/fuse %s", connection_device_error(conn->fuse));
	conn->fuse = -1;
	return false;
}

static bool make(struct connection *conn)
{
	if (mountpoint_clear(conn->target) && open_device(conn) && mount_it(conn))
		return true;
	conn->fuse = fd_close(conn->fuse);
	return false;
}

/* The connection that was handed over is alive. Its mount on the target may have been
 * taken away while others still use it: Linux 5.16 and newer can mount it once more, which
 * a start asks for and an upgrade does not. */
static void resume(struct connection *conn)
{
	const uint64_t device = shared_device(&conn->shared);
	const uint64_t there = ownmount_on(conn->target, conn->options->mount.type);
	const bool mounted = device ? ownmount_find(device, conn->target) : there != 0;

	if (!device)
		shared_note_device(&conn->shared, there);
	if (!mounted && !conn->resumed && there)
		log_warnx("%s is in use by another FUSE daemon", conn->target);
	else if (!mounted && !conn->resumed)
		mount_it(conn);
}

bool connection_pause(struct connection *conn)
{
	static const struct timespec second = {.tv_sec = 1};
	sigset_t set;

	if (!conn->held)
		return false;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigtimedwait(&set, NULL, &second) < 0)
		return true;
	conn->told_to_end = true;
	if (!conn->options->keep_mount && !shared_device(&conn->shared))
		fuse_unmount(conn->target);
	else if (!conn->options->keep_mount)
		connection_unmount(conn, false);
	return false;
}

static int probe(const struct handover *from)
{
	int how = from->fuse < 0 ? CHANNEL_FRESH : CHANNEL_ALIVE;

	/* A worker that serves finds out itself when the mount is gone. */
	if (from->fuse >= 0 && !from->worker)
		how = channel_probe(from->fuse);
	if (how < 0)
		log_warnx("descriptor %d is not /dev/fuse", from->fuse);
	/* It ended in this process: the keeper finds out why, when a worker has seen it. */
	if (how == CHANNEL_DEAD && from->self)
		how = CHANNEL_ALIVE;
	if (how == CHANNEL_DEAD)
		log_warnx("the mount that was handed over is dead");
	return how;
}

/* 0 or -errno after a line on standard error. */
static int open_shared(struct connection *conn, const struct handover *from, bool mounted)
{
	int r = from->worker ? shared_join(&conn->shared, from->state)
			     : shared_open(&conn->shared, from->state, mounted);

	if (r == -ESTALE)
		log_warnx("descriptor %d does not hold the state of another evlxcfs",
			from->state);
	else if (r < 0)
		log_warnx("shared memory: %s", strerror(-r));
	return r == -ESTALE ? 0 : r;
}

static bool take_shared(struct connection *conn, const struct handover *from, int how)
{
	while (open_shared(conn, from, how == CHANNEL_ALIVE) < 0)
		if (!connection_pause(conn))
			return false;
	if (how != CHANNEL_ALIVE)
		shared_new_mount(&conn->shared);
	else if (!from->worker)
		/* Nobody knows how another keeper ended. */
		journal_recover(conn->shared.journal, !from->self);
	return true;
}

static bool take_target(struct connection *conn, const struct handover *from)
{
	if (from->target) {
		snprintf(conn->target, sizeof(conn->target), "%s", from->target);
		return true;
	}
	while (!mountpoint_resolve(conn->options->mountpoint, conn->target))
		if (!connection_pause(conn))
			return false;
	return true;
}

/* Before anything that reads /proc or /sys. */
static bool take_hostfs(struct connection *conn)
{
	int r;

	while ((r = hostfs_open()) < 0) {
		log_warnx("/proc: %s", strerror(-r));
		if (r == -ENOTRECOVERABLE || !connection_pause(conn))
			return false;
	}
	return true;
}

static bool take_cgroups(struct connection *conn)
{
	while (!cgroups_open(&conn->cgroups, conn->options)) {
		cgroups_close(&conn->cgroups);
		if (!connection_pause(conn))
			return false;
	}
	return true;
}

/* The keeper makes another mount itself when this process had one. */
static bool take_mount(struct connection *conn, int how)
{
	if (how == CHANNEL_ALIVE)
		resume(conn);
	return conn->held || make(conn);
}

/* Linux 6.15 can be told to abort a connection on which a request waits for so long, also
 * while there is no worker or none that gets on. */
static void tell_timeouts(void)
{
	static const char *const limits[] = {
		"default_request_timeout", "max_request_timeout"};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct textbuf text = {0};
		char path[64];

		snprintf(path, sizeof(path), "sys/fs/fuse/%s", limits[i]);
		if (procfile_read(hostfs_proc(), path, &text) == 0 && text.len &&
			strtoul(text.data, NULL, 10))
			log_warnx("fs.fuse.%s is set: the kernel ends the mount when a "
				  "request waits for longer",
				limits[i]);
		textbuf_deinit(&text);
	}
}

bool connection_open(struct connection *conn, const struct options *options)
{
	struct handover from;
	int how;

	*conn = (struct connection){.options = options,
		.shared = SHARED_NULL,
		.cgroups = {.mount = CGMOUNT_NULL}};
	handover_find(&from, options);
	conn->fuse = from.fuse;
	conn->resumed = from.self;
	conn->worker = from.worker;
	conn->control = from.control;
	how = probe(&from);
	conn->held = how == CHANNEL_ALIVE || conn->resumed;
	if (how == CHANNEL_DEAD)
		conn->fuse = fd_close(conn->fuse);
	if (how >= 0 && take_hostfs(conn) && take_target(conn, &from) &&
		take_shared(conn, &from, how) &&
		(conn->held || open_device(conn)) && take_cgroups(conn) &&
		take_mount(conn, how)) {
		cgroups_tell(&conn->cgroups);
		tell_timeouts();
		return true;
	}
	connection_close(conn);
	return false;
}

bool connection_taken_away(struct connection *conn)
{
	return ownmount_taken_away(shared_device(&conn->shared), conn->target);
}

void connection_unmount(struct connection *conn, bool force)
{
	ownmount_detach(shared_device(&conn->shared), conn->target, conn->fuse, force);
}

bool connection_renew(struct connection *conn)
{
	conn->fuse = fd_close(conn->fuse);
	shared_new_mount(&conn->shared);
	if (!make(conn))
		return false;
	if (conn->options->keep_mount)
		announce_store(conn->fuse, conn->shared.fd);
	return true;
}

void connection_close(struct connection *conn)
{
	conn->fuse = fd_close(conn->fuse);
	conn->control = fd_close(conn->control);
	shared_close(&conn->shared);
	cgroups_close(&conn->cgroups);
}

/*
 * Startup and shutdown, in the order in which one thing needs another.
 */
#include "daemon/announce.h"
#include "daemon/connection.h"
#include "daemon/handover.h"
#include "daemon/hostfs.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/mountpoint.h"
#include "daemon/oomscore.h"
#include "daemon/options.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/report.h"
#include "daemon/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* As s6 has it: 100 is the user's mistake, 111 the system's. */
enum { EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

/* --check: prints what the start would find. An upgrade tries a binary with it before it
 * relies on that. */
static int check(const struct options *options)
{
	struct shared shared;
	struct cgroups cgroups = {.mount = CGMOUNT_NULL};
	char target[PATH_MAX];
	int r = hostfs_open();
	bool good;

	if (r < 0) {
		log_warnx("/proc: %s", strerror(-r));
		return EXIT_SYSTEM;
	}
	r = shared_open(&shared, -1, false);
	if (r < 0) {
		log_warnx("shared memory: %s", strerror(-r));
		return EXIT_SYSTEM;
	}
	handover_print(shared_form(&shared));
	good = mountpoint_resolve(options->mountpoint, target) &&
	       cgroups_open(&cgroups, options) &&
	       report_check(options, target, &cgroups) &&
	       worker_check(options, &shared, &cgroups);
	cgroups_close(&cgroups);
	shared_close(&shared);
	return good ? 0 : EXIT_SYSTEM;
}

static bool ready_alone(void *arg)
{
	struct connection *conn = arg;

	if (conn->options->keep_mount)
		announce_store(conn->fuse, conn->shared.fd);
	announce_ready(conn->options);
	return true;
}

/* --no-keeper. */
static int serve_alone(struct connection *conn)
{
	const struct options *options = conn->options;
	struct worker_job job = {.options = options,
		.target = conn->target,
		.shared = &conn->shared,
		.cgroups = &conn->cgroups,
		.fuse = conn->fuse,
		.control = -1,
		.ready = ready_alone,
		.arg = conn};
	int status = worker_run(&job);

	announce_end();
	if (status == WORKER_GONE && connection_taken_away(conn)) {
		log_info("the mount on %s was taken away", conn->target);
		status = WORKER_DONE;
	} else if (status == WORKER_GONE) {
		log_warnx("the mount on %s was aborted", conn->target);
	} else if (status != WORKER_DONE && !options->keep_mount) {
		connection_unmount(conn, false);
	}
	if (status == WORKER_DONE)
		report_end(conn->target, options->keep_mount);
	return status == WORKER_DONE ? 0 : EXIT_SYSTEM;
}

static int serve(const struct options *options)
{
	static struct connection conn;
	int status;

	if (!connection_open(&conn, options))
		return conn.told_to_end ? 0 : EXIT_SYSTEM;
	if (!conn.resumed)
		report_start(options, conn.target, &conn.cgroups);
	status = options->no_keeper ? serve_alone(&conn) : keeper_run(&conn);
	connection_close(&conn);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status, r = options_parse(&options, argc, argv);

	if (r != OPTIONS_RUN)
		return r == OPTIONS_DONE ? 0 : EXIT_USAGE;
	log_verbose = options.debug;
	umask(022);
	if (!privileges_open_standard())
		return EXIT_SYSTEM;
	if (options.check)
		return check(&options);
	handover_init(argv);
	if (handover_resumes()) {
		options.ready_fd = -1; /* was told and closed before */
	} else if (options.ready_fd >= 0 && fcntl(options.ready_fd, F_GETFD) < 0) {
		log_warn("--ready-fd=%d", options.ready_fd);
		return EXIT_SYSTEM;
	}
	if (options.keep_mount && options.fuse_fd < 0 && !announce_can_store())
		log_warnx(
			"--keep-mount without a supervisor that keeps the descriptor: the mount "
			"will be dead after the end");
	if (!options.no_keeper)
		oomscore_protect();
	keeper_hold_signals();
	if (!pidfile_take(options.pidfile, handover_resumes()))
		return EXIT_SYSTEM;
	status = serve(&options);
	pidfile_release();
	return status;
}

/*
 * Report for an administrator: logged at the start, printed by --check.
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include "daemon/cgroups.h"
#include "daemon/options.h"

/* Logs a few lines about the version, the mount, the cgroup hierarchies, the kernel, the
 * capabilities that are kept and the options that change views. */
void report_start(
	const struct options *options, const char *target, const struct cgroups *cgroups);

/* Logs who is shown what, after SIGUSR2. */
void report_view(bool host);
/* Logs the end of the daemon: its mount is gone, or `kept` for others. */
void report_end(const char *target, bool kept);

/* The same on standard output, with the consequence of each missing part, after looking
 * at /dev/fuse, the privileges and the mountpoint. Whether the daemon would start. In a
 * trial of an upgrade (see handover.h) the mountpoint is in use, as it should be. */
bool report_check(
	const struct options *options, const char *target, const struct cgroups *cgroups);

#endif

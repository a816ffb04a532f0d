/*
 * See report.h. One list of lines serves the log and --check; a line goes to whichever
 * asked for it.
 */
#include "daemon/report.h"

#include "daemon/connection.h"
#include "daemon/handover.h"
#include "daemon/hostfs.h"
#include "daemon/log.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "fusechan/channel.h"
#include "fusechan/mount.h"
#include "nsutil/caps.h"
#include "nsutil/cleanup.h"
#include "nsutil/features.h"

#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { LINE = 400 };

/* A line that is put together, and cut where it is too long. */
struct line {
	char text[LINE];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(
	struct line *line, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->text + line->len, LINE - line->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		line->len += (size_t)n;
	if (line->len >= LINE)
		line->len = LINE - 1;
}

typedef void say(const char *text);

/* As cgroup.controllers of v2 and /proc/cgroups of v1 have them; "": not there. On v2
 * cgroup2 itself counts CPU time and pressure. */
static const struct {
	char v1[8], v2[9];
} controller_names[CG_CONTROLLERS] = {
	[CG_MEMORY] = {"memory", "memory"},
	[CG_CPU] = {"cpu", "cpu"},
	[CG_CPUACCT] = {"cpuacct", ""},
	[CG_CPUSET] = {"cpuset", "cpuset"},
	[CG_BLKIO] = {"blkio", "io"},
	[CG_HUGETLB] = {"hugetlb", "hugetlb"},
	[CG_PRESSURE] = {"", "pressure"},
};

static void say_log(const char *text)
{
	log_info("%s", text);
}

static void say_stdout(const char *text)
{
	puts(text);
}

static void report_hierarchies(const struct cg_layout *layout, say *out)
{
	for (int i = 0; i < layout->count; i++) {
		const struct cg_hierarchy *h = &layout->hierarchy[i];
		struct line line = {.len = 0};

		add(&line, "cgroup %s%s%s:", h->version->name, *h->name ? " " : "",
			h->name);
		for (int k = 0; k < CG_CONTROLLERS; k++) {
			const char *name = h->version == &cg_v2 ? controller_names[k].v2
								: controller_names[k].v1;

			if (layout->of[k] == i && *name)
				add(&line, " %s", name);
		}
		out(line.text);
	}
	if (!layout->count)
		out("cgroup: no hierarchy is mounted, so that containers see the host's "
		    "figures");
}

static void report_hostfs(say *out)
{
	static const char *const how[HOSTFS_WAYS] = {
		[HOSTFS_CLONE] = "/proc and /sys: detached clones",
		[HOSTFS_NAMESPACE] = "/proc and /sys: bind mounts of our own",
		[HOSTFS_PLAIN] =
			"/proc and /sys: the host's own; do not mount our files there",
	};

	out(how[hostfs_way()]);
}

static void report_mounts(const struct cgroups *cgroups, say *out)
{
	static const char *const how[CGMOUNT_WAYS] = {
		[CGMOUNT_CLONE] = "cgroup mounts: detached clones",
		[CGMOUNT_NAMESPACE] = "cgroup mounts: a private mount namespace",
		[CGMOUNT_HOST] = "cgroup mounts: the host's own, which stay busy",
	};

	if (cgroups->layout.count && how[cgroups->mount.way])
		out(how[cgroups->mount.way]);
}

/* lxcfs writes such lines, and tools look for them in its log. */
static void report_feature(const struct feature_row *row, enum feature_state state,
	bool consequences, say *out)
{
	struct line line = {.len = 0};

	if (state == FEATURE_UNKNOWN)
		add(&line, "Kernel support for %s cannot be told yet", row->name);
	else
		add(&line, "Kernel %s %s",
			state == FEATURE_PRESENT ? "supports" : "does not support",
			row->name);
	if (state == FEATURE_ABSENT && consequences)
		add(&line, "%s%s%s: %s", *row->since ? " (Linux " : "", row->since,
			*row->since ? ")" : "", row->without);
	out(line.text);
}

static void report_features(const struct cg_layout *layout, bool consequences, say *out)
{
	enum feature_state state[FEATURES];

	features_probe(hostfs_proc(), layout, state);
	for (int i = 0; i < FEATURES; i++)
		report_feature(&feature_table[i], state[i], consequences, out);
}

static void report_init(const struct options *options, say *out)
{
	if (options->force_fork)
		out("inits of containers are found by a forked helper (--resolver=fork)");
}

static void report_capabilities(const struct options *options, say *out)
{
	const uint64_t kept = caps_permitted() & ~privileges_unused(options);
	struct line line = {.len = 0};

	add(&line, "capabilities kept:");
	for (int i = 0; i < CAPS_ROWS; i++)
		if (kept >> caps_table[i].capability & 1)
			add(&line, " %s", caps_name(caps_table[i].capability));
	out(line.text);
}

static void report_policy(const struct options *options, say *out)
{
	const struct {
		bool on;
		const char *name;
	} views[] = {
		{options->policy.cfs, "--enable-cfs"},
		{options->policy.no_swap, "--disable-swap"},
		{options->policy.no_zswap, "--disable-zswap"},
		{options->policy.no_loadavg, "--disable-loadavg"},
		{options->policy.intr, "--enable-intr"},
		{options->psi_poll, "--enable-psi-poll"},
	};
	struct line line = {.len = 0};

	add(&line, "options that change files:");
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (views[i].on)
			add(&line, " %s", views[i].name);
	if (line.text[line.len - 1] == ':')
		add(&line, " none");
	out(line.text);
}

static void report_head(const char *target, say *out)
{
	struct utsname name = {.release = "unknown"};
	struct line line = {.len = 0};

	uname(&name);
	add(&line, "version %s, Linux %s, serves %s", EVLXCFS_VERSION, name.release,
		target);
	out(line.text);
}

static void report_all(const struct options *options, const struct cgroups *cgroups,
	bool consequences, say *out)
{
	report_hierarchies(&cgroups->layout, out);
	report_mounts(cgroups, out);
	report_hostfs(out);
	report_features(&cgroups->layout, consequences, out);
	report_init(options, out);
	report_capabilities(options, out);
	report_policy(options, out);
}

void report_start(
	const struct options *options, const char *target, const struct cgroups *cgroups)
{
	report_head(target, say_log);
	report_all(options, cgroups, false, say_log);
}

void report_view(bool host)
{
	log_info(host ? "SIGUSR2: containers get the host's files from now on"
		      : "SIGUSR2: containers get their own files from now on");
}

void report_end(const char *target, bool kept)
{
	if (kept)
		log_info("ended; the mount on %s is left to the holder of its descriptor",
			target);
	else
		log_info("ended; %s is not mounted any more", target);
}

static bool check_device(void)
{
	const int fd = channel_open();
	struct line line = {.len = 0};

	if (fd >= 0)
		add(&line, "/dev/fuse can be opened");
	else
		add(&line, "/dev/fuse %s", connection_device_error(fd));
	fd_close(fd);
	say_stdout(line.text);
	return fd >= 0;
}

/* Mounting takes CAP_SYS_ADMIN; without the others readers get less. */
static bool check_privileges(const struct options *options)
{
	const uint64_t have = caps_permitted(), unused = privileges_unused(options);

	for (int i = 0; i < CAPS_ROWS; i++) {
		const struct caps_row *row = &caps_table[i];
		struct line line = {.len = 0};

		if ((have | unused) >> row->capability & 1)
			continue;
		add(&line, "capability %s is missing: %s", caps_name(row->capability),
			row->reason);
		say_stdout(line.text);
	}
	return have >> CAP_SYS_ADMIN & 1;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool check_mountpoint(const char *target)
{
	struct line line = {.len = 0};
	int r = fuse_mount_probe(target);
	bool good = r == MOUNT_STALE;

	add(&line, "mountpoint %s: ", target);
	if (r < 0)
		add(&line, "%s", strerror(-r));
	else if (r == MOUNT_ALIVE)
		add(&line, "in use by another FUSE daemon");
	else if (r == MOUNT_STALE)
		add(&line, "a dead mount, which the start detaches");
	else if (!(good = is_directory(target)))
		add(&line, "no directory");
	else
		add(&line, "free");
	say_stdout(line.text);
	return good;
}

static bool check_pidfile(const struct options *options)
{
	const int holder = options->pidfile ? pidfile_holder(options->pidfile) : 0;
	struct line line = {.len = 0};

	if (!options->pidfile)
		return true;
	if (holder)
		add(&line, "pidfile %s: process %d holds it", options->pidfile, holder);
	else
		add(&line, "pidfile %s: free", options->pidfile);
	say_stdout(line.text);
	return !holder;
}

bool report_check(
	const struct options *options, const char *target, const struct cgroups *cgroups)
{
	bool good = true;

	report_head(target, say_stdout);
	if (!handover_is_trial()) {
		good = check_device() && good;
		good = check_privileges(options) && good;
		good = check_mountpoint(target) && good;
		good = check_pidfile(options) && good;
	}
	report_all(options, cgroups, true, say_stdout);
	say_stdout(good ? "It would start." : "It would not start.");
	return good;
}

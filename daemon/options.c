/*
 * One table of options; getopt_long(3)'s arrays and the help text are made from it.
 */
#include "daemon/options.h"

#include "daemon/log.h"
#include "nsutil/caps.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum id {
	OPT_FOREGROUND,
	OPT_DEBUG,
	OPT_HELP,
	OPT_VERSION,
	OPT_LOADAVG,
	OPT_NO_LOADAVG,
	OPT_NO_SWAP,
	OPT_NO_ZSWAP,
	OPT_SINGLE,
	OPT_FUSE,
	OPT_PIDFILE,
	OPT_CFS,
	OPT_PIDFD,
	OPT_CGROUP,
	OPT_PSI_POLL,
	OPT_INTR,
	OPT_RUNTIME_DIR,
	OPT_READY_FD,
	OPT_KEPT_FILES,
	OPT_RESOLVER,
	OPT_CGROUP_READER,
	OPT_CGROUP_MOUNTS,
	OPT_DROP,
	OPT_KEEP_MOUNT,
	OPT_FUSE_FD,
	OPT_NO_KEEPER,
	OPT_WATCHDOG,
	OPT_CHECK,
	OPTS,
};

/* As few lines as possible for each. */
/* clang-format off */
static const struct {
	char name[16]; /* long; "": short only */
	char letter;   /* 0: long only */
	const char *arg;  /* NULL: takes none */
	const char *help;
} table[OPTS] = {
	[OPT_FOREGROUND] = {"foreground", 'f', NULL, "stay in the foreground (always so)"},
	[OPT_DEBUG] = {"debug", 'd', NULL, "log containers, and readers that get the host's files"},
	[OPT_HELP] = {"help", 'h', NULL, "print this and exit"},
	[OPT_VERSION] = {"version", 'v', NULL, "print the version and exit"},
	[OPT_LOADAVG] = {"enable-loadavg", 'l', NULL,
		"containers see their own load average (always so, unless disabled)"},
	[OPT_NO_LOADAVG] = {"disable-loadavg", 0, NULL, "loadavg shows the host's"},
	[OPT_NO_SWAP] = {"disable-swap", 'u', NULL, "containers see no swap"},
	[OPT_NO_ZSWAP] = {"disable-zswap", 'z', NULL, "containers see no zswap"},
	[OPT_SINGLE] = {"", 's', NULL, "accepted: there is one thread only"},
	[OPT_FUSE] = {"", 'o', "OPTS",
		"mount options: fsname=NAME, subtype=TYPE, ro, nosuid and the like"},
	[OPT_PIDFILE] = {"pidfile", 'p', "FILE", "write the process id there and lock it (as lxcfs: /run/lxcfs.pid)"},
	[OPT_CFS] = {"enable-cfs", 0, NULL, "CPU quotas limit the number of CPUs shown"},
	[OPT_PIDFD] = {"enable-pidfd", 0, NULL, "accepted: pidfds are used where there are any"},
	[OPT_CGROUP] = {"enable-cgroup", 0, NULL, "accepted; cgroupfs is not emulated"},
	[OPT_PSI_POLL] = {"enable-psi-poll", 0, NULL,
		"pressure files take triggers (the manual says whom to trust with it)"},
	[OPT_INTR] = {"enable-intr", 0, NULL, "stat lists each interrupt, as on the host"},
	[OPT_RUNTIME_DIR] = {"runtime-dir", 0, "DIR", "directory for run-time files"},
	[OPT_READY_FD] = {"ready-fd", 0, "N",
		"write a newline to descriptor N once reads are served, then close it"},
	[OPT_KEPT_FILES] = {"kept-files", 0, "N", "cgroup files kept open (default: one for 4 MB of memory, 16384 at most)"},
	[OPT_RESOLVER] = {"resolver", 0, "ioctl|fork",
		"how a namespace's init is found (default: ioctl where there is one)"},
	[OPT_CGROUP_READER] = {"cgroup-reader", 0, "auto|loop|helper",
		"who reads /proc/PID/cgroup (default: the loop from Linux 6.8 on)"},
	[OPT_CGROUP_MOUNTS] = {"cgroup-mounts", 0, "auto|clone|namespace|host",
		"how the cgroup mounts are held (default: auto, what works)"},
	[OPT_DROP] = {"drop-capability", 0, "NAME",
		"do without this capability too, such as 'sys_ptrace'; can be repeated"},
	[OPT_KEEP_MOUNT] = {"keep-mount", 0, NULL,
		"leave the mount at the end, to whoever holds its descriptor"},
	[OPT_FUSE_FD] = {"fuse-fd", 0, "N[,M]",
		"serve the connection of descriptor N; M is the state kept with it"},
	[OPT_NO_KEEPER] = {"no-keeper", 0, NULL,
		"one process: the supervisor keeps the descriptor and starts it again"},
	[OPT_WATCHDOG] = {"watchdog", 0, "SECONDS",
		"replace a worker that does not get on for so long (default 5; 0: never)"},
	[OPT_CHECK] = {"check", 0, NULL, "print whether it would start and what it finds here, mount nothing"},
};
/* clang-format on */

static void print_help(void)
{
	printf("Usage: evlxcfs [OPTIONS] MOUNTPOINT\n\n"
	       "Shows every container its own /proc and /sys/devices/system/cpu. Runs in the\n"
	       "foreground and unmounts on SIGTERM or SIGINT.\n\n");
	for (int i = 0; i < OPTS; i++) {
		char left[64], letter[4] = "";
		int n = 0;

		if (table[i].letter)
			snprintf(letter, sizeof(letter), "-%c", table[i].letter);
		if (table[i].name[0])
			n = snprintf(left, sizeof(left), "%2s%s --%s%s%s", letter,
				table[i].letter ? "," : " ", table[i].name,
				table[i].arg ? "=" : "",
				table[i].arg ? table[i].arg : "");
		else
			n = snprintf(left, sizeof(left), "%2s %s", letter,
				table[i].arg ? table[i].arg : "");
		printf("  %-28s %s%s\n", left,
			n > 28 ? "\n                               " : "", table[i].help);
	}
}

/* An argument that the option cannot have. */
static bool refuse(enum id id, const char *arg)
{
	log_warnx("--%s=%s does not take '%s' (see --help)", table[id].name,
		table[id].arg, arg);
	return false;
}

static bool parse_number(const char *text, unsigned long max, unsigned *out)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	*out = (unsigned)n;
	return *text >= '0' && *text <= '9' && !*end && !errno && n <= max;
}

/* Which of the names it is; false for none. */
static bool parse_name(
	const char *text, const char *const *names, unsigned count, unsigned *out)
{
	for (*out = 0; *out < count; ++*out)
		if (!strcmp(text, names[*out]))
			return true;
	return false;
}

static bool parse_capability(const char *text, uint64_t *out)
{
	int capability = caps_by_name(text);

	if (capability < 0 || capability > 63)
		return false;
	*out |= UINT64_C(1) << capability;
	return true;
}

/* "N" or "N,M". */
static bool parse_descriptors(struct options *options, const char *arg)
{
	char text[32];
	char *comma;
	unsigned n, m;
	bool good = snprintf(text, sizeof(text), "%s", arg) < (int)sizeof(text);

	comma = strchr(text, ',');
	if (comma)
		*comma++ = '\0';
	if (!good || !parse_number(text, INT_MAX, &n) ||
		(comma && !parse_number(comma, INT_MAX, &m)))
		return false;
	options->fuse_fd = (int)n;
	options->state_fd = comma ? (int)m : -1;
	return true;
}

/* Option `id` with its argument. False when it cannot have that. */
static bool apply(struct options *options, enum id id, const char *arg)
{
	static const char *const resolvers[] = {"ioctl", "fork"};
	static const char *const readers[CGROUP_READERS] = {"auto", "loop", "helper"};
	bool good = true;
	unsigned n = 0;

	switch (id) {
	case OPT_DEBUG: options->debug = true; break;
	case OPT_NO_LOADAVG: options->policy.no_loadavg = true; break;
	case OPT_NO_SWAP: options->policy.no_swap = true; break;
	case OPT_NO_ZSWAP: options->policy.no_zswap = true; break;
	case OPT_PSI_POLL: options->psi_poll = true; break;
	case OPT_CFS: options->policy.cfs = true; break;
	case OPT_INTR: options->policy.intr = true; break;
	case OPT_PIDFILE: options->pidfile = arg; break;
	case OPT_RUNTIME_DIR: options->runtime_dir = arg; break;
	case OPT_KEEP_MOUNT: options->keep_mount = true; break;
	case OPT_NO_KEEPER: options->no_keeper = true; break;
	case OPT_CHECK: options->check = true; break;
	case OPT_READY_FD:
		good = parse_number(arg, INT_MAX, &n);
		options->ready_fd = (int)n;
		break;
	case OPT_KEPT_FILES:
		good = parse_number(arg, 1 << 20, &options->kept_files);
		break;
	case OPT_WATCHDOG: good = parse_number(arg, 86400, &options->watchdog); break;
	case OPT_RESOLVER:
		good = parse_name(arg, resolvers, 2, &n);
		options->force_fork = n == 1;
		break;
	case OPT_CGROUP_READER:
		good = parse_name(arg, readers, CGROUP_READERS, &n);
		options->cgroup_reader = (enum cgroup_reader)n;
		break;
	case OPT_CGROUP_MOUNTS:
		good = parse_name(arg, cgmount_way_names, CGMOUNT_WAYS, &n);
		options->cgroup_mounts = (enum cgmount_way)n;
		break;
	case OPT_DROP: good = parse_capability(arg, &options->drop); break;
	case OPT_FUSE: return mountopts_parse(&options->mount, arg);
	case OPT_FUSE_FD: good = parse_descriptors(options, arg); break;
	case OPT_FOREGROUND:
	case OPT_LOADAVG:
	case OPT_SINGLE:
	case OPT_PIDFD:
	case OPT_CGROUP:
	case OPT_HELP:
	case OPT_VERSION:
	case OPTS: break;
	}
	return good || refuse(id, arg);
}

/* Long options first in 256.., short ones by their letter. */
static int id_of(int got)
{
	if (got >= 256)
		return got - 256;
	for (int i = 0; i < OPTS; i++)
		if (table[i].letter == got)
			return i;
	return OPTS;
}

/* lxcfs always has one. */
static const char *default_pidfile(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	if (slash)
		name = slash + 1;
	return name && !strcmp(name, "lxcfs") ? "/run/lxcfs.pid" : NULL;
}

int options_parse(struct options *options, int argc, char **argv)
{
	struct option longs[OPTS + 1] = {0};
	char shorts[2 * OPTS + 2] = ":";
	int got, n = 0, len = 1;

	*options = (struct options){.runtime_dir = "/run/evlxcfs",
		.kept_files = KEPT_BY_MEMORY,
		.pidfile = default_pidfile(argv[0]),
		.ready_fd = -1,
		.fuse_fd = -1,
		.state_fd = -1,
		.watchdog = 5};
	mountopts_init(&options->mount);
	for (int i = 0; i < OPTS; i++) {
		if (table[i].name[0])
			longs[n++] = (struct option){table[i].name,
				table[i].arg ? required_argument : no_argument, NULL,
				256 + i};
		if (table[i].letter)
			shorts[len++] = table[i].letter;
		if (table[i].letter && table[i].arg)
			shorts[len++] = ':';
	}
	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int id = got == '?' || got == ':' ? OPTS : id_of(got);

		if (id == OPTS) {
			/* Of letters in one word getopt names the one. */
			const char letter[] = {'-', (char)optopt, '\0'};
			bool unknown = got == '?' && optopt > ' ' && optopt < 127 &&
				       !strchr(shorts, optopt);

			log_warnx("%s '%s' (see --help)",
				got == ':'      ? "an argument is missing after"
				: optopt >= 256 ? "takes no argument:"
						: "unknown option",
				unknown ? letter : argv[optind - 1]);
			return OPTIONS_BAD;
		}
		if (id == OPT_HELP) {
			print_help();
			return OPTIONS_DONE;
		}
		if (id == OPT_VERSION) {
			printf("%s\n", EVLXCFS_VERSION);
			return OPTIONS_DONE;
		}
		if (!apply(options, (enum id)id, optarg))
			return OPTIONS_BAD;
	}
	if (optind + 1 != argc || !*argv[optind]) {
		log_warnx(optind + 1 < argc
				  ? "more than one mountpoint given (see --help)"
				  : "no mountpoint given (see --help)");
		return OPTIONS_BAD;
	}
	options->mountpoint = argv[optind];
	return OPTIONS_RUN;
}

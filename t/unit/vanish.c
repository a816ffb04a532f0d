/*
 * Every view, on trees of every kernel and layout, while the container's cgroup vanishes
 * at each of the steps in which it is read: at each open and each read of a file there.
 * The same where one of them is refused, or gives nothing, or garbage. There is always a
 * text, it is consistent in itself, and the next one is as if nothing had been.
 *
 * This program's own openat and pread stand between the code under test and the C
 * library.
 */
#undef _FORTIFY_SOURCE
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define S UINT64_C(1000000000)

enum fault { FAULT_NONE, FAULT_GONE, FAULT_DENIED, FAULT_EMPTY, FAULT_GARBAGE, FAULTS };

static const char *const fault_names[FAULTS] = {
	"nothing", "gone", "EACCES", "empty", "garbage"};

static enum fault fault;
static unsigned step, at; /* steps so far, and the one at which it happens; from 1 */

/* Is this the step, or, for what is gone, behind it? */
static bool strikes(void)
{
	step++;
	return fault == FAULT_GONE ? step >= at : fault && step == at;
}

static bool in_cgroup(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, "/cgroup") && strstr(path, "/ct/");
}

int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (!strncmp(path, "ct/", 3) && strikes() &&
		(fault == FAULT_GONE || fault == FAULT_DENIED)) {
		errno = fault == FAULT_GONE ? ENOENT : EACCES;
		return -1;
	}
	return (int)syscall(SYS_openat, dirfd, path, flags, mode);
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	static const char garbage[] = "\n\xff\x01 99999999999999999999999 -1 max\n:::\n= "
				      "8:0 x=\n\n 5";

	if (!in_cgroup(fd) || !strikes())
		return syscall(SYS_pread64, fd, buf, size, offset);
	switch (fault) {
	case FAULT_GONE: errno = ENODEV; return -1;
	case FAULT_DENIED: errno = EACCES; return -1;
	case FAULT_GARBAGE:
		if (offset)
			return 0;
		memcpy(buf, garbage, size < sizeof(garbage) ? size : sizeof(garbage));
		return (ssize_t)(size < sizeof(garbage) ? size : sizeof(garbage));
	default: return 0;
	}
}

static uint64_t number_of(const char *text, const char *key)
{
	uint64_t v = 0;

	procfile_keyed(text, &key, 1, &v);
	return v;
}

static bool good_meminfo(const char *text)
{
	return number_of(text, "MemTotal:") &&
	       number_of(text, "MemFree:") <= number_of(text, "MemAvailable:") &&
	       number_of(text, "MemAvailable:") <= number_of(text, "MemTotal:") &&
	       number_of(text, "Cached:") <= number_of(text, "MemTotal:") &&
	       number_of(text, "SwapFree:") <= number_of(text, "SwapTotal:");
}

static bool good_swaps(const char *text)
{
	unsigned long total, used;

	return !strncmp(text, "Filename\t", 9) &&
	       (sscanf(strchr(text, '\n') + 1, "none virtual %lu %lu", &total, &used) !=
			       2 ||
		       used <= total);
}

static bool good_stat(const char *text)
{
	uint64_t sum[8] = {0}, v;
	struct slice line, word;
	bool cpu, total;

	while (procfile_line(&text, &line)) {
		if (!slice_word(&line, &word))
			return false;
		cpu = word.len > 3 && !memcmp(word.p, "cpu", 3);
		total = slice_is(word, "cpu");
		for (int i = 0; (cpu || total) && i < 8; i++) {
			if (!slice_word(&line, &word) || !slice_u64(word, &v))
				return false;
			sum[i] += total ? v : -v;
		}
	}
	for (int i = 0; i < 8; i++)
		if (sum[i])
			return false;
	return true;
}

static bool good_uptime(const char *text)
{
	double age, idle;

	return sscanf(text, "%lf %lf", &age, &idle) == 2 && age == 10 && idle <= 40;
}

static bool good_cpuinfo(const char *text)
{
	return !strncmp(text, "processor\t: 0\n", 14);
}

static bool good_list(const char *text)
{
	struct cpuset set;

	return cpuset_parse(&set, text) == 0;
}

static bool good_diskstats(const char *text)
{
	struct slice line, word;

	while (procfile_line(&text, &line)) {
		unsigned fields = 0;

		while (slice_word(&line, &word))
			fields++;
		if (fields != 20)
			return false;
	}
	return true;
}

static bool good_slabinfo(const char *text)
{
	return !strncmp(text, "slabinfo - ", 11);
}

static const struct {
	const char *name;
	view_show *show;
	unsigned arg;
	bool (*good)(const char *text);
} views[] = {
	{"meminfo", view_meminfo, 0, good_meminfo},
	{"swaps", view_swaps, 0, good_swaps},
	{"stat", view_stat, 0, good_stat},
	{"uptime", view_uptime, 0, good_uptime},
	{"cpuinfo", view_cpuinfo, 0, good_cpuinfo},
	{"online", view_cpu_list, CPU_ONLINE, good_list},
	{"present", view_cpu_list, CPU_PRESENT, good_list},
	{"diskstats", view_diskstats, 0, good_diskstats},
	{"slabinfo", view_slabinfo, 0, good_slabinfo},
};

enum { VIEWS = sizeof(views) / sizeof(views[0]) };

/* One rendering with the fault at that step; `warm`: with descriptors kept from before.
 * False when it takes fewer steps. */
static bool strike(struct fixture *f, unsigned view, bool warm, enum fault what,
	unsigned when, char *was, unsigned *wrong)
{
	const char *text;
	bool struck;

	cgfiles_forget(f->files, f->ct);
	if (warm)
		fixture_show(f, views[view].show, views[view].arg);
	fault = what;
	at = when;
	step = 0;
	text = fixture_show(f, views[view].show, views[view].arg);
	struck = step >= at;
	fault = FAULT_NONE;
	if (strcmp(text, "HOST") && !views[view].good(text) && ++*wrong)
		printf("# %s, %s at step %u:\n# %s\n", views[view].name,
			fault_names[what], when, text);
	text = fixture_show(f, views[view].show, views[view].arg);
	if (strcmp(text, was) && ++*wrong)
		printf("# %s after %s at step %u:\n# %s\n", views[view].name,
			fault_names[what], when, text);
	return struck;
}

static void test_tree(const char *name, unsigned least)
{
	unsigned wrong = 0, steps = 0;
	struct fixture f;

	fixture_open(&f, name);
	fixture_container(&f, "/ct", 100 * S);
	fixture_history(&f, 4);
	f.host.hz = 100;
	f.subject.now_ns = 110 * S;
	f.policy.cfs = true;
	for (unsigned view = 0; view < VIEWS; view++) {
		char *was = strdup(fixture_show(&f, views[view].show, views[view].arg));

		for (int what = FAULT_GONE; what < FAULTS; what++)
			for (int warm = 0; warm < 2; warm++)
				for (unsigned when = 1;
					strike(&f, view, warm, what, when, was, &wrong);
					when++)
					steps++;
		free(was);
	}
	ok(!wrong, "%s: %u wrong", name, wrong);
	ok(steps >= least, "%s: at each of %u steps", name, steps);
	fixture_deinit(&f);
}

int main(void)
{
	test_tree("5.10-v2", 200);
	test_tree("6.1-v2", 200);
	test_tree("6.1-v1", 200);
	test_tree("6.12-v2", 200);
	test_tree("6.12-v1", 50);
	test_tree("6.18-hybrid", 200);
	return tap_done();
}

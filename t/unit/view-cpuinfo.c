/*
 * cpuinfo of every architecture: fixtures/cpuinfo/ARCH is what a host with four CPUs
 * prints, ARCH.ct what its container on the second and the fourth sees, ARCH.cfs the same
 * with --enable-cfs.
 */
#include "t/unit/fixture.h"

#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void read_fixture(const char *arch, const char *suffix, struct textbuf *text)
{
	char path[128];

	snprintf(path, sizeof(path), "t/fixtures/cpuinfo/%s%s", arch, suffix);
	if (procfile_read(AT_FDCWD, path, text) < 0)
		abort();
}

static void start(struct fixture *f, const char *online, const char *cpus)
{
	fixture_new(f);
	fixture_write(f, "cpu/online", online);
	fixture_write(f, "cgroup/cgroup.controllers", "cpuset cpu\n");
	fixture_write(f, "cgroup/cpuset.cpus.effective", online);
	fixture_write(f, "cgroup/ct/cpuset.cpus.effective", cpus);
	fixture_load(f);
	fixture_container(f, "/ct", 0);
}

static void test_arch(const char *arch, const char *online, const char *cpus)
{
	struct textbuf host = {0}, want = {0}, cfs = {0};
	struct fixture f;

	read_fixture(arch, "", &host);
	read_fixture(arch, ".ct", &want);
	read_fixture(arch, ".cfs", &cfs);
	start(&f, online, cpus);
	fixture_write(&f, "proc/cpuinfo", host.data);
	is_str(fixture_show(&f, view_cpuinfo, 0), want.data, arch);
	f.policy.cfs = true;
	is_str(fixture_show(&f, view_cpuinfo, 0), cfs.data, "with --enable-cfs");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", online);
	if (!strstr(online, ",")) /* with gaps even the host's own are renumbered */
		is_str(fixture_show(&f, view_cpuinfo, 0), host.data,
			"all, with --enable-cfs: the host's text");
	f.policy.cfs = false;
	is_str(fixture_show(&f, view_cpuinfo, 0), host.data, "all: the host's text");
	textbuf_deinit(&host);
	textbuf_deinit(&want);
	textbuf_deinit(&cfs);
	fixture_deinit(&f);
}

/* Captured containers have the first of the host's CPUs; the written one has a text of
 * what it must see. */
static void captured(const char *name)
{
	struct textbuf host = {0}, want = {0};
	struct fixture f;
	int dir;

	fixture_open(&f, name);
	dir = open(f.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (procfile_read(f.host.proc, "cpuinfo", &host) < 0)
		abort();
	if (procfile_read(dir, "expect/cpuinfo", &want) < 0) {
		strstr(host.data, "\n\n")[2] = '\0';
		is_int(strncmp(host.data, "processor\t: 0\n", 14), 0, "a block of CPU 0");
	}
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_cpuinfo, 0), want.len ? want.data : host.data, name);
	close(dir);
	textbuf_deinit(&host);
	textbuf_deinit(&want);
	fixture_deinit(&f);
}

static void test_quota(void)
{
	static const char host[] =
		"processor\t: 0\nflags\t: a\n\nprocessor\t: 1\nflags\t: b\n\n"
		"processor\t: 2\nflags\t: c\n\nprocessor\t: 3\nflags\t: d\n\n";
	struct fixture f;

	start(&f, "0-3\n", "1-3\n");
	fixture_write(&f, "proc/cpuinfo", host);
	fixture_container(&f, "/", 0);
	is_str(fixture_show(&f, view_cpuinfo, 0), host, "the root cgroup");
	fixture_container(&f, "/ct", 0);
	fixture_write(&f, "cgroup/ct/cpu.max", "150000 100000\n");
	is_str(fixture_show(&f, view_cpuinfo, 0),
		"processor\t: 1\nflags\t: b\n\nprocessor\t: 2\nflags\t: c\n\n"
		"processor\t: 3\nflags\t: d\n\n",
		"a quota does not matter");
	f.policy.cfs = true;
	is_str(fixture_show(&f, view_cpuinfo, 0),
		"processor\t: 0\nflags\t: b\n\nprocessor\t: 1\nflags\t: c\n\n",
		"but with --enable-cfs it does");
	fixture_deinit(&f);
}

/* Keys that begin alike, and keys and fields that are not known here. */
static void test_unknown(void)
{
	struct fixture f;

	start(&f, "0-1\n", "1\n");
	fixture_write(&f, "proc/cpuinfo",
		"processors\t: 2\n"
		"processor\t: 0\nprocessor id\t: 0\nnew line\t: x\n\n"
		"processor\t: 1 (big)\nprocessor id\t: 1\nnew line\t: y\n\n"
		"shape\t: round");
	is_str(fixture_show(&f, view_cpuinfo, 0),
		"processors\t: 2\n"
		"processor\t: 1 (big)\nprocessor id\t: 1\nnew line\t: y\n\n"
		"shape\t: round\n",
		"exact keys; unknown lines stay");
	f.policy.cfs = true;
	is_str(fixture_show(&f, view_cpuinfo, 0),
		"processors\t: 2\n"
		"processor\t: 0 (big)\nprocessor id\t: 1\nnew line\t: y\n\n"
		"shape\t: round\n",
		"a new number leaves the text behind it");
	fixture_write(&f, "cgroup/ct/cpuset.cpus.effective", "0\n");
	is_str(fixture_show(&f, view_cpuinfo, 0),
		"processors\t: 2\n"
		"processor\t: 0\nprocessor id\t: 0\nnew line\t: x\n\n"
		"shape\t: round\n",
		"what is behind the last block stays though that block goes");
	fixture_write(&f, "proc/cpuinfo",
		"cpu\t\t: TI UltraSparc\nncpus active\t: 2\nCpu0ClkTck\t: 0\n");
	is_str(fixture_show(&f, view_cpuinfo, 0), "HOST", "no block at all: the host's");
	fixture_write(&f, "proc/cpuinfo", "processor\t: 99999999999999999999\n\n");
	is_str(fixture_show(&f, view_cpuinfo, 0), "HOST", "an impossible number");
	fixture_write(&f, "proc/cpuinfo", "");
	is_str(fixture_show(&f, view_cpuinfo, 0), "HOST", "an empty file");
	fixture_remove(&f, "proc/cpuinfo");
	host_deinit(&f.host);
	fixture_deinit(&f);
}

static void test_absent(void)
{
	struct fixture f;

	fixture_new(&f);
	fixture_write(&f, "cpu/online", "0-1\n");
	fixture_write(&f, "proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n\n");
	fixture_write(&f, "cgroup/cgroup.controllers", "memory\n");
	fixture_write(&f, "cgroup/ct/cpu.stat", "usage_usec 0\n");
	fixture_load(&f);
	fixture_container(&f, "/ct", 0);
	is_str(fixture_show(&f, view_cpuinfo, 0), "HOST",
		"no cpuset controller: the host's");
	fixture_deinit(&f);
}

/* 1024 CPUs in the file, odd ones offline, and every fourth the container's. */
static void test_many(void)
{
	static char host[65536], want[65536], list[16384];
	size_t h = 0, w = 0, l = 0;
	struct fixture f;

	for (unsigned cpu = 0; cpu < 1024; cpu += 2) {
		h += (size_t)sprintf(host + h, "processor\t: %u\nid\t: %u\n\n", cpu, cpu);
		l += (size_t)sprintf(list + l, "%s%u", l ? "," : "", cpu);
		if (cpu % 4 == 0)
			w += (size_t)sprintf(
				want + w, "processor\t: %u\nid\t: %u\n\n", cpu, cpu);
	}
	start(&f, list, "0-1023:1/4\n");
	fixture_write(&f, "proc/cpuinfo", host);
	is_str(fixture_show(&f, view_cpuinfo, 0), want, "256 of 512 of 1024 CPUs");
	fixture_deinit(&f);
}

int main(void)
{
	static const char *const archs[] = {
		"x86", "arm64", "armv7", "riscv64", "mips", "s390x"};

	for (unsigned i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		test_arch(archs[i], "0-3\n", "1,3\n");
	test_arch("armv7-3.0", "0-1\n", "1\n");
	test_arch("ppc64", "0,8,16,24\n", "8,24\n");
	captured("5.10-v2");
	captured("6.1-v1");
	captured("6.1-v2");
	captured("6.12-v2");
	captured("6.18-hybrid");
	test_quota();
	test_unknown();
	test_absent();
	test_many();
	return tap_done();
}

/*
 * cache/cgfiles: the pool of descriptors below cache/container.
 */
#include "cache/cgfiles.h"
#include "nsutil/cleanup.h"
#include "t/unit/nested.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void use_pool(struct fixture *f, unsigned limit)
{
	container_free(f->ct);
	f->ct = NULL;
	cgfiles_free(f->files);
	if (cgfiles_new(&f->files, &f->layout, limit) < 0)
		exit(1);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_pool(void)
{
	static const unsigned limits[] = {0, 1, 2, 3, 64};
	struct fixture f;

	nested_start(&f);
	is_int(cgfiles_new(&f.files, &f.layout, UINT32_MAX), -EINVAL, "an absurd limit");
	for (unsigned l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		struct container *ct[8];
		bool good = true, bounded = true;
		int before;

		use_pool(&f, limits[l]);
		before = open_fds();
		for (unsigned i = 0; i < 8; i++) {
			container_new(&ct[i], f.files);
			container_set_cgroups(
				ct[i], i % 2 ? "0::/a/b/ct\n" : "0::/a/b\n");
		}
		for (unsigned n = 0; n < 1000; n++) {
			unsigned i = n * 7 % 8, up = n / 3 % 2;
			uint64_t v, want = i % 2 ? (up ? UINT64_MAX : 2000)
						 : (up ? 1000 : UINT64_MAX);

			good &= container_value(ct[i], CGF_MEM_LIMIT, up, &v) == CG_OK &&
				v == want;
			bounded &= cgfiles_held(f.files) <= limits[l];
		}
		ok(good, "limit %u: every read is right", limits[l]);
		ok(bounded && open_fds() == before + (int)cgfiles_held(f.files),
			"limit %u: never more descriptors", limits[l]);
		is_int(cgfiles_held(f.files), limits[l] < 10 ? limits[l] : 10,
			"all of them used, the two above once for all");
		for (unsigned i = 0; i < 8; i++)
			container_free(ct[i]);
		cgfiles_forget_above(f.files);
		ok(cgfiles_held(f.files) == 0 && open_fds() == before,
			"limit %u: freed containers hold none", limits[l]);
	}
	fixture_deinit(&f);
}

/* The one used last is kept. A kept one still shows the old contents when its file was
 * replaced; one that was thrown out shows the new. */
static void test_lru(void)
{
	struct container *ct[3];
	struct fixture f;
	uint64_t v;

	nested_start(&f);
	use_pool(&f, 2);
	for (unsigned i = 0; i < 3; i++) {
		container_new(&ct[i], f.files);
		container_set_cgroups(ct[i], "0::/a\n");
	}
	container_value(ct[0], CGF_MEM_LIMIT, 0, &v);
	container_value(ct[1], CGF_MEM_LIMIT, 0, &v);
	container_value(ct[0], CGF_MEM_LIMIT, 0, &v);
	container_value(ct[2], CGF_MEM_LIMIT, 0, &v);
	fixture_remove(&f, "cgroup/a/memory.max");
	fixture_write(&f, "cgroup/a/memory.max", "1234\n");
	ok(container_value(ct[0], CGF_MEM_LIMIT, 0, &v) == CG_OK && v == 1000,
		"used again: kept");
	ok(container_value(ct[2], CGF_MEM_LIMIT, 0, &v) == CG_OK && v == 1000,
		"the last: kept");
	ok(container_value(ct[1], CGF_MEM_LIMIT, 0, &v) == CG_OK && v == 1234,
		"the oldest: not");
	container_set_cgroups(ct[2], "0::/a\n");
	ok(container_value(ct[2], CGF_MEM_LIMIT, 0, &v) == CG_OK && v == 1000,
		"the same path again: kept");
	container_set_cgroups(ct[2], "0::/a/b\n");
	ok(container_value(ct[2], CGF_MEM_LIMIT, 0, &v) == CG_OK && v == UINT64_MAX,
		"another path: read anew");
	for (unsigned i = 0; i < 3; i++)
		container_free(ct[i]);
	fixture_deinit(&f);
}

/* With none to be had, one that is kept makes room. */
static void test_no_descriptors(void)
{
	struct rlimit limit, none;
	struct fixture f;
	uint64_t v;

	nested_start(&f);
	container_value(f.ct, CGF_MEM_LIMIT, 0, &v);
	container_value(f.ct, CGF_MEM_LIMIT, 1, &v);
	is_int(cgfiles_held(f.files), 2, "two are kept");
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){0, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	is_int(container_value(f.ct, CGF_MEM_LIMIT, 2, &v), CG_ABSENT, "no descriptor");
	is_int(cgfiles_held(f.files), 0, "though all were given back");
	setrlimit(RLIMIT_NOFILE, &limit);
	container_value(f.ct, CGF_MEM_LIMIT, 0, &v);
	container_value(f.ct, CGF_MEM_LIMIT, 1, &v);
	none.rlim_cur = (rlim_t)open("/dev/null", O_RDONLY | O_CLOEXEC);
	close((int)none.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &none);
	ok(container_value(f.ct, CGF_MEM_LIMIT, 2, &v) == CG_OK && v == 1000,
		"the last one is used for another file");
	is_int(cgfiles_held(f.files), 2, "at the cost of the oldest");
	setrlimit(RLIMIT_NOFILE, &limit);
	fixture_deinit(&f);
}

static void rename_in(struct fixture *f, const char *from, const char *to)
{
	char old[512], new[512];

	snprintf(old, sizeof(old), "%s/%s", f->dir, from);
	snprintf(new, sizeof(new), "%s/%s", f->dir, to);
	if (rename(old, new) < 0)
		exit(1);
}

/* Another cgroup has got the name of one that was renamed: what was opened can still be
 * read. */
static void test_renamed(void)
{
	const uint64_t second = 1000000000;
	struct fixture f;
	uint64_t v;

	fixture_new(&f);
	fixture_write(&f, "cgroup/cpu/a/cpu.cfs_quota_us", "1000\n");
	fixture_write(&f, "cgroup/cpu/a/ct/cpu.cfs_quota_us", "2000\n");
	fixture_load(&f);
	fixture_container(&f, "/a/ct", 0);
	f.ct->used_ns = 5 * second;
	container_value(f.ct, CGF_CPU_QUOTA, 0, &v);
	ok(container_value(f.ct, CGF_CPU_QUOTA, 1, &v) == CG_OK && v == 1000,
		"v1: a cgroup above");
	rename_in(&f, "cgroup/cpu/a", "cgroup/cpu/old");
	fixture_write(&f, "cgroup/cpu/a/cpu.cfs_quota_us", "3000\n");
	fixture_write(&f, "cgroup/cpu/a/ct/cpu.cfs_quota_us", "4000\n");
	f.ct->used_ns += second - 1;
	ok(container_value(f.ct, CGF_CPU_QUOTA, 1, &v) == CG_OK && v == 1000,
		"kept for a second");
	f.ct->used_ns += 1;
	ok(container_value(f.ct, CGF_CPU_QUOTA, 1, &v) == CG_OK && v == 3000,
		"and then opened anew");
	is_int(cgfiles_held(f.files), 2, "in the place of the old one");
	ok(container_value(f.ct, CGF_CPU_QUOTA, 0, &v) == CG_OK && v == 2000,
		"the container's own goes with the container");
	fixture_deinit(&f);

	nested_start(&f);
	f.ct->used_ns = 5 * second;
	container_value(f.ct, CGF_MEM_LIMIT, 2, &v);
	rename_in(&f, "cgroup/a", "cgroup/old");
	fixture_write(&f, "cgroup/a/memory.max", "3000\n");
	f.ct->used_ns += 9 * second;
	ok(container_value(f.ct, CGF_MEM_LIMIT, 2, &v) == CG_OK && v == 1000,
		"v2 knows no renaming: kept for good");
	fixture_deinit(&f);
}

/* A descriptor that stops to work: that of a /proc file whose process has gone. */
static void test_dead_descriptor(void)
{
	char target[64], path[512];
	struct fixture f;
	uint64_t v = 7;
	pid_t child;

	nested_start(&f);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(target, sizeof(target), "/proc/%d/oom_score_adj", (int)child);
	snprintf(path, sizeof(path), "%s/cgroup/a/b/ct/memory.swap.current", f.dir);
	if (symlink(target, path) < 0)
		exit(1);
	ok(container_value(f.ct, CGF_SWAP_USAGE, 0, &v) == CG_OK, "a file, read once");
	is_int(cgfiles_held(f.files), 1, "is kept open");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	is_int(container_value(f.ct, CGF_SWAP_USAGE, 0, &v), CG_ABSENT, "gone");
	is_int(cgfiles_held(f.files), 0, "is not kept");
	ok(container_value(f.ct, CGF_SWAP_USAGE, 0, &v) == CG_ABSENT, "still gone");
	unlink(path);
	fixture_write(&f, "cgroup/a/b/ct/memory.swap.current", "99\n");
	ok(container_value(f.ct, CGF_SWAP_USAGE, 0, &v) == CG_OK && v == 99,
		"there again");
	fixture_deinit(&f);
}

/* The same with the kernel's own ENODEV, where we may make a cgroup. */
static void real_cgroup(const char *mount, const struct cg_version *version)
{
	static struct fixture f;
	char dir[128], line[128];
	const char *text;
	uint64_t ino;

	snprintf(dir, sizeof(dir), "%s/evlxcfs-unit-%d", mount, (int)getpid());
	if (mkdir(dir, 0755) < 0) {
		ok(true, "# SKIP cannot make a cgroup in %s", mount);
		return;
	}
	cg_layout_init(&f.layout);
	cg_layout_add(&f.layout, open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC), "/",
		version == &cg_v2 ? "" : "cpu", version, "cpu");
	cgfiles_new(&f.files, &f.layout, 4);
	container_new(&f.ct, f.files);
	snprintf(line, sizeof(line), "1:%s:%s\n", f.layout.hierarchy[0].name,
		strrchr(dir, '/'));
	container_set_cgroups(f.ct, line);
	ok(container_text(f.ct, CGF_CPU_STAT, 0, &text) == CG_OK && *text, "%s: read",
		mount);
	is_int(cgfiles_held(f.files), 1, "kept");
	ino = cgfiles_ino(f.files);
	ok(ino && container_text(f.ct, CGF_CPU_STAT, 0, &text) == CG_OK &&
			cgfiles_ino(f.files) == ino,
		"read again, it is the same file");
	rmdir(dir);
	is_int(container_text(f.ct, CGF_CPU_STAT, 0, &text), CG_ABSENT, "removed");
	is_int(cgfiles_held(f.files), 0, "not kept");
	mkdir(dir, 0755);
	ok(container_text(f.ct, CGF_CPU_STAT, 0, &text) == CG_OK && *text, "made again");
	ok(cgfiles_ino(f.files) && cgfiles_ino(f.files) != ino, "is another one");
	ino = cgfiles_ino(f.files);
	rmdir(dir);
	mkdir(dir, 0755);
	ok(container_text(f.ct, CGF_CPU_STAT, 0, &text) == CG_OK && *text,
		"removed and made again between two reads");
	ok(cgfiles_ino(f.files) && cgfiles_ino(f.files) != ino, "is another one, too");
	rmdir(dir);
	container_free(f.ct);
	cgfiles_free(f.files);
	cg_layout_deinit(&f.layout);
}

/* The same with the kernel's own cgroups of v1, where we may make them. */
static void test_renamed_really(void)
{
	const char *mount = "/sys/fs/cgroup/cpu";
	static struct fixture f;
	char dir[128], old[160], sub[192], line[192];
	uint64_t v, ino;
	const char *text;

	snprintf(dir, sizeof(dir), "%s/evlxcfs-unit-%d", mount, (int)getpid());
	snprintf(old, sizeof(old), "%s-old", dir);
	snprintf(sub, sizeof(sub), "%s/ct", dir);
	if (mkdir(dir, 0755) < 0 || mkdir(sub, 0755) < 0) {
		ok(true, "# SKIP cannot make a cgroup in %s", mount);
		return;
	}
	cg_layout_init(&f.layout);
	cg_layout_add(&f.layout, open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC), "/",
		"cpu", &cg_v1, "cpu");
	cgfiles_new(&f.files, &f.layout, 4);
	container_new(&f.ct, f.files);
	snprintf(line, sizeof(line), "1:cpu:%s/ct\n", strrchr(dir, '/'));
	container_set_cgroups(f.ct, line);
	container_text(f.ct, CGF_CPU_STAT, 1, &text);
	ino = cgfiles_ino(f.files);
	ok(rename(dir, old) == 0 && mkdir(dir, 0755) == 0, "renamed");
	ok(container_text(f.ct, CGF_CPU_STAT, 1, &text) == CG_OK &&
			cgfiles_ino(f.files) == ino,
		"the descriptor can still be read");
	f.ct->used_ns += 1000000000;
	ok(container_text(f.ct, CGF_CPU_STAT, 1, &text) == CG_OK &&
			cgfiles_ino(f.files) != ino,
		"a second later it is the other's");
	ino = cgfiles_ino(f.files);
	f.ct->used_ns += 1000000000;
	ok(container_value(f.ct, CGF_CPU_QUOTA, 1, &v) == CG_OK &&
			container_text(f.ct, CGF_CPU_STAT, 1, &text) == CG_OK &&
			cgfiles_ino(f.files) == ino,
		"and stays it");
	snprintf(sub, sizeof(sub), "%s/ct", old);
	rmdir(sub);
	rmdir(old);
	rmdir(dir);
	container_free(f.ct);
	cgfiles_free(f.files);
	cg_layout_deinit(&f.layout);
}

int main(void)
{
	test_pool();
	test_lru();
	test_no_descriptors();
	test_renamed();
	test_dead_descriptor();
	test_renamed_really();
	real_cgroup("/sys/fs/cgroup/cpu", &cg_v1);
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		real_cgroup("/sys/fs/cgroup", &cg_v2);
	else
		real_cgroup("/sys/fs/cgroup/unified", &cg_v2);
	return tap_done();
}

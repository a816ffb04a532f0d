/* nsutil/mountinfo, nsutil/cglist, nsutil/cgmount: which mounts are cgroups, and in which
 * order they are taken. */
#include "nsutil/cgmount.h"

#include "nsutil/cglist.h"
#include "nsutil/cgstate.h"
#include "nsutil/cleanup.h"
#include "nsutil/mountinfo.h"
#include "t/unit/tap.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>

static void one_line(const char *text, bool good, const char *root, const char *target,
	const char *source, const char *super)
{
	autofree char *copy = strdup(text);
	char *cursor = copy;
	struct mountinfo m;

	if (!ok(mountinfo_next(&cursor, &m) == good, "%s '%.*s'",
		    good ? "takes" : "skips", (int)strcspn(text, "\n"), text) ||
		!good)
		return;
	is_str(m.root, root, "its root");
	is_str(m.target, target, "its target");
	is_str(m.source, source, "its source");
	is_str(m.super, super, "its superblock's options");
}

static void lines(void)
{
	one_line("36 35 98:0 / /a rw - ext4 /dev/sda rw,x", true, "/", "/a", "/dev/sda",
		"rw,x");
	one_line("36 35 98:0 /r /a rw master:1 - ext4 s rw", true, "/r", "/a", "s", "rw");
	one_line("36 35 98:0 / /a rw shared:7 master:1 propagate_from:2 unbindable - x s "
		 "rw",
		true, "/", "/a", "s", "rw");
	one_line("36 35 98:0 /r\\040\\134x /t\\011\\012\\040u rw - x s\\043 rw", true,
		"/r \\x", "/t\t\n u", "s#", "rw");
	one_line("36 35 98:0 / /a rw - cgroup  rw,cpu", true, "/", "/a", "", "rw,cpu");
	one_line("36 35 98:0 / /a\\04 rw - x s rw", true, "/", "/a\\04", "s", "rw");
	one_line("36 35 98:0 / /a\\777\\ rw - x s rw", true, "/", "/a\\777\\", "s", "rw");
	one_line("36 35 98:0 / /- rw - x s rw", true, "/", "/-", "s", "rw");
	one_line("36 35 98:0 / /a//deleted rw - x s rw", true, "/", "/a//deleted", "s",
		"rw");
	one_line("36 35 98:0 / /a rw - x s rw more words", true, "/", "/a", "s", "rw");
	one_line("", false, NULL, NULL, NULL, NULL);
	one_line("\n\n", false, NULL, NULL, NULL, NULL);
	one_line("36", false, NULL, NULL, NULL, NULL);
	one_line("x 35 98:0 / /a rw - x s rw", false, NULL, NULL, NULL, NULL);
	one_line("99999999999 35 98:0 / /a rw - x s rw", false, NULL, NULL, NULL, NULL);
	one_line("36 35 98:0 / /a rw - x s", false, NULL, NULL, NULL, NULL);
	one_line("36 35 98:0 / /a rw shared:1 x s rw", false, NULL, NULL, NULL, NULL);
	one_line("- - - - - - - -", false, NULL, NULL, NULL, NULL);
	one_line("garbage\n36 35 98:0 / /a rw - x s rw", true, "/", "/a", "s", "rw");
}

/* What the list holds, one entry a line: "VERSION NAME ROOT TARGET". */
static const char *listed(const char *mountinfo, const char *cgroup)
{
	static char out[4096];
	autofree char *mounts = strdup(mountinfo);
	autofree char *names = strdup(cgroup);
	struct cglist list;
	size_t len = 0;

	cglist_parse(&list, mounts, names);
	out[0] = '\0';
	for (int i = 0; i < list.count; i++) {
		struct cglist_entry *e = &list.entry[i];

		len += (size_t)snprintf(out + len, sizeof(out) - len, "v%d %s %s %s\n",
			e->v2 ? 2 : 1, e->name, e->root, e->target);
	}
	return out;
}

static const char *fixture(const char *name)
{
	char path[128];
	struct textbuf mounts = {0}, names = {0};
	const char *out;

	snprintf(path, sizeof(path), "t/fixtures/%s/proc/self-mountinfo", name);
	if (procfile_read(AT_FDCWD, path, &mounts) < 0)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "t/fixtures/%s/proc/self-cgroup", name);
	if (procfile_read(AT_FDCWD, path, &names) < 0)
		err(1, "%s", path);
	out = listed(mounts.data, names.data);
	textbuf_deinit(&mounts);
	textbuf_deinit(&names);
	return out;
}

static void fixtures(void)
{
	is_str(fixture("5.10-v2"), "v2  / /sys/fs/cgroup\n", "5.10 v2");
	is_str(fixture("6.1-v2"), "v2  / /sys/fs/cgroup\n", "6.1 v2");
	is_str(fixture("6.12-v2"), "v2  / /sys/fs/cgroup\n", "6.12 v2");
	is_str(fixture("6.1-v1"),
		"v1 cpuset / /sys/fs/cgroup/cpuset\n"
		"v1 cpu,cpuacct / /sys/fs/cgroup/cpu,cpuacct\n"
		"v1 blkio / /sys/fs/cgroup/blkio\n"
		"v1 memory / /sys/fs/cgroup/memory\n"
		"v1 hugetlb / /sys/fs/cgroup/hugetlb\n",
		"6.1 v1: what views read, and cpu,cpuacct as one");
	is_str(fixture("6.12-v1"),
		"v1 cpu,cpuacct / /sys/fs/cgroup/cpu,cpuacct\n"
		"v1 blkio / /sys/fs/cgroup/blkio\n"
		"v1 hugetlb / /sys/fs/cgroup/hugetlb\n",
		"6.12 v1: memory and cpuset are in no hierarchy");
	is_str(fixture("6.18-hybrid"),
		"v1 cpu / /sys/fs/cgroup/cpu\n"
		"v1 cpuacct / /sys/fs/cgroup/cpuacct\n"
		"v1 cpuset / /sys/fs/cgroup/cpuset\n"
		"v1 memory / /sys/fs/cgroup/memory\n"
		"v1 blkio / /sys/fs/cgroup/blkio\n"
		"v2  / /sys/fs/cgroup/unified\n",
		"6.18 hybrid: v1 before v2");
}

static const char names[] = "5:name=systemd:/\n4:memory:/user:colon\n3:cpu,cpuacct:/\n"
			    "2:cpuset,name=odd:/\n0::/\n";

static void ugly(void)
{
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,seclabel,cpu,cpuacct,xattr\n",
		       names),
		"v1 cpu,cpuacct / /c\n", "options that are no controllers");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,cpuacct,nsdelegate,cpu\n", names),
		"v1 cpu,cpuacct / /c\n", "in another order");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,xattr,cpu\n", names), "",
		"only part of a hierarchy's controllers");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,release_agent=/a,memory\n", names),
		"v1 memory / /c\n", "a release agent");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,xattr,name=systemd\n", names), "",
		"a named hierarchy without controllers is of no use");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,cpuset,name=odd\n", names),
		"v1 cpuset,name=odd / /c\n", "a named hierarchy with one");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,net_cls\n", "1:net_cls:/\n"), "",
		"a controller that no view reads");
	is_str(listed("1 0 0:1 / /m rw - cgroup c rw,mem\n2 0 0:2 / /n rw - cgroup c "
		      "rw,memory2\n",
		       names),
		"", "names are compared whole");
	is_str(listed("1 0 0:1 / /t rw - tmpfs cgroup2 rw,memory\n2 0 0:2 / /u rw - "
		      "cgroup3 "
		      "cgroup rw,memory\n",
		       names),
		"", "other file systems");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,memory\n", "0::/\n"), "",
		"a hierarchy without a name in self/cgroup");
	is_str(listed("1 0 0:1 / /c rw - cgroup c rw,memory\n",
		       "rubbish\n4:memory\n:\n::\n\n"),
		"", "a self/cgroup that is none");
	is_str(listed("", ""), "", "nothing at all");
}

static void order(void)
{
	is_str(listed("9 0 0:2 / /v2 rw - cgroup2 c rw\n"
		      "8 0 0:1 /a/b /deep rw - cgroup c rw,memory\n"
		      "7 0 0:1 /a /part rw - cgroup c rw,memory\n"
		      "6 0 0:1 / /first rw - cgroup c rw,memory\n"
		      "5 0 0:1 / /second rw - cgroup c rw,memory\n"
		      "4 0 0:2 /x /v2x rw - cgroup2 c rw\n",
		       names),
		"v1 memory / /first\nv1 memory / /second\nv1 memory /a /part\n"
		"v1 memory /a/b /deep\nv2  / /v2\nv2  /x /v2x\n",
		"several mounts of one hierarchy: those that show more of it first");
}

static void covered(void)
{
	is_str(listed("1 0 0:1 / /s/c rw - cgroup2 c rw\n"
		      "2 0 0:2 / /sx/c rw - cgroup2 c rw\n"
		      "3 0 0:3 /sys /s rw - fuse.lxcfs lxcfs rw\n",
		       names),
		"v2  / /sx/c\n", "a FUSE mount covers the mounts below it");
	is_str(listed("1 0 0:1 / /s/c rw - cgroup2 c rw\n"
		      "2 0 0:2 / /s/c/d rw - fuse x rw\n"
		      "3 0 0:3 / /s/x rw - fuse x rw\n"
		      "4 0 0:4 / /s rw - fusectl x rw\n",
		       names),
		"v2  / /s/c\n", "a FUSE mount elsewhere, and fusectl, cover nothing");
	is_str(listed("1 0 0:1 / / rw - fuse.root x rw\n"
		      "2 0 0:2 / /c rw - cgroup2 c rw\n",
		       names),
		"v2  / /c\n", "a root that is a FUSE file system covers nothing");
}

/* More mounts than the list holds: it keeps the best. */
static void many(void)
{
	char text[CGLIST_ENTRIES * 3 * 64] = "";
	autofree char *cgroup = strdup(names);
	struct cglist list;
	size_t len = 0;

	for (int i = 0; i < CGLIST_ENTRIES * 2; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%d 0 0:2 /p%d /v2/%d rw - cgroup2 c rw\n", i + 10, i, i);
	snprintf(text + len, sizeof(text) - len,
		"5 0 0:2 / /whole rw - cgroup2 c rw\n6 0 0:1 / /m rw - cgroup c "
		"rw,memory\n");
	cglist_parse(&list, text, cgroup);
	is_int(list.count, CGLIST_ENTRIES, "the list is full");
	is_str(list.entry[0].target, "/m", "v1 is in it");
	is_str(list.entry[1].target, "/whole", "and the mount of all of cgroup2");
}

/* Forced to the host's own mounts, which takes no privilege. */
static void host(void)
{
	autofd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *before = realpath(".", NULL);
	autofree char *after = NULL;
	struct cgmount cgmount;
	struct cg_layout layout;
	int count;

	cg_layout_init(&layout);
	is_int(cgmount_open(&cgmount, proc, "/nonexistent", CGMOUNT_HOST, &layout), 0,
		"the host's mounts");
	count = layout.count;
	is_int(cgmount.nsfd, -1, "no namespace");
	cgmount_refresh(&cgmount, proc, 1, &layout);
	is_int(layout.count, count, "looking again finds nothing new");
	ok(cgmount.watch >= 0, "mountinfo is being watched");
	after = realpath(".", NULL);
	is_str(after, before, "the working directory is what it was");
	cgmount_close(&cgmount);
	cg_layout_deinit(&layout);
}

static bool passes_exec(int fd)
{
	return fcntl(fd, F_GETFD) == 0;
}

static bool same_layout(const struct cg_layout *a, const struct cg_layout *b)
{
	for (int i = 0; i < a->count; i++)
		if (a->hierarchy[i].fd != b->hierarchy[i].fd ||
			strcmp(a->hierarchy[i].root, b->hierarchy[i].root) != 0 ||
			strcmp(a->hierarchy[i].name, b->hierarchy[i].name) != 0 ||
			a->hierarchy[i].version != b->hierarchy[i].version)
			return false;
	return a->count == b->count && !memcmp(a->of, b->of, sizeof(a->of));
}

/* What one program writes for the next. */
static void state(void)
{
	autofd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct cgmount mount = CGMOUNT_NULL, again = CGMOUNT_NULL;
	struct cg_layout layout, other;
	static const char root[] = "/a b%\nc/%41";
	char text[1024];

	cg_layout_init(&layout);
	cg_layout_init(&other);
	cgmount_open(&mount, proc, "/nonexistent", CGMOUNT_HOST, &layout);
	mount.missing = 7;
	if (!layout.count) {
		tap_skip(11, "no cgroup hierarchy is mounted here");
		return;
	}
	free(layout.hierarchy[0].root);
	layout.hierarchy[0].root = strdup(root);
	is_int(cgstate_write(&mount, &layout, true, text, 20), -ENOSPC,
		"too little room");
	ok(!passes_exec(layout.hierarchy[0].fd), "then no descriptor is passed");
	is_int(cgstate_write(&mount, &layout, true, text, sizeof(text)), 0,
		"room enough");
	ok(passes_exec(layout.hierarchy[0].fd), "they are passed");
	is_int(cgstate_write(&mount, &layout, false, text, sizeof(text)), 0,
		"and taken back");
	ok(!passes_exec(layout.hierarchy[0].fd), "not passed any more");
	cgstate_write(&mount, &layout, true, text, sizeof(text));
	is_int(cgstate_read(text, &again, &other), 0, "the next program reads it");
	ok(same_layout(&layout, &other), "the same hierarchies");
	is_int(again.way, CGMOUNT_HOST, "the same way");
	is_int(again.missing, 7, "the same number missing");
	ok(!passes_exec(other.hierarchy[0].fd), "not passed on by itself");
	cg_layout_deinit(&other);
	for (int i = 0; i < layout.count; i++)
		layout.hierarchy[i].fd = -1; /* they were the same */
	cg_layout_deinit(&layout);
}

static void bad_state(const char *text)
{
	struct cgmount mount = CGMOUNT_NULL;
	struct cg_layout layout;
	autofd tmp = open("/tmp", O_PATH | O_CLOEXEC);

	dup3(tmp, 200, O_CLOEXEC); /* a descriptor of no cgroup */
	cg_layout_init(&layout);
	is_int(cgstate_read(text, &mount, &layout), -EINVAL,
		"what is no state is refused");
	ok(!layout.count && mount.nsfd < 0, "and nothing held");
}

int main(void)
{
	state();
	bad_state("");
	bad_state("x -1 0\n");
	bad_state("clone\n");
	bad_state("clone -1\n");
	bad_state("clone -1 x\n");
	bad_state("namespace -1 0\n");
	bad_state("clone -1 0\n200 v1 / cpu\n");
	bad_state("clone -1 0\n200 v1 1 / cpu\n");
	bad_state("clone -1 0\n200 v2 / \n");
	bad_state("clone -1 0\n777 v2 / \n");
	bad_state("clone -1 0\n-1 v2 / \n");
	bad_state("clone -1 0\n\n");

	lines();
	fixtures();
	ugly();
	order();
	covered();
	many();
	host();
	return tap_done();
}

/*
 * Finding the cgroup mounts, and holding on to them by descriptor. What is opened at a
 * path is used only if it is the mount that mountinfo shows there: another one may cover
 * it.
 */
#include "nsutil/cgmount.h"

#include "nsutil/cglist.h"
#include "nsutil/cleanup.h"
#include "nsutil/mntns.h"
#include "nsutil/mountinfo.h"
#include "nsutil/treeclone.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

const char *const cgmount_way_names[CGMOUNT_WAYS] = {
	[CGMOUNT_AUTO] = "auto",
	[CGMOUNT_CLONE] = "clone",
	[CGMOUNT_NAMESPACE] = "namespace",
	[CGMOUNT_HOST] = "host",
};

/* The list with the texts it points into. */
struct shown {
	struct textbuf mountinfo, cgroup;
	struct cglist list;
	uint64_t seen; /* the fingerprint of mountinfo */
};

static void shown_free(struct shown *shown)
{
	textbuf_deinit(&shown->mountinfo);
	textbuf_deinit(&shown->cgroup);
}

/* `old` is a fingerprint for which the list need not be made. */
static int shown_read(struct shown *shown, int procfd, uint64_t old)
{
	int r = procfile_read(procfd, "self/mountinfo", &shown->mountinfo);

	if (r == 0) {
		shown->seen = cglist_fingerprint(shown->mountinfo.data);
		if (shown->seen == old)
			return 0;
		/* This takes a mutex of all cgroups (before Linux 6.8). */
		r = procfile_read(procfd, "self/cgroup", &shown->cgroup);
	}
	/* A kernel without cgroups. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	cglist_parse(&shown->list, shown->mountinfo.data, shown->cgroup.data);
	return 0;
}

/* The mount of the entry, as an O_PATH descriptor. -ENXIO when another one is in its
 * place. */
static int open_shown(int procfd, const struct cglist_entry *e)
{
	autofd fd = open(e->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int id;

	if (fd < 0)
		return -errno;
	id = mountinfo_id(procfd, fd);
	if (id < 0)
		return id;
	return id == e->id ? fd_steal(&fd) : -ENXIO;
}

static int hold_clone(int procfd, const char *base, const struct cglist_entry *e)
{
	autofd fd = open_shown(procfd, e);

	(void)base;
	return fd < 0 ? fd : treeclone(fd, "", AT_EMPTY_PATH);
}

static int hold_host(int procfd, const char *base, const struct cglist_entry *e)
{
	(void)base;
	return open_shown(procfd, e);
}

typedef int hold_entry(int procfd, const char *base, const struct cglist_entry *e);

static bool known(const struct cg_layout *layout, const char *name)
{
	for (int i = 0; i < layout->count; i++)
		if (!strcmp(layout->hierarchy[i].name, name))
			return true;
	return false;
}

/* cgroup2 without its controllers would show the host's figures to every container. */
static int add(struct cg_layout *layout, int fd_in, const struct cglist_entry *e)
{
	autofd fd = fd_in;
	struct textbuf text = {0};
	int r = e->v2 ? procfile_read(fd, "cgroup.controllers", &text) : 0;

	if (r == 0 || r == -ENOENT)
		r = cg_layout_add(layout, fd_steal(&fd), e->root, e->name,
			e->v2 ? &cg_v2 : &cg_v1, e->v2 ? text.data : e->name);
	textbuf_deinit(&text);
	return r;
}

/* Where the mount of a hierarchy goes below base. */
static int place_for(const char *base, const struct cglist_entry *e, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", base, e->v2 ? "unified" : e->name) >=
		PATH_MAX)
		return -ENAMETOOLONG;
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* In our own namespace: a bind mount below base. */
static int hold_bind(int procfd, const char *base, const struct cglist_entry *e)
{
	char path[PATH_MAX];
	autofd shown = open_shown(procfd, e);
	int r = shown < 0 ? shown : place_for(base, e, path);

	if (r < 0)
		return r;
	return mount(e->target, path, NULL, MS_BIND, NULL) < 0 ? -errno : open_dir(path);
}

/* In our own namespace: the superblock once more, where something else covers its mount.
 * Its options are repeated, or those of cgroup2 would change for the host. It cannot have
 * gone meanwhile: our namespace has a copy of the mount. */
static int hold_again(int procfd, const char *base, const struct cglist_entry *e)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[PATH_MAX];
	const char *options = e->super;
	struct slice access = {0};
	int r = place_for(base, e, path);

	(void)procfd;
	if (r < 0)
		return r;
	cglist_item(&options, &access);
	if (mount("evlxcfs", path, e->v2 ? "cgroup2" : "cgroup",
		    flags | (slice_is(access, "ro") ? MS_RDONLY : 0), options) < 0)
		return -errno;
	return open_dir(path);
}

/* Of each hierarchy that the layout does not have yet the first mount that can be had.
 * *why is what was in the way of another, -errno. 0 or -errno. */
static int hold_all(struct cg_layout *layout, int procfd, const char *base,
	hold_entry *hold, const struct cglist *list, int *why)
{
	for (int i = 0; i < list->count; i++) {
		const struct cglist_entry *e = &list->entry[i];
		int fd, r;

		if (known(layout, e->name))
			continue;
		fd = hold(procfd, base, e);
		if (fd < 0) {
			*why = fd;
			continue;
		}
		r = add(layout, fd, e);
		if (r < 0)
			return r == -ENOSPC ? 0 : r;
	}
	return 0;
}

static int count_missing(const struct cg_layout *layout, const struct cglist *list)
{
	int missing = 0;

	for (int i = 0; i < list->count; i++) {
		bool counted = known(layout, list->entry[i].name);

		for (int j = 0; j < i && !counted; j++)
			counted = !strcmp(list->entry[j].name, list->entry[i].name);
		missing += !counted;
	}
	return missing;
}

static int hold_in_namespace(struct cg_layout *layout, struct shown *shown, int procfd,
	const char *base, int *why)
{
	static char root[] = "/";
	int r = shown_read(shown, procfd, 0);

	if (r == 0 && mount("evlxcfs", base, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			      "size=64k,mode=700") < 0)
		r = -errno;
	if (r == 0)
		r = hold_all(layout, procfd, base, hold_bind, &shown->list, why);
	/* A new mount begins at the root of our cgroup namespace. */
	for (int i = 0; i < shown->list.count; i++)
		shown->list.entry[i].root = root;
	if (r == 0)
		r = hold_all(layout, procfd, base, hold_again, &shown->list, why);
	return r;
}

/* The directory for our mounts, without those of a dead daemon. */
static int make_base(const char *runtime_dir, char base[PATH_MAX])
{
	static const char name[] = "/cgroup";
	size_t len;

	if ((mkdir(runtime_dir, 0755) < 0 && errno != EEXIST) ||
		!realpath(runtime_dir, base))
		return -errno;
	len = strlen(base);
	if (len + sizeof(name) > PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(base + len, name, sizeof(name));
	if (mkdir(base, 0700) < 0 && errno != EEXIST)
		return -errno;
	while (umount2(base, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	return 0;
}

static int try_namespace(struct cg_layout *layout, struct shown *shown, int procfd,
	const char *runtime_dir, int *nsfd, int *why)
{
	char base[PATH_MAX];
	struct mntns ns;
	int r = make_base(runtime_dir, base);

	if (r == 0)
		r = mntns_enter(&ns, procfd);
	if (r < 0)
		return r;
	r = hold_in_namespace(layout, shown, procfd, base, why);
	if (r == 0)
		r = mntns_isolate(&ns, base);
	if (r == 0 && (*nsfd = mntns_open(procfd)) < 0)
		r = *nsfd;
	return mntns_leave(&ns) < 0 ? -ENOTRECOVERABLE : r;
}

/* Takes one way. cgmount and layout are empty before, and whatever they are afterwards
 * the caller gives back. */
static int try_way(struct cgmount *cgmount, enum cgmount_way way, int procfd,
	const char *runtime_dir, struct cg_layout *layout, int *why)
{
	struct shown shown = {0};
	int r;

	cgmount->way = way;
	if (way == CGMOUNT_NAMESPACE) {
		r = try_namespace(
			layout, &shown, procfd, runtime_dir, &cgmount->nsfd, why);
	} else {
		r = shown_read(&shown, procfd, 0);
		cgmount->seen = shown.seen;
		if (r == 0)
			r = hold_all(layout, procfd, NULL,
				way == CGMOUNT_CLONE ? hold_clone : hold_host,
				&shown.list, why);
	}
	cgmount->missing = count_missing(layout, &shown.list);
	shown_free(&shown);
	return r;
}

void cgmount_close(struct cgmount *cgmount)
{
	fd_close(cgmount->nsfd);
	fd_close(cgmount->watch);
	*cgmount = CGMOUNT_NULL;
}

/* Any way that works, if need be with something missing; the one that holds most. */
static int open_auto(struct cgmount *cgmount, int procfd, const char *runtime_dir,
	struct cg_layout *layout)
{
	int r = 0;

	for (int way = CGMOUNT_CLONE; way < CGMOUNT_WAYS; way++) {
		struct cgmount tried = CGMOUNT_NULL;
		struct cg_layout found;
		int error, why;

		cg_layout_init(&found);
		error = try_way(
			&tried, (enum cgmount_way)way, procfd, runtime_dir, &found, &why);
		if (error == 0 &&
			(cgmount->way == CGMOUNT_AUTO || found.count > layout->count)) {
			struct cgmount old = *cgmount;
			struct cg_layout less = *layout;

			*cgmount = tried;
			*layout = found;
			tried = old;
			found = less;
		}
		cgmount_close(&tried);
		cg_layout_deinit(&found);
		if (error == -ENOTRECOVERABLE)
			return error;
		if (cgmount->way != CGMOUNT_AUTO && !cgmount->missing)
			return 0;
		r = error;
	}
	return cgmount->way == CGMOUNT_AUTO ? r : 0;
}

int cgmount_open(struct cgmount *cgmount, int procfd, const char *runtime_dir,
	enum cgmount_way want, struct cg_layout *layout)
{
	int r, why = 0;

	*cgmount = CGMOUNT_NULL;
	if (want == CGMOUNT_AUTO)
		return open_auto(cgmount, procfd, runtime_dir, layout);
	r = try_way(cgmount, want, procfd, runtime_dir, layout, &why);
	return r == 0 && cgmount->missing && !layout->count ? why : r;
}

static bool mounts_changed(struct cgmount *cgmount, int procfd)
{
	struct pollfd pfd = {.fd = cgmount->watch, .events = POLLPRI};

	/* Of the polls of one open file each says what changed since the last
	 * (fs/namespace.c, all kernels), the first since the opening. */
	if (cgmount->watch >= 0)
		return poll(&pfd, 1, 0) == 1;
	cgmount->watch = openat(procfd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	return cgmount->watch >= 0;
}

void cgmount_refresh(
	struct cgmount *cgmount, int procfd, uint64_t now_ns, struct cg_layout *layout)
{
	struct shown shown = {0};
	int why;

	if (cgmount->watch >= 0 && (now_ns - cgmount->looked_ns < CGMOUNT_REFRESH_NS ||
					   now_ns - cgmount->polled_ns < CGMOUNT_POLL_NS))
		return;
	cgmount->polled_ns = now_ns;
	if (!mounts_changed(cgmount, procfd))
		return;
	cgmount->looked_ns = now_ns;
	if (shown_read(&shown, procfd, cgmount->seen) == 0 && shown.list.count) {
		if (cgmount->way != CGMOUNT_HOST)
			hold_all(layout, procfd, NULL, hold_clone, &shown.list, &why);
		hold_all(layout, procfd, NULL, hold_host, &shown.list, &why);
	}
	if (shown.seen)
		cgmount->seen = shown.seen;
	shown_free(&shown);
}

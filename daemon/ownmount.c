/*
 * See ownmount.h.
 */
#include "daemon/ownmount.h"

#include "daemon/hostfs.h"
#include "daemon/mountopts.h"
#include "fusechan/channel.h"
#include "fusechan/mount.h"
#include "nsutil/cleanup.h"
#include "nsutil/mountinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

static bool is_fuse(const char *type)
{
	return !strcmp(type, "fuse") || !strncmp(type, "fuse.", 5);
}

/* Types can differ between two starts of the daemon. */
static bool is_type(const char *type, const char *want)
{
	return is_fuse(type) && (!want || !strcmp(type, want) ||
					!strcmp(type, MOUNTOPTS_TYPE) ||
					!strcmp(type, MOUNTOPTS_OLD_TYPE));
}

static uint64_t device_of(int procfd, int id, const char *type)
{
	struct mountinfo_file file;
	struct mountinfo mount;
	uint64_t device = 0;

	if (mountinfo_open(&file, procfd) < 0)
		return 0;
	while (!device && mountinfo_read(&file, &mount) > 0)
		if (mount.id == id && is_type(mount.type, type))
			device = mount.device;
	mountinfo_close(&file);
	return device;
}

uint64_t ownmount_on(const char *target, const char *type)
{
	const int procfd = hostfs_proc();
	autofd fd = open(target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int id = procfd < 0 || fd < 0 ? -1 : mountinfo_id(procfd, fd);

	return id < 0 ? 0 : device_of(procfd, id, type);
}

/* 1: found; 0: not; -errno. */
static int find(int procfd, uint64_t device, char target[PATH_MAX])
{
	struct mountinfo_file file;
	struct mountinfo mount;
	char other[PATH_MAX] = "";
	int r = mountinfo_open(&file, procfd);

	if (r < 0)
		return r;
	while ((r = mountinfo_read(&file, &mount)) > 0) {
		if (mount.device != device || !is_fuse(mount.type) ||
			strcmp(mount.root, "/"))
			continue;
		if (!strcmp(mount.target, target))
			break;
		snprintf(other, sizeof(other), "%s", mount.target);
	}
	mountinfo_close(&file);
	if (r == 0 && other[0]) {
		memcpy(target, other, sizeof(other));
		r = 1;
	}
	return r;
}

bool ownmount_find(uint64_t device, char target[PATH_MAX])
{
	const int procfd = hostfs_proc();
	int r = find(procfd, device, target);

	/* Once more, because of kernels before 5.8. */
	return r ? true : find(procfd, device, target) != 0;
}

bool ownmount_taken_away(uint64_t device, char target[PATH_MAX])
{
	if (!device)
		return false;
	if (!ownmount_find(device, target))
		return true;
	/* A mount that answers is another one, with the number of ours. */
	return ownmount_on(target, NULL) == device &&
	       fuse_mount_probe(target) == MOUNT_ALIVE;
}

void ownmount_detach(uint64_t device, const char *target, int fuse, bool force)
{
	char place[PATH_MAX];

	snprintf(place, sizeof(place), "%s", target);
	if (!device || !ownmount_find(device, place) ||
		ownmount_on(place, NULL) != device)
		return;
	/* While the connection is alive no other mount has the number. */
	if (channel_probe(fuse) != CHANNEL_ALIVE &&
		fuse_mount_probe(place) != MOUNT_STALE)
		return;
	if (force)
		umount2(place, MNT_FORCE);
	fuse_unmount(place);
}

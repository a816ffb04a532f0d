/*
 * See shared.h. A region says in its name and version what its bytes mean, and the
 * regions of two builds are compared one by one: an upgrade keeps all that has not
 * changed. The memfd is sealed against shrinking, so that no page can vanish below a
 * process.
 */
#include "daemon/shared.h"

#include "cache/cpuview.h"
#include "cache/disktimes.h"
#include "cache/load.h"
#include "daemon/cputree.h"
#include "daemon/handle.h"
#include "daemon/hostfs.h"
#include "daemon/trigger.h"
#include "fusechan/journal_v1.h"
#include "nsutil/cleanup.h"
#include "nsutil/cpucount.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

/* Regions begin at pages, of whatever size. */
enum { NAME_SIZE = 16, PAGE = 64 << 10, SEALS = F_SEAL_SHRINK | F_SEAL_GROW };

static const uint64_t head_magic = UINT64_C(0x65766c7863667321);

struct entry {
	char name[NAME_SIZE];
	uint64_t version, offset, size;
};

struct shared_head {
	uint64_t magic;
	uint32_t count;
	uint32_t host_view;
	int64_t started_sec, started_nsec;
	struct entry entry[SHARED_REGIONS];
};

static size_t cpuview_room(unsigned cpus)
{
	return cpuview_size(cpus);
}

static size_t disktimes_room(unsigned cpus)
{
	(void)cpus;
	return disktimes_size();
}

static size_t load_room(unsigned cpus)
{
	(void)cpus;
	return load_size();
}

/* `version` changes with the meaning of the bytes; a change of the size alone is noticed.
 * cpuview, load and disktimes look themselves whether they know what they find. */
static const struct {
	char name[NAME_SIZE];
	uint64_t version;
	size_t fixed;
	size_t (*size)(unsigned cpus); /* instead of `fixed` */
} regions[SHARED_REGIONS] = {
	[SHARED_JOURNAL] = {"journal", JOURNAL_FORMAT, sizeof(struct journal), NULL},
	[SHARED_CPUTREE] = {"cputree", 1, sizeof(struct cputree), NULL},
	[SHARED_SNAPSHOTS] = {"snapshots", 4, 0, handle_store_size},
	[SHARED_CPUVIEW] = {"cpuview", 3, 0, cpuview_room},
	[SHARED_LOAD] = {"load", 2, 0, load_room},
	[SHARED_DISKTIMES] = {"disktimes", 2, 0, disktimes_room},
	[SHARED_TRIGGERS] = {"triggers", 1, sizeof(struct trigger_store), NULL},
	[SHARED_DEVICE] = {"device", 1, sizeof(uint64_t), NULL},
};

static size_t pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* The head of a block of this build. Returns the block's size. */
static size_t lay_out(struct shared_head *head, unsigned cpus)
{
	size_t end = pages(sizeof(*head));

	memset(head, 0, sizeof(*head));
	head->magic = head_magic;
	head->count = SHARED_REGIONS;
	for (int i = 0; i < SHARED_REGIONS; i++) {
		struct entry *e = &head->entry[i];

		memcpy(e->name, regions[i].name, NAME_SIZE);
		e->version = regions[i].version;
		e->size = regions[i].size ? regions[i].size(cpus) : regions[i].fixed;
		e->offset = end;
		end += pages(e->size);
	}
	return end;
}

static int map(struct shared *shared)
{
	shared->mem = mmap(
		NULL, shared->size, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd, 0);
	if (shared->mem == MAP_FAILED) {
		shared->mem = NULL;
		return -errno;
	}
	return 0;
}

static void unmap(struct shared *shared)
{
	if (shared->mem)
		munmap(shared->mem, shared->size);
	shared->mem = NULL;
}

static int make(struct shared *shared, const struct shared_head *head, size_t size)
{
	int r;

	shared->fd = memfd_create("evlxcfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shared->fd < 0)
		return -errno;
	shared->size = size;
	if (ftruncate(shared->fd, (off_t)size) < 0 ||
		fcntl(shared->fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	r = map(shared);
	if (r == 0)
		*(struct shared_head *)shared->mem = *head;
	return r;
}

/* Maps a block that another process made. -EINVAL when it is none; another -errno. */
static int map_old(struct shared *old)
{
	const struct shared_head *head;
	struct stat st;
	int r;

	if (fcntl(old->fd, F_SETFD, FD_CLOEXEC) < 0 || fstat(old->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < PAGE ||
		(fcntl(old->fd, F_GET_SEALS) & SEALS) != SEALS)
		return -EINVAL;
	old->size = (size_t)st.st_size;
	r = map(old);
	if (r < 0)
		return r;
	head = old->mem;
	if (head->magic == head_magic &&
		head->count <= (PAGE - offsetof(struct shared_head, entry)) /
				       sizeof(struct entry))
		return 0;
	unmap(old);
	return -EINVAL;
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
	return !memcmp(a->name, b->name, NAME_SIZE) && a->version == b->version &&
	       a->size == b->size;
}

/* Copies what there is between two offsets of the old block: pages that nobody has
 * written to stay what they are. */
static void copy(char *to, const struct shared *old, size_t from, size_t size)
{
	const off_t end = (off_t)(from + size);
	off_t at = (off_t)from, hole;

	while ((at = lseek(old->fd, at, SEEK_DATA)) >= 0 && at < end) {
		hole = lseek(old->fd, at, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		memcpy(to + (size_t)at - from, (char *)old->mem + at,
			(size_t)(hole - at));
		at = hole;
	}
}

/* Copies from the old block what the new one has too. */
static void keep(struct shared *shared, const struct shared *old)
{
	const struct shared_head *from = old->mem;
	struct shared_head *to = shared->mem;

	to->host_view = from->host_view;
	to->started_sec = from->started_sec;
	to->started_nsec = from->started_nsec;
	for (unsigned i = 0; i < from->count; i++) {
		const struct entry *e = &from->entry[i];

		if (e->offset > old->size || e->size > old->size - e->offset)
			continue;
		for (int k = 0; k < SHARED_REGIONS; k++)
			if (same_entry(e, &to->entry[k]))
				copy((char *)shared->mem + to->entry[k].offset, old,
					e->offset, e->size);
	}
}

/* Requests of an older format than this build's. */
static void keep_old_journal(struct shared *shared, const struct shared *old)
{
	static const struct entry v1 = {
		.name = "journal", .version = 1, .size = sizeof(struct journal_v1)};
	const struct shared_head *from = old->mem;

	for (unsigned i = 0; i < from->count; i++) {
		const struct entry *e = &from->entry[i];

		if (same_entry(e, &v1) && e->offset <= old->size &&
			e->size <= old->size - e->offset)
			journal_take_v1(shared->journal,
				(const void *)((const char *)old->mem + e->offset));
	}
}

static void stamp(struct shared_head *head)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	head->started_sec = ts.tv_sec;
	head->started_nsec = ts.tv_nsec;
}

static bool same_layout(const struct shared_head *a, const struct shared_head *b)
{
	return a->count == b->count && !memcmp(a->entry, b->entry, sizeof(a->entry));
}

/* A number that no open file of an older block has. */
static uint64_t fresh_number(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The journal can be locked also by those who come when the privileges are gone. Everyone
 * may lock 64 kB, which is its first unit, 8 MB from Linux 5.16 on. */
static void allow_lock(void)
{
	const rlim_t needed = pages(sizeof(struct journal));
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed;
	if (limit.rlim_max < needed)
		limit.rlim_max = needed;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return;
	/* Without CAP_SYS_RESOURCE: pages can still be taken away when memory is short,
	 * and the journal grows no further than this. */
	getrlimit(RLIMIT_MEMLOCK, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static void find_regions(struct shared *shared)
{
	struct shared_head *head = shared->mem;

	for (int i = 0; i < SHARED_REGIONS; i++)
		shared->region[i] = (char *)shared->mem + head->entry[i].offset;
	shared->journal = shared->region[SHARED_JOURNAL];
	allow_lock();
}

static void attach(struct shared *shared, bool mounted)
{
	struct cputree *tree;

	find_regions(shared);
	if (!journal_valid(shared->journal))
		journal_format(shared->journal, fresh_number());
	journal_populate(shared->journal);
	tree = shared->region[SHARED_CPUTREE];
	if (!tree->count && !tree->generation && mounted)
		tree->generation = (uint16_t)(fresh_number() >> 20) | 1;
}

int shared_open(struct shared *shared, int old_fd, bool mounted)
{
	struct shared old = {.fd = old_fd};
	struct shared_head head;
	size_t size;
	int r, known = old_fd >= 0 ? map_old(&old) : -EINVAL;

	*shared = SHARED_NULL;
	if (known < 0 && known != -EINVAL)
		return known;
	r = cpucount_possible(hostfs_proc(), hostfs_sys(), &old.cpus);
	size = lay_out(&head, old.cpus);
	if (r == 0 && known == 0 && old.size == size && same_layout(old.mem, &head)) {
		*shared = old;
		attach(shared, mounted);
		return 0;
	}
	shared->cpus = old.cpus;
	stamp(&head);
	if (r == 0)
		r = make(shared, &head, size);
	if (r < 0) {
		shared_close(shared);
		unmap(&old);
		return r;
	}
	if (known == 0)
		keep(shared, &old);
	attach(shared, mounted);
	if (known == 0)
		keep_old_journal(shared, &old);
	shared_close(&old);
	return old_fd >= 0 && known < 0 ? -ESTALE : 0;
}

int shared_join(struct shared *shared, int fd)
{
	struct shared_head head;
	int r;

	*shared = SHARED_NULL;
	shared->fd = fd;
	r = map_old(shared);
	if (r == 0)
		r = cpucount_possible(hostfs_proc(), hostfs_sys(), &shared->cpus);
	if (r == 0 && (shared->size != lay_out(&head, shared->cpus) ||
			      !same_layout(shared->mem, &head)))
		r = -EINVAL;
	if (r < 0) {
		unmap(shared);
		*shared = SHARED_NULL;
		return r;
	}
	find_regions(shared);
	journal_lock(shared->journal);
	return 0;
}

uint32_t shared_form(const struct shared *shared)
{
	const struct shared_head *head = shared->mem;
	const unsigned char *p = (const unsigned char *)head->entry;
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a */

	for (size_t i = 0; i < sizeof(head->entry); i++)
		hash = (hash ^ p[i]) * UINT32_C(16777619);
	return hash;
}

void shared_close(struct shared *shared)
{
	unmap(shared);
	fd_close(shared->fd);
	*shared = SHARED_NULL;
}

struct timespec shared_started(const struct shared *shared)
{
	const struct shared_head *head = shared->mem;

	return (struct timespec){
		.tv_sec = (time_t)head->started_sec, .tv_nsec = (long)head->started_nsec};
}

void shared_forget_triggers(struct shared *shared)
{
	/* Without a look at it: its pages may not be there. */
	madvise(shared->region[SHARED_TRIGGERS], pages(sizeof(struct trigger_store)),
		MADV_REMOVE);
}

void shared_new_mount(struct shared *shared)
{
	stamp(shared->mem);
	handle_store_forget(shared->region[SHARED_SNAPSHOTS]);
	journal_forget(shared->journal);
	shared_note_device(shared, 0);
	shared_forget_triggers(shared);
}

uint64_t shared_device(const struct shared *shared)
{
	return shared->mem ? *(const uint64_t *)shared->region[SHARED_DEVICE] : 0;
}

void shared_note_device(struct shared *shared, uint64_t device)
{
	*(uint64_t *)shared->region[SHARED_DEVICE] = device;
}

bool shared_host_view(const struct shared *shared)
{
	const struct shared_head *head = shared->mem;

	return __atomic_load_n(&head->host_view, __ATOMIC_RELAXED);
}

void shared_toggle_view(struct shared *shared)
{
	struct shared_head *head = shared->mem;

	__atomic_fetch_xor(&head->host_view, 1, __ATOMIC_RELAXED);
}

/*
 * A hash table with an LRU list through its entries, in pages that are touched when they
 * are needed, and given back when nothing is kept any more. All zero is empty.
 */
#include "cache/cgfiles.h"

#include "cache/container.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The file of a container's own cgroup, or of one above it: that is one for all that are
 * below, whatever it is to them, and so it goes by where it is. */
struct key {
	uint64_t owner; /* a container's id, or `above` */
	enum cg_fact fact;
	const struct cg_hierarchy *hierarchy;
	struct slice path;
};

static const uint64_t above = UINT64_MAX;

struct entry {
	uint64_t owner; /* 0: free */
	enum cg_fact fact;
	unsigned second; /* of CLOCK_BOOTTIME in which it was opened */
	const struct cg_hierarchy *hierarchy;
	char *path; /* of `above`, owned; else NULL */
	uint64_t ino;
	int fd;
	unsigned chain;        /* next in the hash bucket; 0 ends */
	unsigned older, newer; /* LRU neighbours; 0 is the list's head */
};

struct cgfiles {
	const struct cg_layout *layout;
	struct textbuf text;
	uint64_t ino; /* of the file read last */
	unsigned limit, held, buckets;
	unsigned used; /* entries 1 to used have been: no other's memory is touched */
	/* Entry 0 is the list head: its `older` is the newest, its `newer` the oldest. */
	struct entry *entry;
	unsigned *bucket; /* behind the entries */
	size_t size;      /* of both */
};

/* That much is not worth giving back. */
enum { SMALL = 64 };

int cgfiles_new(struct cgfiles **out, const struct cg_layout *layout, unsigned limit)
{
	struct cgfiles *files;
	void *mem;

	if (limit > 1 << 20)
		return -EINVAL;
	files = calloc(1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	files->layout = layout;
	files->limit = limit;
	files->buckets = 1;
	while (files->buckets < limit)
		files->buckets *= 2;
	files->size = (limit + 1) * sizeof(files->entry[0]) +
		      files->buckets * sizeof(files->bucket[0]);
	mem = mmap(NULL, files->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (mem == MAP_FAILED) {
		free(files);
		return -ENOMEM;
	}
	files->entry = mem;
	files->bucket = (unsigned *)(void *)(files->entry + limit + 1);
	*out = files;
	return 0;
}

const struct cg_layout *cgfiles_layout(const struct cgfiles *files)
{
	return files->layout;
}

uint64_t cgfiles_ino(const struct cgfiles *files)
{
	return files->ino;
}

unsigned cgfiles_held(const struct cgfiles *files)
{
	return files->held;
}

static unsigned *bucket_of(struct cgfiles *files, const struct key *key)
{
	uint64_t h = key->owner * 64 + key->fact;

	for (size_t i = 0; key->owner == above && i < key->path.len; i++)
		h = h * 31 + (unsigned char)key->path.p[i];
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return &files->bucket[(h >> 32) & (files->buckets - 1)];
}

static struct key key_of(const struct entry *e)
{
	struct key key = {e->owner, e->fact, e->hierarchy, {0}};

	if (e->path)
		key.path = (struct slice){e->path, strlen(e->path)};
	return key;
}

static bool is_of(const struct entry *e, const struct key *key)
{
	return e->owner == key->owner && e->fact == key->fact &&
	       (key->owner != above ||
		       (e->hierarchy == key->hierarchy && slice_is(key->path, e->path)));
}

static void list_remove(struct cgfiles *files, unsigned i)
{
	struct entry *e = &files->entry[i];

	files->entry[e->newer].older = e->older;
	files->entry[e->older].newer = e->newer;
}

/* Behind `at` in the order newest to oldest; 0 makes it the newest. */
static void list_insert(struct cgfiles *files, unsigned i, unsigned at)
{
	struct entry *e = &files->entry[i];

	e->newer = at;
	e->older = files->entry[at].older;
	files->entry[e->older].newer = i;
	files->entry[at].older = i;
}

/* Closes and frees the entry; it becomes the first to be used again. */
static void entry_drop(struct cgfiles *files, unsigned i)
{
	struct entry *e = &files->entry[i];
	struct key key;
	unsigned *link;

	if (!e->owner)
		return;
	key = key_of(e);
	for (link = bucket_of(files, &key); *link != i;)
		link = &files->entry[*link].chain;
	*link = e->chain;
	e->fd = fd_close(e->fd);
	free(e->path);
	e->path = NULL;
	e->owner = 0;
	files->held--;
	list_remove(files, i);
	list_insert(files, i, files->entry[0].newer);
}

static unsigned entry_find(struct cgfiles *files, const struct key *key)
{
	unsigned i = *bucket_of(files, key);

	while (i && !is_of(&files->entry[i], key))
		i = files->entry[i].chain;
	return i;
}

/* One that is free, or the oldest. */
static unsigned entry_take(struct cgfiles *files)
{
	unsigned oldest = files->entry[0].newer;

	if (files->used == files->limit || (oldest && !files->entry[oldest].owner)) {
		entry_drop(files, oldest);
		list_remove(files, oldest);
		return oldest;
	}
	return ++files->used;
}

/* Takes the descriptor. What cannot be remembered is closed. */
static void entry_add(
	struct cgfiles *files, const struct key *key, unsigned second, int fd)
{
	unsigned i, *bucket;
	char *path = NULL;

	if (!files->limit ||
		(key->owner == above && !(path = strndup(key->path.p, key->path.len)))) {
		fd_close(fd);
		return;
	}
	i = entry_take(files);
	bucket = bucket_of(files, key);
	files->entry[i].owner = key->owner;
	files->entry[i].fact = key->fact;
	files->entry[i].second = second;
	files->entry[i].hierarchy = key->hierarchy;
	files->entry[i].path = path;
	files->entry[i].ino = files->ino;
	files->entry[i].fd = fd;
	files->entry[i].chain = *bucket;
	*bucket = i;
	files->held++;
	list_insert(files, i, 0);
}

void cgfiles_free(struct cgfiles *files)
{
	if (!files)
		return;
	for (unsigned i = 1; i <= files->used; i++)
		entry_drop(files, i);
	textbuf_deinit(&files->text);
	munmap(files->entry, files->size);
	free(files);
}

static void give_back(struct cgfiles *files)
{
	if (files->held || files->used <= SMALL)
		return;
	madvise(files->entry, files->size, MADV_DONTNEED);
	files->used = 0;
}

void cgfiles_forget(struct cgfiles *files, const struct container *ct)
{
	for (int fact = 0; fact < CG_FACTS; fact++)
		entry_drop(
			files, entry_find(files, &(struct key){ct->id, fact, NULL, {0}}));
	give_back(files);
}

void cgfiles_forget_above(struct cgfiles *files)
{
	for (unsigned i = 1; i <= files->used; i++)
		if (files->entry[i].owner == above)
			entry_drop(files, i);
	give_back(files);
}

static bool drop_oldest(struct cgfiles *files)
{
	for (unsigned i = files->entry[0].newer; i; i = files->entry[i].newer)
		if (files->entry[i].owner) {
			entry_drop(files, i);
			return true;
		}
	return false;
}

/* The path comes from the kernel and holds no "..", but a cgroup can be named anything
 * else; it is used below the mount only. */
static int open_file(struct cgfiles *files, const struct key *key, const char *file)
{
	struct slice path = key->path;
	char buf[PATH_MAX];
	size_t len = strlen(file);
	int fd;

	if (path.len + len + 3 > sizeof(buf))
		return -ENAMETOOLONG;
	buf[0] = '.';
	memcpy(buf + 1, path.p, path.len);
	buf[path.len + 1] = '/';
	memcpy(buf + path.len + 2, file, len + 1);
	do
		fd = openat(key->hierarchy->fd, buf, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && (errno == EMFILE || errno == ENFILE) && drop_oldest(files));
	return fd < 0 ? -errno : fd;
}

/* Lists of tasks, and of slabs in old kernels, come in records. */
static int read_text(int fd, enum cg_fact fact, struct textbuf *text)
{
	return fact == CGF_TASKS || fact == CGF_SLABINFO
		       ? procfile_pread(fd, text)
		       : procfile_pread_single(fd, text);
}

/* Of what must go on where it was: 0 for other facts. */
static uint64_t ino_of(int fd, enum cg_fact fact)
{
	struct stat st;

	if (fact < CGF_CPU_STAT || fact > CGF_CPU_USAGE_ALL || fstat(fd, &st) < 0)
		return 0;
	return st.st_ino;
}

/* A cgroup of v1 can be renamed, and its files can still be read when another one has its
 * name (kernel/cgroup/cgroup-v1.c: cgroup1_rename). A container's own are forgotten when
 * it is found to be elsewhere. */
static bool is_stale(const struct entry *e, unsigned second)
{
	return e->owner == above && e->second != second &&
	       e->hierarchy->version == &cg_v1;
}

int cgfiles_read(struct cgfiles *files, const struct container *ct, enum cg_fact fact,
	unsigned up, const struct cg_hierarchy *hierarchy, struct slice path,
	const char **text)
{
	const char *file = hierarchy->version->fact[fact].file;
	struct key key = {up ? above : ct->id, fact, hierarchy, path};
	unsigned second = (unsigned)(ct->used_ns / 1000000000);
	unsigned i;
	int r, fd;

	*text = "";
	if (!*file || (hierarchy->is_root && !path.len &&
			      hierarchy->version->fact[fact].below_root))
		return -ENOENT;
	i = entry_find(files, &key);
	if (i) {
		r = is_stale(&files->entry[i], second)
			    ? -ESTALE
			    : read_text(files->entry[i].fd, fact, &files->text);
		if (r == 0) {
			list_remove(files, i);
			list_insert(files, i, 0);
			files->ino = files->entry[i].ino;
			*text = files->text.data;
			return 0;
		}
		entry_drop(files, i);
	}
	fd = open_file(files, &key, file);
	if (fd < 0)
		return fd;
	r = read_text(fd, fact, &files->text);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	files->ino = ino_of(fd, fact);
	entry_add(files, &key, second, fd);
	*text = files->text.data;
	return 0;
}

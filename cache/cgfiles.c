/*
 * A small hash table with an LRU list through its entries, all in one allocation.
 */
#include "cache/cgfiles.h"

#include "cache/container.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

struct entry {
	uint64_t owner; /* 0: free */
	unsigned fact, up;
	int fd;
	unsigned chain;	      /* next in the hash bucket; 0 ends */
	unsigned older, newer; /* LRU neighbours; 0 is the list's head */
};

struct cgfiles {
	const struct cg_layout *layout;
	struct textbuf text;
	unsigned limit, held, buckets;
	unsigned *bucket;
	/* Entry 0 is the list head: its `older` is the newest, its `newer` the oldest. */
	struct entry entry[];
};

int cgfiles_new(struct cgfiles **out, const struct cg_layout *layout, unsigned limit)
{
	struct cgfiles *files;

	if (limit > 1 << 20)
		return -EINVAL;
	files = calloc(1, sizeof(*files) + (limit + 1) * sizeof(files->entry[0]));
	if (!files)
		return -ENOMEM;
	files->buckets = 1;
	while (files->buckets < limit)
		files->buckets *= 2;
	files->bucket = calloc(files->buckets, sizeof(files->bucket[0]));
	if (!files->bucket) {
		free(files);
		return -ENOMEM;
	}
	files->layout = layout;
	files->limit = limit;
	for (unsigned i = 0; i <= limit; i++)
		files->entry[i] = (struct entry){.fd = -1, .older = i + 1, .newer = i - 1};
	files->entry[0].newer = limit;
	files->entry[limit].older = 0;
	*out = files;
	return 0;
}

void cgfiles_free(struct cgfiles *files)
{
	if (!files)
		return;
	for (unsigned i = 1; i <= files->limit; i++)
		fd_close(files->entry[i].fd);
	textbuf_deinit(&files->text);
	free(files->bucket);
	free(files);
}

const struct cg_layout *cgfiles_layout(const struct cgfiles *files)
{
	return files->layout;
}

unsigned cgfiles_held(const struct cgfiles *files)
{
	return files->held;
}

static unsigned *bucket_of(
	struct cgfiles *files, uint64_t owner, unsigned fact, unsigned up)
{
	uint64_t h = (owner * 64 + fact) * 64 + up;

	h *= UINT64_C(0x9e3779b97f4a7c15);
	return &files->bucket[(h >> 32) & (files->buckets - 1)];
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
	unsigned *link;

	if (!e->owner)
		return;
	for (link = bucket_of(files, e->owner, e->fact, e->up); *link != i;)
		link = &files->entry[*link].chain;
	*link = e->chain;
	e->fd = fd_close(e->fd);
	e->owner = 0;
	files->held--;
	list_remove(files, i);
	list_insert(files, i, files->entry[0].newer);
}

static unsigned entry_find(
	struct cgfiles *files, uint64_t owner, unsigned fact, unsigned up)
{
	unsigned i = *bucket_of(files, owner, fact, up);

	while (i && (files->entry[i].owner != owner || files->entry[i].fact != fact ||
			    files->entry[i].up != up))
		i = files->entry[i].chain;
	return i;
}

static void entry_add(
	struct cgfiles *files, uint64_t owner, unsigned fact, unsigned up, int fd)
{
	unsigned i = files->entry[0].newer, *bucket;

	entry_drop(files, i);
	bucket = bucket_of(files, owner, fact, up);
	files->entry[i].owner = owner;
	files->entry[i].fact = fact;
	files->entry[i].up = up;
	files->entry[i].fd = fd;
	files->entry[i].chain = *bucket;
	*bucket = i;
	files->held++;
	list_remove(files, i);
	list_insert(files, i, 0);
}

void cgfiles_forget(struct cgfiles *files, const struct container *ct)
{
	for (unsigned i = 1; i <= files->limit; i++)
		if (files->entry[i].owner == ct->id)
			entry_drop(files, i);
}

/* The path comes from the kernel and holds no "..", but a cgroup can be named anything
 * else; it is used below the mount only. */
static int open_file(const struct cg_hierarchy *hierarchy, struct slice path, const char *file)
{
	char buf[PATH_MAX];
	size_t len = strlen(file);
	int fd;

	if (path.len + len + 3 > sizeof(buf))
		return -ENAMETOOLONG;
	buf[0] = '.';
	memcpy(buf + 1, path.p, path.len);
	buf[path.len + 1] = '/';
	memcpy(buf + path.len + 2, file, len + 1);
	fd = openat(hierarchy->fd, buf, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Lists of tasks, and of slabs in old kernels, come in records. */
static int read_text(int fd, enum cg_fact fact, struct textbuf *text)
{
	return fact == CGF_TASKS || fact == CGF_SLABINFO ? procfile_pread(fd, text)
							 : procfile_pread_single(fd, text);
}

int cgfiles_read(struct cgfiles *files, uint64_t owner, enum cg_fact fact, unsigned up,
	const struct cg_hierarchy *hierarchy, struct slice path, const char **text)
{
	const char *file = hierarchy->version->fact[fact].file;
	unsigned i;
	int r, fd;

	*text = "";
	if (!file || (hierarchy->is_root && !path.len &&
			     hierarchy->version->fact[fact].below_root))
		return -ENOENT;
	i = entry_find(files, owner, fact, up);
	if (i) {
		r = read_text(files->entry[i].fd, fact, &files->text);
		if (r == 0) {
			list_remove(files, i);
			list_insert(files, i, 0);
			*text = files->text.data;
			return 0;
		}
		entry_drop(files, i);
	}
	fd = open_file(hierarchy, path, file);
	if (fd < 0)
		return fd;
	r = read_text(fd, fact, &files->text);
	if (r < 0 || !files->limit)
		fd_close(fd);
	else
		entry_add(files, owner, fact, up, fd);
	if (r == 0)
		*text = files->text.data;
	return r;
}

/*
 * The node table. To add a file: one row here, one view in view/.
 */
#include "daemon/node.h"

#include "daemon/cputree.h"
#include "daemon/filesize.h"
#include "nsutil/again.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum row {
	ROW_NONE,
	ROW_ROOT = FUSE_ROOT_ID,
	ROW_PROC,
	ROW_CPUINFO,
	ROW_MEMINFO,
	ROW_STAT,
	ROW_UPTIME,
	ROW_LOADAVG,
	ROW_DISKSTATS,
	ROW_SWAPS,
	ROW_SLABINFO,
	ROW_PRESSURE,
	ROW_PRESSURE_CPU,
	ROW_PRESSURE_IO,
	ROW_PRESSURE_MEMORY,
	ROW_PRESSURE_IRQ,
	ROW_SYS,
	ROW_DEVICES,
	ROW_SYSTEM,
	ROW_CPU,
	ROW_CPU_ONLINE,
	ROW_CPU_PRESENT,
	ROW_CPU_POSSIBLE,
	ROW_CPU_OFFLINE,
	ROWS,
	/* Rows from here on are entries of the host's cpu tree. */
	ROW_TREE = 64,
};

#define DIRECTORY(n, up)                                                                 \
	{                                                                                \
		.name = n, .parent = up, .mode = S_IFDIR | 0555,                         \
		.host_file = NODE_HOST_NONE                                              \
	}
#define PROC(n, file, view)                                                              \
	{                                                                                \
		.name = n, .parent = ROW_PROC, .mode = S_IFREG | 0444, .show = view,     \
		.host_file = file, .host_path = n                                        \
	}
#define PROC_LOAD(n, file, view, need)                                                   \
	{                                                                                \
		.name = n, .parent = ROW_PROC, .mode = S_IFREG | 0444, .show = view,     \
		.load = need, .host_file = file, .host_path = n                          \
	}
/* read.c has no view for these: they are read in a helper. */
#define PRESSURE(n, which)                                                               \
	{                                                                                \
		.name = n, .parent = ROW_PRESSURE, .mode = S_IFREG | 0444, .arg = which, \
		.host_file = NODE_HOST_NONE, .host_path = "pressure/" n,                 \
		.optional = true                                                         \
	}
#define CPU_LIST(n, which)                                                               \
	{                                                                                \
		.name = n, .parent = ROW_CPU, .mode = S_IFREG | 0444,                    \
		.show = view_cpu_list, .arg = which, .host_file = NODE_HOST_NONE,        \
		.host_path = n                                                           \
	}

static const struct node nodes[ROWS] = {
	[ROW_ROOT] = DIRECTORY("", ROW_ROOT),
	[ROW_PROC] = DIRECTORY("proc", ROW_ROOT),
	[ROW_CPUINFO] = PROC("cpuinfo", HOST_CPUINFO, view_cpuinfo),
	[ROW_MEMINFO] = PROC("meminfo", HOST_MEMINFO, view_meminfo),
	[ROW_STAT] = PROC_LOAD("stat", HOST_STAT, view_stat, NODE_LOAD),
	[ROW_UPTIME] = PROC("uptime", HOST_UPTIME, view_uptime),
	[ROW_LOADAVG] =
		PROC_LOAD("loadavg", HOST_LOADAVG, view_loadavg, NODE_LOAD_NEWEST),
	[ROW_DISKSTATS] = PROC("diskstats", HOST_DISKSTATS, view_diskstats),
	[ROW_SWAPS] = PROC("swaps", HOST_SWAPS, view_swaps),
	[ROW_SLABINFO] = {.name = "slabinfo",
		.parent = ROW_PROC,
		.mode = S_IFREG | 0400,
		.show = view_slabinfo,
		.host_file = HOST_SLABINFO,
		.host_path = "slabinfo",
		.optional = true},
	[ROW_PRESSURE] = {.name = "pressure",
		.parent = ROW_PROC,
		.mode = S_IFDIR | 0555,
		.host_file = NODE_HOST_NONE,
		.host_path = "pressure",
		.optional = true},
	[ROW_PRESSURE_CPU] = PRESSURE("cpu", CGF_PRESSURE_CPU),
	[ROW_PRESSURE_IO] = PRESSURE("io", CGF_PRESSURE_IO),
	[ROW_PRESSURE_MEMORY] = PRESSURE("memory", CGF_PRESSURE_MEMORY),
	[ROW_PRESSURE_IRQ] = PRESSURE("irq", CGF_PRESSURE_IRQ),
	[ROW_SYS] = DIRECTORY("sys", ROW_ROOT),
	[ROW_DEVICES] = DIRECTORY("devices", ROW_SYS),
	[ROW_SYSTEM] = DIRECTORY("system", ROW_DEVICES),
	[ROW_CPU] = DIRECTORY("cpu", ROW_SYSTEM),
	[ROW_CPU_ONLINE] = CPU_LIST("online", CPU_ONLINE),
	[ROW_CPU_PRESENT] = CPU_LIST("present", CPU_PRESENT),
	[ROW_CPU_POSSIBLE] = CPU_LIST("possible", CPU_POSSIBLE),
	[ROW_CPU_OFFLINE] = CPU_LIST("offline", CPU_OFFLINE),
};

_Static_assert(ROWS <= ROW_TREE, "rows of the table and of the tree overlap");

static struct cputree *tree;
static bool renumber;
static unsigned possible;

void node_attach(struct cputree *shared, bool cfs, unsigned cpus)
{
	tree = shared;
	renumber = cfs;
	possible = cpus;
}

static int row_of(uint64_t id)
{
	return (int)(id & 0xffff);
}

static struct cputree_at tree_at(uint64_t id)
{
	return (struct cputree_at){
		.entry = row_of(id) == ROW_CPU ? CPUTREE_ROOT : row_of(id) - ROW_TREE,
		.instance = (unsigned)(id >> 16 & 0xffff)};
}

static uint64_t tree_id(struct cputree_at at)
{
	if (at.entry == CPUTREE_ROOT)
		return ROW_CPU;
	return (uint64_t)tree->generation << 32 | (uint64_t)at.instance << 16 |
	       (uint64_t)(at.entry + ROW_TREE);
}

/* A number of a tree that was lost. The kernel looks the name up again on ESTALE. */
static bool tree_stale(uint64_t id)
{
	return row_of(id) >= ROW_TREE && id >> 32 != tree->generation;
}

static bool row_exists(const struct host *host, int row)
{
	const struct node *n = &nodes[row];
	struct stat st;
	int r;

	if (!n->parent)
		return false;
	r = n->optional ? again_stat(host->proc, n->host_path, &st, 0) : 0;
	return r == 0 || again_wanted(r);
}

static unsigned row_links(int row)
{
	unsigned links = 2;

	if (!S_ISDIR(nodes[row].mode))
		return 1;
	for (int i = ROW_PROC; i < ROWS; i++)
		links += nodes[i].parent == row && S_ISDIR(nodes[i].mode);
	return links;
}

static int row_info(int row, struct node_info *info)
{
	info->id = (uint64_t)row;
	info->row = &nodes[row];
	info->mode = nodes[row].mode;
	if (row == ROW_CPU)
		strcpy(info->path, ".");
	return 0;
}

void node_measure(struct host *host, struct node_info *info, uint64_t now_ns)
{
	struct filesize size = {.bytes = info->size, .valid_ns = NODE_VALID_NS};

	if (info->row) {
		info->nlink = row_links((int)info->id);
		size = filesize_of(host, info->row, possible, now_ns);
	}
	info->size = size.bytes;
	info->valid_ns = size.valid_ns;
	info->own_end = size.own_end;
}

/*
 * With --enable-cfs a container's CPUs are 0 to N-1, whichever of the host's they are,
 * and one of the host's of these numbers may be off, and its directory bare, or taken
 * out, and have none. The kernel keeps a name that one container has looked up for all of
 * them, so that names cannot be those of the CPU behind it: they are those of the host's
 * last CPU. Nobody sees more CPUs than are online. Gives where the host has them.
 */
static const char *host_place(struct host *host, const char *path, char *buf, size_t size)
{
	/* What is looked up in the root has "./" in front. */
	const char *name = *path == '.' && path[1] ? path + 2 : path, *rest;
	int cpu = cputree_cpu_of(name, &rest), last = 0;
	struct cpuset online;

	if (cpu < 0) {
		cpu = cputree_cpu_number(name);
		rest = ".";
	}
	if (!renumber || cpu < 0)
		return path;
	host_online(host, &online);
	if ((unsigned)cpu >= cpuset_count(&online) || cpuset_has(&online, (unsigned)cpu))
		return path;
	for (int next = 0; next >= 0; next = cpuset_next(&online, (unsigned)last + 1))
		last = next;
	snprintf(buf, size, "cpu%d/%s", last, rest);
	return buf;
}

/* What the host has at info->path. Nothing in it may be written through us. */
static int tree_info(struct host *host, struct node_info *info)
{
	char place[sizeof(info->path)];
	struct stat st;
	int r = again_stat(host->syscpu,
		host_place(host, info->path, place, sizeof(place)), &st,
		AT_SYMLINK_NOFOLLOW);

	if (r < 0)
		return r;
	info->row = NULL;
	info->size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size;
	info->nlink = (unsigned)st.st_nlink;
	if (S_ISLNK(st.st_mode))
		info->mode = S_IFLNK | 0777;
	else if (S_ISDIR(st.st_mode))
		info->mode = S_IFDIR | 0555;
	else
		info->mode = S_IFREG | (st.st_mode & 0444);
	return 0;
}

int node_get(struct host *host, uint64_t id, struct node_info *info)
{
	int row = row_of(id);

	*info = (struct node_info){.id = id};
	if (row > 0 && row < ROWS && id >> 16 == 0)
		return nodes[row].parent ? row_info(row, info) : -ENOENT;
	if (tree_stale(id))
		return -ESTALE;
	if (row < ROW_TREE ||
		!cputree_path(tree, tree_at(id), info->path, sizeof(info->path)))
		return -ENOENT;
	return tree_info(host, info);
}

/* The table's child of that name, or 0. */
static int row_child(int parent, const char *name)
{
	for (int i = ROW_PROC; i < ROWS; i++)
		if (nodes[i].parent == parent && !strcmp(nodes[i].name, name))
			return i;
	return 0;
}

static int tree_lookup(
	struct host *host, uint64_t parent, const char *name, struct node_info *info)
{
	struct cputree_at at = tree_at(parent);
	const size_t size = sizeof(info->path);
	size_t len;
	int r;

	if (!strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/') || !*name)
		return -ENOENT;
	if (!cputree_path(tree, at, info->path, size))
		return -ENOENT;
	len = strlen(info->path);
	if (snprintf(info->path + len, size - len, "/%s", name) >= (int)(size - len))
		return -ENAMETOOLONG;
	/* Only what exists gets a number. */
	r = tree_info(host, info);
	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	if (!cputree_child(tree, at, name, &at))
		return -ENOSPC;
	info->id = tree_id(at);
	return 0;
}

int node_lookup(
	struct host *host, uint64_t parent, const char *name, struct node_info *info)
{
	int row = row_of(parent), child;

	*info = (struct node_info){0};
	if (row < ROW_TREE && (parent >> 16 || row >= ROWS || !nodes[row].parent))
		return -ENOENT;
	if (tree_stale(parent))
		return -ESTALE;
	child = row_child(row, name);
	if (child)
		return row_exists(host, child) ? row_info(child, info) : -ENOENT;
	if (row == ROW_CPU || row >= ROW_TREE)
		return tree_lookup(host, parent, name, info);
	return -ENOENT;
}

bool node_is_pressure(const struct node_info *info)
{
	return info->row && info->row->parent == ROW_PRESSURE;
}

bool node_is_cpu_dir(const struct node_info *dir)
{
	return dir->id == ROW_CPU;
}

/* A name that has gone meanwhile, or has no number left, is left out. */
static int tree_emit(struct host *host, const struct node_info *dir, const char *name,
	node_emit *emit, void *arg)
{
	struct node_info child;
	int r = node_lookup(host, dir->id, name, &child);

	if (r == 0)
		emit(arg, child.id, child.mode, name);
	return again_wanted(r) ? r : 0;
}

/* Those that the directory has; with `cpus`, but for the CPUs. */
static int tree_names(struct host *host, const struct node_info *dir,
	const struct cpuset *cpus, node_emit *emit, void *arg)
{
	char place[sizeof(dir->path)];
	struct again_dir names;
	const char *name;
	int r = again_dir_open(
		&names, host->syscpu, host_place(host, dir->path, place, sizeof(place)));

	while (r == 0 && (r = again_dir_next(&names, &name)) > 0)
		r = cpus && cputree_cpu_number(name) >= 0
			    ? 0
			    : tree_emit(host, dir, name, emit, arg);
	again_dir_close(&names);
	return r;
}

static int tree_list(struct host *host, const struct node_info *dir,
	const struct cpuset *cpus, node_emit *emit, void *arg)
{
	int cpu = cpus ? cpuset_next(cpus, 0) : -1;
	int r = tree_names(host, dir, cpus, emit, arg);
	char name[16];

	for (; r == 0 && cpu >= 0; cpu = cpuset_next(cpus, (unsigned)cpu + 1)) {
		snprintf(name, sizeof(name), "cpu%d", cpu);
		r = tree_emit(host, dir, name, emit, arg);
	}
	return r;
}

int node_list(struct host *host, const struct node_info *dir, const struct cpuset *cpus,
	node_emit *emit, void *arg)
{
	uint64_t parent = dir->row ? dir->row->parent
				   : tree_id(cputree_parent(tree, tree_at(dir->id)));

	emit(arg, dir->id, S_IFDIR, ".");
	emit(arg, parent, S_IFDIR, "..");
	if (!dir->row || dir->id == ROW_CPU)
		return tree_list(host, dir, cpus, emit, arg);
	for (int i = ROW_PROC; i < ROWS; i++)
		if (nodes[i].parent == dir->id && row_exists(host, i))
			emit(arg, (uint64_t)i, nodes[i].mode, nodes[i].name);
	return 0;
}

ssize_t node_readlink(
	struct host *host, const struct node_info *link, char *buf, size_t size)
{
	char place[sizeof(link->path)];
	ssize_t n = readlinkat(host->syscpu,
		host_place(host, link->path, place, sizeof(place)), buf, size - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int node_host_text(struct host *host, const struct node_info *file, struct outbuf *out)
{
	static struct textbuf text;
	char place[sizeof(file->path)];
	struct slice have;
	int r;

	if (file->row && file->row->host_file != NODE_HOST_NONE) {
		r = host_text(host, (enum host_file)file->row->host_file, &have);
	} else if (file->row) {
		r = procfile_read(
			file->row->parent == ROW_CPU ? host->syscpu : host->proc,
			file->row->host_path, &text);
		have = (struct slice){text.data, text.len};
	} else {
		r = procfile_read(host->syscpu, file->path, &text);
		if (r == -ENOENT)
			r = procfile_read(host->syscpu,
				host_place(host, file->path, place, sizeof(place)),
				&text);
		have = (struct slice){text.data, text.len};
	}
	if (r == 0)
		out_mem(out, have.p, have.len);
	return r;
}

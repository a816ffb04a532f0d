/*
 * The I/O figures of a cgroup: io.stat of v2, or of v1 whatever of throttling and
 * schedulers counts. One table, used again by each render.
 */
#include "daemon/view/diskusage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CGROUP_LEVELS = 4096 };

/* `next` is where the next device is expected. */
static struct {
	struct disk_usage *at;
	unsigned count, cap, next;
	uint64_t source;
	bool failed; /* no memory for all of them */
} usages;

static bool parse_dev(struct slice word, uint64_t *dev)
{
	const char *colon = memchr(word.p, ':', word.len);
	uint64_t major, minor;

	if (!colon)
		return false;
	if (!slice_u64((struct slice){word.p, (size_t)(colon - word.p)}, &major) ||
		!slice_u64((struct slice){colon + 1,
				   word.len - (size_t)(colon - word.p) - 1},
			&minor))
		return false;
	*dev = disk_dev(major, minor);
	return true;
}

static struct disk_usage *usage_find(uint64_t dev)
{
	for (unsigned i = 0; i < usages.count; i++) {
		unsigned k = usages.next + i;

		if (k >= usages.count)
			k -= usages.count;
		if (usages.at[k].dev != dev)
			continue;
		usages.next = k + 1 < usages.count ? k + 1 : 0;
		return &usages.at[k];
	}
	return NULL;
}

/* Finds the device or adds it. NULL without memory. */
static struct disk_usage *usage_of(uint64_t dev)
{
	struct disk_usage *at = usages.count ? usage_find(dev) : NULL;

	if (at)
		return at;
	if (usages.count == usages.cap) {
		unsigned cap = usages.cap ? usages.cap * 2 : 16;

		at = realloc(usages.at, cap * sizeof(*at));
		if (!at) {
			usages.failed = true;
			return NULL;
		}
		usages.at = at;
		usages.cap = cap;
	}
	at = &usages.at[usages.count++];
	*at = (struct disk_usage){.dev = dev};
	return at;
}

/* "rios=12" */
static void parse_pair(struct slice word, struct disk_usage *usage)
{
	static const char keys[][8] = {
		"rios", "wios", "dios", "rbytes", "wbytes", "dbytes"};
	const char *equals = memchr(word.p, '=', word.len);
	struct slice key = {word.p, (size_t)(equals - word.p)};
	struct slice value = {equals + 1, word.len - key.len - 1};
	uint64_t v;

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (slice_is(key, keys[i]) && slice_u64(value, &v))
			*(i < DISK_OPS ? &usage->ios[i] : &usage->bytes[i - DISK_OPS]) =
				v;
}

/* io.stat. A device without figures can stand on the line of the next one, without a
 * newline between them (Linux 5.15 to 5.18); one that is gone is "(unknown)". */
static void parse_v2(const char *text)
{
	struct slice line, word;
	uint64_t dev;

	while (procfile_line(&text, &line)) {
		struct disk_usage *usage = NULL;

		while (slice_word(&line, &word)) {
			if (memchr(word.p, '=', word.len)) {
				if (usage)
					parse_pair(word, usage);
			} else {
				usage = parse_dev(word, &dev) ? usage_of(dev) : NULL;
			}
		}
	}
}

static int parse_op(struct slice word)
{
	static const char names[DISK_OPS][8] = {"Read", "Write", "Discard"};

	for (int i = 0; i < DISK_OPS; i++)
		if (slice_is(word, names[i]))
			return i;
	return -1;
}

/* "8:0 Read 12". Throttling and schedulers count the same I/Os: the largest figure is the
 * one that counts, and stays so whichever starts to count later. */
static void parse_v1(const char *text, bool bytes, bool root)
{
	struct slice line, word;
	uint64_t dev, v;

	while (procfile_line(&text, &line)) {
		struct disk_usage *usage;
		uint64_t *to;
		int op;

		if (!slice_word(&line, &word) || !parse_dev(word, &dev) ||
			!(usage = usage_of(dev)))
			continue;
		if (root) {
			usage->in_root = true;
			continue;
		}
		usage->listed = true;
		if (!slice_word(&line, &word) || (op = parse_op(word)) < 0 ||
			!slice_word(&line, &word) || !slice_u64(word, &v))
			continue;
		to = bytes ? &usage->bytes[op] : &usage->ios[op];
		*to = *to > v ? *to : v;
	}
}

static int read_v2(struct container *ct, int depth)
{
	const char *text;

	/* The root has the file where no cgroup on the way to it has: it is the host's.
	 */
	for (int up = 0; up < depth; up++) {
		if (container_text(ct, CGF_IO_SERVICED, (unsigned)up, &text) != CG_OK)
			continue;
		parse_v2(text);
		usages.source += (unsigned)up;
		return VIEW_DONE;
	}
	usages.source += depth > 0 ? (unsigned)depth : 0;
	return VIEW_HOST;
}

static int read_v1(struct container *ct, int depth)
{
	static const struct {
		enum cg_fact fact;
		bool bytes;
	} files[] = {
		{CGF_IO_SERVICED, false},
		{CGF_IO_BYTES, true},
		{CGF_IO_BFQ_SERVICED, false},
		{CGF_IO_BFQ_BYTES, true},
		{CGF_IO_CFQ_SERVICED, false},
		{CGF_IO_CFQ_BYTES, true},
	};
	bool found = false;
	const char *text;

	if (depth <= 0)
		return VIEW_HOST;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (container_text(ct, files[i].fact, 0, &text) != CG_OK)
			continue;
		parse_v1(text, files[i].bytes, false);
		found = true;
	}
	if (!found)
		return VIEW_HOST;
	if (container_text(ct, CGF_IO_SERVICED, (unsigned)depth, &text) == CG_OK)
		parse_v1(text, false, true);
	return VIEW_DONE;
}

int disk_usage_read(struct container *ct)
{
	int depth = container_depth(ct, CG_BLKIO), r;

	usages.count = usages.next = 0;
	usages.failed = false;
	/* Each level above it has a number, too. */
	usages.source = container_dir(ct) * CGROUP_LEVELS + 1;
	if (container_version(ct, CG_BLKIO) == &cg_v1)
		r = read_v1(ct, depth);
	else
		r = read_v2(ct, depth);
	usages.next = 0;
	return usages.failed ? -ENOMEM : r;
}

uint64_t disk_usage_source(void)
{
	return usages.source;
}

const struct disk_usage *disk_usage_find(uint64_t dev)
{
	return usage_find(dev);
}

bool disk_usage_any(const struct disk_usage *usage)
{
	uint64_t any = 0;

	for (unsigned i = 0; usage && i < DISK_OPS; i++)
		any |= usage->ios[i] | usage->bytes[i];
	return any;
}

bool disk_usage_uncounted(const struct disk_usage *usage)
{
	return !usage || usage->listed || !usage->in_root;
}

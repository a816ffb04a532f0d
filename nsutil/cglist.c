/*
 * From text to a short list in the order in which the mounts are to be tried.
 */
#include "nsutil/cglist.h"

#include "nsutil/cgroup.h"
#include "nsutil/mountinfo.h"

#include <string.h>

bool cglist_item(const char **list, struct slice *item)
{
	if (!**list)
		return false;
	*item = (struct slice){*list, strcspn(*list, ",")};
	*list += item->len + ((*list)[item->len] == ',');
	return true;
}

static bool has_item(const char *list, struct slice wanted)
{
	struct slice item;

	while (cglist_item(&list, &item))
		if (item.len == wanted.len && !memcmp(item.p, wanted.p, item.len))
			return true;
	return false;
}

/* Only hierarchies with a controller that views read are held: each one held keeps the
 * host from regrouping its controllers. */
static bool useful(const char *name)
{
	struct slice item;

	while (cglist_item(&name, &item))
		if (cg_controller_by_name(item) >= 0)
			return true;
	return false;
}

/* The v1 hierarchy of a superblock: the one all of whose controllers, and whose name, are
 * among its options. Those also say things that only the kernel at hand can tell from a
 * controller ("seclabel"). NULL when views do not use it. */
static const char *name_of(const char *cgroup, size_t size, const char *super)
{
	for (const char *name = cgroup; name < cgroup + size; name += strlen(name) + 1) {
		const char *rest = name;
		struct slice item;
		bool all = *name;

		while (all && cglist_item(&rest, &item))
			all = has_item(super, item);
		if (all)
			return useful(name) ? name : NULL;
	}
	return NULL;
}

/* Makes a row of strings of the names in a text of "ID:NAME:PATH" lines, in place; their
 * size together. */
static size_t cut_names(char *cgroup)
{
	char *line, *to = cgroup, *rest = cgroup;

	while ((line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ':'),
		     *end = name ? strchr(name + 1, ':') : NULL;

		if (!end)
			continue;
		*end = '\0';
		memmove(to, name + 1, (size_t)(end - name));
		to += end - name;
	}
	return (size_t)(to - cgroup);
}

static size_t root_length(const struct cglist_entry *e)
{
	return strcmp(e->root, "/") ? strlen(e->root) : 0;
}

/* Whether a belongs before b; of equals the one that came first stays so. */
static bool before(const struct cglist_entry *a, const struct cglist_entry *b)
{
	return a->v2 != b->v2 ? b->v2 : root_length(a) < root_length(b);
}

static void insert(struct cglist *list, const struct cglist_entry *e)
{
	int i = list->count;

	if (i == CGLIST_ENTRIES) {
		if (!before(e, &list->entry[--i]))
			return;
	} else {
		list->count++;
	}
	for (; i > 0 && before(e, &list->entry[i - 1]); i--)
		list->entry[i] = list->entry[i - 1];
	list->entry[i] = *e;
}

/* Whether the mount is a FUSE file system, on a directory other than the root. */
static bool is_fuse(const struct mountinfo *m)
{
	return (!strcmp(m->type, "fuse") || !strncmp(m->type, "fuse.", 5)) &&
	       strcmp(m->target, "/") != 0;
}

/* Drops the entries below `target`: a later mount covers them, and the way to them leads
 * through it. mountinfo has mounts in the order in which they were made. */
static void drop_below(struct cglist *list, const char *target)
{
	const size_t len = strlen(target);
	int kept = 0;

	for (int i = 0; i < list->count; i++) {
		const char *at = list->entry[i].target;

		if (strncmp(at, target, len) != 0 || at[len] != '/')
			list->entry[kept++] = list->entry[i];
	}
	list->count = kept;
}

void cglist_parse(struct cglist *list, char *mountinfo, char *cgroup)
{
	size_t size = cut_names(cgroup);
	struct mountinfo m;

	list->count = 0;
	while (mountinfo_next(&mountinfo, &m)) {
		struct cglist_entry e = {.id = m.id,
			.name = "",
			.root = m.root,
			.target = m.target,
			.super = m.super,
			.v2 = !strcmp(m.type, "cgroup2")};

		if (is_fuse(&m))
			drop_below(list, m.target);
		if (!e.v2 && strcmp(m.type, "cgroup") != 0)
			continue;
		if (!e.v2)
			e.name = name_of(cgroup, size, m.super);
		if (e.name)
			insert(list, &e);
	}
}

uint64_t cglist_fingerprint(const char *mountinfo)
{
	static const char mark[] = " - cgroup";
	struct slice line, word;
	uint64_t sum = 1, id;

	while (procfile_line(&mountinfo, &line))
		if (memmem(line.p, line.len, mark, sizeof(mark) - 1) &&
			slice_word(&line, &word) && slice_u64(word, &id))
			sum = sum * 31 + id;
	return sum;
}

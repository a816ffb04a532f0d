/*
 * See cputree.h. An entry is whole before it is counted: a process killed in between
 * leaves nothing half made.
 */
#include "daemon/cputree.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of which there is one for each CPU or policy: PREFIX and a number. '#' stands for
 * the number in the table; sysfs names do not have it. */
static const struct {
	const char *prefix, *shared;
	const char *parent; /* shared name of the directory they are in; NULL: the root */
} families[] = {
	{"cpu", "cpu#", NULL},
	{"policy", "policy#", "cpufreq"},
};

/* n of a name that begins with the prefix and n; *rest is what follows. */
static int number_behind(const char *prefix, const char *name, const char **rest)
{
	size_t n = strlen(prefix);
	unsigned long v;
	char *end;

	if (strncmp(name, prefix, n) || name[n] < '0' || name[n] > '9' ||
		(name[n] == '0' && name[n + 1] >= '0'))
		return -1;
	v = strtoul(name + n, &end, 10);
	*rest = end;
	return v > 0xffff ? -1 : (int)v;
}

static int number_of(const char *prefix, const char *name)
{
	const char *rest;
	int n = number_behind(prefix, name, &rest);

	return n < 0 || *rest ? -1 : n;
}

int cputree_cpu_number(const char *name)
{
	return number_of("cpu", name);
}

int cputree_cpu_of(const char *path, const char **rest)
{
	int cpu = number_behind("cpu", path, rest);

	if (cpu >= 0 && **rest == '/') {
		++*rest;
		return cpu;
	}
	*rest = path;
	return -1;
}

static const char *name_of(const struct cputree *tree, int entry)
{
	return tree->names + tree->entry[entry].name;
}

static bool in_family(const struct cputree *tree, int parent, const char *family_parent)
{
	if (!family_parent)
		return parent == CPUTREE_ROOT;
	return parent != CPUTREE_ROOT && tree->entry[parent].parent == CPUTREE_ROOT &&
	       !strcmp(name_of(tree, parent), family_parent);
}

bool cputree_child(struct cputree *tree, struct cputree_at parent, const char *name,
	struct cputree_at *child)
{
	size_t len;

	*child = (struct cputree_at){.instance = parent.instance};
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int n = number_of(families[i].prefix, name);
		if (n < 0 || !in_family(tree, parent.entry, families[i].parent))
			continue;
		name = families[i].shared;
		child->instance = (unsigned)n;
	}
	for (unsigned i = 0; i < tree->count; i++) {
		if (tree->entry[i].parent == parent.entry &&
			!strcmp(name_of(tree, (int)i), name)) {
			child->entry = (int)i;
			return true;
		}
	}
	len = strlen(name) + 1;
	if (tree->count == CPUTREE_ENTRIES || tree->names_len + len > CPUTREE_NAMES)
		return false;
	memcpy(tree->names + tree->names_len, name, len);
	tree->entry[tree->count].parent = (short)parent.entry;
	tree->entry[tree->count].name = (unsigned short)tree->names_len;
	tree->names_len += (unsigned)len;
	child->entry = (int)tree->count;
	atomic_signal_fence(memory_order_seq_cst);
	tree->count++;
	return true;
}

bool cputree_path(
	const struct cputree *tree, struct cputree_at at, char *path, size_t size)
{
	char *p = path + size;

	if (at.entry == CPUTREE_ROOT)
		return snprintf(path, size, ".") < (int)size;
	*--p = '\0';
	for (int i = at.entry; i != CPUTREE_ROOT; i = tree->entry[i].parent) {
		char number[8];
		const char *name;
		size_t len, digits = 0;

		if (i < 0 || (unsigned)i >= tree->count)
			return false;
		name = name_of(tree, i);
		len = strlen(name);
		if (len && name[len - 1] == '#') {
			len--;
			digits = (size_t)snprintf(
				number, sizeof(number), "%u", at.instance);
		}
		if ((size_t)(p - path) < len + digits + 1)
			return false;
		p -= digits;
		memcpy(p, number, digits);
		p -= len;
		memcpy(p, name, len);
		if (tree->entry[i].parent != CPUTREE_ROOT)
			*--p = '/';
	}
	memmove(path, p, (size_t)(path + size - p));
	return true;
}

struct cputree_at cputree_parent(const struct cputree *tree, struct cputree_at at)
{
	struct cputree_at up = {.entry = CPUTREE_ROOT};

	if (at.entry == CPUTREE_ROOT || (unsigned)at.entry >= tree->count)
		return up;
	up.entry = tree->entry[at.entry].parent;
	if (up.entry != CPUTREE_ROOT)
		up.instance = at.instance;
	return up;
}

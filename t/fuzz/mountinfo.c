/*
 * /proc/self/mountinfo, and, behind a byte 1, /proc/self/cgroup: mounts, and those of
 * cgroups among them.
 */
#include "nsutil/cglist.h"
#include "nsutil/mountinfo.h"
#include "t/fuzz/fuzz.h"

static void check_inside(const char *piece, const char *text, size_t len)
{
	CHECK(piece >= text && piece <= text + len && piece + strlen(piece) <= text + len);
}

static int count_mounts(char *text)
{
	const size_t len = strlen(text);
	char *cursor = text;
	struct mountinfo m;
	int count = 0;

	while (mountinfo_next(&cursor, &m)) {
		CHECK(m.id >= 0);
		check_inside(m.root, text, len);
		check_inside(m.target, text, len);
		check_inside(m.type, text, len);
		check_inside(m.source, text, len);
		check_inside(m.super, text, len);
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mounts = fuzz_cut(&data, &size, '\1'), *again = strdup(mounts);
	char *cgroup = fuzz_text(data, size);
	struct cglist list;
	struct slice item;

	CHECK(again);
	const char *rest = again;
	while (cglist_item(&rest, &item))
		CHECK(!memchr(item.p, ',', item.len));
	cglist_parse(&list, mounts, cgroup);
	CHECK(list.count <= count_mounts(again) && list.count <= CGLIST_ENTRIES);
	for (int i = 0; i < list.count; i++) {
		const struct cglist_entry *e = &list.entry[i];

		CHECK(e->name && e->root && e->target && e->super);
		/* v1 before v2; what shows more of a hierarchy first. */
		CHECK(!i || list.entry[i - 1].v2 <= e->v2);
	}
	free(cgroup);
	free(again);
	free(mounts);
	return 0;
}

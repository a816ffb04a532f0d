/*
 * The text is a line "WAY NSFD MISSING" and for each hierarchy a line "FD VERSION ROOT
 * NAME". Bytes that separate, and the escape itself, are written %XX in a root.
 */
#include "nsutil/cgstate.h"

#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

/* linux/magic.h */
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270

struct out {
	char *p;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(
	struct out *out, const char *fmt, ...)
{
	size_t room = out->len < out->size ? out->size - out->len : 0;
	va_list ap;

	va_start(ap, fmt);
	out->len += (size_t)vsnprintf(room ? out->p + out->len : NULL, room, fmt, ap);
	va_end(ap);
}

static void put_escaped(struct out *out, const char *s)
{
	for (; *s; s++)
		put(out, (unsigned char)*s <= ' ' || *s == '%' ? "%%%02X" : "%c",
			(unsigned char)*s);
}

static void unescape(char *s)
{
	char *to = s;
	unsigned c;

	for (; *s; s++, to++) {
		if (*s == '%' && sscanf(s + 1, "%2X", &c) == 1 && s[1] && s[2]) {
			*to = (char)c;
			s += 2;
		} else {
			*to = *s;
		}
	}
	*to = '\0';
}

static void set_flag(int fd, bool pass)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, pass ? 0 : FD_CLOEXEC);
}

/* All that would have to be read anew, and cannot be without descriptors: a bit for each
 * controller, and the highest for is_root. */
#define IS_ROOT (UINT32_C(1) << 31)

static uint32_t traits_of(const struct cg_layout *layout, int i)
{
	uint32_t traits = layout->hierarchy[i].is_root ? IS_ROOT : 0;

	for (int k = 0; k < CG_CONTROLLERS; k++)
		if (layout->of[k] == i)
			traits |= UINT32_C(1) << k;
	return traits;
}

static void set_traits(struct cg_layout *layout, int i, uint64_t traits)
{
	layout->hierarchy[i].is_root = traits & IS_ROOT;
	for (int k = 0; k < CG_CONTROLLERS; k++)
		if (traits >> k & 1)
			layout->of[k] = (signed char)i;
}

int cgstate_write(const struct cgmount *cgmount, const struct cg_layout *layout,
	bool pass, char *text, size_t size)
{
	struct out out = {text, size, 0};

	put(&out, "%s %d %d\n", cgmount_way_names[cgmount->way], cgmount->nsfd,
		cgmount->missing);
	for (int i = 0; i < layout->count; i++) {
		const struct cg_hierarchy *h = &layout->hierarchy[i];

		put(&out, "%d %s %u ", h->fd, h->version->name,
			(unsigned)traits_of(layout, i));
		put_escaped(&out, h->root);
		put(&out, " %s\n", h->name);
	}
	if (out.len >= size)
		return -ENOSPC;
	set_flag(cgmount->nsfd, pass);
	for (int i = 0; i < layout->count; i++)
		set_flag(layout->hierarchy[i].fd, pass);
	return 0;
}

/* Takes the next word, an open descriptor; -1 when it is none. */
static int take_fd(struct slice *line)
{
	struct slice word;
	uint64_t n;

	if (!slice_word(line, &word) || !slice_u64(word, &n) || n > INT_MAX ||
		fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)n;
}

static int read_head(struct slice line, struct cgmount *cgmount)
{
	struct slice word;
	uint64_t missing;
	int way = CGMOUNT_WAYS;

	if (slice_word(&line, &word))
		while (--way >= 0 && !slice_is(word, cgmount_way_names[way]))
			;
	if (way < 0 || way == CGMOUNT_WAYS)
		return -EINVAL;
	cgmount->way = (enum cgmount_way)way;
	cgmount->nsfd = take_fd(&line);
	if ((way == CGMOUNT_NAMESPACE) != (cgmount->nsfd >= 0) ||
		!slice_word(&line, &word) || !slice_u64(word, &missing) ||
		missing > INT_MAX)
		return -EINVAL;
	cgmount->missing = (int)missing;
	return 0;
}

static int read_line(struct slice line, struct cg_layout *layout)
{
	autofd fd = take_fd(&line);
	autofree char *root = NULL;
	autofree char *name = NULL;
	struct slice word;
	struct statfs fs;
	uint64_t traits;
	bool v2;
	int r;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || !slice_word(&line, &word))
		return -EINVAL;
	v2 = slice_is(word, cg_v2.name);
	if ((unsigned long)fs.f_type != (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC) ||
		!slice_word(&line, &word) || !slice_u64(word, &traits) ||
		!slice_word(&line, &word) || !(root = strndup(word.p, word.len)))
		return -EINVAL;
	unescape(root);
	slice_word(&line, &word);
	name = strndup(word.p, word.len);
	if (!name)
		return -ENOMEM;
	r = cg_layout_add(layout, fd_steal(&fd), root, name, v2 ? &cg_v2 : &cg_v1, NULL);
	if (r == 0)
		set_traits(layout, layout->count - 1, traits);
	return r;
}

int cgstate_read(const char *text, struct cgmount *cgmount, struct cg_layout *layout)
{
	struct slice line;
	int r = procfile_line(&text, &line) ? read_head(line, cgmount) : -EINVAL;

	while (r == 0 && procfile_line(&text, &line))
		r = read_line(line, layout);
	if (r < 0) {
		cgmount_close(cgmount);
		cg_layout_deinit(layout);
	}
	return r;
}

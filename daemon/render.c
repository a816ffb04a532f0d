/*
 * A node's contents as somebody sees them: a view's text, the host's, or a directory.
 */
#include "daemon/render.h"

#include "daemon/cputree.h"
#include "fusechan/reply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int render_file(
	const struct node_info *info, const struct subject *subject, struct outbuf *out)
{
	const char *path;
	int r = VIEW_HOST, cpu = cputree_cpu_of(info->path, &path);

	if (subject->ct && info->row && info->row->show)
		r = info->row->show(out, subject, info->row->arg);
	else if (subject->ct && !info->row)
		r = view_cpu_file(out, subject, cpu, path);
	if (r == VIEW_HOST) {
		outbuf_reset(out);
		r = node_host_text(subject->host, info, out);
	}
	return r == 0 && out->failed ? -ENOMEM : r;
}

/* A directory's snapshot is its entries as READDIR sends them; each one's offset is where
 * the next begins. */
static void add_dirent(void *arg, uint64_t id, mode_t mode, const char *name)
{
	struct outbuf *out = arg;
	size_t room = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + strlen(name)), len = 0;
	char *to = out_reserve(out, room);

	if (to && reply_dirent(to, &len, room, (uint32_t)id, out->len + room,
			  (mode & S_IFMT) >> 12, name))
		out->len += len;
}

/* The CPUs whose directories are listed: those that `online` names. */
static const struct cpuset *listed_cpus(
	const struct subject *subject, struct outbuf *scratch, struct cpuset *set)
{
	int r = subject->ct ? view_cpu_list(scratch, subject, CPU_ONLINE) : VIEW_HOST;

	out_char(scratch, '\0');
	if (r == VIEW_DONE && !scratch->failed && cpuset_parse(set, scratch->data) == 0)
		return set;
	return NULL;
}

static int render_dir(
	const struct node_info *info, const struct subject *subject, struct outbuf *out)
{
	const struct cpuset *cpus = NULL;
	struct cpuset set;
	int r;

	if (node_is_cpu_dir(info))
		cpus = listed_cpus(subject, out, &set);
	outbuf_reset(out);
	r = node_list(subject->host, info, cpus, add_dirent, out);
	return r == 0 && out->failed ? -ENOMEM : r;
}

int render(
	const struct node_info *info, const struct subject *subject, struct outbuf *out)
{
	return S_ISDIR(info->mode) ? render_dir(info, subject, out)
				   : render_file(info, subject, out);
}

/*
 * Reading: the first read of an open file makes a snapshot, by whatever its view says of
 * who asks, and this and later reads get their slices of it.
 */
#include "daemon/work.h"

#include "daemon/cputree.h"
#include "daemon/render.h"
#include "daemon/sampler.h"
#include "daemon/slowread.h"
#include "daemon/trigger.h"
#include "fusechan/fault.h"
#include "fusechan/reply.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static uint64_t subject_id(const struct subject *subject)
{
	return subject->ct ? subject->ct->id : 0;
}

/* The container's number in snapshots, which the next process knows it by as well: ids
 * begin anew there, numbers of namespaces do not. */
static uint64_t subject_owner(const struct subject *subject)
{
	const struct container *ct = subject->ct;

	return ct ? ct->pidns * UINT64_C(0x9e3779b97f4a7c15) + ct->cgns : 0;
}

/* What the file tells depends on the container alone and not on who in it reads. */
static bool is_shareable(const struct work *work, const struct node_info *info)
{
	return info->row && S_ISREG(info->mode) && info->row->load != NODE_LOAD_NEWEST &&
	       !work->give_up;
}

/* Makes the snapshot for a read of whoever the subject is. */
static int make_snapshot(struct work *work, const struct node_info *info,
	const struct subject *subject, struct slice slow, struct snapshot **out)
{
	const struct fuse_read_in *in = work->request.arg;
	struct handles *handles = &work->server->handles;
	int r = 0;

	*out = handle_take(handles, in->fh, subject_owner(subject),
		subject->ct ? subject->ct->outer : 0);
	if (slow.p)
		out_mem(&(*out)->text, slow.p, slow.len);
	else
		r = render(info, subject, &(*out)->text);
	if (r < 0) {
		handle_release(handles, in->fh);
		return r;
	}
	if (is_shareable(work, info) && !slow.p)
		handle_share(handles, *out, info->id, subject_id(subject));
	handle_keep(handles, *out, work_number(work),
		in->offset || in->size < (*out)->text.len || S_ISDIR(info->mode));
	fault_point(FAULT_RENDERED);
	return 0;
}

/* The pressure of the container's cgroup2, as it is; of one without such a file (root, or
 * cgroup.pressure switched off) its nearest ancestor's; where that cannot be had, the
 * host's, as of any other file. */
static int read_pressure(struct work *work, const struct node_info *info,
	struct subject *subject, struct slice *text)
{
	struct server *server = work->server;
	const int i = server->layout.of[CG_PRESSURE];
	char path[TRIGGER_PATH];
	unsigned up = 0;
	int r;

	/* A path that is too long has ancestors, too. */
	do
		r = container_path(subject->ct, CG_PRESSURE, up++,
			cg_v2.fact[info->row->arg].file, path, sizeof(path));
	while (r == -ENAMETOOLONG);
	if (r == 0)
		r = slowread_get(server, server->layout.hierarchy[i].fd, path, true,
			work->give_up_file, text, &work->key);
	if (r == SUBJECT_PARK)
		return r;
	if (r < 0)
		subject->ct = NULL;
	return SUBJECT_FOUND;
}

/* A file of the host's cpu tree whose read can sleep: for a container that of the CPU
 * behind the one that it names. */
static int read_slow(struct work *work, const struct node_info *info,
	const struct subject *subject, struct slice *text)
{
	char place[sizeof(info->path)];
	const char *path;
	int cpu = cputree_cpu_of(info->path, &path);

	if (subject->ct && cpu >= 0) {
		snprintf(place, sizeof(place), "cpu%u/%s",
			view_cpu_behind(subject, (unsigned)cpu), path);
		path = place;
	} else {
		path = info->path;
	}
	return slowread_get(work->server, work->server->host.syscpu, path, false,
		work->give_up_file, text, &work->key);
}

/* The snapshot that the read slices; its own if it is the first or starts anew. */
static int get_snapshot(struct work *work, struct snapshot **out)
{
	const struct fuse_read_in *in = work->request.arg;
	struct server *server = work->server;
	struct subject subject;
	struct slice slow = {0};
	struct node_info info;
	int r;

	*out = in->offset ? handle_find(&server->handles, in->fh, in->offset)
			  : handle_made_for(&server->handles, in->fh, work_number(work));
	if (*out)
		return 0;
	r = node_get(&server->host, work->request.nodeid, &info);
	if (r < 0)
		return r;
	r = subject_find(server, work->request.pid, work->give_up, &subject, &work->key);
	if (r == SUBJECT_FOUND && !in->offset && is_shareable(work, &info) &&
		(*out = handle_shared(&server->handles, info.id, subject_id(&subject),
			 work->batch, in->fh, work_number(work), in->size)))
		return 0;
	if (r == SUBJECT_FOUND && info.row && info.row->load)
		r = sampler_want(server->sampler, &subject,
			info.row->load == NODE_LOAD_NEWEST, work->give_up, &work->key);
	if (r == SUBJECT_FOUND && S_ISREG(info.mode) && slowread_needed(&info))
		r = read_slow(work, &info, &subject, &slow);
	if (r == SUBJECT_FOUND && S_ISREG(info.mode) && subject.ct &&
		node_is_pressure(&info))
		r = read_pressure(work, &info, &subject, &slow);
	if (r)
		return r == SUBJECT_PARK ? SERVE_PARK : r;
	return make_snapshot(work, &info, &subject, slow, out);
}

/* Never parks: the kernel lets nobody else ask for the end of the file meanwhile. */
size_t work_length(struct work *work, const struct node_info *info)
{
	struct server *server = work->server;
	struct subject subject;
	struct outbuf text = {0};
	size_t len = 0;
	uint64_t key;

	if (subject_find(server, work->request.pid, work->give_up, &subject, &key) ==
			SUBJECT_FOUND &&
		render(info, &subject, &text) == 0)
		len = text.len;
	outbuf_deinit(&text);
	return len;
}

int work_read(struct work *work)
{
	const struct fuse_read_in *in = work->request.arg;
	struct snapshot *snapshot;
	size_t len;
	int r;

	/* All but reads into the page cache (mmap, and sendfile from Linux 6.5 on) name
	 * the lock owner. What one container reads must not lie there for the next;
	 * programs that used sendfile fall back to read on this error. */
	if (!(in->read_flags & FUSE_READ_LOCKOWNER))
		return -EINVAL;
	fault_offset(in->offset);
	r = get_snapshot(work, &snapshot);
	if (r)
		return r;
	len = in->offset < snapshot->text.len ? snapshot->text.len - in->offset : 0;
	work_send(work, len ? snapshot->text.data + in->offset : NULL,
		len < in->size ? len : in->size);
	return SERVED;
}

/* Like a read, but only whole entries. An offset that is not a boundary of one is
 * answered with nothing: it is not ours. */
int work_readdir(struct work *work)
{
	const struct fuse_read_in *in = work->request.arg;
	struct snapshot *snapshot;
	size_t at = 0, start, end;
	int r = get_snapshot(work, &snapshot);

	if (r)
		return r;
	while (at < snapshot->text.len && at < in->offset)
		at += FUSE_DIRENT_SIZE(
			(struct fuse_dirent *)(void *)(snapshot->text.data + at));
	start = end = at;
	while (in->offset == start && end < snapshot->text.len) {
		size_t size = FUSE_DIRENT_SIZE(
			(struct fuse_dirent *)(void *)(snapshot->text.data + end));
		if (end + size - start > in->size)
			break;
		end += size;
	}
	work_send(work, end > start ? snapshot->text.data + start : NULL, end - start);
	return SERVED;
}

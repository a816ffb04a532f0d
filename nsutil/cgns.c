/*
 * Which process a number stands for is the caller's business: a process that waits for an
 * answer from us keeps its number.
 */
#include "nsutil/cgns.h"

#include "nsutil/cleanup.h"
#include "nsutil/kernel.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool cgns_read_blocks(void)
{
	/* "cgroup: Eliminate the need for cgroup_mutex in proc_cgroup_show()" */
	return !kernel_at_least(6, 8);
}

int cgns_init(struct cgns *cgns, int procfd)
{
	struct stat st;

	*cgns = (struct cgns){.procfd = procfd, .own = -1};
	cgns->own = openat(procfd, "self/ns/cgroup", O_RDONLY | O_CLOEXEC);
	if (cgns->own < 0 || fstat(cgns->own, &st) < 0)
		return -errno;
	cgns->own_ino = st.st_ino;
	return 0;
}

void cgns_deinit(struct cgns *cgns)
{
	cgns->own = fd_close(cgns->own);
	for (int i = 0; i < 2; i++)
		textbuf_deinit(&cgns->buf[i]);
}

static void file_of(pid_t tid, char path[24])
{
	snprintf(path, 24, "%d/cgroup", (int)tid);
}

int cgns_read(struct cgns *cgns, pid_t tid, int nsfd, struct cgtexts *out)
{
	autofd fd = -1;
	char path[24];
	int r;

	file_of(tid, path);
	fd = openat(cgns->procfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The text is made for whoever reads, not for who opened it. */
	r = procfile_pread_single(fd, &cgns->buf[0]);
	if (r == 0 && nsfd >= 0) {
		if (setns(nsfd, CLONE_NEWCGROUP) < 0)
			return -errno;
		r = procfile_pread_single(fd, &cgns->buf[1]);
		if (setns(cgns->own, CLONE_NEWCGROUP) < 0)
			return CGNS_LOST;
	}
	*out = (struct cgtexts){cgns->buf[0].data, nsfd >= 0 ? cgns->buf[1].data : NULL};
	return r;
}

RAW_CHILD static int child(const void *arg)
{
	const struct helper_job *job = arg;

	if (!helper_follow(job) || helper_copy_file(job) < 0)
		return 1;
	if (job->nsfd < 0)
		return 0;
	if (raw_call(SYS_setns, job->nsfd, CLONE_NEWCGROUP, 0, 0, 0) < 0)
		return 2;
	return helper_copy_file(job) < 0;
}

int cgns_start(const struct cgns *cgns, struct helper *helper, pid_t tid, int nsfd)
{
	struct helper_job job = {.procfd = cgns->procfd, .nsfd = nsfd};

	file_of(tid, job.path);
	return helper_start(helper, child, &job);
}

int cgns_answer(
	struct cgns *cgns, const struct helper *helper, bool inner, struct cgtexts *out)
{
	struct textbuf *buf = &cgns->buf[0];
	const char *second;
	int r = procfile_drain(helper->in, buf);

	if (r < 0)
		return r;
	second = memchr(buf->data, '\0', buf->len);
	if (!second || (inner && !memchr(second + 1, '\0',
					 buf->len - (size_t)(second + 1 - buf->data))))
		return -ESRCH;
	*out = (struct cgtexts){buf->data, inner ? second + 1 : NULL};
	return 0;
}

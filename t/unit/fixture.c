/*
 * See fixture.h.
 */
#include "t/unit/fixture.h"

#include "cache/cgfiles.h"
#include "nsutil/cleanup.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void path_in(const struct fixture *f, const char *path, char out[512])
{
	if (snprintf(out, 512, "%s/%s", f->dir, path) >= 512)
		errx(1, "path too long: %s", path);
}

static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

void fixture_write(struct fixture *f, const char *path, const char *text)
{
	char full[512];
	FILE *file;

	path_in(f, path, full);
	make_parents(full);
	file = fopen(full, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		err(1, "%s", full);
	host_new_epoch(&f->host);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void fixture_remove(struct fixture *f, const char *path)
{
	char full[512];

	path_in(f, path, full);
	nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	/* A file of a removed cgroup cannot be read; one of these can, while open. */
	if (f->files)
		cgfiles_forget_above(f->files);
}

static void move(struct fixture *f, const char *from, const char *to)
{
	char old[512], new[512];

	path_in(f, from, old);
	path_in(f, to, new);
	if (rename(old, new) < 0)
		err(1, "%s", old);
	host_new_epoch(&f->host);
}

void fixture_hide(struct fixture *f, const char *path)
{
	move(f, path, "hidden");
	if (f->files)
		cgfiles_forget_above(f->files);
}

void fixture_unhide(struct fixture *f, const char *path)
{
	move(f, "hidden", path);
}

void fixture_new(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct fixture){.temporary = true};
	snprintf(f->dir, sizeof(f->dir), "%s/evlxcfs-unit-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(f->dir))
		err(1, "mkdtemp %s", f->dir);
	host_init(&f->host);
	cg_layout_init(&f->layout);
	fixture_write(f, "proc/.keep", "");
	fixture_write(f, "cpu/.keep", "");
	fixture_write(f, "cgroup/.keep", "");
}

void fixture_open(struct fixture *f, const char *name)
{
	*f = (struct fixture){0};
	snprintf(f->dir, sizeof(f->dir), *name == '/' ? "%s" : "t/fixtures/%s", name);
	host_init(&f->host);
	cg_layout_init(&f->layout);
	fixture_load(f);
}

static void add_hierarchy(struct fixture *f, const char *path, const char *name, bool v2)
{
	char full[512];
	autofree char *controllers = NULL;
	struct textbuf text = {0};
	int fd;

	path_in(f, path, full);
	fd = open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", full);
	if (v2)
		procfile_read(fd, "cgroup.controllers", &text);
	controllers = strdup(v2 ? (text.data ? text.data : "") : name);
	if (cg_layout_add(&f->layout, fd, "/", v2 ? "" : name, v2 ? &cg_v2 : &cg_v1,
		    controllers) < 0)
		errx(1, "%s: cannot add hierarchy", full);
	textbuf_deinit(&text);
}

static void add_v1_hierarchies(struct fixture *f, const char *cgroup)
{
	DIR *dir = opendir(cgroup);
	struct dirent *d;
	char path[512];

	if (!dir)
		err(1, "%s", cgroup);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || !strcmp(d->d_name, "unified"))
			continue;
		snprintf(path, sizeof(path), "cgroup/%.200s", d->d_name);
		add_hierarchy(f, path, d->d_name, false);
	}
	closedir(dir);
}

void fixture_load(struct fixture *f)
{
	char proc[512], cpu[512], path[512];

	path_in(f, "proc", proc);
	path_in(f, "sys/devices/system/cpu", cpu);
	if (access(cpu, F_OK) < 0)
		path_in(f, "sys/cpu", cpu);
	if (access(cpu, F_OK) < 0)
		path_in(f, "cpu", cpu);
	if (host_open(&f->host, AT_FDCWD, proc, AT_FDCWD, cpu) < 0)
		err(1, "%s", proc);
	path_in(f, "cgroup/cgroup.controllers", path);
	if (access(path, F_OK) == 0) {
		add_hierarchy(f, "cgroup", "", true);
	} else {
		path_in(f, "cgroup", path);
		add_v1_hierarchies(f, path);
		path_in(f, "cgroup/unified", path);
		if (access(path, F_OK) == 0)
			add_hierarchy(f, "cgroup/unified", "", true);
	}
	/* 64 descriptors, as the daemon has by default. */
	if (cgfiles_new(&f->files, &f->layout, 64) < 0)
		errx(1, "cgfiles_new");
}

void fixture_container(struct fixture *f, const char *path, uint64_t start_ns)
{
	char text[8192] = "";
	size_t len = 0;

	container_free(f->ct);
	if (container_new(&f->ct, f->files) < 0)
		errx(1, "container_new");
	f->ct->start_ns = start_ns;
	f->ct->pidns = 4026532000u;
	for (int i = 0; i < f->layout.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d:%s:%s\n", i,
			f->layout.hierarchy[i].name, path);
	if (container_set_cgroups(f->ct, text) < 0)
		errx(1, "container_set_cgroups");
	f->subject = (struct subject){
		.host = &f->host, .ct = f->ct, .policy = &f->policy, .now_ns = start_ns};
}

void fixture_history(struct fixture *f, unsigned cpus)
{
	static unsigned last;

	if (cpus) {
		last = cpus;
		free(f->history);
		f->history = calloc(1, cpuview_size(cpus));
	}
	f->subject.cpuview = cpuview_attach(f->history, cpuview_size(last), last);
	if (!f->subject.cpuview)
		errx(1, "cpuview_attach");
}

const char *fixture_show(struct fixture *f, view_show *show, unsigned arg)
{
	host_new_epoch(&f->host);
	outbuf_reset(&f->out);
	if (show(&f->out, &f->subject, arg) == VIEW_HOST)
		return "HOST";
	out_char(&f->out, '\0');
	if (f->out.failed)
		errx(1, "out of memory");
	return f->out.data;
}

void fixture_deinit(struct fixture *f)
{
	container_free(f->ct);
	cgfiles_free(f->files);
	cg_layout_deinit(&f->layout);
	host_deinit(&f->host);
	outbuf_deinit(&f->out);
	free(f->history);
	if (f->temporary)
		nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

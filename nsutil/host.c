/*
 * One open descriptor and one text buffer for each of the host's files: a read costs a
 * pread, and costs it once for all requests of a batch.
 */
#include "nsutil/host.h"

#include "nsutil/again.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

#include <fcntl.h>
#include <time.h>

static const struct {
	const char *path;
	bool sys;    /* below syscpu rather than proc */
	bool single; /* see procfile_pread_single */
} files[HOST_FILES] = {
	[HOST_MEMINFO] = {"meminfo", .single = true},
	[HOST_STAT] = {"stat", .single = true},
	[HOST_CPUINFO] = {.path = "cpuinfo"},
	[HOST_UPTIME] = {"uptime", .single = true},
	[HOST_LOADAVG] = {"loadavg", .single = true},
	[HOST_DISKSTATS] = {.path = "diskstats"},
	[HOST_SWAPS] = {.path = "swaps"},
	[HOST_SLABINFO] = {.path = "slabinfo"},
	[HOST_CPU_ONLINE] = {"online", .sys = true, .single = true},
};

static int file_open(const struct host *host, enum host_file which)
{
	return openat(files[which].sys ? host->syscpu : host->proc, files[which].path,
		O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

void host_init(struct host *host)
{
	*host = (struct host){
		.proc = -1, .syscpu = -1, .hz = 100, .epoch = 1, .since = 1};
	for (int i = 0; i < HOST_FILES; i++)
		host->file[i].fd = -1;
}

int host_open(struct host *host, int procdir, const char *proc, int sysdir,
	const char *syscpu)
{
	long hz = sysconf(_SC_CLK_TCK);

	host->proc = again_open(procdir, proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host->proc < 0)
		return host->proc;
	/* A host without sysfs has no such files. */
	host->syscpu = again_open(sysdir, syscpu, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (again_wanted(host->syscpu))
		return host->syscpu;
	if (hz > 0)
		host->hz = hz;
	/* Before Linux 5.19 opening it samples every CPU's frequency and sleeps 10 ms for
	 * that (x86: arch_freq_prepare_all); reading it again does not. */
	host->file[HOST_CPUINFO].fd = file_open(host, HOST_CPUINFO);
	nsid_boot_offset(host->proc, getpid(), &host->boot_offset);
	return 0;
}

void host_deinit(struct host *host)
{
	for (int i = 0; i < HOST_FILES; i++) {
		fd_close(host->file[i].fd);
		textbuf_deinit(&host->file[i].text);
	}
	fd_close(host->proc);
	fd_close(host->syscpu);
	host_init(host);
}

void host_new_epoch(struct host *host)
{
	host->since = ++host->epoch;
}

void host_since(struct host *host, uint64_t epoch)
{
	host->since = epoch ? epoch : 1;
}

/* 0 or -errno */
static int file_read(struct host *host, enum host_file which, struct textbuf *text)
{
	int *fd = &host->file[which].fd, r;

	if (*fd < 0)
		*fd = file_open(host, which);
	if (*fd < 0)
		return -errno;
	r = files[which].single ? procfile_pread_single(*fd, text)
				: procfile_pread(*fd, text);
	if (r < 0)
		*fd = fd_close(*fd);
	return r;
}

int host_text(struct host *host, enum host_file which, struct slice *out)
{
	__typeof__(&host->file[0]) file = &host->file[which];
	int r;

	if (file->epoch < host->since) {
		r = file_read(host, which, &file->text);
		file->epoch = r < 0 ? 0 : host->epoch;
		if (r < 0)
			return r;
	}
	*out = (struct slice){file->text.data, file->text.len};
	return 0;
}

size_t host_length(struct host *host, enum host_file which)
{
	struct textbuf text = {0};
	size_t len = file_read(host, which, &text) < 0 ? 0 : text.len;

	textbuf_deinit(&text);
	return len;
}

/* getboottime64() in kernel/time/timekeeping.c: the difference of the two clocks. */
uint64_t host_boot_fraction(void)
{
	static const long second = 1000000000;
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (uint64_t)((real.tv_nsec - boot.tv_nsec + second) % second);
}

void host_online(struct host *host, struct cpuset *set)
{
	struct slice text = {0};

	if (host_text(host, HOST_CPU_ONLINE, &text) == 0 &&
		cpuset_parse(set, text.p) == 0 && cpuset_next(set, 0) >= 0)
		return;
	*set = (struct cpuset){0};
	cpuset_add(set, 0);
}

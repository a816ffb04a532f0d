/*
 * The event loop's process: everything that is opened before serving, and serving.
 */
#include "daemon/worker.h"

#include "daemon/cputree.h"
#include "daemon/hostfs.h"
#include "daemon/log.h"
#include "daemon/ownmount.h"
#include "daemon/ownfault.h"
#include "daemon/privileges.h"
#include "daemon/report.h"
#include "daemon/sampler.h"
#include "daemon/slowread.h"
#include "daemon/subject_log.h"
#include "daemon/trigger.h"
#include "fusechan/fault.h"
#include "nsutil/nsid.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static bool failed(const char *what, int r)
{
	if (r < 0)
		log_warnx("%s: %s", what, strerror(-r));
	return r < 0;
}

/* Where processes are that are not in a container. */
static bool open_namespaces(struct server *server)
{
	uint64_t pidns;
	int r = nsid_of(server->host.proc, getpid(), NS_PID, &pidns);

	if (failed("/proc/self/ns/pid", r))
		return false;
	if (failed("/proc/self/ns/cgroup", cgns_init(&server->cgns, server->host.proc)))
		return false;
	r = pidns_init(
		&server->pidns, &server->cgns, pidns, server->host.hz, server->files);
	subject_log_watch(server);
	return !failed("memory", r);
}

/* Each pins some 5 kB of the kernel's: at most an eighth of a percent of all memory. The
 * other half of the descriptors is for containers. */
static unsigned kept_files(const struct options *options)
{
	enum { PER_FILE = 4 << 20, FEWEST = 64, MOST = 16384 };
	long most = sysconf(_SC_OPEN_MAX) / 2;
	struct sysinfo info = {0};
	uint64_t n;

	/* Not by sysconf(3), which may read /proc/meminfo (older glibc). */
	sysinfo(&info);
	n = (uint64_t)info.totalram * info.mem_unit / PER_FILE;

	if (options->kept_files != KEPT_BY_MEMORY)
		return options->kept_files;
	if (n > MOST)
		n = MOST;
	if (most > 0 && n > (uint64_t)most)
		n = (uint64_t)most;
	return n < FEWEST ? FEWEST : (unsigned)n;
}

/* What the daemon knows of the host. */
static bool open_host(struct server *server, const struct options *options)
{
	if (failed("/proc", host_open(&server->host, hostfs_proc(), ".", hostfs_sys(),
				    "devices/system/cpu")))
		return false;
	if (failed("memory",
		    cgfiles_new(&server->files, &server->layout, kept_files(options))))
		return false;
	if (!open_namespaces(server))
		return false;
	fault_point(FAULT_STARTUP);
	return true;
}

/* What the worker before has left: only one at a time may use it. */
static void attach(struct server *server, const struct options *options)
{
	server->started = shared_started(server->shared);
	server->cputree = server->shared->region[SHARED_CPUTREE];
	node_attach(server->cputree, options->policy.cfs, server->shared->cpus);
	server->cpuview = cpuview_attach(server->shared->region[SHARED_CPUVIEW],
		cpuview_size(server->shared->cpus), server->shared->cpus);
	handles_attach(&server->handles, server->shared->region[SHARED_SNAPSHOTS],
		server->shared->cpus);
	server->disktimes = disktimes_attach(server->shared->region[SHARED_DISKTIMES]);
}

static const struct worker_job *job_of(const struct server *server)
{
	return server->job;
}

/* Nobody tells us any more what to do: the mount ends, or goes on with whoever else holds
 * its descriptor. */
static void stop(struct server *server)
{
	const struct worker_job *job = job_of(server);

	if (server->ending)
		return;
	if (!job->options->keep_mount)
		ownmount_detach(shared_device(server->shared), job->target,
			server->channel.fd, false);
	serve_end(server, !job->options->keep_mount);
	/* If the connection ended with that, it was our own doing. */
	server->gone = false;
}

static void on_signal(void *arg)
{
	stop(arg);
}

static void on_toggle(void *arg)
{
	struct shared *shared = ((struct server *)arg)->shared;

	shared_toggle_view(shared);
	report_view(shared_host_view(shared));
}

static void on_reload(void *arg)
{
	(void)arg;
	log_warnx("there is no keeper to start another version");
}

static void on_control(void *arg)
{
	struct server *server = arg;
	char order;
	ssize_t n = recv(job_of(server)->control, &order, 1, MSG_DONTWAIT);

	if (n < 0)
		return;
	if (n == 0) {
		log_warnx("the keeper is gone");
		loop_fd_free(server->control_watch);
		server->control_watch = NULL;
		stop(server);
		return;
	}
	switch ((enum worker_order)order) {
	case WORKER_SERVE: break; /* it does */
	case WORKER_LEAVE: loop_stop(server->loop); break;
	case WORKER_FINISH: serve_end(server, false); break;
	case WORKER_EMPTY: serve_end(server, true); break;
	}
}

static const struct {
	int signum;
	loop_callback
		*alone; /* what it does where there is no keeper; else it is ignored */
} signals[] = {
	{SIGTERM, on_signal},
	{SIGINT, on_signal},
	{SIGUSR2, on_toggle},
	{SIGHUP, on_reload},
	{SIGUSR1, on_reload},
	{SIGPIPE, NULL},
};

static int watch_signals(struct server *server)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (server->control_watch || !signals[i].alone)
			signal(signals[i].signum, SIG_IGN);
		else
			r = loop_signal(server->loop, signals[i].signum, signals[i].alone,
				server);
	}
	return r;
}

static bool make_loop(struct server *server)
{
	const struct worker_job *job = job_of(server);
	int r = loop_new(&server->loop);

	if (r == 0)
		r = loop_fd_new(server->loop, &server->channel_watch, server->channel.fd,
			serve_drain, server);
	if (r == 0)
		r = loop_timer_new(server->loop, &server->again, serve_drain, server);
	if (r == 0)
		r = loop_timer_new(server->loop, &server->prune, subject_prune, server);
	if (r == 0)
		r = slowread_new(&server->slowreads, server);
	if (r == 0 && job->control >= 0)
		r = loop_fd_new(server->loop, &server->control_watch, job->control,
			on_control, server);
	if (r == 0)
		r = watch_signals(server);
	if (r == 0)
		r = resolve_init(server);
	return !failed("event loop", r);
}

/* The same, of what takes up where the worker before was. */
static bool take_over(struct server *server)
{
	const struct worker_job *job = job_of(server);
	int r = 0;

	journal_populate(server->channel.journal);
	ownfault_watch(server->channel.journal);
	attach(server, job->options);
	if (!job->options->psi_poll)
		shared_forget_triggers(server->shared);
	else
		r = triggers_new(&server->triggers, server,
			server->shared->region[SHARED_TRIGGERS]);
	if (r == 0)
		r = sampler_new(&server->sampler, server,
			load_attach(server->shared->region[SHARED_LOAD]));
	return !failed("memory", r);
}

/* By itself: of what nobody writes to there is no memory. */
static struct queue queue;

static bool init(struct server *server, const struct options *options,
	struct shared *shared, struct cgroups *cgroups)
{
	*server = (struct server){.channel = CHANNEL_NULL,
		.policy = options->policy,
		.cgns = CGNS_NULL,
		.no_ioctl = options->force_fork,
		.cgroups_block = options->cgroup_reader == CGROUP_READER_AUTO
					 ? cgns_read_blocks()
					 : options->cgroup_reader == CGROUP_READER_HELPER,
		.shared = shared,
		.queue = &queue,
		.burst = 1};
	host_init(&server->host);
	privileges_many_files();
	cgroups_take(cgroups, &server->layout, &server->cgmount);
	return open_host(server, options);
}

static void deinit(struct server *server)
{
	if (server->loop) {
		resolve_deinit(server);
		sampler_free(server->sampler);
		slowread_free(server->slowreads);
		triggers_free(server->triggers);
		loop_timer_free(server->prune);
		loop_timer_free(server->shrink);
		loop_timer_free(server->again);
		loop_fd_free(server->control_watch);
		loop_fd_free(server->channel_watch);
		loop_free(server->loop);
	}
	handles_deinit(&server->handles);
	callers_deinit(&server->callers);
	pidns_deinit(&server->pidns);
	cgns_deinit(&server->cgns);
	cgfiles_free(server->files);
	cg_layout_deinit(&server->layout);
	cgmount_close(&server->cgmount);
	host_deinit(&server->host);
}

/* Whatever a predecessor read and the journal does not have. */
static void resend(struct server *server)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
		major < 6 || (major == 6 && minor < 10))
		return;
	channel_resend(&server->channel);
}

/* A keeper that has gone meanwhile is noticed in the loop. */
static bool tell(const struct worker_job *job, enum worker_news news)
{
	const char byte = (char)news;

	return send(job->control, &byte, 1, MSG_NOSIGNAL) == 1 || errno == EPIPE ||
	       errno == ECONNRESET;
}

/* Waits until nobody else serves. */
static bool may_serve(const struct worker_job *job)
{
	char order;
	ssize_t n;

	if (job->control < 0)
		return true;
	if (!privileges_keep(job->options) || !tell(job, WORKER_PREPARED))
		return false;
	do
		n = recv(job->control, &order, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 && order == WORKER_SERVE;
}

/* What ready() does without a keeper takes more privileges. */
static bool get_ready(const struct worker_job *job)
{
	if (job->control < 0)
		return job->ready(job->arg) && privileges_keep(job->options);
	return tell(job, WORKER_SERVES);
}

static struct server server;

int worker_run(const struct worker_job *job)
{
	int status = WORKER_FAILED;

	if (init(&server, job->options, job->shared, job->cgroups)) {
		server.job = job;
		server.channel = (struct channel){job->fuse, job->shared->journal};
		if (make_loop(&server) && may_serve(job) && take_over(&server) &&
			get_ready(job)) {
			serve_takeover(&server);
			resend(&server);
			if (!failed("event loop", loop_run(server.loop)))
				status = server.gone ? WORKER_GONE : WORKER_DONE;
		}
	}
	deinit(&server);
	return status;
}

bool worker_check(
	const struct options *options, struct shared *shared, struct cgroups *cgroups)
{
	bool good = init(&server, options, shared, cgroups) &&
		    !failed("event loop", loop_new(&server.loop));

	if (good)
		attach(&server, options);
	deinit(&server);
	return good;
}

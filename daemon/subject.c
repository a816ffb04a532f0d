/*
 * From the thread id in a FUSE header to the container that asks. Whatever goes wrong on
 * that way, the answer is the host: a reader never gets an error for it.
 */
#include "daemon/server.h"

#include "cache/cpuhist.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "daemon/sampler.h"
#include "daemon/shared.h"
#include "daemon/subject_log.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

#include <linux/capability.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { TRIM_AFTER = 32 }; /* containers forgotten since */

static struct log_limit unknown_limit;

static void start_pruning(struct server *server)
{
	if (server->pruning || !server->pidns.count)
		return;
	server->pruning = true;
	loop_timer_start(server->prune, PRUNE_SECONDS);
}

/* What many containers took goes back to the host. musl's malloc does that by itself. */
static void trim(struct server *server)
{
	cpuhist_trim(server->cpuview);
	disktimes_trim(server->disktimes);
	sampler_trim(server->sampler, serve_now());
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void subject_prune(void *arg)
{
	struct server *server = arg;
	if (server->known < server->pidns.count)
		server->known = server->pidns.count;
	pidns_prune(&server->pidns, serve_now());
	queue_trim(server->queue);
	if (server->known - server->pidns.count >= TRIM_AFTER) {
		trim(server);
		server->known = server->pidns.count;
	}
	server->pruning = false;
	start_pruning(server);
}

/* Asks the kernel, or a helper where it cannot say. */
static int find_init(struct server *server, const struct caller *caller, uint64_t now_ns,
	uint64_t *key)
{
	autofd nsfd = -1;
	int r;

	if (server->no_ioctl)
		return resolve_start(server, RESOLVE_INIT, caller, key);
	nsfd = nsid_open_as(server->host.proc, caller->tid, NS_PID, caller->pidns);
	if (nsfd < 0)
		return nsfd;
	r = pidns_ask(&server->pidns, caller->pidns, nsfd, now_ns);
	if (r != -ENOTTY && r != -EINVAL)
		return r;
	server->no_ioctl = true;
	return resolve_start(server, RESOLVE_INIT, caller, key);
}

/* The texts of a thread. `inner` asks for both, and for a descriptor of its cgroup
 * namespace. */
static int read_texts(struct server *server, const struct caller *caller, bool inner,
	int *cgnsfd, struct cgtexts *texts)
{
	int r;

	*cgnsfd = -1;
	if (inner) {
		*cgnsfd = nsid_open_as(
			server->host.proc, caller->tid, NS_CGROUP, caller->cgns);
		if (*cgnsfd < 0)
			return *cgnsfd;
	}
	r = cgns_read(&server->cgns, caller->tid, *cgnsfd, texts);
	if (r == CGNS_LOST) {
		log_warn("cannot leave a container's cgroup namespace");
		_exit(111);
	}
	return r;
}

static int learn_init(struct server *server, uint64_t pidns, uint64_t now_ns)
{
	struct caller init = {
		.tid = pidns_init_of(&server->pidns, pidns), .pidns = pidns};
	struct cgtexts texts;
	autofd cgnsfd = -1;
	int r = nsid_of(server->host.proc, init.tid, NS_CGROUP, &init.cgns);

	if (r == 0)
		r = read_texts(server, &init, pidns_has_cgns(&server->pidns, &init),
			&cgnsfd, &texts);
	return pidns_learn_init(
		&server->pidns, &init, r < 0 ? NULL : &texts, &cgnsfd, now_ns);
}

/* Where reading a /proc/PID/cgroup waits for nobody. */
static int find_now(struct server *server, const struct caller *caller, uint64_t now_ns,
	struct container **ct)
{
	bool inner = pidns_has_cgns(&server->pidns, caller);
	struct cgtexts texts;
	int r = 0;

	if (!inner &&
		pidns_init_due(&server->pidns, caller->pidns, PIDNS_RECHECK_NS, now_ns))
		r = learn_init(server, caller->pidns, now_ns);
	for (int i = 0; r >= 0 && i < 3; i++) {
		autofd cgnsfd = -1;

		r = read_texts(server, caller, inner, &cgnsfd, &texts);
		if (r == 0)
			r = pidns_learn(
				&server->pidns, caller, &texts, &cgnsfd, now_ns, ct);
		if (r == PIDNS_NEEDS_INNER)
			inner = true;
		else if (r == PIDNS_NEEDS_INIT)
			r = learn_init(server, caller->pidns, now_ns);
		else
			return r;
	}
	return r < 0 ? r : -ESRCH;
}

/* Where it can wait for a container: only helpers read there. What is known answers, and
 * is looked up again beside that. */
static int find_by_helper(struct server *server, const struct caller *caller,
	uint64_t now_ns, struct container **ct, uint64_t *key)
{
	bool own_cgns = pidns_has_cgns(&server->pidns, caller);
	struct caller_verdict *v;
	uint64_t proc;
	int r = nsid_of_proc(server->host.proc, caller->tid, &proc);

	if (r < 0)
		return r;
	v = callers_find(&server->callers, caller, proc);
	if (v && v->key)
		*ct = pidns_get(&server->pidns, caller->pidns, v->key, now_ns);
	if (v && (*ct || !v->key)) {
		if (now_ns - v->read_ns >= PIDNS_RECHECK_DEAR_NS)
			resolve_start(server, RESOLVE_CALLER, caller, NULL);
		else if (!own_cgns && pidns_init_due(&server->pidns, caller->pidns,
					      PIDNS_RECHECK_DEAR_NS, now_ns))
			resolve_start(server, RESOLVE_INIT_CGROUP, caller, NULL);
		return 0;
	}
	if (!own_cgns && !pidns_init_seen(&server->pidns, caller->pidns))
		return resolve_start(server, RESOLVE_INIT_CGROUP, caller, key);
	return resolve_start(server, RESOLVE_CALLER, caller, key);
}

/* With key NULL nothing is waited for. */
static int find(struct server *server, const struct caller *caller, uint64_t now_ns,
	struct container **ct, uint64_t *key)
{
	struct pidns *cache = &server->pidns;
	int r = 0;

	if (pidns_has_cgns(cache, caller) && (*ct = pidns_find(cache, caller, now_ns)))
		return 0;
	if (!pidns_known(cache, caller->pidns))
		r = find_init(server, caller, now_ns, key);
	if (r)
		return r;
	return server->cgroups_block ? find_by_helper(server, caller, now_ns, ct, key)
				     : find_now(server, caller, now_ns, ct);
}

/* Reads the two links that say who it is. 0 or -errno. */
static int ask(struct server *server, pid_t tid, struct caller *caller)
{
	int r = nsid_of(server->host.proc, tid, NS_PID, &caller->pidns);

	caller->tid = tid;
	return r < 0 ? r : nsid_of(server->host.proc, tid, NS_CGROUP, &caller->cgns);
}

int subject_find(struct server *server, pid_t tid, bool give_up, struct subject *subject,
	uint64_t *key)
{
	struct container *ct = NULL;
	struct caller caller;
	bool asked;
	int r;

	*subject = (struct subject){
		.host = &server->host,
		.policy = &server->policy,
		.cpuview = server->cpuview,
		.disktimes = server->disktimes,
		.now_ns = serve_now(),
		.caller = tid,
	};
	if (tid <= 0 || shared_host_view(server->shared)) {
		subject_log_host(
			tid <= 0 ? HOST_UNSEEN : HOST_SIGUSR2, tid, 0, subject->now_ns);
		return SUBJECT_FOUND;
	}
	cgmount_refresh(
		&server->cgmount, server->host.proc, subject->now_ns, &server->layout);
	r = ask(server, tid, &caller);
	asked = r == 0;
	for (int i = 0; r == 0 && i < 2; i++) {
		r = find(server, &caller, subject->now_ns, &ct, give_up ? NULL : key);
		if (!pidns_forget_if_full(&server->pidns, r))
			break;
		r = i ? r : 0;
	}
	/* Where nobody waits for a turn there is none to know. */
	if (asked && server->queue->count)
		queue_learn(
			server->queue, tid, pidns_outer(&server->pidns, caller.pidns));
	/* Something was begun that may tell the next time, and nobody waits for it. */
	if (r == SUBJECT_PARK)
		r = give_up ? -ETIMEDOUT : r;
	if (r == SUBJECT_PARK)
		return SUBJECT_PARK;
	if (r < 0 && log_allowed(&unknown_limit, subject->now_ns))
		log_warnx("cannot tell the container of thread %d: %s%s: it gets the "
			  "host's files",
			(int)tid, strerror(-r), privileges_hint(r, CAP_SYS_PTRACE));
	subject->ct = ct && !container_is_nowhere(ct) ? ct : NULL;
	if (!subject->ct)
		subject_log_host(r < 0 ? HOST_UNKNOWN
				 : !ct ? HOST_ITSELF
				       : HOST_NOWHERE,
			tid, r < 0 ? r : 0, subject->now_ns);
	start_pruning(server);
	return SUBJECT_FOUND;
}

/*
 * Helpers that find out what the loop must not wait for, while the requests that need it
 * are parked. One for a pid namespace, a bounded number of them, and each has a deadline:
 * a container can make it slow.
 */
#include "daemon/server.h"

#include "daemon/log.h"
#include "daemon/shared.h"
#include "nsutil/cleanup.h"
#include "nsutil/nsid.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static void resolver_end(struct resolver *resolver)
{
	loop_fd_free(resolver->watch);
	loop_timer_free(resolver->deadline);
	fd_close(resolver->cgnsfd);
	helper_deinit(&resolver->helper);
	*resolver = (struct resolver){.cgnsfd = -1, .helper = HELPER_NULL};
}

/* Its namespace's requests go on, and so do those that waited for a free resolver. */
static void resolver_wake(struct server *server, uint64_t pidns, bool give_up)
{
	serve_wake(server, pidns, give_up);
	serve_wake(server, PARK_RESOLVER, false);
}

/* Whoever was read in vain is the host until it is worth another try: a request that
 * finds nothing here would ask again at once. */
static void remember(struct server *server, const struct caller *caller, uint64_t key)
{
	struct caller_verdict verdict = {
		.caller = *caller, .key = key, .read_ns = serve_now()};

	if (nsid_of_proc(server->host.proc, caller->tid, &verdict.proc) == 0)
		callers_put(&server->callers, &verdict);
}

static int take_init(struct server *server, struct resolver *resolver)
{
	pid_t init = initpid_answer(&resolver->helper);
	int r = init;

	for (int i = 0; init > 0 && i < 2; i++) {
		r = pidns_add(&server->pidns, resolver->caller.pidns, init, serve_now());
		if (!pidns_forget_if_full(&server->pidns, r))
			break;
	}
	return r;
}

static int take_init_cgroup(struct server *server, struct resolver *resolver)
{
	struct cgtexts texts;
	int r = cgns_answer(
		&server->cgns, &resolver->helper, resolver->cgnsfd >= 0, &texts);

	return pidns_learn_init(&server->pidns, &resolver->caller, r < 0 ? NULL : &texts,
		&resolver->cgnsfd, serve_now());
}

/* PIDNS_NEEDS_INIT when that has to be found out first. */
static int take_caller(struct server *server, struct resolver *resolver)
{
	const struct caller *caller = &resolver->caller;
	struct container *ct = NULL;
	struct cgtexts texts;
	int r = cgns_answer(
		&server->cgns, &resolver->helper, resolver->cgnsfd >= 0, &texts);

	/* It had to make room meanwhile, and is asked for anew. */
	if (!pidns_known(&server->pidns, caller->pidns))
		return -ESRCH;
	if (r == 0)
		r = pidns_learn(&server->pidns, caller, &texts, &resolver->cgnsfd,
			serve_now(), &ct);
	/* By its cgroup namespace it is found without. */
	if (r == PIDNS_NEEDS_INIT ||
		(ct && ct->key == caller->cgns && pidns_has_cgns(&server->pidns, caller)))
		return r;
	remember(server, caller, ct ? ct->key : 0);
	return r;
}

static int start_init_cgroup(struct server *server, const struct caller *caller)
{
	uint64_t key;
	int r = resolve_start(server, RESOLVE_INIT_CGROUP, caller, &key);

	/* Never again before a while has passed, or its requests would wait for ever. */
	if (r < 0)
		pidns_learn_init(&server->pidns, caller, NULL, NULL, serve_now());
	return r;
}

static void on_end(void *arg)
{
	struct resolver *resolver = arg;
	struct server *server = resolver->server;
	enum resolve_kind kind = resolver->kind;
	struct caller caller = resolver->caller;
	int r = 0;

	if (!helper_ended(&resolver->helper))
		return;
	if (!resolver->killed)
		switch (kind) {
		case RESOLVE_INIT: r = take_init(server, resolver); break;
		case RESOLVE_INIT_CGROUP: r = take_init_cgroup(server, resolver); break;
		case RESOLVE_CALLER: r = take_caller(server, resolver); break;
		}
	resolver_end(resolver);
	if (r < 0)
		log_debug("nothing found out for pid namespace %llu: %s",
			(unsigned long long)caller.pidns, strerror(-r));
	if (r == PIDNS_NEEDS_INIT && start_init_cgroup(server, &caller) == SUBJECT_PARK)
		return;
	resolver_wake(server, caller.pidns, kind == RESOLVE_INIT && r < 0);
}

/* It is waited for no longer, but the child may be where no signal reaches it: in the
 * kernel, behind a lock that a container holds. Its place is free when it has ended. */
static void on_deadline(void *arg)
{
	struct resolver *resolver = arg;
	struct server *server = resolver->server;
	static struct log_limit limit;

	if (log_allowed(&limit, serve_now()))
		log_warnx("finding out about pid namespace %llu takes more than %d s: "
			  "its readers "
			  "get the host's files",
			(unsigned long long)resolver->caller.pidns, RESOLVER_SECONDS);
	resolver->killed = true;
	helper_kill(&resolver->helper);
	if (resolver->kind == RESOLVE_INIT_CGROUP)
		pidns_learn_init(
			&server->pidns, &resolver->caller, NULL, NULL, serve_now());
	resolver_wake(server, resolver->caller.pidns, true);
}

/* Those that could not be watched. */
static void reclaim(struct server *server)
{
	for (int i = 0; i < RESOLVERS; i++) {
		struct resolver *resolver = &server->resolver[i];

		if (resolver->killed && !resolver->watch &&
			helper_ended(&resolver->helper))
			resolver_end(resolver);
	}
}

static struct resolver *resolver_of(struct server *server, uint64_t pidns)
{
	for (int i = 0; i < RESOLVERS; i++)
		if (server->resolver[i].caller.pidns == pidns)
			return &server->resolver[i];
	return NULL;
}

/* Nobody knows when one of them ends. */
static bool all_stuck(const struct server *server)
{
	for (int i = 0; i < RESOLVERS; i++)
		if (!server->resolver[i].killed)
			return false;
	return true;
}

/* Some requests of one namespace may wait, and not so many that no other's could. */
static int park(struct server *server, uint64_t on, unsigned quota, uint64_t *key)
{
	if (!key || parked_on(&server->parked, on) >= quota)
		return -EBUSY;
	*key = on;
	return SUBJECT_PARK;
}

static int start_helper(struct server *server, struct resolver *resolver)
{
	const struct caller *caller = &resolver->caller;
	int procfd = server->host.proc;
	autofd nsfd = -1;

	if (resolver->kind == RESOLVE_INIT) {
		nsfd = nsid_open_as(procfd, caller->tid, NS_PID, caller->pidns);
		if (nsfd < 0)
			return nsfd;
		initpid_forks_alone(procfd);
		return initpid_start(&resolver->helper, procfd, nsfd);
	}
	if (caller->cgns != server->cgns.own_ino) {
		nsfd = nsid_open_as(procfd, caller->tid, NS_CGROUP, caller->cgns);
		if (nsfd < 0)
			return nsfd;
	}
	resolver->cgnsfd = fd_steal(&nsfd);
	return cgns_start(
		&server->cgns, &resolver->helper, caller->tid, resolver->cgnsfd);
}

/* Without a pidfd, or memory to watch it, SIGCHLD tells of the helper's end (on_child). */
static int watch(struct server *server, struct resolver *resolver)
{
	if (resolver->helper.pidfd >= 0)
		loop_fd_new(server->loop, &resolver->watch, resolver->helper.pidfd,
			on_end, resolver);
	return loop_timer_new(server->loop, &resolver->deadline, on_deadline, resolver);
}

/* The container's init asks for itself. */
static int make_init_caller(struct server *server, struct caller *caller)
{
	pid_t init = pidns_init_of(&server->pidns, caller->pidns);

	if (!init)
		return -ESRCH;
	caller->tid = init;
	return nsid_of(server->host.proc, init, NS_CGROUP, &caller->cgns);
}

int resolve_start(struct server *server, enum resolve_kind kind,
	const struct caller *caller, uint64_t *key)
{
	struct resolver *resolver;
	int r = 0;

	reclaim(server);
	resolver = resolver_of(server, caller->pidns);
	if (resolver)
		return resolver->killed ? -EBUSY
					: park(server, caller->pidns, PARK_QUOTA, key);
	resolver = resolver_of(server, 0);
	if (!resolver)
		return all_stuck(server)
			       ? -EBUSY
			       : park(server, PARK_RESOLVER, 2 * PARK_QUOTA, key);
	resolver->server = server;
	resolver->kind = kind;
	resolver->caller = *caller;
	if (kind == RESOLVE_INIT_CGROUP)
		r = make_init_caller(server, &resolver->caller);
	if (r == 0)
		r = start_helper(server, resolver);
	if (r < 0) {
		resolver_end(resolver);
		return r;
	}
	r = watch(server, resolver);
	if (r < 0) {
		/* No memory to wait for it with. */
		helper_kill(&resolver->helper);
		resolver->killed = true;
		return r;
	}
	loop_timer_start(resolver->deadline, RESOLVER_SECONDS);
	if (key)
		*key = caller->pidns;
	return SUBJECT_PARK;
}

static void on_child(void *arg)
{
	struct server *server = arg;

	for (int i = 0; i < RESOLVERS; i++)
		if (server->resolver[i].caller.pidns && !server->resolver[i].watch)
			on_end(&server->resolver[i]);
}

int resolve_init(struct server *server)
{
	for (int i = 0; i < RESOLVERS; i++)
		server->resolver[i] =
			(struct resolver){.cgnsfd = -1, .helper = HELPER_NULL};
	/* Helpers run where containers can see them. What all workers share is for no
	 * helper: one that has a copy of our memory is without it. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
		madvise(server->shared->mem, server->shared->size, MADV_DONTFORK) < 0)
		return -errno;
	helper_hide(server->channel.fd);
	/* Ignored, it would reap the helpers. */
	signal(SIGCHLD, SIG_DFL);
	return loop_signal(server->loop, SIGCHLD, on_child, server);
}

void resolve_deinit(struct server *server)
{
	for (int i = 0; i < RESOLVERS; i++) {
		struct resolver *resolver = &server->resolver[i];

		if (!resolver->caller.pidns)
			continue;
		helper_leave(&resolver->helper);
		resolver_end(resolver);
	}
}

/*
 * One timer for all containers, on a grid of LOAD_PERIOD_NS of CLOCK_BOOTTIME; it runs
 * only while there is a container to count. Every tick all of them become due; walks.c
 * takes them one by one as it has room. A count that comes late is applied for every
 * period it missed, so nothing here depends on being in time.
 *
 * Whoever waits for a sample's first count is woken up when it comes, when the sample is
 * dropped, or by the timer that has no more patience.
 */
#include "daemon/sampler.h"

#include "daemon/log.h"
#include "daemon/sample.h"
#include "daemon/server.h"
#include "daemon/walks.h"
#include "nsutil/nsid.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert((int)SAMPLER_PATIENCE_SECONDS <= (int)PARK_SECONDS,
	"the watchdog would not wait for it");

struct sampler {
	struct server *server;
	struct load *load;
	struct walks *walks;
	struct loop_timer *tick, *patience;
	bool ticking, waiting;
	struct samples samples;
};

/* An average over 15 minutes keeps less than a fiftieth of what it was so long ago. */
#define LOAD_MEMORY_NS (UINT64_C(3600) * second_ns)

static const uint64_t second_ns = UINT64_C(1000000000);

static uint64_t wait_key(const struct sample *s)
{
	return PARK_LOAD | s->id;
}

/* Its init is gone, or the number belongs to somebody else. */
static bool ended(const struct sampler *sampler, const struct sample *s)
{
	uint64_t ino;
	int r;

	if (!s->init)
		return false;
	r = nsid_of(sampler->server->host.proc, s->init, NS_PID, &ino);
	return r == -ENOENT || r == -ESRCH || (r == 0 && ino != s->key.pidns);
}

/* Whoever waits for it gets the host's figures. */
static void drop(struct sampler *sampler, struct sample *s)
{
	uint64_t key = wait_key(s);

	if (ended(sampler, s))
		load_forget(sampler->load, s->stored, &s->key);
	sample_drop(&sampler->samples, s);
	serve_wake(sampler->server, key, true);
}

/* --- what a walk tells --- */

static void count(struct sampler *sampler, struct sample *s,
	const struct taskwalk_counts *found, uint64_t now_ns)
{
	struct load_counts counts = {.running = found->running,
		.blocked = found->blocked,
		.total = found->total,
		.last_pid = s->state.counts.last_pid};

	/* The newest task may have ended since; its number was given out all the same. */
	if (found->newest_pid &&
		(!s->state.last_tid ||
			taskwalk_newer(found->newest_tid, (pid_t)s->state.last_tid,
				taskwalk_last_tid(sampler->server->host.proc)))) {
		s->state.last_tid = (uint64_t)found->newest_tid;
		counts.last_pid = (uint64_t)found->newest_pid;
	}
	load_count(&s->state, s->known, &counts, now_ns / LOAD_PERIOD_NS,
		now_ns > s->key.start_ns ? now_ns - s->key.start_ns : 0);
	s->known = s->counted = true;
	s->stored = load_store(sampler->load, s->stored, &s->key, &s->state, now_ns);
}

static void on_walked(
	void *arg, uint64_t id, enum walk_end end, const struct taskwalk_counts *counts)
{
	struct sampler *sampler = arg;
	struct sample *s = sample_by_id(&sampler->samples, id);
	bool awaited;

	if (!s)
		return;
	s->walking = false;
	s->stuck = end == WALK_STUCK;
	if (end == WALK_AGAIN) {
		sample_walked(&sampler->samples, s, 0);
		sample_set_due(&sampler->samples, s);
	}
	if (end != WALK_COUNTED)
		return;
	sample_walked(&sampler->samples, s, counts->total + counts->cgroups);
	/* A container has at least its init: this cgroup is not it, or is no more. */
	if (!counts->total) {
		drop(sampler, s);
		return;
	}
	awaited = !s->counted;
	count(sampler, s, counts, serve_now());
	if (awaited)
		serve_wake(sampler->server, wait_key(s), false);
}

/* A cgroup or an init that is gone is a walk that finds nobody. Without a descriptor or
 * memory for the cgroup's directory the sample waits. */
static bool next_job(void *arg, bool helper, struct walk_job *job)
{
	struct sampler *sampler = arg;
	const struct cg_layout *layout = &sampler->server->layout;
	struct sample *s = sample_take_due(&sampler->samples, layout, helper);

	int dirfd;

	if (!s)
		return false;
	dirfd = s->counted && ended(sampler, s) ? -ENOENT : sample_open(s, layout);
	if (dirfd == -EMFILE || dirfd == -ENFILE || dirfd == -ENOMEM) {
		sample_walked(&sampler->samples, s, 0);
		sample_set_due(&sampler->samples, s);
		walks_pause(sampler->walks);
		return false;
	}
	s->walking = true;
	*job = (struct walk_job){.id = s->id,
		.dirfd = dirfd,
		.helper = sample_is_v1(s, layout),
		.level = s->level};
	return true;
}

/* --- when --- */

static void start_ticking(struct sampler *sampler, uint64_t now_ns)
{
	uint64_t left = LOAD_PERIOD_NS - now_ns % LOAD_PERIOD_NS;

	if (sampler->ticking || !sampler->samples.count)
		return;
	sampler->ticking = true;
	/* A little later than the grid: a timer that is early would count for nothing. */
	loop_timer_start(sampler->tick, (double)(left + 2000000) / 1e9);
}

static void on_tick(void *arg)
{
	struct sampler *sampler = arg;
	struct sample *s = sample_next(&sampler->samples, NULL), *next;
	uint64_t now_ns = serve_now();

	sampler->ticking = false;
	sample_new_period(&sampler->samples);
	for (; s; s = next) {
		next = sample_next(&sampler->samples, s);
		/* Nobody has waited for that long. */
		if (now_ns - s->used_ns >= SAMPLER_KEEP_SECONDS * second_ns)
			sample_drop(&sampler->samples, s);
		else if (!s->walking)
			sample_set_due(&sampler->samples, s);
	}
	walks_fill(sampler->walks);
	start_ticking(sampler, now_ns);
}

/* When the readers that wait for it have waited long enough. */
static uint64_t patience_ends(const struct sample *s)
{
	return s->made_ns + SAMPLER_PATIENCE_SECONDS * second_ns;
}

static void start_waiting(struct sampler *sampler, uint64_t until_ns, uint64_t now_ns)
{
	if (sampler->waiting)
		return;
	sampler->waiting = true;
	/* Rather too late than once more. */
	loop_timer_start(sampler->patience, (double)(until_ns - now_ns + 2000000) / 1e9);
}

static void on_patience(void *arg)
{
	static struct log_limit limit;
	struct sampler *sampler = arg;
	struct sample *s = NULL;
	uint64_t now_ns = serve_now(), next_ns = UINT64_MAX;

	sampler->waiting = false;
	while ((s = sample_next(&sampler->samples, s))) {
		if (s->counted)
			continue;
		if (patience_ends(s) > now_ns) {
			if (patience_ends(s) < next_ns)
				next_ns = patience_ends(s);
			continue;
		}
		if (log_allowed(&limit, now_ns))
			log_warnx("the tasks of %s are not counted in %d s: its readers "
				  "get the "
				  "host's load",
				s->path, SAMPLER_PATIENCE_SECONDS);
		serve_wake(sampler->server, wait_key(s), true);
	}
	if (next_ns != UINT64_MAX)
		start_waiting(sampler, next_ns, now_ns);
}

/* --- for a reader --- */

/* After a gap the averages must be made again before they are shown; what another process
 * has just made is as good as ours. */
static void start(struct sampler *sampler, struct sample *s)
{
	/* Without an init its namespace is ours. */
	int level = s->init ? taskwalk_level(sampler->server->host.proc, s->init) : 0;

	s->level = level < 0 ? TASKWALK_NO_LEVEL : (unsigned)level;
	s->stored = load_find(sampler->load, &s->key, &s->state);
	s->known = s->stored != LOAD_NOWHERE;
	s->counted = s->known && s->state.tick + 2 >= s->made_ns / LOAD_PERIOD_NS;
	sample_set_due(&sampler->samples, s);
	walks_fill(sampler->walks);
	start_ticking(sampler, s->made_ns);
}

/* A program that was started to read the file is itself the newest task. */
static void see_caller(struct sampler *sampler, struct sample *s, pid_t caller)
{
	int proc = sampler->server->host.proc;
	pid_t pid;

	if (caller == s->caller)
		return;
	s->caller = caller;
	if (s->state.last_tid && !taskwalk_newer(caller, (pid_t)s->state.last_tid,
					 taskwalk_last_tid(proc)))
		return;
	pid = taskwalk_pid_at(proc, caller, s->level);
	if (!pid)
		return;
	s->state.last_tid = (uint64_t)caller;
	s->state.counts.last_pid = (uint64_t)pid;
}

/* The container's sample, which is started if it is a new one. */
static struct sample *get(struct sampler *sampler, const struct subject *subject)
{
	bool is_new;
	struct sample *s = sample_get(&sampler->samples, &sampler->server->layout,
		subject->ct, subject->now_ns, &is_new);
	uint64_t id;

	if (!s || !is_new)
		return s;
	id = s->id;
	start(sampler, s);
	walks_hurry(sampler->walks, id);
	return sample_by_id(&sampler->samples, id);
}

int sampler_want(struct sampler *sampler, struct subject *subject, bool newest,
	bool give_up, uint64_t *key)
{
	struct sample *s;

	subject->load = NULL;
	if (!subject->ct || subject->policy->no_loadavg)
		return SUBJECT_FOUND;
	/* Who has waited in vain starts nothing anew. */
	s = give_up ? sample_find(&sampler->samples, subject->ct) : get(sampler, subject);
	if (!s)
		return SUBJECT_FOUND;
	if (!s->counted) {
		*key = wait_key(s);
		if (give_up || patience_ends(s) <= subject->now_ns ||
			parked_on(&sampler->server->parked, *key) >= PARK_QUOTA)
			return SUBJECT_FOUND;
		start_waiting(sampler, patience_ends(s), subject->now_ns);
		return SUBJECT_PARK;
	}
	if (newest)
		see_caller(sampler, s, subject->caller);
	subject->load = &s->state.counts;
	return SUBJECT_FOUND;
}

int sampler_new(struct sampler **out, struct server *server, struct load *load)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));
	struct walks_user user = {next_job, on_walked, sampler, SAMPLER_HELPER_SECONDS};
	int r;

	if (!sampler)
		return -ENOMEM;
	sampler->server = server;
	sampler->load = load;
	r = walks_new(&sampler->walks, server->loop, server->host.proc,
		server->channel.fd, &user);
	if (r == 0)
		r = loop_timer_new(server->loop, &sampler->tick, on_tick, sampler);
	if (r == 0)
		r = loop_timer_new(
			server->loop, &sampler->patience, on_patience, sampler);
	if (r < 0) {
		sampler_free(sampler);
		return r;
	}
	*out = sampler;
	return 0;
}

void sampler_trim(struct sampler *sampler, uint64_t now_ns)
{
	if (now_ns > LOAD_MEMORY_NS)
		load_forget_old(sampler->load, now_ns - LOAD_MEMORY_NS);
}

void sampler_free(struct sampler *sampler)
{
	struct sample *s;

	if (!sampler)
		return;
	walks_free(sampler->walks);
	loop_timer_free(sampler->tick);
	loop_timer_free(sampler->patience);
	while ((s = sample_next(&sampler->samples, NULL)))
		sample_drop(&sampler->samples, s);
	free(sampler);
}

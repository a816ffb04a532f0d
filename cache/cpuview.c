/*
 * Reads what cgroups and the host say of a container's CPUs: which it may use, the quota,
 * the time spent and throttled. What follows from the figures is worked out in cputime.c.
 *
 * Invariant: a container always sees at least one CPU, whatever its files say and however
 * they change between two reads.
 */
#include "cache/cpuview.h"

#include "cache/cgfiles.h"
#include "cache/cpuhist.h"
#include "cache/cpulines.h"
#include "cache/saturate.h"

#include <string.h>

/* Single-threaded; the books of the last cpuview_times. Only what is used is ever
 * touched. */
static struct cpubook books[2];
static struct cpubook *current = &books[0];
static uint64_t per_cpu[CPUSET_MAX][2];

/* Those of a list that are online; false for none. */
static bool online_cpus(const char *text, const struct cpuset *online, struct cpuset *out)
{
	if (cpuset_parse(out, text) < 0)
		return false;
	cpuset_and(out, online);
	return cpuset_next(out, 0) >= 0;
}

/* A partition root of v2 that gave all its CPUs to partitions below it has none that are
 * effective, and yet they are its own, and none of its parent's
 * (Documentation/admin-guide/cgroup-v2.rst). An invalid one says so behind its name. It
 * is rare: the files are not kept open. */
static bool read_partition(struct container *ct, unsigned up, const struct cpuset *online,
	struct cpuset *out)
{
	static struct textbuf text;
	const char *own;

	if (container_read(ct, CG_CPUSET, up, "cpuset.cpus.partition", &text) < 0 ||
		(strcmp(text.data, "root\n") && strcmp(text.data, "isolated\n")))
		return false;
	/* From Linux 6.7 on; cpuset.cpus can be empty there. */
	return (container_read(ct, CG_CPUSET, up, "cpuset.cpus.exclusive.effective",
			&text) == 0 &&
		       online_cpus(text.data, online, out)) ||
	       (container_text(ct, CGF_CPUSET, up, &own) == CG_OK &&
		       online_cpus(own, online, out));
}

/* The CPUs of the nearest cgroup whose file names some that are online. */
static bool read_cpuset(
	struct container *ct, const struct cpuset *online, struct cpuset *out)
{
	static const enum cg_fact facts[] = {CGF_CPUSET_EFFECTIVE, CGF_CPUSET};
	int depth = container_depth(ct, CG_CPUSET);
	const char *text;

	for (unsigned i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		for (int up = 0; up <= depth; up++) {
			if (container_text(ct, facts[i], (unsigned)up, &text) != CG_OK)
				continue;
			if (*text > ' ') { /* not a newline alone */
				if (online_cpus(text, online, out))
					return true;
				break;
			}
			if (read_partition(ct, (unsigned)up, online, out))
				return true;
		}
	}
	return false;
}

/* ceil(quota / period), at least 1. */
static unsigned quota_cpus(const struct cg_quota *quota)
{
	uint64_t n = quota->quota_us / quota->period_us +
		     !!(quota->quota_us % quota->period_us);

	if (!n)
		return 1;
	return n > CPUSET_MAX ? CPUSET_MAX : (unsigned)n;
}

void cpuview_cpus(struct cpus *out, struct container *ct, struct host *host, bool cfs)
{
	struct cpuset online;
	struct cg_quota quota;

	host_online(host, &online);
	out->online = cpuset_count(&online);
	out->known = read_cpuset(ct, &online, &out->set);
	if (!out->known)
		out->set = online;
	out->count = out->allowed = cpuset_count(&out->set);
	out->renumber = cfs;
	if (!cfs)
		return;
	out->known |= container_version(ct, CG_CPU) != NULL;
	if (container_quota(ct, &quota, NULL) == CG_OK && quota_cpus(&quota) < out->count)
		out->count = quota_cpus(&quota);
	cpuset_truncate(&out->set, out->count);
}

static bool read_v1(struct container *ct, struct cpusample *sample)
{
	const char *text;
	uint64_t user, system;
	unsigned cpu;

	if (container_text(ct, CGF_CPU_USAGE_ALL, 0, &text) != CG_OK)
		return false;
	sample->percpu = true;
	while (cg_usage_all_next(&text, &cpu, &user, &system)) {
		if (cpu >= CPUSET_MAX)
			continue;
		if (cpu >= sample->cpus) {
			memset(per_cpu[sample->cpus], 0,
				(cpu - sample->cpus) * sizeof(per_cpu[0]));
			sample->cpus = cpu + 1;
		}
		per_cpu[cpu][0] = user;
		per_cpu[cpu][1] = system;
		if (__builtin_add_overflow(sample->raw[0], user, &sample->raw[0]))
			sample->raw[0] = UINT64_MAX;
		if (__builtin_add_overflow(sample->raw[2], system, &sample->raw[2]))
			sample->raw[2] = UINT64_MAX;
	}
	sample->cpu = per_cpu;
	return sample->cpus > 0;
}

static bool read_v2(struct container *ct, struct cpusample *sample)
{
	uint64_t values[CG_CPUSTATS] = {0}, found;
	const char *text;

	if (container_text(ct, CGF_CPU_STAT, 0, &text) != CG_OK)
		return false;
	found = cg_parse_cpustat(&cg_v2, text, values);
	if (!(found & (1 << CGC_USAGE | 1 << CGC_USER)))
		return false;
	if (!(found >> CGC_USER & 1))
		values[CGC_USER] = values[CGC_USAGE];
	/* A part of user's, counted in ticks where user's is measured: it can be more
	 * (kernel/cgroup/rstat.c). */
	sample->raw[1] = min_u64(values[CGC_NICE], values[CGC_USER]);
	sample->raw[0] = values[CGC_USER] - sample->raw[1];
	sample->raw[2] = values[CGC_SYSTEM];
	return true;
}

/* The time throttled, from one file. */
static bool read_throttled(
	struct container *ct, enum cg_fact fact, unsigned up, struct cpusample *sample)
{
	const struct cg_version *version = container_version(ct, CG_CPUACCT);
	uint64_t values[CG_CPUSTATS];
	const char *text;

	if (version != &cg_v2)
		version = container_version(ct, CG_CPU);
	if (!version || container_text(ct, fact, up, &text) != CG_OK ||
		!(cg_parse_cpustat(version, text, values) >> CGC_THROTTLED & 1))
		return false;
	sample->throttled = values[CGC_THROTTLED];
	sample->throttled_by = cgfiles_ino(ct->files);
	sample->throttled_own = up == 0;
	return true;
}

/* cpu.stat.local counts a cgroup's waiting for a quota wherever it is set, from
 * Linux 6.6; cpu.stat counts only in the cgroup that has the quota. */
static void read_quota(struct container *ct, struct cpusample *sample)
{
	unsigned up;

	sample->quota.quota_us = UINT64_MAX;
	if (container_quota(ct, &sample->quota, &up) != CG_OK ||
		read_throttled(ct, CGF_CPU_STAT_LOCAL, 0, sample) ||
		(up && read_throttled(ct, CGF_CPU_STAT_LOCAL, up, sample)))
		return;
	read_throttled(ct, CGF_CPU_STAT, up, sample);
}

static void sum_up(const struct cpubook *book, uint64_t sum[CPU_TIMES])
{
	memset(sum, 0, CPU_TIMES * sizeof(sum[0]));
	for (unsigned i = 0; i < book->state.runs; i++)
		for (int f = 0; f < CPU_TIMES; f++)
			sum[f] += book->run[i].ticks[f];
}

int cpuview_times(struct cpuview *history, struct container *ct, struct host *host,
	const struct cpus *cpus, uint64_t now_ns, uint64_t sum[CPU_TIMES])
{
	const struct cg_version *version = container_version(ct, CG_CPUACCT);
	bool known = cpuhist_load(history, ct, &books[0]);
	struct cpusample sample = {
		.start_ns = ct->start_ns,
		.now_ns = now_ns,
		.tick_ns = UINT64_C(1000000000) / (uint64_t)host->hz,
	};

	current = &books[0];
	if (version &&
		(version == &cg_v2 ? read_v2(ct, &sample) : read_v1(ct, &sample))) {
		sample.raw_by = cgfiles_ino(ct->files);
		read_quota(ct, &sample);
		current = cputime_count(&books[0], &books[1], &sample, cpus);
		cpuhist_store(history, ct, current, now_ns);
	} else if (!known) {
		return CG_ABSENT;
	} else if (!cpulines_same(current, cpus)) {
		/* Nobody tells the times, but the lines are those of the CPUs there are
		 * now; what they were is kept. */
		cpulines_lay(&books[1], &books[0], &sample, cpus, false);
		current = &books[1];
	}
	sum_up(current, sum);
	return CG_OK;
}

bool cpuview_line(
	struct cpuview_cursor *cursor, unsigned *number, uint64_t ticks[CPU_TIMES])
{
	const struct cpurun *run;

	while (cursor->run < current->state.runs &&
		(!current->run[cursor->run].active ||
			cursor->line >= current->run[cursor->run].count)) {
		cursor->run++;
		cursor->line = 0;
	}
	if (cursor->run == current->state.runs)
		return false;
	run = &current->run[cursor->run];
	*number = run->first + cursor->line;
	for (int f = 0; f < CPU_TIMES; f++)
		ticks[f] = cpulines_share(run->ticks[f], run->count, cursor->line, 1);
	cursor->line++;
	return true;
}

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

#include <stdlib.h>
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

void cpuview_number(const struct cpus *cpus, struct cpuset *set)
{
	struct cpuset own = {0};
	unsigned number = 0;

	cpuset_and(set, &cpus->set);
	if (!cpus->renumber)
		return;
	for (int cpu = cpuset_next(&cpus->set, 0); cpu >= 0;
		cpu = cpuset_next(&cpus->set, (unsigned)cpu + 1), number++)
		if (cpuset_has(set, (unsigned)cpu))
			cpuset_add(&own, number);
	*set = own;
}

unsigned cpuview_behind(const struct cpus *cpus, unsigned number)
{
	int cpu = cpuset_next(&cpus->set, 0);

	if (!cpus->renumber || number >= cpus->count)
		return number;
	for (unsigned i = 0; i < number; i++)
		cpu = cpuset_next(&cpus->set, (unsigned)cpu + 1);
	return (unsigned)cpu;
}

/* What was spent on one of the host's CPUs. */
static void put_cpu(
	struct cpusample *sample, uint64_t cpu, uint64_t user, uint64_t system)
{
	if (cpu >= CPUSET_MAX)
		return;
	if (cpu >= sample->cpus) {
		memset(per_cpu[sample->cpus], 0,
			(cpu - sample->cpus) * sizeof(per_cpu[0]));
		sample->cpus = (unsigned)cpu + 1;
	}
	per_cpu[cpu][0] = user;
	per_cpu[cpu][1] = system;
	sample->raw[0] = sat_add(sample->raw[0], user);
	sample->raw[2] = sat_add(sample->raw[2], system);
	sample->percpu = true;
	sample->cpu = per_cpu;
}

static bool read_v1(struct container *ct, struct cpusample *sample)
{
	const char *text;
	uint64_t user, system;
	unsigned cpu;

	if (container_text(ct, CGF_CPU_USAGE_ALL, 0, &text) != CG_OK)
		return false;
	while (cg_usage_all_next(&text, &cpu, &user, &system))
		put_cpu(sample, cpu, user, system);
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

	if (container_quota(ct, &sample->quota, &up) != CG_OK ||
		read_throttled(ct, CGF_CPU_STAT_LOCAL, 0, sample) ||
		(up && read_throttled(ct, CGF_CPU_STAT_LOCAL, up, sample)))
		return;
	read_throttled(ct, CGF_CPU_STAT, up, sample);
}

/* Where no cgroup counts the container's time: what the host's file has of its CPUs,
 * since boot. What ran on others is none of its lines' to share: at first they are left
 * out, and then it counts as seen. */
static bool read_host(struct host *host, const struct cpuset *set, struct cpubook *book,
	struct cpusample *sample)
{
	struct slice text, line;
	uint64_t ns[7], cpu;
	char *p;

	if (host_text(host, HOST_STAT, &text) < 0)
		return false;
	while (procfile_line(&text.p, &line)) {
		if (strncmp(line.p, "cpu", 3) || line.p[3] < '0' || line.p[3] > '9')
			continue;
		cpu = strtoull(line.p + 3, &p, 10);
		/* user, nice, system, idle, iowait, irq, softirq */
		for (int i = 0; i < 7; i++)
			ns[i] = strtoull(p, &p, 10) * sample->tick_ns;
		if (book->state.runs || cpuset_has(set, (unsigned)cpu))
			put_cpu(sample, cpu, ns[0] + ns[1], ns[2] + ns[5] + ns[6]);
	}
	cpulines_hidden(book, sample, ns);
	book->state.raw[0] = ns[0];
	book->state.raw[2] = ns[1];
	sample->start_ns = 0;
	return sample->cpus > 0;
}

/* Does the host's file show other CPUs than the container has, or other numbers? */
static bool differs(const struct cpus *cpus)
{
	return cpus->known &&
	       (cpus->count < cpus->online ||
		       (cpus->renumber && cpuset_next(&cpus->set, cpus->count) >= 0));
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
	bool counted = container_depth(ct, CG_CPUACCT) > 0, known, own;
	struct cpusample sample = {
		.start_ns = ct->start_ns,
		.now_ns = now_ns,
		.tick_ns = UINT64_C(1000000000) / (uint64_t)host->hz,
		.quota.quota_us = UINT64_MAX,
	};

	if (!counted && !differs(cpus))
		return CG_ABSENT;
	known = cpuhist_load(history, ct, &books[0]);
	current = &books[0];
	own = counted &&
	      (container_version(ct, CG_CPUACCT) == &cg_v2 ? read_v2(ct, &sample)
							   : read_v1(ct, &sample));
	if (own) {
		sample.raw_by = cgfiles_ino(ct->files);
		read_quota(ct, &sample);
	}
	/* Of an own cgroup that cannot be read nothing is kept: it may be, the next time.
	 */
	if (own || (!(counted && known) && differs(cpus) &&
			   read_host(host, &cpus->set, &books[0], &sample))) {
		current = cputime_count(&books[0], &books[1], &sample, cpus);
		if (own || !counted)
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

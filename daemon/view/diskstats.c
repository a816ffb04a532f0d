/*
 * diskstats: the host's lines of those devices that the container has used, with the
 * container's own figures (Documentation/admin-guide/iostats.rst has the fields). cgroups
 * count I/Os and bytes but no times: those are the host's, as large a part of them as the
 * container has of the I/Os. All of it goes on from what was shown last
 * (cache/disktimes).
 */
#include "cache/saturate.h"
#include "daemon/view/diskusage.h"

#include <errno.h>
#include <string.h>

/* The fields behind the name. Times are a share of the I/Os of one kind or of all. */
enum { FIELD_ZERO, FIELD_IOS, FIELD_SECTORS, FIELD_TIME, FIELD_TIME_ALL };

static const struct {
	unsigned char kind, op, time; /* time: which of DISK_TIMES */
} fields[] = {
	{FIELD_IOS, DISK_READ, 0},
	{FIELD_ZERO, 0, 0}, /* merged: I/Os are counted before that */
	{FIELD_SECTORS, DISK_READ, 0},
	{FIELD_TIME, DISK_READ, 0},
	{FIELD_IOS, DISK_WRITE, 0},
	{FIELD_ZERO, 0, 0},
	{FIELD_SECTORS, DISK_WRITE, 0},
	{FIELD_TIME, DISK_WRITE, 1},
	{FIELD_ZERO, 0, 0}, /* in flight */
	{FIELD_TIME_ALL, 0, 2},
	{FIELD_TIME_ALL, 0, 3},
	{FIELD_IOS, DISK_DISCARD, 0}, /* Linux 4.18 */
	{FIELD_ZERO, 0, 0},
	{FIELD_SECTORS, DISK_DISCARD, 0},
	{FIELD_TIME, DISK_DISCARD, 4},
	{FIELD_ZERO, 0, 0}, /* flushes, Linux 5.5 */
	{FIELD_ZERO, 0, 0},
};

enum {
	FIELDS = sizeof(fields) / sizeof(fields[0]),
	FIELDS_LEAST = 11,
};

/* Where the host's line has its I/Os. */
static const unsigned char host_ios[DISK_OPS] = {
	[DISK_READ] = 0, [DISK_WRITE] = 4, [DISK_DISCARD] = 11};

struct host_line {
	struct slice text;  /* all of it */
	struct slice start; /* up to and with the name */
	struct slice name;
	struct slice rest; /* fields that we do not know */
	uint64_t dev;
	uint64_t field[FIELDS];
	unsigned count;
};

static bool parse_host(struct slice text, struct host_line *host)
{
	struct slice line = text, word;
	uint64_t major, minor;

	*host = (struct host_line){.text = text};
	if (!slice_word(&line, &word) || !slice_u64(word, &major) ||
		!slice_word(&line, &word) || !slice_u64(word, &minor) ||
		!slice_word(&line, &host->name))
		return false;
	host->dev = disk_dev(major, minor);
	host->start = (struct slice){text.p, (size_t)(line.p - text.p)};
	host->rest = line;
	while (host->count < FIELDS && slice_word(&line, &word)) {
		if (!slice_u64(word, &host->field[host->count]))
			return false;
		host->count++;
		host->rest = line;
	}
	return host->count >= FIELDS_LEAST;
}

/* disk_name() of the kernel: sda1 is a partition of sda, nvme0n1p1 of nvme0n1. */
static bool is_partition(struct slice name, struct slice disk)
{
	uint64_t number;
	bool digit;

	if (!disk.len || name.len <= disk.len || memcmp(name.p, disk.p, disk.len))
		return false;
	name.p += disk.len;
	name.len -= disk.len;
	digit = disk.p[disk.len - 1] >= '0' && disk.p[disk.len - 1] <= '9';
	if (digit && *name.p != 'p')
		return false;
	return slice_u64((struct slice){name.p + digit, name.len - digit}, &number);
}

static bool host_has_used(const struct host_line *host)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < host->count; i++)
		any |= host->field[i];
	return any;
}

/* The host's time * part / whole, not less than before and not more than the host's; in
 * as many bits as the kernel prints (block/genhd.c: diskstats_show). */
static uint64_t share(struct disk_past *past, const struct host_line *line, unsigned i,
	uint64_t part, uint64_t whole)
{
	const unsigned time = fields[i].time;
	const uint64_t host = past->host_time[time];
	uint64_t v = 0;

	if (whole)
		v = sat_scale(host, min_u64(part, whole), whole);
	if (v < past->time[time])
		v = past->time[time];
	if (v > host)
		v = host;
	past->time[time] = v;
	return line->field[i] > UINT32_MAX ? v : (uint32_t)v;
}

static uint64_t all_ios(const struct host_line *host)
{
	uint64_t sum = 0;

	for (int op = 0; op < DISK_OPS; op++)
		sum = sat_add(sum, host->field[host_ios[op]]);
	return sum;
}

static uint64_t field_value(
	const struct host_line *host, struct disk_past *past, unsigned i)
{
	const uint64_t *ios = past->count, *bytes = past->count + DISK_OPS;
	const unsigned op = fields[i].op;
	uint64_t part = 0;

	switch (fields[i].kind) {
	case FIELD_IOS: return ios[op];
	case FIELD_SECTORS: return bytes[op] / 512;
	case FIELD_TIME: return share(past, host, i, ios[op], host->field[host_ios[op]]);
	case FIELD_TIME_ALL:
		for (int k = 0; k < DISK_OPS; k++)
			part = sat_add(part, ios[k]);
		return share(past, host, i, part, all_ios(host));
	default: return 0;
	}
}

/* What the container (NULL: nothing) and the host did since. */
static void go_on(struct disk_past *past, const struct host_line *host,
	const struct disk_usage *usage)
{
	uint64_t counts[DISK_COUNTS] = {0}, times[DISK_TIMES] = {0};

	for (int op = 0; usage && op < DISK_OPS; op++) {
		counts[op] = usage->ios[op];
		counts[DISK_OPS + op] = usage->bytes[op];
	}
	for (unsigned i = 0; i < host->count; i++)
		if (fields[i].kind == FIELD_TIME || fields[i].kind == FIELD_TIME_ALL)
			times[fields[i].time] = host->field[i];
	disktimes_count(past, disk_usage_source(), counts);
	disktimes_host(past, times, all_ios(host));
}

static void put_own(
	struct outbuf *out, const struct host_line *host, struct disk_past *past)
{
	out_mem(out, host->start.p, host->start.len);
	for (unsigned i = 0; i < host->count; i++) {
		out_char(out, ' ');
		out_u64(out, field_value(host, past, i));
	}
	out_line(out, host->rest.p, host->rest.len);
}

/* Whether there was any device that the container has or had figures of. */
static bool put_all(
	struct outbuf *out, const struct subject *subject, const char *text, bool v1)
{
	struct slice line, disk = {0};
	struct host_line host;
	bool disk_of_host = false, own = false;

	while (procfile_line(&text, &line)) {
		const struct disk_usage *usage;
		struct disk_past *past;

		if (!parse_host(line, &host)) {
			out_line(out, line.p, line.len);
			continue;
		}
		usage = disk_usage_find(host.dev);
		if (!is_partition(host.name, disk)) {
			disk = host.name;
			disk_of_host = v1 && !disk_usage_any(usage) &&
				       disk_usage_uncounted(usage);
		}
		/* What was shown stays, whatever is counted now. */
		past = disk_usage_any(usage)
			       ? disktimes_of(subject->disktimes, subject->ct, host.dev,
					 subject->now_ns)
			       : disktimes_find(
					 subject->disktimes, subject->ct, host.dev);
		if (past) {
			go_on(past, &host, usage);
			put_own(out, &host, past);
			own = true;
		} else if (disk_of_host && host_has_used(&host)) {
			out_line(out, line.p, line.len);
		}
	}
	return own;
}

int view_diskstats(struct outbuf *out, const struct subject *subject, unsigned arg)
{
	bool v1 = container_version(subject->ct, CG_BLKIO) == &cg_v1;
	struct slice text;
	int r = disk_usage_read(subject->ct);

	(void)arg;
	if (host_text(subject->host, HOST_DISKSTATS, &text) < 0)
		return VIEW_HOST;
	if (r == -ENOMEM)
		out->failed = true;
	/* Nobody counts: the host's, but to a container that has seen its own. */
	return put_all(out, subject, text.p, v1) || r != VIEW_HOST ? VIEW_DONE
								   : VIEW_HOST;
}

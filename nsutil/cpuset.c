/*
 * CPU sets as a fixed bitmap: no allocation, and a set is a plain value to copy.
 */
#include "nsutil/cpuset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cpuset_has(const struct cpuset *set, unsigned cpu)
{
	return cpu < CPUSET_MAX && (set->bits[cpu / 64] >> (cpu % 64) & 1);
}

void cpuset_add(struct cpuset *set, unsigned cpu)
{
	if (cpu >= CPUSET_MAX)
		return;
	if (cpu / 64 >= set->words)
		set->words = cpu / 64 + 1;
	set->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

unsigned cpuset_count(const struct cpuset *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->words; i++)
		n += (unsigned)__builtin_popcountll(set->bits[i]);
	return n;
}

void cpuset_and(struct cpuset *a, const struct cpuset *b)
{
	for (unsigned i = 0; i < a->words; i++)
		a->bits[i] &= b->bits[i];
}

int cpuset_next(const struct cpuset *set, unsigned from)
{
	for (unsigned i = from / 64; i < set->words; i++) {
		uint64_t word = set->bits[i];

		if (i == from / 64)
			word &= UINT64_MAX << (from % 64);
		if (word)
			return (int)(i * 64 + (unsigned)__builtin_ctzll(word));
	}
	return -1;
}

void cpuset_truncate(struct cpuset *set, unsigned n)
{
	for (unsigned i = 0; i < set->words; i++) {
		uint64_t keep = 0;

		while (set->bits[i] && n) {
			uint64_t lowest = set->bits[i] & -set->bits[i];
			keep |= lowest;
			set->bits[i] ^= lowest;
			n--;
		}
		set->bits[i] = keep;
	}
}

/* One number below CPUSET_MAX at *p, which moves behind it. */
static bool parse_cpu(const char **p, unsigned *out)
{
	unsigned v = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (unsigned)(**p - '0');
		if (v >= CPUSET_MAX)
			return false;
	}
	*out = v;
	return true;
}

/* One "A", "A-B" or "A-B:USED/GROUP" at *p (lib/bitmap-str.c, Linux 6.12). */
static bool parse_range(const char **p, struct cpuset *set)
{
	unsigned first, last, used = 1, group = 1;

	if (!parse_cpu(p, &first))
		return false;
	last = first;
	if (**p == '-' && (++*p, !parse_cpu(p, &last)))
		return false;
	if (**p == ':') {
		++*p;
		if (!parse_cpu(p, &used) || *(*p)++ != '/' || !parse_cpu(p, &group))
			return false;
	}
	if (last < first || !group || used > group)
		return false;
	for (unsigned cpu = first; cpu <= last; cpu++)
		if ((cpu - first) % group < used)
			cpuset_add(set, cpu);
	return true;
}

int cpuset_parse(struct cpuset *set, const char *text)
{
	const char *p = text;

	*set = (struct cpuset){0};
	while (*p && *p != '\n') {
		if (!parse_range(&p, set) || (*p && *p != ',' && *p != '\n')) {
			*set = (struct cpuset){0};
			return -EINVAL;
		}
		if (*p == ',')
			p++;
	}
	return 0;
}

size_t cpuset_format(const struct cpuset *set, char *out, size_t size)
{
	size_t len = 0;
	int first = cpuset_next(set, 0);

	if (size)
		out[0] = '\0';
	while (first >= 0) {
		int last = first, n;
		char range[32];

		while (cpuset_has(set, (unsigned)last + 1))
			last++;
		n = first == last ? snprintf(range, sizeof(range), "%s%d", len ? "," : "",
					    first)
				  : snprintf(range, sizeof(range), "%s%d-%d",
					    len ? "," : "", first, last);
		if (len + (size_t)n < size)
			memcpy(out + len, range, (size_t)n + 1);
		len += (size_t)n;
		first = cpuset_next(set, (unsigned)last + 1);
	}
	return len;
}

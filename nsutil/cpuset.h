/*
 * Sets of CPUs, and the kernel's list format ("0-3,8") for them.
 */
#ifndef NSUTIL_CPUSET_H
#define NSUTIL_CPUSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CONFIG_NR_CPUS is at most 8192 (arch/x86/Kconfig, Linux 6.12). */
enum { CPUSET_MAX = 8192, CPUSET_WORDS = CPUSET_MAX / 64 };

/* All zero is empty. */
struct cpuset {
	unsigned words; /* the words from here on are 0: most hosts have few CPUs */
	uint64_t bits[CPUSET_WORDS];
};

/* Parses a list such as "0-3,8\n"; an empty one is an empty set. Ranges may carry the
 * kernel's ":used/group" suffix. 0, or -EINVAL for anything else, with *set empty. */
int cpuset_parse(struct cpuset *set, const char *text);

bool cpuset_has(const struct cpuset *set, unsigned cpu);
void cpuset_add(struct cpuset *set, unsigned cpu);
unsigned cpuset_count(const struct cpuset *set);
/* a := a ∩ b */
void cpuset_and(struct cpuset *a, const struct cpuset *b);
/* The lowest member that is at least `from`; -1 when there is none. */
int cpuset_next(const struct cpuset *set, unsigned from);
/* Keeps only the lowest n members. */
void cpuset_truncate(struct cpuset *set, unsigned n);
/* Writes the list format, without newline, NUL-terminated, cut at size. Returns the
 * length it needs. An empty set is an empty string. */
size_t cpuset_format(const struct cpuset *set, char *out, size_t size);

#endif

/*
 * Dropping privileges. The table is the whole list; t42xx-*.t takes each row away and
 * shows what stops working.
 */
#include "nsutil/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct caps_row caps_table[CAPS_ROWS] = {
	{CAP_SYS_ADMIN,
		"mounting and unmounting; setns(2) into a container's namespaces; "
		"open_tree(2)"},
	{CAP_SYS_PTRACE,
		"/proc/PID/ns of processes with another user or more capabilities"},
	{CAP_DAC_READ_SEARCH,
		"cgroup directories that a container owns and has closed to others"},
	{CAP_DAC_OVERRIDE,
		"pressure triggers of cgroups that a container owns; --enable-psi-poll only"},
	{CAP_SYS_RESOURCE,
		"pressure triggers of any window, checked ten times in it (Linux 6.5); "
		"--enable-psi-poll only"},
};

uint64_t caps_all(void)
{
	uint64_t set = 0;

	for (int i = 0; i < CAPS_ROWS; i++)
		set |= UINT64_C(1) << caps_table[i].capability;
	return set;
}

const char *caps_name(int capability)
{
	return capng_capability_to_name((unsigned)capability);
}

int caps_by_name(const char *name)
{
	return capng_name_to_capability(strncasecmp(name, "cap_", 4) ? name : name + 4);
}

/* What of the set we have: asking for more would be refused as a whole. */
static uint64_t permitted_of(uint64_t set)
{
	uint64_t have = 0;

	for (int i = 0; i < CAPS_ROWS; i++) {
		int capability = caps_table[i].capability;

		if (capng_have_capability(CAPNG_PERMITTED, (unsigned)capability))
			have |= UINT64_C(1) << capability;
	}
	return have & set;
}

uint64_t caps_permitted(void)
{
	capng_setpid((int)syscall(SYS_gettid));
	return capng_get_caps_process() < 0 ? 0 : permitted_of(caps_all());
}

static bool is_bounded(uint64_t set)
{
	int in;

	for (int i = 0; i < 64 && (in = prctl(PR_CAPBSET_READ, i, 0, 0, 0)) >= 0; i++)
		if (in && !(set >> i & 1))
			return false;
	return true;
}

static int apply(uint64_t set)
{
	const capng_type_t types = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
	bool may_bound;

	/* Its idea of our pid may be that of a process we were cloned from. */
	capng_setpid((int)syscall(SYS_gettid));
	if (capng_get_caps_process() < 0)
		return -EIO;
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	set = permitted_of(set);
	capng_clear(CAPNG_SELECT_BOTH);
	for (int i = 0; i < CAPS_ROWS; i++)
		if (set >> caps_table[i].capability & 1 &&
			capng_update(
				CAPNG_ADD, types, (unsigned)caps_table[i].capability) < 0)
			return -EIO;
	/* The bounding set first: that takes a capability we are about to give up. */
	if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return is_bounded(set) ? CAPS_KEPT : CAPS_UNBOUNDED;
}

int caps_keep(uint64_t without)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return apply(caps_all() & ~without);
}

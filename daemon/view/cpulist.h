/*
 * The kernel's list format, as files of /sys/devices/system/cpu print it.
 */
#ifndef DAEMON_VIEW_CPULIST_H
#define DAEMON_VIEW_CPULIST_H

#include "daemon/view.h"

/* Writes a line such as "0-3,8"; an empty one for an empty set. */
void out_cpu_list(struct outbuf *out, const struct cpuset *set);

#endif

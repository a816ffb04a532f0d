/*
 * How many CPUs the host can have.
 */
#ifndef NSUTIL_CPUCOUNT_H
#define NSUTIL_CPUCOUNT_H

/*
 * The highest possible CPU number and one: some CPUs can be plugged in later. procfd and
 * sysfd are the roots of /proc and /sys (-1: there is no /sys) and stay the caller's.
 * Without sysfs it counts the CPUs that are online now. sysconf(3) differs: glibc opens
 * files by path, which may be our own, and musl counts the CPUs that this process may run
 * on. 0, or -errno when there is such a file and it cannot be read.
 */
int cpucount_possible(int procfd, int sysfd, unsigned *out);

#endif

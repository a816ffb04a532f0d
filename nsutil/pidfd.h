/*
 * pidfds by raw system call: libcs older than glibc 2.36 lack them.
 */
#ifndef NSUTIL_PIDFD_H
#define NSUTIL_PIDFD_H

#include <stdbool.h>
#include <sys/types.h>

/* A pidfd of the process `pid` (a thread group leader); the caller closes it. -errno:
 * -ENOSYS before Linux 5.3, -ESRCH when it is gone. */
int pidfd_get(pid_t pid);

/* Whether the process behind the pidfd still runs. One poll(2) that does not wait. */
bool pidfd_alive(int pidfd);

/* Sends a signal. 0 or -errno. */
int pidfd_kill(int pidfd, int sig);

#endif

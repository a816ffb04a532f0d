/*
 * pid namespace → its init, as a pid of ours. Two ways: an ioctl of Linux 6.11, and one
 * that works everywhere and takes a child and a grandchild.
 */
#ifndef NSUTIL_INITPID_H
#define NSUTIL_INITPID_H

#include "nsutil/helper.h"

#include <sys/types.h>

/* The child gives up by itself after this long, and reaps its grandchild. */
enum { INITPID_PATIENCE_MS = 1800 };

/* NS_GET_PID_FROM_PIDNS (Linux 6.11). The pid, -ESRCH when the namespace has no init any
 * more, -ENOTTY or -EINVAL where the kernel does not have it. nsfd stays the caller's. */
pid_t initpid_ioctl(int nsfd);

/* What this process has mapped by now, but for its code, is not copied for its children
 * any more: helpers need none of it. A copy of the memory costs more than all else, when
 * it is made and then once for each page that is written to. Only the first call counts.
 */
void initpid_forks_alone(int procfd);
/* fork(2) for a child that runs on as we do: it has all of our private memory, and of
 * what is shared nothing that initpid_forks_alone was called for. errno as fork's. */
pid_t initpid_fork(int procfd);

/* Starts the portable way for the namespace behind nsfd. Both descriptors stay the
 * caller's. 0 or -errno. */
int initpid_start(struct helper *helper, int procfd, int nsfd);

/* The answer of a helper that has ended: the pid, or -ESRCH when it found none. It may
 * have been told by the container: check it. */
pid_t initpid_answer(const struct helper *helper);

#endif

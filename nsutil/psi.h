/*
 * What a process writes to a pressure file to be told of pressure
 * (Documentation/accounting/psi.rst).
 */
#ifndef NSUTIL_PSI_H
#define NSUTIL_PSI_H

#include <stddef.h>

enum { PSI_TRIGGER_SIZE = 32 }; /* bytes of one, with the NUL; so many the kernel takes */

/*
 * "some|full THRESHOLD WINDOW", in microseconds, of what was written: what is behind the
 * 31st byte does not count, as in psi_write() of kernel/sched/psi.c. `text` is then the
 * same without what does not matter. 0, or -EINVAL for one that no kernel before Linux 6.4
 * takes: the window is 500 ms to 10 s, and the threshold is not 0 nor longer. Linux 6.4
 * dropped the lower bound; keep it, since a kernel thread of real-time priority runs ten
 * times in each window. Linux 6.5 (and Debian's 6.1) takes only multiples of 2 s from a
 * file that was opened without CAP_SYS_RESOURCE: write(2) then fails with EINVAL.
 */
int psi_trigger(const void *data, size_t len, char text[PSI_TRIGGER_SIZE]);

#endif

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
 * same without what does not matter. 0, or -EINVAL for one that the kernel would not take
 * from a process without CAP_SYS_RESOURCE (Linux 6.5): the window is 2 s or a multiple of
 * that, 10 s at most, and the threshold is not 0 nor longer.
 */
int psi_trigger(const void *data, size_t len, char text[PSI_TRIGGER_SIZE]);

#endif

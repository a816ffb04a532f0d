/*
 * Which kernel runs, for what only its version tells. Where a call can be tried, try it.
 */
#ifndef NSUTIL_KERNEL_H
#define NSUTIL_KERNEL_H

#include <stdbool.h>

/* Whether uname(2) says Linux major.minor or later; false when it cannot be told. */
bool kernel_at_least(unsigned major, unsigned minor);

#endif

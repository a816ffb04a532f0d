/*
 * Taking what is there to be had, and giving up what is not needed to serve.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include "daemon/options.h"

#include <stdbool.h>

/* Nothing is read from standard input: it becomes /dev/null. So do the other two if they
 * are closed, lest a descriptor of ours be taken for one of them. False after a line on
 * standard error. */
bool privileges_open_standard(void);

/* As many descriptors as we may have: each container in use takes two. The usual limit of
 * 1,024 is there for select(2), which nothing of ours calls. */
void privileges_many_files(void);

/* Capabilities of caps_table that the command line asks to do without, or does not need;
 * bit N is capability N. */
uint64_t privileges_unused(const struct options *options);

/* " (CAP_SYS_PTRACE is missing)" where `error`, a -errno, says that something is not
 * permitted and this process does not have the capability; else "". Static storage. */
const char *privileges_hint(int error, int capability);

/* caps_keep with what the command line says besides. False after a line on standard
 * error. */
bool privileges_keep(const struct options *options);

#endif

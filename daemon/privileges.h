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

/* caps_keep with what the command line says besides. False after a line on standard
 * error. */
bool privileges_keep(const struct options *options);

#endif

/*
 * What is held of the cgroup hierarchies, as a text for a program that is executed with
 * the same descriptors: it need not find anew what the host may have unmounted by then.
 */
#ifndef NSUTIL_CGSTATE_H
#define NSUTIL_CGSTATE_H

#include "nsutil/cgmount.h"

/* Writes the text and, with `pass`, lets the descriptors through execve(2); without it
 * they are closed there again. 0, or -ENOSPC when `size` is too small: nothing is changed
 * then. */
int cgstate_write(const struct cgmount *cgmount, const struct cg_layout *layout,
	bool pass, char *out, size_t size);

/* Takes up what the text names; the descriptors are closed on execve(2) again. Both
 * arguments are null before. 0; -EINVAL when the text or one of the descriptors is not
 * what it should be: what the text named by then is closed, and nothing is held. */
int cgstate_read(const char *text, struct cgmount *cgmount, struct cg_layout *layout);

#endif

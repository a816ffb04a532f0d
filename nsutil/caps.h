/*
 * What each process of the daemon may do. Everything that is not in the one table of
 * caps.c is given up for good.
 */
#ifndef NSUTIL_CAPS_H
#define NSUTIL_CAPS_H

#include <stdint.h>

struct caps_row {
	int capability;
	const char *reason;
};

/* One list for all: a worker can have nothing that the keeper, who makes it, has not. */
enum { CAPS_ROWS = 5 };
extern const struct caps_row caps_table[CAPS_ROWS];

/* All of the table: bit N is capability N. */
uint64_t caps_all(void);

/* Those of the table that this process may use: the permitted set. */
uint64_t caps_permitted(void);

/* "sys_admin"; a static text. */
const char *caps_name(int capability);

/* The number of a capability by its name, "sys_admin" or "CAP_SYS_ADMIN"; -1. */
int caps_by_name(const char *name);

enum {
	CAPS_KEPT = 0,
	CAPS_UNBOUNDED = 1, /* the bounding set has more: CAP_SETPCAP is missing */
};

/*
 * Gives up, in the inheritable, permitted, effective, ambient and bounding sets, what is
 * not in the table and what `without` names; and for good: no_new_privs, so that no
 * program that is executed gets any of it back. What we do not have is not asked for.
 * CAPS_KEPT, CAPS_UNBOUNDED, or -errno. One thread only. It allocates a little, once.
 */
int caps_keep(uint64_t without);

#endif

/*
 * Pressure triggers: a process in a container writes to one of its files below
 * proc/pressure, and is woken from poll(2) when its cgroup is under that pressure. They
 * are there with --enable-psi-poll only: the superblock must be writable for them.
 */
#ifndef DAEMON_TRIGGER_H
#define DAEMON_TRIGGER_H

#include "daemon/work.h"
#include "nsutil/psi.h"

enum {
	TRIGGERS = 256,
	TRIGGER_QUOTA = 32, /* of one container, with all namespaces within its own */
	TRIGGER_PATH = 480, /* bytes of a pressure file's, with the NUL */
};

/* What a successor needs to set them again. All zero: none. */
struct trigger_store {
	uint64_t fh[TRIGGERS]; /* the open file; 0: it has no trigger */
	struct trigger_note {
		uint64_t poll;    /* `kh` of who waits for it; 0: nobody has asked */
		uint64_t made_by; /* `unique` of the write */
		uint64_t outer;   /* container.outer; 0 the host */
		uint64_t ino;     /* of the pressure file, once it was opened */
		uint32_t event;   /* it came and nobody was told yet */
		uint32_t host;    /* the path is below /proc, else below cgroup2 */
		char text[PSI_TRIGGER_SIZE];
		char path[TRIGGER_PATH];
	} note[TRIGGERS];
};

/* Sets what a predecessor had, too. 0 or -errno. The store is not owned. */
int triggers_new(
	struct triggers **out, struct server *server, struct trigger_store *store);
void triggers_free(struct triggers *triggers);

/* Without --enable-psi-poll (server->triggers is NULL) the first is -EROFS and the second
 * -ENOSYS, which the kernel remembers. With it, the first is -EIO for other files. */
handler trigger_write, trigger_poll;
/* The file was closed; triggers may be NULL. */
void trigger_release(struct triggers *triggers, uint64_t fh);

#endif

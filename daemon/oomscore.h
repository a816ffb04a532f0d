/*
 * Whom the kernel kills when memory is short: helpers before the worker, and the worker,
 * whose end costs a restart, before the keeper, whose end costs the mount.
 */
#ifndef DAEMON_OOMSCORE_H
#define DAEMON_OOMSCORE_H

/* Added to the oom_score_adj that the daemon was started with, 1,000 at most. */
enum { OOMSCORE_WORKER = 100, OOMSCORE_HELPER = 200 };

/* For the keeper, before its first child: is never killed (-1000) where it may say so,
 * which takes CAP_SYS_RESOURCE. Without it the value stays. */
void oomscore_protect(void);
/* For a child of the keeper or of the worker. Raising the value takes no privilege;
 * without a descriptor for it the value stays. A helper that shares the worker's memory
 * cannot have another value than the worker (__set_oom_adj in fs/proc/base.c), and does
 * not call this. */
void oomscore_raise(int more);

#endif

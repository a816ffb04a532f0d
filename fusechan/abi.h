/*
 * The FUSE protocol as the kernel publishes it, and the names that an older linux/fuse.h
 * lacks. Their values are ABI (include/uapi/linux/fuse.h, Linux 6.12).
 */
#ifndef FUSECHAN_ABI_H
#define FUSECHAN_ABI_H

#include <linux/fuse.h>

#ifndef FOPEN_NOFLUSH
#define FOPEN_NOFLUSH (1 << 5)
#endif
#ifndef FOPEN_PARALLEL_DIRECT_WRITES
#define FOPEN_PARALLEL_DIRECT_WRITES (1 << 6)
#endif
#ifndef FUSE_INIT_EXT
#define FUSE_INIT_EXT (1 << 30)
#endif

/* Opcodes and notifications newer than some headers, under names that cannot clash with
 * their enumerators. */
#define FUSECHAN_OP_SYNCFS 50    /* minor 34 */
#define FUSECHAN_OP_TMPFILE 51   /* minor 37 */
#define FUSECHAN_OP_STATX 52     /* minor 39 */
#define FUSECHAN_NOTIFY_RESEND 7 /* minor 40, Linux 6.9 */

/* Set in `unique` of a message that comes again after FUSECHAN_NOTIFY_RESEND. */
#define FUSECHAN_UNIQUE_RESEND (UINT64_C(1) << 63)

#endif

/*
 * Faults on demand, for tests. They exist only in a binary built with FAULT_INJECTION,
 * which is never installed; elsewhere these calls are nothing.
 *
 * EVLXCFS_FAULT is a list such as "read:50,startup:2": the process aborts the 50th time
 * it passes that stage, counted from its first answer on, or as soon after that as the
 * request has not ended a process before: a second time would rightly get it EIO. At
 * startup, where there is no answer yet, it aborts one time in two, and at "init:1" once.
 * EVLXCFS_FAULT_WHILE is a file: while it is there, a process does not get beyond
 * startup, and leaves a byte in it.
 */
#ifndef FUSECHAN_FAULT_H
#define FUSECHAN_FAULT_H

#include <stdint.h>

enum fault_stage {
	FAULT_STARTUP,  /* half-way through */
	FAULT_INIT,     /* the connection's first message is not answered yet */
	FAULT_READ,     /* a message is in the journal, nobody has noted that */
	FAULT_TAKEN,    /* and noted */
	FAULT_PARKED,   /* a request was put aside */
	FAULT_RENDERED, /* the file's text is there */
	FAULT_REPLY,    /* about to answer */
	FAULT_REPLIED,  /* answered, and nobody has noted that */
	FAULT_STAGES,
};

/* A read at one of these offsets is one that a daemon cannot get done. */
enum {
	FAULT_OFFSET_ABORT = 0x7e570001,
	FAULT_OFFSET_LOOP = 0x7e570002,
	FAULT_OFFSET_SLEEP = 0x7e570003,
	FAULT_OFFSET_STOP = 0x7e570004, /* stops itself, with SIGSTOP */
};

#ifdef FAULT_INJECTION
void fault_point(enum fault_stage stage);
/* Of the request that is taken up now: how many processes it has ended. */
void fault_spare(unsigned faults);
void fault_offset(uint64_t offset);
#else
#define fault_point(stage) ((void)0)
#define fault_spare(faults) ((void)0)
#define fault_offset(offset) ((void)0)
#endif

#endif

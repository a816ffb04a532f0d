/*
 * A child that does what the event loop must not wait for. It shares our memory, so that
 * making it costs microseconds whatever our size, and owns nothing else of ours.
 */
#ifndef NSUTIL_HELPER_H
#define NSUTIL_HELPER_H

#include "nsutil/rawsys.h"

#include <stdbool.h>
#include <stdint.h>

/* What the child is told. It has a copy, which lives as long as it does. */
struct helper_job {
	int procfd;               /* of our own pid namespace */
	int nsfd;                 /* a namespace to enter; -1: none */
	bool apart;               /* the grandchild gets a memory of its own: */
	uintptr_t code, code_end; /* this and the stacks */
	char path[512];           /* a file below procfd */
	/* Set by helper_start. */
	int in, out;  /* the pipe; ours is `in` alone */
	int hidden;   /* see helper_hide */
	pid_t parent; /* us */
	char *stack;  /* upper end of two stacks of HELPER_STACK for who it makes */
	char *stacks_low, *stacks_high; /* what those and its own lie between */
};

enum { HELPER_STACK = 8 << 10 };

struct helper {
	pid_t pid;   /* 0: none */
	int pidfd;   /* readable when it has ended; -1 before Linux 5.3: use SIGCHLD */
	int in;      /* the pipe's end, non-blocking */
	int status;  /* what `call` returned, once it has ended; -1: a signal ended it */
	void *stack; /* of the child and of its child */
};

#define HELPER_NULL ((struct helper){.pidfd = -1, .in = -1})

/* A descriptor that no helper is to hold: one that never ends would keep it open. */
void helper_hide(int fd);

/* Starts call(job) in a child that dies with us, with all signals blocked. It may make
 * system calls through raw_call only, write to its stack only, and is marked RAW_CHILD,
 * as is all that it calls. The job's descriptors stay the caller's. 0 or -errno. */
int helper_start(struct helper *helper, raw_main *call, const struct helper_job *job);

/* Whether it has ended; then it is reaped, and what it left in the pipe can be read. */
bool helper_ended(struct helper *helper);

/* SIGKILL. It is not dead at once: it can be in a system call that no signal ends. */
void helper_kill(struct helper *helper);

/* Gives back what an ended helper had. A null helper is nothing. */
void helper_deinit(struct helper *helper);

/* At our own end: kills it and gives back what it had, but for the stack of one that goes
 * on for a while. */
void helper_leave(struct helper *helper);

/* In the child: copies the file `path` below procfd to the pipe, which holds 64 kB, with
 * a zero behind it to say that it is whole. 0 or a negative errno. */
int helper_copy_file(const struct helper_job *job);

/* In the child: takes the last directory out of the path of a file, "./a/b/file". False
 * when there is none but ".". */
bool helper_path_up(char *path);

/* In the child: the same as helper_copy_file, of the nearest directory upwards that has
 * the file. */
int helper_copy_nearest(const struct helper_job *job);

/* In the child: dies with `job->parent`, and closes what is hidden. False when that is
 * dead already. */
bool helper_follow(const struct helper_job *job);

#endif

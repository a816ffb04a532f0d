/*
 * Counting the tasks of a cgroup and of all cgroups below it, in small steps, so that
 * whoever has something else to do can do it in between.
 */
#ifndef NSUTIL_TASKWALK_H
#define NSUTIL_TASKWALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What lies beyond these bounds is not counted. */
enum {
	TASKWALK_DEPTH = 64,      /* levels of cgroups; each is an open descriptor */
	TASKWALK_CGROUPS = 20000, /* cgroups visited */
	TASKWALK_TASKS = 200000,  /* tasks looked at */
	TASKWALK_CHUNK = 2048, /* bytes of a task list or a directory read in one step */
	/* A level where nobody has a number. */
	TASKWALK_NO_LEVEL = 1000,
};

struct taskwalk_counts {
	uint64_t running; /* state R of /proc/TID/status */
	uint64_t blocked; /* state D, and not frozen */
	uint64_t total;
	uint64_t cgroups; /* visited */
	/* The newest task that has a number in the namespace: its thread id here and
	 * there; 0: none has. Thread ids are given out in a circle, so the newest is the
	 * one that is nearest behind the last one given out. */
	pid_t newest_tid, newest_pid;
};

struct taskwalk {
	int procfd;              /* not owned */
	const char *file;        /* "tasks" or "cgroup.threads" */
	unsigned level;          /* of the pid namespace below ours; see taskwalk_level */
	int dir[TASKWALK_DEPTH]; /* owned; the way from the top to where it is */
	int depth;               /* directories open */
	int tasks;               /* the list being read, -1: none; owned */
	bool entered;            /* the list of dir[depth - 1] has been dealt with */
	pid_t last_tid;          /* last thread id that our namespace gave out */
	pid_t tid;               /* digits of a number so far */
	unsigned at, len;        /* of chunk */
	_Alignas(8) char chunk[TASKWALK_CHUNK];
	struct taskwalk_counts counts;
};

/* A walk that holds nothing. taskwalk_end is always safe on it. */
void taskwalk_init(struct taskwalk *walk);

/* Begins at the cgroup directory behind dirfd, which the walk takes over, also on
 * failure. `file` is the name of the task list and must live as long as the walk; procfd,
 * the procfs of our own pid namespace, stays the caller's. */
void taskwalk_start(
	struct taskwalk *walk, int procfd, int dirfd, const char *file, unsigned level);

enum { TASKWALK_DONE = 0, TASKWALK_MORE = 1 };

/* A little more of it: a file or directory opened, a chunk read, or one task looked at.
 * TASKWALK_MORE, or TASKWALK_DONE with walk->counts final. What vanishes meanwhile is
 * left out. */
int taskwalk_step(struct taskwalk *walk);

/* Closes what it holds. The counts stay. */
void taskwalk_end(struct taskwalk *walk);

/* How many pid namespaces below ours the process's own is: the index in the NSpid line of
 * its number there. 0 or more; -errno. */
int taskwalk_level(int procfd, pid_t pid);

/* The number of a task of ours in the namespace `level` levels down; 0 when it has none
 * or is gone. */
pid_t taskwalk_pid_at(int procfd, pid_t tid, unsigned level);

/* Whether thread id a was given out after b, when `last` is the last one of all. */
bool taskwalk_newer(pid_t a, pid_t b, pid_t last);

/* The last thread id that our namespace gave out (last field of /proc/loadavg); 0 when it
 * cannot be told. */
pid_t taskwalk_last_tid(int procfd);

#endif

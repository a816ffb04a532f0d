/*
 * The identity of a process's namespaces, and of the process.
 */
#ifndef NSUTIL_NSID_H
#define NSUTIL_NSID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Inode numbers of nsfs: unique among the namespaces alive at one moment. */
enum ns_kind { NS_PID, NS_CGROUP };

/* The namespace of a thread, by its entry below procfd. 0 or -errno: -ENOENT when it is
 * gone (-ESRCH likewise), -EACCES when we may not trace it. */
int nsid_of(int procfd, pid_t tid, enum ns_kind kind, uint64_t *ino);

/* The same namespace, opened; the caller closes it. -errno. */
int nsid_open(int procfd, pid_t tid, enum ns_kind kind);
/* The same if it is the one with that number, else -ESRCH. */
int nsid_open_as(int procfd, pid_t tid, enum ns_kind kind, uint64_t ino);

/* The outermost of the pid namespaces around the one behind nsfd, and of itself, which is
 * `ino`, that is below `own`, which is ours; 0 when that is `ino`. *parent is the one
 * just around it. Before Linux 4.9, and when it cannot be told, the outermost is taken to
 * be itself, and *parent is 0. */
uint64_t nsid_outermost(int nsfd, uint64_t ino, uint64_t own, uint64_t *parent);

/* The cgroup namespace that a pid namespace with this init was made in: that of the
 * topmost of init's ancestors in `parent`, the pid namespace around it; its own init,
 * unless somebody from further outside has entered it. 0 when it cannot be told. */
uint64_t nsid_cgns_around(int procfd, pid_t init, uint64_t parent);

/* A number of the thread's directory in procfs, which no later thread with the same id
 * has. It may change while the thread lives. 0 or -errno. */
int nsid_of_proc(int procfd, pid_t tid, uint64_t *ino);

/* When the process started: CLOCK_BOOTTIME, ns, at the resolution of a clock tick (field
 * 22 of /proc/PID/stat). 0 or -errno. */
int nsid_start_time(int procfd, pid_t pid, long hz, uint64_t *start_ns);

/* Nanoseconds that the time namespace of the process's children (Linux 5.6) adds to the
 * CLOCK_BOOTTIME of the initial one. It is the process's own namespace except between
 * unshare(2) and execve(2). Reading takes no lock but the task's spinlock. 0 or -errno:
 * -ENOENT when the process is gone or the kernel has no time namespaces. */
int nsid_boot_offset(int procfd, pid_t pid, int64_t *offset_ns);

/* Whether the innermost number of NSpid in /proc/PID/status is 1 (Linux 4.1): pid is the
 * init of its namespace. 1, 0, or -errno. */
int nsid_is_init(int procfd, pid_t pid);

/* Whether the thread `tid` has ended, which a process survives if it has others. False
 * when there is none. */
bool nsid_is_zombie(int procfd, pid_t tid);

/* Whether the thread is there and has no SIGKILL pending (SigPnd of /proc/TID/status). */
bool nsid_is_to_live(int procfd, pid_t tid);

#endif

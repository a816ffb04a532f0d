/*
 * The pidfile: holds the process id of the keeper, and its lock (fcntl(2), as lxcfs
 * takes) for as long as that lives. A file that nobody has locked is a dead daemon's.
 */
#ifndef DAEMON_PIDFILE_H
#define DAEMON_PIDFILE_H

#include <stdbool.h>

/* Creates or takes over the file (NULL: there is none), locks it and writes the process
 * id. Waits for a second for a daemon that is ending. After an upgrade, goes on with the
 * lock, and if that is lost does without. False after a line on standard error: another
 * process holds the file, which is left alone, or it cannot be written. */
bool pidfile_take(const char *path, bool resumed);

/* Lets the next binary, which this process executes, have the lock; or not any more. */
void pidfile_hand_on(bool pass);

/* In a child: closes the descriptor, which gives up no lock. */
void pidfile_drop(void);

/* Removes the file, unless another has taken its name, and gives up the lock. Nothing in
 * a child. */
void pidfile_release(void);

/* The process that holds the file; 0: none, or it cannot be told. */
int pidfile_holder(const char *path);

#endif

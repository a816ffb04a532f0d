/*
 * The event loop. All of libev is behind these few calls; watchers call back with the
 * pointer they were given.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

struct loop;
struct loop_fd;
struct loop_timer;

typedef void loop_callback(void *arg);

/* 0 or -errno. */
int loop_new(struct loop **out);
void loop_free(struct loop *loop);

/* Runs until loop_stop: 0. -ENOMEM without memory to go on when epoll refuses a
 * descriptor. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Calls back whenever fd is readable, until loop_fd_free. The descriptor stays the
 * caller's, who closes it after loop_fd_free. 0 or -errno. */
int loop_fd_new(
	struct loop *loop, struct loop_fd **out, int fd, loop_callback *call, void *arg);
void loop_fd_free(struct loop_fd *watch);

/* A timer that is not running. 0 or -errno. */
int loop_timer_new(
	struct loop *loop, struct loop_timer **out, loop_callback *call, void *arg);
void loop_timer_free(struct loop_timer *timer);
/* Calls back once, `seconds` from now; starting it again moves that. */
void loop_timer_start(struct loop_timer *timer, double seconds);
/* Calls back once in the next iteration, which looks at every descriptor but waits for
 * none: for work that is done in slices. */
void loop_timer_soon(struct loop_timer *timer);
void loop_timer_stop(struct loop_timer *timer);

/* Calls back when the signal has come. At most LOOP_SIGNALS. 0 or -errno. */
enum { LOOP_SIGNALS = 8 };
int loop_signal(struct loop *loop, int signum, loop_callback *call, void *arg);

#endif

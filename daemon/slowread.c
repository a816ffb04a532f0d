/*
 * One helper for one file; who comes while it reads waits for the next reading, so that
 * nobody gets what is older than their request. A helper stuck in the kernel keeps its
 * place until it ends, and only readers of such files notice.
 */
#include "daemon/slowread.h"

#include "daemon/log.h"
#include "nsutil/cleanup.h"
#include "nsutil/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum slow_state { SLOW_FREE, SLOW_READING, SLOW_DONE, SLOW_STUCK };

struct slowread {
	struct slowreads *all;
	enum slow_state state;
	uint64_t key; /* of those whose request came before the reading began */
	int result;   /* of SLOW_DONE: 0 or -errno */
	int dirfd;
	char path[512];
	struct helper helper;
	struct loop_fd *watch;
	struct loop_timer *timer;
};

struct slowreads {
	struct server *server;
	uint64_t serial;
	struct textbuf text; /* of the reading that is being handed out */
	struct slowread read[SLOWREADS];
};

/* Those who came later wait on the key's neighbour; those who found no place, on this. */
#define LATE 1
#define PARK_PLACE PARK_SLOW

_Static_assert(
	(int)SLOWREAD_SECONDS <= (int)PARK_SECONDS, "the watchdog would not wait for it");

/* Directories of sysfs attributes that are plain variables of the kernel. */
static const char quick[][16] = {
	"topology", "cache", "vulnerabilities", "smt", "power", "hotplug", "cpuidle"};

bool slowread_needed(const struct node_info *file)
{
	const char *p = file->path, *slash = strchr(p, '/');

	if (file->row)
		return false;
	/* The lists and switches at the top, and a CPU's own. */
	if (!slash)
		return false;
	if (!strncmp(p, "cpu", 3) && p[3] >= '0' && p[3] <= '9') {
		p = slash + 1;
		slash = strchr(p, '/');
		if (!slash)
			return false;
	}
	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		if (strlen(quick[i]) == (size_t)(slash - p) &&
			!memcmp(quick[i], p, (size_t)(slash - p)))
			return false;
	return true;
}

RAW_CHILD static int child(const void *arg)
{
	const struct helper_job *job = arg;

	return helper_follow(job) ? -helper_copy_file(job) : EIO;
}

RAW_CHILD static int child_nearest(const void *arg)
{
	const struct helper_job *job = arg;

	return helper_follow(job) ? -helper_copy_nearest(job) : EIO;
}

static void slow_end(struct slowread *slow)
{
	loop_fd_free(slow->watch);
	loop_timer_free(slow->timer);
	helper_deinit(&slow->helper);
	*slow = (struct slowread){.all = slow->all, .helper = HELPER_NULL};
}

/* Hands the result to those it was read for; then it is old. */
static void deliver(struct slowread *slow)
{
	struct server *server = slow->all->server;
	uint64_t key = slow->key;

	slow->state = SLOW_DONE;
	serve_wake(server, key, false);
}

static int take_text(struct slowread *slow)
{
	struct textbuf *text = &slow->all->text;
	int r = procfile_drain(slow->helper.in, text);

	if (r == 0 && slow->helper.status)
		r = slow->helper.status > 0 ? -slow->helper.status : -EIO;
	if (r < 0)
		return r;
	if (!text->len || text->data[text->len - 1])
		return -EIO;
	text->len--;
	return 0;
}

static void on_end(void *arg)
{
	struct slowread *slow = arg;
	struct server *server = slow->all->server;
	uint64_t key = slow->key;

	if (!helper_ended(&slow->helper))
		return;
	if (slow->state == SLOW_READING) {
		slow->result = take_text(slow);
		deliver(slow);
	}
	slow_end(slow);
	serve_wake(server, key | LATE, false);
	serve_wake(server, PARK_PLACE, false);
}

/* Its readers wait no longer; the place is free when the helper has ended. */
static void on_deadline(void *arg)
{
	struct slowread *slow = arg;
	struct server *server = slow->all->server;
	static struct log_limit limit;

	if (slow->state != SLOW_READING)
		return;
	if (log_allowed(&limit, serve_now()))
		log_warnx(
			"reading %s takes more than %d s", slow->path, SLOWREAD_SECONDS);
	helper_kill(&slow->helper);
	slow->state = SLOW_STUCK;
	serve_wake(server, slow->key, true);
	serve_wake(server, slow->key | LATE, true);
	serve_wake(server, PARK_PLACE, false);
}

static struct slowread *slow_find(struct slowreads *reads, int dirfd, const char *path)
{
	for (int i = 0; i < SLOWREADS; i++)
		if (reads->read[i].state != SLOW_FREE && reads->read[i].dirfd == dirfd &&
			!strcmp(reads->read[i].path, path))
			return &reads->read[i];
	return NULL;
}

static struct slowread *slow_free(struct slowreads *reads)
{
	for (int i = 0; i < SLOWREADS; i++) {
		struct slowread *slow = &reads->read[i];

		/* Where its end could not be watched. */
		if (slow->state == SLOW_STUCK && !slow->watch &&
			helper_ended(&slow->helper))
			slow_end(slow);
		if (slow->state == SLOW_FREE)
			return slow;
	}
	return NULL;
}

/* Nobody knows when one of them ends. */
static bool all_stuck(const struct slowreads *reads)
{
	for (int i = 0; i < SLOWREADS; i++)
		if (reads->read[i].state != SLOW_STUCK)
			return false;
	return true;
}

static int park(struct server *server, uint64_t on, uint64_t *key)
{
	const unsigned most = on == PARK_PLACE ? SLOWREAD_PLACES : SLOWREAD_QUOTA;

	if (parked_on(&server->parked, on) >= most)
		return -EBUSY;
	*key = on;
	return SUBJECT_PARK;
}

static int start(struct slowread *slow, int dirfd, const char *path, bool nearest)
{
	struct slowreads *reads = slow->all;
	struct server *server = reads->server;
	struct helper_job job = {.procfd = dirfd, .nsfd = -1};
	int r;

	slow->dirfd = dirfd;
	snprintf(slow->path, sizeof(slow->path), "%s", path);
	snprintf(job.path, sizeof(job.path), "%s", path);
	r = loop_timer_new(server->loop, &slow->timer, on_deadline, slow);
	if (r == 0)
		r = helper_start(&slow->helper, nearest ? child_nearest : child, &job);
	/* Where that fails SIGCHLD tells of its end. */
	if (r == 0 && slow->helper.pidfd >= 0)
		loop_fd_new(server->loop, &slow->watch, slow->helper.pidfd, on_end, slow);
	if (r < 0) {
		helper_kill(&slow->helper);
		slow->state = slow->helper.pid ? SLOW_STUCK : SLOW_FREE;
		if (slow->state == SLOW_FREE)
			slow_end(slow);
		return r;
	}
	slow->state = SLOW_READING;
	slow->key = PARK_SLOW | ++reads->serial << 1;
	loop_timer_start(slow->timer, SLOWREAD_SECONDS);
	return 0;
}

int slowread_get(struct server *server, int dirfd, const char *path, bool nearest,
	bool give_up, struct slice *text, uint64_t *key)
{
	struct slowreads *reads = server->slowreads;
	struct slowread *slow = slow_find(reads, dirfd, path);
	int r;

	if (slow && slow->state == SLOW_DONE) {
		if (slow->result == 0)
			*text = (struct slice){reads->text.data, reads->text.len};
		return slow->result;
	}
	if (give_up)
		return -EIO;
	if (slow)
		return slow->state == SLOW_STUCK ? -EIO
						 : park(server, slow->key | LATE, key);
	slow = slow_free(reads);
	if (!slow)
		return all_stuck(reads) ? -EIO : park(server, PARK_PLACE, key);
	r = start(slow, dirfd, path, nearest);
	if (r < 0)
		return r;
	*key = slow->key;
	return SUBJECT_PARK;
}

static void on_child(void *arg)
{
	struct slowreads *reads = arg;

	for (int i = 0; i < SLOWREADS; i++)
		if (reads->read[i].state != SLOW_FREE && !reads->read[i].watch)
			on_end(&reads->read[i]);
}

int slowread_new(struct slowreads **out, struct server *server)
{
	struct slowreads *reads = calloc(1, sizeof(*reads));

	if (!reads)
		return -ENOMEM;
	reads->server = server;
	for (int i = 0; i < SLOWREADS; i++) {
		reads->read[i].all = reads;
		reads->read[i].helper = HELPER_NULL;
	}
	*out = reads;
	return loop_signal(server->loop, SIGCHLD, on_child, reads);
}

void slowread_free(struct slowreads *reads)
{
	if (!reads)
		return;
	for (int i = 0; i < SLOWREADS; i++) {
		if (reads->read[i].state == SLOW_FREE)
			continue;
		helper_leave(&reads->read[i].helper);
		slow_end(&reads->read[i]);
	}
	textbuf_deinit(&reads->text);
	free(reads);
}

/*
 * See subject_log.h.
 */
#include "daemon/subject_log.h"

#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char data[300];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(
	struct text *text, const char *fmt, ...)
{
	const size_t room = sizeof(text->data) - text->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->data + text->len, room, fmt, ap);
	va_end(ap);
	text->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* " memory,cpu:/a cpuset:/b": hierarchies in the order of the layout. Neighbours with the
 * same path share its text. */
static void describe(
	const struct cg_layout *layout, const struct container *ct, struct text *text)
{
	const char *last = NULL;

	for (int i = 0; i < ct->hierarchies; i++) {
		const struct cg_hierarchy *h = &layout->hierarchy[i];
		const char *path = ct->path[i];

		if (!path)
			continue;
		if (last && path != last)
			add(text, ":%s", *last ? last : "/");
		add(text, "%s%s", path == last ? "," : " ",
			*h->name ? h->name : h->version->name);
		last = path;
	}
	if (last)
		add(text, ":%s", *last ? last : "/");
	else
		add(text, " none");
}

/* How its init was found. */
static const char *way(const struct server *server, const struct container *ct)
{
	if (!ct->init)
		return "a cgroup of the host";
	return server->no_ioctl ? "by a helper" : "by ioctl";
}

static void on_change(void *arg, const struct container *ct, bool learned)
{
	const struct server *server = arg;
	struct text cgroups = {.len = 0};

	describe(&server->layout, ct, &cgroups);
	log_debug("%s container: pid namespace %llu, init %d (%s), cgroup%s",
		learned ? "learned" : "forgot", (unsigned long long)ct->pidns,
		(int)ct->init, way(server, ct), cgroups.data);
}

void subject_log_watch(struct server *server)
{
	if (!log_verbose)
		return;
	server->pidns.watch = on_change;
	server->pidns.watch_arg = server;
}

void subject_log_host(enum host_reason why, pid_t tid, int error, uint64_t now_ns)
{
	static struct log_limit limits[HOST_REASONS];
	static const char *const reasons[HOST_REASONS] = {
		[HOST_UNSEEN] = "its pid namespace is not below the daemon's",
		[HOST_SIGUSR2] = "SIGUSR2 asked for it",
		[HOST_UNKNOWN] = "its container cannot be told",
		[HOST_ITSELF] = "it is a process of the host",
		[HOST_NOWHERE] = "its container is in no mounted cgroup hierarchy",
	};
	struct log_limit *limit = &limits[why];
	unsigned long held = limit->held;

	if (!log_verbose || !log_allowed(limit, now_ns))
		return;
	limit->held = 0;
	log_debug("thread %d gets the host's files: %s%s%s (%lu more before)", (int)tid,
		reasons[why], error ? ": " : "", error ? strerror(-error) : "", held);
}

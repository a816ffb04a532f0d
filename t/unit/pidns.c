/*
 * cache/pidns: who belongs together, and what is forgotten when. Real pid namespaces,
 * made-up cgroups.
 */
#include "cache/pidns.h"

#include "cache/callers.h"
#include "nsutil/cleanup.h"
#include "nsutil/initpid.h"
#include "nsutil/nsid.h"
#include "t/unit/fixture.h"
#include "t/unit/namespace.h"
#include "t/unit/tap.h"

#include <dirent.h>

enum { HOST_NS = 7, HOST_CG = 8 };

#define SECOND UINT64_C(1000000000)

static struct fixture f;
static struct cgns cgns;
static struct pidns cache;
static pid_t init;
static uint64_t ns;

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The memory path of a container, "-" in no hierarchy, "host", or an error. */
static const char *told(int r, const struct container *ct)
{
	if (r == PIDNS_NEEDS_INIT)
		return "needs init";
	if (r < 0)
		return strerror(-r);
	if (!ct)
		return "host";
	return ct->path[0] ? ct->path[0] : "-";
}

static const char *learn(uint64_t pidns, uint64_t cg, const char *outer,
	const char *inner, uint64_t now, struct container **out)
{
	struct caller caller = {1234, pidns, cg};
	struct cgtexts texts = {outer, inner};
	autofd pin = cg == HOST_CG ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct container *ct = NULL;
	int r = pidns_learn(&cache, &caller, &texts, &pin, now, &ct);

	if (out)
		*out = ct;
	return told(r, ct);
}

static int learn_init(uint64_t cg, const char *outer, const char *inner, uint64_t now)
{
	struct caller caller = {init, ns, cg};
	struct cgtexts texts = {outer, inner};
	autofd pin = cg == HOST_CG ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);

	return pidns_learn_init(&cache, &caller, outer ? &texts : NULL, &pin, now);
}

static const char *found(uint64_t pidns, uint64_t cg, uint64_t now)
{
	struct container *ct = pidns_find(&cache, &(struct caller){1, pidns, cg}, now);

	return ct ? told(0, ct) : "unknown";
}

static void test_add(void)
{
	struct container *ct;
	pid_t other;

	is_str(learn(ns, 50, "0::/ct\n", "0::/\n", 1, NULL), "No such process",
		"nothing is learned of an unknown namespace");
	is_int(pidns_add(&cache, ns, getpid(), 1), -ESRCH,
		"a process of another namespace");
	is_int(pidns_add(&cache, ns + 1, init, 1), -ESRCH, "another number");
	other = ns_member(init);
	is_int(pidns_add(&cache, ns, other, 1), -ESRCH, "one of it that is not its init");
	ns_end(other);
	ok(pidns_add(&cache, ns, other, 1) < 0, "one that has ended");
	other = ns_init(0);
	is_int(pidns_add(&cache, ns, other, 1), -ESRCH,
		"an init whose number was used again by another namespace's");
	ns_end(other);
	ok(!pidns_known(&cache, ns), "not remembered");
	is_int(pidns_add(&cache, ns, init, 1), 0, "its init");
	ok(pidns_known(&cache, ns) && pidns_init_of(&cache, ns) == init, "remembered");
	is_str(learn(ns, 50, "0::/ct/a\n", "0::/a\n", 1, &ct), "/ct",
		"the namespace's root");
	ok(ct && ct->init == init && ct->start_ns && ct->pidns == ns && ct->cgns == 50,
		"who it is");
	is_str(found(ns, 50, 2), "/ct", "found by its namespaces alone");
	is_str(found(ns, 51, 2), "unknown", "another cgroup namespace, as in a pod");
	is_str(learn(ns, 51, "0::/other\n", "0::/\n", 1, NULL), "/other",
		"has another root");
	is_str(found(ns, 50, 2), "/ct", "the first is as it was");
}

/* An answer is about a process; whether that is still who was asked for is seen again
 * once its pidfd is open. */
static void test_used_again(void)
{
	pid_t old = ns_init(0), member;
	uint64_t number = 0;

	nsid_of(cgns.procfd, old, NS_PID, &number);
	ns_end(old);
	ok(pidns_add(&cache, number, old, 1) < 0, "an init that ended after the answer");
	ok(!pidns_known(&cache, number), "is not remembered");
	old = ns_init(0);
	nsid_of(cgns.procfd, old, NS_PID, &number);
	is_int(pidns_add(&cache, number, old, 1), 0, "another one");
	member = ns_member(old);
	/* An init is there until all others of its namespace have been waited for. */
	kill(old, SIGKILL);
	waitpid(member, NULL, 0);
	waitpid(old, NULL, 0);
	pidns_prune(&cache, 2);
	ok(!pidns_known(&cache, number),
		"a namespace that is gone is forgotten, whoever gets its number");
}

static void test_outer(void)
{
	pid_t outer, inner = ns_nested(&outer);
	uint64_t in = 0, out = 0, here = 0;
	struct pidns own;

	nsid_of(cgns.procfd, getpid(), NS_PID, &here);
	nsid_of(cgns.procfd, inner, NS_PID, &in);
	nsid_of(cgns.procfd, outer, NS_PID, &out);
	if (pidns_init(&own, &cgns, here, 100, f.files) < 0)
		err(1, "pidns_init");
	ok(in != out && pidns_outer(&own, in) == in,
		"a namespace that is not known is its own outermost one");
	is_int(pidns_add(&own, in, inner, 1), 0, "one in another one");
	is_u64(pidns_outer(&own, in), out, "that one is the outermost");
	is_int(pidns_add(&own, out, outer, 1), 0, "which itself");
	is_u64(pidns_outer(&own, out), out, "is in none but ours");
	ns_end(outer);
	pidns_deinit(&own);
}

/* What the kernel itself says, from Linux 6.11 on. */
static void test_ask(void)
{
	pid_t other = ns_init(0);
	autofd nsfd = nsid_open(cgns.procfd, other, NS_PID);
	bool can = initpid_ioctl(nsfd) > 0;
	struct container *ct;
	uint64_t number = 0, start = 0;

	nsid_of(cgns.procfd, other, NS_PID, &number);
	nsid_start_time(cgns.procfd, other, 100, &start);
	is_int(pidns_ask(&cache, number, nsfd, 1), can ? 0 : initpid_ioctl(nsfd),
		"the kernel is asked for an init");
	is_int(pidns_init_of(&cache, number), can ? other : 0, "which is that one");
	learn(number, 60, "0::/ct\n", "0::/\n", 1, &ct);
	ok(!can || (ct && ct->start_ns == start), "when it started");
	ns_end(other);
	pidns_prune(&cache, 2);
	ok(!pidns_known(&cache, number), "forgotten when it has ended");
	ok(pidns_ask(&cache, number, nsfd, 3) < 0 && !pidns_known(&cache, number),
		"a namespace without an init");
}

/* A caller that shows no root: moved out of its namespace, or in ours. */
static void test_init(void)
{
	struct container *ct, *same;

	is_str(learn(ns, 60, "0::/out\n", "0::/../out\n", 1, NULL), "needs init",
		"a caller outside of its namespace's root");
	ok(pidns_init_due(&cache, ns, SECOND, 1), "the init is to be looked at");
	is_int(learn_init(60, "0::/c60/init.scope\n", "0::/init.scope\n", 1), 0,
		"it tells");
	ok(!pidns_init_due(&cache, ns, SECOND, SECOND), "which is good for a second");
	ok(pidns_init_due(&cache, ns, SECOND, SECOND + 1), "and no longer");
	is_str(learn(ns, 60, "0::/out\n", "0::/../out\n", 1, NULL), "/c60",
		"init's root");
	is_str(learn(ns, 61, "0::/out\n", "0::/../out\n", 1, &ct), "/out",
		"in another namespace than init: where the caller is");
	is_str(learn(ns, 61, "0::/out2\n", "0::/../out2\n", 1, NULL), "/out2",
		"which is not remembered for the namespace");

	is_str(learn(ns, HOST_CG, "0::/c60/service\n", NULL, 1, &ct), "/c60",
		"in our cgroup namespace, below the container's cgroup");
	is_str(learn(ns, HOST_CG, "0::/c60\n", NULL, 1, &same), "/c60", "in that cgroup");
	ok(ct && ct == same, "are the same container");
	is_str(learn(ns, HOST_CG, "0::/c60x\n", NULL, 1, &ct), "/c60",
		"a caller that shares the root alone with the container belongs to it");
	is_str(learn(ns, HOST_CG, "0::/\n", NULL, 1, NULL), "/c60",
		"a caller in the root belongs to the container");
	learn_init(HOST_CG, "0::/pod/c61\n", NULL, 1);
	is_str(learn(ns, HOST_CG, "0::/pod/c61x\n", NULL, 1, &ct), "/pod/c61x",
		"a sibling in the pod is itself");
	ok(ct && ct->cgns >> 63 && ct->init == init, "a sibling has the pod's init");
	learn_init(HOST_CG, "0::/\n", NULL, 1);
	is_str(learn(ns, HOST_CG, "0::/work\n", NULL, 1, NULL), "/work",
		"work beside an init in the root is itself");
	is_str(learn(ns, HOST_CG, "0::/\n", NULL, 1, &ct), "",
		"a caller in the root beside an init in the root is there");

	is_int(learn_init(HOST_CG, "0::/bare/init.scope\n", NULL, 2), 0,
		"an init in our cgroup namespace");
	is_str(learn(ns, HOST_CG, "0::/bare/x\n", NULL, 2, NULL), "/bare",
		"counts without what systemd adds");
	is_int(learn_init(HOST_CG, "0::/moved\n", NULL, 3), 0, "it moves");
	is_str(learn(ns, HOST_CG, "0::/moved\n", NULL, 3, NULL), "/moved",
		"with its container");
	is_int(learn_init(60, NULL, NULL, 4), 0, "it cannot be read");
	is_str(learn(ns, HOST_CG, "0::/moved\n", NULL, 4, NULL), "/moved",
		"what was known stays");
}

static void test_host(void)
{
	struct container *a, *b;

	is_str(learn(HOST_NS, HOST_CG, "0::/\n", NULL, 1, NULL), "host",
		"the root is the host");
	is_str(learn(HOST_NS, HOST_CG, "0::/a\n", NULL, 1, &a), "/a",
		"another cgroup is itself");
	ok(a && a->init == 0 && a->start_ns == 0, "and is as old as the host");
	is_str(learn(HOST_NS, HOST_CG, "0::/b\n", NULL, 1, &b), "/b", "one more");
	ok(b && b->cgns != a->cgns && b->id != a->id, "is another");
	is_str(learn(HOST_NS, HOST_CG, "0::/a\n", NULL, 1, &b), "/a", "the first again");
	ok(a == b, "is the same");
	is_str(learn(HOST_NS, 70, "0::/c70/x\n", "0::/x\n", 1, NULL), "/c70",
		"a cgroup namespace of its own");
	is_str(found(HOST_NS, 70, 1), "/c70", "is found by it");
	is_str(learn(HOST_NS, 71, "0::/\n", "0::/\n", 1, &a), "-",
		"one whose root is the hierarchy's");
	ok(a && container_is_nowhere(a), "is nowhere");
}

/* The same path is another cgroup when it was made anew. */
static void test_again(void)
{
	struct container *ct;
	uint64_t first;

	fixture_write(&f, "cgroup/again/memory.max", "1\n");
	learn(HOST_NS, HOST_CG, "0::/again\n", NULL, 1, &ct);
	first = ct->cgns;
	learn(HOST_NS, HOST_CG, "0::/again\n", NULL, SECOND, &ct);
	is_u64(ct->cgns, first, "the same cgroup after a second");
	/* Another directory takes the inode number, where the file system gives it again.
	 */
	fixture_remove(&f, "cgroup/again");
	fixture_write(&f, "cgroup/new/memory.max", "1\n");
	fixture_write(&f, "cgroup/again/memory.max", "1\n");
	learn(HOST_NS, HOST_CG, "0::/again\n", NULL, SECOND * 2, &ct);
	ok(ct->cgns != first, "made anew");
	/* A cgroup namespace's number is used again when nobody has the first any more:
	 * what is remembered of that (history) must not be found by it. */
	learn(HOST_NS, 90, "0::/again\n", "0::/\n", 1, &ct);
	first = ct->cgns;
	is_u64(first >> 63, 0, "told from one without a namespace");
	pidns_prune(&cache, 1 + PIDNS_IDLE_NS);
	is_str(found(HOST_NS, 90, 1), "unknown", "a cgroup namespace that is forgotten");
	learn(HOST_NS, 90, "0::/again\n", "0::/\n", 1, &ct);
	is_u64(ct->cgns, first, "is the same when it comes again");
	pidns_prune(&cache, 1 + PIDNS_IDLE_NS);
	learn(HOST_NS, 90, "0::/new\n", "0::/\n", 1, &ct);
	ok(ct->cgns != first, "and another of that number is not");
	is_str(found(HOST_NS, 90, 1 + SECOND), "/new",
		"it stays while its root is there");
	fixture_remove(&f, "cgroup/new");
	is_str(found(HOST_NS, 90, 1 + SECOND), "/new", "looked at now and then");
	is_str(found(HOST_NS, 90, 1 + 2 * SECOND), "unknown", "removed");
	learn(HOST_NS, 90, "0::/elsewhere\n", "0::/\n", 1, &ct);
	is_str(found(HOST_NS, 90, SECOND), "/elsewhere", "and where it is now");
	is_str(found(HOST_NS, 90, 3 * SECOND), "/elsewhere", "also if it is not there");
}

static void test_bounds(void)
{
	unsigned before;
	char text[64];

	learn(ns, 50, "0::/ct\n", "0::/\n", 9, NULL);
	for (unsigned i = 0; i < 3 * PIDNS_PER_SPACE; i++) {
		snprintf(text, sizeof(text), "0::/many%u\n", i);
		learn(HOST_NS, HOST_CG, text, NULL, 10 + i, NULL);
	}
	before = cache.count;
	learn(HOST_NS, HOST_CG, "0::/one-more\n", NULL, 5000, NULL);
	is_u64(cache.count, before, "the cgroups of one pid namespace are bounded");
	is_str(found(ns, 50, 9), "/ct", "and take no other's place");
}

/* A hierarchy that came later is seen. */
static void test_layout(void)
{
	learn(ns, 80, "0::/c80\n", "0::/\n", 1, NULL);
	is_str(found(ns, 80, 1), "/c80", "found");
	ok(cg_layout_add(&f.layout, open("/dev/null", O_PATH | O_CLOEXEC), "/", "memory",
		   &cg_v1, "memory") == 0,
		"a hierarchy more");
	is_str(found(ns, 80, 1), "unknown", "looked up anew");
	learn_init(HOST_CG, "1:memory:/m\n0::/u\n", NULL, 1);
	is_str(learn(ns, HOST_CG, "1:memory:/m\n0::/u\n", NULL, 1, NULL), "/u",
		"in both");
}

/* Callers in our cgroup namespace, in the two hierarchies that test_layout leaves. */
static void test_hierarchies(void)
{
	static const struct {
		const char *init, *caller, *want, *what;
	} table[] = {
		{"1:memory:/d/ct\n0::/d/ct\n", "1:memory:/d/ct/x\n0::/\n", "/d/ct",
			"below in one, in the root of the other: the container"},
		{"1:memory:/d/ct\n0::/d/ct\n", "1:memory:/d/ct\n0::/other\n", "/d/ct",
			"below in one, elsewhere in the other: the container"},
		{"1:memory:/d/ct\n0::/d/ct\n", "1:memory:/\n0::/user.slice/s\n", "/d/ct",
			"a login session in one, in the root of the other: the container"},
		{"1:memory:/d/ct\n0::/d/ct\n", "1:memory:/d/ct\n0::/d/b\n", "/d/b",
			"beside in one: itself"},
		{"1:memory:/d/ct\n0::/d/ct\n", "1:memory:/d/b\n0::/x\n", "/x",
			"beside in the other: itself"},
		{"1:memory:/d/ct\n0::/\n", "1:memory:/d/ct\n0::/x\n", "",
			"below in one, the init in the root of the other: the container"},
		{"1:memory:/d/ct\n0::/\n", "1:memory:/\n0::/x\n", "/x",
			"the init in the root where the caller is not: itself"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		learn_init(HOST_CG, table[i].init, NULL, 1);
		is_str(learn(ns, HOST_CG, table[i].caller, NULL, 1, NULL), table[i].want,
			table[i].what);
	}
}

static void test_forgetting(void)
{
	int before;
	pid_t other = ns_init(0);
	uint64_t number = 0;

	pidns_deinit(&cache);
	before = descriptors();
	if (pidns_init(&cache, &cgns, HOST_NS, 100, f.files) < 0)
		return;
	pidns_add(&cache, ns, init, 1);
	learn(ns, 50, "0::/ct\n", "0::/\n", 1, NULL);
	is_int(descriptors(), before + 2, "two descriptors for a container");
	nsid_of(cgns.procfd, other, NS_PID, &number);
	pidns_add(&cache, number, other, 1);
	learn(number, 55, "0::/o\n", "0::/\n", 1, NULL);
	is_str(found(ns, 50, PIDNS_IDLE_NS), "/ct", "used");
	pidns_prune(&cache, PIDNS_IDLE_NS + 1);
	is_str(found(number, 55, 1), "unknown", "who did not ask for long is forgotten");
	is_str(found(ns, 50, PIDNS_IDLE_NS), "/ct", "who did is not");
	pidns_prune(&cache, PIDNS_IDLE_NS * 3);
	is_u64(cache.count, 0, "all is forgotten in the end");
	is_int(descriptors(), before, "and its descriptors given back");

	pidns_add(&cache, number, other, 1);
	learn(number, 55, "0::/o\n", "0::/\n", 1, NULL);
	ns_end(other);
	pidns_prune(&cache, 2);
	is_u64(cache.count, 0, "the dead are forgotten at once");
}

/* Without anybody pruning. */
static void test_storm(void)
{
	unsigned most = 0;

	for (int i = 0; i < 400; i++) {
		pid_t pid = ns_init(0);
		uint64_t number = 0;

		nsid_of(cgns.procfd, pid, NS_PID, &number);
		pidns_add(&cache, number, pid, 1);
		learn(number, 90, "0::/storm\n", "0::/\n", 1, NULL);
		ns_end(pid);
		most = cache.count > most ? cache.count : most;
	}
	ok(most < 200, "the dead make room for the new");
	printf("# at most %u\n", most);
}

static void test_callers(void)
{
	struct callers callers = {0};
	const struct caller caller = {100, 1, 2}, other = {100, 1, 3};

	ok(!callers_find(&callers, &caller, 5), "nothing is known");
	callers_put(&callers,
		&(struct caller_verdict){.caller = caller, .proc = 5, .key = 9});
	ok(callers_find(&callers, &caller, 5) &&
			callers_find(&callers, &caller, 5)->key == 9,
		"known");
	ok(!callers_find(&callers, &caller, 6), "not a later thread with that number");
	ok(!callers_find(&callers, &other, 5), "not in another namespace");
	callers_deinit(&callers);
	ok(!callers_find(&callers, &caller, 5), "forgotten");
}

int main(void)
{
	if (geteuid())
		return tap_skip_all("needs root");
	if (!ns_allowed(CLONE_NEWCGROUP))
		return tap_skip_all("namespaces are refused here");
	fixture_new(&f);
	fixture_write(&f, "cgroup/cgroup.controllers", "memory cpu\n");
	fixture_load(&f);
	cgns = (struct cgns){.procfd = ns_proc(), .own = -1, .own_ino = HOST_CG};
	init = ns_init(0);
	nsid_of(cgns.procfd, init, NS_PID, &ns);
	if (pidns_init(&cache, &cgns, HOST_NS, 100, f.files) < 0)
		return 1;
	test_add();
	test_used_again();
	test_outer();
	test_ask();
	test_init();
	test_host();
	test_again();
	test_bounds();
	test_layout();
	test_hierarchies();
	test_forgetting();
	test_storm();
	test_callers();
	pidns_deinit(&cache);
	close(cgns.procfd);
	fixture_deinit(&f);
	ns_end(init);
	return tap_done();
}

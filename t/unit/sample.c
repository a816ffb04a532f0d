/*
 * daemon/sample: who is found, who is walked next, and who makes room.
 */
#include "daemon/sample.h"

#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <err.h>
#include <stdlib.h>

static const uint64_t second = 1000000000;

static struct fixture f;
static struct samples *samples;

static void begin(const char *version)
{
	char path[64];

	fixture_new(&f);
	fixture_write(&f, "cgroup/cgroup.controllers", "cpu");
	snprintf(path, sizeof(path), "cgroup/%s", version);
	if (*version) {
		fixture_remove(&f, "cgroup/cgroup.controllers");
		fixture_write(&f, path, "");
	}
	fixture_load(&f);
	fixture_container(&f, "/ct", 1);
	samples = calloc(1, sizeof(*samples));
}

static void end(void)
{
	struct sample *s;

	while ((s = sample_next(samples, NULL)))
		sample_drop(samples, s);
	is_u64(samples->count, 0, "all are gone");
	free(samples);
	fixture_deinit(&f);
}

/* The sample of container number i in one with that number. */
static struct sample *get_in(uint64_t outer, uint64_t i, uint64_t now_ns)
{
	struct sample *s;
	bool is_new;

	f.ct->pidns = 4026531836 + i;
	f.ct->outer = 4026531836 + outer;
	s = sample_get(samples, &f.layout, f.ct, now_ns, &is_new);
	if (s && is_new)
		sample_set_due(samples, s);
	return s;
}

static struct sample *get(uint64_t i, uint64_t now_ns)
{
	return get_in(i, i, now_ns);
}

static uint64_t take(void)
{
	struct sample *s = sample_take_due(samples, &f.layout, false);

	return s ? s->id : 0;
}

static void test_find(void)
{
	struct sample *a, *b;
	uint64_t id;
	unsigned n = 0;

	begin("");
	a = get(1, second);
	b = get(1 + SAMPLE_BUCKETS, second);
	ok(a && b && a != b, "two of one bucket");
	ok(get(1, 2 * second) == a, "the same again");
	is_u64(a->used_ns, 2 * second, "read again");
	is_u64(a->made_ns, second, "and made once");
	ok(sample_by_id(samples, a->id) == a && sample_by_id(samples, b->id) == b,
		"by number");
	ok(!sample_by_id(samples, b->id + SAMPLE_BUCKETS), "a number that nobody has");
	for (struct sample *s = NULL; (s = sample_next(samples, s)); n++)
		;
	is_u64(n, 2, "each once");
	id = b->id;
	sample_drop(samples, b);
	ok(!sample_by_id(samples, id) && sample_by_id(samples, a->id) == a,
		"one is dropped");
	ok(get(1 + SAMPLE_BUCKETS, second)->id != id, "its number is not used again");
	end();
}

static void test_order(void)
{
	struct sample *s[6];

	begin("");
	for (unsigned i = 0; i < 6; i++) {
		s[i] = get(i, second);
		is_u64(take(), s[i]->id, "due when it is made");
	}
	is_u64(take(), 0, "once");
	s[1]->counted = s[3]->counted = s[5]->counted = true;
	s[3]->stuck = true;
	for (unsigned i = 0; i < 6; i++)
		sample_set_due(samples, s[5 - i]);
	sample_set_due(samples, s[5]);
	sample_drop(samples, s[2]);
	is_u64(take(), s[4]->id, "those who are waited for first");
	is_u64(take(), s[0]->id, "in turn");
	is_u64(take(), s[5]->id, "then the others");
	is_u64(take(), s[1]->id, "in turn");
	is_u64(take(), s[3]->id, "the one that is stuck last");
	is_u64(take(), 0, "that is all");
	/* A queue can lose its ends. */
	for (unsigned i = 3; i < 6; i++)
		sample_set_due(samples, s[i]);
	s[4]->counted = true;
	sample_set_due(samples, s[0]);
	sample_drop(samples, s[4]);
	sample_set_due(samples, s[1]);
	is_u64(take(), s[0]->id, "behind one that was dropped");
	sample_drop(samples, s[5]);
	is_u64(take(), s[1]->id, "before one that was dropped");
	end();
}

/* Who has so many tasks, or has them counted so often, that it takes long, has them
 * counted less often, and keeps nobody else waiting. */
static void test_looks(void)
{
	struct sample *s[4], *other;

	begin("");
	for (unsigned i = 0; i < 4; i++) {
		s[i] = get_in(7, i, second);
		s[i]->state.counts.total = SAMPLE_LOOKS / 2;
	}
	other = get(4, second);
	is_u64(take(), s[0]->id, "the first of many");
	is_u64(take(), s[1]->id, "and the second");
	is_u64(take(), other->id, "then another's, since that is all for now");
	is_u64(take(), 0, "for the first owner");
	sample_walked(samples, s[0], SAMPLE_LOOKS / 4);
	sample_walked(samples, s[1], 0);
	is_u64(take(), s[2]->id, "but if there were fewer");
	sample_walked(samples, s[2], SAMPLE_LOOKS * 2);
	is_u64(take(), 0, "or more");
	sample_new_period(samples);
	is_u64(take(), 0, "which last for longer");
	sample_new_period(samples);
	is_u64(take(), s[3]->id, "until it is time again");
	sample_new_period(samples);
	sample_new_period(samples);
	sample_walked(samples, s[3], 1);
	is_u64(samples->looks[s[3]->owner], 0, "what was written off is not owed twice");
	end();
}

static void test_versions(void)
{
	struct sample *s;

	begin("");
	s = get(1, second);
	ok(s && !sample_is_v1(s, &f.layout), "v2");
	ok(!sample_take_due(samples, &f.layout, true), "is nothing for a helper");
	is_u64(take(), s->id, "and stays due");
	end();
	begin("cpu,cpuacct/tasks");
	s = get(1, second);
	ok(s && sample_is_v1(s, &f.layout), "v1");
	ok(sample_take_due(samples, &f.layout, true) == s, "is for a helper");
	end();
}

/* A thousand and more containers that read all the time have a place each. When there is
 * none, the one that has not read for longest makes it, unless all have read just now. */
static void test_room(void)
{
	const uint64_t now = 100 * second;
	struct sample *s = NULL;
	uint64_t first;

	begin("");
	for (uint64_t i = 0; i < LOAD_ENTRIES; i++)
		get(i, now + i);
	first = get(0, now)->id;
	is_u64(samples->count, LOAD_ENTRIES, "as many as are remembered");
	ok(!get(LOAD_ENTRIES, now + 60 * second), "those who wait keep their place");
	while ((s = sample_next(samples, s)))
		s->counted = true;
	ok(!get(LOAD_ENTRIES, now + LOAD_PERIOD_NS - 1),
		"so do those who have just read");
	get(0, now + second);
	ok(get(LOAD_ENTRIES, now + LOAD_PERIOD_NS + 1) != NULL,
		"one that has not makes room");
	ok(sample_by_id(samples, first) != NULL, "not one that has read since");
	is_u64(samples->count, LOAD_ENTRIES, "they are not more");
	f.ct->pidns = 4026531836 + 1;
	ok(!sample_find(samples, f.ct), "the oldest is gone");
	end();
}

/* One that makes containers in itself has a part of the room, and loses its own. */
static void test_quota(void)
{
	const uint64_t now = 100 * second;
	struct sample *s, *other;
	bool is_new;

	begin("");
	other = get(1, now - second);
	other->counted = true;
	for (uint64_t i = 0; i <= SAMPLE_QUOTA; i++) {
		f.ct->pidns = 5000 + i;
		f.ct->outer = 5000;
		s = sample_get(samples, &f.layout, f.ct, now + i, &is_new);
		if (s)
			s->counted = true;
		if (i == SAMPLE_QUOTA)
			ok(!s, "no more than the quota that have just read");
	}
	is_u64(samples->count, SAMPLE_QUOTA + 1, "all the others are there");
	s = sample_get(samples, &f.layout, f.ct, now + LOAD_PERIOD_NS, &is_new);
	ok(s && is_new, "one that was not read for long makes room");
	is_u64(samples->count, SAMPLE_QUOTA + 1, "for one");
	f.ct->pidns = 5000;
	ok(!sample_find(samples, f.ct), "its own oldest");
	ok(get(1, now) == other, "not another one's, which is older");
	end();
}

/* It follows its container from one cgroup to the next, however long their names are. */
static void test_moved(void)
{
	char path[300] = "/", text[330];
	struct sample *s;

	begin("");
	s = get(1, second);
	is_str(s->path, "/ct", "where it is");
	memset(path + 1, 'l', sizeof(path) - 2);
	for (size_t len = sizeof(path) - 1; len > 50; len -= 40) {
		path[len] = '\0';
		snprintf(text, sizeof(text), "0::%s\n", path);
		container_set_cgroups(f.ct, text);
		ok(get(1, second) == s && !strcmp(s->path, path),
			"then in a cgroup with a name of %zu", len);
	}
	container_set_cgroups(f.ct, "0::/ct\n");
	ok(get(1, second) == s && !strcmp(s->path, "/ct"), "and back");
	container_set_cgroups(f.ct, "0::/\n");
	ok(!get(1, second), "in the root it is not counted");
	end();
}

int main(void)
{
	test_moved();
	test_find();
	test_order();
	test_looks();
	test_versions();
	test_room();
	test_quota();
	return tap_done();
}

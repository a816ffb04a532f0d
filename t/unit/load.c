/*
 * cache/load: the kernel's numbers to the bit, and a history that survives its writer.
 */
#include "cache/load.h"

#include "t/unit/tap.h"

#include <err.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_one_tick(void)
{
	/* (load * e + 2048 n (2048 - e) [+ 2047 when n >= load]) / 2048, by hand. */
	is_u64(load_average(0, 0, 1, 1), 164, "one task, the 1 minute term");
	is_u64(load_average(0, 1, 1, 1), 34, "5 minutes");
	is_u64(load_average(0, 2, 1, 1), 11, "15 minutes");
	is_u64(load_average(2048, 0, 0, 1), 1884, "falling from one");
	is_u64(load_average(2048, 1, 0, 1), 2014, "5 minutes");
	is_u64(load_average(2048, 2, 0, 1), 2037, "15 minutes");
	is_u64(load_average(0, 0, 0, 1), 0, "nothing stays nothing");
	is_u64(load_average(2048, 0, 1, 1), 2048, "one stays one");
	/* 2047 * 1884 + 2048 * 164 = 4192420, which is 2047.08 times 2048 */
	is_u64(load_average(2047, 0, 1, 1), 2048, "rising is rounded up");
	/* 1 * 1884 / 2048 */
	is_u64(load_average(1, 0, 0, 1), 0, "falling is rounded down");
	is_u64(load_average(777, 0, 9, 0), 777, "no tick, no change");
}

/* fixed_power_int(1884, 11, n) as the kernel's loop gives it, worked out by hand:
 * 1884^2 = 3549456 -> 1733; 1733^2 = 3003289 -> 1466; 1466^2 = 2149156 -> 1049. */
static void test_late_ticks(void)
{
	is_u64(load_average(2048, 0, 0, 2), 1733, "two ticks late");
	is_u64(load_average(2048, 0, 0, 4), 1466, "four");
	is_u64(load_average(2048, 0, 0, 8), 1049, "eight");
	/* 3 = 2 + 1: 1884 * 1733 = 3264972 -> 1594 */
	is_u64(load_average(2048, 0, 0, 3), 1594, "three");
	/* 12 = 8 + 4: 1466 * 1049 = 1537834 -> 751; one minute: 1/e of 2048 is 753.4 */
	is_u64(load_average(2048, 0, 0, 12), 751, "a minute");
	is_u64(load_average(123456, 0, 0, UINT64_MAX), 0, "for ever");
	is_u64(load_average(0, 2, 3, UINT64_MAX), 3 * 2048, "for ever with three tasks");
}

/* Many ticks at once are what they would be one by one, up to rounding. */
static void test_same_as_one_by_one(void)
{
	static const double minutes[LOAD_TERMS] = {1, 5, 15};

	for (unsigned term = 0; term < LOAD_TERMS; term++) {
		uint64_t slow = 10 * 2048, fast;
		double exact = 2 + 8 * exp(-5 * 60 / (60 * minutes[term]));

		for (int i = 0; i < 60; i++)
			slow = load_average(slow, term, 2, 1);
		fast = load_average(10 * 2048, term, 2, 60);
		ok(fabs((double)slow / 2048 - exact) < 0.05 * exact,
			"one by one, term %u", term);
		ok(fabs((double)fast / 2048 - exact) < 0.05 * exact, "at once, term %u",
			term);
	}
}

/* What the kernel's terms would be had so many tasks run from the start on. */
static void test_young(void)
{
	static const double minutes[LOAD_TERMS] = {1, 5, 15};
	static const uint64_t second = 1000000000;
	double worst = 0;

	/* 1884 * 1466 (four ticks, above) = 2761944 -> 1349; three fifths of the next
	 * tick take 1349 * 164 / 2048 * 3 / 5 = 64.8 from that. */
	is_u64(load_young(0, 1, 25 * second), 2048 - 1349, "25 s: five ticks");
	is_u64(load_young(0, 1, 28 * second), 2048 - 1285, "28 s: 0.37, 1 minute");
	/* By e: 2048 * 0.0891 and 2048 * 0.0306. */
	ok(fabs((double)load_young(1, 1, 28 * second) - 182.5) < 2,
		"28 s: 0.09, 5 minutes");
	ok(fabs((double)load_young(2, 1, 28 * second) - 62.7) < 2,
		"28 s: 0.03, 15 minutes");
	for (uint64_t age = 0; age < 3600; age++)
		for (unsigned term = 0; term < LOAD_TERMS; term++) {
			double got = (double)load_young(term, 3, age * second) / 2048;
			double want = 3 - 3 * exp(-(double)age / 60 / minutes[term]);

			if (fabs(got - want) > worst)
				worst = fabs(got - want);
		}
	ok(worst < 0.05, "three tasks for an hour: off by %.3f at most", worst);
	is_u64(load_young(0, 9, 0), 0, "no age, no load");
	is_u64(load_young(2, 3, UINT64_MAX), 3 * 2048,
		"an old one has had them for ever");
	is_u64(load_young(0, UINT64_MAX, UINT64_MAX), UINT64_C(1) << 43,
		"a nonsense count is bounded");
}

static void test_extremes(void)
{
	uint64_t huge = load_average(0, 0, UINT64_MAX, UINT64_MAX);

	is_u64(huge, UINT64_C(1) << 43, "a nonsense count is bounded");
	is_u64(load_average(huge, 0, UINT64_MAX, 1), huge, "and does not overflow");
}

static void test_count(void)
{
	struct load_counts counts = {
		.running = 3, .blocked = 1, .total = 9, .last_pid = 77, .avg = {1, 2, 3}};
	struct load_state state = {0};

	load_count(&state, false, &counts, 100, UINT64_C(5000000000));
	ok(state.counts.avg[0] == 4 * 164 && state.counts.avg[1] == 4 * 34 &&
			state.counts.avg[2] == 4 * 11,
		"the first count of a container of 5 s is one tick of its tasks");
	load_count(&state, false, &counts, 100, UINT64_MAX);
	ok(state.counts.avg[0] == 4 * 2048 && state.counts.avg[1] == 4 * 2048 &&
			state.counts.avg[2] == 4 * 2048,
		"the first count of an old container is the average");
	is_u64(state.tick, 100, "as of its period");
	counts.running = counts.blocked = 0;
	load_count(&state, true, &counts, 100, 0);
	is_u64(state.counts.avg[0], 4 * 2048,
		"counted again in the same period: no change");
	is_u64(state.counts.running, 0, "but the counts are new");
	load_count(&state, true, &counts, 101, 0);
	is_u64(state.counts.avg[0], 4 * 1884, "the next period");
	is_u64(state.counts.avg[2], 4 * 2037, "the next period, 15 minutes");
	load_count(&state, true, &counts, 103, 0);
	/* 7536 * 1733 / 2048 = 6376.9 */
	is_u64(state.counts.avg[0], 6376, "two periods late");
	load_count(&state, true, &counts, 50, 0);
	is_u64(state.counts.avg[0], 6376, "a clock that went back changes nothing");
	is_u64(state.tick, 103, "nor the period");
}

static struct load *new_block(void)
{
	void *mem = mmap(NULL, load_size(), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(1, "mmap");
	return load_attach(mem);
}

static struct load_state state_of(uint64_t v)
{
	return (struct load_state){
		.tick = v, .last_tid = v, .counts = {v, v, v, v, {v, v, v}}};
}

static bool is_state(const struct load_state *state, uint64_t v)
{
	struct load_state want = state_of(v);

	return !memcmp(state, &want, sizeof(want));
}

static void test_history(void)
{
	struct load *load = new_block();
	struct load_key a = {1, 2, 3}, b = {1, 2, 4}, c = {1, 9, 3}, d = {7, 2, 3};
	struct load_state state;

	is_int(load_find(load, &a, &state), LOAD_NOWHERE, "nothing at first");
	for (uint64_t i = 10; i < 13; i++) {
		state = state_of(i);
		load_store(load, LOAD_NOWHERE, &a, &state, i);
		ok(load_find(load, &a, &state) == 0 && is_state(&state, i),
			"stored and found");
	}
	is_int(load_find(load, &b, &state), LOAD_NOWHERE,
		"another start is another container");
	is_int(load_find(load, &c, &state), LOAD_NOWHERE,
		"another cgroup namespace, too");
	is_int(load_find(load, &d, &state), LOAD_NOWHERE, "another pid namespace, too");
	ok(load_attach(load) == load && load_find(load, &a, &state) == 0 &&
			is_state(&state, 12),
		"the next process finds it");
	munmap(load, load_size());
}

/* Where an entry is said to be is believed only if it is there. */
static void test_where(void)
{
	struct load *load = new_block();
	struct load_key a = {1, 0, 1}, b = {1, 0, 2};
	struct load_state state = state_of(7);

	is_int(load_store(load, LOAD_NOWHERE, &a, &state, 1), 0, "the first");
	is_int(load_store(load, 0, &b, &state, 1), 1, "another one's place is not taken");
	is_int(load_store(load, 4711, &b, &state, 2), 1, "nor one that was never used");
	state = state_of(8);
	is_int(load_store(load, 1, &b, &state, 3), 1, "one's own is");
	ok(load_find(load, &b, &state) == 1 && is_state(&state, 8), "with the news");
	ok(load_find(load, &a, &state) == 0 && is_state(&state, 7),
		"the other has its own");
	munmap(load, load_size());
}

static void test_full(void)
{
	struct load *load = new_block();
	struct load_state state;
	bool good = true;

	for (uint64_t i = 0; i < LOAD_ENTRIES; i++) {
		struct load_key key = {1, 0, i};
		state = state_of(i);
		load_store(load, LOAD_NOWHERE, &key, &state, 1000 + i);
	}
	for (uint64_t i = 0; i < LOAD_ENTRIES; i++) {
		struct load_key key = {1, 0, i};
		good &= load_find(load, &key, &state) == (int)i && is_state(&state, i);
	}
	ok(good, "it holds what it says");
	state = state_of(0);
	load_store(load, LOAD_NOWHERE, &(struct load_key){1, 0, 0}, &state, 9000);
	state = state_of(77);
	load_store(load, LOAD_NOWHERE, &(struct load_key){2, 0, 0}, &state, 9001);
	ok(load_find(load, &(struct load_key){2, 0, 0}, &state) == 1 &&
			is_state(&state, 77),
		"one more has room");
	is_int(load_find(load, &(struct load_key){1, 0, 0}, &state), 0,
		"not that of the latest");
	ok(load_find(load, &(struct load_key){1, 0, 1}, &state) == LOAD_NOWHERE,
		"but that of the oldest");
	munmap(load, load_size());
}

/* Of a thousand containers all but the first ten end, in no order. */
static void test_forget(void)
{
	const int fd = memfd_create("load", MFD_CLOEXEC);
	struct load_state state;
	struct load *load;
	struct stat st;

	if (fd < 0 || ftruncate(fd, (off_t)load_size()) < 0)
		err(1, "memfd");
	load = load_attach(
		mmap(NULL, load_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	for (uint64_t i = 0; i < 1000; i++) {
		state = state_of(i);
		load_store(load, LOAD_NOWHERE, &(struct load_key){1, 0, i}, &state, i);
	}
	fstat(fd, &st);
	ok(st.st_blocks * 512 > 150000, "a thousand take %lld bytes",
		(long long)st.st_blocks * 512);
	load_forget(load, 5, &(struct load_key){1, 0, 6});
	load_forget(load, LOAD_NOWHERE, &(struct load_key){1, 0, 6});
	load_forget(load, 1000, &(struct load_key){1, 0, 6});
	ok(load_find(load, &(struct load_key){1, 0, 5}, &state) == 5 &&
			load_find(load, &(struct load_key){1, 0, 6}, &state) == 6,
		"nobody is forgotten who is elsewhere");
	load_forget(load, 500, &(struct load_key){1, 0, 500});
	is_int(load_find(load, &(struct load_key){1, 0, 500}, &state), LOAD_NOWHERE,
		"one is");
	state = state_of(77);
	is_int(load_store(load, LOAD_NOWHERE, &(struct load_key){2, 0, 0}, &state, 500),
		500, "and makes room for the next");
	for (uint64_t i = 0; i < 1000; i++) {
		const uint64_t k = i * 337 % 1000;

		if (k >= 20)
			load_forget(load, (int)k, &(struct load_key){1, 0, k});
	}
	load_forget(load, 500, &(struct load_key){2, 0, 0});
	fstat(fd, &st);
	ok(st.st_blocks * 512 < 20000, "twenty are left in %lld bytes",
		(long long)st.st_blocks * 512);
	load_forget_old(load, 10);
	ok(load_find(load, &(struct load_key){1, 0, 9}, &state) == LOAD_NOWHERE &&
			load_find(load, &(struct load_key){1, 0, 10}, &state) == 10 &&
			is_state(&state, 10),
		"what is old is forgotten");
	ok(load_attach(load) == load &&
			load_find(load, &(struct load_key){1, 0, 19}, &state) == 19 &&
			is_state(&state, 19),
		"who lives is remembered");
	munmap(load, load_size());
	close(fd);
}

static void test_garbage(void)
{
	struct load *load = new_block();
	struct load_state state = state_of(5);

	load_store(load, LOAD_NOWHERE, &(struct load_key){1, 0, 0}, &state, 1);
	memset(load, 0x5a, load_size());
	load = load_attach(load);
	is_int(load_find(load, &(struct load_key){1, 0, 0}, &state), LOAD_NOWHERE,
		"another make is not read");
	state = state_of(6);
	load_store(load, LOAD_NOWHERE, &(struct load_key){1, 0, 0}, &state, 1);
	ok(load_find(load, &(struct load_key){1, 0, 0}, &state) == 0 &&
			is_state(&state, 6),
		"and is written over");
	munmap(load, load_size());
}

/* Stores for ever, in turn for each of `keys` containers. */
static void writer(struct load *load, uint64_t i, uint64_t keys)
{
	for (;; i++) {
		struct load_key key = {1, 0, i % keys};
		struct load_state state = state_of(i * 10000 + i % keys);

		load_store(load, LOAD_NOWHERE, &key, &state, i);
	}
}

/* With few keys most of the time goes into storing; with more than there is room for,
 * entries are taken from each other. */
static void test_killed(uint64_t keys, int rounds, const char *what)
{
	struct load *load = new_block();
	uint64_t found = 0, bad = 0, start = 1;

	for (int round = 0; round < rounds; round++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			writer(load, start, keys);
		usleep(500 + (useconds_t)round % 100 * 13);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		load = load_attach(load);
		for (uint64_t i = 0; i < keys; i++) {
			struct load_state state;

			if (load_find(load, &(struct load_key){1, 0, i}, &state) ==
				LOAD_NOWHERE)
				continue;
			found++;
			bad += !is_state(&state, state.tick) || state.tick % 10000 != i;
		}
		start += 1000000;
	}
	ok(found > 50, "%s: there is something to look at", what);
	is_u64(bad, 0, "a writer killed anywhere leaves no entry half written");
	munmap(load, load_size());
}

int main(void)
{
	test_one_tick();
	test_late_ticks();
	test_same_as_one_by_one();
	test_young();
	test_extremes();
	test_count();
	test_history();
	test_where();
	test_full();
	test_forget();
	test_garbage();
	test_killed(1, 300, "one container");
	test_killed(LOAD_ENTRIES + 50, 100, "more than there is room for");
	return tap_done();
}

// What the clients of the benchmark share: a clock, a histogram of times that many
// processes fill at once, and reading a file as cat(1) does.
#ifndef T_BENCH_HIST_H
#define T_BENCH_HIST_H

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// A bucket is never wider than a 32nd of the times in it.
enum { HIST_SUB = 32, HIST_BUCKETS = 40 * HIST_SUB };

struct hist {
	uint64_t count, max_ns, bytes;
	uint32_t bucket[HIST_BUCKETS];
};

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void sleep_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

// Memory that children write into.
static inline void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(111, "mmap");
	return p;
}

static inline unsigned hist_bucket(uint64_t ns)
{
	unsigned shift = 0;

	while (ns >> shift >= 2 * HIST_SUB)
		shift++;
	ns = (uint64_t)shift * HIST_SUB + (ns >> shift);
	return ns < HIST_BUCKETS ? (unsigned)ns : HIST_BUCKETS - 1;
}

// The middle of the bucket.
static inline uint64_t hist_value(unsigned bucket)
{
	unsigned shift = bucket < 2 * HIST_SUB ? 0 : bucket / HIST_SUB - 1;

	return ((uint64_t)(bucket - shift * HIST_SUB) << shift) + (UINT64_C(1) << shift) / 2;
}

static inline void hist_add(struct hist *h, uint64_t ns, uint64_t bytes)
{
	uint64_t max = __atomic_load_n(&h->max_ns, __ATOMIC_RELAXED);

	__atomic_fetch_add(&h->bucket[hist_bucket(ns)], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&h->count, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&h->bytes, bytes, __ATOMIC_RELAXED);
	while (ns > max && !__atomic_compare_exchange_n(
				   &h->max_ns, &max, ns, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static inline uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t seen = 0, want = (uint64_t)(q * (double)h->count);

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > want)
			return hist_value(i);
	}
	return h->max_ns;
}

// "COUNT SECONDS P50_NS P99_NS MAX_NS BYTES"
static inline void hist_print(const struct hist *h, double seconds)
{
	printf("%llu %.6f %llu %llu %llu %llu\n", (unsigned long long)h->count, seconds,
		(unsigned long long)hist_quantile(h, .5), (unsigned long long)hist_quantile(h, .99),
		(unsigned long long)h->max_ns, (unsigned long long)h->bytes);
	fflush(stdout);
}

// From fd's offset to its end; the number of bytes.
static inline uint64_t read_to_end(int fd, const char *name)
{
	static char buf[1 << 16];
	uint64_t sum = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		sum += (uint64_t)n;
	if (n < 0)
		err(111, "%s", name);
	return sum;
}

// One cat: open, read, read at the end, close.
static inline void cat(const char *file, struct hist *h)
{
	uint64_t start = now_ns(), bytes;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(111, "%s", file);
	bytes = read_to_end(fd, file);
	close(fd);
	hist_add(h, now_ns() - start, bytes);
}

#endif

/* cache/pool: records do not overlap, are zero, and give their pages back. */
#include "cache/pool.h"
#include "t/unit/tap.h"

#include <stdint.h>
#include <stdlib.h>

enum { MANY = 2000 };

static unsigned char *record[MANY];

/* Pages that the process has mapped. */
static long mapped(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = -1;

	if (!file || fscanf(file, "%ld", &pages) != 1)
		abort();
	fclose(file);
	return pages;
}

static bool is_all(const unsigned char *p, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != value)
			return false;
	return true;
}

static bool fill(struct pool *pool, unsigned from, unsigned to, unsigned step)
{
	bool good = true;

	for (unsigned i = from; i < to; i += step) {
		record[i] = pool_get(pool);
		good &= record[i] && (uintptr_t)record[i] % 16 == 0 &&
			is_all(record[i], pool->size, 0);
		memset(record[i], (int)(i % 255 + 1), pool->size);
	}
	return good;
}

static bool hold(const struct pool *pool, unsigned from, unsigned to, unsigned step)
{
	bool good = true;

	for (unsigned i = from; i < to; i += step)
		good &= is_all(record[i], pool->size, (unsigned char)(i % 255 + 1));
	return good;
}

static void empty(struct pool *pool, unsigned from, unsigned to, unsigned step)
{
	for (unsigned i = from; i < to; i += step)
		pool_put(pool, record[i]);
}

static void records_of(size_t size)
{
	struct pool pool = {.size = size};
	long before = mapped(), after;

	ok(fill(&pool, 0, MANY, 1), "%zu bytes: new records are zero", size);
	ok(hold(&pool, 0, MANY, 1), "%zu bytes: and do not overlap", size);
	empty(&pool, 0, MANY, 3);
	ok(hold(&pool, 1, MANY, 3) && hold(&pool, 2, MANY, 3),
		"%zu bytes: a third of them freed, the others stay", size);
	ok(fill(&pool, 0, MANY, 3), "%zu bytes: those that are used again are zero",
		size);
	ok(hold(&pool, 0, MANY, 1), "%zu bytes: and do not overlap", size);
	empty(&pool, 1, MANY, 1);
	ok(hold(&pool, 0, 1, 1), "%zu bytes: one of them stays", size);
#ifndef __SANITIZE_ADDRESS__
	after = mapped();
	ok((after - before) * 4096 <= 64 << 10, "%zu bytes: in one block", size);
#endif
	pool_put(&pool, record[0]);
	pool_put(&pool, NULL);
	ok(!pool.first, "%zu bytes: nothing is left", size);
#ifndef __SANITIZE_ADDRESS__
	after = mapped();
	is_int(after, before, "as much is mapped as before");
#else
	(void)before, (void)after;
#endif
}

int main(void)
{
	mapped(); /* the first time takes memory of its own */
	records_of(1);
	records_of(96);
	records_of(333);
	records_of(POOL_SIZE_MAX);
	return tap_done();
}

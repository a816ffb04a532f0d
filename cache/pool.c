/*
 * See pool.h. The oldest block with room is filled first, so that the newest become
 * empty.
 */
#include "cache/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 16 << 10, ALIGN = 16 };

struct unused {
	struct unused *next;
};

struct pool_block {
	struct pool_block *next;
	struct unused *unused; /* records that were given back */
	size_t used, begun;    /* records; those that ever were in use are the first */
};

static size_t aligned(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Blocks are aligned to their size: a record's address tells its block. */
static size_t block_size(void)
{
	const long page = sysconf(_SC_PAGESIZE);

	return page > BLOCK ? (size_t)page : BLOCK;
}

static size_t room(const struct pool *pool)
{
	return (block_size() - aligned(sizeof(struct pool_block))) / aligned(pool->size);
}

static struct pool_block *block_new(void)
{
	const size_t size = block_size();
	size_t before;
	char *mem = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)mem % size;
	if (before)
		munmap(mem, before);
	munmap(mem + before + size, size - before);
	return (struct pool_block *)(void *)(mem + before);
}

static void *take(const struct pool *pool, struct pool_block *block)
{
	void *record = block->unused;

	if (record) {
		block->unused = block->unused->next;
		memset(record, 0, pool->size);
	} else {
		record = (char *)block + aligned(sizeof(*block)) +
			 block->begun++ * aligned(pool->size);
	}
	block->used++;
	return record;
}

void *pool_get(struct pool *pool)
{
	struct pool_block **link = &pool->first;

#ifdef __SANITIZE_ADDRESS__
	/* So that it sees how records are used. */
	return calloc(1, pool->size);
#endif
	while (*link && (*link)->used == room(pool))
		link = &(*link)->next;
	if (!*link)
		*link = block_new();
	return *link ? take(pool, *link) : NULL;
}

static void drop(struct pool *pool, struct pool_block *block)
{
	struct pool_block **link = &pool->first;

	while (*link != block)
		link = &(*link)->next;
	*link = block->next;
	munmap(block, block_size());
}

void pool_put(struct pool *pool, void *record)
{
	struct pool_block *block;
	struct unused *unused = record;

#ifdef __SANITIZE_ADDRESS__
	free(record);
	return;
#endif
	if (!record)
		return;
	block = (struct pool_block *)(void *)((char *)record -
					      (uintptr_t)record % block_size());
	unused->next = block->unused;
	block->unused = unused;
	if (--block->used == 0)
		drop(pool, block);
}

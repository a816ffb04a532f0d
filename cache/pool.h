/*
 * Records of one size, in pages of their own that go back to the host as soon as nothing
 * is kept in them. glibc's malloc never gives back what its thread cache holds: a few of
 * a thousand containers that have ended, each with the page that it lies in.
 */
#ifndef CACHE_POOL_H
#define CACHE_POOL_H

#include <stddef.h>

struct pool_block;

/* `size` of the records: at most POOL_SIZE_MAX. No block is empty. */
struct pool {
	size_t size;
	struct pool_block *first;
};

enum { POOL_SIZE_MAX = 4096 };

/* A record, all zero and aligned as malloc's; NULL when there is no memory. */
void *pool_get(struct pool *pool);
/* Frees it; NULL is nothing. */
void pool_put(struct pool *pool, void *record);

#endif

/*
 * Unsigned arithmetic that stops at its ends instead of going round.
 */
#ifndef CACHE_SATURATE_H
#define CACHE_SATURATE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t sat_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t sat_add(uint64_t a, uint64_t b)
{
	return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

static inline uint64_t sat_mul(uint64_t a, uint64_t b)
{
	return __builtin_mul_overflow(a, b, &a) ? UINT64_MAX : a;
}

/* A product of two 64-bit numbers. */
struct wide {
	uint64_t high, low;
};

/* By halves: compilers have a type for it on 64-bit machines only. */
static inline struct wide wide_mul(uint64_t a, uint64_t b)
{
	const uint64_t half = UINT32_MAX, a1 = a >> 32, a0 = a & half, b1 = b >> 32,
		       b0 = b & half;
	const uint64_t low = a0 * b0, cross = a1 * b0 + (low >> 32),
		       middle = a0 * b1 + (cross & half);

	return (struct wide){
		a1 * b1 + (cross >> 32) + (middle >> 32), middle << 32 | (low & half)};
}

static inline bool wide_less(struct wide a, struct wide b)
{
	return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* As in longhand, one bit of the quotient after the other; c is not 0. */
static inline uint64_t wide_div(struct wide v, uint64_t c)
{
	if (v.high >= c)
		return UINT64_MAX;
	for (int i = 0; i < 64; i++) {
		const bool over = v.high >> 63;

		v.high = v.high << 1 | v.low >> 63;
		v.low <<= 1;
		if (over || v.high >= c) {
			v.high -= c;
			v.low |= 1;
		}
	}
	return v.low;
}

/* a * b / c, exact in between; c is not 0. */
static inline uint64_t sat_scale(uint64_t a, uint64_t b, uint64_t c)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 v = (unsigned __int128)a * b / c;

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
#else
	return wide_div(wide_mul(a, b), c);
#endif
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif

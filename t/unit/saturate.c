/*
 * Arithmetic in 128 bits as 32-bit machines do it, against the compiler's and by hand.
 */
#include "cache/saturate.h"

#include "t/unit/tap.h"

/* All kinds of lengths, and often one off a power of two. */
static uint64_t number(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % 3 ? x >> (x >> 8) % 64
		     : (UINT64_C(1) << (x >> 8) % 64) + (x >> 16) % 3 - 1;
}

static void test_by_hand(void)
{
	const uint64_t max = UINT64_MAX;
	struct wide v = wide_mul(max, max);

	is_u64(v.high, max - 1, "the largest product, above");
	is_u64(v.low, 1, "and below");
	is_u64(wide_div(v, max), max, "divided again");
	is_u64(wide_div(v, max - 1), max, "what is more stops at the end");
	is_u64(wide_div(wide_mul(max, 10), 20), max / 2, "over 64 bits in between");
	is_u64(wide_div(wide_mul(7, 5), 3), 11, "rounded down");
	is_u64(wide_div((struct wide){0, 0}, 1), 0, "nothing");
	ok(wide_less(wide_mul(max, 2), wide_mul(max, 3)) &&
			wide_less(wide_mul(3, 4), wide_mul(1, 13)),
		"less, above and below");
	ok(!wide_less(wide_mul(max, 3), wide_mul(max, 2)) &&
			!wide_less(wide_mul(6, 6), wide_mul(9, 4)),
		"not less, or the same");
	is_u64(sat_scale(max, max, max), max, "sat_scale");
	is_u64(sat_scale(max, 3, 2), max, "and where it stops");
}

static void test_against_compiler(void)
{
#ifdef __SIZEOF_INT128__
	unsigned wrong = 0;

	for (int i = 0; i < 200000; i++) {
		const uint64_t a = number(), b = number(), c = number(), d = number() | 1;
		const unsigned __int128 ab = (unsigned __int128)a * b,
					cd = (unsigned __int128)c * d, q = ab / d;
		const struct wide v = wide_mul(a, b);

		wrong += v.high != (uint64_t)(ab >> 64) || v.low != (uint64_t)ab;
		wrong += wide_less(v, wide_mul(c, d)) != (ab < cd);
		wrong += wide_div(v, d) != (q > UINT64_MAX ? UINT64_MAX : (uint64_t)q);
	}
	is_u64(wrong, 0, "200,000 numbers, against the compiler's");
#else
	unsigned wrong = 0;

	for (int i = 0; i < 200000; i++) {
		const uint64_t a = number() >> 32, b = number() >> 32, c = number() | 1;

		wrong += sat_scale(a, b, c) != a * b / c;
	}
	is_u64(wrong, 0, "200,000 numbers that fit");
#endif
}

int main(void)
{
	test_by_hand();
	test_against_compiler();
	return tap_done();
}

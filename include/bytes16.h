/*
 * Sixteen bytes at a time.  Comparisons are those of the compiler's vectors,
 * which any machine has in one form or another; only to draw a mask from the
 * result is a matter of the machine.  Comparisons give 0xff in every byte
 * where they hold and 0 elsewhere, and are joined by | and &.
 */
#ifndef KPWATCH_BYTES16_H
#define KPWATCH_BYTES16_H

#include <stdint.h>
#include <string.h>

#include "bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Sixteen bytes at p, which need not be aligned. */
static inline bytes16
bytes16_load(const void *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The n bytes at p, at most sixteen, with zeros behind them. */
static inline bytes16
bytes16_part(const char *p, size_t n)
{
	typedef uint64_t halves __attribute__((vector_size(16)));

	return (bytes16)(halves){bytes_upto8(p, n < 8 ? n : 8),
	    n <= 8 ? 0 : bytes_upto8(p + 8, n - 8)};
}

/* The first sixteen bytes of s from `at`, which is below its length. */
static inline bytes16
bytes16_at(struct span s, size_t at)
{
	size_t n = s.n - at;

	if (n >= 16)
		return bytes16_load(s.p + at);
#if defined(__SIZEOF_INT128__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (s.n >= 16) { /* the last sixteen, less those before */
		unsigned __int128 last;

		memcpy(&last, s.p + s.n - 16, sizeof(last));
		return (bytes16)(last >> 8 * (16 - n));
	}
#endif
	return bytes16_part(s.p + at, n);
}

/* Where a byte is c. */
static inline bytes16
bytes16_is(bytes16 v, uint8_t c)
{
	return (bytes16)(v == (bytes16){0} + c);
}

/* Where a byte lies from lo to hi. */
static inline bytes16
bytes16_in(bytes16 v, uint8_t lo, uint8_t hi)
{
	return (bytes16)(v - lo <= (bytes16){0} + (uint8_t)(hi - lo));
}

/* Where a byte is ASCII and above c. */
static inline bytes16
bytes16_above(bytes16 v, uint8_t c)
{
	typedef int8_t signed16 __attribute__((vector_size(16)));

	return (bytes16)((signed16)v > (signed16){0} + (int8_t)c);
}

/* Where a byte is at most c. */
static inline bytes16
bytes16_upto(bytes16 v, uint8_t c)
{
	return (bytes16)(v <= (bytes16){0} + c);
}

/* The highest bit of each byte, the first byte's lowest; as any machine
 * does it. */
static inline unsigned
bytes16_mask_plain(bytes16 v)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 16; i++)
		mask |= (unsigned)(v[i] >> 7) << i;
	return mask;
}

/* The same: bits of a comparison, or of the bytes above ASCII. */
static inline unsigned
bytes16_mask(bytes16 v)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8((__m128i)v);
#else
	return bytes16_mask_plain(v);
#endif
}

/* Index of the lowest bit of a mask that is not 0. */
static inline unsigned
bytes16_first(unsigned mask)
{
	return (unsigned)__builtin_ctz(mask);
}

/* Where the bytes end, from `at`, for which `holds` gives 0xff. */
INLINE size_t
bytes16_run(struct span s, size_t at, bytes16 (*holds)(bytes16))
{
	unsigned others;

	for (size_t i = at; i < s.n; i += 16) {
		others = bytes16_mask(holds(bytes16_at(s, i))) ^ 0xffff;
		others &= s.n - i >= 16 ? 0xffff : (1u << (s.n - i)) - 1;
		if (others != 0)
			return i + bytes16_first(others);
	}
	return s.n;
}

#endif

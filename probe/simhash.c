#include "simhash.h"

#include <string.h>

#include "bytes16.h"

#define VOTES_MAX ((1u << SIMHASH_PLANES) - 1)
#define ENDS	  64 /* words found before they are hashed */

/* Where words end, found for some before any is hashed: how many there are in
 * sixteen bytes and how long they are, no machine foretells, and to guess it
 * wrong for each word costs more than all the rest. */
struct ends {
	size_t at[ENDS + 16];
	size_t count;
};

static void
settle(struct simhash *s)
{
	for (int i = 0; i < SIMHASH_BITS; i++)
		for (int k = 0; k < SIMHASH_PLANES; k++)
			s->weight[i] += (uint32_t)(s->planes[k] >> i & 1) << k;
	memset(s->planes, 0, sizeof(s->planes));
	s->votes = 0;
}

/* Sums of three bits, for all 64 places: the low bit, *carry the high one. */
INLINE uint64_t
add_bits(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry)
{
	*carry = (a & b) | ((a ^ b) & c);
	return a ^ b ^ c;
}

/*
 * Every feature votes for the bits of its hash.  Plane k holds bit k of the
 * 64 counts, so that a few operations on words raise all of them, by the
 * votes of eight features at once.
 */
static void
vote(struct simhash *s)
{
	uint64_t *p = s->planes, *w = s->waiting, two[4], four[2], carry, t;

	for (int i = 0; i < 4; i++)
		p[0] = add_bits(p[0], w[2 * i], w[2 * i + 1], &two[i]);
	for (int i = 0; i < 2; i++)
		p[1] = add_bits(p[1], two[2 * i], two[2 * i + 1], &four[i]);
	p[2] = add_bits(p[2], four[0], four[1], &carry);
	for (int k = 3; k < SIMHASH_PLANES; k++) {
		t = p[k] & carry;
		p[k] ^= carry;
		carry = t;
	}
	memset(w, 0, sizeof(s->waiting));
	s->nwaiting = 0;
	s->votes += ARRAY_LEN(s->waiting);
	if (s->votes > VOTES_MAX - ARRAY_LEN(s->waiting))
		settle(s);
}

INLINE void
feature(struct simhash *s, uint64_t hash)
{
	s->waiting[s->nwaiting++] = hash;
	s->features++;
	if (s->nwaiting == ARRAY_LEN(s->waiting))
		vote(s);
}

/* Words are the features; where words are long because the script does not
 * separate them, windows of four characters or so are. */
static void
words(struct simhash *s, struct span text, size_t *from, struct ends *e)
{
	size_t at = *from, end;

	for (size_t i = 0; i < e->count; i++) {
		end = e->at[i];
		for (; end - at > 36; at += 6)
			feature(s, bytes_hash_in(text, at, 12));
		if (end > at)
			feature(s, bytes_hash_in(text, at, end - at));
		at = end + 1;
	}
	*from = at;
	e->count = 0;
}

/* Bits set in a mask of sixteen. */
INLINE unsigned
count_bits(unsigned mask)
{
	mask -= mask >> 1 & 0x5555;
	mask = (mask & 0x3333) + (mask >> 2 & 0x3333);
	mask = (mask + (mask >> 4)) & 0x0f0f;
	return (mask + (mask >> 8)) & 0x1f;
}

void
simhash_text(struct simhash *s, struct span text)
{
	struct ends e;
	size_t from = 0; /* of a word */
	unsigned spaces, n;

	e.count = 0;
	for (size_t at = 0; at < text.n; at += 16) {
		spaces = bytes16_mask(bytes16_is(bytes16_at(text, at), ' '));
		n = count_bits(spaces);
		/* four are written, of which those behind n do not count */
		for (unsigned i = 0; i < 4; i++, spaces &= spaces - 1)
			e.at[e.count + i] =
			    at + bytes16_first(spaces | 0x10000);
		for (unsigned i = 4; i < n; i++, spaces &= spaces - 1)
			e.at[e.count + i] = at + bytes16_first(spaces);
		e.count += n;
		if (e.count >= ENDS)
			words(s, text, &from, &e);
	}
	e.at[e.count++] = text.n;
	words(s, text, &from, &e);
}

uint64_t
simhash_final(struct simhash *s)
{
	uint64_t h = 0;

	vote(s);
	settle(s);
	for (int i = 0; i < SIMHASH_BITS; i++)
		if (s->weight[i] > s->features / 2)
			h |= (uint64_t)1 << i;
	return h;
}

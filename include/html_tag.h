/*
 * Inside a tag: what html_tokens.c and html_attrs.c share.  Nobody else
 * includes it.
 */
#ifndef KPWATCH_HTML_TAG_H
#define KPWATCH_HTML_TAG_H

#include <string.h>

#include "bytes16.h"
#include "html_tokens.h"

/* Byte classes inside a tag. */
#define C_SPACE 1
#define C_SLASH 2
#define C_END	4 /* > */
#define C_EQUAL 8
#define C_ODD	16 /* a name with it is not in its final form */
#define C_NAME	(C_SPACE | C_SLASH | C_END) /* ends an element's name */

extern const uint8_t html_classes[256];

static inline bool
is_class(char c, unsigned mask)
{
	return (html_classes[(unsigned char)c] & mask) != 0;
}

/* The first byte `c` at or behind `from`; the end when there is none. */
static inline size_t
find_in(struct span in, size_t from, char c)
{
	const char *p;

	if (from >= in.n)
		return in.n;
	p = memchr(in.p + from, c, in.n - from);
	return p == NULL ? in.n : (size_t)(p - in.p);
}

/* span_key() of n bytes, behind whose first at least eight can be read. */
INLINE uint64_t
key_at(const char *p, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t key;

	memcpy(&key, p, 8);
	return n < 8 ? key & (((uint64_t)1 << n * 8) - 1) : key;
#else
	return span_key((struct span){p, n});
#endif
}

/* span_key() of a name in lower case. */
INLINE uint64_t
name_key(struct span in, struct span name, bool plain)
{
	/* most lie so that eight bytes can be read at once */
	uint64_t key =
	    name.p + 8 <= in.p + in.n ? key_at(name.p, name.n) : span_key(name);

	return plain ? key : key_lower(key);
}

/* html_name_end() byte by byte. */
size_t html_name_end_slow(struct span in, size_t at, unsigned mask,
    bool *plain);

/*
 * The end of a name, which bytes of these classes end; tells whether it is
 * lower-case ASCII.  Nearly every name ends within the sixteen bytes that are
 * looked at first.
 */
INLINE size_t
html_name_end(struct span in, size_t at, unsigned mask, bool *plain)
{
	unsigned c, ends, odd;
	bytes16 v;

	if (at + 16 <= in.n) {
		v = bytes16_load(in.p + at);
		ends = bytes16_mask(bytes16_upto(v, ' ') | bytes16_is(v, '/') |
		    bytes16_is(v, '>') | bytes16_is(v, '='));
		/* a NUL ends the look itself */
		odd = bytes16_mask(bytes16_in(v, 'A', 'Z') | v);
		if (ends != 0) {
			c = bytes16_first(ends);
			if (is_class(in.p[at + c], mask)) {
				*plain = (odd & ((1u << c) - 1)) == 0;
				return at + c;
			}
		}
	}
	return html_name_end_slow(in, at, mask, plain);
}

/* Reads attributes, from behind the tag's name to behind its ">"; false at the
 * end of input. */
bool html_attrs(struct html_tokens *, struct html_token *, size_t at);

#endif

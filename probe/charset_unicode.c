/* Bytes in a form of Unicode, and those that are ASCII in any charset. */
#include "charset_unicode.h"

#include "bytes16.h"
#include "charset.h"

void
charset_bad(struct buf *out, uint32_t *bad)
{
	(void)buf_add_utf8(out, 0xfffd);
	if (bad != NULL && *bad < UINT32_MAX)
		(*bad)++;
}

/* Bytes below 0x80 at the front. */
size_t
charset_ascii_run(struct span s)
{
	size_t i = 0;
	unsigned high;

	for (; i + 16 <= s.n; i += 16) {
		high = bytes16_mask(bytes16_load(s.p + i));
		if (high != 0)
			return i + bytes16_first(high);
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i;
}

/*
 * Length of the character at s, or 0 when it is malformed; *bad_len is then
 * the length of its longest prefix that could have begun one (Unicode 3.9,
 * as the Encoding standard replaces it).
 */
static size_t
utf8_length(struct span s, size_t *bad_len)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need, i;

	*bad_len = 1;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	if (p[0] == 0xed)
		hi = 0x9f;
	if (p[0] == 0xf0)
		lo = 0x90;
	if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < need; i++) {
		if (i == s.n || p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
		*bad_len = i + 1;
	}
	return need;
}

/*
 * Characters of one to three bytes at the front, sixteen bytes at a time and
 * up to a sixteen of ASCII.  Those behind 0xe0 are left out, whose second byte
 * has narrower bounds; behind 0xed, with which Hangul ends, are surrogates.
 */
static size_t
mixed_run(struct span s)
{
	unsigned two, three, ed, trail, high, want;
	unsigned due = 0, due_ed = 0; /* of the sixteen before */
	bytes16 v;
	size_t i;

	for (i = 0; i < s.n; i += 16) {
		v = bytes16_at(s, i);
		high = bytes16_mask(v);
		if ((high | due) == 0)
			break;
		two = bytes16_mask(bytes16_in(v, 0xc2, 0xdf));
		three = bytes16_mask(bytes16_in(v, 0xe1, 0xef));
		trail = bytes16_mask(bytes16_in(v, 0x80, 0xbf));
		/* where trail bytes must be, and where no high ones */
		want = due | (two | three) << 1 | three << 2;
		ed = due_ed | bytes16_mask(bytes16_is(v, 0xed)) << 1;
		if (high != (two | three | trail) || (want & 0xffff) != trail ||
		    (ed & bytes16_mask(bytes16_in(v, 0xa0, 0xbf))) != 0)
			break;
		due = want >> 16;
		due_ed = ed >> 16;
	}
	if (i > s.n)
		i = s.n;
	if (due != 0) /* the last character is not whole */
		while (((unsigned char)s.p[--i] & 0xc0) == 0x80)
			;
	return i;
}

/* Bytes that are well formed; *bad_len are those to be replaced behind. */
static size_t
valid_length(struct span s, size_t *bad_len)
{
	size_t i = 0, n;

	while (i < s.n) {
		if ((unsigned char)s.p[i] < 0x80)
			i += charset_ascii_run((struct span){s.p + i, s.n - i});
		i += mixed_run((struct span){s.p + i, s.n - i});
		if (i == s.n)
			break;
		if ((unsigned char)s.p[i] < 0x80)
			continue;
		n = utf8_length((struct span){s.p + i, s.n - i}, bad_len);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

size_t
utf8_valid_length(struct span s)
{
	size_t unused;

	return valid_length(s, &unused);
}

bool
utf8_valid(struct span s)
{
	return utf8_valid_length(s) == s.n;
}

bool
charset_utf8(struct span in, struct buf *out, uint32_t *bad)
{
	size_t n, bad_len = 0;

	while (in.n > 0 && !out->overflow) {
		n = valid_length(in, &bad_len);
		if (n > 0)
			(void)buf_add(out, in.p, n);
		in = span_slice(in, n, in.n);
		if (in.n == 0)
			break;
		charset_bad(out, bad);
		in = span_slice(in, bad_len, in.n);
	}
	return !out->overflow;
}

static uint32_t
unit16(const unsigned char *p, bool big)
{
	return big ? (uint32_t)(p[0] << 8 | p[1])
		   : (uint32_t)(p[1] << 8 | p[0]);
}

bool
charset_utf16(struct span in, bool big, struct buf *out, uint32_t *bad)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint32_t u, low;
	size_t i;

	for (i = 0; i + 2 <= in.n && !out->overflow; i += 2) {
		u = unit16(p + i, big);
		if (u < 0xd800 || u >= 0xe000) {
			(void)buf_add_utf8(out, u);
			continue;
		}
		low = i + 4 <= in.n ? unit16(p + i + 2, big) : 0;
		if (u >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
			charset_bad(out, bad);
			continue;
		}
		(void)buf_add_utf8(out,
		    0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
		i += 2;
	}
	if (i < in.n)
		charset_bad(out, bad);
	return !out->overflow;
}

bool
charset_utf32(struct span in, bool big, struct buf *out, uint32_t *bad)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint32_t u;
	size_t i;

	for (i = 0; i + 4 <= in.n && !out->overflow; i += 4) {
		u = big ? unit16(p + i, true) << 16 | unit16(p + i + 2, true)
			: unit16(p + i + 2, false) << 16 | unit16(p + i, false);
		if (u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
			charset_bad(out, bad);
		else
			(void)buf_add_utf8(out, u);
	}
	if (i < in.n)
		charset_bad(out, bad);
	return !out->overflow;
}

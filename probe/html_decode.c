/* Character references and newlines: raw bytes of a token to text. */
#include "html_tokens.h"

#include <string.h>

#include "bytes16.h"
#include "html_entities.h"

/* WHATWG HTML 13.2.5.80: numbers that mean windows-1252. */
static const uint16_t c1_points[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e,
    0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d,
    0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

/* What is met in a text, by classes; of each only whether it is there. */
struct met {
	unsigned high;	  /* beyond ASCII */
	unsigned special; /* never its own decoded form */
};

INLINE struct met
look_at(struct span raw)
{
	struct met m = {0, 0};
	unsigned there;
	bytes16 v;

	for (size_t i = 0; i < raw.n; i += 16) {
		v = bytes16_at(raw, i);
		there = raw.n - i >= 16 ? 0xffff : (1u << (raw.n - i)) - 1;
		m.high |= bytes16_mask(v);
		m.special |= there &
		    bytes16_mask(bytes16_is(v, '&') | bytes16_is(v, '\r') |
			bytes16_is(v, 0));
	}
	return m;
}

bool
html_is_plain(struct span raw, unsigned how, const struct charset *cs)
{
	struct met m = look_at(raw);

	if (m.special != 0)
		return false;
	if (m.high != 0)
		return charset_is_utf8(cs) && !(how & HTML_LOWER) &&
		    utf8_valid(raw);
	if (how & HTML_LOWER)
		for (size_t i = 0; i < raw.n; i++)
			if (raw.p[i] >= 'A' && raw.p[i] <= 'Z')
				return false;
	return true;
}

unsigned
html_text_decoding(const struct html_token *t)
{
	switch (t->state) {
	case HTML_DATA:
		return HTML_REFS | HTML_KEEP_NUL;
	case HTML_RCDATA:
		return HTML_REFS;
	case HTML_CDATA:
		return HTML_KEEP_NUL;
	case HTML_RAWTEXT:
	case HTML_SCRIPT:
	case HTML_PLAINTEXT:
		return 0;
	}
	return 0;
}

/* Longest name that stands at s (behind the "&"), or NULL. */
static const struct html_entity *
entity_find(struct span s)
{
	const struct html_entity *best = NULL;
	unsigned lo, hi, from, to, mid;
	unsigned char c;

	if (s.n == 0 || (unsigned char)s.p[0] >= 128)
		return NULL;
	lo = html_entity_first[(unsigned char)s.p[0]];
	hi = html_entity_first[(unsigned char)s.p[0] + 1];
	for (size_t i = 1; lo < hi; i++) {
		if (html_entities[lo].name[i] == '\0')
			best = &html_entities[lo++];
		if (i == s.n || i >= sizeof(best->name) - 1)
			break;
		c = (unsigned char)s.p[i];
		for (from = lo, to = hi; from < to;) {
			mid = (from + to) / 2;
			if ((unsigned char)html_entities[mid].name[i] < c)
				from = mid + 1;
			else
				to = mid;
		}
		lo = from;
		for (to = hi; from < to;) {
			mid = (from + to) / 2;
			if ((unsigned char)html_entities[mid].name[i] <= c)
				from = mid + 1;
			else
				to = mid;
		}
		hi = from;
	}
	return best;
}

static uint32_t
number_point(uint32_t n)
{
	if (n >= 0x80 && n < 0xa0 && c1_points[n - 0x80] != 0)
		return c1_points[n - 0x80];
	if (n == 0 || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
		return 0xfffd;
	return n;
}

/* "&#...": bytes used, 0 when it is none. */
static size_t
number_decode(struct span s, struct buf *out)
{
	size_t i = 2, start;
	uint32_t n = 0, base = 10;
	int digit;

	if (i < s.n && (s.p[i] == 'x' || s.p[i] == 'X')) {
		base = 16;
		i++;
	}
	for (start = i; i < s.n; i++) {
		digit = ascii_hex(s.p[i]);
		if (digit < 0 || (uint32_t)digit >= base)
			break;
		if (n <= 0x10ffff)
			n = n * base + (uint32_t)digit;
	}
	if (i == start)
		return 0;
	if (i < s.n && s.p[i] == ';')
		i++;
	(void)buf_add_utf8(out, number_point(n));
	return i;
}

/* Nearly all references are these. */
static size_t
common_decode(struct span s, struct buf *out)
{
	static const struct {
		const char *text;
		size_t n;
		struct span means;
	} common[] = {{"&quot;", 6, {"\"", 1}}, {"&amp;", 5, {"&", 1}},
	    {"&lt;", 4, {"<", 1}}, {"&gt;", 4, {">", 1}},
	    {"&nbsp;", 6, {"\xc2\xa0", 2}}};

	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (s.n >= common[i].n && s.p[1] == common[i].text[1] &&
		    memcmp(s.p, common[i].text, common[i].n) == 0) {
			(void)buf_add_span(out, common[i].means);
			return common[i].n;
		}
	return 0;
}

/* The reference at s (which begins with "&"): bytes used, at least 1. */
static size_t
reference_decode(struct span s, bool in_attr, struct buf *out)
{
	const struct html_entity *e;
	size_t n = common_decode(s, out);

	if (n > 0)
		return n;
	if (s.n >= 2 && s.p[1] == '#') {
		n = number_decode(s, out);
	} else {
		e = entity_find(span_slice(s, 1, s.n));
		n = e == NULL ? 0 : strlen(e->name) + 1;
		if (e != NULL && in_attr && s.p[n - 1] != ';' && n < s.n &&
		    (s.p[n] == '=' || ascii_alnum(s.p[n])))
			n = 0;
		if (n != 0) {
			(void)buf_add_utf8(out, e->first);
			if (e->second != 0)
				(void)buf_add_utf8(out, e->second);
		}
	}
	if (n == 0) {
		(void)buf_add_char(out, '&');
		n = 1;
	}
	return n;
}

/* The next byte at or behind `at` that does not stand for itself. */
static size_t
special_find(struct span raw, size_t at, bool refs)
{
	unsigned hit;
	bytes16 v;

	for (; at + 16 <= raw.n; at += 16) {
		v = bytes16_load(raw.p + at);
		hit = bytes16_mask(bytes16_is(v, '\r') | bytes16_is(v, 0) |
		    bytes16_is(v, refs ? '&' : 0));
		if (hit != 0)
			return at + bytes16_first(hit);
	}
	while (at < raw.n && raw.p[at] != '\r' && raw.p[at] != '\0' &&
	    !(raw.p[at] == '&' && refs))
		at++;
	return at;
}

/* Does all of it stand for itself, but for references and the like?  Asked
 * once, for there may be many short runs between those. */
static bool
is_utf8(struct span raw, const struct charset *cs)
{
	return look_at(raw).high == 0 ||
	    (charset_is_utf8(cs) && utf8_valid(raw));
}

bool
html_decode(struct span raw, unsigned how, const struct charset *cs,
    struct buf *out, uint32_t *bad)
{
	size_t i = 0, from, begin = out->len;
	bool utf8 = is_utf8(raw, cs);
	struct span run;
	char c;

	while (i < raw.n) {
		from = i;
		i = special_find(raw, i, (how & HTML_REFS) != 0);
		run = (struct span){raw.p + from, i - from};
		if (utf8)
			(void)buf_add_span(out, run);
		else if (run.n > 0)
			(void)charset_append(cs, run, out, bad);
		if (i == raw.n)
			break;
		c = raw.p[i];
		if (c == '&') {
			i += reference_decode(span_slice(raw, i, raw.n),
			    (how & HTML_IN_ATTR) != 0, out);
			continue;
		}
		i++;
		if (c == '\r') {
			(void)buf_add_char(out, '\n');
			if (i < raw.n && raw.p[i] == '\n')
				i++;
		} else if (how & HTML_KEEP_NUL) {
			(void)buf_add_char(out, '\0');
		} else {
			(void)buf_add_utf8(out, 0xfffd);
		}
	}
	if (how & HTML_LOWER)
		for (i = begin; i < out->len; i++)
			out->data[i] = ascii_lower(out->data[i]);
	return !out->overflow;
}

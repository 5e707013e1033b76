/* Attributes of a tag, WHATWG HTML 13.2.5.32 to 13.2.5.40. */
#include "html_tag.h"

const uint8_t html_classes[256] = {[0] = C_ODD,
    ['A' ... 'Z'] = C_ODD,
    [0x80 ... 0xff] = C_ODD,
    ['\t'] = C_SPACE,
    ['\n'] = C_SPACE,
    ['\f'] = C_SPACE,
    ['\r'] = C_SPACE,
    [' '] = C_SPACE,
    ['/'] = C_SLASH,
    ['>'] = C_END,
    ['='] = C_EQUAL};

size_t
html_name_end_slow(struct span in, size_t at, unsigned mask, bool *plain)
{
	unsigned seen = 0, c;

	for (; at < in.n; at++) {
		c = html_classes[(unsigned char)in.p[at]];
		if (c & mask)
			break;
		seen |= c;
	}
	*plain = (seen & C_ODD) == 0;
	return at;
}

/* Is the name of an attribute that of one before it? */
RARELY bool
attr_known(const struct html_tokens *h, const struct attribute *a)
{
	for (const struct attribute *b = h->attrs; b < a; b++)
		if (b->key == a->key && b->name.n == a->name.n &&
		    (a->name.n <= 8 || span_eq_i(b->name, a->name)))
			return true;
	return false;
}

static size_t
skip_class(struct span in, size_t at, unsigned mask)
{
	while (at < in.n && is_class(in.p[at], mask))
		at++;
	return at;
}

static size_t
until_class(struct span in, size_t at, unsigned mask)
{
	while (at < in.n && !is_class(in.p[at], mask))
		at++;
	return at;
}

/*
 * Where a byte of a value is certain to stand for itself and not to be the
 * quote: it is ASCII and neither "&" nor one from NUL to CR.  The quotes differ
 * from "&" in one bit only, so that one comparison finds both.
 */
INLINE bytes16
value_plain(bytes16 v, char quote)
{
	uint8_t apart = (uint8_t)(quote ^ '&');

	return bytes16_above(v, '\r') &
	    ~bytes16_is(v | apart, (uint8_t)(quote | apart));
}

/* The quote that ends a value, or the end of input; tells whether all before
 * it is certain to stand for itself. */
INLINE size_t
quote_end(struct span in, size_t at, char quote, bool *plain)
{
	unsigned is_plain;

	/* two at a time: fewer values take a second turn */
	for (; at + 32 <= in.n; at += 32) {
		is_plain =
		    bytes16_mask(value_plain(bytes16_load(in.p + at), quote)) |
		    bytes16_mask(
			value_plain(bytes16_load(in.p + at + 16), quote))
			<< 16;
		if (~is_plain != 0) {
			at += bytes16_first(~is_plain);
			*plain = in.p[at] == quote;
			if (*plain)
				return at;
			break;
		}
	}
	*plain = false;
	return find_in(in, at, quote);
}

/* Value in quotes, of which the first is at `at`; returns the place behind
 * it, the end of input when it is not closed. */
INLINE size_t
quoted_scan(struct span in, size_t at, struct attribute *a)
{
	size_t end = in.p[at] == '"'
	    ? quote_end(in, at + 1, '"', &a->plain_value)
	    : quote_end(in, at + 1, '\'', &a->plain_value);

	a->value = (struct span){in.p + at + 1, end - at - 1};
	return end + (end < in.n);
}

/* Value behind "="; returns the place behind it. */
static size_t
value_scan(struct span in, size_t at, struct attribute *a)
{
	size_t end;

	at = skip_class(in, at, C_SPACE);
	if (at == in.n || in.p[at] == '>')
		return at;
	if (in.p[at] == '"' || in.p[at] == '\'')
		return quoted_scan(in, at, a);
	end = until_class(in, at, C_SPACE | C_END);
	a->value = (struct span){in.p + at, end - at};
	a->plain_value = false; /* not known */
	return end;
}

/* An attribute in any form, whose name begins at `at`; returns the place
 * behind it. */
RARELY size_t
attr_scan(struct span in, size_t at, struct attribute *a)
{
	size_t from = at;

	if (in.p[at] == '=')
		at++;
	at = html_name_end(in, at, C_NAME | C_EQUAL, &a->plain_name);
	a->name = (struct span){in.p + from, at - from};
	a->key = name_key(in, a->name, a->plain_name);
	a->value = (struct span){in.p + at, 0};
	a->plain_value = true;
	at = skip_class(in, at, C_SPACE);
	if (at < in.n && in.p[at] == '=')
		at = value_scan(in, at + 1, a);
	return at;
}

#define ATTR_LOOK 64 /* what attr_usual() looks at, at once */

/* Bits of the bytes from p that value_plain() holds for. */
INLINE uint64_t
plain_mask(const char *p, char quote)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < ATTR_LOOK; i += 16)
		mask |= (uint64_t)bytes16_mask(
			    value_plain(bytes16_load(p + i), quote))
		    << i;
	return mask;
}

/*
 * The same of one as nearly all are, name="value" with a short name in
 * lower-case letters and hyphens; 0 when it is another.  The end of the value
 * is looked for together with that of the name, which is not waited for.
 */
INLINE size_t
attr_usual(struct span in, size_t at, struct attribute *a)
{
	const char *p = in.p + at;
	bytes16 v = bytes16_load(p);
	uint64_t stops = ~plain_mask(p, '"');
	size_t n = bytes16_first(
	    ~bytes16_mask(bytes16_above(v, 'a' - 1) | bytes16_is(v, '-')));
	size_t end;

	if (p[n] != '=' || n == 0 || p[n + 1] != '"')
		return 0;
	a->plain_name = true;
	a->name = (struct span){p, n};
	a->key = key_at(p, n);
	n += 2;
	stops >>= n;
	if (stops != 0) {
		end = at + n + (unsigned)__builtin_ctzll(stops);
		a->plain_value = in.p[end] == '"';
		if (!a->plain_value)
			end = find_in(in, end, '"');
	} else {
		end = quote_end(in, at + ATTR_LOOK, '"', &a->plain_value);
	}
	a->value = (struct span){p + n, end - at - n};
	return end + (end < in.n);
}

/* From behind the tag name to behind the ">"; false at the end of input. */
bool
html_attrs(struct html_tokens *h, struct html_token *t, size_t at)
{
	const struct span in = h->in;
	struct attribute *a = h->attrs;
	uint64_t met = 0, bit; /* one for each name so far */
	size_t from, next;
	bool plain = true;

	for (;;) {
		from = at;
		/* nearly always one space, or none before the ">" */
		if (at + 1 + ATTR_LOOK <= in.n && in.p[at] == ' ' &&
		    (next = attr_usual(in, at + 1, a)) != 0) {
			at = next;
		} else {
			at = skip_class(in, at, C_SPACE | C_SLASH);
			if (at == in.n || in.p[at] == '>')
				break;
			at = attr_scan(in, at, a);
		}
		if (at == in.n)
			break;
		/* To compare with all of them is not much work, but how many
		 * there are is hard to foretell. */
		bit = (uint64_t)1 << (a->key * 0x9e3779b97f4a7c15ull >> 58);
		if (a == h->attrs + ATTRS_MAX) {
			h->attrs_cut = true;
		} else if ((met & bit) == 0 || !attr_known(h, a)) {
			plain &= a->plain_name & a->plain_value;
			a++;
		}
		met |= bit;
	}
	h->at = at + (at < in.n);
	t->attrs = h->attrs;
	t->nattrs = (size_t)(a - h->attrs);
	t->plain_attrs = plain;
	t->self_closing = at > from && in.p[at - 1] == '/';
	return at < in.n;
}

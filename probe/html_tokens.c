#include "html_tokens.h"

#include <string.h>

#include "bytes16.h"

enum { FOREIGN_SVG = 1, FOREIGN_MATH, FOREIGN_HTML /* integration point */ };

/* Byte classes inside a tag. */
#define C_SPACE 1
#define C_SLASH 2
#define C_END	4 /* > */
#define C_EQUAL 8
#define C_ODD	16 /* a name with it is not in its final form */
#define C_NAME	(C_SPACE | C_SLASH | C_END) /* ends an element's name */

static const uint8_t classes[256] = {[0] = C_ODD,
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

#define NAME(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}

/* Start tags that end foreign content, standard section 13.2.6.5. */
static const struct span breakouts[] = {NAME("b"), NAME("big"),
    NAME("blockquote"), NAME("body"), NAME("br"), NAME("center"), NAME("code"),
    NAME("dd"), NAME("div"), NAME("dl"), NAME("dt"), NAME("em"), NAME("embed"),
    NAME("h1"), NAME("h2"), NAME("h3"), NAME("h4"), NAME("h5"), NAME("h6"),
    NAME("head"), NAME("hr"), NAME("i"), NAME("img"), NAME("li"),
    NAME("listing"), NAME("menu"), NAME("meta"), NAME("nobr"), NAME("ol"),
    NAME("p"), NAME("pre"), NAME("ruby"), NAME("s"), NAME("small"),
    NAME("span"), NAME("strong"), NAME("strike"), NAME("sub"), NAME("sup"),
    NAME("table"), NAME("tt"), NAME("u"), NAME("ul"), NAME("var")};

static const struct span svg_html[] = {NAME("foreignobject"), NAME("desc"),
    NAME("title")};
static const struct span math_html[] = {NAME("mi"), NAME("mo"), NAME("mn"),
    NAME("ms"), NAME("mtext"), NAME("annotation-xml")};

static bool
is_class(char c, unsigned mask)
{
	return (classes[(unsigned char)c] & mask) != 0;
}

static bool
in_list(struct span name, const struct span *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].n == name.n && span_eq_i(name, list[i]))
			return true;
	return false;
}

void
html_tokens_init(struct html_tokens *h, struct span in)
{
	h->in = in;
	h->at = 0;
	h->state = HTML_DATA;
	h->steered = true;
	h->cdata = false;
	h->skip_text = false;
	h->attrs_cut = false;
	h->last = SPAN_NULL;
	h->nforeign = 0;
}

static size_t
find_in(struct span in, size_t from, char c)
{
	const char *p;

	if (from >= in.n)
		return in.n;
	p = memchr(in.p + from, c, in.n - from);
	return p == NULL ? in.n : (size_t)(p - in.p);
}

static size_t
find_byte(const struct html_tokens *h, size_t from, char c)
{
	return find_in(h->in, from, c);
}

static bool
stands_at(const struct html_tokens *h, size_t at, const char *word)
{
	return span_starts_i(span_slice(h->in, at, strlen(word)), word);
}

static bool
in_foreign(const struct html_tokens *h)
{
	return h->nforeign > 0 &&
	    h->foreign[h->nforeign - 1].kind != FOREIGN_HTML;
}

/* Bytes that begin markup of the data state behind "<", and how many must be
 * there with it. */
static const uint8_t markup_begins[256] =
    {['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['!'] = 1, ['?'] = 1, ['/'] = 2};

/* Does markup of the data state begin at this "<"?  Whether it is a start tag
 * or an end tag, nobody can foretell, so that is asked only once, later. */
static bool
markup_at(const struct html_tokens *h, size_t at)
{
	size_t need;

	if (at + 1 >= h->in.n)
		return false;
	need = markup_begins[(unsigned char)h->in.p[at + 1]];
	return need != 0 && at + need < h->in.n;
}

/* Is there an end tag of the last start tag at this "<"? */
static bool
end_tag_at(const struct html_tokens *h, size_t at)
{
	size_t end = at + 2 + h->last.n;

	return h->last.n > 0 && end < h->in.n && h->in.p[at + 1] == '/' &&
	    span_eq_i(span_slice(h->in, at + 2, h->last.n), h->last) &&
	    is_class(h->in.p[end], C_NAME);
}

RARELY size_t
raw_end(const struct html_tokens *h, size_t at)
{
	for (;; at++) {
		at = find_byte(h, at, '<');
		if (at == h->in.n || end_tag_at(h, at))
			return at;
	}
}

/* "script" and a byte that ends a tag name at this place. */
static bool
script_word_at(const struct html_tokens *h, size_t at)
{
	return at + 6 < h->in.n && stands_at(h, at, "script") &&
	    is_class(h->in.p[at + 6], C_NAME);
}

/*
 * Script data inside "<!--": the end of the script, or of the escape (*out is
 * then set).  The states of 13.2.5.20 to 13.2.5.32 are `dashes` and `twice`.
 */
static size_t
script_escaped(const struct html_tokens *h, size_t at, bool *out)
{
	bool twice = false;
	unsigned dashes = 2;
	char c;

	*out = false;
	while (at < h->in.n) {
		c = h->in.p[at];
		if (c == '-') {
			dashes++;
		} else if (c == '>' && dashes >= 2) {
			*out = true;
			return at + 1;
		} else {
			dashes = 0;
			if (c == '<' && !twice && end_tag_at(h, at))
				return at;
			if (c == '<' && !twice && script_word_at(h, at + 1)) {
				twice = true;
				at += 7;
			} else if (c == '<' && twice && at + 1 < h->in.n &&
			    h->in.p[at + 1] == '/' &&
			    script_word_at(h, at + 2)) {
				twice = false;
				at += 8;
			}
		}
		at++;
	}
	return at;
}

RARELY size_t
script_end(const struct html_tokens *h, size_t at)
{
	bool out;

	for (;;) {
		at = find_byte(h, at, '<');
		if (at == h->in.n || end_tag_at(h, at))
			return at;
		if (!stands_at(h, at, "<!--")) {
			at++;
			continue;
		}
		at = script_escaped(h, at + 4, &out);
		if (!out)
			return at;
	}
}

RARELY size_t
cdata_end(const struct html_tokens *h, size_t at)
{
	for (;; at++) {
		at = find_byte(h, at, ']');
		if (at == h->in.n || stands_at(h, at, "]]>"))
			return at;
	}
}

/* Most texts between tags are short: some bytes are looked at before the
 * library is called. */
static size_t
data_end(const struct html_tokens *h, size_t at)
{
	bytes16 v, w;
	unsigned hit;

	for (;; at++) {
		if (at + 32 <= h->in.n) {
			v = bytes16_load(h->in.p + at);
			w = bytes16_load(h->in.p + at + 16);
			hit = bytes16_mask(bytes16_is(v, '<')) |
			    bytes16_mask(bytes16_is(w, '<')) << 16;
			at = hit != 0 ? at + bytes16_first(hit)
				      : find_byte(h, at + 32, '<');
		} else {
			at = find_byte(h, at, '<');
		}
		if (at == h->in.n || markup_at(h, at))
			return at;
	}
}

static size_t
text_end(const struct html_tokens *h, size_t at)
{
	switch (h->state) {
	case HTML_DATA:
		return data_end(h, at);
	case HTML_RCDATA:
	case HTML_RAWTEXT:
		return raw_end(h, at);
	case HTML_SCRIPT:
		return script_end(h, at);
	case HTML_CDATA:
		return cdata_end(h, at);
	case HTML_PLAINTEXT:
		return h->in.n;
	}
	return h->in.n;
}

static struct span
between(const struct html_tokens *h, size_t from, size_t to)
{
	return (struct span){h->in.p + from, to - from};
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

/* name_end() byte by byte. */
RARELY size_t
name_end_slow(struct span in, size_t at, unsigned mask, bool *plain)
{
	unsigned seen = 0, c;

	for (; at < in.n; at++) {
		c = classes[(unsigned char)in.p[at]];
		if (c & mask)
			break;
		seen |= c;
	}
	*plain = (seen & C_ODD) == 0;
	return at;
}

/*
 * The same over a name; tells whether it is lower-case ASCII.  Nearly every
 * name ends within the sixteen bytes that are looked at first.
 */
INLINE size_t
name_end(struct span in, size_t at, unsigned mask, bool *plain)
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
	return name_end_slow(in, at, mask, plain);
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
	at = name_end(in, at, C_NAME | C_EQUAL, &a->plain_name);
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
static bool
attrs_scan(struct html_tokens *h, struct html_token *t, size_t at)
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

static void
foreign_push(struct html_tokens *h, uint8_t kind, struct span name)
{
	if (h->nforeign == HTML_FOREIGN_MAX)
		return;
	h->foreign[h->nforeign++] =
	    (struct html_foreign){kind, bytes_hash_i(name)};
}

RARELY void
foreign_start(struct html_tokens *h, const struct html_token *t)
{
	uint8_t kind = span_is_i(t->name, "svg") ? FOREIGN_SVG
	    : span_is_i(t->name, "math")	 ? FOREIGN_MATH
						 : 0;

	if (kind == 0 && in_foreign(h)) {
		if (in_list(t->name, breakouts, ARRAY_LEN(breakouts))) {
			while (in_foreign(h))
				h->nforeign--;
			return;
		}
		if (h->foreign[h->nforeign - 1].kind == FOREIGN_SVG
			? in_list(t->name, svg_html, ARRAY_LEN(svg_html))
			: in_list(t->name, math_html, ARRAY_LEN(math_html)))
			kind = FOREIGN_HTML;
	}
	if (kind != 0 && !t->self_closing)
		foreign_push(h, kind, t->name);
}

RARELY void
foreign_end(struct html_tokens *h, struct span name)
{
	uint64_t hash = bytes_hash_i(name);

	for (size_t i = h->nforeign; i-- > 0;) {
		if (h->foreign[i].name == hash) {
			h->nforeign = i;
			return;
		}
		if (h->foreign[i].kind == FOREIGN_HTML)
			return;
	}
}

/* Is this tag of the name, which is no longer than its key tells? */
INLINE bool
tag_is(const struct html_token *t, const char *name)
{
	size_t n = strlen(name);

	return t->key == span_key((struct span){name, n}) && t->name.n == n;
}

/* Has one of these names the same first four letters?  All are compared at
 * once: what the next tag is, is hard to foretell. */
static bool
may_hold_raw(uint64_t key)
{
	typedef uint32_t four __attribute__((vector_size(16)));
#define HEAD(a, b, c, d) (a | b << 8 | c << 16 | (uint32_t)d << 24)
	const four heads[] = {{HEAD('x', 'm', 'p', 0), HEAD('t', 'i', 't', 'l'),
				  HEAD('s', 't', 'y', 'l'),
				  HEAD('s', 'c', 'r', 'i')},
	    {HEAD('i', 'f', 'r', 'a'), HEAD('n', 'o', 'e', 'm'),
		HEAD('t', 'e', 'x', 't'), HEAD('n', 'o', 'f', 'r')},
	    {HEAD('p', 'l', 'a', 'i'), 0, 0, 0}};
#undef HEAD
	four head = (four){0} + (uint32_t)key;

	return bytes16_mask((bytes16)((head == heads[0]) | (head == heads[1]) |
		   (head == heads[2]))) != 0;
}

/* Text behind a start tag that is not markup; HTML_DATA: it is. */
RARELY enum html_state
content_state(const struct html_token *t)
{
	switch (t->name.n) {
	case 3:
		return tag_is(t, "xmp") ? HTML_RAWTEXT : HTML_DATA;
	case 5:
		return tag_is(t, "title") ? HTML_RCDATA
		    : tag_is(t, "style")  ? HTML_RAWTEXT
					  : HTML_DATA;
	case 6:
		return tag_is(t, "script") ? HTML_SCRIPT
		    : tag_is(t, "iframe")  ? HTML_RAWTEXT
					   : HTML_DATA;
	case 7:
		return tag_is(t, "noembed") ? HTML_RAWTEXT : HTML_DATA;
	case 8:
		return tag_is(t, "textarea") ? HTML_RCDATA
		    : tag_is(t, "noframes")  ? HTML_RAWTEXT
					     : HTML_DATA;
	case 9:
		return span_is_i(t->name, "plaintext") ? HTML_PLAINTEXT
						       : HTML_DATA;
	default:
		return HTML_DATA;
	}
}

static bool
opens_foreign(const struct html_token *t)
{
	return tag_is(t, "svg") || tag_is(t, "math");
}

/* What the tree builder would do to the tokeniser on this start tag. */
static void
steer(struct html_tokens *h, const struct html_token *t)
{
	bool was_foreign = in_foreign(h);

	if (!h->steered)
		return;
	if (was_foreign || opens_foreign(t))
		foreign_start(h, t);
	h->last =
	    span_slice(t->name, 0, t->name.n <= HTML_NAME_MAX ? t->name.n : 0);
	if (was_foreign && in_foreign(h))
		return;
	/* svg title and desc hold ordinary markup */
	if (was_foreign && h->nforeign > 0 &&
	    h->foreign[h->nforeign - 1].name == bytes_hash_i(t->name))
		return;
	h->state = may_hold_raw(t->key) ? content_state(t) : HTML_DATA;
}

static bool
start_tag(struct html_tokens *h, struct html_token *t, size_t at)
{
	size_t end = name_end(h->in, at + 1, C_NAME, &t->plain_name);

	t->type = HTML_START;
	t->name = between(h, at + 1, end);
	t->key = name_key(h->in, t->name, t->plain_name);
	if (!attrs_scan(h, t, end))
		return false;
	steer(h, t);
	return true;
}

static bool
end_tag(struct html_tokens *h, struct html_token *t, size_t at)
{
	size_t end = name_end(h->in, at + 2, C_NAME, &t->plain_name);

	t->type = HTML_END;
	t->name = between(h, at + 2, end);
	t->key = name_key(h->in, t->name, t->plain_name);
	if (end < h->in.n && h->in.p[end] == '>')
		h->at = end + 1;
	else if (!attrs_scan(h, t, end))
		return false;
	t->nattrs = 0;
	t->self_closing = false;
	if (h->nforeign > 0)
		foreign_end(h, t->name);
	return true;
}

RARELY void
bogus_comment(struct html_tokens *h, struct html_token *t, size_t from)
{
	size_t end = find_byte(h, from, '>');

	t->type = HTML_COMMENT;
	t->data = between(h, from, end);
	h->at = end < h->in.n ? end + 1 : end;
}

/* Behind "<!--": the comment ends at the first "-->" or "--!>". */
static void
comment(struct html_tokens *h, struct html_token *t, size_t from)
{
	const char *p = h->in.p;
	size_t end = from, cut = from;

	t->type = HTML_COMMENT;
	for (;; end++) {
		end = find_byte(h, end, '>');
		if (end == h->in.n)
			break;
		cut = end;
		if (end == from || (end == from + 1 && p[from] == '-')) {
			cut = from;
			break;
		}
		if (end >= from + 2 && memcmp(p + end - 2, "--", 2) == 0) {
			cut = end - 2;
			break;
		}
		if (end >= from + 3 && memcmp(p + end - 3, "--!", 3) == 0) {
			cut = end - 3;
			break;
		}
	}
	if (end == h->in.n) {
		struct span rest = between(h, from, end);

		cut = end;
		if (span_ends_i(rest, "--!"))
			cut -= 3;
		else if (span_ends_i(rest, "--"))
			cut -= 2;
		else if (span_ends_i(rest, "-"))
			cut -= 1;
	}
	t->data = between(h, from, cut);
	h->at = end < h->in.n ? end + 1 : end;
}

/* "<!" at this place. */
RARELY void
declaration(struct html_tokens *h, struct html_token *t, size_t at)
{
	if (stands_at(h, at, "<!--")) {
		comment(h, t, at + 4);
	} else if (stands_at(h, at, "<!doctype")) {
		html_doctype(h, t, at + 9);
	} else if ((h->cdata || in_foreign(h)) &&
	    stands_at(h, at, "<![CDATA[") &&
	    memcmp(h->in.p + at + 3, "CDATA", 5) == 0) {
		h->state = HTML_CDATA;
		h->at = at + 9;
		t->type = HTML_TEXT; /* empty; what follows is the text */
		t->state = HTML_CDATA;
		t->data = between(h, h->at, h->at);
	} else {
		bogus_comment(h, t, at + 2);
	}
}

/* One piece of markup at h->at; false: it gives no token. */
static bool
markup(struct html_tokens *h, struct html_token *t)
{
	size_t at = h->at;
	char c = h->in.p[at + 1];

	if (ascii_alpha(c))
		return start_tag(h, t, at);
	if (c == '!') {
		declaration(h, t, at);
		return true;
	}
	if (c == '?') {
		bogus_comment(h, t, at + 1);
		return true;
	}
	if (h->in.p[at + 2] == '>') {
		h->at = at + 3;
		return false;
	}
	if (ascii_alpha(h->in.p[at + 2]))
		return end_tag(h, t, at);
	bogus_comment(h, t, at + 2);
	return true;
}

enum html_token_type
html_next(struct html_tokens *h, struct html_token *t)
{
	size_t end;

	for (;;) {
		t->nattrs = 0;
		t->self_closing = false;
		t->offset = h->at;
		t->state = h->state;
		if (h->at >= h->in.n)
			return t->type = HTML_EOF;
		end = text_end(h, h->at);
		if (h->skip_text && h->state == HTML_DATA) {
			t->offset = h->at = end;
			if (end == h->in.n)
				return t->type = HTML_EOF;
		} else if (end > h->at) {
			t->data = between(h, h->at, end);
			h->at = end;
			return t->type = HTML_TEXT;
		}
		if (h->state == HTML_CDATA) {
			h->at += 3;
			h->state = HTML_DATA;
			continue;
		}
		h->state = HTML_DATA;
		if (markup(h, t))
			return t->type;
	}
}

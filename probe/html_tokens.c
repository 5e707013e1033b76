#include "html_tokens.h"

#include <string.h>

#include "bytes16.h"
#include "html_tag.h"

enum { FOREIGN_SVG = 1, FOREIGN_MATH, FOREIGN_HTML /* integration point */ };

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
	size_t end = html_name_end(h->in, at + 1, C_NAME, &t->plain_name);

	t->type = HTML_START;
	t->name = between(h, at + 1, end);
	t->key = name_key(h->in, t->name, t->plain_name);
	if (!html_attrs(h, t, end))
		return false;
	steer(h, t);
	return true;
}

static bool
end_tag(struct html_tokens *h, struct html_token *t, size_t at)
{
	size_t end = html_name_end(h->in, at + 2, C_NAME, &t->plain_name);

	t->type = HTML_END;
	t->name = between(h, at + 2, end);
	t->key = name_key(h->in, t->name, t->plain_name);
	if (end < h->in.n && h->in.p[end] == '>')
		h->at = end + 1;
	else if (!html_attrs(h, t, end))
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

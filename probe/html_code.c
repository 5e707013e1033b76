/*
 * Links in code: a light lexer of JavaScript and JSON that knows strings,
 * comments and regular expressions, and gives the string literals that are
 * URLs, hold URLs, or are put where only a URL can be.
 */
#include "page.h"

#include <string.h>

#include "bytes16.h"

struct lexer {
	struct page *page;
	struct span s;
	enum code_kind kind;
	const struct element *element;
	struct span attr;
	struct span key; /* last property name in quotes */
};

/* Bytes of code that are of interest outside strings. */
static const uint8_t stops[256] =
    {['"'] = 1, ['\''] = 1, ['`'] = 1, ['/'] = 1, ['<'] = 1};

/* Next byte of interest at or behind `at`. */
static size_t
next_stop(struct span code, size_t at)
{
	unsigned hit;
	bytes16 v;

	for (; at + 16 <= code.n; at += 16) {
		v = bytes16_load(code.p + at);
		hit = bytes16_mask(bytes16_is(v, '"') | bytes16_is(v, '\'') |
		    bytes16_is(v, '`') | bytes16_is(v, '/') |
		    bytes16_is(v, '<'));
		if (hit != 0)
			return at + bytes16_first(hit);
	}
	while (at < code.n && !stops[(unsigned char)code.p[at]])
		at++;
	return at;
}

static enum link_source
source_of(const struct lexer *l)
{
	switch (l->kind) {
	case CODE_HANDLER:
		return LINK_HANDLER;
	case CODE_JSONLD:
		if (span_is(l->key, "sameAs") || span_is(l->key, "url"))
			return LINK_JSONLD;
		return LINK_SCRIPT;
	case CODE_SCRIPT:
	case CODE_JSON:
	case CODE_MARKUP:
		return LINK_SCRIPT;
	}
	return LINK_SCRIPT;
}

/* "\u002f" and "\x2f": the value, -1 when it is none. */
static int
hex_digits(struct span s, size_t n)
{
	int v = 0, d;

	if (s.n < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		d = ascii_hex(s.p[i]);
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* One escape sequence behind the backslash: bytes used. */
static size_t
unescape_one(struct span s, struct buf *out)
{
	int v = -1, low;

	if (s.p[0] == 'u')
		v = hex_digits(span_slice(s, 1, 4), 4);
	if (v >= 0xd800 && v < 0xdc00 && s.n >= 11 && s.p[5] == '\\' &&
	    s.p[6] == 'u' &&
	    (low = hex_digits(span_slice(s, 7, 4), 4)) >= 0xdc00 &&
	    low < 0xe000) {
		(void)buf_add_utf8(out,
		    0x10000 + ((uint32_t)(v - 0xd800) << 10) +
			(uint32_t)(low - 0xdc00));
		return 11;
	}
	if (v >= 0) {
		(void)buf_add_utf8(out,
		    v >= 0xd800 && v < 0xe000 ? 0xfffd : (uint32_t)v);
		return 5;
	}
	if (s.p[0] == 'x' && (v = hex_digits(span_slice(s, 1, 2), 2)) >= 0) {
		(void)buf_add_utf8(out, (uint32_t)v);
		return 3;
	}
	(void)buf_add_char(out,
	    s.p[0] == 'n' || s.p[0] == 'r' || s.p[0] == 't' ? ' ' : s.p[0]);
	return 1;
}

/* A string without its escapes, cut at TOKEN_KEEP_MAX. */
static struct span
unescape(struct page *p, struct span s)
{
	struct buf *out = &p->literal;
	const char *from, *end;
	char *to;

	s = span_slice(s, 0, TOKEN_KEEP_MAX);
	buf_clear(out);
	/* what an escape stands for is never longer than itself */
	to = buf_reserve(out, s.n);
	if (to == NULL)
		return SPAN_NULL;
	for (from = s.p, end = s.p + s.n; from < end;) {
		if (*from != '\\') {
			*to++ = *from++;
		} else if (++from == end) {
			break;
		} else if (*from == '/' || *from == '"') { /* nearly all */
			*to++ = *from++;
		} else {
			out->len = (size_t)(to - out->data);
			from += unescape_one((struct span){from,
						 (size_t)(end - from)},
			    out);
			to = out->data + out->len;
		}
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
	return buf_span(out);
}

/* The word that ends at `end`, of letters, digits and the like. */
static struct span
word_before(struct span s, size_t end)
{
	size_t from = end;

	while (from > 0 && end - from < 16 &&
	    (ascii_alnum(s.p[from - 1]) || s.p[from - 1] == '_'))
		from--;
	return span_slice(s, from, end - from);
}

/* Is a string that begins at `at` put where only an address can be? */
static bool
navigates(struct span s, size_t at)
{
	static const char *const assigned[] = {"location", "href", "src",
	    "action"};
	static const char *const called[] = {"open", "navigate"};
	struct span word;
	char c;

	while (at > 0 && ascii_space(s.p[at - 1]))
		at--;
	if (at == 0)
		return false;
	c = s.p[--at];
	while (at > 0 && ascii_space(s.p[at - 1]))
		at--;
	word = word_before(s, at);
	if (c == '=')
		for (size_t i = 0; i < ARRAY_LEN(assigned); i++)
			if (span_is(word, assigned[i]))
				return true;
	if (c != '(')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(called); i++)
		if (span_is(word, called[i]))
			return true;
	/* location.replace('x') */
	return at > word.n &&
	    (span_is(word, "replace") || span_is(word, "assign")) &&
	    span_is(word_before(s, at - word.n - 1), "location");
}

/* Bytes that a relative address in code does not hold. */
static const bool not_relative[256] = {[0 ... ' '] = true,
    ['"'] = true,
    ['\''] = true,
    ['<'] = true,
    ['>'] = true,
    ['('] = true,
    [')'] = true,
    ['{'] = true,
    ['}'] = true,
    ['['] = true,
    [']'] = true,
    ['|'] = true,
    ['\\'] = true,
    ['^'] = true,
    ['`'] = true,
    ['*'] = true,
    [';'] = true,
    [','] = true};

/* Could it be a relative address, and not a word or a selector? */
static bool
looks_relative(struct span s)
{
	bool mark = false, letter = false;

	if (s.n < 3 || s.n > URL_MAX_LEN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (not_relative[(unsigned char)c])
			return false;
		mark = mark || c == '/' || c == '?' ||
		    (c == '.' && i > 0 && i + 2 < s.n);
		letter = letter || ascii_alpha(c);
	}
	return mark && letter && s.p[0] != '#';
}

/* A string that is long enough to be an address and has a sign of one. */
RARELY void
literal(struct lexer *l, struct span raw, size_t at, bool escaped)
{
	struct span s = raw;
	bool slash = memchr(raw.p, '/', raw.n) != NULL;

	if (span_starts(l->key, "@"))
		return;
	if (escaped)
		s = unescape(l->page, raw);
	s = span_trim(s);
	if (looks_absolute(s)) {
		size_t n = 0;

		while (n < s.n && (unsigned char)s.p[n] > ' ' &&
		    s.p[n] != '<' && s.p[n] != '"')
			n++;
		if (n == s.n) {
			page_link(l->page, source_of(l), s, l->element,
			    l->attr);
			return;
		}
	}
	if (slash && scheme_mark(s, 0, false) < s.n)
		text_links(l->page, s, source_of(l), l->element, l->attr);
	else if ((l->kind == CODE_HANDLER || l->kind == CODE_SCRIPT) &&
	    (l->kind == CODE_HANDLER || navigates(l->s, at)) &&
	    looks_relative(s))
		page_link(l->page, source_of(l), s, l->element, l->attr);
}

/* Next quote, backslash or newline at or behind `at`; tells whether a "." or
 * "/", without which there is no address, was met before it. */
static size_t
string_stop(struct span s, size_t at, char quote, bool *sign)
{
	unsigned hit, signs;
	bytes16 v;

	for (; at + 16 <= s.n; at += 16) {
		v = bytes16_load(s.p + at);
		hit = bytes16_mask(bytes16_is(v, (uint8_t)quote) |
		    bytes16_is(v, '\\') | bytes16_is(v, '\n'));
		signs = bytes16_mask(bytes16_is(v | 1, '/'));
		*sign |= (signs & (hit - 1) & ~hit) != 0;
		if (hit != 0)
			return at + bytes16_first(hit);
	}
	for (;
	     at < s.n && s.p[at] != quote && s.p[at] != '\\' && s.p[at] != '\n';
	     at++)
		*sign |= s.p[at] == '.' || s.p[at] == '/';
	return at;
}

/* String that begins at `at`: the place behind it. */
static size_t
string(struct lexer *l, size_t at)
{
	char quote = l->s.p[at];
	size_t i = at + 1, next;
	bool escaped = false, sign = l->kind == CODE_HANDLER;
	struct span raw;

	for (;; i++) {
		i = string_stop(l->s, i, quote, &sign);
		if (i >= l->s.n || l->s.p[i] == quote)
			break;
		if (l->s.p[i] == '\\') {
			escaped = true;
			i++;
		} else if (quote != '`') {
			return i; /* not a string at all */
		}
	}
	if (i >= l->s.n)
		i = l->s.n;
	raw = span_slice(l->s, at + 1, i - at - 1);
	for (next = i + 1; next < l->s.n && ascii_space(l->s.p[next]);)
		next++;
	if (next < l->s.n && l->s.p[next] == ':' && raw.n < 64 &&
	    l->kind != CODE_HANDLER)
		l->key = raw;
	else if (raw.n >= 3 && (sign || escaped))
		literal(l, raw, at, escaped);
	return i + 1;
}

/* Characters behind which a "/" begins a regular expression. */
static const bool before_regex[256] = {[0] = true,
    ['('] = true,
    [','] = true,
    ['='] = true,
    [':'] = true,
    ['['] = true,
    ['!'] = true,
    ['&'] = true,
    ['|'] = true,
    ['?'] = true,
    ['{'] = true,
    ['}'] = true,
    [';'] = true,
    ['~'] = true,
    ['+'] = true,
    ['-'] = true,
    ['*'] = true,
    ['%'] = true,
    ['^'] = true,
    ['<'] = true,
    ['>'] = true,
    ['\n'] = true};

/* Does a "/" here begin a regular expression? */
static bool
regex_at(struct span s, size_t at)
{
	struct span word;

	while (at > 0 && ascii_space(s.p[at - 1]))
		at--;
	if (at == 0 || before_regex[(unsigned char)s.p[at - 1]])
		return true;
	word = word_before(s, at);
	return span_is(word, "return") || span_is(word, "typeof") ||
	    span_is(word, "case");
}

static size_t
regex(struct span s, size_t at)
{
	bool set = false;
	size_t i;

	for (i = at + 1; i < s.n && s.p[i] != '\n'; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '[')
			set = true;
		else if (s.p[i] == ']')
			set = false;
		else if (s.p[i] == '/' && !set)
			return i + 1;
	}
	return at + 1;
}

static size_t
line_end(struct span s, size_t at)
{
	return at + span_find(span_slice(s, at, s.n), '\n');
}

static size_t
slash(struct span s, size_t at)
{
	size_t n;

	if (at + 1 < s.n && s.p[at + 1] == '/')
		return line_end(s, at);
	if (at + 1 < s.n && s.p[at + 1] == '*') {
		n = span_search(span_slice(s, at + 2, s.n), "*/");
		return at + 4 + n;
	}
	return regex_at(s, at) ? regex(s, at) : at + 1;
}

void
code_links(struct page *p, struct span code, enum code_kind kind,
    const struct element *e, struct span attr)
{
	struct lexer l = {p, code, kind, e, attr, SPAN_NULL};
	size_t i = 0;
	char c;

	if (p->h->link == NULL || code.n < 4)
		return;
	if (kind == CODE_MARKUP) {
		text_links(p, code, LINK_SCRIPT, e, attr);
		return;
	}
	while (i < code.n) {
		i = next_stop(code, i);
		if (i >= code.n)
			break;
		c = code.p[i];
		if (c == '<') /* an old way to write a comment */
			i = span_starts(span_slice(code, i, 4), "<!--")
			    ? line_end(code, i)
			    : i + 1;
		else if (c == '/')
			i = kind == CODE_SCRIPT || kind == CODE_HANDLER
			    ? slash(code, i)
			    : i + 1;
		else
			i = string(&l, i);
	}
}

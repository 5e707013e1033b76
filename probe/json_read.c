#include "json_read.h"

#include <stdlib.h>

#define NESTING_MAX 64

static struct span
skip_space(struct span s)
{
	while (s.n > 0 &&
	    (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r')) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Bytes of the string that starts at s, quotes included; 0 if it has no
 * end. */
static size_t
string_length(struct span s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

static size_t
nested_length(struct span s)
{
	char closers[NESTING_MAX];
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"') {
			size_t n = string_length(span_slice(s, i, s.n));

			if (n == 0)
				return 0;
			i += n - 1;
		} else if (c == '{' || c == '[') {
			if (depth == NESTING_MAX)
				return 0;
			closers[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			if (closers[--depth] != c)
				return 0;
			if (depth == 0)
				return i + 1;
		}
	}
	return 0;
}

static size_t
word_length(struct span s)
{
	size_t n = 0;

	while (n < s.n &&
	    (ascii_alnum(s.p[n]) || s.p[n] == '-' || s.p[n] == '+' ||
		s.p[n] == '.'))
		n++;
	return n;
}

static size_t
value_length(struct span s)
{
	if (s.n == 0)
		return 0;
	if (*s.p == '"')
		return string_length(s);
	if (*s.p == '{' || *s.p == '[')
		return nested_length(s);
	return word_length(s);
}

static bool
take_char(struct span *s, char c)
{
	*s = skip_space(*s);
	if (s->n == 0 || *s->p != c)
		return false;
	*s = span_slice(*s, 1, s->n);
	return true;
}

bool
json_open(struct span text, struct span *rest)
{
	*rest = text;
	return take_char(rest, '{');
}

bool
json_next(struct span *rest, struct json_member *m)
{
	struct span s = *rest;
	size_t n;

	take_char(&s, ',');
	s = skip_space(s);
	if (s.n == 0 || *s.p != '"' || (n = string_length(s)) == 0)
		return false;
	m->key = span_slice(s, 1, n - 2);
	s = span_slice(s, n, s.n);
	if (!take_char(&s, ':'))
		return false;
	s = skip_space(s);
	n = value_length(s);
	if (n == 0)
		return false;
	m->value = span_slice(s, 0, n);
	*rest = span_slice(s, n, s.n);
	return true;
}

struct span
json_member(struct span object, const char *key)
{
	struct json_member m;
	struct span rest;

	if (!json_open(object, &rest))
		return SPAN_NULL;
	while (json_next(&rest, &m))
		if (span_is(m.key, key))
			return m.value;
	return SPAN_NULL;
}

/* The four hex digits at s, or -1. */
static int32_t
hex4(struct span s)
{
	int32_t v = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int d = ascii_hex(s.p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* Appends the code point of a \u escape whose digits start at s; returns the
 * bytes used after "\u". */
static size_t
put_unicode(struct span s, struct buf *out)
{
	int32_t high = hex4(s), low;

	if (high < 0) {
		buf_add_utf8(out, 0xfffd);
		return 0;
	}
	if (high < 0xd800 || high > 0xdfff) {
		buf_add_utf8(out, (uint32_t)high);
		return 4;
	}
	low = span_starts(span_slice(s, 4, 2), "\\u")
	    ? hex4(span_slice(s, 6, 4))
	    : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff) {
		buf_add_utf8(out, 0xfffd);
		return 4;
	}
	buf_add_utf8(out,
	    0x10000u + ((uint32_t)(high - 0xd800) << 10) +
		(uint32_t)(low - 0xdc00));
	return 10;
}

static size_t
put_escape(struct span s, struct buf *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

	if (*s.p == 'u')
		return 1 + put_unicode(span_slice(s, 1, s.n), out);
	for (size_t i = 0; from[i] != '\0'; i++)
		if (*s.p == from[i]) {
			buf_add_char(out, to[i]);
			return 1;
		}
	buf_add_char(out, *s.p);
	return 1;
}

bool
json_string(struct span value, struct buf *out)
{
	struct span s;

	if (value.n < 2 || *value.p != '"')
		return false;
	s = span_slice(value, 1, value.n - 2);
	while (s.n > 0) {
		size_t n = span_find(s, '\\');

		buf_add_span(out, span_slice(s, 0, n));
		s = span_slice(s, n, s.n);
		if (s.n < 2)
			break;
		s = span_slice(s, 1, s.n);
		s = span_slice(s, put_escape(s, out), s.n);
	}
	return true;
}

char *
json_member_text(struct span object, const char *key, size_t max)
{
	struct buf text = BUF_INIT(max);
	char *owned = NULL;

	if (json_string(json_member(object, key), &text) && !text.overflow)
		owned = xstrdup(buf_str(&text));
	buf_release(&text);
	return owned;
}

bool
json_member_u64(struct span object, const char *key, uint64_t *out)
{
	return span_u64(json_member(object, key), out);
}

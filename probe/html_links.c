/* Where links hide in the attributes of an element. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "bytes16.h"
#include "url.h"

enum attr_kind {
	ATTR_NONE,
	ATTR_URL,
	ATTR_URLS, /* separated by spaces */
	ATTR_SRCSET,
	ATTR_DATA, /* data-* and home-made: a URL if it looks like one */
	ATTR_HANDLER,
	ATTR_STYLE,
	ATTR_TEXT /* text that may hold URLs: flashvars, srcdoc */
};

/* Does it hold a relative URL as well, though it is home-made? */
static bool
is_data_url(const struct attribute *a)
{
	return attribute_is(a, "data-href") || attribute_is(a, "data-url") ||
	    attribute_is(a, "data-src") || attribute_is(a, "data-link") ||
	    attribute_is(a, "data-original") || attribute_is(a, "data-image") ||
	    attribute_is(a, "data-lazy-src");
}

/* One comparison each, as every attribute of a page comes here. */
static enum attr_kind
named_kind(struct span name)
{
	switch (name.n) {
	case 3:
		return span_is(name, "src") ? ATTR_URL : ATTR_NONE;
	case 4:
		return span_is(name, "href") || span_is(name, "cite") ? ATTR_URL
		    : span_is(name, "ping") ? ATTR_URLS
					    : ATTR_NONE;
	case 5:
		return span_is(name, "style") ? ATTR_STYLE : ATTR_NONE;
	case 6:
		if (span_is(name, "srcset"))
			return ATTR_SRCSET;
		if (span_is(name, "srcdoc"))
			return ATTR_TEXT;
		return span_is(name, "action") || span_is(name, "poster") ||
			span_is(name, "dynsrc") || span_is(name, "lowsrc")
		    ? ATTR_URL
		    : ATTR_NONE;
	case 7:
		return span_is(name, "archive") ? ATTR_URLS : ATTR_NONE;
	case 8:
		return span_is(name, "longdesc") || span_is(name, "manifest")
		    ? ATTR_URL
		    : ATTR_NONE;
	case 9:
		return span_is(name, "flashvars") ? ATTR_TEXT : ATTR_NONE;
	case 10:
		return span_is(name, "background") ||
			span_is(name, "formaction") ||
			span_is(name, "xlink:href")
		    ? ATTR_URL
		    : ATTR_NONE;
	case 11:
		return span_is(name, "imagesrcset") ? ATTR_SRCSET : ATTR_NONE;
	default:
		return ATTR_NONE;
	}
}

static enum attr_kind
attr_kind(struct span name, enum tag tag)
{
	enum attr_kind kind;

	if (name.n < 3)
		return ATTR_NONE;
	if (name.p[0] == 'o' && name.p[1] == 'n')
		return ATTR_HANDLER;
	if (name.n >= 4 && memcmp(name.p, "data", 4) == 0) {
		if (name.n == 4)
			return tag == TAG_OBJECT ? ATTR_URL : ATTR_NONE;
		return name.p[4] == '-' ? ATTR_DATA : ATTR_NONE;
	}
	if (tag == TAG_OPTION)
		return span_is(name, "value") ? ATTR_DATA : ATTR_NONE;
	kind = named_kind(name);
	if (kind == ATTR_NONE && name.n > 4 && name.p[name.n - 4] == '-' &&
	    (memcmp(name.p + name.n - 3, "src", 3) == 0 ||
		memcmp(name.p + name.n - 3, "url", 3) == 0))
		return ATTR_DATA;
	if (kind == ATTR_NONE && name.n > 5 &&
	    memcmp(name.p + name.n - 5, "-href", 5) == 0)
		return ATTR_DATA;
	return kind;
}

bool
looks_absolute(struct span s)
{
	size_t slash;

	if (span_starts_i(s, "http://") || span_starts_i(s, "https://"))
		return s.n > 8;
	if (!span_starts(s, "//") || s.n < 6 || !ascii_alnum(s.p[2]))
		return false;
	s = span_slice(s, 2, s.n);
	slash = span_find(s, '/');
	return span_find(span_slice(s, 0, slash), '.') < slash;
}

/* Bytes that end a URL inside running text, and the one that may escape a
 * slash in it. */
static const bool url_ends[256] = {[0 ... ' '] = true,
    ['"'] = true,
    ['\''] = true,
    ['<'] = true,
    ['>'] = true,
    ['`'] = true,
    ['\\'] = true,
    ['{'] = true,
    ['}'] = true,
    ['|'] = true,
    ['^'] = true};

static size_t
url_run(struct span s, size_t at)
{
	while (at < s.n && !url_ends[(unsigned char)s.p[at]])
		at++;
	return at;
}

static bool
scheme_mark_at(struct span s, size_t at, bool escaped)
{
	return span_starts(span_slice(s, at, 3), "://") ||
	    (escaped && span_starts(span_slice(s, at, 5), ":\\/\\/"));
}

/* Start of the scheme whose colon is at `at`; n when it is not http(s). */
static size_t
scheme_start(struct span s, size_t at)
{
	if (at >= 4 && span_is_i(span_slice(s, at - 4, 4), "http"))
		return at - 4;
	if (at >= 5 && span_is_i(span_slice(s, at - 5, 5), "https"))
		return at - 5;
	return s.n;
}

/* The URL at `from`, its "\/" undone; returns the place behind it. */
static size_t
text_link(struct page *p, struct span s, size_t from, enum link_source source,
    const struct element *e, struct span attr)
{
	/* of the sentence around it */
	static const struct span punctuation = {".,;:!)", 6};
	size_t i = url_run(s, from);
	struct span url = span_slice(s, from, i - from);
	struct buf *b = &p->url;

	if (i + 1 < s.n && s.p[i] == '\\' && s.p[i + 1] == '/') {
		buf_clear(b);
		for (i = from; i < s.n && !b->overflow;) {
			if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '/')
				i++;
			else if (url_ends[(unsigned char)s.p[i]])
				break;
			(void)buf_add_char(b, s.p[i++]);
		}
		url = buf_span(b);
	} else if (url.n > URL_MAX_LEN) {
		url.n = URL_MAX_LEN;
		i = from + URL_MAX_LEN + 1;
	}
	while (url.n > 0 &&
	    span_find(punctuation, url.p[url.n - 1]) < punctuation.n)
		url.n--;
	if (looks_absolute(url))
		page_link(p, source, url, e, attr);
	return i;
}

size_t
scheme_mark(struct span s, size_t at, bool escaped)
{
	unsigned hit;
	bytes16 v, w;

	/* most colons are those of JSON and of times */
	for (; at + 17 <= s.n; at += 16) {
		v = bytes16_load(s.p + at);
		w = bytes16_load(s.p + at + 1);
		hit = bytes16_mask(bytes16_is(v, ':') &
		    (bytes16_is(w, '/') | bytes16_is(w, '\\')));
		for (; hit != 0; hit &= hit - 1)
			if (scheme_mark_at(s, at + bytes16_first(hit), escaped))
				return at + bytes16_first(hit);
	}
	while (at < s.n && !scheme_mark_at(s, at, escaped))
		at++;
	return at;
}

void
text_links(struct page *p, struct span s, enum link_source source,
    const struct element *e, struct span attr)
{
	size_t at, start;

	for (at = scheme_mark(s, 0, true); at < s.n;
	     at = scheme_mark(s, at, true)) {
		start = scheme_start(s, at);
		if (start == s.n)
			at++;
		else
			at = text_link(p, s, start, source, e, attr);
	}
}

RARELY void
srcset_links(struct page *p, struct span s, const struct element *e,
    struct span attr)
{
	size_t n;

	while (s.n > 0) {
		for (n = 0; n < s.n && (ascii_space(s.p[n]) || s.p[n] == ',');)
			n++;
		s = span_slice(s, n, s.n);
		for (n = 0; n < s.n && !ascii_space(s.p[n]);)
			n++;
		if (n == 0)
			return;
		struct span url = span_slice(s, 0, n);
		bool comma = url.p[n - 1] == ',';

		while (url.n > 0 && url.p[url.n - 1] == ',')
			url.n--;
		page_link(p, LINK_SRCSET, url, e, attr);
		s = span_slice(s, n, s.n);
		if (!comma)
			s = span_slice(s, span_find(s, ','), s.n);
	}
}

RARELY void
style_links(struct page *p, struct span s, const struct element *e,
    struct span attr)
{
	size_t at;
	struct span url;

	for (;;) {
		at = span_search(s, "url(");
		if (at >= s.n)
			return;
		s = span_slice(s, at + 4, s.n);
		url = span_slice(s, 0, URL_MAX_LEN);
		url = span_trim(span_slice(url, 0, span_find(url, ')')));
		if (url.n >= 2 && (url.p[0] == '"' || url.p[0] == '\''))
			url = span_slice(url, 1, url.n - 2);
		if (url.n > 0 && !span_starts_i(url, "data:"))
			page_link(p, LINK_STYLE, url, e, attr);
	}
}

RARELY void
data_links(struct page *p, const struct attribute *a, const struct element *e)
{
	struct span v = span_trim(a->value);

	if (v.n < 2)
		return;
	if (looks_absolute(v) && span_find(v, ' ') == v.n) {
		page_link(p, LINK_DATA, v, e, a->name);
		return;
	}
	if (is_data_url(a) && v.n <= URL_MAX_LEN && span_find(v, ' ') == v.n &&
	    v.p[0] != '{' && v.p[0] != '#' && !span_starts_i(v, "data:"))
		page_link(p, LINK_DATA, v, e, a->name);
	else
		text_links(p, v, LINK_DATA, e, a->name);
}

/* HTML 4.2.5.3: "5; url='...'" */
static void
refresh_link(struct page *p, struct span s, const struct element *e)
{
	size_t n = 0;
	char quote;

	s = span_trim(s);
	while (n < s.n && (ascii_digit(s.p[n]) || s.p[n] == '.'))
		n++;
	while (
	    n < s.n && (ascii_space(s.p[n]) || s.p[n] == ';' || s.p[n] == ','))
		n++;
	s = span_slice(s, n, s.n);
	if (span_starts_i(s, "url")) {
		struct span v = span_slice(s, 3, s.n);

		v = span_trim(v);
		if (v.n > 0 && v.p[0] == '=')
			s = span_trim(span_slice(v, 1, v.n));
	}
	if (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'')) {
		quote = s.p[0];
		s = span_slice(s, 1, s.n);
		s = span_slice(s, 0, span_find(s, quote));
	}
	if (s.n > 0)
		page_link(p, LINK_META, s, e, SPAN("content"));
}

static bool
has_scheme(struct span s)
{
	size_t colon = span_find(s, ':');

	if (colon == 0 || colon > 20 || colon + 3 > s.n)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!ascii_alnum(s.p[i]) && strchr("+-.", s.p[i]) == NULL)
			return false;
	return memcmp(s.p + colon, "://", 3) == 0;
}

RARELY void
meta_links(struct page *p, const struct element *e)
{
	struct span content = span_trim(element_attr(e, "content"));
	struct span name = element_attr(e, "property");

	if (content.n == 0)
		return;
	if (span_is_i(span_trim(element_attr(e, "http-equiv")), "refresh")) {
		refresh_link(p, content, e);
		return;
	}
	if (name.p == NULL)
		name = element_attr(e, "name");
	if (looks_absolute(content) || has_scheme(content)) {
		if (span_find(content, ' ') == content.n)
			page_link(p, LINK_META, content, e, SPAN("content"));
	} else if (span_is_i(name, "twitter:site") ||
	    span_is_i(name, "twitter:creator") || span_starts_i(name, "fb:")) {
		page_link(p, LINK_META_HANDLE, content, e, SPAN("content"));
	}
}

/* Text of variables, whose values may be escaped once. */
RARELY void
variable_links(struct page *p, struct span s, const struct element *e,
    struct span attr)
{
	struct buf plain = BUF_INIT(TOKEN_KEEP_MAX);

	if (span_search_i(s, "%3a%2f%2f") < s.n) {
		form_decode(span_slice(s, 0, TOKEN_KEEP_MAX - 1), &plain);
		s = buf_span(&plain);
	}
	text_links(p, s, LINK_DATA, e, attr);
	buf_release(&plain);
}

RARELY void
param_links(struct page *p, const struct element *e)
{
	static const char *const names[] = {"movie", "src", "url", "href",
	    "data", "filename"};
	struct span name = element_attr(e, "name");
	struct span value = span_trim(element_attr(e, "value"));

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is_i(name, names[i]) && value.n > 0) {
			page_link(p, LINK_ATTRIBUTE, value, e, SPAN("value"));
			return;
		}
	variable_links(p, value, e, SPAN("value"));
}

static int
hex_pair(struct span s)
{
	if (s.n < 3 || ascii_hex(s.p[1]) < 0 || ascii_hex(s.p[2]) < 0)
		return -1;
	return ascii_hex(s.p[1]) * 16 + ascii_hex(s.p[2]);
}

/* Code of a javascript: URL, its percent signs undone. */
RARELY void
javascript_links(struct page *p, struct span url, const struct element *e,
    struct span attr)
{
	struct buf code = BUF_INIT(TOKEN_KEEP_MAX);
	int c;

	url = span_slice(url, 11, TOKEN_KEEP_MAX);
	for (size_t i = 0; i < url.n; i++) {
		c = url.p[i] != '%' ? -1 : hex_pair(span_slice(url, i, 3));
		if (c >= 0)
			i += 2;
		(void)buf_add_char(&code, c >= 0 ? (char)c : url.p[i]);
	}
	code_links(p, buf_span(&code), CODE_HANDLER, e, attr);
	buf_release(&code);
}

RARELY void
urls_links(struct page *p, const struct attribute *a, const struct element *e)
{
	struct span rest = a->value, one;

	while (rest.p != NULL) {
		one = span_trim(span_token(&rest, ' '));
		if (one.n > 0)
			page_link(p, LINK_ATTRIBUTE, one, e, a->name);
	}
}

static void
attr_links(struct page *p, const struct attribute *a, const struct element *e,
    enum tag tag)
{
	switch (attr_kind(a->name, tag)) {
	case ATTR_URL:
		page_link(p, LINK_ATTRIBUTE, a->value, e, a->name);
		if (span_starts_i(span_trim(a->value), "javascript:"))
			javascript_links(p, span_trim(a->value), e, a->name);
		break;
	case ATTR_URLS:
		urls_links(p, a, e);
		break;
	case ATTR_SRCSET:
		srcset_links(p, a->value, e, a->name);
		break;
	case ATTR_DATA:
		data_links(p, a, e);
		break;
	case ATTR_HANDLER:
		code_links(p, a->value, CODE_HANDLER, e, a->name);
		break;
	case ATTR_STYLE:
		style_links(p, a->value, e, a->name);
		break;
	case ATTR_TEXT:
		variable_links(p, a->value, e, a->name);
		break;
	case ATTR_NONE:
		break;
	}
}

void
element_links(struct page *p, const struct element *e, enum tag tag)
{
	if (tag == TAG_META)
		meta_links(p, e);
	else if (tag == TAG_PARAM)
		param_links(p, e);
	for (size_t i = 0; i < e->nattrs; i++)
		if (e->attrs[i].value.n > 0)
			attr_links(p, &e->attrs[i], e, tag);
}

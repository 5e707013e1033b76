/* Which encoding a page is in: HTML standard 13.2.3, then detection. */
#include "charset.h"

#include <stdlib.h>
#include <string.h>
#include <uchardet.h>

#include "bytes16.h"
#include "html_tokens.h"

#define PRESCAN_MAX (64 * KIB)	/* browsers obey a late meta too */
#define DETECT_MAX  (256 * KIB) /* a detector is sure long before */

static bool
label_byte(char c)
{
	return ascii_alnum(c) || strchr("-_.:+", c) != NULL;
}

/* 2.6.4, "extract a character encoding from a meta element"; good enough for
 * the header's parameter too. */
struct span
charset_parameter(struct span s)
{
	size_t at, n;
	char quote;

	for (;;) {
		at = span_search_i(s, "charset");
		if (s.p == NULL || at >= s.n)
			return SPAN_NULL;
		s = span_slice(s, at + 7, s.n);
		while (s.n > 0 && ascii_space(s.p[0]))
			s = span_slice(s, 1, s.n);
		if (s.n > 0 && s.p[0] == '=')
			break;
	}
	s = span_slice(s, 1, s.n);
	while (s.n > 0 && ascii_space(s.p[0]))
		s = span_slice(s, 1, s.n);
	if (s.n == 0)
		return SPAN_NULL;
	quote = s.p[0];
	if (quote == '"' || quote == '\'') {
		n = span_find(span_slice(s, 1, s.n), quote);
		return n == s.n - 1 ? SPAN_NULL : span_slice(s, 1, n);
	}
	for (n = 0; n < s.n && s.p[n] != ';' && !ascii_space(s.p[n]); n++)
		;
	return span_slice(s, 0, n);
}

static const struct charset *
declared(struct span label, bool *found)
{
	const struct charset *cs = charset_find(label);

	*found = cs != NULL;
	if (cs == NULL)
		return NULL;
	/* what was read as ASCII cannot be what it says */
	if (strncmp(charset_name(cs), "utf-16", 6) == 0 ||
	    strncmp(charset_name(cs), "utf-32", 6) == 0)
		return charset_find(SPAN("utf-8"));
	if (strcmp(charset_name(cs), "x-user-defined") == 0)
		return charset_find(SPAN("windows-1252"));
	return cs;
}

static struct span
raw_attr(const struct html_token *t, const char *name)
{
	for (size_t i = 0; i < t->nattrs; i++)
		if (span_is_i(t->attrs[i].name, name))
			return t->attrs[i].value;
	return SPAN_NULL;
}

static const struct charset *
meta_charset(const struct html_token *t, bool *found)
{
	struct span label = raw_attr(t, "charset");

	if (label.p == NULL &&
	    span_is_i(span_trim(raw_attr(t, "http-equiv")), "content-type"))
		label = charset_parameter(raw_attr(t, "content"));
	return label.p == NULL ? NULL : declared(label, found);
}

static const struct charset *
xml_charset(struct span body, bool *found)
{
	struct span s = span_slice(body, 0, 1024), rest;
	size_t n;

	if (!span_starts(s, "<?xml"))
		return NULL;
	s = span_slice(s, 0, span_find(s, '>'));
	n = span_search(s, "encoding");
	if (n == s.n)
		return NULL;
	rest = span_slice(s, n + 8, s.n);
	while (rest.n > 0 && (ascii_space(rest.p[0]) || rest.p[0] == '='))
		rest = span_slice(rest, 1, rest.n);
	if (rest.n == 0 || (rest.p[0] != '"' && rest.p[0] != '\''))
		return NULL;
	n = span_find(span_slice(rest, 1, rest.n), rest.p[0]);
	return declared(span_slice(rest, 1, n), found);
}

const struct charset *
charset_prescan(struct span body, bool *found)
{
	struct html_tokens *h = xmalloc(sizeof(*h));
	const struct charset *cs = NULL;
	struct html_token t;

	*found = false;
	html_tokens_init(h, span_slice(body, 0, PRESCAN_MAX));
	h->steered = false; /* raw text elements are not known to the prescan */
	while (!*found && html_next(h, &t) != HTML_EOF)
		if (t.type == HTML_START && span_is_i(t.name, "meta"))
			cs = meta_charset(&t, found);
	free(h);
	if (!*found)
		cs = xml_charset(body, found);
	return cs;
}

static bool
bom_choose(struct span body, struct charset_choice *c)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} marks[] = {{"\xef\xbb\xbf", 3, "utf-8"},
	    {"\xff\xfe\0\0", 4, "utf-32le"}, {"\0\0\xfe\xff", 4, "utf-32be"},
	    {"\xff\xfe", 2, "utf-16le"}, {"\xfe\xff", 2, "utf-16be"}};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (body.n < marks[i].n ||
		    memcmp(body.p, marks[i].bytes, marks[i].n) != 0)
			continue;
		c->charset = charset_find(span_of(marks[i].name));
		c->from = "bom";
		c->bom = marks[i].n;
		return true;
	}
	return false;
}

/* UTF-16 without a mark: text whose ASCII has every other byte zero. */
static const char *
utf16_guess(struct span s)
{
	size_t zeros[2] = {0, 0};

	s = span_slice(s, 0, 4096);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0')
			zeros[i & 1]++;
	if (zeros[0] + zeros[1] < s.n / 10 || s.n < 4)
		return NULL;
	if (zeros[1] > zeros[0] * 8)
		return "utf-16le";
	return zeros[0] > zeros[1] * 8 ? "utf-16be" : NULL;
}

/* Does a detector's word need more than a few bytes to stand on?  It calls
 * Latin text with odd quotation marks Thai or Vietnamese. */
static bool
needs_weight(const char *name)
{
	static const char *const names[] = {"windows-874", "windows-1258",
	    "viscii", "windows-1251", "windows-1253", "windows-1255",
	    "windows-1256", "iso-8859-5", "iso-8859-6", "iso-8859-7",
	    "iso-8859-8", "koi8-r", "ibm866", "ibm855", "x-mac-cyrillic"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
is_mostly_latin(struct span s)
{
	size_t high = 0, letters = 0;

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			high++;
		else if (ascii_alpha(s.p[i]))
			letters++;
	}
	return high * 20 < letters;
}

static const struct charset *
detect(struct span body)
{
	const struct charset *cs = NULL;
	struct span s = span_slice(body, 0, DETECT_MAX);
	uchardet_t u = uchardet_new();

	if (u == NULL)
		return NULL;
	if (uchardet_handle_data(u, s.p, s.n) == 0) {
		uchardet_data_end(u);
		cs = charset_find(span_of(uchardet_get_charset(u)));
	}
	uchardet_delete(u);
	if (cs != NULL && needs_weight(charset_name(cs)) && is_mostly_latin(s))
		return charset_find(SPAN("windows-1252"));
	return cs;
}

INLINE bytes16
ascii16(bytes16 v)
{
	return bytes16_in(v, 1, 0x7f) & ~bytes16_is(v, 0x1b);
}

/* Is there nothing but what ASCII says? */
static bool
is_ascii(struct span s)
{
	return bytes16_run(s, 0, ascii16) == s.n;
}

/* A body that was cut may end inside a character. */
static bool
is_utf8(struct span body)
{
	size_t good = utf8_valid_length(body);

	return good == body.n ||
	    (good > 0 && body.n - good < 4 &&
		(unsigned char)body.p[good] >= 0xc2);
}

void
charset_choose(struct span body, struct span content_type,
    struct charset_choice *c)
{
	struct span label = charset_parameter(content_type);
	const char *guess;
	bool found = false;

	*c = (struct charset_choice){NULL, "header", 0};
	if (bom_choose(body, c))
		return;
	while (label.n > 0 && !label_byte(label.p[label.n - 1]))
		label.n--;
	c->charset = label.n > 0 ? charset_find(label) : NULL;
	if (c->charset != NULL)
		return;
	c->from = "meta";
	c->charset = charset_prescan(body, &found);
	if (found)
		return;
	c->from = "default";
	c->charset = charset_find(SPAN("utf-8"));
	if (is_ascii(body))
		return;
	c->from = "detected";
	guess = utf16_guess(body);
	if (guess != NULL) {
		c->charset = charset_find(span_of(guess));
		return;
	}
	/* ISO-2022 is ASCII to the letter, but for its escapes */
	if (memchr(body.p, 0x1b, body.n) == NULL && is_utf8(body))
		return;
	c->charset = detect(body);
	if (c->charset != NULL)
		return;
	c->from = "default";
	c->charset = charset_find(SPAN("windows-1252"));
}

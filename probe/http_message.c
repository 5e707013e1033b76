#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

size_t
http_head_end(struct span s, size_t from)
{
	size_t at = from > 3 ? from - 3 : 0;
	const char *lf;

	while (at < s.n) {
		lf = memchr(s.p + at, '\n', s.n - at);
		if (lf == NULL)
			return 0;
		at = (size_t)(lf - s.p) + 1;
		if (at < s.n && s.p[at] == '\n')
			return at + 1;
		if (at + 1 < s.n && s.p[at] == '\r' && s.p[at + 1] == '\n')
			return at + 2;
	}
	return 0;
}

/* RFC 9110 section 5.6.2 */
static bool
is_tchar(char c)
{
	return ascii_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
http_looks_response(struct span s)
{
	static const char start[] = "HTTP/";
	size_t n = s.n < 5 ? s.n : 5;

	return n > 0 && memcmp(s.p, start, n) == 0 &&
	    (s.n < 6 || ascii_digit(s.p[5]));
}

bool
http_looks_request(struct span s)
{
	size_t i;

	if (http_looks_response(s))
		return false;
	for (i = 0; i < s.n && i < 32 && is_tchar(s.p[i]); i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && s.p[i] != '-' &&
		    s.p[i] != '_' && !ascii_alpha(s.p[i]))
			return false;
	if (i == s.n)
		return i > 0 && i < 32;
	return i >= 2 && i < 32 && s.p[i] == ' ';
}

/* Cuts one line off; its end may be CRLF, LF or the end of the bytes. */
static struct span
next_line(struct span *rest, unsigned *flags)
{
	size_t at = span_find(*rest, '\n');
	struct span line = span_slice(*rest, 0, at);

	if (at < rest->n && (at == 0 || line.p[at - 1] != '\r'))
		*flags |= HTTP_BARE_LF;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	*rest = span_slice(*rest, at + 1, rest->n);
	return line;
}

static struct span
blank_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_slice(s, 1, s.n);
	while (s.n > 0 && ascii_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The next word of a start line: runs of blanks count as one. */
static struct span
next_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	*rest = blank_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	word = span_slice(*rest, 0, n);
	*rest = span_slice(*rest, n, rest->n);
	return word;
}

static bool
parse_version(struct span word, int *version)
{
	if (!span_starts_i(word, "HTTP/") || word.n < 6 ||
	    !ascii_digit(word.p[5]))
		return false;
	*version = (word.p[5] - '0') * 10;
	if (word.n >= 8 && word.p[6] == '.' && ascii_digit(word.p[7]))
		*version += word.p[7] - '0';
	return true;
}

static void
add_field(struct http_head *h, struct span name, struct span value)
{
	if (h->nfields >= HEADER_LINES_MAX) {
		h->flags |= HTTP_FIELDS_CUT;
		return;
	}
	h->fields =
	    xgrow(h->fields, &h->fields_cap, h->nfields + 1, sizeof *h->fields);
	h->fields[h->nfields++] = (struct http_field){name, value};
}

/* A folded line belongs to the field before it: the value's span grows over
 * the line end, and readers unfold it. */
static void
fold_onto_last(struct http_head *h, struct span line)
{
	struct http_field *f;

	h->flags |= HTTP_FOLDED;
	if (h->nfields == 0 || (h->flags & HTTP_FIELDS_CUT) != 0)
		return;
	f = &h->fields[h->nfields - 1];
	if (f->value.n == 0) {
		f->value = blank_trim(line);
		return;
	}
	f->value.n = (size_t)(line.p + line.n - f->value.p);
	f->value = blank_trim(f->value);
}

static void
parse_fields(struct http_head *h, struct span rest)
{
	struct span line;
	size_t colon;

	while (rest.n > 0) {
		line = next_line(&rest, &h->flags);
		if (line.n == 0)
			return;
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			fold_onto_last(h, line);
			continue;
		}
		colon = span_find(line, ':');
		if (colon == line.n || colon == 0) {
			h->flags |= HTTP_BAD_LINE;
			continue;
		}
		add_field(h, blank_trim(span_slice(line, 0, colon)),
		    blank_trim(span_slice(line, colon + 1, line.n)));
	}
}

static void
head_reset(struct http_head *h, struct span raw, bool is_request)
{
	struct http_field *fields = h->fields;
	size_t cap = h->fields_cap;

	*h = (struct http_head){.raw = raw,
	    .is_request = is_request,
	    .fields = fields,
	    .fields_cap = cap,
	    .version = 9};
}

bool
http_parse_request(struct http_head *h, struct span raw)
{
	struct span rest = raw, line, word;

	head_reset(h, raw, true);
	line = next_line(&rest, &h->flags);
	h->method = next_word(&line);
	if (h->method.n == 0 || h->method.n > 64)
		return false;
	for (size_t i = 0; i < h->method.n; i++)
		if (!is_tchar(h->method.p[i]))
			return false;
	line = blank_trim(line);
	/* The target may hold blanks in the wild: the version is the last
	 * word when it looks like one. */
	for (size_t i = line.n; i > 0; i--) {
		if (line.p[i - 1] != ' ' && line.p[i - 1] != '\t')
			continue;
		word = span_slice(line, i, line.n);
		if (parse_version(word, &h->version))
			line.n = i - 1;
		break;
	}
	h->target = blank_trim(line);
	if (h->target.n == 0)
		return false;
	parse_fields(h, rest);
	return true;
}

bool
http_parse_response(struct http_head *h, struct span raw)
{
	struct span rest = raw, line, word;

	head_reset(h, raw, false);
	line = next_line(&rest, &h->flags);
	word = next_word(&line);
	if (!parse_version(word, &h->version))
		return false;
	word = next_word(&line);
	for (size_t i = 0; i < word.n && i < 3; i++) {
		if (!ascii_digit(word.p[i]))
			return false;
		h->status = h->status * 10 + (word.p[i] - '0');
	}
	h->reason = blank_trim(line);
	parse_fields(h, rest);
	return true;
}

void
http_head_release(struct http_head *h)
{
	free(h->fields);
	*h = HTTP_HEAD_INIT;
}

struct span
http_field_next(const struct http_head *h, const char *name, size_t *at)
{
	for (; *at < h->nfields; (*at)++)
		if (span_is_i(h->fields[*at].name, name))
			return h->fields[(*at)++].value;
	return SPAN_NULL;
}

struct span
http_field(const struct http_head *h, const char *name)
{
	size_t at = 0;

	return http_field_next(h, name, &at);
}

void
http_value_unfold(struct span v, struct buf *out)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] != '\r' && v.p[i] != '\n') {
			buf_add_char(out, v.p[i]);
			continue;
		}
		while (i + 1 < v.n && ascii_space(v.p[i + 1]))
			i++;
		buf_add_char(out, ' ');
	}
}

bool
http_list_has(struct span value, const char *token)
{
	while (value.p != NULL) {
		struct span item = span_trim(span_token(&value, ','));

		item.n = span_find(item, ';');
		if (span_is_i(span_trim(item), token))
			return true;
	}
	return false;
}

struct span
http_host(const struct http_head *h)
{
	struct span t = h->target, host;
	size_t at = span_search(t, "://");

	if (at < t.n && at < span_find(t, '/') && at > 0) {
		t = span_slice(t, at + 3, t.n);
		for (at = 0; at < t.n; at++)
			if (strchr("/?#", t.p[at]) != NULL)
				break;
		return span_slice(t, 0, at);
	}
	host = http_field(h, "host");
	if (host.n == 0 && span_is_i(h->method, "CONNECT"))
		return t;
	return host;
}

static void
add_codings(struct span value, bool transfer, struct buf *out)
{
	while (value.p != NULL) {
		struct span item = span_trim(span_token(&value, ','));

		if (item.n == 0 || item.n > 32 || span_is_i(item, "identity") ||
		    (transfer && span_starts_i(item, "chunked")))
			continue;
		if (out->len > 0)
			buf_add_str(out, ", ");
		buf_add_span(out, item);
	}
}

void
http_codings(const struct http_head *h, struct buf *out)
{
	struct span v;
	size_t at = 0;

	while ((v = http_field_next(h, "content-encoding", &at)).p != NULL)
		add_codings(v, false, out);
	at = 0;
	while ((v = http_field_next(h, "transfer-encoding", &at)).p != NULL)
		add_codings(v, true, out);
}

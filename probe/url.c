#include "url.h"

#include <string.h>

#include "limit.h"
#include "url_plain.h"

/* Percent-encode sets of the standard, one bit each in set_of[]. */
enum {
	SET_FRAGMENT = 1,
	SET_QUERY = 2,
	SET_SPECIAL_QUERY = 4,
	SET_PATH = 8,
	SET_USERINFO = 16,
	SET_C0 = 32,
};

#define S_ALL 63
#define S_FR  SET_FRAGMENT
#define S_QU  (SET_QUERY | SET_SPECIAL_QUERY)
#define S_PA  (SET_PATH | SET_USERINFO)

static const uint8_t set_of[128] = {
    [0] = S_ALL,
    [1] = S_ALL,
    [2] = S_ALL,
    [3] = S_ALL,
    [4] = S_ALL,
    [5] = S_ALL,
    [6] = S_ALL,
    [7] = S_ALL,
    [8] = S_ALL,
    [9] = S_ALL,
    [10] = S_ALL,
    [11] = S_ALL,
    [12] = S_ALL,
    [13] = S_ALL,
    [14] = S_ALL,
    [15] = S_ALL,
    [16] = S_ALL,
    [17] = S_ALL,
    [18] = S_ALL,
    [19] = S_ALL,
    [20] = S_ALL,
    [21] = S_ALL,
    [22] = S_ALL,
    [23] = S_ALL,
    [24] = S_ALL,
    [25] = S_ALL,
    [26] = S_ALL,
    [27] = S_ALL,
    [28] = S_ALL,
    [29] = S_ALL,
    [30] = S_ALL,
    [31] = S_ALL,
    [127] = S_ALL,
    [' '] = S_FR | S_QU | S_PA,
    ['"'] = S_FR | S_QU | S_PA,
    ['<'] = S_FR | S_QU | S_PA,
    ['>'] = S_FR | S_QU | S_PA,
    ['`'] = S_FR | S_PA,
    ['#'] = S_QU | S_PA,
    ['\''] = SET_SPECIAL_QUERY,
    ['?'] = S_PA,
    ['^'] = S_PA,
    ['{'] = S_PA,
    ['}'] = S_PA,
    ['/'] = SET_USERINFO,
    [':'] = SET_USERINFO,
    [';'] = SET_USERINFO,
    ['='] = SET_USERINFO,
    ['@'] = SET_USERINFO,
    ['['] = SET_USERINFO,
    ['\\'] = SET_USERINFO,
    [']'] = SET_USERINFO,
    ['|'] = SET_USERINFO,
};

static const struct scheme {
	const char *name;
	int32_t port; /* -1: none */
} special_schemes[] = {
    {"http", 80},
    {"https", 443},
    {"ws", 80},
    {"wss", 443},
    {"ftp", 21},
    {"file", -1},
};

/* A URL under construction: parts that are not yet in href. */
struct builder {
	struct url *url;
	struct span in; /* what is left of the input */
	const struct url *base;
	char scheme[32];
	size_t scheme_len;
	bool special;
	bool file;
	bool drop_path;	   /* path comes from the input alone */
	struct span query; /* as written, or from the base when encoded */
	bool has_query;
	bool query_encoded;
	struct buf *path;
};

static const char HEX[] = "0123456789ABCDEF";

static void
encode_byte(struct buf *out, unsigned char c)
{
	char t[3] = {'%', HEX[c >> 4], HEX[c & 15]};

	buf_add(out, t, 3);
}

/* Appends with the bytes of `set` percent-encoded; bad UTF-8 becomes the
 * three bytes of U+FFFD, as the standard's decoder would have made it. */
static void
encode_span(struct buf *out, struct span s, unsigned set)
{
	size_t i = 0;

	while (i < s.n) {
		size_t run = i;
		unsigned char c;

		while (run < s.n && (c = (unsigned char)s.p[run]) < 0x80 &&
		    (set_of[c] & set) == 0)
			run++;
		buf_add(out, s.p + i, run - i);
		if (run == s.n)
			return;
		c = (unsigned char)s.p[run];
		if (c < 0x80) {
			encode_byte(out, c);
			i = run + 1;
			continue;
		}
		uint32_t cp;
		size_t used = utf8_decode(span_slice(s, run, s.n - run), &cp);
		if (cp == 0xfffd) {
			buf_add(out, "%EF%BF%BD", 9);
		} else {
			for (size_t k = 0; k < used; k++)
				encode_byte(out, (unsigned char)s.p[run + k]);
		}
		i = run + used;
	}
}

static const struct scheme *
find_special(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(special_schemes); i++)
		if (strlen(special_schemes[i].name) == n &&
		    memcmp(special_schemes[i].name, name, n) == 0)
			return &special_schemes[i];
	return NULL;
}

void
url_init(struct url *url)
{
	*url = (struct url){.port = -1};
	buf_init(&url->href, URL_MAX_LEN);
	buf_init(&url->work, URL_MAX_LEN);
	buf_init(&url->clean, URL_MAX_LEN);
}

void
url_release(struct url *url)
{
	buf_release(&url->href);
	buf_release(&url->work);
	buf_release(&url->clean);
	url_init(url);
}

static void
url_reset(struct url *url)
{
	struct buf href = url->href, work = url->work, clean = url->clean;

	*url = (struct url){.port = -1,
	    .href = href,
	    .work = work,
	    .clean = clean};
	buf_clear(&url->href);
	buf_clear(&url->work);
	buf_clear(&url->clean);
}

/* Leading and trailing C0 controls and spaces go, tabs and newlines go
 * everywhere. */
static struct span
clean_input(struct url *url, struct span in)
{
	while (in.n > 0 && (unsigned char)in.p[0] <= ' ')
		in = span_slice(in, 1, in.n - 1);
	while (in.n > 0 && (unsigned char)in.p[in.n - 1] <= ' ')
		in.n--;
	if (in.n == 0 ||
	    (memchr(in.p, '\t', in.n) == NULL &&
		memchr(in.p, '\n', in.n) == NULL &&
		memchr(in.p, '\r', in.n) == NULL))
		return in;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != '\t' && in.p[i] != '\n' && in.p[i] != '\r')
			buf_add_char(&url->clean, in.p[i]);
	return buf_span(&url->clean);
}

/* Cuts "scheme:" off the input; false when there is none. */
static bool
take_scheme(struct builder *b)
{
	size_t i = 0;

	if (b->in.n == 0 || !ascii_alpha(b->in.p[0]))
		return false;
	while (i < b->in.n &&
	    (ascii_alnum(b->in.p[i]) || b->in.p[i] == '+' ||
		b->in.p[i] == '-' || b->in.p[i] == '.'))
		i++;
	if (i == b->in.n || b->in.p[i] != ':' || i >= sizeof(b->scheme))
		return false;
	for (size_t k = 0; k < i; k++)
		b->scheme[k] = ascii_lower(b->in.p[k]);
	b->scheme_len = i;
	b->in = span_slice(b->in, i + 1, b->in.n);
	return true;
}

static bool
is_slash(const struct builder *b, size_t at)
{
	return at < b->in.n &&
	    (b->in.p[at] == '/' || (b->special && b->in.p[at] == '\\'));
}

static void
add_scheme(struct builder *b)
{
	struct url *u = b->url;

	buf_add(&u->href, b->scheme, b->scheme_len);
	buf_add_char(&u->href, ':');
}

/* Length of the input up to the end of the authority. */
static size_t
authority_length(const struct builder *b)
{
	size_t i = 0;

	while (i < b->in.n && !is_slash(b, i) && b->in.p[i] != '?' &&
	    b->in.p[i] != '#')
		i++;
	return i;
}

/* Offsets into href, made spans at the end when it no longer moves. */
struct marks_of {
	size_t user, user_n, pass, pass_n, host, host_n;
};

static bool
parse_port(struct builder *b, struct span digits)
{
	const struct scheme *s = find_special(b->scheme, b->scheme_len);
	uint32_t port = 0;

	if (digits.n == 0)
		return true;
	for (size_t i = 0; i < digits.n; i++) {
		if (!ascii_digit(digits.p[i]))
			return false;
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
		if (port > 65535)
			return false;
	}
	b->url->port =
	    s != NULL && s->port == (int32_t)port ? -1 : (int32_t)port;
	return true;
}

static void
add_userinfo(struct builder *b, struct span info, struct marks_of *m)
{
	struct buf *out = &b->url->href;
	size_t colon = span_find(info, ':');

	m->user = out->len;
	encode_span(out, span_slice(info, 0, colon), SET_USERINFO | SET_C0);
	m->user_n = out->len - m->user;
	if (colon + 1 < info.n) {
		buf_add_char(out, ':');
		m->pass = out->len;
		encode_span(out, span_slice(info, colon + 1, info.n),
		    SET_USERINFO | SET_C0);
		m->pass_n = out->len - m->pass;
	}
	if (m->user_n > 0 || m->pass_n > 0)
		buf_add_char(out, '@');
}

static size_t
find_last(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

/* Where the port's colon stands: the first one outside brackets. */
static size_t
find_port_colon(struct span s)
{
	bool inside = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '[')
			inside = true;
		else if (s.p[i] == ']')
			inside = false;
		else if (s.p[i] == ':' && !inside)
			return i;
	}
	return s.n;
}

static bool
parse_authority(struct builder *b, struct marks_of *m)
{
	struct url *u = b->url;
	struct span auth = span_slice(b->in, 0, authority_length(b));
	struct span host = auth;
	size_t at = find_last(auth, '@');

	b->in = span_slice(b->in, auth.n, b->in.n);
	buf_add(&u->href, "//", 2);
	if (at < auth.n) {
		add_userinfo(b, span_slice(auth, 0, at), m);
		host = span_slice(auth, at + 1, auth.n);
		if (host.n == 0)
			return false;
	}
	size_t colon = b->file ? host.n : find_port_colon(host);
	if (colon < host.n) {
		if (colon == 0 ||
		    !parse_port(b, span_slice(host, colon + 1, host.n)))
			return false;
		host.n = colon;
	}
	m->host = u->href.len;
	if (host.n == 0) {
		u->host_kind = URL_HOST_EMPTY;
		return !b->special;
	}
	u->host_kind = host_parse(host, b->special, &u->href);
	m->host_n = u->href.len - m->host;
	if (u->port >= 0)
		buf_addf(&u->href, ":%d", (int)u->port);
	return u->host_kind != URL_HOST_NONE;
}

static void
copy_authority(struct builder *b, struct marks_of *m)
{
	struct url *u = b->url;
	const struct url *base = b->base;

	if (base->host_kind == URL_HOST_NONE)
		return;
	buf_add(&u->href, "//", 2);
	m->user = u->href.len;
	m->user_n = base->username.n;
	buf_add_span(&u->href, base->username);
	if (base->password.n > 0) {
		buf_add_char(&u->href, ':');
		m->pass = u->href.len;
		m->pass_n = base->password.n;
		buf_add_span(&u->href, base->password);
	}
	if (m->user_n > 0 || m->pass_n > 0)
		buf_add_char(&u->href, '@');
	m->host = u->href.len;
	m->host_n = base->host.n;
	buf_add_span(&u->href, base->host);
	u->host_kind = base->host_kind;
	u->port = base->port;
	if (u->port >= 0)
		buf_addf(&u->href, ":%d", (int)u->port);
}

static bool
is_drive(struct span s)
{
	return s.n == 2 && ascii_alpha(s.p[0]) &&
	    (s.p[1] == ':' || s.p[1] == '|');
}

/* "C:" or "C|" at the start, followed by the end, a slash, ? or #. */
static bool
starts_with_drive(struct span s)
{
	if (s.n < 2 || !is_drive(span_slice(s, 0, 2)))
		return false;
	return s.n == 2 || s.p[2] == '/' || s.p[2] == '\\' || s.p[2] == '?' ||
	    s.p[2] == '#';
}

static void
shorten_path(struct builder *b)
{
	struct span path = buf_span(b->path);

	if (b->file && path.n == 3 && is_drive(span_slice(path, 1, 2)) &&
	    path.p[2] == ':')
		return;
	if (path.n > 0)
		b->path->len = find_last(path, '/');
}

static bool
is_dot(struct span s)
{
	return span_is(s, ".") || span_is_i(s, "%2e");
}

static bool
is_double_dot(struct span s)
{
	return span_is(s, "..") || span_is_i(s, ".%2e") ||
	    span_is_i(s, "%2e.") || span_is_i(s, "%2e%2e");
}

/* Path state: segments of the input up to "?" or "#" onto b->path. */
static void
parse_path(struct builder *b)
{
	bool last;

	do {
		size_t n = authority_length(b);
		struct span seg = span_slice(b->in, 0, n);

		last = !is_slash(b, n);
		b->in = span_slice(b->in, last ? n : n + 1, b->in.n);
		if (is_double_dot(seg)) {
			shorten_path(b);
			if (last)
				buf_add_char(b->path, '/');
		} else if (is_dot(seg)) {
			if (last)
				buf_add_char(b->path, '/');
		} else {
			bool drive =
			    b->file && b->path->len == 0 && is_drive(seg);

			buf_add_char(b->path, '/');
			encode_span(b->path, seg, SET_PATH | SET_C0);
			if (drive && !b->path->overflow)
				b->path->data[b->path->len - 1] = ':';
		}
	} while (!last);
}

/* Path start state: one slash is the separator, not a segment. */
static void
start_path(struct builder *b)
{
	if (is_slash(b, 0))
		b->in = span_slice(b->in, 1, b->in.n);
	else if (!b->special &&
	    (b->in.n == 0 || b->in.p[0] == '?' || b->in.p[0] == '#'))
		return;
	parse_path(b);
}

static void
parse_opaque_path(struct builder *b)
{
	size_t n = 0;

	while (n < b->in.n && b->in.p[n] != '?' && b->in.p[n] != '#')
		n++;
	struct span path = span_slice(b->in, 0, n);
	size_t keep = path.n;

	b->in = span_slice(b->in, n, b->in.n);
	/* A space that ends the path before ? or # is encoded, so that the
	 * serialised form reads back alike. */
	if (keep > 0 && path.p[keep - 1] == ' ' && b->in.n > 0)
		keep--;
	encode_span(b->path, span_slice(path, 0, keep), SET_C0);
	if (keep < path.n)
		buf_add(b->path, "%20", 3);
	b->url->opaque_path = true;
}

/* Relative state, after the slashes were looked at. */
static void
relative_path(struct builder *b)
{
	buf_add_span(b->path, b->base->path);
	if (b->in.n == 0 || b->in.p[0] == '#') {
		b->has_query = b->base->query.p != NULL;
		b->query = b->base->query;
		b->query_encoded = true;
	} else if (b->in.p[0] != '?') {
		shorten_path(b);
		parse_path(b);
	}
}

static bool
skip_slashes(struct builder *b)
{
	while (is_slash(b, 0))
		b->in = span_slice(b->in, 1, b->in.n);
	return true;
}

static bool
parse_relative(struct builder *b, struct marks_of *m)
{
	add_scheme(b);
	if (is_slash(b, 0) && is_slash(b, 1)) {
		b->in = span_slice(b->in, 2, b->in.n);
		if (b->special)
			skip_slashes(b);
		if (!parse_authority(b, m))
			return false;
		start_path(b);
		return true;
	}
	copy_authority(b, m);
	if (is_slash(b, 0))
		start_path(b);
	else
		relative_path(b);
	return true;
}

static bool
file_host(struct builder *b, struct marks_of *m)
{
	struct url *u = b->url;
	size_t n = authority_length(b);
	struct span host = span_slice(b->in, 0, n);

	buf_add(&u->href, "//", 2);
	m->host = u->href.len;
	u->host_kind = URL_HOST_EMPTY;
	if (is_drive(host)) /* "file://C:/x": a path after all */
		return true;
	b->in = span_slice(b->in, n, b->in.n);
	if (host.n == 0)
		return true;
	u->host_kind = host_parse(host, true, &u->href);
	m->host_n = u->href.len - m->host;
	if (u->host_kind == URL_HOST_NONE)
		return false;
	if (span_is(span_slice(buf_span(&u->href), m->host, m->host_n),
		"localhost")) {
		u->href.len = m->host;
		m->host_n = 0;
		u->host_kind = URL_HOST_EMPTY;
	}
	return true;
}

static void
file_no_host(struct builder *b, struct marks_of *m)
{
	bool from_base = b->base != NULL && span_is(b->base->scheme, "file");
	struct span drive =
	    from_base ? span_slice(b->base->path, 1, 2) : SPAN_NULL;

	if (from_base)
		copy_authority(b, m);
	if (!from_base || b->url->host_kind == URL_HOST_NONE) {
		buf_add(&b->url->href, "//", 2);
		m->host = b->url->href.len;
		b->url->host_kind = URL_HOST_EMPTY;
	}
	if (is_slash(b, 0)) {
		if (from_base && is_drive(drive) && drive.p[1] == ':' &&
		    (b->base->path.n == 3 || b->base->path.p[3] == '/') &&
		    !starts_with_drive(span_slice(b->in, 1, b->in.n))) {
			buf_add_char(b->path, '/');
			buf_add_span(b->path, drive);
		}
		start_path(b);
	} else if (!from_base) {
		start_path(b);
	} else if (starts_with_drive(b->in)) {
		parse_path(b);
	} else {
		relative_path(b);
	}
}

static bool
parse_file(struct builder *b, struct marks_of *m)
{
	b->file = true;
	add_scheme(b);
	if (is_slash(b, 0) && is_slash(b, 1)) {
		b->in = span_slice(b->in, 2, b->in.n);
		if (!file_host(b, m))
			return false;
		start_path(b);
		return true;
	}
	file_no_host(b, m);
	return true;
}

static bool
parse_absolute(struct builder *b, struct marks_of *m)
{
	if (span_is((struct span){b->scheme, b->scheme_len}, "file"))
		return parse_file(b, m);
	if (b->special && b->base != NULL && b->base->special &&
	    span_eq(b->base->scheme, (struct span){b->scheme, b->scheme_len}) &&
	    !(b->in.n > 1 && b->in.p[0] == '/' && b->in.p[1] == '/'))
		return parse_relative(b, m);
	add_scheme(b);
	if (b->special) {
		skip_slashes(b);
	} else if (b->in.n > 1 && b->in.p[0] == '/' && b->in.p[1] == '/') {
		b->in = span_slice(b->in, 2, b->in.n);
	} else if (b->in.n > 0 && b->in.p[0] == '/') {
		start_path(b);
		return true;
	} else {
		parse_opaque_path(b);
		return true;
	}
	if (!parse_authority(b, m))
		return false;
	start_path(b);
	return true;
}

static bool
parse_without_scheme(struct builder *b, struct marks_of *m)
{
	const struct url *base = b->base;

	if (base == NULL || base->scheme.n == 0 ||
	    base->scheme.n > sizeof(b->scheme))
		return false;
	memcpy(b->scheme, base->scheme.p, base->scheme.n);
	b->scheme_len = base->scheme.n;
	b->special = base->special;
	if (base->opaque_path) {
		if (b->in.n == 0 || b->in.p[0] != '#')
			return false;
		add_scheme(b);
		buf_add_span(b->path, base->path);
		b->url->opaque_path = true;
		b->has_query = base->query.p != NULL;
		b->query = base->query;
		b->query_encoded = true;
		return true;
	}
	if (span_is(base->scheme, "file"))
		return parse_file(b, m);
	return parse_relative(b, m);
}

static struct span
part(const struct url *u, size_t at, size_t n)
{
	return (struct span){u->href.data + at, n};
}

/* Path, query and fragment onto href, then spans over all of it. */
static bool
finish(struct builder *b, const struct marks_of *m)
{
	struct url *u = b->url;
	struct buf *out = &u->href;
	size_t path, query = 0, query_n = 0, fragment = 0;
	bool has_fragment = false;

	if (u->host_kind == URL_HOST_NONE && !u->opaque_path &&
	    b->path->len > 1 && b->path->data[1] == '/')
		buf_add(out, "/.", 2);
	path = out->len;
	buf_add(out, b->path->data, b->path->len);
	if (b->in.n > 0 && b->in.p[0] == '?') {
		size_t n = span_find(b->in, '#');

		b->has_query = true;
		b->query_encoded = false;
		b->query = span_slice(b->in, 1, n - 1);
		b->in = span_slice(b->in, n, b->in.n);
	}
	size_t path_n = out->len - path;
	if (b->has_query) {
		buf_add_char(out, '?');
		query = out->len;
		if (b->query_encoded)
			buf_add_span(out, b->query);
		else
			encode_span(out, b->query,
			    (b->special ? SET_SPECIAL_QUERY : SET_QUERY) |
				SET_C0);
		query_n = out->len - query;
	}
	if (b->in.n > 0 && b->in.p[0] == '#') {
		has_fragment = true;
		buf_add_char(out, '#');
		fragment = out->len;
		encode_span(out, span_slice(b->in, 1, b->in.n),
		    SET_FRAGMENT | SET_C0);
	}
	if (out->overflow || b->path->overflow || u->clean.overflow)
		return false;
	u->scheme = part(u, 0, b->scheme_len);
	u->username = m->user_n > 0 ? part(u, m->user, m->user_n) : SPAN_NULL;
	u->password = m->pass_n > 0 ? part(u, m->pass, m->pass_n) : SPAN_NULL;
	if (u->host_kind != URL_HOST_NONE)
		u->host = part(u, m->host, m->host_n);
	u->path = part(u, path, path_n);
	if (b->has_query)
		u->query = part(u, query, query_n);
	if (has_fragment)
		u->fragment = part(u, fragment, out->len - fragment);
	u->special = b->special;
	return true;
}

bool
url_parse(struct url *url, struct span input, const struct url *base)
{
	struct builder b = {.url = url, .base = base};
	struct marks_of m = {0, 0, 0, 0, 0, 0};
	bool good;

	url_reset(url);
	if (input.n > URL_MAX_LEN)
		return false;
	if (url_plain(url, input, base))
		return true;
	b.path = &url->work;
	b.in = clean_input(url, input);
	if (take_scheme(&b)) {
		b.special = find_special(b.scheme, b.scheme_len) != NULL;
		good = parse_absolute(&b, &m);
	} else {
		good = parse_without_scheme(&b, &m);
	}
	if (!good || !finish(&b, &m)) {
		url_reset(url);
		return false;
	}
	return true;
}

bool
url_is_http(const struct url *url)
{
	return span_is(url->scheme, "http") || span_is(url->scheme, "https");
}

uint16_t
url_port(const struct url *url)
{
	const struct scheme *s;

	if (url->port >= 0)
		return (uint16_t)url->port;
	s = find_special(url->scheme.p == NULL ? "" : url->scheme.p,
	    url->scheme.n);
	return s == NULL || s->port < 0 ? 0 : (uint16_t)s->port;
}

void
url_origin(const struct url *url, struct buf *out)
{
	if (!url->special || span_is(url->scheme, "file")) {
		buf_add_str(out, "null");
		return;
	}
	buf_add_span(out, url->scheme);
	buf_add_str(out, "://");
	buf_add_span(out, url->host);
	if (url->port >= 0)
		buf_addf(out, ":%d", (int)url->port);
}

char *
url_resolve(struct span input, const struct url *base)
{
	struct url url;
	char *href = NULL;

	url_init(&url);
	if (url_parse(&url, input, base))
		href = buf_detach(&url.href, NULL);
	url_release(&url);
	return href;
}

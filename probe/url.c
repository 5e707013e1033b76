#include "url.h"

#include <string.h>

#include "limit.h"
#include "url_builder.h"
#include "url_plain.h"

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
take_scheme(struct url_builder *b)
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

static void
add_scheme(struct url_builder *b)
{
	struct url *u = b->url;

	buf_add(&u->href, b->scheme, b->scheme_len);
	buf_add_char(&u->href, ':');
}

static bool
skip_slashes(struct url_builder *b)
{
	while (url_slash_at(b, 0))
		b->in = span_slice(b->in, 1, b->in.n);
	return true;
}

static bool
parse_relative(struct url_builder *b, struct url_marks *m)
{
	add_scheme(b);
	if (url_slash_at(b, 0) && url_slash_at(b, 1)) {
		b->in = span_slice(b->in, 2, b->in.n);
		if (b->special)
			skip_slashes(b);
		if (!url_authority(b, m))
			return false;
		url_path_start(b);
		return true;
	}
	url_authority_copy(b, m);
	if (url_slash_at(b, 0))
		url_path_start(b);
	else
		url_path_relative(b);
	return true;
}

static bool
file_host(struct url_builder *b, struct url_marks *m)
{
	struct url *u = b->url;
	size_t n = url_part_length(b);
	struct span host = span_slice(b->in, 0, n);

	buf_add(&u->href, "//", 2);
	m->host = u->href.len;
	u->host_kind = URL_HOST_EMPTY;
	if (url_is_drive(host)) /* "file://C:/x": a path after all */
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
file_no_host(struct url_builder *b, struct url_marks *m)
{
	bool from_base = b->base != NULL && span_is(b->base->scheme, "file");
	struct span drive =
	    from_base ? span_slice(b->base->path, 1, 2) : SPAN_NULL;

	if (from_base)
		url_authority_copy(b, m);
	if (!from_base || b->url->host_kind == URL_HOST_NONE) {
		buf_add(&b->url->href, "//", 2);
		m->host = b->url->href.len;
		b->url->host_kind = URL_HOST_EMPTY;
	}
	if (url_slash_at(b, 0)) {
		if (from_base && url_is_drive(drive) && drive.p[1] == ':' &&
		    (b->base->path.n == 3 || b->base->path.p[3] == '/') &&
		    !url_drive_first(span_slice(b->in, 1, b->in.n))) {
			buf_add_char(b->path, '/');
			buf_add_span(b->path, drive);
		}
		url_path_start(b);
	} else if (!from_base) {
		url_path_start(b);
	} else if (url_drive_first(b->in)) {
		url_path(b);
	} else {
		url_path_relative(b);
	}
}

static bool
parse_file(struct url_builder *b, struct url_marks *m)
{
	b->file = true;
	add_scheme(b);
	if (url_slash_at(b, 0) && url_slash_at(b, 1)) {
		b->in = span_slice(b->in, 2, b->in.n);
		if (!file_host(b, m))
			return false;
		url_path_start(b);
		return true;
	}
	file_no_host(b, m);
	return true;
}

static bool
parse_absolute(struct url_builder *b, struct url_marks *m)
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
		url_path_start(b);
		return true;
	} else {
		url_path_opaque(b);
		return true;
	}
	if (!url_authority(b, m))
		return false;
	url_path_start(b);
	return true;
}

static bool
parse_without_scheme(struct url_builder *b, struct url_marks *m)
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
finish(struct url_builder *b, const struct url_marks *m)
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
			url_encode(out, b->query,
			    (b->special ? SET_SPECIAL_QUERY : SET_QUERY) |
				SET_C0);
		query_n = out->len - query;
	}
	if (b->in.n > 0 && b->in.p[0] == '#') {
		has_fragment = true;
		buf_add_char(out, '#');
		fragment = out->len;
		url_encode(out, span_slice(b->in, 1, b->in.n),
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
	struct url_builder b = {.url = url, .base = base};
	struct url_marks m = {0, 0, 0, 0, 0, 0};
	bool good;

	url_reset(url);
	if (input.n > URL_MAX_LEN)
		return false;
	if (url_plain(url, input, base))
		return true;
	b.path = &url->work;
	b.in = clean_input(url, input);
	if (take_scheme(&b)) {
		b.special = url_scheme(b.scheme, b.scheme_len) != NULL;
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
	const struct url_scheme *s;

	if (url->port >= 0)
		return (uint16_t)url->port;
	s = url_scheme(url->scheme.p == NULL ? "" : url->scheme.p,
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

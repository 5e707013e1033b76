/* User, host and port of a URL. */
#include "url_builder.h"

#include <string.h>

static const struct url_scheme special_schemes[] = {
    {"http", 80},
    {"https", 443},
    {"ws", 80},
    {"wss", 443},
    {"ftp", 21},
    {"file", -1},
};

const struct url_scheme *
url_scheme(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(special_schemes); i++)
		if (strlen(special_schemes[i].name) == n &&
		    memcmp(special_schemes[i].name, name, n) == 0)
			return &special_schemes[i];
	return NULL;
}

size_t
url_part_length(const struct url_builder *b)
{
	size_t i = 0;

	while (i < b->in.n && !url_slash_at(b, i) && b->in.p[i] != '?' &&
	    b->in.p[i] != '#')
		i++;
	return i;
}

static bool
parse_port(struct url_builder *b, struct span digits)
{
	const struct url_scheme *s = url_scheme(b->scheme, b->scheme_len);
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
add_userinfo(struct url_builder *b, struct span info, struct url_marks *m)
{
	struct buf *out = &b->url->href;
	size_t colon = span_find(info, ':');

	m->user = out->len;
	url_encode(out, span_slice(info, 0, colon), SET_USERINFO | SET_C0);
	m->user_n = out->len - m->user;
	if (colon + 1 < info.n) {
		buf_add_char(out, ':');
		m->pass = out->len;
		url_encode(out, span_slice(info, colon + 1, info.n),
		    SET_USERINFO | SET_C0);
		m->pass_n = out->len - m->pass;
	}
	if (m->user_n > 0 || m->pass_n > 0)
		buf_add_char(out, '@');
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

bool
url_authority(struct url_builder *b, struct url_marks *m)
{
	struct url *u = b->url;
	struct span auth = span_slice(b->in, 0, url_part_length(b));
	struct span host = auth;
	size_t at = span_find_last(auth, '@');

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

void
url_authority_copy(struct url_builder *b, struct url_marks *m)
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

#include "url_plain.h"

#include <string.h>

#include "bytes16.h"
#include "limit.h"

/* Where the parts begin that "?" and "#" lead in; n when there is none. */
struct marks {
	size_t query;
	size_t fragment;
};

/* Bytes that the standard encodes, drops or reads as others, somewhere. */
INLINE bytes16
odd_bytes(bytes16 v)
{
	return bytes16_upto(v, ' ') | bytes16_in(v, 0x7f, 0xff) |
	    bytes16_in(v, '{', '}') | bytes16_is(v, '"') | bytes16_is(v, '\'') |
	    bytes16_is(v, '<') | bytes16_is(v, '>') | bytes16_is(v, '\\') |
	    bytes16_is(v, '^') | bytes16_is(v, '`');
}

/* False when there is an odd byte, or a segment that may be a dot. */
static bool
look(struct span in, struct marks *m)
{
	unsigned there, slash, hash, question, dot, carry = 0;
	bytes16 v;

	m->query = m->fragment = in.n;
	for (size_t i = 0; i < in.n; i += 16) {
		v = bytes16_at(in, i);
		there = in.n - i >= 16 ? 0xffff : (1u << (in.n - i)) - 1;
		if ((bytes16_mask(odd_bytes(v)) & there) != 0)
			return false;
		slash = bytes16_mask(bytes16_is(v, '/'));
		dot = bytes16_mask(bytes16_is(v, '.') | bytes16_is(v, '%'));
		if ((dot & (slash << 1 | carry)) != 0)
			return false;
		carry = slash >> 15;
		question = bytes16_mask(bytes16_is(v, '?'));
		hash = bytes16_mask(bytes16_is(v, '#'));
		if (question != 0 && m->query == in.n)
			m->query = i + bytes16_first(question);
		if (hash != 0 && m->fragment == in.n)
			m->fragment = i + bytes16_first(hash);
	}
	if (m->query > m->fragment)
		m->query = in.n;
	return true;
}

/* Length of a lower-case name at the front that is no number. */
static size_t
name_length(struct span in)
{
	size_t n = 0, label = 0;
	char c;

	for (; n < in.n; n++) {
		c = in.p[n];
		if (c == '.')
			label = n + 1;
		else if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-')
			break;
	}
	return label < n && ascii_alpha(in.p[label]) ? n : 0;
}

/* Query and fragment, and what is before them from `path`. */
static void
set_tail(struct url *u, size_t path, size_t moved, const struct marks *m)
{
	struct span href = buf_span(&u->href);
	size_t fragment = m->fragment + moved, query = m->query + moved;

	if (fragment < href.n)
		u->fragment = span_slice(href, fragment + 1, href.n);
	if (query < fragment)
		u->query = span_slice(href, query + 1, fragment - query - 1);
	else
		query = fragment;
	u->path = span_slice(href, path, query - path);
	u->special = true;
}

static bool
plain_absolute(struct url *u, struct span in, size_t scheme,
    const struct marks *m)
{
	size_t at = scheme + 3;
	size_t host = name_length(span_slice(in, at, in.n));

	if (host == 0 || at + host == in.n || in.p[at + host] != '/' ||
	    !buf_add_span(&u->href, in))
		return false;
	u->scheme = (struct span){u->href.data, scheme};
	u->host = (struct span){u->href.data + at, host};
	u->host_kind = URL_HOST_DOMAIN;
	set_tail(u, at + host, 0, m);
	return true;
}

static struct span
moved_part(const struct url *u, const struct url *base, struct span part)
{
	if (part.p != NULL)
		part.p = u->href.data + (part.p - base->href.data);
	return part;
}

/* Behind the base's authority, and the folder of its path for "path". */
static bool
plain_relative(struct url *u, struct span in, const struct url *base,
    const struct marks *m)
{
	size_t path = (size_t)(base->path.p - base->href.data);
	size_t keep = path;

	if (in.p[0] != '/') {
		keep += base->path.n;
		while (base->href.data[keep - 1] != '/')
			keep--;
	}
	if (!buf_add(&u->href, base->href.data, keep) ||
	    !buf_add_span(&u->href, in))
		return false;
	u->scheme = moved_part(u, base, base->scheme);
	u->username = moved_part(u, base, base->username);
	u->password = moved_part(u, base, base->password);
	u->host = moved_part(u, base, base->host);
	u->port = base->port;
	u->host_kind = base->host_kind;
	set_tail(u, path, keep, m);
	return true;
}

/* Neither a scheme nor an authority of its own, and no query alone. */
static bool
is_relative(struct span in)
{
	if (in.p[0] == '/')
		return in.n == 1 || in.p[1] != '/';
	return strchr(".%?#", in.p[0]) == NULL && span_find(in, ':') == in.n;
}

bool
url_plain(struct url *u, struct span in, const struct url *base)
{
	size_t scheme = span_starts(in, "http://") ? 4
	    : span_starts(in, "https://")	   ? 5
						   : 0;
	struct marks m;
	bool good = false;

	if (in.n == 0 || !look(in, &m))
		return false;
	if (scheme > 0)
		good = plain_absolute(u, in, scheme, &m);
	else if (base != NULL && url_is_http(base) && is_relative(in))
		good = plain_relative(u, in, base, &m);
	if (!good)
		buf_clear(&u->href);
	return good;
}

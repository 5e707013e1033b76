/* Registrable domains; the only file that knows libpsl, and of it only the
 * list that is compiled in: no file is opened. */

#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "url.h"

static bool
is_address(struct span host)
{
	return host.n == 0 || host.p[0] == '[' ||
	    ascii_digit(host.p[host.n - 1]);
}

static bool
host_text(struct span host, char out[HOST_MAX_LEN + 1])
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > HOST_MAX_LEN)
		return false;
	for (size_t i = 0; i < host.n; i++)
		out[i] = ascii_lower(host.p[i]);
	out[host.n] = '\0';
	return true;
}

struct span
host_site(struct span host)
{
	char name[HOST_MAX_LEN + 1];
	const char *site;

	if (is_address(host) || !host_text(host, name))
		return host;
	site = psl_registrable_domain(psl_builtin(), name);
	if (site == NULL)
		return host;
	return span_slice(host, (size_t)(site - name), host.n);
}

bool
host_is_public_suffix(struct span host)
{
	char name[HOST_MAX_LEN + 1];

	return !is_address(host) && host_text(host, name) &&
	    psl_is_public_suffix(psl_builtin(), name) != 0;
}

struct span
url_site(const struct url *url)
{
	if (url->host_kind == URL_HOST_DOMAIN)
		return host_site(url->host);
	return url->host;
}

bool
url_same_site(const struct url *a, const struct url *b)
{
	return a->host.n > 0 && b->host.n > 0 &&
	    span_eq(url_site(a), url_site(b));
}

static void
decode(struct span s, struct buf *out, bool plus)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] == '%' && i + 2 < s.n &&
		    (hi = ascii_hex(s.p[i + 1])) >= 0 &&
		    (lo = ascii_hex(s.p[i + 2])) >= 0) {
			buf_add_char(out, (char)(hi << 4 | lo));
			i += 2;
		} else {
			buf_add_char(out, plus && s.p[i] == '+' ? ' ' : s.p[i]);
		}
	}
}

void
percent_decode(struct span s, struct buf *out)
{
	decode(s, out, false);
}

void
form_decode(struct span s, struct buf *out)
{
	decode(s, out, true);
}

bool
query_next(struct span *rest, struct span *name, struct span *value)
{
	struct span pair;
	size_t eq;

	do {
		if (rest->p == NULL)
			return false;
		pair = span_token(rest, '&');
	} while (pair.n == 0);
	eq = span_find(pair, '=');
	*name = span_slice(pair, 0, eq);
	*value = span_slice(pair, eq + 1, pair.n);
	return true;
}

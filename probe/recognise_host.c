/* What is known of the hosts that a page links to.  Most links lead to a few
 * hosts, so each is looked up once. */

#include <string.h>

#include "bytes16.h"
#include "limit.h"
#include "recognise_state.h"

/* Bytes of a host as it is commonly written. */
INLINE bytes16
host16(bytes16 v)
{
	return bytes16_in(v | 0x20, 'a', 'z') | bytes16_in(v, '0', '9') |
	    bytes16_is(v, '.') | bytes16_is(v, '-') | bytes16_is(v, '_');
}

/* The page's registrable domain, or a name under it. */
bool
on_page_site(const struct recogniser *r, struct span host)
{
	struct span site = r->site;

	return site.n > 0 && host.n >= site.n &&
	    span_eq_i(span_slice(host, host.n - site.n, site.n), site) &&
	    (host.n == site.n || host.p[host.n - site.n - 1] == '.');
}

static enum host_kind
kind_of(const struct recogniser *r, struct span host)
{
	if (!rules_foreign(r->rules, host))
		return HOST_OF_RULES;
	return on_page_site(r, host) ? HOST_OWN : HOST_FOREIGN;
}

static struct host_seen *
slot_of(struct recogniser *r, struct span host)
{
	uint64_t key = span_key(host) * 0x9e3779b97f4a7c15ull;

	key ^=
	    span_key((struct span){host.p + host.n / 2, host.n / 2}) + host.n;
	return &r->hosts[key * 0x9e3779b97f4a7c15ull >> 57];
}

struct host_seen *
host_look(struct recogniser *r, struct span rest)
{
	struct span host = {rest.p, bytes16_run(rest, 0, host16)};
	struct host_seen *h;

	if (host.n < rest.n && rest.p[host.n] != '/' && rest.p[host.n] != '?' &&
	    rest.p[host.n] != '#')
		host.n = 0;
	if (host.n == 0 || host.n > HOST_SEEN_LEN) {
		h = &r->unusual;
		h->kind = HOST_OF_RULES;
		if (host.n > 0)
			h->kind = kind_of(r, host);
		h->near_known = false;
		return h;
	}
	h = slot_of(r, host);
	if (h->length == host.n && memcmp(h->text, host.p, host.n) == 0)
		return h;
	memcpy(h->text, host.p, host.n);
	h->length = (uint8_t)host.n;
	h->kind = kind_of(r, host);
	h->near_known = false;
	return h;
}

uint32_t
host_near(struct recogniser *r, struct host_seen *h, struct span host)
{
	if (!h->near_known)
		h->near = near_miss(r, host);
	h->near_known = true;
	return h->near;
}

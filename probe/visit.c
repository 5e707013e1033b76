#include "visit.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "budget.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "url.h"

#define ADDRESSES_TRIED_MAX 3

enum visit_state {
	VISIT_RESOLVING,
	VISIT_PACING,
	VISIT_FETCHING,
	VISIT_ENDING, /* done will be called from the loop */
};

struct visit {
	const struct visit_settings *settings;
	enum visit_state state;
	struct observation observation;
	struct url url; /* of the hop under way */
	char *host;	/* its host without brackets */
	struct address addresses[ADDRESSES_TRIED_MAX];
	size_t naddresses;
	size_t next_address;
	struct resolver_query *query;
	struct fetch *fetch;
	struct event timer;
	int64_t start_us;
	int64_t waits_us; /* since when, for its address */
	int64_t took_us;  /* by its transfers */
	size_t charge;	  /* of the budget of bodies */
	char *proxy;
	char *etag;
	char *last_modified;
	bool verify;
	bool plain;
	bool name_servers;
	visit_done *done;
	void *arg;
};

static void hop_begin(struct visit *);

static struct hop *
hop_of(struct visit *v)
{
	return observation_last(&v->observation);
}

static void
visit_free(struct visit *v)
{
	evtimer_del(&v->timer);
	observation_release(&v->observation);
	url_release(&v->url);
	free(v->host);
	free(v->proxy);
	free(v->etag);
	free(v->last_modified);
	free(v);
}

static void
visit_finish(struct visit *v)
{
	v->done(&v->observation, v->arg);
	budget_give(v->settings->budget, v->charge);
	visit_free(v);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

/* Ends the visit from the loop, so that visit_start() never calls back. */
static void
visit_end_soon(struct visit *v)
{
	struct timeval now = {0, 0};

	v->state = VISIT_ENDING;
	evtimer_add(&v->timer, &now);
}

static void
hop_fail(struct visit *v, enum failure failure, enum stage stage,
    enum outcome outcome)
{
	struct hop *h = hop_of(v);

	h->failure = failure;
	h->stage = stage;
	h->outcome = outcome;
	visit_end_soon(v);
}

/* ---- after a transfer ---- */

static bool
seen_before(const struct visit *v, const char *url)
{
	for (size_t i = 0; i < v->observation.nhops; i++)
		if (strcmp(v->observation.hops[i].url, url) == 0)
			return true;
	return false;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

/* A target that the hop leads to, or NULL with the hop's verdict set when it
 * leads nowhere. */
static char *
redirect_target(struct visit *v, struct hop *h)
{
	struct span location = header_value(buf_span(&h->headers), "location");
	char *next;

	if (!is_redirect(h->status) || h->failure != FAILURE_NONE ||
	    location.p == NULL)
		return NULL;
	next = url_resolve(location, &v->url);
	if (next == NULL ||
	    (!span_starts(span_of(next), "http://") &&
		!span_starts(span_of(next), "https://"))) {
		h->failure = FAILURE_HTTP_REDIRECT_HOST;
		free(next);
		return NULL;
	}
	/* The fragment is not sent and makes no other URL. */
	next[span_find(span_of(next), '#')] = '\0';
	if (seen_before(v, next)) {
		h->outcome = OUTCOME_REDIRECT_LOOP;
		h->failure = FAILURE_HTTP_REDIRECT_URL;
	} else if (v->observation.nhops > v->settings->redirects ||
	    v->observation.nhops == HOPS_MAX) {
		h->outcome = OUTCOME_TOO_MANY_REDIRECTS;
		h->failure = FAILURE_HTTP_REDIRECT_URL;
	} else {
		return next;
	}
	free(next);
	return NULL;
}

/* It answered this very visit: what it refuses now is a port. */
static bool
answered_before(const struct visit *v, const struct hop *h)
{
	for (size_t i = 0; i + 1 < v->observation.nhops; i++) {
		const struct hop *earlier = &v->observation.hops[i];

		if (earlier->address != NULL &&
		    strcmp(earlier->address, h->address) == 0 &&
		    earlier->marks.first_byte != MARK_NONE)
			return true;
	}
	return false;
}

/* Did the address take the connection and answer something? */
static void
note_pace(struct visit *v, struct hop *h)
{
	bool accepted = h->marks.first_byte != MARK_NONE;
	bool refused = h->failure == FAILURE_CONNECTION_REFUSED ||
	    h->failure == FAILURE_CONNECTION_RESET ||
	    h->failure == FAILURE_EOF || h->failure == FAILURE_TIMEOUT;

	if (h->address == NULL || (!accepted && !refused) ||
	    (!accepted && answered_before(v, h)))
		return;
	if (pace_result(v->settings->pace, span_of(h->address), accepted,
		monotonic_us()))
		h->outcome = OUTCOME_SELF_INFLICTED;
}

static bool
connect_failed(const struct hop *h)
{
	return h->stage == STAGE_TCP && h->failure != FAILURE_NONE &&
	    h->failure != FAILURE_INTERRUPTED;
}

static bool
is_ipv6(const struct address *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

/* Did the address just tried fail because IPv6 leads nowhere from here? */
static bool
no_way_by_ipv6(const struct visit *v, const struct hop *h)
{
	return is_ipv6(&v->addresses[v->next_address - 1]) &&
	    h->stage == STAGE_TCP &&
	    (h->failure == FAILURE_NETWORK_UNREACHABLE ||
		h->outcome == OUTCOME_LOCAL_ERROR);
}

/* Where an address of the other family is left to try, only such are: they
 * tell of the site, not of our line.  False where none is. */
static bool
leave_ipv6(struct visit *v)
{
	size_t n = v->next_address;

	for (size_t i = n; i < v->naddresses; i++)
		if (!is_ipv6(&v->addresses[i]))
			v->addresses[n++] = v->addresses[i];
	if (n == v->next_address)
		return false;
	v->naddresses = n;
	return true;
}

static void pace_next_address(struct visit *);

/* The next address of the same name: what the last one said is dropped but
 * for its place in `tried`. */
static void
retry_address(struct visit *v, struct hop *h)
{
	if (h->ntried > 0 && h->ntried <= TRIED_PORTS_MAX)
		h->tried_ports[h->ntried - 1] = h->local_port;
	h->local_port = 0;
	h->failure = FAILURE_NONE;
	h->outcome = OUTCOME_NONE;
	free(h->failure_text);
	h->failure_text = NULL;
	free(h->address);
	h->address = NULL;
	h->marks = (struct marks){MARK_NONE, MARK_NONE, MARK_NONE, MARK_NONE,
	    MARK_NONE, MARK_NONE};
	pace_next_address(v);
}

static void
on_fetched(struct hop *h, int64_t took_us, void *arg)
{
	struct visit *v = arg;
	char *next;

	v->fetch = NULL;
	v->took_us += took_us;
	note_pace(v, h);
	if ((v->naddresses > 0 && no_way_by_ipv6(v, h) && leave_ipv6(v)) ||
	    (connect_failed(h) && v->next_address < v->naddresses)) {
		retry_address(v, h);
		return;
	}
	next = redirect_target(v, h);
	if (next == NULL) {
		visit_finish(v);
		return;
	}
	h = observation_add_hop(&v->observation);
	h->url = next;
	hop_begin(v);
}

/* ---- before a transfer ---- */

/* What the hops before have left of it. */
static size_t
body_room(const struct visit *v)
{
	const struct observation *o = &v->observation;
	size_t held = 0;

	for (size_t i = 0; i < o->nhops; i++)
		held += o->hops[i].wire.len > 0 ? o->hops[i].wire.len
						: o->hops[i].body.len;
	return held + HOP_BODY_MIN < v->settings->body_limit
	    ? v->settings->body_limit - held
	    : HOP_BODY_MIN;
}

static int64_t
time_left(const struct visit *v)
{
	int64_t ms = v->settings->total_timeout - v->took_us / 1000;

	return ms > 1 ? ms : 1;
}

static void
fetch_now(struct visit *v)
{
	struct hop *h = hop_of(v);
	struct fetch_request r = {
	    .url = h->url,
	    .host = v->host,
	    .port = url_port(&v->url),
	    .address = &v->addresses[v->next_address],
	    .proxy = v->proxy,
	    .verify = v->verify,
	    .plain = v->plain,
	    .start_us = v->start_us,
	    .timeout_ms = time_left(v),
	    .body_limit = body_room(v),
	    .charge = &v->charge,
	};

	/* A validator belongs to the page's own URL. */
	if (v->observation.nhops == 1) {
		r.etag = v->etag;
		r.last_modified = v->last_modified;
		v->observation.conditional =
		    v->etag != NULL || v->last_modified != NULL;
	}
	v->next_address++;
	v->state = VISIT_FETCHING;
	v->fetch = fetch_start(v->settings->fetcher, &r, h, on_fetched, v);
}

static void
fetch_at(struct visit *v, int64_t at)
{
	int64_t us = at - monotonic_us();
	struct timeval tv = {us / 1000000, us % 1000000};

	if (us <= 0) {
		fetch_now(v);
		return;
	}
	v->state = VISIT_PACING;
	v->waits_us = monotonic_us();
	++*v->settings->waiting_for_pace;
	evtimer_add(&v->timer, &tv);
}

static void
pace_next_address(struct visit *v)
{
	char text[ADDRESS_TEXT_MAX];
	const struct address *a = &v->addresses[v->next_address];

	fetch_at(v,
	    pace_reserve(v->settings->pace, span_of(address_text(a, text)),
		monotonic_us()));
}

/* A page that had to wait for its address, ten minutes where a site asked for
 * that, is seen now, and not when it was due: what changed meanwhile would be
 * dated before it was there. */
static void
date_from_now(struct visit *v)
{
	int64_t now = monotonic_us();

	if (v->observation.nhops > 1 || hop_of(v)->ntried > 0)
		return;
	v->start_us += now - v->waits_us;
	v->observation.time = instant_now() - (now - v->start_us) / 1000;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct visit *v = arg;

	(void)fd;
	(void)what;
	if (v->state == VISIT_ENDING) {
		visit_finish(v);
		return;
	}
	--*v->settings->waiting_for_pace;
	date_from_now(v);
	fetch_now(v);
}

/* Kept if policy allows it, and if it may come to be tried. */
static bool
add_address(struct visit *v, const char *text)
{
	struct address *a = &v->addresses[v->naddresses];

	if (v->naddresses == ADDRESSES_TRIED_MAX ||
	    !address_parse(a, text, url_port(&v->url)) ||
	    !policy_allows(v->settings->policy, &a->u.sa))
		return false;
	v->naddresses++;
	return true;
}

/* Of the records of one type the next that can be used, from *at on. */
static bool
add_next(struct visit *v, const struct dns_lookup *d, const char *type,
    size_t *at)
{
	while (*at < d->nrecords) {
		const struct dns_record *r = &d->records[(*at)++];

		if (strcmp(r->type, type) == 0 && add_address(v, r->value))
			return true;
	}
	return false;
}

/* By turns of each family (RFC 8305 section 4), whichever answer came first:
 * one that does not work from here must not use up all tries. */
static void
choose_addresses(struct visit *v, const struct dns_lookup *d)
{
	size_t v6 = 0, v4 = 0;
	bool more;

	do {
		more = add_next(v, d, "AAAA", &v6);
		more = add_next(v, d, "A", &v4) || more;
	} while (more);
}

/* No address left is our refusal, not the world's failure, unless the name
 * itself is answered with a bogus one. */
static void
use_addresses(struct visit *v)
{
	if (v->naddresses > 0) {
		pace_next_address(v);
		return;
	}
	hop_fail(v,
	    hop_of(v)->dns.host != NULL ? FAILURE_DNS_BOGON : FAILURE_NONE,
	    hop_of(v)->dns.host != NULL ? STAGE_DNS : STAGE_TCP,
	    OUTCOME_BLOCKED_BY_POLICY);
}

static void
on_resolved(struct dns_lookup *d, enum failure failure, void *arg)
{
	struct visit *v = arg;
	struct hop *h = hop_of(v);

	v->query = NULL;
	h->dns = *d;
	if (failure != FAILURE_NONE) {
		hop_fail(v, failure, STAGE_DNS, OUTCOME_NONE);
		return;
	}
	choose_addresses(v, d);
	use_addresses(v);
}

/* Host without the brackets of an IPv6 literal. */
static char *
bare_host(const struct url *url)
{
	struct span host = url->host;

	if (url->host_kind == URL_HOST_IPV6)
		host = span_slice(host, 1, host.n - 2);
	return span_dup(host);
}

/* False for addresses that policy refuses, and for the names of the host that
 * asks (RFC 6761 section 6.3).  Other names only the proxy can judge. */
static bool
proxy_may_reach(const struct visit *v)
{
	const char *host = v->host;
	struct span name = span_of(host);
	struct address a;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (span_eq_i(name, SPAN("localhost")) ||
	    span_ends_i(name, ".localhost"))
		host = "127.0.0.1";
	return !address_parse(&a, host, url_port(&v->url)) ||
	    policy_allows(v->settings->policy, &a.u.sa);
}

static void
hop_begin(struct visit *v)
{
	struct hop *h = hop_of(v);
	struct resolver_wants wants;

	v->naddresses = v->next_address = 0;
	free(v->host);
	v->host = NULL;
	if (!url_parse(&v->url, span_of(h->url), NULL) ||
	    !url_is_http(&v->url)) {
		hop_fail(v, FAILURE_HTTP_REDIRECT_HOST, STAGE_NONE,
		    OUTCOME_NONE);
		return;
	}
	v->host = bare_host(&v->url);
	if (v->proxy != NULL) {
		/* The proxy resolves and connects; it is the operator's, and
		 * a page may not use it to reach what it stands beside. */
		if (!proxy_may_reach(v)) {
			hop_fail(v, FAILURE_NONE, STAGE_TCP,
			    OUTCOME_BLOCKED_BY_POLICY);
			return;
		}
		fetch_at(v,
		    pace_reserve(v->settings->pace, span_of(v->host),
			monotonic_us()));
		return;
	}
	if (v->url.host_kind == URL_HOST_IPV4 ||
	    v->url.host_kind == URL_HOST_IPV6) {
		add_address(v, v->host);
		use_addresses(v);
		return;
	}
	v->state = VISIT_RESOLVING;
	wants = (struct resolver_wants){v->settings->ipv4, v->settings->ipv6,
	    v->name_servers && v->observation.nhops == 1};
	v->query = resolver_lookup(v->settings->resolver, v->host, &wants,
	    v->start_us, on_resolved, v);
}

struct visit *
visit_start(const struct visit_settings *settings,
    const struct visit_request *r, visit_done *done, void *arg)
{
	struct visit *v = xcalloc(1, sizeof *v);
	struct observation *o = &v->observation;

	v->settings = settings;
	v->done = done;
	v->arg = arg;
	v->verify = r->verify;
	v->plain = r->plain;
	v->name_servers = r->name_servers;
	v->proxy = xstrdup(r->proxy);
	v->etag = xstrdup(r->etag);
	v->last_modified = xstrdup(r->last_modified);
	url_init(&v->url);
	observation_init(o);
	o->time = instant_now();
	o->source = SOURCE_LIVE;
	o->variant = r->variant;
	o->watched = r->watched;
	o->vantage = xstrdup(r->vantage);
	o->target = xstrdup(r->target);
	o->page = xstrdup(r->page);
	o->url = xstrdup(r->url);
	observation_add_hop(o)->url = xstrdup(r->url);
	v->start_us = monotonic_us();
	evtimer_assign(&v->timer, settings->base, on_timer, v);
	hop_begin(v);
	return v;
}

void
visit_cancel(struct visit *v)
{
	struct hop *h = hop_of(v);

	resolver_cancel(v->query);
	if (v->fetch != NULL) {
		fetch_cancel(v->fetch);
	} else {
		h->failure = FAILURE_INTERRUPTED;
		h->stage = v->state == VISIT_RESOLVING ? STAGE_DNS : STAGE_TCP;
	}
	if (v->state == VISIT_PACING)
		--*v->settings->waiting_for_pace;
	visit_finish(v);
}

#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "site_index.h"
#include "url.h"

/* A redirect whose target has not been seen yet. */
struct waiting {
	struct observation observation;
	char *next; /* where it leads, without fragment */
};

struct joiner {
	const struct config *config;
	struct site_index *index;
	struct replay_counts *counts;
	bool all_hosts;
	struct waiting waiting[JOIN_MAX];
	size_t nwaiting;
	struct observation *ready;
	size_t nready;
	size_t ready_cap;
	size_t taken;
};

struct joiner *
joiner_new(const struct config *config, bool all_hosts,
    struct replay_counts *counts)
{
	struct joiner *j = xcalloc(1, sizeof *j);

	j->config = config;
	j->index = site_index_new(config);
	j->all_hosts = all_hosts;
	j->counts = counts;
	return j;
}

void
joiner_free(struct joiner *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->nwaiting; i++) {
		observation_release(&j->waiting[i].observation);
		free(j->waiting[i].next);
	}
	for (size_t i = j->taken; i < j->nready; i++)
		observation_release(&j->ready[i]);
	free(j->ready);
	site_index_free(j->index);
	free(j);
}

/* ---- which page it is ---- */

static bool
is_page_type(const struct hop *h)
{
	static const char *const types[] = {"text/html", "application/xhtml",
	    "text/xml", "application/xml", "application/rss",
	    "application/atom", "text/plain"};
	struct span type = header_value(buf_span(&h->headers), "content-type");

	if (type.n == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (span_starts_i(type, types[i]))
			return true;
	return false;
}

static void
replace(char **to, const char *from)
{
	free(*to);
	*to = xstrdup(from);
}

/* It failed in packets before it could say what it wanted: its URL is made up
 * of the host alone. */
static bool
knows_host_only(const struct observation *o)
{
	const struct hop *h = observation_last(o);

	return o->source == SOURCE_PCAP && h->failure != FAILURE_NONE &&
	    h->request.len == 0;
}

/* The page that a failure with a host and no URL is told of: the first that
 * the catalogue has there. */
static bool
assign_by_host(struct joiner *j, struct observation *o, struct span host)
{
	struct site_hit hit;
	const char *page_url;

	if (!site_index_host(j->index, host, &hit, &page_url))
		return false;
	replace(&o->target, hit.target);
	replace(&o->page, hit.page);
	replace(&o->url, page_url);
	replace(&observation_last(o)->url, page_url);
	return true;
}

/* False: not a page that anybody watches. */
static bool
assign(struct joiner *j, struct observation *o)
{
	const struct hop *last = observation_last(o);
	struct site_hit hit;
	struct url url;
	bool ok;

	url_init(&url);
	ok = url_parse(&url, span_of(o->url), NULL) && url.host.n > 0;
	if (ok && o->nhops == 1 && knows_host_only(o) &&
	    assign_by_host(j, o, url.host)) {
		ok = true;
	} else if (ok && site_index_find(j->index, &url, &hit)) {
		replace(&o->target, hit.target);
		replace(&o->page, hit.page);
		/* Beside the watched slots a site has much that is no page,
		 * and whose failure says nothing about the site. */
		if (strcmp(hit.page, "page") == 0 &&
		    (last->status >= 400 || last->failure != FAILURE_NONE))
			ok = false;
	} else if (ok && j->all_hosts && url.host.n <= HOST_MAX_LEN) {
		free(o->target);
		o->target = span_dup(url.host);
		replace(&o->page, span_is(url.path, "/") ? "main" : "page");
	} else {
		j->counts->unmatched++;
		url_release(&url);
		return false;
	}
	url_release(&url);
	if (!ok || (last->status != 0 && !is_page_type(last))) {
		j->counts->subresources++;
		return false;
	}
	replace(&o->vantage, j->config->vantage);
	return true;
}

static void
give(struct joiner *j, struct observation *o)
{
	if (!assign(j, o)) {
		observation_release(o);
		return;
	}
	j->counts->observations++;
	if (observation_last(o)->failure != FAILURE_NONE)
		j->counts->failures++;
	j->ready =
	    xgrow(j->ready, &j->ready_cap, j->nready + 1, sizeof *j->ready);
	j->ready[j->nready++] = *o;
	observation_init(o);
}

bool
joiner_next(struct joiner *j, struct observation *o)
{
	if (j->taken == j->nready)
		return false;
	*o = j->ready[j->taken++];
	if (j->taken == j->nready)
		j->taken = j->nready = 0;
	return true;
}

/* ---- redirects ---- */

/* Where the last hop leads, without fragment; NULL when nowhere. */
static char *
leads_to(const struct hop *h)
{
	struct span location = header_value(buf_span(&h->headers), "location");
	struct url base;
	char *next = NULL;

	if (h->status < 301 || h->status > 308 || h->status == 304 ||
	    location.p == NULL)
		return NULL;
	url_init(&base);
	if (url_parse(&base, span_of(h->url), NULL))
		next = url_resolve(location, &base);
	url_release(&base);
	if (next != NULL)
		next[span_find(span_of(next), '#')] = '\0';
	return next;
}

static void
waiting_remove(struct joiner *j, size_t at)
{
	free(j->waiting[at].next);
	j->nwaiting--;
	memmove(&j->waiting[at], &j->waiting[at + 1],
	    (j->nwaiting - at) * sizeof j->waiting[0]);
}

static void
waiting_give(struct joiner *j, size_t at)
{
	struct observation o = j->waiting[at].observation;

	waiting_remove(j, at);
	give(j, &o);
}

static void
shift(int64_t *mark, int64_t by)
{
	if (*mark != MARK_NONE)
		*mark += by;
}

/* Moves the hop of *o behind those of *to, its times made relative to the
 * start of the visit. */
static void
append_hop(struct observation *to, struct observation *o)
{
	int64_t by = (o->time - to->time) * 1000;
	struct hop *slot = observation_add_hop(to);
	struct hop *h = &o->hops[0];
	struct hop empty = *slot;

	shift(&h->marks.tcp_start, by);
	shift(&h->marks.tcp_done, by);
	shift(&h->marks.tls_done, by);
	shift(&h->marks.request_sent, by);
	shift(&h->marks.first_byte, by);
	shift(&h->marks.last_byte, by);
	shift(&h->dns.start_us, by);
	shift(&h->dns.end_us, by);
	*slot = *h;
	*h = empty;
	free(to->warc);
	to->warc = o->warc;
	o->warc = NULL;
	to->warc_offset = o->warc_offset;
	observation_release(o);
}

static void
wait_or_give(struct joiner *j, struct observation *o)
{
	char *next = o->nhops < HOPS_MAX ? leads_to(observation_last(o)) : NULL;
	struct waiting *w;

	if (next == NULL) {
		give(j, o);
		return;
	}
	if (j->nwaiting == JOIN_MAX)
		waiting_give(j, 0);
	w = &j->waiting[j->nwaiting++];
	w->observation = *o;
	w->next = next;
	observation_init(o);
}

static void
expire(struct joiner *j, int64_t now)
{
	for (size_t i = 0; i < j->nwaiting;) {
		if (now - j->waiting[i].observation.time > JOIN_WAIT_MS)
			waiting_give(j, i);
		else
			i++;
	}
}

/* Is this what the redirect led to? */
static bool
is_next(const char *next, const struct observation *o)
{
	struct span url = span_of(o->url);
	struct url a, b;
	bool same;

	if (span_is(span_slice(url, 0, span_find(url, '#')), next))
		return true;
	if (!knows_host_only(o))
		return false;
	url_init(&a);
	url_init(&b);
	same = url_parse(&a, url, NULL) && url_parse(&b, span_of(next), NULL) &&
	    span_eq(a.host, b.host);
	url_release(&a);
	url_release(&b);
	return same;
}

void
joiner_add(struct joiner *j, struct observation *o)
{
	struct observation joined;

	expire(j, o->time);
	for (size_t i = 0; i < j->nwaiting; i++) {
		struct waiting *w = &j->waiting[i];

		if (!is_next(w->next, o))
			continue;
		if (knows_host_only(o))
			replace(&o->hops[0].url, w->next);
		joined = w->observation;
		waiting_remove(j, i);
		append_hop(&joined, o);
		wait_or_give(j, &joined);
		return;
	}
	wait_or_give(j, o);
}

void
joiner_finish(struct joiner *j)
{
	while (j->nwaiting > 0)
		waiting_give(j, 0);
}

/* Read by replay_counts_decode(). */
void
replay_counts_encode(const struct replay_counts *c, struct buf *b)
{
	const uint64_t *v = (const uint64_t *)c;

	for (size_t i = 0; i < sizeof *c / sizeof *v; i++)
		buf_put_u64(b, v[i]);
}

/* Written by replay_counts_encode(). */
bool
replay_counts_decode(struct replay_counts *c, struct span s)
{
	struct cursor cursor;
	uint64_t *v = (uint64_t *)c;

	cursor_init(&cursor, s.p, s.n);
	for (size_t i = 0; i < sizeof *c / sizeof *v; i++)
		v[i] = cursor_u64le(&cursor);
	return cursor_done(&cursor);
}

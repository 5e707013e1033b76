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
	if (ok && site_index_find(j->index, &url, &hit)) {
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

void
joiner_add(struct joiner *j, struct observation *o)
{
	struct observation joined;
	size_t n = span_find(span_of(o->url), '#');

	expire(j, o->time);
	for (size_t i = 0; i < j->nwaiting; i++) {
		struct waiting *w = &j->waiting[i];

		if (!span_is(span_slice(span_of(o->url), 0, n), w->next))
			continue;
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

#include "metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define TIME_MAX (INT64_MAX / 1000) /* ms: shown in microseconds */

struct metrics {
	struct metrics_totals totals;
	struct metrics_page *pages;
	size_t n;
	size_t cap;
	size_t *slots; /* open addressing; index + 1 into pages, 0 free */
	size_t nslots;
};

struct metrics *
metrics_new(void)
{
	return xcalloc(1, sizeof(struct metrics));
}

void
metrics_page_release(struct metrics_page *p)
{
	free(p->target);
	free(p->page);
	free(p->failure);
	free(p->stage);
	memset(p, 0, sizeof *p);
}

void
metrics_clear(struct metrics *m)
{
	for (size_t i = 0; i < m->n; i++)
		metrics_page_release(&m->pages[i]);
	m->n = 0;
	if (m->slots != NULL)
		memset(m->slots, 0, m->nslots * sizeof *m->slots);
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	metrics_clear(m);
	free(m->pages);
	free(m->slots);
	free(m);
}

struct metrics_totals *
metrics_totals(struct metrics *m)
{
	return &m->totals;
}

static size_t
slot_of(const struct metrics *m, const char *target, const char *page)
{
	uint64_t hash =
	    bytes_hash(span_of(target)) * 31 + bytes_hash(span_of(page));
	size_t at = (size_t)hash & (m->nslots - 1);

	while (m->slots[at] != 0) {
		const struct metrics_page *p = &m->pages[m->slots[at] - 1];

		if (strcmp(p->target, target) == 0 &&
		    strcmp(p->page, page) == 0)
			break;
		at = (at + 1) & (m->nslots - 1);
	}
	return at;
}

static void
slots_grow(struct metrics *m)
{
	if (m->n * 2 < m->nslots)
		return;
	m->nslots = m->nslots == 0 ? 256 : m->nslots * 2;
	free(m->slots);
	m->slots = xcalloc(m->nslots, sizeof *m->slots);
	for (size_t i = 0; i < m->n; i++)
		m->slots[slot_of(m, m->pages[i].target, m->pages[i].page)] =
		    i + 1;
}

void
metrics_set(struct metrics *m, struct metrics_page *p)
{
	size_t at;

	slots_grow(m);
	at = slot_of(m, p->target, p->page);
	if (m->slots[at] == 0 && m->n == TARGETS_MAX) {
		metrics_page_release(p);
		return;
	}
	if (m->slots[at] == 0) {
		m->pages = xgrow(m->pages, &m->cap, m->n + 1, sizeof *m->pages);
		m->slots[at] = ++m->n;
	} else {
		if (p->body_bytes == METRICS_BODY_SAME)
			p->body_bytes = m->pages[m->slots[at] - 1].body_bytes;
		metrics_page_release(&m->pages[m->slots[at] - 1]);
	}
	m->pages[m->slots[at] - 1] = *p;
	memset(p, 0, sizeof *p);
}

/* ---- what an observation says ---- */

static int64_t
between(int64_t from, int64_t to)
{
	return from == MARK_NONE || to == MARK_NONE || to < from ? 0
								 : to - from;
}

static void
phases_add(struct metrics_page *p, const struct hop *h)
{
	const struct marks *k = &h->marks;
	int64_t connected =
	    k->tls_done == MARK_NONE ? k->tcp_done : k->tls_done;

	if (h->dns.host != NULL)
		p->phase_us[PHASE_RESOLVE] +=
		    between(h->dns.start_us, h->dns.end_us);
	p->phase_us[PHASE_CONNECT] += between(k->tcp_start, k->tcp_done);
	p->phase_us[PHASE_TLS] += between(k->tcp_done, k->tls_done);
	p->phase_us[PHASE_PROCESSING] +=
	    between(k->request_sent == MARK_NONE ? connected : k->request_sent,
		k->first_byte);
	p->phase_us[PHASE_TRANSFER] += between(k->first_byte, k->last_byte);
}

void
metrics_observe(struct metrics_page *p, const struct observation *o,
    uint64_t body, enum verdict verdict)
{
	const struct hop *last = observation_last(o);

	memset(p, 0, sizeof *p);
	p->target = xstrdup(o->target == NULL ? "" : o->target);
	p->page = xstrdup(o->page == NULL ? "" : o->page);
	p->time = o->time;
	p->verdict = verdict;
	p->success = observation_answered(o) && last->status < 400;
	p->status = last->status;
	p->http_version = last->http_version;
	p->redirects = (int)o->nhops - 1;
	p->tls = last->nchain > 0 || last->tls_version != NULL;
	p->ipv6 = last->address != NULL && strchr(last->address, ':') != NULL;
	p->wire_bytes = (int64_t)last->body.len;
	p->body_bytes = (int64_t)body;
	if (last->failure != FAILURE_NONE) {
		p->failure = xstrdup(failure_name(last->failure));
		p->stage = xstrdup(stage_name(last->stage));
	}
	for (size_t i = 0; i < o->nhops; i++)
		phases_add(p, &o->hops[i]);
	for (int i = 0; i < PHASE_COUNT; i++)
		p->duration_us += p->phase_us[i];
	for (size_t i = 0; i < last->nchain; i++)
		if (p->cert_expiry == 0 ||
		    last->chain[i].not_after < p->cert_expiry)
			p->cert_expiry = last->chain[i].not_after;
}

/* Read by metrics_page_decode(). */
void
metrics_page_encode(const struct metrics_page *p, struct buf *b)
{
	buf_put_str(b, p->target);
	buf_put_str(b, p->page);
	buf_put_str(b, p->failure);
	buf_put_str(b, p->stage);
	buf_put_i64(b, p->time);
	buf_put_u8(b, (uint8_t)(p->success | p->tls << 1 | p->ipv6 << 2));
	buf_put_u16(b, (uint16_t)p->status);
	buf_put_u8(b, (uint8_t)p->http_version);
	buf_put_u8(b, (uint8_t)p->redirects);
	buf_put_u8(b, (uint8_t)p->verdict);
	buf_put_i64(b, p->duration_us);
	for (int i = 0; i < PHASE_COUNT; i++)
		buf_put_i64(b, p->phase_us[i]);
	buf_put_i64(b, p->wire_bytes);
	buf_put_i64(b, p->body_bytes);
	buf_put_i64(b, p->cert_expiry);
}

/* Written by metrics_page_encode(). */
bool
metrics_page_decode(struct cursor *c, struct metrics_page *p)
{
	uint8_t flags;

	memset(p, 0, sizeof *p);
	p->target = cursor_str(c, NAME_MAX_LEN);
	p->page = cursor_str(c, NAME_MAX_LEN);
	p->failure = cursor_str(c, NAME_MAX_LEN);
	p->stage = cursor_str(c, NAME_MAX_LEN);
	p->time = cursor_i64le(c);
	flags = cursor_u8(c);
	p->success = flags & 1;
	p->tls = flags & 2;
	p->ipv6 = flags & 4;
	p->status = cursor_u16le(c);
	p->http_version = cursor_u8(c);
	p->redirects = cursor_u8(c);
	p->verdict = cursor_u8(c);
	p->duration_us = cursor_i64le(c);
	for (int i = 0; i < PHASE_COUNT; i++)
		p->phase_us[i] = cursor_i64le(c);
	p->wire_bytes = cursor_i64le(c);
	p->body_bytes = cursor_i64le(c);
	p->cert_expiry = cursor_i64le(c);
	if (!c->bad && p->target != NULL && p->page != NULL &&
	    p->verdict < VERDICT_COUNT && p->time >= -TIME_MAX &&
	    p->time <= TIME_MAX)
		return true;
	metrics_page_release(p);
	return false;
}

static void
take_totals(struct metrics_totals *t, struct cursor *c)
{
	t->events = cursor_u64le(c);
	t->hooks_waiting = cursor_u64le(c);
	t->hooks_dead = cursor_u64le(c);
	t->log_bytes = cursor_u64le(c);
	t->captures = cursor_u64le(c);
	t->volatile_places = cursor_u64le(c);
	t->suppressed = cursor_u64le(c);
}

static void
take_packets(struct metrics_totals *t, struct cursor *c)
{
	t->packets_seen = cursor_u64le(c);
	t->packets_lost = cursor_u64le(c);
	t->packets_evicted = cursor_u64le(c);
	t->sniffing = cursor_u64le(c) != 0;
}

void
metrics_take(struct metrics *m, struct span data)
{
	struct metrics_page p;
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	switch ((enum metrics_message)cursor_u8(&c)) {
	case METRICS_PAGE:
		if (metrics_page_decode(&c, &p))
			metrics_set(m, &p);
		break;
	case METRICS_TOTALS:
		take_totals(&m->totals, &c);
		break;
	case METRICS_PACKETS:
		take_packets(&m->totals, &c);
		break;
	}
}

/* ---- text ---- */

static void
put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_label(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_add_char(out, '\\');
		if (*text == '\n')
			buf_add_str(out, "\\n");
		else
			buf_add_char(out, *text);
	}
}

static void
put_page(struct buf *out, const char *name, const struct metrics_page *p)
{
	buf_addf(out, "%s{target=\"", name);
	put_label(out, p->target);
	buf_add_str(out, "\",page=\"");
	put_label(out, p->page);
	buf_add_char(out, '"');
}

static void
put_seconds(struct buf *out, int64_t us)
{
	buf_addf(out, "%" PRId64 ".%06" PRId64 "\n", us / 1000000,
	    us % 1000000);
}

/* One number of every page, in base units or in microseconds to be shown as
 * seconds; false: this page has none. */
struct page_metric {
	const char *name;
	const char *help;
	bool (*value)(const struct metrics_page *, int64_t *);
	bool seconds;
};

#define VALUE(id, expression, condition)                                       \
	static bool id(const struct metrics_page *p, int64_t *v)               \
	{                                                                      \
		*v = (int64_t)(expression);                                    \
		return (condition);                                            \
	}

VALUE(v_success, p->success, true)
VALUE(v_duration, p->duration_us, true)
VALUE(v_dns, p->phase_us[PHASE_RESOLVE], true)
VALUE(v_protocol, p->ipv6 ? 6 : 4, p->phase_us[PHASE_CONNECT] > 0)
VALUE(v_status, p->status, true)
VALUE(v_redirects, p->redirects, true)
VALUE(v_tls, p->tls, p->status > 0)
VALUE(v_length, p->wire_bytes, p->status > 0)
VALUE(v_body, p->body_bytes, p->status > 0 && p->body_bytes >= 0)
VALUE(v_cert, p->cert_expiry, p->cert_expiry > 0)
VALUE(v_time, p->time * 1000, true)

static const struct page_metric page_metrics[] = {
    {"probe_success", "Whether the last look at the page was answered.",
	v_success, false},
    {"probe_duration_seconds", "How long the last look took.", v_duration,
	true},
    {"probe_dns_lookup_time_seconds", "Time of its name look-ups.", v_dns,
	true},
    {"probe_ip_protocol", "4 or 6.", v_protocol, false},
    {"probe_http_status_code", "Status of the answer, 0 without one.", v_status,
	false},
    {"probe_http_redirects", "Redirects that were followed.", v_redirects,
	false},
    {"probe_http_ssl", "Whether the last hop used TLS.", v_tls, false},
    {"probe_http_content_length", "Bytes of the body as sent.", v_length,
	false},
    {"probe_http_uncompressed_body_length", "Bytes of the decoded body.",
	v_body, false},
    {"probe_ssl_earliest_cert_expiry",
	"Earliest end of a certificate of the chain, in Unix time.", v_cert,
	false},
    {"kpwatch_last_look_timestamp_seconds", "When the page was looked at.",
	v_time, true},
};

static void
put_page_metric(const struct metrics *m, const struct page_metric *metric,
    struct buf *out)
{
	int64_t v;

	put_head(out, metric->name, "gauge", metric->help);
	for (size_t i = 0; i < m->n; i++) {
		if (!metric->value(&m->pages[i], &v))
			continue;
		put_page(out, metric->name, &m->pages[i]);
		buf_add_str(out, "} ");
		if (metric->seconds)
			put_seconds(out, v);
		else
			buf_addf(out, "%" PRId64 "\n", v);
	}
}

static void
put_phases(const struct metrics *m, struct buf *out)
{
	static const char *const names[PHASE_COUNT] = {"resolve", "connect",
	    "tls", "processing", "transfer"};

	put_head(out, "probe_http_duration_seconds", "gauge",
	    "Time by phase, summed over redirects.");
	for (size_t i = 0; i < m->n; i++)
		for (int k = 0; k < PHASE_COUNT; k++) {
			put_page(out, "probe_http_duration_seconds",
			    &m->pages[i]);
			buf_addf(out, ",phase=\"%s\"} ", names[k]);
			put_seconds(out, m->pages[i].phase_us[k]);
		}
}

static void
put_version(const struct metrics *m, struct buf *out)
{
	put_head(out, "probe_http_version", "gauge",
	    "HTTP version of the answer.");
	for (size_t i = 0; i < m->n; i++) {
		const struct metrics_page *p = &m->pages[i];

		if (p->http_version == 0)
			continue;
		put_page(out, "probe_http_version", p);
		buf_addf(out, "} %d.%d\n", p->http_version / 10,
		    p->http_version % 10);
	}
}

static void
put_infos(const struct metrics *m, struct buf *out)
{
	put_head(out, "probe_failure_info", "gauge",
	    "Why the last look failed, as OONI names it.");
	for (size_t i = 0; i < m->n; i++) {
		const struct metrics_page *p = &m->pages[i];

		if (p->failure == NULL)
			continue;
		put_page(out, "probe_failure_info", p);
		buf_add_str(out, ",failure=\"");
		put_label(out, p->failure);
		buf_addf(out, "\",stage=\"%s\"} 1\n",
		    p->stage == NULL ? "" : p->stage);
	}
	put_head(out, "kpwatch_verdict_info", "gauge",
	    "Confirmed verdict on the page's target.");
	for (size_t i = 0; i < m->n; i++) {
		put_page(out, "kpwatch_verdict_info", &m->pages[i]);
		buf_addf(out, ",verdict=\"%s\"} 1\n",
		    verdict_name(m->pages[i].verdict));
	}
}

static void
put_total(struct buf *out, const char *name, const char *type, const char *help,
    uint64_t value)
{
	put_head(out, name, type, help);
	buf_addf(out, "%s %" PRIu64 "\n", name, value);
}

static void
put_lateness(const struct net_stats *s, struct buf *out)
{
	const char *name = "kpwatch_look_delay_seconds";
	uint64_t sum = 0;

	put_head(out, name, "histogram",
	    "How late looks began, by the schedule.");
	for (size_t i = 0; i < LATE_STEPS - 1; i++) {
		sum += s->late[i];
		buf_addf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    (double)late_step_us[i] / 1e6, sum);
	}
	sum += s->late[LATE_STEPS - 1];
	buf_addf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, sum,
	    name);
	put_seconds(out, s->late_us);
	buf_addf(out, "%s_count %" PRIu64 "\n", name, sum);
}

static void
put_totals(const struct metrics_totals *t, struct buf *out)
{
	put_total(out, "kpwatch_pages", "gauge", "Pages watched.",
	    t->net.pages);
	put_total(out, "kpwatch_pages_overdue", "gauge",
	    "Pages past their time.", t->net.overdue);
	put_total(out, "kpwatch_visits_in_flight", "gauge", "Looks under way.",
	    t->net.active);
	put_total(out, "kpwatch_visits_pacing", "gauge",
	    "Looks that wait for an address's turn.", t->net.pacing);
	put_total(out, "kpwatch_observations_pending", "gauge",
	    "Observations not yet on disk.", t->net.pending);
	put_total(out, "kpwatch_visits_total", "counter",
	    "Looks since the start.", t->net.visits);
	put_total(out, "kpwatch_visits_failed_total", "counter",
	    "Looks that failed.", t->net.failures);
	put_total(out, "kpwatch_analyser_restarts_total", "counter",
	    "Analysers that were replaced.", t->net.restarts);
	put_total(out, "kpwatch_process_restarts_total", "counter",
	    "Processes that were restarted.", t->restarts);
	put_total(out, "kpwatch_events_total", "counter",
	    "Number of the last event.", t->events);
	put_total(out, "kpwatch_log_bytes", "gauge", "Bytes of the change log.",
	    t->log_bytes);
	put_total(out, "kpwatch_hook_deliveries_waiting", "gauge",
	    "Deliveries that are still to be made.", t->hooks_waiting);
	put_total(out, "kpwatch_hook_deliveries_dead", "gauge", "Dead letters.",
	    t->hooks_dead);
	put_total(out, "kpwatch_volatile_places", "gauge",
	    "Places of pages that change by themselves and are left out.",
	    t->volatile_places);
	put_total(out, "kpwatch_suppressed_changes", "gauge",
	    "Changes of the pages watched that were counted and not told.",
	    t->suppressed);
	put_total(out, "kpwatch_sniffer_up", "gauge",
	    "Whether packets are recorded.", t->sniffing);
	put_total(out, "kpwatch_packets_seen_total", "counter",
	    "Packets that the sniffer was given.", t->packets_seen);
	put_total(out, "kpwatch_packets_lost_total", "counter",
	    "Packets lost before the sniffer read them.", t->packets_lost);
	put_total(out, "kpwatch_packets_evicted_total", "counter",
	    "Packets pushed out by newer ones before a look claimed them.",
	    t->packets_evicted);
	put_total(out, "kpwatch_captures_total", "counter",
	    "Looks whose packets were kept.", t->captures);
	put_head(out, "kpwatch_schedule_lag_seconds", "gauge",
	    "How late the most overdue page is.");
	buf_add_str(out, "kpwatch_schedule_lag_seconds ");
	put_seconds(out, t->net.lag_us);
	put_head(out, "kpwatch_loop_delay_seconds", "gauge",
	    "Worst lateness of the event loop lately.");
	buf_add_str(out, "kpwatch_loop_delay_seconds ");
	put_seconds(out, t->net.loop_delay_us);
	put_lateness(&t->net, out);
	buf_addf(out,
	    "# HELP kpwatch_build_info The running program.\n"
	    "# TYPE kpwatch_build_info gauge\n"
	    "kpwatch_build_info{version=\"%s\"} 1\n",
	    KPWATCH_VERSION);
}

void
metrics_render(const struct metrics *m, struct buf *out)
{
	put_totals(&m->totals, out);
	if (m->n == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(page_metrics); i++)
		put_page_metric(m, &page_metrics[i], out);
	put_phases(m, out);
	put_version(m, out);
	put_infos(m, out);
}

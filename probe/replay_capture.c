/*
 * Packet captures to observations: an HTTP exchange is a hop, its DNS look-up
 * and connection facts join it, and what failed before HTTP becomes a failed
 * observation.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "capture_input.h"
#include "exchange.h"
#include "limit.h"
#include "replay_lookups.h"
#include "replay_order.h"
#include "url.h"

#define LOOKUP_FRESH_NS (INT64_C(60) * 1000000000)
#define HTTPS_PORT	443

struct input {
	char *name;
	struct capture_input *input;
};

struct capture_stream {
	const struct config *config;
	struct joiner *joiner;
	struct replay_order *order;
	int64_t now_ns; /* of the latest packet */
	struct replay_counts *counts;
	replay_note *note;
	void *arg;
	struct capture_merge *merge;
	struct exchanges *engine;
	struct tls_keys *keys; /* NULL: none */
	struct input *inputs;
	size_t ninputs;
	size_t cap;
	struct lookups *lookups;
	size_t gathered; /* body bytes of exchanges under way */
	bool finished;
};

/* ---- making observations ---- */

static struct hop *
observation_begin(struct observation *o, const char *url, int64_t time_ns)
{
	struct hop *h;

	observation_init(o);
	o->source = SOURCE_PCAP;
	o->time = time_ns / 1000000;
	o->target = xstrdup("");
	o->page = xstrdup("");
	o->vantage = xstrdup("");
	o->url = xstrdup(url);
	h = observation_add_hop(o);
	h->url = xstrdup(url);
	return h;
}

static int64_t
mark(const struct observation *o, int64_t ns)
{
	return ns == TCP_NEVER ? MARK_NONE : ns / 1000 - o->time * 1000;
}

static void
set_address(struct hop *h, const struct endpoint *client,
    const struct endpoint *server)
{
	char text[ENDPOINT_TEXT_MAX];

	h->address = xstrdup(endpoint_address(server, text));
	h->port = server->port;
	h->local_port = client->port;
	h->tried = xcalloc(1, sizeof *h->tried);
	h->tried[h->ntried++] = xstrdup(h->address);
}

/* Joins the look-up that was made for this connection. */
static void
set_lookup(struct capture_stream *s, struct observation *o,
    const struct seen_lookup *l)
{
	struct hop *h = observation_last(o);

	lookups_join(s->lookups, l, &h->dns);
	h->dns.start_us = mark(o, l->query_ns);
	h->dns.end_us = mark(o, l->answer_ns);
}

/* ---- exchanges ---- */

struct gathering {
	struct buf body;
	bool cut;
};

static void
on_start(void *arg, struct exchange *x)
{
	struct capture_stream *s = arg;
	struct gathering *g = xcalloc(1, sizeof *g);

	buf_init(&g->body, (size_t)s->config->body_limit);
	x->user = g;
}

static void
on_body(void *arg, struct exchange *x, struct span bytes)
{
	struct capture_stream *s = arg;
	struct gathering *g = x->user;
	size_t room = g->body.max - g->body.len;

	if (g->cut)
		return;
	if (room > REPLAY_GATHER_MAX - s->gathered)
		room = REPLAY_GATHER_MAX - s->gathered;
	if (bytes.n > room) {
		g->cut = true;
		bytes.n = room;
	}
	buf_add_span(&g->body, bytes);
	s->gathered += bytes.n;
}

/* The URL that was asked for; NULL when the request does not tell. */
static char *
request_url(const struct exchange *x)
{
	struct span host = http_host(&x->request);
	struct span target = x->request.target;
	char *url;
	struct buf b = BUF_INIT(URL_MAX_LEN);
	struct url parsed;

	if (span_starts_i(target, "http://") ||
	    span_starts_i(target, "https://")) {
		buf_add_span(&b, target);
	} else {
		char text[ENDPOINT_TEXT_MAX];

		buf_add_str(&b,
		    x->notes & EXCHANGE_DECRYPTED ? "https://" : "http://");
		if (host.n > 0)
			buf_add_span(&b, host);
		else
			buf_add_str(&b, endpoint_text(&x->server, text));
		buf_add_span(&b, target);
	}
	url_init(&parsed);
	url = !b.overflow && url_parse(&parsed, buf_span(&b), NULL)
	    ? span_dup(buf_span(&parsed.href))
	    : NULL;
	url_release(&parsed);
	buf_release(&b);
	return url;
}

/* What the capture lacks, and what its client did not wait for, is no fault of
 * the site's. */
static bool
is_incomplete(const struct capture_stream *s, const struct exchange *x)
{
	int64_t wait = s->config->total_timeout * 1000000;

	if ((x->notes & (EXCHANGE_GAP | EXCHANGE_EVICTED)) != 0 ||
	    x->missing > 0)
		return true;
	if (x->response.raw.p != NULL)
		return (x->notes &
			   (EXCHANGE_CAPTURE_END | EXCHANGE_GIVEN_UP)) != 0;
	/* As long as a live look waits, of which a part was over already when
	 * it asked. */
	if ((x->notes & EXCHANGE_GIVEN_UP) != 0)
		return x->end_ns - x->request_end_ns < wait / 2;
	return (x->notes & EXCHANGE_CAPTURE_END) != 0 &&
	    s->now_ns - x->request_end_ns < wait;
}

static void
set_failure(const struct capture_stream *s, struct hop *h,
    const struct exchange *x)
{
	h->stage = x->response.raw.p != NULL ? STAGE_BODY : STAGE_HTTP_RESPONSE;
	if (x->complete)
		return;
	h->body_cut = h->body.len > 0;
	if (is_incomplete(s, x)) {
		h->outcome = OUTCOME_INCOMPLETE;
		h->failure =
		    h->status == 0 ? FAILURE_INTERRUPTED : FAILURE_NONE;
		return;
	}
	if (h->status != 0)
		h->outcome = OUTCOME_TRUNCATED;
	if ((x->notes & (EXCHANGE_GIVEN_UP | EXCHANGE_CAPTURE_END)) != 0) {
		h->failure = FAILURE_TIMEOUT;
	} else if ((x->notes & (EXCHANGE_RESET | EXCHANGE_RESET_INJECTED)) !=
	    0) {
		h->failure = FAILURE_CONNECTION_RESET;
		h->reset_injected = (x->notes & EXCHANGE_RESET_INJECTED) != 0;
	} else if ((x->notes & EXCHANGE_CUT) != 0) {
		h->failure = FAILURE_EOF;
	}
	if (h->failure == FAILURE_NONE) {
		h->outcome = OUTCOME_INCOMPLETE;
		h->failure =
		    h->status == 0 ? FAILURE_INTERRUPTED : FAILURE_NONE;
	}
}

static void
exchange_observe(struct capture_stream *s, struct exchange *x, const char *url)
{
	struct observation o;
	struct hop *h;
	struct gathering *g = x->user;
	struct span host = http_host(&x->request);
	char address[ENDPOINT_TEXT_MAX];
	int64_t begun = x->syn_ns != TCP_NEVER ? x->syn_ns : x->request_ns;
	struct seen_lookup *l;

	host = span_slice(host, 0, span_find(host, ':'));
	endpoint_address(&x->server, address);
	l = lookups_find(s->lookups, host, address, begun);
	/* A visit begins with its look-up, when it was made for it. */
	if (l != NULL && (l->used_by == 0 || l->used_by == x->stream + 1) &&
	    begun - l->query_ns < LOOKUP_FRESH_NS)
		l->used_by = x->stream + 1;
	else
		l = NULL;
	h = observation_begin(&o, url, l != NULL ? l->query_ns : begun);
	set_address(h, &x->client, &x->server);
	if (l != NULL)
		set_lookup(s, &o, l);
	h->marks = (struct marks){mark(&o, x->syn_ns), mark(&o, x->synack_ns),
	    MARK_NONE, mark(&o, x->request_ns), mark(&o, x->response_ns),
	    mark(&o, x->end_ns)};
	buf_add_span(&h->request, x->request.raw);
	buf_add_span(&h->headers, x->response.raw);
	h->status = x->response.status;
	h->http_version = x->response.raw.p == NULL ? 0 : x->response.version;
	if (g != NULL) {
		buf_add_span(&h->body, buf_span(&g->body));
		h->body_cut = g->cut;
		if (g->cut)
			h->outcome = OUTCOME_TOO_LARGE;
	}
	o.conditional = http_field(&x->request, "if-none-match").p != NULL ||
	    http_field(&x->request, "if-modified-since").p != NULL;
	set_failure(s, h, x);
	replay_order_add(s->order, &o, x->end_ns);
}

static void
on_done(void *arg, struct exchange *x)
{
	struct capture_stream *s = arg;
	struct gathering *g = x->user;
	char *url = NULL;
	bool interim = (x->notes & EXCHANGE_INTERIM) != 0;

	/* A 1xx response is told for itself; the final one follows. */
	if (!interim)
		s->counts->exchanges++;
	if (x->missing > 0)
		s->counts->gaps++;
	if (!interim && span_is(x->request.method, "GET"))
		url = request_url(x);
	if (url != NULL)
		exchange_observe(s, x, url);
	free(url);
	if (g != NULL) {
		s->gathered -= g->body.len;
		buf_release(&g->body);
		free(g);
		x->user = NULL;
	}
}

/* ---- what failed before HTTP ---- */

static void
fail(struct capture_stream *s, struct observation *o, enum failure failure,
    enum stage stage, int64_t end_ns)
{
	struct hop *h = observation_last(o);

	h->failure = failure;
	h->stage = stage;
	if (failure == FAILURE_INTERRUPTED)
		h->outcome = OUTCOME_INCOMPLETE;
	replay_order_add(s->order, o, end_ns);
}

/* Was it waited so long for an answer, before the capture ended? */
static bool
waited(const struct capture_stream *s, int64_t since_ns, int64_t timeout)
{
	return s->now_ns - since_ns >= timeout * 1000000;
}

static enum failure
dns_failure(const struct dns_lookup *d, bool answered)
{
	if (!answered)
		return FAILURE_TIMEOUT;
	switch (d->rcode) {
	case DNS_NOERROR:
		return FAILURE_DNS_NO_ANSWER;
	case DNS_NXDOMAIN:
		return FAILURE_DNS_NXDOMAIN;
	case DNS_SERVFAIL:
		return FAILURE_DNS_SERVFAIL;
	case DNS_REFUSED:
		return FAILURE_DNS_REFUSED;
	default:
		return FAILURE_DNS_MISBEHAVING;
	}
}

static void
on_dns(void *arg, const struct dns_seen *seen)
{
	struct capture_stream *s = arg;
	const struct seen_lookup *l = lookups_add(s->lookups, seen);
	bool answered = seen->answer_ns != TCP_NEVER;
	struct observation o;
	char *url;

	/* No address of one family is a failure only when the other has none
	 * either: the IPv4 question decides. */
	if (l == NULL || l->lookup.nrecords > 0 || l->type != DNS_A)
		return;
	url = xasprintf("http://%s/", l->lookup.host);
	observation_begin(&o, url, l->query_ns);
	free(url);
	set_lookup(s, &o, l);
	fail(s, &o,
	    answered || seen->asked > 1 ||
		    waited(s, l->query_ns, s->config->dns_timeout)
		? dns_failure(&l->lookup, answered)
		: FAILURE_INTERRUPTED,
	    STAGE_DNS, answered ? l->answer_ns : s->now_ns);
}

/* The name that this connection was made for, if anything tells. */
static char *
connection_url(struct capture_stream *s, const struct connection_seen *c,
    const struct seen_lookup *l)
{
	bool tls = c->tls || c->server.port == HTTPS_PORT;
	const char *host = c->server_name != NULL ? c->server_name
	    : l != NULL				  ? l->lookup.host
						  : NULL;
	char text[ENDPOINT_TEXT_MAX];

	(void)s;
	if (host == NULL)
		host = endpoint_address(&c->server, text);
	return xasprintf("%s://%s/", tls ? "https" : "http", host);
}

/* What is asked again, be it a name or a connection, was waited for. */
static enum failure
fate_failure(const struct capture_stream *s, const struct connection_seen *c)
{
	switch (c->fate) {
	case CONNECTION_UNANSWERED:
		return c->syns > 1 ||
			waited(s, c->first_ns, s->config->connect_timeout)
		    ? FAILURE_TIMEOUT
		    : FAILURE_INTERRUPTED;
	case CONNECTION_REFUSED:
		return FAILURE_CONNECTION_REFUSED;
	case CONNECTION_UNREACHABLE:
		return FAILURE_HOST_UNREACHABLE;
	case CONNECTION_RESET:
		return c->reset_by_server ? FAILURE_CONNECTION_RESET
					  : FAILURE_NONE;
	case CONNECTION_OPEN:
	case CONNECTION_CLOSED:
		break;
	}
	/* A fatal alert of the server's before it spoke further. */
	if (c->tls && c->tls_alert > 0 && c->tls_alert_by_server &&
	    !c->tls_answered)
		return FAILURE_SSL_HANDSHAKE;
	return FAILURE_NONE;
}

static void
on_connection(void *arg, const struct connection_seen *c)
{
	struct capture_stream *s = arg;
	enum failure failure = fate_failure(s, c);
	char address[ENDPOINT_TEXT_MAX];
	struct seen_lookup *l;
	struct observation o;
	struct hop *h;
	char *url;

	if (c->tls)
		s->counts->tls[c->tls_outcome]++;
	if (failure == FAILURE_NONE || c->exchanges > 0 ||
	    c->syn_ns == TCP_NEVER)
		return;
	endpoint_address(&c->server, address);
	l = lookups_find(s->lookups, SPAN_NULL, address, c->syn_ns);
	url = connection_url(s, c, l);
	h = observation_begin(&o, url,
	    l != NULL && c->syn_ns - l->query_ns < LOOKUP_FRESH_NS ? l->query_ns
								   : c->syn_ns);
	free(url);
	set_address(h, &c->client, &c->server);
	if (l != NULL)
		set_lookup(s, &o, l);
	h->marks.tcp_start = mark(&o, c->syn_ns);
	h->marks.tcp_done = mark(&o, c->synack_ns);
	h->marks.last_byte = mark(&o, c->last_ns);
	h->reset_injected = c->reset_injected;
	fail(s, &o, failure,
	    c->synack_ns == TCP_NEVER ? STAGE_TCP
		: c->tls	      ? STAGE_TLS
				      : STAGE_HTTP_REQUEST,
	    c->fate == CONNECTION_UNANSWERED
		? c->syn_ns + s->config->connect_timeout * 1000000
		: c->last_ns);
}

/* ---- the stream ---- */

struct capture_stream *
capture_stream_new(const struct config *config, bool all_hosts,
    struct replay_counts *counts, replay_note *note, void *arg)
{
	struct capture_stream *s = xcalloc(1, sizeof *s);
	struct exchange_sink sink = {s, on_start, on_body, on_done, on_dns,
	    on_connection};

	s->config = config;
	s->joiner = joiner_new(config, all_hosts, counts);
	s->lookups = lookups_new();
	s->order = replay_order_new();
	s->counts = counts;
	s->note = note;
	s->arg = arg;
	s->merge = capture_merge_new();
	s->engine = exchanges_new(&sink);
	/* As long as a live look waits: what failed is told in its turn. */
	exchanges_patience(s->engine, config->connect_timeout * 1000000);
	return s;
}

void
capture_stream_keys(struct capture_stream *s, struct tls_keys *keys)
{
	s->keys = keys;
	exchanges_keys(s->engine, keys);
}

bool
capture_stream_add(struct capture_stream *s, const char *name, int fd)
{
	struct capture *c;
	struct input *i;

	s->inputs =
	    xgrow(s->inputs, &s->cap, s->ninputs + 1, sizeof *s->inputs);
	i = &s->inputs[s->ninputs];
	i->name = xstrdup(name);
	i->input = capture_input_new(fd, SPAN_NULL);
	c = capture_new(capture_input_read, i->input);
	if (s->ninputs >= CAPTURE_FEW) {
		capture_input_small(i->input);
		capture_small(c);
	}
	capture_keys(c, s->keys);
	capture_merge_add(s->merge, c, (unsigned)s->ninputs);
	s->ninputs++;
	s->counts->files++;
	return true;
}

void
capture_stream_free(struct capture_stream *s)
{
	if (s == NULL)
		return;
	exchanges_free(s->engine);
	capture_merge_free(s->merge);
	for (size_t i = 0; i < s->ninputs; i++) {
		capture_input_free(s->inputs[i].input);
		free(s->inputs[i].name);
	}
	free(s->inputs);
	lookups_free(s->lookups);
	joiner_free(s->joiner);
	replay_order_free(s->order);
	free(s);
}

static void
join_ended(struct capture_stream *s, int64_t now_ns)
{
	struct observation o;

	while (replay_order_next(s->order, now_ns, &o))
		joiner_add(s->joiner, &o);
}

static void
finish(struct capture_stream *s)
{
	struct exchanges_count n;

	exchanges_finish(s->engine);
	join_ended(s, INT64_MAX);
	joiner_finish(s->joiner);
	n = exchanges_counts(s->engine);
	s->counts->packets += n.packets;
	s->counts->evicted += n.evicted;
	s->finished = true;
}

bool
capture_stream_next(struct capture_stream *s, struct observation *o)
{
	struct capture_packet packet;
	unsigned number;
	const char *note;

	while (!joiner_next(s->joiner, o)) {
		if (s->finished)
			return false;
		switch (capture_merge_next(s->merge, &packet, &number)) {
		case CAPTURE_PACKET:
			if (packet.time_ns != CAPTURE_NO_TIME)
				s->now_ns = packet.time_ns;
			exchanges_packet(s->engine, &packet);
			join_ended(s, s->now_ns);
			break;
		case CAPTURE_DAMAGED:
			s->counts->damaged++;
			note = capture_note(capture_merge_at(s->merge, number));
			s->note(s->inputs[number].name,
			    note == NULL ? "damaged" : note, s->arg);
			break;
		case CAPTURE_END:
			finish(s);
			break;
		}
	}
	return true;
}

#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "dns_pair.h"
#include "tls_hello.h"
#include "tls_http.h"

enum protocol {
	PROTOCOL_UNKNOWN, /* no data yet */
	PROTOCOL_HTTP,
	PROTOCOL_TLS,
	PROTOCOL_DNS,
	PROTOCOL_LEFT
};

/* What is known of one TCP connection. */
struct connection {
	enum protocol protocol;
	struct http_stream *http;
	bool tls;
	struct tls_peek peek[2];
	struct tls_http *inside; /* NULL: no keys */
	struct dns_tcp *dns;
};

struct exchanges {
	struct exchange_sink sink;
	struct fragments *fragments;
	struct tcp_table *tcp;
	struct dns_pairs *dns;
	const struct tls_keys *keys;
	struct tls_decrypter *decrypter; /* with keys */
	struct exchanges_count count;
	uint64_t number;
	int64_t now;
};

enum { PORT_DNS = 53 };

static struct connection *
connection_of(struct tcp_stream *s)
{
	if (s->user == NULL)
		s->user = xcalloc(1, sizeof(struct connection));
	return s->user;
}

static void
connection_free(struct connection *c)
{
	if (c == NULL)
		return;
	http_stream_free(c->http);
	if (c->tls) {
		tls_peek_release(&c->peek[0]);
		tls_peek_release(&c->peek[1]);
	}
	tls_http_free(c->inside);
	dns_tcp_free(c->dns);
	free(c);
}

static void
begin_tls(struct exchanges *e, struct connection *c, const struct tcp_stream *s)
{
	c->protocol = PROTOCOL_TLS;
	c->tls = true;
	tls_peek_init(&c->peek[0]);
	tls_peek_init(&c->peek[1]);
	if (e->keys != NULL && tls_keys_count(e->keys) > 0)
		c->inside = tls_http_new(e->decrypter, &e->sink, s, &e->number);
}

static void
choose_protocol(struct exchanges *e, struct connection *c,
    const struct tcp_stream *s, const struct tcp_piece *p)
{
	if (tls_looks(p->data)) {
		begin_tls(e, c, s);
	} else if (s->side[0].end.port == PORT_DNS ||
	    s->side[1].end.port == PORT_DNS) {
		c->protocol = PROTOCOL_DNS;
		c->dns = dns_tcp_new();
	} else {
		c->protocol = PROTOCOL_HTTP;
		c->http = http_stream_new(&e->sink, s, &e->number);
	}
}

static void
tls_data(struct connection *c, struct tcp_stream *s, const struct tcp_piece *p)
{
	bool more = c->inside != NULL && tls_http_data(c->inside, p);

	tls_peek_feed(&c->peek[p->side], p->data);
	if (c->peek[0].over && c->peek[1].over && !more) {
		c->protocol = PROTOCOL_LEFT;
		s->ignore = true;
	}
}

static void
http_data(struct exchanges *e, struct connection *c, struct tcp_stream *s,
    const struct tcp_piece *p)
{
	if (http_stream_data(c->http, p))
		return;
	/* A tunnel is worth one more look: for its TLS handshake. */
	if (http_stream_tunnels(c->http) && !c->tls) {
		if (p->side == http_stream_client(c->http) &&
		    tls_looks(p->data)) {
			begin_tls(e, c, s);
			tls_data(c, s, p);
		} else if (p->side == http_stream_client(c->http)) {
			s->ignore = true;
		}
		return;
	}
	c->protocol = PROTOCOL_LEFT;
	s->ignore = true;
}

static void
on_data(void *arg, struct tcp_stream *s, const struct tcp_piece *p)
{
	struct exchanges *e = arg;
	struct connection *c = connection_of(s);

	if (c->protocol == PROTOCOL_UNKNOWN)
		choose_protocol(e, c, s, p);
	switch (c->protocol) {
	case PROTOCOL_HTTP:
		http_data(e, c, s, p);
		break;
	case PROTOCOL_TLS:
		tls_data(c, s, p);
		break;
	case PROTOCOL_DNS:
		if (!dns_tcp_feed(c->dns, e->dns, s, p))
			s->ignore = true;
		break;
	case PROTOCOL_LEFT:
	case PROTOCOL_UNKNOWN:
		s->ignore = true;
	}
}

static void
on_gap(void *arg, struct tcp_stream *s, unsigned side, uint64_t n, int64_t now)
{
	struct exchanges *e = arg;
	struct connection *c = connection_of(s);

	/* The start is missing: HTTP can be found later, nothing else can. */
	if (c->protocol == PROTOCOL_UNKNOWN) {
		c->protocol = PROTOCOL_HTTP;
		c->http = http_stream_new(&e->sink, s, &e->number);
	}
	if (c->protocol == PROTOCOL_HTTP)
		http_stream_gap(c->http, side, n, now);
	else if (c->inside == NULL || !tls_http_gap(c->inside, side, n, now))
		s->ignore = true;
	/* Its place in the records is lost. */
	if (c->tls)
		c->peek[side].over = true;
}

static void
on_end(void *arg, struct tcp_stream *s, unsigned side, enum tcp_end how,
    int64_t now)
{
	struct connection *c = s->user;

	(void)arg;
	if (c != NULL && c->protocol == PROTOCOL_HTTP)
		http_stream_end(c->http, side, how, now);
	if (c != NULL && c->inside != NULL)
		tls_http_end(c->inside, side, how, now);
}

static enum connection_fate
fate_of(const struct tcp_stream *s, enum tcp_end how)
{
	if (s->refused)
		return CONNECTION_REFUSED;
	if (s->unreachable)
		return CONNECTION_UNREACHABLE;
	if (s->side[0].reset || s->side[1].reset)
		return CONNECTION_RESET;
	if (s->syns > 0 && !s->established && !s->side[1].acked_known &&
	    s->side[1].ttl_max == 0)
		return CONNECTION_UNANSWERED;
	return how == TCP_END_FIN || how == TCP_END_REPLACED ? CONNECTION_CLOSED
							     : CONNECTION_OPEN;
}

static void
describe_tls(struct connection_seen *out, const struct connection *c,
    unsigned client)
{
	const struct tls_peek *up = &c->peek[client], *down = &c->peek[!client];

	out->tls = true;
	out->server_name = up->server_name;
	out->tls_answered = down->hello_seen;
	if (c->inside != NULL)
		out->tls_outcome = tls_http_outcome(c->inside);
	else if (up->encrypted || down->encrypted)
		out->tls_outcome = TLS_NO_KEYS;
	if (down->has_alert) {
		out->tls_alert = down->alert_code;
		out->tls_alert_by_server = true;
	} else if (up->has_alert) {
		out->tls_alert = up->alert_code;
	}
}

static void
tell_connection(struct exchanges *e, const struct tcp_stream *s,
    enum tcp_end how)
{
	const struct connection *c = s->user;
	unsigned client =
	    c != NULL && c->http != NULL ? http_stream_client(c->http) : 0;
	const struct tcp_side *up = &s->side[client], *down = &s->side[!client];
	const struct tcp_side *reset = down->reset ? down : up;
	struct connection_seen out = {.stream = s->number,
	    .client = up->end,
	    .server = down->end,
	    .fate = fate_of(s, how),
	    .first_ns = s->first_ns,
	    .syn_ns = s->syn_ns,
	    .synack_ns = s->synack_ns,
	    .last_ns = s->last_ns,
	    .syns = s->syns,
	    .up_bytes = up->bytes,
	    .down_bytes = down->bytes,
	    .up_missing = up->missing,
	    .down_missing = down->missing,
	    .reset_by_client = up->reset,
	    .reset_by_server = down->reset,
	    .reset_injected =
		tcp_reset_injected(up) || tcp_reset_injected(down),
	    .reset_ttl = reset->reset_ttl,
	    .ttl_min = down->ttl_min,
	    .ttl_max = down->ttl_max,
	    .reset_ns = reset->reset ? reset->reset_ns : TCP_NEVER,
	    .tls_alert = -1};

	if (c != NULL && c->http != NULL)
		out.exchanges = http_stream_count(c->http);
	if (c != NULL && c->inside != NULL)
		out.exchanges += tls_http_count(c->inside);
	if (c != NULL && c->tls)
		describe_tls(&out, c, client);
	e->sink.connection(e->sink.arg, &out);
}

static void
on_close(void *arg, struct tcp_stream *s, enum tcp_end how, int64_t now)
{
	struct exchanges *e = arg;
	struct connection *c = s->user;

	if (c != NULL && c->http != NULL)
		http_stream_close(c->http, how, now);
	if (c != NULL && c->inside != NULL)
		tls_http_close(c->inside, how, now);
	if (e->sink.connection != NULL)
		tell_connection(e, s, how);
	connection_free(c);
	s->user = NULL;
}

struct exchanges *
exchanges_new(const struct exchange_sink *sink)
{
	struct exchanges *e = xcalloc(1, sizeof *e);
	struct tcp_sink tcp = {.arg = e,
	    .data = on_data,
	    .gap = on_gap,
	    .end = on_end,
	    .close = on_close};

	e->sink = *sink;
	e->fragments = fragments_new();
	e->tcp = tcp_table_new(&tcp);
	e->dns = dns_pairs_new(&e->sink);
	e->now = 0;
	return e;
}

void
exchanges_patience(struct exchanges *e, int64_t ns)
{
	tcp_table_patience(e->tcp, ns);
}

void
exchanges_keys(struct exchanges *e, const struct tls_keys *keys)
{
	e->keys = keys;
	e->decrypter = tls_decrypter_new(keys);
}

void
exchanges_packet(struct exchanges *e, const struct capture_packet *in)
{
	struct packet p;

	e->count.packets++;
	if (in->time_ns != CAPTURE_NO_TIME)
		e->now = in->time_ns;
	if (in->wire_len > in->data.n)
		e->count.snapped++;
	switch (packet_decode(&p, in->link, in->data, in->wire_len, e->now,
	    e->fragments)) {
	case PACKET_TCP:
		tcp_input(e->tcp, &p, e->now);
		break;
	case PACKET_UDP:
		if (p.src.port == PORT_DNS || p.dst.port == PORT_DNS)
			dns_pairs_message(e->dns, &p.src, &p.dst, false,
			    p.payload, e->now);
		break;
	case PACKET_UNREACHABLE:
		if (p.protocol == 6)
			tcp_unreachable(e->tcp, &p, e->now);
		break;
	case PACKET_BROKEN:
		e->count.broken++;
		break;
	case PACKET_NONE:
		if (!packet_link_known(in->link))
			e->count.unknown_link++;
		break;
	case PACKET_FRAGMENT:
		break;
	}
}

void
exchanges_finish(struct exchanges *e)
{
	tcp_table_finish(e->tcp);
	dns_pairs_finish(e->dns);
}

struct exchanges_count
exchanges_counts(const struct exchanges *e)
{
	struct exchanges_count c = e->count;

	c.fragments_lost = fragments_lost(e->fragments);
	c.evicted = tcp_table_evicted(e->tcp);
	c.streams = tcp_table_count(e->tcp);
	c.exchanges = e->number;
	return c;
}

void
exchanges_free(struct exchanges *e)
{
	if (e == NULL)
		return;
	/* What is still open is dropped without a word. */
	memset(&e->sink, 0, sizeof e->sink);
	tcp_table_free(e->tcp);
	dns_pairs_free(e->dns);
	fragments_free(e->fragments);
	tls_decrypter_free(e->decrypter);
	free(e);
}

const char *
connection_fate_name(enum connection_fate f)
{
	static const char *const names[] = {"open", "closed", "unanswered",
	    "refused", "unreachable", "reset"};

	return names[f];
}

void
exchange_notes(const struct exchange *x, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *text;
	} notes[] = {{EXCHANGE_NO_REQUEST, "request not captured"},
	    {EXCHANGE_NO_RESPONSE, "no response"},
	    {EXCHANGE_CUT, "connection closed before the end"},
	    {EXCHANGE_RESET, "connection reset"},
	    {EXCHANGE_GIVEN_UP, "given up by the client"},
	    {EXCHANGE_RESET_INJECTED, "the reset looks injected"},
	    {EXCHANGE_CAPTURE_END, "capture ends first"},
	    {EXCHANGE_EVICTED, "given up to bound memory"},
	    {EXCHANGE_UPGRADE, "protocol upgrade, rest left alone"},
	    {EXCHANGE_TUNNEL, "tunnel, rest left alone"},
	    {EXCHANGE_HEAD_TOO_LARGE, "head too large"},
	    {EXCHANGE_PARTIAL, "partial content"},
	    {EXCHANGE_INTERIM, "interim response"},
	    {EXCHANGE_DECRYPTED, "decrypted"}};
	static const struct {
		unsigned bit;
		const char *text;
	} flags[] = {{HTTP_LENGTHS_DIFFER, "several lengths"},
	    {HTTP_BAD_LENGTH, "bad length"},
	    {HTTP_LENGTH_IGNORED, "chunked and a length"},
	    {HTTP_BAD_CHUNK, "bad chunk"},
	    {HTTP_NOT_CHUNKED, "said chunked, is not"}};
	const char *sep = out->len > 0 ? "; " : "";

	if (x->missing > 0) {
		buf_addf(out, "%s%llu bytes missing", sep,
		    (unsigned long long)x->missing);
		sep = "; ";
	} else if (x->notes & EXCHANGE_GAP) {
		buf_addf(out, "%sbytes missing", sep);
		sep = "; ";
	}
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (x->notes & notes[i].bit) {
			buf_addf(out, "%s%s", sep, notes[i].text);
			sep = "; ";
		}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (x->body.flags & flags[i].bit) {
			buf_addf(out, "%s%s", sep, flags[i].text);
			sep = "; ";
		}
}

/* Builds packets and capture files, byte by byte, for the capture tests. */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include "cm.h"

#include "bytes.h"
#include "exchange.h"

enum { WIRE_MAX = 4 * 1024 * 1024 };

static inline void
wire_u16(struct buf *b, unsigned v)
{
	buf_put_u8(b, (uint8_t)(v >> 8));
	buf_put_u8(b, (uint8_t)v);
}

static inline void
wire_u32(struct buf *b, uint32_t v)
{
	wire_u16(b, v >> 16);
	wire_u16(b, v & 0xffff);
}

/* One end of a connection under construction. */
struct wire_end {
	uint8_t host; /* 10.0.0.host */
	uint16_t port;
	uint32_t seq;
	uint8_t ttl;
};

static inline void
wire_ip4(struct buf *b, const struct wire_end *from, const struct wire_end *to,
    unsigned protocol, unsigned id, unsigned fragment, size_t payload)
{
	wire_u16(b, 0x4500);
	wire_u16(b, (unsigned)payload + 20);
	wire_u16(b, id);
	wire_u16(b, fragment);
	buf_put_u8(b, from->ttl);
	buf_put_u8(b, (uint8_t)protocol);
	wire_u16(b, 0);
	wire_u32(b, 0x0a000000u | from->host);
	wire_u32(b, 0x0a000000u | to->host);
}

/* The segment without its IP header. */
static inline void
wire_tcp(struct buf *b, const struct wire_end *from, const struct wire_end *to,
    unsigned flags, struct span data)
{
	wire_u16(b, from->port);
	wire_u16(b, to->port);
	wire_u32(b, from->seq);
	wire_u32(b, flags & TCP_ACK ? to->seq : 0);
	wire_u16(b, 0x5000 | flags);
	wire_u16(b, 8192);
	wire_u32(b, 0);
	buf_add_span(b, data);
}

/* What came out of the engine, as one line per fact. */
struct wire_world {
	struct exchanges *engine;
	struct buf seen;
	struct buf body;
	int64_t now; /* ns; every packet adds a millisecond */
};

static inline void
wire_on_body(void *arg, struct exchange *x, struct span s)
{
	struct wire_world *w = arg;

	(void)x;
	buf_add_span(&w->body, s);
}

static inline void
wire_on_done(void *arg, struct exchange *x)
{
	struct wire_world *w = arg;
	struct buf note = BUF_INIT(4096);

	exchange_notes(x, &note);
	buf_addf(&w->seen, "%.*s %.*s %d [%.*s] %s%s%s\n",
	    SPAN_ARG(x->request.method), SPAN_ARG(x->request.target),
	    x->response.status, SPAN_ARG(buf_span(&w->body)),
	    x->complete ? "whole" : "cut", note.len > 0 ? ": " : "",
	    buf_str(&note));
	buf_clear(&w->body);
	buf_release(&note);
}

static inline void
wire_on_connection(void *arg, const struct connection_seen *c)
{
	static const char *const outcomes[TLS_OUTCOMES] = {"", " decrypted",
	    " no keys", " other protocol", " unknown cipher", " unreadable"};
	struct wire_world *w = arg;

	if (c->fate == CONNECTION_OPEN || c->fate == CONNECTION_CLOSED) {
		if (!c->tls)
			return;
		buf_addf(&w->seen, "tls %s alert %d%s\n",
		    c->server_name ? c->server_name : "-", c->tls_alert,
		    outcomes[c->tls_outcome]);
		return;
	}
	buf_addf(&w->seen, "connection %s%s syns %u\n",
	    connection_fate_name(c->fate), c->reset_injected ? " injected" : "",
	    c->syns);
}

static inline void
wire_on_dns(void *arg, const struct dns_seen *d)
{
	struct wire_world *w = arg;
	char rcode[16];

	buf_addf(&w->seen, "dns %s %s %s\n", d->message->name,
	    d->answer_ns == TCP_NEVER
		? "unanswered"
		: dns_rcode_name(d->message->rcode, rcode),
	    d->message->nrecords > 0 && d->message->records[0].value
		? d->message->records[0].value
		: "-");
}

static inline void
wire_open(struct wire_world *w)
{
	struct exchange_sink sink = {.arg = w,
	    .body = wire_on_body,
	    .done = wire_on_done,
	    .dns = wire_on_dns,
	    .connection = wire_on_connection};

	memset(w, 0, sizeof *w);
	buf_init(&w->seen, WIRE_MAX);
	buf_init(&w->body, WIRE_MAX);
	w->now = 1700000000000000000;
	w->engine = exchanges_new(&sink);
}

static inline void
wire_packet(struct wire_world *w, uint32_t link, struct buf *b)
{
	struct capture_packet p = {.time_ns = w->now,
	    .link = link,
	    .wire_len = (uint32_t)b->len,
	    .data = buf_span(b)};

	w->now += 1000000;
	exchanges_packet(w->engine, &p);
	buf_release(b);
}

/* Raw IPv4. */
static inline void
wire_bytes(struct wire_world *w, const struct wire_end *from,
    const struct wire_end *to, unsigned flags, struct span data)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	wire_ip4(&b, from, to, 6, 1, 0, 20 + data.n);
	wire_tcp(&b, from, to, flags, data);
	wire_packet(w, 101, &b);
}

static inline void
wire_send(struct wire_world *w, const struct wire_end *from,
    const struct wire_end *to, unsigned flags, const char *data)
{
	wire_bytes(w, from, to, flags, span_of(data));
}

/* Sends and moves the sender on. */
static inline void
wire_say(struct wire_world *w, struct wire_end *from, const struct wire_end *to,
    const char *data)
{
	wire_send(w, from, to, TCP_ACK | TCP_PSH, data);
	from->seq += (uint32_t)strlen(data);
}

static inline void
wire_handshake(struct wire_world *w, struct wire_end *c, struct wire_end *s)
{
	wire_send(w, c, s, TCP_SYN, "");
	c->seq++;
	wire_send(w, s, c, TCP_SYN | TCP_ACK, "");
	s->seq++;
	wire_send(w, c, s, TCP_ACK, "");
}

static inline void
wire_fin(struct wire_world *w, struct wire_end *from, const struct wire_end *to)
{
	wire_send(w, from, to, TCP_ACK | TCP_FIN, "");
	from->seq++;
}

/* Ends the capture, compares, and frees. */
static inline void
wire_expect(struct wire_world *w, const char *seen)
{
	exchanges_finish(w->engine);
	assert_string_equal(buf_str(&w->seen), seen);
	exchanges_free(w->engine);
	buf_release(&w->seen);
	buf_release(&w->body);
}

#endif

/* Connections put together from segments in any order, with holes, overlaps
 * and copies, and the HTTP, DNS and TLS on them. */
#include <stdlib.h>

#include "exchange.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { LINK_RAW = 101, PACKET_MAX = 2048, WINDOW = 64 };

static void
on_start(void *arg, struct exchange *x)
{
	(void)arg;
	x->user = xcalloc(1, sizeof(uint64_t));
}

static void
on_body(void *arg, struct exchange *x, struct span s)
{
	(void)arg;
	if (x->user == NULL)
		abort();
	*(uint64_t *)x->user += s.n;
}

static void
on_done(void *arg, struct exchange *x)
{
	struct buf notes = BUF_INIT(KIB);
	unsigned *open = arg;

	(*open)++;
	exchange_notes(x, &notes);
	if (x->user != NULL && *(uint64_t *)x->user != x->body_bytes)
		abort();
	free(x->user);
	x->user = NULL;
	buf_release(&notes);
}

/* Whatever is told of a connection can be written down. */
static void
on_connection(void *arg, const struct connection_seen *c)
{
	(void)arg;
	if (connection_fate_name(c->fate) == NULL ||
	    (c->tls_alert >= 0) > c->tls)
		abort();
}

static void
on_dns(void *arg, const struct dns_seen *d)
{
	(void)arg;
	if (d->message == NULL || d->asked > DNS_PENDING_MAX * 16u)
		abort();
}

static void
put16(struct buf *b, unsigned v)
{
	buf_put_u8(b, (uint8_t)(v >> 8));
	buf_put_u8(b, (uint8_t)v);
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

/* A segment between 10.0.0.1 and 10.0.0.2. */
static void
segment(struct buf *b, unsigned side, const uint32_t *seq, unsigned flags,
    uint16_t port, struct span data)
{
	buf_clear(b);
	put16(b, 0x4500);
	put16(b, (unsigned)data.n + 40);
	put32(b, 0);
	put16(b, 0x4006);
	put16(b, 0);
	put32(b, 0x0a000001u + side);
	put32(b, 0x0a000002u - side);
	put16(b, side ? port : 40000);
	put16(b, side ? 40000 : port);
	put32(b, seq[side]);
	put32(b, seq[!side]);
	put16(b, 0x5000 | flags);
	put16(b, 8192);
	put32(b, 0);
	buf_add_span(b, data);
}

/* Input: the server's port, then segments of: side and flags, length, place
 * (around the next byte of that side), data. */
static void
run(struct exchanges *x, struct cursor *c, uint16_t port)
{
	struct buf b = BUF_INIT(PACKET_MAX);
	uint32_t next[2] = {1000, 0xffffff00u};

	for (int64_t now = 0; cursor_left(c) > 3; now += 1000000) {
		unsigned first = cursor_u8(c), side = first & 1;
		size_t n = cursor_u8(c);
		uint32_t seq[2] = {next[0], next[1]};
		int place = cursor_u8(c) - WINDOW;
		struct capture_packet p = {.link = LINK_RAW};
		struct span s;

		if (n > cursor_left(c))
			n = cursor_left(c);
		s = cursor_take(c, n);
		/* Most go on where the last one ended. */
		seq[side] += place < 0 ? 0u : (uint32_t)(place - WINDOW);
		segment(&b, side, seq, first >> 1 & 0x3f, port, s);
		next[side] = seq[side] + (uint32_t)n + (first >> 2 & 1);
		p.time_ns = now;
		p.data = buf_span(&b);
		p.wire_len = (uint32_t)b.len;
		exchanges_packet(x, &p);
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint16_t ports[] = {80, 53, 443, 8080};
	unsigned done = 0;
	struct exchange_sink sink = {.arg = &done,
	    .start = on_start,
	    .body = on_body,
	    .done = on_done,
	    .dns = on_dns,
	    .connection = on_connection};
	struct exchanges *x = exchanges_new(&sink);
	struct cursor c;

	cursor_init(&c, data, n);
	if (n > 0)
		run(x, &c, ports[cursor_u8(&c) % ARRAY_LEN(ports)]);
	exchanges_finish(x);
	if (exchanges_counts(x).exchanges < done)
		abort();
	exchanges_free(x);
	return 0;
}

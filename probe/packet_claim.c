#include "packet_claim.h"

#include <stdlib.h>
#include <string.h>

#define TIME_MAX_MS INT64_C(9000000000000) /* the year 2255 */

void
packet_claim_release(struct packet_claim *c)
{
	for (size_t i = 0; i < c->nhosts; i++)
		free(c->hosts[i]);
	memset(c, 0, sizeof *c);
}

/* Read by packet_claim_decode(). */
void
packet_claim_encode(const struct packet_claim *c, struct buf *b)
{
	buf_put_i64(b, c->time);
	buf_put_u32(b, c->linger_ms);
	buf_put_u32(b, (uint32_t)c->nflows);
	for (size_t i = 0; i < c->nflows; i++) {
		const struct claim_flow *f = &c->flows[i];

		buf_put_u8(b, f->server.family);
		buf_put_u16(b, f->server.port);
		buf_add(b, f->server.addr, sizeof f->server.addr);
		buf_put_u16(b, f->local_port);
		buf_put_u8(b, f->hop);
		buf_put_u8(b, f->last);
	}
	buf_put_u32(b, (uint32_t)c->nhosts);
	for (size_t i = 0; i < c->nhosts; i++)
		buf_put_str(b, c->hosts[i]);
}

static void
flow_decode(struct claim_flow *f, struct cursor *c)
{
	struct span addr;

	f->server.family = cursor_u8(c);
	f->server.port = cursor_u16le(c);
	addr = cursor_take(c, sizeof f->server.addr);
	if (addr.n == sizeof f->server.addr)
		memcpy(f->server.addr, addr.p, addr.n);
	f->local_port = cursor_u16le(c);
	f->hop = cursor_u8(c);
	f->last = cursor_u8(c) != 0;
	if (f->hop >= HOPS_MAX)
		c->bad = true;
}

/* Written by packet_claim_encode(). */
bool
packet_claim_decode(struct packet_claim *claim, struct span s)
{
	struct cursor c;
	uint32_t n;

	memset(claim, 0, sizeof *claim);
	cursor_init(&c, s.p, s.n);
	claim->time = cursor_i64le(&c);
	/* In nanoseconds it must fit still. */
	if (claim->time < 0 || claim->time > TIME_MAX_MS)
		c.bad = true;
	claim->linger_ms = cursor_u32le(&c);
	n = cursor_u32le(&c);
	if (n > CLAIM_FLOWS_MAX)
		c.bad = true;
	for (uint32_t i = 0; i < n && !c.bad; i++)
		flow_decode(&claim->flows[claim->nflows++], &c);
	n = cursor_u32le(&c);
	if (n > HOPS_MAX)
		c.bad = true;
	for (uint32_t i = 0; i < n && !c.bad; i++) {
		char *host = cursor_str(&c, HOST_MAX_LEN * 2);

		if (host != NULL)
			claim->hosts[claim->nhosts++] = host;
	}
	if (cursor_done(&c))
		return true;
	packet_claim_release(claim);
	return false;
}

void
packet_answer_init(struct packet_answer *a)
{
	memset(a, 0, sizeof *a);
	for (size_t i = 0; i < HOPS_MAX; i++)
		a->hops[i].synack_us = MARK_NONE;
	buf_init(&a->pcap, PACKETS_KEEP_MAX);
}

void
packet_answer_release(struct packet_answer *a)
{
	buf_release(&a->pcap);
}

/* Read by packet_answer_decode(). */
void
packet_answer_encode(const struct packet_answer *a, struct buf *b)
{
	for (size_t i = 0; i < HOPS_MAX; i++) {
		packet_facts_encode(&a->hops[i], b);
		buf_put_u8(b, a->injected[i]);
	}
	buf_put_bytes(b, buf_span(&a->pcap));
}

/* Written by packet_answer_encode(). */
bool
packet_answer_decode(struct packet_answer *a, struct span s)
{
	struct cursor c;

	packet_answer_init(a);
	cursor_init(&c, s.p, s.n);
	for (size_t i = 0; i < HOPS_MAX; i++) {
		packet_facts_decode(&a->hops[i], &c);
		a->injected[i] = cursor_u8(&c) != 0;
	}
	buf_add_span(&a->pcap, cursor_bytes(&c, PACKETS_KEEP_MAX));
	if (cursor_done(&c))
		return true;
	packet_answer_release(a);
	packet_answer_init(a);
	return false;
}

#include "packet_hold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "capture.h"
#include "dns.h"
#include "stream.h"

#define NS_PER_MS  INT64_C(1000000)
#define SLACK_NS   (5 * NS_PER_MS)   /* a look's time is cut to ms */
#define RETRY_NS   (200 * NS_PER_MS) /* no resolver asks again sooner */
#define PCAP_MAGIC 0xa1b2c3d4u
#define NEVER	   INT64_MIN

struct held {
	TAILQ_ENTRY(held) next;
	int64_t time_ns;
	uint32_t wire_len;
	enum packet_kind kind;
	struct endpoint src;
	struct endpoint dst;
	size_t n;
	char data[];
};

struct packet_hold {
	uint32_t link;
	size_t max;
	TAILQ_HEAD(helds, held) list; /* as they came */
	size_t bytes;
	uint64_t evicted;
	int64_t lost_ns; /* when packets were last lost or pushed out */
};

/* What is known of one flow of a claim while its packets go by. */
struct flow_state {
	const struct claim_flow *flow;
	uint16_t local_port;
	bool known[2]; /* by direction: 0 up, 1 down */
	uint32_t high[2];
	struct packet_facts facts;
	bool injected;
};

/* A question for a name's addresses of one family. */
struct question {
	bool asked;
	bool answered;
	bool failed; /* the answer was that there is none to be had */
	uint16_t id;
	int64_t time_ns;
};

struct taking {
	struct packet_hold *hold;
	const struct packet_claim *claim;
	struct packet_answer *answer;
	struct tcp_table *table;
	struct flow_state flows[CLAIM_FLOWS_MAX];
	struct question questions[HOPS_MAX][3]; /* A, AAAA, NS */
};

struct packet_hold *
packet_hold_new(uint32_t link, size_t max)
{
	struct packet_hold *h = xcalloc(1, sizeof *h);

	h->link = link;
	h->max = max;
	h->lost_ns = NEVER;
	TAILQ_INIT(&h->list);
	return h;
}

static void
drop(struct packet_hold *h, struct held *p)
{
	TAILQ_REMOVE(&h->list, p, next);
	h->bytes -= sizeof *p + p->n;
	free(p);
}

void
packet_hold_free(struct packet_hold *h)
{
	if (h == NULL)
		return;
	while (!TAILQ_EMPTY(&h->list))
		drop(h, TAILQ_FIRST(&h->list));
	free(h);
}

uint64_t
packet_hold_evicted(const struct packet_hold *h)
{
	return h->evicted;
}

size_t
packet_hold_bytes(const struct packet_hold *h)
{
	return h->bytes;
}

void
packet_hold_lost(struct packet_hold *h, int64_t time_ns)
{
	if (time_ns > h->lost_ns)
		h->lost_ns = time_ns;
}

static enum packet_kind
decode(const struct packet_hold *h, int64_t time_ns, struct span data,
    uint32_t wire_len, struct packet *p)
{
	return packet_decode(p, h->link, data, wire_len, time_ns, NULL);
}

static bool
wanted(const struct packet *p)
{
	return p->kind == PACKET_TCP || p->kind == PACKET_UDP ||
	    p->kind == PACKET_UNREACHABLE;
}

void
packet_hold_add(struct packet_hold *h, int64_t time_ns, struct span data,
    uint32_t wire_len)
{
	struct packet p;
	struct held *x;

	p.kind = decode(h, time_ns, data, wire_len, &p);
	if (!wanted(&p) || sizeof *x + data.n > h->max)
		return;
	while (h->bytes + sizeof *x + data.n > h->max) {
		x = TAILQ_FIRST(&h->list);
		packet_hold_lost(h, x->time_ns);
		drop(h, x);
		h->evicted++;
	}
	x = xmalloc(sizeof *x + data.n);
	x->time_ns = time_ns;
	x->wire_len = wire_len;
	x->kind = p.kind;
	x->src = p.src;
	x->dst = p.dst;
	x->n = data.n;
	memcpy(x->data, data.p, data.n);
	TAILQ_INSERT_TAIL(&h->list, x, next);
	h->bytes += sizeof *x + data.n;
}

void
packet_hold_expire(struct packet_hold *h, int64_t before_ns)
{
	struct held *x;

	while ((x = TAILQ_FIRST(&h->list)) != NULL && x->time_ns < before_ns)
		drop(h, x);
}

/* ---- the capture file ---- */

static bool
put_packet(struct taking *t, const struct held *x)
{
	struct buf *out = &t->answer->pcap;
	size_t need = 16 + x->n + (out->len == 0 ? 24 : 0);

	if (need > out->max - out->len)
		return false;
	if (out->len == 0) {
		buf_put_u32(out, PCAP_MAGIC);
		buf_put_u16(out, 2);
		buf_put_u16(out, 4);
		buf_put_u32(out, 0);
		buf_put_u32(out, 0);
		buf_put_u32(out, CAPTURE_PACKET_MAX);
		buf_put_u32(out, t->hold->link);
	}
	buf_put_u32(out, (uint32_t)(x->time_ns / 1000000000));
	buf_put_u32(out, (uint32_t)(x->time_ns % 1000000000 / 1000));
	buf_put_u32(out, (uint32_t)x->n);
	buf_put_u32(out, x->wire_len);
	buf_add(out, x->data, x->n);
	return true;
}

/* ---- what the packets show ---- */

static void
on_data(void *arg, struct tcp_stream *s, const struct tcp_piece *p)
{
	(void)arg;
	(void)s;
	(void)p;
}

static void
on_gap(void *arg, struct tcp_stream *s, unsigned side, uint64_t n,
    int64_t time_ns)
{
	(void)arg;
	(void)s;
	(void)side;
	(void)n;
	(void)time_ns;
}

static void
on_end(void *arg, struct tcp_stream *s, unsigned side, enum tcp_end how,
    int64_t time_ns)
{
	(void)arg;
	(void)s;
	(void)side;
	(void)how;
	(void)time_ns;
}

static void
on_close(void *arg, struct tcp_stream *s, enum tcp_end how, int64_t time_ns)
{
	struct taking *t = arg;

	(void)how;
	(void)time_ns;
	for (size_t i = 0; i < t->claim->nflows; i++) {
		struct flow_state *f = &t->flows[i];
		unsigned server;

		for (server = 0; server < 2; server++)
			if (endpoint_eq(&s->side[server].end,
				&f->flow->server) &&
			    s->side[!server].end.port == f->local_port)
				break;
		if (server == 2)
			continue;
		if (s->syn_ns != TCP_NEVER && s->synack_ns != TCP_NEVER)
			f->facts.synack_us = (s->synack_ns - s->syn_ns) / 1000;
		f->facts.reset_by_server |= s->side[server].reset;
		f->facts.reset_by_probe |= s->side[!server].reset;
		if (s->side[server].reset)
			f->facts.reset_ttl = s->side[server].reset_ttl;
		f->injected |= tcp_reset_injected(&s->side[server]);
		return;
	}
}

/* Sent before?  A segment that brings nothing new was. */
static void
note_resent(struct flow_state *f, const struct packet *p, unsigned down)
{
	uint32_t n = p->payload_wire + ((p->flags & TCP_SYN) != 0);
	uint32_t end = p->seq + n;

	if (n == 0 || (p->flags & TCP_RST) != 0)
		return;
	if (!f->known[down] || tcp_before(f->high[down], end)) {
		f->known[down] = true;
		f->high[down] = end;
	} else if (down) {
		f->facts.resent_down++;
	} else {
		f->facts.resent_up++;
	}
}

static void
note_packet(struct taking *t, struct flow_state *f, const struct held *x,
    bool down)
{
	struct packet p;
	const uint8_t both = TCP_SYN | TCP_ACK;

	f->facts.count++;
	decode(t->hold, x->time_ns, (struct span){x->data, x->n}, x->wire_len,
	    &p);
	if (x->kind == PACKET_UNREACHABLE) {
		tcp_unreachable(t->table, &p, x->time_ns);
		return;
	}
	if (down && (p.flags & both) == both && f->facts.ttl == 0)
		f->facts.ttl = p.ttl;
	note_resent(f, &p, down);
	tcp_input(t->table, &p, x->time_ns);
}

/* ---- finding them ---- */

/* A flow whose local port is not known is the first one that begins to that
 * server. */
static bool
flow_has(struct flow_state *f, const struct endpoint *near,
    const struct endpoint *far)
{
	if (!endpoint_eq(far, &f->flow->server))
		return false;
	if (f->local_port == 0)
		f->local_port = near->port;
	return f->local_port == near->port;
}

static bool
take_tcp(struct taking *t, const struct held *x)
{
	for (size_t i = 0; i < t->claim->nflows; i++) {
		bool up = flow_has(&t->flows[i], &x->src, &x->dst);
		bool down = !up && flow_has(&t->flows[i], &x->dst, &x->src);

		if (!up && !down)
			continue;
		if (!put_packet(t, x))
			t->flows[i].facts.incomplete = true;
		note_packet(t, &t->flows[i], x, down);
		return true;
	}
	return false;
}

static size_t
host_of(const struct packet_claim *claim, const struct dns_message *m)
{
	size_t i;

	for (i = 0; i < claim->nhosts; i++)
		if (m->name != NULL &&
		    span_is_i(span_of(m->name), claim->hosts[i]))
			break;
	return i;
}

/* Several looks may ask for one name at once: of the questions of one type a
 * look has the first, with its copies and its answers, and the next one once
 * that failed or was in vain. */
static bool
is_mine(struct question *q, const struct dns_message *m, int64_t time_ns)
{
	bool over = q->answered ? q->failed : time_ns - q->time_ns > RETRY_NS;

	if (q->asked && q->id == m->id) {
		q->answered |= m->response;
		q->failed |= m->response &&
		    (m->rcode == DNS_SERVFAIL || m->rcode == DNS_REFUSED);
		return true;
	}
	if (m->response || (q->asked && !over))
		return false;
	*q = (struct question){true, false, false, m->id, time_ns};
	return true;
}

static size_t
question_place(uint16_t type)
{
	return type == DNS_NS ? 2 : type == DNS_AAAA ? 1 : 0;
}

static bool
take_lookup(struct taking *t, const struct held *x)
{
	struct packet p;
	struct dns_message m;
	size_t host;
	bool mine;

	decode(t->hold, x->time_ns, (struct span){x->data, x->n}, x->wire_len,
	    &p);
	if (!dns_parse(&m, p.payload))
		return false;
	host = host_of(t->claim, &m);
	mine = host < t->claim->nhosts &&
	    is_mine(&t->questions[host][question_place(m.type)], &m,
		x->time_ns);
	dns_message_release(&m);
	if (mine)
		put_packet(t, x);
	return mine;
}

static void
take_all(struct taking *t, int64_t from_ns)
{
	struct held *x, *following;

	for (x = TAILQ_FIRST(&t->hold->list); x != NULL; x = following) {
		following = TAILQ_NEXT(x, next);
		if (x->time_ns < from_ns)
			continue;
		if (x->kind == PACKET_UDP ? take_lookup(t, x) : take_tcp(t, x))
			drop(t->hold, x);
	}
}

static void
answer_hops(struct taking *t, bool incomplete)
{
	for (size_t i = 0; i < t->claim->nflows; i++) {
		const struct flow_state *f = &t->flows[i];
		struct packet_facts *hop = &t->answer->hops[f->flow->hop];
		uint32_t count = hop->count + f->facts.count;

		if (f->flow->last) {
			*hop = f->facts;
			t->answer->injected[f->flow->hop] = f->injected;
		}
		hop->count = count;
		hop->incomplete |= incomplete;
	}
}

void
packet_hold_take(struct packet_hold *h, const struct packet_claim *claim,
    struct packet_answer *answer)
{
	struct taking *t = xcalloc(1, sizeof *t);
	struct tcp_sink sink = {t, on_data, on_gap, on_end, on_close};
	int64_t from_ns = claim->time * NS_PER_MS - SLACK_NS;

	t->hold = h;
	t->claim = claim;
	t->answer = answer;
	t->table = tcp_table_new(&sink);
	for (size_t i = 0; i < claim->nflows; i++) {
		t->flows[i].flow = &claim->flows[i];
		t->flows[i].local_port = claim->flows[i].local_port;
		t->flows[i].facts.synack_us = MARK_NONE;
	}
	take_all(t, from_ns);
	tcp_table_finish(t->table);
	tcp_table_free(t->table);
	answer_hops(t, h->lost_ns >= from_ns);
	free(t);
}

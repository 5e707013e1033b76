#include "tcp_table.h"

#include <stdlib.h>
#include <string.h>

/* How long a closed connection waits for stragglers. */
static const int64_t linger_ns = 2000000000;
/* Closed connections are remembered to know late copies of their segments. */
static const int64_t tombstone_ns = 120000000000;

bool
tcp_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

struct tcp_table *
tcp_table_new(const struct tcp_sink *sink)
{
	struct tcp_table *t = xcalloc(1, sizeof *t);

	t->sink = *sink;
	TAILQ_INIT(&t->half_open);
	return t;
}

void
tcp_table_patience(struct tcp_table *t, int64_t ns)
{
	t->patience_ns = ns;
}

uint64_t
tcp_table_evicted(const struct tcp_table *t)
{
	return t->evicted;
}

uint64_t
tcp_table_count(const struct tcp_table *t)
{
	return t->count;
}

/* The same for both directions. */
static uint64_t
hash_ends(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[2], y[2], h;

	memcpy(x, a->addr, sizeof x);
	memcpy(y, b->addr, sizeof y);
	h = (x[0] * 0x9e3779b97f4a7c15u ^ x[1]) + a->port * 0x100000001b3u;
	h += (y[0] * 0x9e3779b97f4a7c15u ^ y[1]) + b->port * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static struct tcp_stream *
find_stream(const struct tcp_table *t, const struct packet *p, uint64_t hash,
    unsigned *side)
{
	struct tcp_stream *s = t->bucket[hash & (TCP_BUCKETS - 1)];

	for (; s != NULL; s = s->chain) {
		if (s->hash != hash)
			continue;
		for (*side = 0; *side < 2; (*side)++)
			if (endpoint_eq(&s->side[*side].end, &p->src) &&
			    endpoint_eq(&s->side[!*side].end, &p->dst))
				return s;
	}
	return NULL;
}

static void
unlink_age(struct tcp_table *t, struct tcp_stream *s)
{
	if (s->newer != NULL)
		s->newer->older = s->older;
	else
		t->newest = s->older;
	if (s->older != NULL)
		s->older->newer = s->newer;
	else
		t->oldest = s->newer;
	s->newer = s->older = NULL;
}

static void
link_newest(struct tcp_table *t, struct tcp_stream *s)
{
	s->older = t->newest;
	s->newer = NULL;
	if (t->newest != NULL)
		t->newest->newer = s;
	else
		t->oldest = s;
	t->newest = s;
}

static void
unlink_linger(struct tcp_table *t, struct tcp_stream *s)
{
	if (!s->lingering)
		return;
	if (s->linger_prev != NULL)
		s->linger_prev->linger_next = s->linger_next;
	else
		t->linger_first = s->linger_next;
	if (s->linger_next != NULL)
		s->linger_next->linger_prev = s->linger_prev;
	else
		t->linger_last = s->linger_prev;
	s->lingering = false;
}

static void
unlink_half_open(struct tcp_table *t, struct tcp_stream *s)
{
	if (s->half_open)
		TAILQ_REMOVE(&t->half_open, s, half_next);
	s->half_open = false;
}

static void
free_stream(struct tcp_table *t, struct tcp_stream *s)
{
	struct tcp_stream **at = &t->bucket[s->hash & (TCP_BUCKETS - 1)];

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	unlink_linger(t, s);
	unlink_half_open(t, s);
	unlink_age(t, s);
	tcp_drop_held(t, &s->side[0]);
	tcp_drop_held(t, &s->side[1]);
	free(s);
	t->nstreams--;
}

/* How many bytes at the end of a direction never came: up to its FIN, or to
 * what the other side has acknowledged; all, where none was captured.  That may
 * have counted a FIN that was not captured, which looks like one byte. */
static uint32_t
lacking(const struct tcp_side *d)
{
	uint32_t from = d->based ? d->next : d->acked_first;
	int32_t n;

	if (d->ended)
		return 0;
	if (d->fin && d->based)
		return tcp_before(d->next, d->fin_seq) ? d->fin_seq - d->next
						       : 0;
	n = d->acked_known ? (int32_t)(d->acked - from) : 0;
	return n > 1 && n < TCP_RESET_WINDOW ? (uint32_t)n : 0;
}

static void
close_stream(struct tcp_table *t, struct tcp_stream *s, enum tcp_end how)
{
	int64_t now = s->last_ns;

	if (s->closed)
		return;
	unlink_linger(t, s);
	while (s->side[0].held != NULL || s->side[1].held != NULL)
		tcp_skip_hole(t, s, tcp_older_side(s), now);
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_side *d = &s->side[i];
		uint32_t n = lacking(d);

		if (n > 0) {
			d->missing += n;
			d->next += n;
			if (!s->ignore)
				t->sink.gap(t->sink.arg, s, i, n, now);
		}
		tcp_check_end(t, s, i, now);
	}
	for (unsigned i = 0; i < 2; i++)
		if (!s->side[i].ended) {
			s->side[i].ended = true;
			t->sink.end(t->sink.arg, s, i, how, now);
		}
	s->closed = true;
	t->sink.close(t->sink.arg, s, how, now);
}

static enum tcp_end
natural_end(const struct tcp_stream *s, enum tcp_end otherwise)
{
	if (s->side[0].reset || s->side[1].reset || s->refused)
		return TCP_END_RESET;
	if (s->side[0].fin && s->side[1].fin)
		return TCP_END_FIN;
	return otherwise;
}

static void
linger(struct tcp_table *t, struct tcp_stream *s, int64_t now)
{
	if (s->lingering || s->closed)
		return;
	s->lingering = true;
	s->linger_until = now + linger_ns;
	s->linger_next = NULL;
	s->linger_prev = t->linger_last;
	if (t->linger_last != NULL)
		t->linger_last->linger_next = s;
	else
		t->linger_first = s;
	t->linger_last = s;
}

static void
give_up_unanswered(struct tcp_table *t, int64_t now)
{
	struct tcp_stream *s;

	while ((s = TAILQ_FIRST(&t->half_open)) != NULL &&
	    (s->established || s->closed || s->lingering ||
		now - s->first_ns > t->patience_ns)) {
		unlink_half_open(t, s);
		if (s->established || s->closed || s->lingering)
			continue;
		s->given_up = true;
		close_stream(t, s, natural_end(s, TCP_END_CAPTURE));
	}
}

static void
run_timers(struct tcp_table *t, int64_t now)
{
	struct tcp_stream *s;

	give_up_unanswered(t, now);

	while ((s = t->linger_first) != NULL && s->linger_until < now)
		close_stream(t, s, natural_end(s, TCP_END_FIN));
	while ((s = t->oldest) != NULL && s->closed &&
	    now - s->last_ns > tombstone_ns)
		free_stream(t, s);
}

static struct tcp_stream *
add_stream(struct tcp_table *t, const struct packet *p, uint64_t hash,
    int64_t now, unsigned *side)
{
	struct tcp_stream *s;

	if (t->nstreams >= STREAMS_MAX) {
		if (!t->oldest->closed)
			t->evicted++;
		close_stream(t, t->oldest, TCP_END_EVICTED);
		free_stream(t, t->oldest);
	}
	s = xcalloc(1, sizeof *s);
	s->number = t->count++;
	/* A SYN-ACK comes from the side that was called. */
	*side = (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	s->oriented = (p->flags & TCP_SYN) != 0;
	s->side[*side].end = p->src;
	s->side[!*side].end = p->dst;
	s->hash = hash;
	s->chain = t->bucket[hash & (TCP_BUCKETS - 1)];
	t->bucket[hash & (TCP_BUCKETS - 1)] = s;
	s->first_ns = s->last_ns = now;
	s->syn_ns = s->synack_ns = TCP_NEVER;
	s->side[0].fin_ns = s->side[1].fin_ns = TCP_NEVER;
	link_newest(t, s);
	if (t->patience_ns > 0 && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		TAILQ_INSERT_TAIL(&t->half_open, s, half_next);
		s->half_open = true;
	}
	t->nstreams++;
	return s;
}

/* Does this SYN open another connection than the one we know? */
static bool
is_new_connection(const struct tcp_stream *s, unsigned side,
    const struct packet *p)
{
	const struct tcp_side *d = &s->side[side];

	if ((p->flags & (TCP_SYN | TCP_RST)) != TCP_SYN)
		return false;
	if (d->syn)
		return d->isn != p->seq &&
		    (s->closed || s->lingering || (p->flags & TCP_ACK) == 0);
	/* The SYN of the bytes we have, captured late. */
	if (!d->based && d->held != NULL && d->held->seq == p->seq + 1)
		return false;
	if (s->closed || s->lingering)
		return true;
	return d->based && (p->flags & TCP_ACK) == 0 && d->bytes > 0;
}

static void
note_syn(struct tcp_stream *s, unsigned side, const struct packet *p,
    int64_t now)
{
	struct tcp_side *d = &s->side[side];

	if ((p->flags & TCP_ACK) == 0 && side == 0) {
		s->syns++;
		if (s->syn_ns == TCP_NEVER)
			s->syn_ns = now;
	} else if (side == 1 && s->synack_ns == TCP_NEVER) {
		s->synack_ns = now;
		s->established = true;
	}
	if (d->syn)
		return;
	d->syn = true;
	d->isn = p->seq;
	if (!d->based &&
	    (d->held == NULL || !tcp_before(d->held->seq, p->seq + 1))) {
		d->based = true;
		d->next = p->seq + 1;
	}
}

static void
note_ack(struct tcp_side *d, uint32_t ack)
{
	if (!d->acked_known)
		d->acked_first = ack;
	if (!d->acked_known || tcp_before(d->acked, ack))
		d->acked = ack;
	d->acked_known = true;
}

static void
note_reset(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    const struct packet *p, int64_t now)
{
	struct tcp_side *d = &s->side[side];
	uint32_t low = d->acked_known ? d->acked : d->next;
	int32_t ahead = (int32_t)(p->seq - low);

	if (!s->established && s->side[!side].syn && !d->syn) {
		if ((p->flags & TCP_ACK) == 0 ||
		    p->ack != s->side[!side].isn + 1)
			return;
		s->refused = true;
	} else if ((d->based || d->acked_known) && p->seq != d->next &&
	    (ahead < -1 || ahead > TCP_RESET_WINDOW)) {
		return; /* outside the window: the receiver ignores it too */
	}
	if (!d->reset) {
		d->reset = true;
		d->reset_ttl = p->ttl;
		d->reset_seq = p->seq;
		d->reset_ns = now;
	}
	linger(t, s, now);
}

bool
tcp_reset_injected(const struct tcp_side *d)
{
	if (!d->reset)
		return false;
	return d->after_reset ||
	    (d->ttl_max != 0 &&
		(d->reset_ttl + 1 < d->ttl_min ||
		    d->reset_ttl > d->ttl_max + 1));
}

static void
note_ttl(struct tcp_side *d, uint8_t ttl)
{
	if (d->ttl_max == 0 || ttl < d->ttl_min)
		d->ttl_min = ttl;
	if (ttl > d->ttl_max)
		d->ttl_max = ttl;
}

static void
take_segment(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    const struct packet *p, int64_t now)
{
	struct tcp_side *d = &s->side[side];
	struct tcp_piece piece = {.side = side,
	    .seq = p->seq,
	    .ack = p->ack,
	    .time_ns = now,
	    .data = p->payload};

	note_ttl(d, p->ttl);
	if (p->flags & TCP_SYN) {
		note_syn(s, side, p, now);
		tcp_drain(t, s, side);
		piece.seq++;
	}
	if (p->flags & TCP_ACK)
		note_ack(&s->side[!side], p->ack);
	if ((p->flags & TCP_FIN) != 0 && !d->fin) {
		d->fin = true;
		d->fin_ns = now;
		d->fin_seq = piece.seq + p->payload_wire;
	}
	if (p->payload.n > 0) {
		s->established = true;
		if (d->reset && !tcp_before(piece.seq, d->reset_seq))
			d->after_reset = true;
		if (!s->ignore && (p->flags & TCP_ACK) != 0)
			tcp_settle_before_data(t, s, side, p->ack, now);
		if (!s->ignore)
			tcp_take_payload(t, s, &piece);
	}
	tcp_settle_holes(t, s, now);
	tcp_check_end(t, s, side, now);
	if (s->side[0].fin && s->side[1].fin)
		linger(t, s, now);
}

/* An answer after all: the same connection anew.  NULL: it came to nothing. */
static struct tcp_stream *
revive(struct tcp_table *t, struct tcp_stream *old, const struct packet *p,
    int64_t now)
{
	struct tcp_stream was = *old, *s;
	struct packet first = *p;
	unsigned side;

	free_stream(t, old);
	if (p->flags & TCP_RST)
		return NULL;
	first.src = was.side[0].end;
	first.dst = was.side[1].end;
	first.flags = TCP_SYN;
	first.seq = was.side[0].isn;
	s = add_stream(t, &first, was.hash, now, &side);
	note_syn(s, 0, &first, was.syn_ns);
	s->syns = was.syns;
	return s;
}

void
tcp_input(struct tcp_table *t, const struct packet *p, int64_t now)
{
	uint64_t hash = hash_ends(&p->src, &p->dst);
	struct tcp_stream *s;
	unsigned side = 0;

	run_timers(t, now);
	s = find_stream(t, p, hash, &side);
	if (s != NULL && s->given_up &&
	    (p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		s = revive(t, s, p, now);
	if (s != NULL && is_new_connection(s, side, p)) {
		close_stream(t, s, natural_end(s, TCP_END_REPLACED));
		free_stream(t, s);
		s = NULL;
	}
	if (s == NULL) {
		if (p->flags & TCP_RST)
			return;
		s = add_stream(t, p, hash, now, &side);
	} else if (t->newest != s) {
		unlink_age(t, s);
		link_newest(t, s);
	}
	if (s->closed)
		return;
	s->last_ns = now;
	if (p->flags & TCP_RST)
		note_reset(t, s, side, p, now);
	else
		take_segment(t, s, side, p, now);
	if (s->ignore) {
		tcp_drop_held(t, &s->side[0]);
		tcp_drop_held(t, &s->side[1]);
	}
}

void
tcp_unreachable(struct tcp_table *t, const struct packet *p, int64_t now)
{
	unsigned side = 0;
	struct tcp_stream *s =
	    find_stream(t, p, hash_ends(&p->src, &p->dst), &side);

	if (s == NULL || s->closed || s->established)
		return;
	s->unreachable = true;
	s->last_ns = now;
	linger(t, s, now);
}

void
tcp_table_finish(struct tcp_table *t)
{
	while (t->oldest != NULL) {
		struct tcp_stream *s = t->oldest;

		close_stream(t, s, natural_end(s, TCP_END_CAPTURE));
		free_stream(t, s);
	}
}

void
tcp_table_free(struct tcp_table *t)
{
	if (t == NULL)
		return;
	while (t->oldest != NULL) {
		struct tcp_stream *s = t->oldest;

		if (!s->closed)
			t->sink.close(t->sink.arg, s, TCP_END_CAPTURE,
			    s->last_ns);
		free_stream(t, s);
	}
	free(t);
}

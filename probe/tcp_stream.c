#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

enum {
	BUCKETS = 65536, /* power of two */
	/* Nobody's window is larger; a segment further ahead that was not
	 * acknowledged is not of this connection. */
	AHEAD_MAX = 16 * 1024 * 1024,
	RESET_WINDOW = 1024 * 1024,
	UNBASED_SEGMENTS = 32
};

/* How long a hole may stay open once the receiver has acknowledged bytes
 * behind it, and how long a closed connection waits for stragglers. */
static const int64_t hole_ns = 2000000000;
static const int64_t reorder_ns = 10000000; /* by the capture itself */
static const int64_t linger_ns = 2000000000;
/* Closed connections are remembered to know late copies of their segments. */
static const int64_t tombstone_ns = 120000000000;

struct tcp_segment {
	struct tcp_segment *next;
	uint32_t seq;
	uint32_t ack;
	int64_t time_ns;
	size_t n;
	char data[];
};

struct tcp_table {
	struct tcp_sink sink;
	struct tcp_stream *bucket[BUCKETS];
	struct tcp_stream *newest, *oldest;
	struct tcp_stream *linger_first, *linger_last;
	TAILQ_HEAD(, tcp_stream) half_open; /* as their SYNs came */
	int64_t patience_ns;
	size_t nstreams;
	size_t held_bytes;
	uint64_t count;
	uint64_t evicted;
};

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
	struct tcp_stream *s = t->bucket[hash & (BUCKETS - 1)];

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
drop_held(struct tcp_table *t, struct tcp_side *d)
{
	struct tcp_segment *g;

	while ((g = d->held) != NULL) {
		d->held = g->next;
		free(g);
	}
	d->held_last = NULL;
	t->held_bytes -= d->held_bytes;
	d->held_bytes = d->held_count = 0;
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
	struct tcp_stream **at = &t->bucket[s->hash & (BUCKETS - 1)];

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	unlink_linger(t, s);
	unlink_half_open(t, s);
	unlink_age(t, s);
	drop_held(t, &s->side[0]);
	drop_held(t, &s->side[1]);
	free(s);
	t->nstreams--;
}

static void
hand_on(struct tcp_table *t, struct tcp_stream *s, const struct tcp_piece *p)
{
	struct tcp_side *d = &s->side[p->side];

	d->next = p->seq + (uint32_t)p->data.n;
	d->bytes += p->data.n;
	if (!s->ignore)
		t->sink.data(t->sink.arg, s, p);
}

static void
check_end(struct tcp_table *t, struct tcp_stream *s, unsigned side, int64_t now)
{
	struct tcp_side *d = &s->side[side];

	if (d->ended || !d->fin || !d->based || tcp_before(d->next, d->fin_seq))
		return;
	d->ended = true;
	t->sink.end(t->sink.arg, s, side, TCP_END_FIN, now);
}

/* Hands on what the front of the held list now joins. */
static void
drain(struct tcp_table *t, struct tcp_stream *s, unsigned side)
{
	struct tcp_side *d = &s->side[side];
	struct tcp_segment *g;

	while (
	    d->based && (g = d->held) != NULL && !tcp_before(d->next, g->seq)) {
		uint32_t old = d->next - g->seq;
		struct tcp_piece p = {.side = side,
		    .seq = d->next,
		    .ack = g->ack,
		    .time_ns = g->time_ns};

		d->held = g->next;
		if (d->held == NULL)
			d->held_last = NULL;
		d->held_bytes -= g->n;
		d->held_count--;
		t->held_bytes -= g->n;
		if (old < g->n) {
			p.data = (struct span){g->data + old, g->n - old};
			hand_on(t, s, &p);
		}
		free(g);
	}
}

/* The first byte of a direction whose SYN was not captured.  What the other
 * side acknowledged last tells whether something is missing before it. */
static void
find_base(struct tcp_side *d)
{
	int32_t ahead = (int32_t)(d->held->seq - d->acked);

	d->based = true;
	d->next = d->held->seq;
	if (d->acked_known && ahead > 0 && ahead < RESET_WINDOW)
		d->next = d->acked;
}

/* Gives the hole at the front up. */
static void
skip_hole(struct tcp_table *t, struct tcp_stream *s, unsigned side, int64_t now)
{
	struct tcp_side *d = &s->side[side];
	uint32_t n;

	if (!d->based)
		find_base(d);
	n = d->held->seq - d->next;
	d->missing += n;
	d->next = d->held->seq;
	if (n > 0 && !s->ignore)
		t->sink.gap(t->sink.arg, s, side, n, d->held->time_ns);
	drain(t, s, side);
	check_end(t, s, side, now);
}

static bool
hole_due(const struct tcp_side *d, int64_t now)
{
	return d->held != NULL && now - d->held->time_ns > hole_ns &&
	    (!d->based ||
		(d->acked_known && !tcp_before(d->acked, d->held->seq)));
}

/* The side whose first held segment is the older. */
static unsigned
older_side(const struct tcp_stream *s)
{
	const struct tcp_segment *a = s->side[0].held, *b = s->side[1].held;

	if (a == NULL || b == NULL)
		return a == NULL;
	return b->time_ns < a->time_ns;
}

static void
close_stream(struct tcp_table *t, struct tcp_stream *s, enum tcp_end how)
{
	int64_t now = s->last_ns;

	if (s->closed)
		return;
	unlink_linger(t, s);
	while (s->side[0].held != NULL || s->side[1].held != NULL)
		skip_hole(t, s, older_side(s), now);
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_side *d = &s->side[i];

		/* The last bytes before the FIN never came. */
		if (!d->ended && d->fin && d->based &&
		    tcp_before(d->next, d->fin_seq)) {
			uint32_t n = d->fin_seq - d->next;

			d->missing += n;
			d->next = d->fin_seq;
			if (!s->ignore)
				t->sink.gap(t->sink.arg, s, i, n, now);
		}
		check_end(t, s, i, now);
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
	s->chain = t->bucket[hash & (BUCKETS - 1)];
	t->bucket[hash & (BUCKETS - 1)] = s;
	s->first_ns = s->last_ns = now;
	s->syn_ns = s->synack_ns = TCP_NEVER;
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
	    (ahead < -1 || ahead > RESET_WINDOW)) {
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

/* A copy of n bytes from `seq` on, put in front of *at. */
static struct tcp_segment **
insert_segment(struct tcp_table *t, struct tcp_side *d, struct tcp_segment **at,
    const struct tcp_piece *p, uint32_t seq, size_t n)
{
	struct tcp_segment *g = xmalloc(sizeof *g + n);

	g->seq = seq;
	g->ack = p->ack;
	g->time_ns = p->time_ns;
	g->n = n;
	memcpy(g->data, p->data.p + (seq - p->seq), n);
	g->next = *at;
	*at = g;
	if (g->next == NULL)
		d->held_last = g;
	d->held_bytes += n;
	d->held_count++;
	t->held_bytes += n;
	return &g->next;
}

static uint32_t
segment_end(const struct tcp_segment *g)
{
	return g->seq + (uint32_t)g->n;
}

/* Keeps what is not held yet: the first copy of every byte counts. */
static void
hold(struct tcp_table *t, struct tcp_side *d, const struct tcp_piece *p)
{
	struct tcp_segment **at = &d->held;
	uint32_t from = p->seq, end = p->seq + (uint32_t)p->data.n;

	if (d->held_last != NULL &&
	    !tcp_before(from, segment_end(d->held_last)))
		at = &d->held_last->next;
	for (; *at != NULL && tcp_before(from, end); at = &(*at)->next) {
		struct tcp_segment *g = *at;
		uint32_t upto = tcp_before(end, g->seq) ? end : g->seq;

		if (tcp_before(from, upto))
			at = insert_segment(t, d, at, p, from, upto - from);
		if (tcp_before(from, segment_end(g)))
			from = segment_end(g);
	}
	if (tcp_before(from, end))
		insert_segment(t, d, at, p, from, end - from);
}

static void
limit_held(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    int64_t now)
{
	struct tcp_side *d = &s->side[side];

	while (d->held != NULL &&
	    (d->held_bytes > STREAM_HELD_MAX ||
		d->held_count > STREAM_SEGMENTS_MAX ||
		t->held_bytes > STREAMS_HELD_MAX)) {
		t->evicted += t->held_bytes > STREAMS_HELD_MAX;
		skip_hole(t, s, side, now);
	}
}

/* A direction whose SYN was not captured, or not yet: nobody knows which
 * byte is the first before some of them are there. */
static void
hold_unbased(struct tcp_table *t, struct tcp_stream *s,
    const struct tcp_piece *p)
{
	struct tcp_side *d = &s->side[p->side];

	/* A keep-alive probe repeats one byte of no meaning. */
	if (p->data.n == 1 && d->acked_known && p->seq == d->acked - 1)
		return;
	hold(t, d, p);
	if (d->held_count > UNBASED_SEGMENTS)
		skip_hole(t, s, p->side, p->time_ns);
	limit_held(t, s, p->side, p->time_ns);
}

static void
take_payload(struct tcp_table *t, struct tcp_stream *s, struct tcp_piece *p)
{
	struct tcp_side *d = &s->side[p->side];
	uint32_t n = (uint32_t)p->data.n;
	int32_t ahead;

	if (!d->based) {
		hold_unbased(t, s, p);
		return;
	}
	ahead = (int32_t)(p->seq - d->next);
	if (ahead < 0) {
		uint32_t old = d->next - p->seq;

		if (old >= n)
			return;
		p->data = span_slice(p->data, old, n);
		p->seq += old;
		ahead = 0;
	}
	if (ahead == 0) {
		/* What is held already came first. */
		if (d->held != NULL &&
		    tcp_before(d->held->seq, p->seq + (uint32_t)p->data.n))
			hold(t, d, p);
		else
			hand_on(t, s, p);
		drain(t, s, p->side);
		return;
	}
	if (ahead > AHEAD_MAX &&
	    !(d->acked_known && !tcp_before(d->acked, p->seq + n)))
		return;
	hold(t, d, p);
	limit_held(t, s, p->side, p->time_ns);
}

static void
settle_holes(struct tcp_table *t, struct tcp_stream *s, int64_t now)
{
	unsigned side = older_side(s);

	while (hole_due(&s->side[side], now) ||
	    hole_due(&s->side[side = !side], now)) {
		skip_hole(t, s, side, now);
		side = older_side(s);
	}
}

/* Data that acknowledges bytes behind a hole of the other side was sent by
 * someone who has them: the hole is the capture's, and what was sent before
 * this data has to be told before it. */
static void
settle_before_data(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    uint32_t ack, int64_t now)
{
	struct tcp_side *other = &s->side[!side];

	while (other->held != NULL && !tcp_before(ack, other->held->seq) &&
	    now - other->held->time_ns > reorder_ns)
		skip_hole(t, s, !side, now);
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
		drain(t, s, side);
		piece.seq++;
	}
	if (p->flags & TCP_ACK)
		note_ack(&s->side[!side], p->ack);
	if ((p->flags & TCP_FIN) != 0 && !d->fin) {
		d->fin = true;
		d->fin_seq = piece.seq + p->payload_wire;
	}
	if (p->payload.n > 0) {
		s->established = true;
		if (d->reset && !tcp_before(piece.seq, d->reset_seq))
			d->after_reset = true;
		if (!s->ignore && (p->flags & TCP_ACK) != 0)
			settle_before_data(t, s, side, p->ack, now);
		if (!s->ignore)
			take_payload(t, s, &piece);
	}
	settle_holes(t, s, now);
	check_end(t, s, side, now);
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
		drop_held(t, &s->side[0]);
		drop_held(t, &s->side[1]);
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

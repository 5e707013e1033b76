#include "tcp_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Nobody's window is larger; a segment further ahead that was not
	 * acknowledged is not of this connection. */
	AHEAD_MAX = 16 * 1024 * 1024,
	UNBASED_SEGMENTS = 32
};

/* How long a hole may stay open once the receiver has acknowledged bytes
 * behind it. */
static const int64_t hole_ns = 2000000000;
static const int64_t reorder_ns = 10000000; /* by the capture itself */

void
tcp_drop_held(struct tcp_table *t, struct tcp_side *d)
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
hand_on(struct tcp_table *t, struct tcp_stream *s, const struct tcp_piece *p)
{
	struct tcp_side *d = &s->side[p->side];

	d->next = p->seq + (uint32_t)p->data.n;
	d->bytes += p->data.n;
	if (!s->ignore)
		t->sink.data(t->sink.arg, s, p);
}

void
tcp_check_end(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    int64_t now)
{
	struct tcp_side *d = &s->side[side];

	if (d->ended || !d->fin || !d->based || tcp_before(d->next, d->fin_seq))
		return;
	d->ended = true;
	t->sink.end(t->sink.arg, s, side, TCP_END_FIN, now);
}

/* Hands on what the front of the held list now joins. */
void
tcp_drain(struct tcp_table *t, struct tcp_stream *s, unsigned side)
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
	if (d->acked_known && ahead > 0 && ahead < TCP_RESET_WINDOW)
		d->next = d->acked;
}

/* Gives the hole at the front up. */
void
tcp_skip_hole(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    int64_t now)
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
	tcp_drain(t, s, side);
	tcp_check_end(t, s, side, now);
}

static bool
hole_due(const struct tcp_side *d, int64_t now)
{
	return d->held != NULL && now - d->held->time_ns > hole_ns &&
	    (!d->based ||
		(d->acked_known && !tcp_before(d->acked, d->held->seq)));
}

/* The side whose first held segment is the older. */
unsigned
tcp_older_side(const struct tcp_stream *s)
{
	const struct tcp_segment *a = s->side[0].held, *b = s->side[1].held;

	if (a == NULL || b == NULL)
		return a == NULL;
	return b->time_ns < a->time_ns;
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
		tcp_skip_hole(t, s, side, now);
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
		tcp_skip_hole(t, s, p->side, p->time_ns);
	limit_held(t, s, p->side, p->time_ns);
}

void
tcp_take_payload(struct tcp_table *t, struct tcp_stream *s, struct tcp_piece *p)
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
		tcp_drain(t, s, p->side);
		return;
	}
	if (ahead > AHEAD_MAX &&
	    !(d->acked_known && !tcp_before(d->acked, p->seq + n)))
		return;
	hold(t, d, p);
	limit_held(t, s, p->side, p->time_ns);
}

void
tcp_settle_holes(struct tcp_table *t, struct tcp_stream *s, int64_t now)
{
	unsigned side = tcp_older_side(s);

	while (hole_due(&s->side[side], now) ||
	    hole_due(&s->side[side = !side], now)) {
		tcp_skip_hole(t, s, side, now);
		side = tcp_older_side(s);
	}
}

/* Data that acknowledges bytes behind a hole of the other side was sent by
 * someone who has them: the hole is the capture's, and what was sent before
 * this data has to be told before it. */
void
tcp_settle_before_data(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    uint32_t ack, int64_t now)
{
	struct tcp_side *other = &s->side[!side];

	while (other->held != NULL && !tcp_before(ack, other->held->seq) &&
	    now - other->held->time_ns > reorder_ns)
		tcp_skip_hole(t, s, !side, now);
}

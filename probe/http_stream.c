#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* Where one direction stands. */
enum half_state {
	HALF_START, /* between messages */
	HALF_HEAD,  /* gathering a head */
	HALF_BODY,
	HALF_LOST, /* the place is lost: a message start is looked for */
	HALF_LEFT  /* no HTTP from here on */
};

struct half {
	enum half_state state;
	struct buf head;
	size_t scanned;
	struct http_body body; /* requests; a response's is in its exchange */
	bool gap;	       /* since the last message was paired */
	uint64_t lost;	       /* its bytes */
	uint32_t start_seq, start_ack;
	int64_t start_ns;
};

struct http_stream {
	const struct exchange_sink *sink;
	const struct tcp_stream *tcp;
	uint64_t *number;
	unsigned client; /* side that asks */
	bool roles_known;
	struct half ask, answer;
	struct exchange *waiting, *waiting_last; /* requests, oldest first */
	size_t nwaiting;
	struct exchange *current; /* its response is under way */
	struct exchange *asking;  /* its request body is under way */
	bool body_gap;		  /* payload behind a gap is not handed on */
	bool tunnel;
	bool decrypted;
	unsigned count;
	uint64_t junk; /* bytes that were no HTTP */
};

/* Enough to be sure that a connection without one message is none of ours. */
enum { JUNK_MAX = 16384, HEAD_SNIFF = 16 };

#define HALF_CLOSE_NS INT64_C(1000000000)

struct http_stream *
http_stream_new(const struct exchange_sink *sink, const struct tcp_stream *tcp,
    uint64_t *number)
{
	struct http_stream *h = xcalloc(1, sizeof *h);

	h->sink = sink;
	h->tcp = tcp;
	h->number = number;
	buf_init(&h->ask.head, HEADER_BYTES_MAX);
	buf_init(&h->answer.head, HEADER_BYTES_MAX);
	return h;
}

void
http_stream_decrypted(struct http_stream *h)
{
	h->decrypted = true;
}

unsigned
http_stream_count(const struct http_stream *h)
{
	return h->count;
}

bool
http_stream_tunnels(const struct http_stream *h)
{
	return h->tunnel;
}

unsigned
http_stream_client(const struct http_stream *h)
{
	return h->client;
}

static struct exchange *
exchange_new(struct http_stream *h)
{
	struct exchange *x = xcalloc(1, sizeof *x);

	x->number = (*h->number)++;
	x->stream = h->tcp->number;
	x->client = h->tcp->side[h->client].end;
	x->server = h->tcp->side[!h->client].end;
	x->syn_ns = h->tcp->syn_ns;
	x->synack_ns = h->tcp->synack_ns;
	x->request_ns = x->request_end_ns = TCP_NEVER;
	x->response_ns = x->end_ns = TCP_NEVER;
	x->notes = h->decrypted ? EXCHANGE_DECRYPTED : 0;
	buf_init(&x->request_bytes, HEADER_BYTES_MAX);
	buf_init(&x->response_bytes, HEADER_BYTES_MAX);
	return x;
}

static void
exchange_free(struct exchange *x)
{
	http_head_release(&x->request);
	http_head_release(&x->response);
	buf_release(&x->request_bytes);
	buf_release(&x->response_bytes);
	free(x);
}

/* A client may say early that it has no more to ask; one that says it later,
 * or while it is answered, wants to hear no more. */
static bool
given_up(const struct http_stream *h, const struct exchange *x)
{
	const struct tcp_side *client = &h->tcp->side[h->client],
			      *server = &h->tcp->side[!h->client];

	if (client->reset || server->reset)
		return client->reset && !server->reset &&
		    !tcp_reset_injected(client);
	if (client->fin_ns == TCP_NEVER ||
	    (server->fin_ns != TCP_NEVER && server->fin_ns <= client->fin_ns))
		return false;
	if (x->response_ns != TCP_NEVER && x->response_ns < client->fin_ns)
		return true;
	return x->request_end_ns != TCP_NEVER &&
	    client->fin_ns - x->request_end_ns > HALF_CLOSE_NS;
}

static unsigned
end_note(const struct http_stream *h, const struct exchange *x,
    enum tcp_end how)
{
	unsigned by = given_up(h, x) ? EXCHANGE_GIVEN_UP : 0;

	switch (how) {
	case TCP_END_FIN:
	case TCP_END_REPLACED:
		return EXCHANGE_CUT | by;
	case TCP_END_RESET:
		return EXCHANGE_RESET | by |
		    (tcp_reset_injected(&h->tcp->side[0]) ||
				tcp_reset_injected(&h->tcp->side[1])
			    ? EXCHANGE_RESET_INJECTED
			    : 0);
	case TCP_END_EVICTED:
		return EXCHANGE_EVICTED;
	case TCP_END_CAPTURE:
		return EXCHANGE_CAPTURE_END;
	}
	return 0;
}

/* Tells an exchange and frees it. */
static void
finish(struct http_stream *h, struct exchange *x, bool whole, unsigned notes,
    int64_t now)
{
	if (h->asking == x)
		h->asking = NULL;
	if (h->current == x)
		h->current = NULL;
	x->notes |= notes;
	if (x->end_ns == TCP_NEVER)
		x->end_ns = now;
	if (x->request.method.p == NULL)
		x->notes |= EXCHANGE_NO_REQUEST;
	if (x->response.raw.p == NULL)
		x->notes |= EXCHANGE_NO_RESPONSE;
	x->complete = whole && x->response.raw.p != NULL && x->missing == 0;
	h->count++;
	if (h->sink->done != NULL)
		h->sink->done(h->sink->arg, x);
	exchange_free(x);
}

static struct exchange *
take_waiting(struct http_stream *h)
{
	struct exchange *x = h->waiting;

	h->waiting = x->next;
	if (h->waiting == NULL)
		h->waiting_last = NULL;
	h->nwaiting--;
	x->next = NULL;
	return x;
}

/* The oldest request, whose answer is not there; what the capture lacks of
 * the answers is said of the first of them. */
static void
finish_lost(struct http_stream *h, unsigned notes, int64_t now)
{
	struct exchange *x = take_waiting(h);

	x->missing = h->answer.lost;
	h->answer.lost = 0;
	finish(h, x, false, notes, now);
}

static void
lose(struct half *f)
{
	buf_clear(&f->head);
	f->scanned = 0;
	f->state = HALF_LOST;
}

static void
restart(struct half *f)
{
	buf_clear(&f->head);
	f->scanned = 0;
	f->state = HALF_START;
}

/* Moves the head's bytes to the exchange, which its spans then borrow. */
static struct span
keep_head(struct half *f, struct buf *out)
{
	buf_release(out);
	*out = f->head;
	buf_init(&f->head, HEADER_BYTES_MAX);
	f->scanned = 0;
	return buf_span(out);
}

/* A request that came behind its response in the capture. */
static bool
joins_current(const struct http_stream *h, const struct exchange *x)
{
	const struct exchange *c = h->current;

	return c != NULL && c->request.method.p == NULL && h->nwaiting == 0 &&
	    !tcp_before(c->response_ack, x->request_end_seq);
}

static void
request_head(struct http_stream *h, uint32_t end_seq, int64_t now)
{
	struct half *f = &h->ask;
	struct exchange *x = exchange_new(h);

	if (!http_parse_request(&x->request, keep_head(f, &x->request_bytes))) {
		exchange_free(x);
		lose(f);
		return;
	}
	x->request_ns = f->start_ns;
	x->request_end_ns = now;
	x->request_ack = f->start_ack;
	x->request_end_seq = end_seq;
	http_body_request(&f->body, &x->request);
	f->state = f->body.done ? HALF_START : HALF_BODY;
	if (joins_current(h, x)) {
		struct exchange *c = h->current;

		c->request = x->request;
		c->request_bytes = x->request_bytes;
		c->request_ns = x->request_ns;
		c->request_end_ns = now;
		x->request = HTTP_HEAD_INIT;
		buf_init(&x->request_bytes, 0);
		exchange_free(x);
		return;
	}
	if (h->nwaiting >= EXCHANGES_OPEN_MAX)
		finish(h, take_waiting(h), false, 0, now);
	if (h->waiting_last != NULL)
		h->waiting_last->next = x;
	else
		h->waiting = x;
	h->waiting_last = x;
	h->nwaiting++;
	h->asking = x;
}

/* After lost bytes the next response need not answer the oldest request.  A
 * client that does not pipeline asks when it has everything before: then
 * what it had acknowledged is where the response starts. */
static size_t
answered_index(const struct http_stream *h, uint32_t seq)
{
	const struct exchange *x = h->waiting;
	size_t best = 0, i = 0;
	uint32_t best_ack = x->request_ack;

	for (; x != NULL; x = x->next, i++) {
		if (tcp_before(seq, x->request_ack))
			break;
		if (x->request_ack == seq)
			return i;
		if (x->request_ack != best_ack) {
			best = i;
			best_ack = x->request_ack;
		}
	}
	return best;
}

/* The request that the response at the answer half's start belongs to: taken
 * from the list, or a new exchange without one. */
static struct exchange *
pair_response(struct http_stream *h, int64_t now)
{
	struct half *f = &h->answer;
	size_t skip;

	if (h->waiting != NULL && f->gap)
		for (skip = answered_index(h, f->start_seq); skip > 0; skip--)
			finish_lost(h, EXCHANGE_GAP, now);
	f->gap = false;
	f->lost = 0;
	if (h->waiting == NULL)
		return exchange_new(h);
	if (h->ask.gap) {
		if (tcp_before(f->start_ack, h->waiting->request_end_seq))
			return exchange_new(h);
		h->ask.gap = false;
	}
	return take_waiting(h);
}

static void
response_over(struct http_stream *h, bool whole, unsigned notes, int64_t now)
{
	finish(h, h->current, whole, notes, now);
	restart(&h->answer);
}

static bool
leaves_http(const struct exchange *x)
{
	return x->response.status == 101 ||
	    (span_is(x->request.method, "CONNECT") &&
		x->response.status / 100 == 2);
}

/* 100 Continue and its like come before the response proper.  What carries
 * a body is none, whatever its number says. */
static bool
is_interim(const struct http_head *r)
{
	struct http_body b;

	if (r->status < 100 || r->status >= 200 || r->status == 101)
		return false;
	http_body_response(&b, r, SPAN_NULL);
	return !b.has_declared || b.declared == 0;
}

/* Told on its own, with a copy of the request that it belongs to. */
static void
interim_response(struct http_stream *h, int64_t now)
{
	struct half *f = &h->answer;
	struct exchange *x = exchange_new(h);
	const struct exchange *asked = h->waiting;

	if (asked != NULL) {
		buf_add_span(&x->request_bytes, asked->request.raw);
		http_parse_request(&x->request, buf_span(&x->request_bytes));
		x->request_ns = asked->request_ns;
		x->request_end_ns = asked->request_end_ns;
	}
	x->response_ns = f->start_ns;
	http_parse_response(&x->response, keep_head(f, &x->response_bytes));
	http_body_response(&x->body, &x->response, SPAN_NULL);
	if (h->sink->start != NULL)
		h->sink->start(h->sink->arg, x);
	finish(h, x, true, EXCHANGE_INTERIM, now);
	restart(f);
}

/* `lost`: so many bytes are missing at the end of the head. */
static void
response_head(struct http_stream *h, uint64_t lost, int64_t now)
{
	struct half *f = &h->answer;
	struct http_head probe = HTTP_HEAD_INIT;
	struct exchange *x;
	bool ok = http_parse_response(&probe, buf_span(&f->head));
	int status = probe.status;
	bool interim = ok && is_interim(&probe);

	http_head_release(&probe);
	if (!ok) {
		lose(f);
		return;
	}
	if (interim) {
		interim_response(h, now);
		return;
	}
	x = pair_response(h, now);
	if (lost > 0) {
		x->missing = lost;
		x->notes |= EXCHANGE_GAP;
	}
	x->response_ns = f->start_ns;
	x->response_seq = f->start_seq;
	x->response_ack = f->start_ack;
	http_parse_response(&x->response, keep_head(f, &x->response_bytes));
	http_body_response(&x->body, &x->response, x->request.method);
	if (status == 206)
		x->notes |= EXCHANGE_PARTIAL;
	h->current = x;
	h->body_gap = false;
	f->state = HALF_BODY;
	if (h->sink->start != NULL)
		h->sink->start(h->sink->arg, x);
	if (leaves_http(x)) {
		h->tunnel = status != 101;
		response_over(h, true,
		    status == 101 ? EXCHANGE_UPGRADE : EXCHANGE_TUNNEL, now);
		h->ask.state = h->answer.state = HALF_LEFT;
	} else if (x->body.done) {
		response_over(h, true, 0, now);
	}
}

static bool
looks_start(const struct http_stream *h, const struct half *f, struct span s)
{
	size_t n = s.n < HEAD_SNIFF ? s.n : HEAD_SNIFF;

	return f == &h->ask ? http_looks_request(span_slice(s, 0, n))
			    : http_looks_response(s);
}

/* A message start behind lost bytes has to be plainer than one in its place. */
static bool
finds_start(const struct http_stream *h, const struct half *f, struct span s)
{
	static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ",
	    "OPTIONS ", "DELETE ", "CONNECT ", "PATCH ", "TRACE ", "PROPFIND ",
	    "REPORT ", "SEARCH "};

	if (f == &h->answer)
		return s.n >= 9 && span_starts(s, "HTTP/1.") && (s.p[8] == ' ');
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (span_starts(s, methods[i]))
			return true;
	return false;
}

/* Bytes of a head; returns how many were used. */
static size_t
feed_head(struct http_stream *h, struct half *f, struct span in,
    const struct tcp_piece *p)
{
	size_t room = f->head.max - f->head.len, before = f->head.len, end;
	size_t n = in.n < room ? in.n : room;

	buf_add(&f->head, in.p, n);
	end = http_head_end(buf_span(&f->head), f->scanned);
	f->scanned = f->head.len;
	if (end == 0) {
		if (n < in.n ||
		    (f->head.len < 64 &&
			!looks_start(h, f, buf_span(&f->head))))
			lose(f);
		return in.n;
	}
	f->head.len = end;
	f->head.data[end] = '\0';
	n = end - before;
	if (f == &h->ask)
		request_head(h,
		    p->seq + (uint32_t)(in.p - p->data.p) + (uint32_t)n,
		    p->time_ns);
	else
		response_head(h, 0, p->time_ns);
	return n;
}

static size_t
feed_start(struct http_stream *h, struct half *f, struct span in,
    const struct tcp_piece *p)
{
	size_t blank = 0;

	/* RFC 9112 section 2.2: empty lines before a start line. */
	while (blank < in.n && (in.p[blank] == '\r' || in.p[blank] == '\n'))
		blank++;
	if (blank > 0)
		return blank;
	if (!looks_start(h, f, in)) {
		lose(f);
		return 0;
	}
	f->start_seq = p->seq + (uint32_t)(in.p - p->data.p);
	f->start_ack = p->ack;
	f->start_ns = p->time_ns;
	f->state = HALF_HEAD;
	return 0;
}

static void
to_exchange(void *arg, struct span s)
{
	struct http_stream *h = arg;

	if (h->body_gap)
		return;
	h->current->body_bytes += s.n;
	if (h->sink->body != NULL)
		h->sink->body(h->sink->arg, h->current, s);
}

static size_t
feed_body(struct http_stream *h, struct half *f, struct span in, int64_t now)
{
	size_t n;

	if (f == &h->ask) {
		n = http_body_feed(&f->body, in, NULL, NULL);
		if (h->asking != NULL)
			h->asking->request_end_ns = now;
		if (f->body.done)
			restart(f);
		return n;
	}
	n = http_body_feed(&h->current->body, in, to_exchange, h);
	h->current->end_ns = now;
	if (h->current->body.done)
		response_over(h, !h->body_gap, 0, now);
	return n;
}

static size_t
feed_lost(struct http_stream *h, struct half *f, struct span in,
    const struct tcp_piece *p)
{
	if (in.p == p->data.p && finds_start(h, f, in)) {
		restart(f);
		return 0;
	}
	h->junk += in.n;
	return in.n;
}

static size_t
feed_some(struct http_stream *h, struct half *f, struct span in,
    const struct tcp_piece *p)
{
	switch (f->state) {
	case HALF_START:
		return feed_start(h, f, in, p);
	case HALF_HEAD:
		return feed_head(h, f, in, p);
	case HALF_BODY:
		return feed_body(h, f, in, p->time_ns);
	case HALF_LOST:
		return feed_lost(h, f, in, p);
	case HALF_LEFT:
		break;
	}
	return in.n;
}

/* Who asks is told by what is said; by who called only in doubt. */
static void
learn_roles(struct http_stream *h, const struct tcp_piece *p)
{
	if (http_looks_response(p->data) && p->data.n >= 8) {
		h->client = !p->side;
		h->roles_known = true;
	} else if (finds_start(h, &h->ask, p->data)) {
		h->client = p->side;
		h->roles_known = true;
	} else if (h->tcp->oriented) {
		h->client = 0;
	} else {
		h->client = p->side;
	}
}

bool
http_stream_data(struct http_stream *h, const struct tcp_piece *p)
{
	struct half *f;
	size_t at = 0;

	if (!h->roles_known && h->count == 0 && h->nwaiting == 0 &&
	    h->current == NULL && h->ask.state != HALF_HEAD &&
	    h->answer.state != HALF_HEAD)
		learn_roles(h, p);
	f = p->side == h->client ? &h->ask : &h->answer;
	while (at < p->data.n && f->state != HALF_LEFT)
		at += feed_some(h, f, span_slice(p->data, at, p->data.n), p);
	if (f->state == HALF_LEFT)
		return false;
	return h->count > 0 || h->nwaiting > 0 || h->current != NULL ||
	    h->junk < JUNK_MAX;
}

/* A head that is cut short is still a head when it has all of its start
 * line. */
static bool
has_start_line(const struct http_stream *h)
{
	const struct half *f = &h->answer;

	return f->state == HALF_HEAD && h->current == NULL &&
	    span_find(buf_span(&f->head), '\n') < f->head.len;
}

/* What its body is like stood in the bytes that are missing. */
static void
answer_cut_in_head(struct http_stream *h, uint64_t n, int64_t now)
{
	response_head(h, n, now);
	if (h->current != NULL)
		finish(h, h->current, false, 0, now);
	if (h->answer.state == HALF_LEFT)
		return;
	lose(&h->answer);
	h->answer.gap = true;
}

void
http_stream_gap(struct http_stream *h, unsigned side, uint64_t n, int64_t now)
{
	struct half *f = side == h->client ? &h->ask : &h->answer;
	struct http_body *b = f == &h->ask ? &f->body : NULL;
	uint64_t covered = 0;
	bool placed;

	if (f->state == HALF_LEFT)
		return;
	if (f == &h->answer && has_start_line(h)) {
		answer_cut_in_head(h, n, now);
		return;
	}
	f->gap = true;
	if (f->state != HALF_BODY) {
		f->lost += n;
		lose(f);
		return;
	}
	if (b == NULL)
		b = &h->current->body;
	placed = http_body_skip(b, n, &covered);
	if (f == &h->ask) {
		if (!placed)
			lose(f);
		else if (b->done)
			restart(f);
		return;
	}
	h->body_gap = true;
	h->current->missing += covered > 0 ? covered : n;
	h->current->notes |= EXCHANGE_GAP;
	if (!placed) {
		finish(h, h->current, false, 0, now);
		lose(f);
	} else if (b->done) {
		response_over(h, false, 0, now);
	}
}

void
http_stream_end(struct http_stream *h, unsigned side, enum tcp_end how,
    int64_t now)
{
	struct half *f = side == h->client ? &h->ask : &h->answer;
	bool whole;

	if (f == &h->ask || f->state == HALF_LEFT)
		return;
	if (has_start_line(h))
		response_head(h, 0, now);
	if (h->current != NULL) {
		whole = http_body_end(&h->current->body) && how == TCP_END_FIN;
		finish(h, h->current, whole,
		    whole ? 0 : end_note(h, h->current, how), now);
	}
	lose(f);
}

/* The client went on as if the server had taken its call, of which the capture
 * has nothing. */
static bool
one_way(const struct tcp_stream *t)
{
	const struct tcp_side *server = &t->side[1];

	return t->oriented && t->side[0].syn && !server->syn &&
	    server->ttl_max == 0 && !server->reset;
}

void
http_stream_close(struct http_stream *h, enum tcp_end how, int64_t now)
{
	if (h->current != NULL)
		finish(h, h->current, false, end_note(h, h->current, how), now);
	while (h->waiting != NULL)
		finish_lost(h,
		    end_note(h, h->waiting, how) |
			(h->answer.gap || one_way(h->tcp) ? EXCHANGE_GAP : 0),
		    now);
}

void
http_stream_free(struct http_stream *h)
{
	if (h == NULL)
		return;
	if (h->current != NULL)
		exchange_free(h->current);
	while (h->waiting != NULL)
		exchange_free(take_waiting(h));
	buf_release(&h->ask.head);
	buf_release(&h->answer.head);
	free(h);
}

#include "dns_pair.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* Resolvers give up sooner. */
static const int64_t answer_ns = 15000000000;

struct question {
	struct endpoint client, server;
	bool tcp;
	bool answered;
	bool differ;
	unsigned asked;
	int64_t time_ns;
	struct dns_message message;
};

/* A ring in the order of asking. */
struct dns_pairs {
	const struct exchange_sink *sink;
	struct question *ring[DNS_PENDING_MAX];
	size_t first, n;
};

struct dns_pairs *
dns_pairs_new(const struct exchange_sink *sink)
{
	struct dns_pairs *p = xcalloc(1, sizeof *p);

	p->sink = sink;
	return p;
}

static struct question *
question_at(const struct dns_pairs *p, size_t i)
{
	return p->ring[(p->first + i) % DNS_PENDING_MAX];
}

static void
tell(const struct dns_pairs *p, const struct question *q,
    const struct dns_message *m, int64_t answered)
{
	struct dns_seen seen = {.client = q->client,
	    .server = q->server,
	    .tcp = q->tcp,
	    .query_ns = q->time_ns,
	    .answer_ns = answered,
	    .asked = q->asked,
	    .other_answers = q->differ,
	    .message = m};

	if (p->sink->dns != NULL)
		p->sink->dns(p->sink->arg, &seen);
}

static void
drop_first(struct dns_pairs *p)
{
	struct question *q = question_at(p, 0);

	if (!q->answered)
		tell(p, q, &q->message, TCP_NEVER);
	dns_message_release(&q->message);
	free(q);
	p->first = (p->first + 1) % DNS_PENDING_MAX;
	p->n--;
}

void
dns_pairs_finish(struct dns_pairs *p)
{
	while (p->n > 0)
		drop_first(p);
}

void
dns_pairs_free(struct dns_pairs *p)
{
	if (p == NULL)
		return;
	dns_pairs_finish(p);
	free(p);
}

static bool
same_question(const struct question *q, const struct endpoint *client,
    const struct endpoint *server, const struct dns_message *m)
{
	if (q->message.id != m->id || q->message.type != m->type ||
	    !endpoint_eq(&q->client, client) ||
	    !endpoint_eq(&q->server, server))
		return false;
	/* Some servers leave the question out of an error. */
	if (m->name == NULL || q->message.name == NULL)
		return m->response;
	return span_eq_i(span_of(m->name), span_of(q->message.name));
}

/* Newest first: identifiers come round again. */
static struct question *
find_question(const struct dns_pairs *p, const struct endpoint *client,
    const struct endpoint *server, const struct dns_message *m)
{
	for (size_t i = p->n; i > 0; i--)
		if (same_question(question_at(p, i - 1), client, server, m))
			return question_at(p, i - 1);
	return NULL;
}

/* Takes the message. */
static void
add_question(struct dns_pairs *p, const struct endpoint *client,
    const struct endpoint *server, bool tcp, struct dns_message *m, int64_t now)
{
	struct question *q = find_question(p, client, server, m);

	if (q != NULL && !q->answered) {
		q->asked++;
		dns_message_release(m);
		return;
	}
	if (p->n == DNS_PENDING_MAX)
		drop_first(p);
	q = xcalloc(1, sizeof *q);
	q->client = *client;
	q->server = *server;
	q->tcp = tcp;
	q->asked = 1;
	q->time_ns = now;
	q->message = *m;
	p->ring[(p->first + p->n++) % DNS_PENDING_MAX] = q;
}

void
dns_pairs_message(struct dns_pairs *p, const struct endpoint *src,
    const struct endpoint *dst, bool tcp, struct span bytes, int64_t now)
{
	struct dns_message m;
	struct question *q, alone;

	while (p->n > 0 && now - question_at(p, 0)->time_ns > answer_ns)
		drop_first(p);
	if (!dns_parse(&m, bytes))
		return;
	if (!m.response) {
		add_question(p, src, dst, tcp, &m, now);
		return;
	}
	q = find_question(p, dst, src, &m);
	if (q == NULL) {
		alone = (struct question){.client = *dst,
		    .server = *src,
		    .tcp = tcp,
		    .time_ns = TCP_NEVER};
		q = &alone;
	} else {
		q->differ = q->answered;
		q->answered = true;
	}
	tell(p, q, &m, now);
	dns_message_release(&m);
}

struct dns_tcp {
	struct buf part[2];
};

struct dns_tcp *
dns_tcp_new(void)
{
	struct dns_tcp *d = xcalloc(1, sizeof *d);

	buf_init(&d->part[0], 128 * KIB);
	buf_init(&d->part[1], 128 * KIB);
	return d;
}

void
dns_tcp_free(struct dns_tcp *d)
{
	if (d == NULL)
		return;
	buf_release(&d->part[0]);
	buf_release(&d->part[1]);
	free(d);
}

bool
dns_tcp_feed(struct dns_tcp *d, struct dns_pairs *pairs,
    const struct tcp_stream *s, const struct tcp_piece *p)
{
	struct buf *b = &d->part[p->side];
	const uint8_t *u;
	size_t n, at = 0;

	if (!buf_add_span(b, p->data))
		return false;
	while (b->len - at >= 2) {
		u = (const uint8_t *)b->data + at;
		n = (size_t)u[0] << 8 | u[1];
		if (n < 12)
			return false;
		if (b->len - at - 2 < n)
			break;
		dns_pairs_message(pairs, &s->side[p->side].end,
		    &s->side[!p->side].end, true,
		    (struct span){b->data + at + 2, n}, p->time_ns);
		at += 2 + n;
	}
	buf_drain(b, at);
	return true;
}

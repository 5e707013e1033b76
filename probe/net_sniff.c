#include "net_sniff.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "budget.h"
#include "channel.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "network.h"
#include "packet_claim.h"
#include "process.h"
#include "url.h"

/* The last packets come in blocks of some milliseconds.  Behind a failure the
 * true server may still speak, which tells that a reset was not its own. */
#define LINGER_MS	 50
#define LINGER_FAILED_MS 400
#define PATIENCE_MS	 3000 /* then the look goes on without */
#define TICK_MS		 500

struct waiting {
	TAILQ_ENTRY(waiting) next;
	uint64_t id;
	int64_t until_us; /* monotonic */
	struct observation observation;
	size_t bytes; /* of its bodies, in the budget */
	void *user;
};

struct net_sniff {
	struct event_base *base;
	struct budget *bodies;
	struct channel *channel; /* NULL: no sniffer */
	struct event *timer;
	net_sniffed *done;
	void *arg;
	TAILQ_HEAD(waitings, waiting) list; /* ascending id */
	size_t n;
	uint64_t next_id;
};

static void
go_on(struct net_sniff *s, struct waiting *w)
{
	TAILQ_REMOVE(&s->list, w, next);
	s->n--;
	s->done(&w->observation, w->user, s->arg);
	observation_release(&w->observation);
	budget_give(s->bodies, w->bytes);
	free(w);
}

void
net_sniff_flush(struct net_sniff *s)
{
	while (!TAILQ_EMPTY(&s->list))
		go_on(s, TAILQ_FIRST(&s->list));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_sniff *s = arg;
	int64_t now = monotonic_us();
	struct waiting *w;

	(void)fd;
	(void)what;
	while ((w = TAILQ_FIRST(&s->list)) != NULL && w->until_us <= now)
		go_on(s, w);
}

struct net_sniff *
net_sniff_new(struct event_base *base, struct budget *bodies, net_sniffed *done,
    void *arg)
{
	struct net_sniff *s = xcalloc(1, sizeof *s);

	s->base = base;
	s->bodies = bodies;
	s->done = done;
	s->arg = arg;
	TAILQ_INIT(&s->list);
	s->timer = event_new(base, -1, EV_PERSIST, on_timer, s);
	return s;
}

void
net_sniff_free(struct net_sniff *s)
{
	struct waiting *w;

	if (s == NULL)
		return;
	while ((w = TAILQ_FIRST(&s->list)) != NULL) {
		TAILQ_REMOVE(&s->list, w, next);
		observation_release(&w->observation);
		free(w);
	}
	channel_free(s->channel);
	event_free(s->timer);
	free(s);
}

size_t
net_sniff_pending(const struct net_sniff *s)
{
	return s->n;
}

/* ---- the answer ---- */

static void
join(struct observation *o, struct packet_answer *a)
{
	for (size_t i = 0; i < o->nhops && i < HOPS_MAX; i++) {
		struct hop *h = &o->hops[i];

		h->packets = a->hops[i];
		/* Our own close of a connection may be answered by a reset of
		 * whatever origin; it says nothing. */
		if (a->injected[i] && h->failure != FAILURE_NONE)
			h->reset_injected = true;
	}
	buf_release(&o->packets);
	o->packets = a->pcap;
	buf_init(&a->pcap, 0);
}

static void
on_message(struct channel *ch, const struct message *m, void *arg)
{
	struct net_sniff *s = arg;
	struct packet_answer a;
	struct waiting *w;

	(void)ch;
	TAILQ_FOREACH (w, &s->list, next)
		if (w->id == m->id)
			break;
	if (m->type != MSG_PACKETS || w == NULL)
		return;
	/* It reads what the world sends, and may lie or be broken. */
	if (packet_answer_decode(&a, m->data))
		join(&w->observation, &a);
	packet_answer_release(&a);
	go_on(s, w);
}

static void
on_closed(struct channel *ch, void *arg)
{
	struct net_sniff *s = arg;

	channel_free(ch);
	if (s->channel != ch)
		return;
	s->channel = NULL;
	event_del(s->timer);
	net_sniff_flush(s);
}

void
net_sniff_peer(struct net_sniff *s, const struct peer *peer)
{
	struct channel_handler h = {on_message, on_closed, NULL, s};
	struct timeval tick = {0, TICK_MS * 1000};

	channel_free(s->channel);
	s->channel = channel_new(s->base, peer->fd, ROLE_NET, ROLE_SNIFFER, &h);
	event_add(s->timer, &tick);
	net_sniff_flush(s);
}

/* ---- the claim ---- */

static bool
endpoint_of(const char *text, uint16_t port, struct endpoint *e)
{
	struct address a;

	memset(e, 0, sizeof *e);
	if (text == NULL || !address_parse(&a, text, port))
		return false;
	e->port = port;
	if (a.u.sa.sa_family == AF_INET) {
		e->family = 4;
		memcpy(e->addr, &a.u.v4.sin_addr, 4);
	} else {
		e->family = 6;
		memcpy(e->addr, &a.u.v6.sin6_addr, 16);
	}
	return true;
}

/* The packets of questions for that name are this look's. */
static void
claim_host(struct packet_claim *c, struct span host)
{
	for (size_t i = 0; i < c->nhosts; i++)
		if (span_is(host, c->hosts[i]))
			return;
	if (c->nhosts < HOPS_MAX)
		c->hosts[c->nhosts++] = span_dup(host);
}

static void
claim_hop(struct packet_claim *c, const struct hop *h, size_t number)
{
	for (size_t i = 0; i < h->ntried && c->nflows < CLAIM_FLOWS_MAX; i++) {
		struct claim_flow *f = &c->flows[c->nflows];

		if (!endpoint_of(h->tried[i], h->port, &f->server))
			continue;
		f->hop = (uint8_t)number;
		f->last = i + 1 == h->ntried;
		if (f->last)
			f->local_port = h->local_port;
		else if (i < TRIED_PORTS_MAX)
			f->local_port = h->tried_ports[i];
		c->nflows++;
	}
	if (h->dns.host != NULL)
		claim_host(c, span_of(h->dns.host));
	for (size_t i = 0; i < h->dns.nrecords; i++)
		if (strcmp(h->dns.records[i].type, "NS") == 0)
			claim_host(c, host_site(span_of(h->dns.host)));
}

static void
send_claim(struct net_sniff *s, const struct waiting *w)
{
	const struct observation *o = &w->observation;
	bool failed = observation_last(o)->failure != FAILURE_NONE;
	struct packet_claim c = {.time = o->time,
	    .linger_ms = failed ? LINGER_FAILED_MS : LINGER_MS};
	struct buf b = BUF_INIT(16 * KIB);

	for (size_t i = 0; i < o->nhops && i < HOPS_MAX; i++)
		claim_hop(&c, &o->hops[i], i);
	packet_claim_encode(&c, &b);
	channel_send(s->channel, MSG_CLAIM, w->id, buf_span(&b));
	packet_claim_release(&c);
	buf_release(&b);
}

void
net_sniff_claim(struct net_sniff *s, struct observation *o, void *user)
{
	struct waiting *w;

	if (s->channel == NULL || s->n >= CLAIMS_MAX) {
		s->done(o, user, s->arg);
		return;
	}
	w = xcalloc(1, sizeof *w);
	w->id = ++s->next_id;
	w->until_us = monotonic_us() + PATIENCE_MS * INT64_C(1000);
	w->observation = *o;
	w->bytes = observation_body_bytes(o);
	budget_add(s->bodies, w->bytes);
	w->user = user;
	observation_init(o);
	TAILQ_INSERT_TAIL(&s->list, w, next);
	s->n++;
	send_claim(s, w);
}

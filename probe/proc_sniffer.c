/*
 * The sniffer process: holds the packets of the machine for a while and hands
 * a look those that are its own.  One packet socket, opened before it gives up
 * everything else.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "process.h"

#include "channel.h"
#include "config.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "metrics.h"
#include "packet_hold.h"
#include "sandbox.h"
#include "sniffer.h"

#define TICK_SECONDS 1
#define STATS_TICKS  10
#define DNS_PORT     53
#define PORTS_MAX    32

/* A look whose last packets may still be on their way. */
struct pending {
	TAILQ_ENTRY(pending) next;
	uint64_t id;
	int64_t due_us; /* monotonic */
	struct packet_claim claim;
};

struct watcher {
	struct event_base *base;
	struct channel *parent;
	struct channel *net;
	struct sniffer *sniffer; /* NULL: it could not be opened */
	struct packet_hold *hold;
	struct event *readable;
	struct event *due_timer;
	struct event *tick_timer;
	TAILQ_HEAD(pendings, pending) list;
	size_t npending;
	unsigned ticks;
	uint64_t lost;
	struct log_limit lost_limit;
};

/* ---- packets ---- */

static void
on_packet(int64_t time_ns, struct span data, uint32_t wire_len, void *arg)
{
	struct watcher *w = arg;

	packet_hold_add(w->hold, time_ns, data, wire_len);
}

static void
stop_capture(struct watcher *w, const char *why)
{
	log_warn("packets are not recorded any more: %s", log_quote_str(why));
	event_free(w->readable);
	w->readable = NULL;
	sniffer_close(w->sniffer);
	w->sniffer = NULL;
}

static void
read_packets(struct watcher *w)
{
	const char *why;

	if (w->sniffer != NULL && !sniffer_read(w->sniffer, on_packet, w, &why))
		stop_capture(w, why);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_packets(arg);
}

/* Losses are said, and mark the looks under way. */
static void
count_losses(struct watcher *w, uint64_t *seen, uint64_t *lost)
{
	*seen = *lost = 0;
	if (w->sniffer == NULL)
		return;
	sniffer_counts(w->sniffer, seen, lost);
	if (*lost == w->lost)
		return;
	packet_hold_lost(w->hold, instant_now() * 1000000);
	if (log_limit_pass(&w->lost_limit, 1, 60000, instant_now()))
		log_warn("%llu packets were lost before they were read",
		    (unsigned long long)(*lost - w->lost));
	w->lost = *lost;
}

/* ---- claims ---- */

static void
pending_free(struct watcher *w, struct pending *p)
{
	TAILQ_REMOVE(&w->list, p, next);
	w->npending--;
	packet_claim_release(&p->claim);
	free(p);
}

static void
answer(struct watcher *w, struct pending *p)
{
	struct buf b = BUF_INIT(PACKETS_KEEP_MAX + 4 * KIB);
	struct packet_answer a;

	packet_answer_init(&a);
	if (w->hold != NULL)
		packet_hold_take(w->hold, &p->claim, &a);
	packet_answer_encode(&a, &b);
	channel_send(w->net, MSG_PACKETS, p->id, buf_span(&b));
	packet_answer_release(&a);
	buf_release(&b);
	pending_free(w, p);
}

static void
answer_due(struct watcher *w)
{
	int64_t now = monotonic_us(), next = INT64_MAX;
	uint64_t seen, lost;
	struct pending *p, *following;
	struct timeval tv;

	read_packets(w);
	count_losses(w, &seen, &lost);
	for (p = TAILQ_FIRST(&w->list); p != NULL; p = following) {
		following = TAILQ_NEXT(p, next);
		if (channel_full(w->net))
			return; /* again when it has read */
		if (p->due_us <= now)
			answer(w, p);
		else if (p->due_us < next)
			next = p->due_us;
	}
	if (next == INT64_MAX)
		return;
	tv = (struct timeval){(next - now) / 1000000, (next - now) % 1000000};
	event_add(w->due_timer, &tv);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct watcher *w = arg;

	(void)fd;
	(void)what;
	if (w->net != NULL)
		answer_due(w);
}

static void
take_claim(struct watcher *w, const struct message *m)
{
	struct pending *p = xcalloc(1, sizeof *p);

	if (!packet_claim_decode(&p->claim, m->data))
		bug("malformed claim from net");
	p->id = m->id;
	p->due_us = monotonic_us() +
	    (w->sniffer == NULL ? 0 : p->claim.linger_ms * INT64_C(1000));
	TAILQ_INSERT_TAIL(&w->list, p, next);
	w->npending++;
	event_active(w->due_timer, EV_TIMEOUT, 1);
}

static void
forget_claims(struct watcher *w)
{
	while (!TAILQ_EMPTY(&w->list))
		pending_free(w, TAILQ_FIRST(&w->list));
}

static void
on_net_message(struct channel *ch, const struct message *m, void *arg)
{
	(void)ch;
	if (m->type == MSG_CLAIM)
		take_claim(arg, m);
}

static void
on_net_closed(struct channel *ch, void *arg)
{
	struct watcher *w = arg;

	channel_free(ch);
	if (w->net != ch)
		return;
	w->net = NULL;
	forget_claims(w);
}

static void
on_net_drained(struct channel *ch, void *arg)
{
	struct watcher *w = arg;

	(void)ch;
	event_active(w->due_timer, EV_TIMEOUT, 1);
}

static void
set_peer(struct watcher *w, const struct peer *peer)
{
	struct channel_handler h = {on_net_message, on_net_closed,
	    on_net_drained, w};

	if (peer->role != ROLE_NET) {
		close(peer->fd);
		return;
	}
	channel_free(w->net);
	forget_claims(w);
	w->net = channel_new(w->base, peer->fd, ROLE_SNIFFER, ROLE_NET, &h);
}

/* ---- the parent, the clock ---- */

static void
send_counts(struct watcher *w)
{
	struct buf b = BUF_INIT(KIB);
	uint64_t seen, lost;

	count_losses(w, &seen, &lost);
	buf_put_u8(&b, METRICS_PACKETS);
	buf_put_u64(&b, seen);
	buf_put_u64(&b, lost);
	buf_put_u64(&b, w->hold == NULL ? 0 : packet_hold_evicted(w->hold));
	buf_put_u64(&b, w->sniffer != NULL);
	channel_send(w->parent, MSG_STATS, 0, buf_span(&b));
	buf_release(&b);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct watcher *w = arg;

	(void)fd;
	(void)what;
	read_packets(w);
	if (w->hold != NULL)
		packet_hold_expire(w->hold,
		    (instant_now() - PACKETS_AGE_S * INT64_C(1000)) * 1000000);
	if (w->ticks++ % STATS_TICKS == 0)
		send_counts(w);
}

static void
on_parent_message(struct channel *ch, const struct message *m, void *arg)
{
	struct watcher *w = arg;
	struct peer peer;

	switch (m->type) {
	case MSG_PEER:
		if (!peer_decode(m->data, &peer))
			bug("malformed peer message");
		peer.fd = m->fd;
		set_peer(w, &peer);
		break;
	case MSG_PING:
		channel_send(ch, MSG_PONG, m->id, SPAN_NULL);
		break;
	case MSG_STOP:
		event_base_loopbreak(w->base);
		break;
	default:
		break;
	}
}

/* ---- start and end ---- */

/* Ports of the configured name servers: 53 but where one says another. */
static size_t
dns_ports(const struct config *c, uint16_t ports[PORTS_MAX])
{
	size_t n = 0;

	ports[n++] = DNS_PORT;
	for (size_t i = 0; i < c->nname_servers && n < PORTS_MAX; i++) {
		struct span s = span_of(c->name_servers[i]);
		const char *colon = strrchr(c->name_servers[i], ':');
		uint64_t port;

		/* A lone IPv6 address has no port. */
		if (colon == NULL ||
		    (s.p[0] != '[' && strchr(s.p, ':') != colon) ||
		    !span_u64(span_of(colon + 1), &port) || port == DNS_PORT ||
		    port == 0 || port > 65535)
			continue;
		ports[n++] = (uint16_t)port;
	}
	return n;
}

static void
open_capture(struct watcher *w, const struct config *c)
{
	uint16_t ports[PORTS_MAX];
	size_t n = dns_ports(c, ports);
	char *why = NULL;

	w->sniffer = sniffer_open(c->interface, ports, n, &why);
	if (w->sniffer == NULL) {
		log_warn("packets are not recorded: %s", log_quote_str(why));
		free(why);
		return;
	}
	w->hold = packet_hold_new(sniffer_link(w->sniffer), PACKETS_HELD_MAX);
	w->readable = event_new(w->base, sniffer_fd(w->sniffer),
	    EV_READ | EV_PERSIST, on_readable, w);
	event_add(w->readable, NULL);
}

static void
close_all(struct watcher *w)
{
	forget_claims(w);
	channel_free(w->net);
	if (w->readable != NULL)
		event_free(w->readable);
	event_free(w->due_timer);
	event_free(w->tick_timer);
	sniffer_close(w->sniffer);
	packet_hold_free(w->hold);
	channel_flush(w->parent, 500);
	log_to(NULL, NULL);
	channel_free(w->parent);
	event_base_free(w->base);
}

int
sniffer_main(struct connection *parent, struct startup *s)
{
	struct watcher *w = xcalloc(1, sizeof *w);
	struct channel_handler from_parent = {on_parent_message,
	    process_parent_closed, NULL, w};
	bool best_effort = s->config->sandbox_best_effort;

	TAILQ_INIT(&w->list);
	w->base = event_base_new();
	if (w->base == NULL)
		fatal("cannot make an event loop");
	open_capture(w, s->config);
	config_free(s->config);
	w->due_timer = evtimer_new(w->base, on_due, w);
	w->tick_timer = event_new(w->base, -1, EV_PERSIST, on_tick, w);
	event_add(w->tick_timer, &(struct timeval){TICK_SECONDS, 0});
	if (!sandbox_sniffer(best_effort) ||
	    !connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	w->parent = channel_adopt(w->base, parent, &from_parent);
	process_log_to_channel(w->parent);
	for (size_t i = 0; i < s->npeers; i++)
		set_peer(w, &s->peers[i]);
	event_base_dispatch(w->base);
	close_all(w);
	free(w);
	return 0;
}

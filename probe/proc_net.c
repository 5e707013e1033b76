/*
 * The network process: what is due is visited, what was seen goes through the
 * pipeline.  One thread, one loop; no files, no exec.
 */
#include "process.h"
#include "net.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "digest.h"
#include "instant.h"
#include "limit.h"
#include "sandbox.h"
#include "supervisor.h"

#define STATS_TICKS  5
#define STOP_SECONDS 4

static void
send_stats(struct net *n)
{
	struct buf b = BUF_INIT(4 * KIB);

	n->stats.pages = watchlist_count(n->watchlist);
	n->stats.overdue =
	    watchlist_overdue(n->watchlist, monotonic_us(), &n->stats.lag_us);
	n->stats.active = n->active;
	n->stats.pacing = n->pacing;
	n->stats.pending = pipeline_pending(n->pipeline);
	n->stats.restarts = pipeline_restarts(n->pipeline);
	net_stats_encode(&n->stats, &b);
	channel_send(n->parent, MSG_STATS, 0, buf_span(&b));
	n->stats.loop_delay_us = 0;
	buf_release(&b);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	(void)fd;
	(void)what;
	net_clock_check(n, true);
	n->uplink = uplink_replace(n->uplink, NULL);
	if (++n->ticks % STATS_TICKS == 0)
		send_stats(n);
	if (n->ticks % 3600 == 0)
		pace_expire(n->pace, monotonic_us());
	net_pump(n);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	net_pump(arg);
}

/* ---- what the parent says ---- */

static struct uplink *
uplink_of_config(struct net *n)
{
	return uplink_new(n->base, n->config, buf_span(&n->ca), n->pace,
	    &n->pacing, &n->bodies);
}

static void
reload(struct net *n, struct span encoded)
{
	struct config *config = config_decode(encoded);

	if (config == NULL)
		bug("malformed configuration from the parent");
	config_free(n->config);
	n->config = config;
	pace_set_spacing(n->pace, config->spacing * 1000);
	n->uplink = uplink_replace(n->uplink, uplink_of_config(n));
	for (size_t i = 0; i < n->nunstored; i++)
		n->unstored[i].likeness.known = false;
	n->watched = config_watched(config);
	watchlist_load(n->watchlist, config, monotonic_us(),
	    net_start_spread(n));
	net_pump(n);
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	(void)fd;
	(void)what;
	log_warn("%zu observations were not stored in time; they will be "
		 "looked at again",
	    pipeline_pending(n->pipeline));
	event_base_loopbreak(n->base);
}

static void
stop(struct net *n)
{
	struct timeval tv = {STOP_SECONDS, 0};
	struct look *l;

	n->stopping = true;
	event_del(n->due_timer);
	while ((l = LIST_FIRST(&n->looks)) != NULL)
		visit_cancel(l->visit); /* ends in on_visited() */
	net_sniff_flush(n->sniff);
	if (pipeline_pending(n->pipeline) == 0)
		event_base_loopbreak(n->base);
	else
		event_add(n->stop_timer, &tv);
}

static void
set_peer(struct net *n, const struct peer *peer)
{
	if (peer->role == ROLE_SNIFFER)
		net_sniff_peer(n->sniff, peer);
	else
		pipeline_peer(n->pipeline, peer);
}

static void
on_parent_message(struct channel *ch, const struct message *m, void *arg)
{
	struct net *n = arg;
	struct peer peer;

	switch (m->type) {
	case MSG_START:
		pipeline_resume(n->pipeline);
		break;
	case MSG_PEER:
		if (!peer_decode(m->data, &peer))
			bug("malformed peer message");
		peer.fd = m->fd;
		set_peer(n, &peer);
		break;
	case MSG_WORKER_LOST:
		pipeline_worker_lost(n->pipeline, (uint32_t)m->id, m->data);
		break;
	case MSG_CA_BUNDLE: /* of the configuration that comes next */
		buf_clear(&n->ca);
		buf_add_span(&n->ca, m->data);
		break;
	case MSG_CONFIG:
		reload(n, m->data);
		break;
	case MSG_PING:
		channel_send(ch, MSG_PONG, m->id, SPAN_NULL);
		break;
	case MSG_STOP:
		stop(n);
		break;
	default:
		break; /* other start-up messages of a reload: not for us */
	}
}

/* ---- start ---- */

static void
net_open(struct net *n, struct startup *s)
{
	struct config *c = s->config;
	struct settings set;

	if (!settings_decode(&set, buf_span(&s->settings)))
		bug("malformed settings");
	n->once = set.once;
	settings_release(&set);
	n->config = c;
	budget_init(&n->bodies, BODIES_HELD_MAX);
	n->ca = s->ca_bundle;
	n->pace = pace_new(c->spacing * 1000);
	n->robots = robots_cache_new();
	n->watchlist = watchlist_new();
	n->uplink = uplink_of_config(n);
	LIST_INIT(&n->looks);
	n->watched = config_watched(c);
	watchlist_load(n->watchlist, c, monotonic_us(), net_start_spread(n));
}

/* What is waited for on a socket is told to the kernel once a turn of the
 * loop: what changed twice, and what was closed since, costs nothing.  That
 * would go wrong with descriptors that share a socket; there are none. */
static struct event_base *
net_base(void)
{
	struct event_config *ec = event_config_new();
	struct event_base *base;

	event_config_set_flag(ec,
	    EVENT_BASE_FLAG_PRECISE_TIMER |
		EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	base = event_base_new_with_config(ec);
	event_config_free(ec);
	if (base == NULL)
		fatal("cannot make an event loop");
	return base;
}

static void
net_close(struct net *n)
{
	net_sniff_free(n->sniff);
	pipeline_free(n->pipeline);
	uplink_free(n->uplink);
	buf_release(&n->ca);
	watchlist_free(n->watchlist);
	robots_cache_free(n->robots);
	pace_free(n->pace);
	config_free(n->config);
	free(n->unstored);
	event_free(n->due_timer);
	event_free(n->tick_timer);
	event_free(n->stop_timer);
	channel_flush(n->parent, 500);
	log_to(NULL, NULL);
	channel_free(n->parent);
	event_base_free(n->base);
}

int
net_main(struct connection *parent, struct startup *s)
{
	struct net *n = xcalloc(1, sizeof *n);
	struct channel_handler from_parent = {on_parent_message,
	    process_parent_closed, NULL, n};
	struct pipeline_handler from_pipeline = {net_on_stored, net_on_resumed,
	    net_on_room, n};
	struct timeval second = {TICK_SECONDS, 0};
	bool best_effort = s->config->sandbox_best_effort;

	digest_init();
	n->base = net_base();
	net_open(n, s);
	n->due_timer = evtimer_new(n->base, on_due, n);
	n->stop_timer = evtimer_new(n->base, on_stop_timer, n);
	n->tick_timer = event_new(n->base, -1, EV_PERSIST, on_tick, n);
	net_clock_start(n);
	if (!sandbox_net(best_effort) ||
	    !connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	n->parent = channel_adopt(n->base, parent, &from_parent);
	process_log_to_channel(n->parent);
	n->pipeline = pipeline_new(n->base, ROLE_NET, n->parent, &n->bodies,
	    &from_pipeline);
	n->sniff = net_sniff_new(n->base, &n->bodies, net_on_sniffed, n);
	for (size_t i = 0; i < s->npeers; i++)
		set_peer(n, &s->peers[i]);
	event_add(n->tick_timer, &second);
	event_base_dispatch(n->base);
	net_close(n);
	free(n);
	return 0;
}

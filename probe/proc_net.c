/*
 * The network process: what is due is visited, what was seen goes through the
 * pipeline.  One thread, one loop; no files, no exec.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "pipeline.h"

#include "budget.h"
#include "config.h"
#include "digest.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "net_sniff.h"
#include "net_uplink.h"
#include "robots_cache.h"
#include "sandbox.h"
#include "stats.h"
#include "supervisor.h"
#include "visit.h"
#include "watchlist.h"

#define SECOND		 INT64_C(1000000)
#define SPREAD_MAX	 (120 * SECOND) /* first looks after a start */
#define TICK_SECONDS	 1
#define STATS_TICKS	 5
#define STEP_US		 (2 * SECOND) /* clocks apart by this: a step */
#define LATE_US		 (2 * SECOND) /* loop late by this: void the looks */
#define VALIDATOR_ROUNDS 10	      /* conditional looks before a full one */
#define SAME_ROUNDS	 100 /* looks without analysis before a full one */
#define RETRY_AFTER_MAX	 (86400 * SECOND)
#define ROBOTS_PAGE	 "robots"
#define STOP_SECONDS	 4

struct look {
	LIST_ENTRY(look) next;
	struct net *net;
	struct watched *watched;
	struct visit *visit;
	struct uplink *uplink;
	char *robots_for; /* this look fetches robots.txt */
	bool void_result; /* clock stepped or loop late: look again */
};

struct unstored {
	uint64_t id;
	struct watched *watched;
	bool again_unverified;
	struct likeness likeness;
};

struct net {
	struct event_base *base;
	struct config *config;
	struct channel *parent;
	struct pipeline *pipeline;
	struct net_sniff *sniff;
	struct watchlist *watchlist;
	uint32_t watched; /* its targets */
	struct robots_cache *robots;
	struct uplink *uplink;
	struct pace *pace;
	struct budget bodies;
	struct buf ca; /* PEM, as the parent last sent it */
	LIST_HEAD(looks, look) looks;
	unsigned active;
	unsigned pacing;
	struct unstored *unstored;
	size_t nunstored;
	size_t unstored_cap;
	struct event *due_timer;
	struct event *tick_timer;
	struct event *stop_timer;
	bool once; /* check: look at everything once */
	bool done_said;
	bool started;
	bool stopping;
	unsigned ticks;
	int64_t last_tick;    /* monotonic us */
	int64_t clock_offset; /* wall - monotonic, us */
	int64_t boot_offset;  /* boottime - monotonic, us */
	struct net_stats stats;
	struct log_limit step_limit;
};

static void net_pump(struct net *);

/* ---- the clock ---- */

static int64_t
wall_offset(void)
{
	return instant_now() * 1000 - monotonic_us();
}

/* Grows when the machine was suspended. */
static int64_t
suspend_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000 - monotonic_us();
}

/* Looks under way cannot be trusted: their times, and their time-outs, are
 * not the world's. */
static void
void_looks(struct net *n, const char *why, int64_t by_us)
{
	struct look *l;
	char text[INSTANT_TEXT_MAX];
	unsigned count = 0;

	LIST_FOREACH (l, &n->looks, next) {
		count += !l->void_result;
		l->void_result = true;
	}
	if (log_limit_pass(&n->step_limit, 5, 60000, instant_now()))
		log_warn("%s by %s; looks under way are void: %u", why,
		    duration_text(by_us / 1000, text), count);
}

/* At each tick, and before a look counts: it may end in the same round of the
 * loop as the tick that would have found the clocks moved. */
static void
check_clocks(struct net *n, bool tick)
{
	int64_t now = monotonic_us();
	int64_t late = now - n->last_tick - TICK_SECONDS * SECOND;
	int64_t step = wall_offset() - n->clock_offset;
	int64_t slept = suspend_offset() - n->boot_offset;

	if (late > n->stats.loop_delay_us)
		n->stats.loop_delay_us = late;
	if (!tick && late <= LATE_US && llabs(step) <= STEP_US &&
	    slept <= STEP_US)
		return;
	if (slept > STEP_US)
		void_looks(n, "the machine was suspended", slept);
	else if (llabs(step) > STEP_US)
		void_looks(n, "the system clock was set", llabs(step));
	if (late > LATE_US)
		void_looks(n, "the event loop was late", late);
	n->last_tick = now;
	n->clock_offset += step;
	n->boot_offset += slept;
}

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
	check_clocks(n, true);
	n->uplink = uplink_replace(n->uplink, NULL);
	if (++n->ticks % STATS_TICKS == 0)
		send_stats(n);
	if (n->ticks % 3600 == 0)
		pace_expire(n->pace, monotonic_us());
	net_pump(n);
}

/* ---- looks ---- */

static int64_t
retry_delay(const struct net *n, unsigned nth)
{
	return schedule_retry(nth, n->config->retry_first * 1000,
	    n->config->retry_max * 1000);
}

static int64_t
regular_due(const struct watched *w)
{
	return schedule_next(span_of(w->key), w->round, monotonic_us(),
	    w->interval);
}

/* Retry-After (RFC 9110 section 10.2.3): seconds or a date. */
static void
heed_retry_after(struct net *n, struct watched *w, const struct hop *h)
{
	struct span value = header_value(buf_span(&h->headers), "retry-after");
	int64_t at, now = monotonic_us();
	uint64_t seconds;

	if ((h->status != 429 && h->status != 503) || value.p == NULL)
		return;
	if (span_u64(value, &seconds) && seconds < 86400)
		at = now + (int64_t)seconds * SECOND;
	else if (instant_parse_http(value, &at))
		at = now + (at - instant_now()) * 1000;
	else
		return;
	if (at > now + RETRY_AFTER_MAX)
		at = now + RETRY_AFTER_MAX;
	w->not_before = at;
	if (h->address != NULL && at - now < 600 * SECOND)
		pace_hold(n->pace, span_of(h->address), at);
}

static bool
certificate_is_bad(const struct hop *h)
{
	return h->failure == FAILURE_SSL_CERTIFICATE ||
	    h->failure == FAILURE_SSL_AUTHORITY ||
	    h->failure == FAILURE_SSL_HOSTNAME;
}

static enum bodies
bodies_wanted(const struct net *n)
{
	return n->config->record_warc ? BODIES_ALL : BODIES_NONE;
}

static void
look_free(struct look *l)
{
	LIST_REMOVE(l, next);
	l->net->active--;
	uplink_drop(l->uplink);
	free(l->robots_for);
	free(l);
}

/* Does this look bring what the one before did? */
static bool
is_same(struct watched *w, const struct observation *o, struct likeness *l)
{
	bool same;

	likeness_of(o, l);
	if (observation_last(o)->status == 304)
		*l = w->last;
	same = o->variant == VARIANT_NORMAL && likeness_same(l, &w->last) &&
	    observation_last(o)->status == 200 && w->same < SAME_ROUNDS;
	w->same = same ? w->same + 1 : 0;
	return same;
}

/* Its packets have joined it: to the pipeline. */
static void
on_sniffed(struct observation *o, void *user, void *arg)
{
	struct net *n = arg;
	struct watched *w = user;
	const struct hop *h = observation_last(o);
	struct unstored *u;
	bool again, same;

	again = certificate_is_bad(h) && w->next != VARIANT_UNVERIFIED;
	n->unstored = xgrow(n->unstored, &n->unstored_cap, n->nunstored + 1,
	    sizeof *n->unstored);
	u = &n->unstored[n->nunstored++];
	*u = (struct unstored){.watched = w, .again_unverified = again};
	same = is_same(w, o, &u->likeness);
	u->id = pipeline_submit(n->pipeline, o, bodies_wanted(n), same);
}

/* The observation is complete: for its packets, or to the robots cache. */
static void
on_visited(struct observation *o, void *arg)
{
	struct look *l = arg;
	struct net *n = l->net;
	struct watched *w = l->watched;
	const struct hop *h = observation_last(o);

	check_clocks(n, false);
	n->stats.visits++;
	n->stats.failures += h->failure != FAILURE_NONE;
	if (n->stopping || l->void_result) {
		look_free(l);
		watchlist_return(n->watchlist, w, monotonic_us());
	} else if (l->robots_for != NULL) {
		robots_cache_put(n->robots, o, monotonic_us());
		look_free(l);
		watchlist_return(n->watchlist, w, monotonic_us());
	} else {
		heed_retry_after(n, w, h);
		look_free(l);
		net_sniff_claim(n->sniff, o, w);
	}
	net_pump(n);
}

static struct look *
look_new(struct net *n, struct watched *w)
{
	struct look *l = xcalloc(1, sizeof *l);

	l->net = n;
	l->watched = w;
	l->uplink = n->uplink;
	uplink_hold(l->uplink);
	LIST_INSERT_HEAD(&n->looks, l, next);
	n->active++;
	return l;
}

static void
look_start(struct net *n, struct watched *w)
{
	struct look *l = look_new(n, w);
	struct visit_request r = {
	    .vantage = n->config->vantage,
	    .target = w->target,
	    .watched = n->watched,
	    .page = w->page,
	    .url = w->url,
	    .proxy = w->proxy,
	    .variant = w->next,
	    .verify = w->next != VARIANT_UNVERIFIED,
	    .name_servers = !n->once,
	};

	if (w->next == VARIANT_NORMAL && w->conditionals < VALIDATOR_ROUNDS) {
		r.etag = w->etag;
		r.last_modified = w->last_modified;
	}
	w->conditionals =
	    r.etag != NULL || r.last_modified != NULL ? w->conditionals + 1 : 0;
	l->visit = visit_start(uplink_settings(l->uplink), &r, on_visited, l);
}

static void
look_start_robots(struct net *n, struct watched *w)
{
	struct look *l = look_new(n, w);
	struct visit_request r = {
	    .vantage = n->config->vantage,
	    .target = w->target,
	    .page = ROBOTS_PAGE,
	    .proxy = w->proxy,
	    .variant = VARIANT_NORMAL,
	    .verify = true,
	    .plain = true,
	};

	l->robots_for = robots_cache_url(w->url);
	r.url = l->robots_for;
	l->visit = visit_start(uplink_settings(l->uplink), &r, on_visited, l);
}

static void
begin(struct net *n, struct watched *w)
{
	enum robots_answer answer = ROBOTS_ALLOWED;

	if (w->sample && n->config->robots)
		answer = robots_cache_ask(n->robots, w->url,
		    n->config->user_agent, monotonic_us());
	switch (answer) {
	case ROBOTS_ALLOWED:
		look_start(n, w);
		break;
	case ROBOTS_UNKNOWN:
		look_start_robots(n, w);
		break;
	case ROBOTS_FORBIDDEN:
		log_info("%s: robots.txt forbids %s", w->target,
		    log_quote_str(w->url));
		watchlist_return(n->watchlist, w, regular_due(w));
		break;
	}
}

static bool
has_room(const struct net *n)
{
	/* A look that waits for its address's slot holds no connection. */
	return n->active - n->pacing < n->config->concurrency &&
	    n->active < n->config->concurrency * 16 &&
	    n->nunstored + net_sniff_pending(n->sniff) < UNSTORED_MAX &&
	    pipeline_ready(n->pipeline);
}

static void
arm_due_timer(struct net *n)
{
	int64_t next = watchlist_next(n->watchlist), us;
	struct timeval tv;

	if (next == INT64_MAX || !has_room(n)) {
		event_del(n->due_timer);
		return;
	}
	us = next - monotonic_us();
	if (us < 0)
		us = 0;
	tv = (struct timeval){us / SECOND, us % SECOND};
	event_add(n->due_timer, &tv);
}

static void
net_pump(struct net *n)
{
	struct watched *w;

	if (!n->started || n->stopping)
		return;
	while (has_room(n) &&
	    (w = watchlist_take(n->watchlist, monotonic_us())) != NULL) {
		net_stats_late(&n->stats, monotonic_us() - w->task.due);
		begin(n, w);
	}
	arm_due_timer(n);
	if (n->once && !n->done_said && n->active == 0 && n->nunstored == 0 &&
	    watchlist_next(n->watchlist) == INT64_MAX) {
		n->done_said = true;
		pipeline_send_store(n->pipeline, MSG_DONE, 0, SPAN_NULL);
	}
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	net_pump(arg);
}

/* ---- what the store answers ---- */

static void
plan_next(struct net *n, struct watched *w, const struct advice *a,
    bool again_unverified)
{
	int64_t now = monotonic_us();

	if (n->once && !again_unverified) {
		w->busy = false; /* seen: never due again */
		w->round++;
	} else if (w->control) {
		w->next = VARIANT_CONTROL;
		watchlist_return(n->watchlist, w, regular_due(w));
	} else if (again_unverified) {
		w->next = VARIANT_UNVERIFIED;
		watchlist_return(n->watchlist, w, now);
	} else if (a->confirm_soon) {
		w->next = VARIANT_CONFIRM;
		watchlist_return(n->watchlist, w,
		    now + retry_delay(n, w->retries++));
	} else if (a->twin && n->config->twin_fetch) {
		w->next = VARIANT_TWIN;
		w->retries = 0;
		watchlist_return(n->watchlist, w,
		    now + n->config->twin_delay * 1000);
	} else {
		w->next = VARIANT_NORMAL;
		w->retries = 0;
		watchlist_return(n->watchlist, w, regular_due(w));
	}
}

static void
apply_advice(struct net *n, const struct unstored *u, const struct advice *a)
{
	struct watched *w = u->watched;

	free(w->etag);
	free(w->last_modified);
	w->etag = xstrdup(a->etag);
	w->last_modified = xstrdup(a->last_modified);
	w->last = u->likeness;
	w->last.known = w->last.known && a->plain;
	if (a->sample_slot != NULL && !w->gone)
		watchlist_samples(n->watchlist, n->config, w->target, a,
		    monotonic_us(), SPREAD_MAX / 4);
	plan_next(n, w, a, u->again_unverified);
}

static void
on_stored(uint64_t id, struct span payload, void *arg)
{
	struct net *n = arg;
	struct advice a;

	for (size_t i = 0; i < n->nunstored; i++) {
		struct unstored u = n->unstored[i];

		if (u.id != id)
			continue;
		n->unstored[i] = n->unstored[--n->nunstored];
		if (!advice_decode(&a, payload))
			bug("malformed advice from the store");
		apply_advice(n, &u, &a);
		advice_release(&a);
		break;
	}
	if (n->stopping && pipeline_pending(n->pipeline) == 0)
		event_base_loopbreak(n->base);
	net_pump(n);
}

static int64_t
start_spread(const struct net *n)
{
	int64_t spread = n->config->interval * 1000;

	if (n->once)
		return 0;
	return spread < SPREAD_MAX ? spread : SPREAD_MAX;
}

static void
on_resumed(struct span payload, void *arg)
{
	struct net *n = arg;
	struct resume r;

	if (n->started)
		return;
	if (!resume_decode(&r, payload))
		bug("malformed resume message from the store");
	pipeline_start_ids(n->pipeline, r.last_id + 1);
	watchlist_resume(n->watchlist, &r, monotonic_us(), instant_now(),
	    start_spread(n));
	resume_release(&r);
	n->started = true;
	n->last_tick = monotonic_us();
	net_pump(n);
}

static void
on_room(void *arg)
{
	struct net *n = arg;

	event_active(n->due_timer, EV_TIMEOUT, 1);
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
	watchlist_load(n->watchlist, config, monotonic_us(), start_spread(n));
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

static void
on_parent_closed(struct channel *ch, void *arg)
{
	(void)ch;
	(void)arg;
	exit(0); /* nothing can be stored or said any more */
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
	watchlist_load(n->watchlist, c, monotonic_us(), start_spread(n));
}

static struct event_base *
precise_base(void)
{
	struct event_config *ec = event_config_new();
	struct event_base *base;

	event_config_set_flag(ec, EVENT_BASE_FLAG_PRECISE_TIMER);
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
	    on_parent_closed, NULL, n};
	struct pipeline_handler from_pipeline = {on_stored, on_resumed, on_room,
	    n};
	struct timeval second = {TICK_SECONDS, 0};
	bool best_effort = s->config->sandbox_best_effort;

	digest_init();
	n->base = precise_base();
	net_open(n, s);
	n->due_timer = evtimer_new(n->base, on_due, n);
	n->stop_timer = evtimer_new(n->base, on_stop_timer, n);
	n->tick_timer = event_new(n->base, -1, EV_PERSIST, on_tick, n);
	n->last_tick = monotonic_us();
	n->clock_offset = wall_offset();
	n->boot_offset = suspend_offset();
	if (!sandbox_net(best_effort) ||
	    !connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	n->parent = channel_adopt(n->base, parent, &from_parent);
	process_log_to_channel(n->parent);
	n->pipeline = pipeline_new(n->base, ROLE_NET, n->parent, &n->bodies,
	    &from_pipeline);
	n->sniff = net_sniff_new(n->base, &n->bodies, on_sniffed, n);
	for (size_t i = 0; i < s->npeers; i++)
		set_peer(n, &s->peers[i]);
	event_add(n->tick_timer, &second);
	event_base_dispatch(n->base);
	net_close(n);
	free(n);
	return 0;
}

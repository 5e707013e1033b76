/* Looks: started when they are due, handed on when they ended, planned anew
 * when they are stored. */
#include "net.h"

#include <event2/event.h>
#include <stdlib.h>

#include "instant.h"
#include "limit.h"

#define SPREAD_MAX	 (120 * SECOND) /* first looks after a start */
#define VALIDATOR_ROUNDS 10  /* conditional looks before a full one */
#define SAME_ROUNDS	 100 /* looks without analysis before a full one */
#define RETRY_AFTER_MAX	 (86400 * SECOND)
#define ROBOTS_PAGE	 "robots"

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

/* Seconds: false when it is no number; one of any length counts. */
static bool
read_delay(struct span value, int64_t *us)
{
	uint64_t seconds;

	for (size_t i = 0; i < value.n; i++)
		if (!ascii_digit(value.p[i]))
			return false;
	if (value.n == 0)
		return false;
	*us = span_u64(value, &seconds) && seconds < RETRY_AFTER_MAX / SECOND
	    ? (int64_t)seconds * SECOND
	    : RETRY_AFTER_MAX;
	return true;
}

/* Retry-After (RFC 9110 section 10.2.3): seconds or a date. */
static void
heed_retry_after(struct net *n, struct watched *w, const struct hop *h)
{
	struct span value = header_value(buf_span(&h->headers), "retry-after");
	int64_t at, now = monotonic_us();

	if ((h->status != 429 && h->status != 503) || value.p == NULL)
		return;
	if (read_delay(value, &at))
		at += now;
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
void
net_on_sniffed(struct observation *o, void *user, void *arg)
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

	net_clock_check(n, false);
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

void
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

int64_t
net_start_spread(const struct net *n)
{
	int64_t spread = n->config->interval * 1000;

	if (n->once)
		return 0;
	return spread < SPREAD_MAX ? spread : SPREAD_MAX;
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

void
net_on_stored(uint64_t id, struct span payload, void *arg)
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

void
net_on_resumed(struct span payload, void *arg)
{
	struct net *n = arg;
	struct resume r;

	if (n->started)
		return;
	if (!resume_decode(&r, payload))
		bug("malformed resume message from the store");
	pipeline_start_ids(n->pipeline, r.last_id + 1);
	watchlist_resume(n->watchlist, &r, monotonic_us(), instant_now(),
	    net_start_spread(n));
	resume_release(&r);
	n->started = true;
	n->last_tick = monotonic_us();
	net_pump(n);
}

void
net_on_room(void *arg)
{
	struct net *n = arg;

	event_active(n->due_timer, EV_TIMEOUT, 1);
}

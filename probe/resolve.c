/*
 * Names to addresses by c-ares, which only the files resolve* include.
 *
 * c-ares is used below its own server fail-over: with ARES_FLAG_NOCHECKRESP
 * every rcode reaches us as it came, and we go on to the next server
 * ourselves, so that SERVFAIL, REFUSED and silence stay apart.  At most
 * DNS_IN_FLIGHT questions are out at once: larger bursts lose answers.
 */
#include "network.h"

#include <ares.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "instant.h"
#include "limit.h"
#include "resolve_reply.h"
#include "resolve_server.h"
#include "zone_turns.h"

struct resolver {
	struct name_servers *servers;
	TAILQ_HEAD(queries, resolver_query) waiting;
	unsigned in_flight;
	struct event *start_event;
	bool freeing;
	struct zone_turns *zones;
};

/* The questions of a look-up.  The last is for the zone, not for the host;
 * whatever becomes of it, the look-up succeeds or fails by the others. */
enum { QUESTION_A, QUESTION_AAAA, QUESTION_NS, QUESTIONS };
#define ADDRESS_QUESTIONS QUESTION_NS

struct question {
	struct resolver_query *query;
	enum dns_type type;
	bool wanted;
	bool done;
	int status; /* ARES_* of the last try */
	int rcode;
	size_t server;
	struct server *stream; /* the answer was truncated: over TCP */
};

struct resolver_query {
	TAILQ_ENTRY(resolver_query) next;
	struct resolver *resolver;
	struct dns_lookup lookup;
	struct question questions[QUESTIONS];
	char *zone; /* for the last question; NULL: not asked */
	int64_t start_us;
	resolver_done *done;
	void *arg;
	bool queued; /* in `waiting` */
	bool cancelled;
};

static void ask(struct question *);
static void on_start(evutil_socket_t, short, void *);

struct resolver *
resolver_new(struct event_base *base, char *const *servers, size_t n,
    int64_t timeout_ms)
{
	struct resolver *r = xcalloc(1, sizeof *r);

	r->servers = name_servers_new(base, servers, n, timeout_ms);
	r->zones = zone_turns_new();
	TAILQ_INIT(&r->waiting);
	r->start_event = event_new(base, -1, 0, on_start, r);
	return r;
}

static void
query_free(struct resolver_query *q)
{
	dns_lookup_release(&q->lookup);
	free(q->zone);
	free(q);
}

void
resolver_free(struct resolver *r)
{
	struct resolver_query *q;

	if (r == NULL)
		return;
	r->freeing = true;
	while ((q = TAILQ_FIRST(&r->waiting)) != NULL) {
		TAILQ_REMOVE(&r->waiting, q, next);
		query_free(q);
	}
	name_servers_free(r->servers);
	event_free(r->start_event);
	zone_turns_free(r->zones);
	free(r);
}

static bool
has_address(const struct dns_lookup *d)
{
	for (size_t i = 0; i < d->nrecords; i++)
		if (dns_record_is_address(&d->records[i]))
			return true;
	return false;
}

static enum failure
question_failure(const struct question *x)
{
	switch (x->status) {
	case ARES_ENODATA:
		return FAILURE_DNS_NO_ANSWER;
	case ARES_ENOTFOUND:
		return FAILURE_DNS_NXDOMAIN;
	case ARES_ESERVFAIL:
		return FAILURE_DNS_SERVFAIL;
	case ARES_EREFUSED:
		return FAILURE_DNS_REFUSED;
	case ARES_ETIMEOUT:
		return FAILURE_TIMEOUT;
	case ARES_ECONNREFUSED:
		return FAILURE_CONNECTION_REFUSED;
	default:
		return FAILURE_DNS_MISBEHAVING;
	}
}

/* Of two failed questions the one that says more: a name that does not exist
 * has neither type; "no such record" yields to trouble. */
static enum failure
query_failure(const struct resolver_query *q)
{
	enum failure failure = FAILURE_NONE;

	if (has_address(&q->lookup))
		return FAILURE_NONE;
	for (size_t i = 0; i < ADDRESS_QUESTIONS; i++) {
		enum failure f;

		if (!q->questions[i].wanted)
			continue;
		f = question_failure(&q->questions[i]);
		if (failure == FAILURE_NONE || failure == FAILURE_DNS_NO_ANSWER)
			failure = f;
	}
	return failure == FAILURE_NONE ? FAILURE_DNS_NO_ANSWER : failure;
}

static void
query_finish(struct resolver_query *q)
{
	struct resolver *r = q->resolver;
	struct dns_lookup d;

	if (q->lookup.end_us == MARK_NONE)
		q->lookup.end_us = monotonic_us() - q->start_us;
	for (size_t i = 0; i < ADDRESS_QUESTIONS; i++)
		if (q->questions[i].wanted && q->questions[i].rcode >= 0 &&
		    q->lookup.rcode <= 0)
			q->lookup.rcode = q->questions[i].rcode;
	if (!q->cancelled) {
		enum failure f = query_failure(q);

		d = q->lookup;
		memset(&q->lookup, 0, sizeof q->lookup);
		q->done(&d, f, q->arg);
	}
	query_free(q);
	event_active(r->start_event, EV_TIMEOUT, 1);
}

static int
status_rcode(int status, const unsigned char *reply, int n)
{
	if (reply != NULL && n >= 4)
		return reply[3] & 0x0f;
	return status == ARES_ENOTFOUND ? 3 : -1;
}

static bool
is_truncated(const unsigned char *reply, int n)
{
	return reply != NULL && n >= 4 && (reply[2] & 0x02) != 0;
}

static bool
next_server_may_know(int status)
{
	return status != ARES_SUCCESS && status != ARES_ENODATA &&
	    status != ARES_ENOTFOUND && status != ARES_ECANCELLED;
}

static bool
is_done(const struct resolver_query *q, size_t questions)
{
	for (size_t i = 0; i < questions; i++)
		if (!q->questions[i].done)
			return false;
	return true;
}

static void
on_reply(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	struct question *x = arg;
	struct resolver_query *q = x->query;
	struct resolver *r = q->resolver;

	(void)timeouts;
	r->in_flight--;
	if (r->freeing || status == ARES_EDESTRUCTION) {
		x->done = true;
		if (is_done(q, QUESTIONS))
			query_free(q);
		return;
	}
	if (x->stream != NULL) {
		name_servers_stream_over(x->stream);
		/* It said "over TCP", and there it hangs up. */
		if (status == ARES_ECONNREFUSED)
			status = ARES_EBADRESP;
	} else if (!q->cancelled && is_truncated(reply, n)) {
		x->stream = name_servers_stream(r->servers, x->server);
		ask(x);
		return;
	}
	status = resolve_status(status, reply, n);
	x->rcode = status_rcode(status, reply, n);
	if (status == ARES_SUCCESS)
		status = resolve_reply(&q->lookup, x->type, reply, n);
	x->status = status;
	if (x->type != DNS_NS &&
	    (status == ARES_SUCCESS || status == ARES_ENODATA ||
		status == ARES_ENOTFOUND || q->lookup.server == NULL)) {
		free(q->lookup.server);
		q->lookup.server =
		    xstrdup(name_servers_text(r->servers, x->server));
	}
	if (!q->cancelled && next_server_may_know(status) &&
	    x->server + 1 < name_servers_count(r->servers)) {
		x->server++;
		x->stream = NULL;
		ask(x);
		return;
	}
	x->done = true;
	if (x->type == DNS_NS && !next_server_may_know(status) &&
	    status != ARES_ECANCELLED)
		zone_answered(r->zones, span_of(q->zone), monotonic_us());
	/* Who serves the zone is not what the look waits for. */
	if (q->lookup.end_us == MARK_NONE && is_done(q, ADDRESS_QUESTIONS))
		q->lookup.end_us = monotonic_us() - q->start_us;
	if (is_done(q, QUESTIONS))
		query_finish(q);
}

static void
ask(struct question *x)
{
	struct resolver *r = x->query->resolver;

	r->in_flight++;
	name_servers_ask(r->servers, x->server, x->stream,
	    x->type == DNS_NS ? x->query->zone : x->query->lookup.host, x->type,
	    on_reply, x);
}

static void
query_start(struct resolver_query *q)
{
	struct resolver *r = q->resolver;
	size_t left = 0;

	q->lookup.start_us = monotonic_us() - q->start_us;
	if (name_servers_count(r->servers) == 0) {
		q->questions[0].status = ARES_ECONNREFUSED;
		query_finish(q);
		return;
	}
	for (size_t i = 0; i < QUESTIONS; i++) {
		q->questions[i].done = !q->questions[i].wanted;
		left += q->questions[i].wanted;
	}
	/* The query may end, and be freed, in the last call. */
	for (size_t i = QUESTIONS; left > 0 && i-- > 0;)
		if (q->questions[i].wanted) {
			left--;
			ask(&q->questions[i]);
		}
}

static void
on_start(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct resolver_query *q;

	(void)fd;
	(void)what;
	while (r->in_flight + QUESTIONS <= DNS_IN_FLIGHT &&
	    (q = TAILQ_FIRST(&r->waiting)) != NULL) {
		TAILQ_REMOVE(&r->waiting, q, next);
		q->queued = false;
		query_start(q);
	}
	name_servers_send(r->servers);
}

struct resolver_query *
resolver_lookup(struct resolver *r, const char *host,
    const struct resolver_wants *w, int64_t start_us, resolver_done *done,
    void *arg)
{
	struct resolver_query *q = xcalloc(1, sizeof *q);

	q->resolver = r;
	q->lookup.host = xstrdup(host);
	q->lookup.rcode = -1;
	q->lookup.end_us = MARK_NONE;
	q->lookup.start_us = MARK_NONE;
	q->start_us = start_us;
	q->done = done;
	q->arg = arg;
	if (w->name_servers)
		q->zone = span_dup(
		    zone_turn(r->zones, span_of(host), monotonic_us()));
	q->questions[QUESTION_A] =
	    (struct question){q, DNS_A, w->ipv4, false, 0, -1, 0, NULL};
	q->questions[QUESTION_AAAA] =
	    (struct question){q, DNS_AAAA, w->ipv6, false, 0, -1, 0, NULL};
	q->questions[QUESTION_NS] = (struct question){q, DNS_NS,
	    q->zone != NULL, false, 0, -1, 0, NULL};
	q->queued = true;
	TAILQ_INSERT_TAIL(&r->waiting, q, next);
	event_active(r->start_event, EV_TIMEOUT, 1);
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	if (q == NULL)
		return;
	if (!q->queued) {
		q->cancelled = true; /* freed when its last answer comes */
		return;
	}
	TAILQ_REMOVE(&q->resolver->waiting, q, next);
	query_free(q);
}

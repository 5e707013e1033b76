/*
 * Names to addresses by c-ares, the only file that includes it.
 *
 * c-ares is used below its own server fail-over: with ARES_FLAG_NOCHECKRESP
 * every rcode reaches us as it came, and we go on to the next server
 * ourselves, so that SERVFAIL, REFUSED and silence stay apart.  One channel a
 * server, so that it is known who answered.  At most DNS_IN_FLIGHT questions
 * are out at once: larger bursts lose answers.
 *
 * An answer that says it is truncated is asked for again over TCP, alone in a
 * channel: when such a connection breaks c-ares counts it as a failed try of
 * every question that is out on the channel.
 */
#include "network.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "instant.h"
#include "limit.h"
#include "log.h"
#include "url.h"
#include "zone_turns.h"

#define SERVERS_MAX 8
#define SOCKETS_MAX (2 * SERVERS_MAX * 64)
#define TRIES	    2
#define CLASS_IN    1
#define TYPE_A	    1
#define TYPE_NS	    2
#define TYPE_AAAA   28

struct server {
	struct resolver *owner;
	ares_channel channel;
	char *text; /* "192.0.2.53:53" */
	struct ares_addr_port_node node;
	struct event *timer;
	bool busy; /* one over TCP that has its question */
};

struct watch {
	struct server *server;
	ares_socket_t fd;
	struct event *event;
};

struct resolver {
	struct event_base *base;
	struct server servers[SERVERS_MAX];
	size_t nservers;
	struct server **streams; /* over TCP, made when needed, kept */
	size_t nstreams;
	size_t streams_cap;
	int64_t timeout_ms;
	struct watch watches[SOCKETS_MAX];
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
	int type;
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

static void
server_rearm(struct server *s)
{
	struct timeval tv, *next = ares_timeout(s->channel, NULL, &tv);

	if (next == NULL)
		event_del(s->timer);
	else
		event_add(s->timer, next);
}

static void
on_server_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	server_rearm(s);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct server *s = w->server;
	ares_socket_t sock = (ares_socket_t)fd;

	ares_process_fd(s->channel, (what & EV_READ) ? sock : ARES_SOCKET_BAD,
	    (what & EV_WRITE) ? sock : ARES_SOCKET_BAD);
	server_rearm(s);
}

static struct watch *
watch_slot(struct server *s, ares_socket_t fd)
{
	struct watch *unused = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct watch *w = &s->owner->watches[i];

		if (w->event != NULL && w->server == s && w->fd == fd)
			return w;
		if (w->event == NULL && unused == NULL)
			unused = w;
	}
	return unused;
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct server *s = arg;
	struct watch *w = watch_slot(s, fd);
	short what =
	    (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (w == NULL) {
		log_error("too many DNS sockets");
		return;
	}
	if (w->event != NULL)
		event_free(w->event);
	w->event = NULL;
	if (what == 0)
		return;
	w->server = s;
	w->fd = fd;
	w->event = event_new(s->owner->base, fd, (short)(what | EV_PERSIST),
	    on_socket, w);
	event_add(w->event, NULL);
}

/* "addr", "addr:port", "[addr]:port" into a c-ares server node. */
static bool
server_parse(const char *text, struct ares_addr_port_node *node)
{
	struct span host = span_of(text), port = SPAN_NULL;
	char host_text[ADDRESS_TEXT_MAX];
	struct address a;
	uint64_t number = 53;
	size_t at;

	memset(node, 0, sizeof *node);
	if (span_starts(host, "[")) {
		at = span_find(host, ']');
		port = span_slice(host, at + 1, host.n);
		host = span_slice(host, 1, at - 1);
		if (port.n > 0)
			port = span_slice(port, 1, port.n);
	} else if (span_find(host, '.') < host.n) {
		at = span_find(host, ':');
		port = span_slice(host, at + 1, host.n);
		host = span_slice(host, 0, at);
	}
	if (host.n >= sizeof host_text ||
	    (port.n > 0 && (!span_u64(port, &number) || number > 65535)))
		return false;
	memcpy(host_text, host.p, host.n);
	host_text[host.n] = '\0';
	if (!address_parse(&a, host_text, 0))
		return false;
	node->family = a.u.sa.sa_family;
	node->udp_port = node->tcp_port = (int)number;
	if (node->family == AF_INET)
		node->addr.addr4 = a.u.v4.sin_addr;
	else
		memcpy(&node->addr.addr6, &a.u.v6.sin6_addr, 16);
	return true;
}

static void
server_open(struct resolver *r, struct server *s, const char *text, int flags)
{
	struct ares_options options = {0};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS;
	int rc;

	options.flags = flags | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES;
	/* The second try waits twice as long as the first. */
	options.timeout = (int)(r->timeout_ms / 3);
	options.tries = TRIES;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = s;
	options.lookups = (char *)"b";
	s->owner = r;
	rc = ares_init_options(&s->channel, &options, mask);
	if (rc == ARES_SUCCESS)
		rc = ares_set_servers_ports(s->channel, &s->node);
	if (rc != ARES_SUCCESS)
		fatal("cannot set up DNS: %s", ares_strerror(rc));
	s->text = xstrdup(text);
	s->timer = evtimer_new(r->base, on_server_timer, s);
}

static void
server_close(struct server *s)
{
	ares_destroy(s->channel);
	event_free(s->timer);
	free(s->text);
}

static void
server_add(struct resolver *r, const char *text)
{
	struct server *s = &r->servers[r->nservers];

	if (!server_parse(text, &s->node)) {
		log_error("name server '%s' is not an address", text);
		return;
	}
	server_open(r, s, text, ARES_FLAG_STAYOPEN | ARES_FLAG_IGNTC);
	r->nservers++;
}

/* One to the same server that has no question; no more than DNS_IN_FLIGHT
 * have one. */
static struct server *
stream_take(struct resolver *r, const struct server *of)
{
	struct server *s;

	for (size_t i = 0; i < r->nstreams; i++) {
		s = r->streams[i];
		if (!s->busy && strcmp(s->text, of->text) == 0)
			goto out;
	}
	s = xcalloc(1, sizeof *s);
	s->node = of->node;
	server_open(r, s, of->text, ARES_FLAG_USEVC);
	r->streams = xgrow(r->streams, &r->streams_cap, r->nstreams + 1,
	    sizeof *r->streams);
	r->streams[r->nstreams++] = s;
out:
	s->busy = true;
	return s;
}

static void on_start(evutil_socket_t, short, void *);

struct resolver *
resolver_new(struct event_base *base, char *const *servers, size_t n,
    int64_t timeout_ms)
{
	struct resolver *r = xcalloc(1, sizeof *r);
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	if (rc != ARES_SUCCESS)
		fatal("cannot set up DNS: %s", ares_strerror(rc));
	r->zones = zone_turns_new();
	r->base = base;
	r->timeout_ms = timeout_ms;
	TAILQ_INIT(&r->waiting);
	r->start_event = event_new(base, -1, 0, on_start, r);
	for (size_t i = 0; i < n && r->nservers < SERVERS_MAX; i++)
		server_add(r, servers[i]);
	if (r->nservers == 0)
		log_warn("no name server is configured or found in "
			 "/etc/resolv.conf; set name_servers");
	return r;
}

static void
query_free(struct resolver_query *q)
{
	for (size_t i = 0; i < q->lookup.nrecords; i++) {
		free(q->lookup.records[i].type);
		free(q->lookup.records[i].value);
	}
	free(q->lookup.records);
	free(q->lookup.host);
	free(q->lookup.server);
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
	for (size_t i = 0; i < r->nservers; i++)
		server_close(&r->servers[i]);
	for (size_t i = 0; i < r->nstreams; i++) {
		server_close(r->streams[i]);
		free(r->streams[i]);
	}
	free(r->streams);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (r->watches[i].event != NULL)
			event_free(r->watches[i].event);
	event_free(r->start_event);
	ares_library_cleanup();
	zone_turns_free(r->zones);
	free(r);
}

static void
record_add(struct dns_lookup *d, const char *type, const char *value, int ttl)
{
	if (d->nrecords == DNS_ANSWERS_MAX)
		return;
	d->records =
	    xreallocarray(d->records, d->nrecords + 1, sizeof *d->records);
	d->records[d->nrecords++] = (struct dns_record){xstrdup(type),
	    xstrdup(value), ttl < 0 ? 0 : (uint32_t)ttl};
}

static void
aliases_add(struct dns_lookup *d, const struct hostent *host)
{
	if (host == NULL || host->h_aliases == NULL ||
	    host->h_aliases[0] == NULL)
		return;
	for (size_t i = 0; i < d->nrecords; i++)
		if (strcmp(d->records[i].type, "CNAME") == 0)
			return; /* the other question has told already */
	record_add(d, "CNAME", host->h_name, 0);
}

static int
take_a(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct ares_addrttl list[DNS_ANSWERS_MAX];
	struct hostent *host = NULL;
	char text[ADDRESS_TEXT_MAX];
	int count = DNS_ANSWERS_MAX;
	int rc = ares_parse_a_reply(reply, n, &host, list, &count);

	if (rc == ARES_SUCCESS)
		aliases_add(d, host);
	for (int i = 0; rc == ARES_SUCCESS && i < count; i++) {
		inet_ntop(AF_INET, &list[i].ipaddr, text, sizeof text);
		record_add(d, "A", text, list[i].ttl);
	}
	if (host != NULL)
		ares_free_hostent(host);
	return rc == ARES_SUCCESS && count == 0 ? ARES_ENODATA : rc;
}

static int
take_aaaa(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct ares_addr6ttl list[DNS_ANSWERS_MAX];
	struct hostent *host = NULL;
	char text[ADDRESS_TEXT_MAX];
	int count = DNS_ANSWERS_MAX;
	int rc = ares_parse_aaaa_reply(reply, n, &host, list, &count);

	if (rc == ARES_SUCCESS)
		aliases_add(d, host);
	for (int i = 0; rc == ARES_SUCCESS && i < count; i++) {
		inet_ntop(AF_INET6, &list[i].ip6addr, text, sizeof text);
		record_add(d, "AAAA", text, list[i].ttl);
	}
	if (host != NULL)
		ares_free_hostent(host);
	return rc == ARES_SUCCESS && count == 0 ? ARES_ENODATA : rc;
}

/* A name that can be kept in a list of words. */
static bool
is_plain_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strlen(name);

	return n > 0 && n <= HOST_MAX_LEN && strspn(name, plain) == n;
}

static int
take_ns(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct hostent *host = NULL;
	int rc = ares_parse_ns_reply(reply, n, &host);

	for (char **name = rc == ARES_SUCCESS ? host->h_aliases : NULL;
	     name != NULL && *name != NULL; name++)
		if (is_plain_name(*name))
			record_add(d, "NS", *name, 0);
	if (host != NULL)
		ares_free_hostent(host);
	return rc;
}

static int
take_reply(struct dns_lookup *d, int type, const unsigned char *reply, int n)
{
	switch (type) {
	case TYPE_A:
		return take_a(d, reply, n);
	case TYPE_AAAA:
		return take_aaaa(d, reply, n);
	default:
		return take_ns(d, reply, n);
	}
}

static bool
has_address(const struct dns_lookup *d)
{
	for (size_t i = 0; i < d->nrecords; i++)
		if (d->records[i].type[0] == 'A')
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
		x->stream->busy = false;
		/* It said "over TCP", and there it hangs up. */
		if (status == ARES_ECONNREFUSED)
			status = ARES_EBADRESP;
	} else if (!q->cancelled && is_truncated(reply, n)) {
		x->stream = stream_take(r, &r->servers[x->server]);
		ask(x);
		return;
	}
	x->rcode = status_rcode(status, reply, n);
	if (status == ARES_SUCCESS)
		status = take_reply(&q->lookup, x->type, reply, n);
	x->status = status;
	if (x->type != TYPE_NS &&
	    (status == ARES_SUCCESS || status == ARES_ENODATA ||
		status == ARES_ENOTFOUND || q->lookup.server == NULL)) {
		free(q->lookup.server);
		q->lookup.server = xstrdup(r->servers[x->server].text);
	}
	if (!q->cancelled && next_server_may_know(status) &&
	    x->server + 1 < r->nservers) {
		x->server++;
		x->stream = NULL;
		ask(x);
		return;
	}
	x->done = true;
	if (x->type == TYPE_NS && !next_server_may_know(status) &&
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
	struct server *s =
	    x->stream != NULL ? x->stream : &r->servers[x->server];

	r->in_flight++;
	ares_query(s->channel,
	    x->type == TYPE_NS ? x->query->zone : x->query->lookup.host,
	    CLASS_IN, x->type, on_reply, x);
	server_rearm(s);
}

static void
query_start(struct resolver_query *q)
{
	struct resolver *r = q->resolver;
	size_t left = 0;

	q->lookup.start_us = monotonic_us() - q->start_us;
	if (r->nservers == 0) {
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
}

/* The zone of a host when it is to be asked about; NULL. */
static char *
zone_due(struct resolver *r, const char *host)
{
	struct span site = host_site(span_of(host));

	return zone_turn(r->zones, site, monotonic_us()) ? span_dup(site)
							 : NULL;
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
	q->zone = w->name_servers ? zone_due(r, host) : NULL;
	q->questions[QUESTION_A] =
	    (struct question){q, TYPE_A, w->ipv4, false, 0, -1, 0, NULL};
	q->questions[QUESTION_AAAA] =
	    (struct question){q, TYPE_AAAA, w->ipv6, false, 0, -1, 0, NULL};
	q->questions[QUESTION_NS] = (struct question){q, TYPE_NS,
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

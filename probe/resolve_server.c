/*
 * The name servers, and the channels of c-ares to them on libevent.
 *
 * One channel a server, so that it is known who answered.  An answer that
 * says it is truncated is asked for again over TCP, alone in a channel: when
 * such a connection breaks c-ares counts it as a failed try of every question
 * that is out on the channel.
 */
#include "resolve_server.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instant.h"
#include "log.h"
#include "network.h"
#include "resolve_send.h"

#define SERVERS_MAX 8
#define SOCKETS_MAX (2 * SERVERS_MAX * 64)
#define TRIES	    2
#define CLASS_IN    1
#define IDS_AT_ONCE 64

struct server {
	struct name_servers *owner;
	ares_channel channel;
	char *text; /* "192.0.2.53:53" */
	struct ares_addr_port_node node;
	struct event *timer;
	int64_t timer_us; /* when it fires, if it is pending */
	bool busy;	  /* one over TCP that has its question */
};

struct watch {
	struct server *server;
	ares_socket_t fd;
	struct event *event;
};

struct name_servers {
	struct event_base *base;
	struct server servers[SERVERS_MAX];
	size_t nservers;
	struct server **streams; /* over TCP, made when needed, kept */
	size_t nstreams;
	size_t streams_cap;
	int64_t timeout_ms;
	uint16_t ids[IDS_AT_ONCE]; /* of the next questions */
	size_t nids;
	struct outbox out; /* by UDP */
	struct watch watches[SOCKETS_MAX];
};

static void
server_rearm(struct server *s)
{
	struct timeval tv, *next = ares_timeout(s->channel, NULL, &tv);

	if (next == NULL) {
		event_del(s->timer);
		return;
	}
	s->timer_us = monotonic_us() + (int64_t)next->tv_sec * 1000000 +
	    (int64_t)next->tv_usec;
	event_add(s->timer, next);
}

/* The first try waits for this long, the second twice as long. */
static int
first_timeout(const struct name_servers *ns)
{
	return (int)(ns->timeout_ms / 3);
}

/* After each question: one timer that comes too early costs less than one
 * that is set anew each time. */
static void
server_arm(struct server *s)
{
	int64_t due = monotonic_us() + first_timeout(s->owner) * INT64_C(1000);

	if (!evtimer_pending(s->timer, NULL) || s->timer_us > due)
		server_rearm(s);
}

void
name_servers_send(struct name_servers *ns)
{
	int fd;

	while ((fd = outbox_send(&ns->out)) >= 0) {
		for (size_t i = 0; i < ns->nservers; i++)
			ares_process_fd(ns->servers[i].channel, fd,
			    ARES_SOCKET_BAD);
		outbox_forget(&ns->out, fd);
	}
}

static void
on_server_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	name_servers_send(s->owner);
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
	name_servers_send(s->owner);
	server_arm(s);
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
server_open(struct name_servers *ns, struct server *s, const char *text,
    int flags)
{
	struct ares_options options = {0};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS;
	int rc;

	options.flags = flags | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES;
	options.timeout = first_timeout(ns);
	options.tries = TRIES;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = s;
	options.lookups = (char *)"b";
	s->owner = ns;
	rc = ares_init_options(&s->channel, &options, mask);
	if (rc == ARES_SUCCESS)
		rc = ares_set_servers_ports(s->channel, &s->node);
	if (rc != ARES_SUCCESS)
		fatal("cannot set up DNS: %s", ares_strerror(rc));
	s->text = xstrdup(text);
	s->timer = evtimer_new(ns->base, on_server_timer, s);
}

static void
server_close(struct server *s)
{
	ares_destroy(s->channel);
	event_free(s->timer);
	free(s->text);
}

static void
server_add(struct name_servers *ns, const char *text)
{
	struct server *s = &ns->servers[ns->nservers];

	if (!server_parse(text, &s->node)) {
		log_error("name server '%s' is not an address", text);
		return;
	}
	/* Without ARES_FLAG_STAYOPEN: the next questions after all are answered
	 * come from another port, which a forger has to guess. */
	server_open(ns, s, text, ARES_FLAG_IGNTC);
	outbox_serve(&ns->out, s->channel);
	ns->nservers++;
}

struct server *
name_servers_stream(struct name_servers *ns, size_t server)
{
	const struct server *of = &ns->servers[server];
	struct server *s;

	for (size_t i = 0; i < ns->nstreams; i++) {
		s = ns->streams[i];
		if (!s->busy && strcmp(s->text, of->text) == 0)
			goto out;
	}
	s = xcalloc(1, sizeof *s);
	s->node = of->node;
	server_open(ns, s, of->text, ARES_FLAG_USEVC);
	ns->streams = xgrow(ns->streams, &ns->streams_cap, ns->nstreams + 1,
	    sizeof *ns->streams);
	ns->streams[ns->nstreams++] = s;
out:
	s->busy = true;
	return s;
}

void
name_servers_stream_over(struct server *s)
{
	s->busy = false;
}

struct name_servers *
name_servers_new(struct event_base *base, char *const *servers, size_t n,
    int64_t timeout_ms)
{
	struct name_servers *ns = xcalloc(1, sizeof *ns);
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	if (rc != ARES_SUCCESS)
		fatal("cannot set up DNS: %s", ares_strerror(rc));
	ns->base = base;
	ns->timeout_ms = timeout_ms;
	ns->out.failed = -1;
	for (size_t i = 0; i < n && ns->nservers < SERVERS_MAX; i++)
		server_add(ns, servers[i]);
	if (ns->nservers == 0)
		log_warn("no name server is configured or found in "
			 "/etc/resolv.conf; set name_servers");
	return ns;
}

void
name_servers_free(struct name_servers *ns)
{
	for (size_t i = 0; i < ns->nservers; i++)
		server_close(&ns->servers[i]);
	for (size_t i = 0; i < ns->nstreams; i++) {
		server_close(ns->streams[i]);
		free(ns->streams[i]);
	}
	free(ns->streams);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (ns->watches[i].event != NULL)
			event_free(ns->watches[i].event);
	ares_library_cleanup();
	free(ns);
}

size_t
name_servers_count(const struct name_servers *ns)
{
	return ns->nservers;
}

const char *
name_servers_text(const struct name_servers *ns, size_t server)
{
	return ns->servers[server].text;
}

/* Not c-ares's own: in a process that may open no file, /dev/urandom, those
 * come from rand() without a seed, the same each time. */
static uint16_t
next_id(struct name_servers *ns)
{
	if (ns->nids == 0) {
		if (getentropy(ns->ids, sizeof ns->ids) != 0)
			fatal("no random numbers: %s", strerror(errno));
		ns->nids = IDS_AT_ONCE;
	}
	return ns->ids[--ns->nids];
}

void
name_servers_ask(struct name_servers *ns, size_t server, struct server *stream,
    const char *name, int type, name_servers_reply *reply, void *arg)
{
	struct server *s = stream != NULL ? stream : &ns->servers[server];
	unsigned char *text = NULL;
	int n, rc;

	rc = ares_create_query(name, CLASS_IN, type, next_id(ns), 1, &text, &n,
	    0);
	if (rc == ARES_SUCCESS)
		ares_send(s->channel, text, n, reply, arg);
	else
		reply(arg, rc, 0, NULL, 0);
	ares_free_string(text);
	server_arm(s);
}

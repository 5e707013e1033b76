/*
 * One hop over HTTP by libcurl's socket interface on libevent: the only file
 * with libcurl.  The four callbacks between the two libraries do one thing
 * each; new transfers are never started inside them.
 *
 * What libcurl is not trusted with: resolving (the address is pinned),
 * redirects, content and transfer decoding, limits (counted here), and how
 * far a failed attempt came (own marks).
 */
#include "network.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "budget.h"
#include "fetch_end.h"
#include "http.h"
#include "instant.h"
#include "limit.h"
#include "log.h"

#define LOW_SPEED_BYTES 100L
#define LOW_SPEED_SECS	10L
#define RECEIVE_BUFFER	16384L
#define WAIT_BLAME_US	1000000 /* then a break may be the wait's fault */
#define IDLE_MAX	64L	/* handles kept for the next: 10 KiB each */

struct sock {
	TAILQ_ENTRY(sock) next;
	struct fetcher *owner;
	struct event event;
};

struct fetch {
	TAILQ_ENTRY(fetch) next;
	struct fetcher *owner;
	CURL *easy;
	struct curl_slist *connect_to;
	struct curl_slist *headers; /* its own; NULL: the usual ones */
	struct hop *hop;
	struct address address;
	bool pinned;	 /* no proxy: the peer must be `address` */
	bool asks_first; /* nothing goes over its connection before that */
	bool chunked;
	bool as_new; /* its handle: nothing of this transfer stays in it */
	struct fetch_end end;
	curl_socket_t fd;
	int64_t start_us;  /* of the visit */
	int64_t began_us;  /* of this transfer; later when it waited */
	int64_t paused_us; /* waits for the budget since; 0: does not */
	int64_t waited_us;
	int64_t timeout_us;
	size_t body_limit;
	size_t *charge; /* of the budget, by the whole visit */
	size_t charged; /* by this transfer */
	size_t wanted;	/* when it waits */
	struct budget_waiter waiter;
	struct event resume;
	struct event deadline;
	fetch_done *done;
	void *arg;
};

struct fetcher {
	struct event_base *base;
	struct fetch_settings settings;
	CURLM *multi;
	struct trust *trust;
	struct event timer;
	TAILQ_HEAD(fetches, fetch) fetches;
	TAILQ_HEAD(socks, sock) socks;
	struct fetch **of_fd; /* which has this socket; NULL: none */
	size_t nof_fd;
	struct curl_slist *usual; /* headers of most requests */
	CURL *idle[IDLE_MAX];	  /* their constants are set */
	size_t nidle;
	unsigned active;
};

static void fetch_finish(struct fetch *, CURLcode);

static int64_t
elapsed(const struct fetch *x)
{
	return monotonic_us() - x->start_us;
}

/* ---- between libcurl and libevent ---- */

static void
drain(struct fetcher *f)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left)) != NULL) {
		struct fetch *x;
		CURLcode result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		result = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x);
		fetch_finish(x, result);
	}
}

static void
action(struct fetcher *f, curl_socket_t fd, int bits)
{
	int running;
	CURLMcode rc = curl_multi_socket_action(f->multi, fd, bits, &running);

	if (rc != CURLM_OK && rc != CURLM_BAD_SOCKET)
		fatal("libcurl: %s", curl_multi_strerror(rc));
	drain(f);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	action(arg, CURL_SOCKET_TIMEOUT, 0);
}

static struct fetch *
fetch_of(struct fetcher *f, curl_socket_t fd)
{
	return fd >= 0 && (size_t)fd < f->nof_fd ? f->of_fd[fd] : NULL;
}

static void
forget_socket(struct fetch *x)
{
	if (fetch_of(x->owner, x->fd) == x)
		x->owner->of_fd[x->fd] = NULL;
	x->fd = CURL_SOCKET_BAD;
}

/* Of one that libcurl has closed and not yet told the end of, the socket
 * passes on. */
static void
keep_socket(struct fetch *x, curl_socket_t fd)
{
	struct fetcher *f = x->owner;
	size_t had = f->nof_fd;
	struct fetch *stale = fetch_of(f, fd);

	if (stale != NULL)
		stale->fd = CURL_SOCKET_BAD;
	f->of_fd = xgrow(f->of_fd, &f->nof_fd, (size_t)fd + 1, sizeof(x));
	for (; had < f->nof_fd; had++)
		f->of_fd[had] = NULL;
	f->of_fd[fd] = x;
	x->fd = fd;
}

static void
note_own_port(struct fetch *x, curl_socket_t fd)
{
	struct sockaddr_storage own = {0};
	socklen_t n = sizeof own;

	if (getsockname(fd, (struct sockaddr *)&own, &n) != 0)
		return;
	if (own.ss_family == AF_INET)
		x->hop->local_port =
		    ntohs(((struct sockaddr_in *)&own)->sin_port);
	else if (own.ss_family == AF_INET6)
		x->hop->local_port =
		    ntohs(((struct sockaddr_in6 *)&own)->sin6_port);
}

/* The first event on a socket that has a peer: TCP is connected.  Where the
 * request comes next, on_before_request() is called in the same turn. */
static void
note_connected(struct fetcher *f, curl_socket_t fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	struct fetch *x = fetch_of(f, fd);

	if (x == NULL || x->asks_first || x->hop->marks.tcp_done != MARK_NONE)
		return;
	if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0)
		x->hop->marks.tcp_done = elapsed(x);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *f = ((struct sock *)arg)->owner;
	int bits = ((what & EV_READ) ? CURL_CSELECT_IN : 0) |
	    ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);

	note_connected(f, fd);
	action(f, fd, bits); /* `arg` may be freed by now */
}

static int
curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
    void *sockp)
{
	struct fetcher *f = arg;
	struct sock *s = sockp;
	struct fetch *x;
	short bits = (short)(((what & CURL_POLL_IN) ? EV_READ : 0) |
	    ((what & CURL_POLL_OUT) ? EV_WRITE : 0));

	(void)easy;
	if (s != NULL)
		event_del(&s->event);
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			TAILQ_REMOVE(&f->socks, s, next);
			free(s);
		}
		return 0;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->owner = f;
		TAILQ_INSERT_TAIL(&f->socks, s, next);
		curl_multi_assign(f->multi, fd, s);
		/* connect() was called: it has a port, whatever comes. */
		if ((x = fetch_of(f, fd)) != NULL)
			note_own_port(x, fd);
	}
	event_assign(&s->event, f->base, fd, (short)(bits | EV_PERSIST),
	    on_socket, s);
	event_add(&s->event, NULL);
	return 0;
}

static int
curl_wants_timer(CURLM *multi, long ms, void *arg)
{
	struct fetcher *f = arg;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)multi;
	if (ms < 0)
		evtimer_del(&f->timer);
	else
		evtimer_add(&f->timer, &tv);
	return 0;
}

/* ---- what one transfer sees ---- */

static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct fetch *x = arg;
	curl_socket_t fd;

	(void)purpose;
	if (x->pinned && !policy_allows(x->owner->settings.policy, &to->addr)) {
		x->end.denied = true;
		return CURL_SOCKET_BAD;
	}
	x->hop->marks.tcp_start = elapsed(x);
	forget_socket(x);
	fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd >= 0)
		keep_socket(x, fd);
	return fd;
}

/* Connected, with TLS where wanted; the request goes out next. */
static int
on_before_request(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct fetch *x = arg;
	struct address a;
	struct curl_tlssessioninfo *tls = NULL;

	(void)own;
	(void)peer_port;
	if (x->asks_first)
		x->hop->marks.tcp_done = elapsed(x);
	if (x->pinned &&
	    (!address_parse(&a, peer, 0) ||
		!policy_allows(x->owner->settings.policy, &a.u.sa))) {
		x->end.denied = true;
		return CURL_PREREQFUNC_ABORT;
	}
	if (own_port > 0 && own_port <= 65535)
		x->hop->local_port = (uint16_t)own_port;
	if (curl_easy_getinfo(x->easy, CURLINFO_TLS_SSL_PTR, &tls) ==
		CURLE_OK &&
	    tls != NULL && tls->internals != NULL) {
		tls_describe(tls->internals, x->hop);
		x->hop->marks.tls_done = elapsed(x);
	}
	x->hop->marks.request_sent = elapsed(x);
	/* It shows the request as it is sent.  What it says before and after
	 * that would be put into words and thrown away. */
	curl_easy_setopt(x->easy, CURLOPT_VERBOSE, 1L);
	return CURL_PREREQFUNC_OK;
}

static int
on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
	struct fetch *x = arg;

	if (type != CURLINFO_HEADER_OUT)
		return 0;
	if (x->hop->request.len == 0)
		buf_add(&x->hop->request, data, n);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
	return 0;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *x = arg;
	struct hop *h = x->hop;
	struct span line = {data, size * n};

	if (h->marks.first_byte == MARK_NONE)
		h->marks.first_byte = elapsed(x);
	/* A new status line: what stood before was an interim response. */
	if (span_starts_i(line, "http/") && h->headers.len > 0 &&
	    span_ends_i(buf_span(&h->headers), "\n\r\n"))
		buf_clear(&h->headers);
	if (!buf_add_span(&h->headers, line)) {
		x->end.stopped = STOPPED_HEADERS;
		return 0;
	}
	if (span_starts_i(line, "transfer-encoding:") &&
	    span_search_i(line, "chunked") < line.n)
		x->chunked = true;
	return line.n;
}

static void
arm_deadline(struct fetch *x)
{
	int64_t us = x->began_us + x->timeout_us - monotonic_us();
	struct timeval tv = {us / 1000000, us % 1000000};

	if (us < 0)
		tv = (struct timeval){0, 0};
	evtimer_add(&x->deadline, &tv);
}

static void
charge(struct fetch *x, size_t n)
{
	x->charged += n;
	*x->charge += n;
}

/* The budget has room: goes on from the loop, not from whoever gave back. */
static void
on_granted(void *arg)
{
	struct fetch *x = arg;

	charge(x, x->wanted);
	event_active(&x->resume, EV_TIMEOUT, 1);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *x = arg;
	struct fetcher *f = x->owner;
	int64_t waited = monotonic_us() - x->paused_us;

	(void)fd;
	(void)what;
	x->paused_us = 0;
	x->waited_us += waited;
	x->began_us += waited;
	arm_deadline(x);
	curl_easy_pause(x->easy, CURLPAUSE_CONT);
	action(f, CURL_SOCKET_TIMEOUT, 0); /* `x` may be freed by now */
}

/* False: the transfer has to wait before it keeps so many bytes. */
static bool
may_keep(struct fetch *x, size_t len)
{
	struct budget *b = x->owner->settings.budget;
	size_t more;

	if (len <= BODY_FREE + x->charged)
		return true;
	more = len - BODY_FREE - x->charged;
	more = (more + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
	if (!budget_take(b, &x->waiter, *x->charge, more)) {
		x->wanted = more;
		x->paused_us = monotonic_us();
		evtimer_del(&x->deadline);
		return false;
	}
	charge(x, more);
	return true;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *x = arg;
	struct buf *body = &x->hop->body;
	size_t room = x->body_limit - body->len;

	n *= size;
	if (!may_keep(x, body->len + (n < room ? n : room)))
		return CURL_WRITEFUNC_PAUSE;
	if (n <= room && buf_add(body, data, n))
		return n;
	buf_add(body, data, room);
	x->end.stopped = STOPPED_BODY;
	return 0;
}

static CURLcode
on_ssl_ctx(CURL *easy, void *ctx, void *arg)
{
	struct fetch *x = arg;

	(void)easy;
	trust_apply(x->owner->trust, ctx, x->hop);
	tls_limit(ctx, &x->end.tls_messages);
	return CURLE_OK;
}

/* Not libcurl's: it counts waits for the budget, and has been seen not to
 * fire in this mode. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *x = arg;

	(void)fd;
	(void)what;
	x->end.stopped = STOPPED_DEADLINE;
	fetch_finish(x, CURLE_OPERATION_TIMEDOUT);
}

/* ---- how it ended ---- */

/* libcurl leaves chunk framing in place, so that what came is kept as it
 * came; the payload is taken out here. */
static void
remove_chunking(struct hop *h)
{
	struct http_head head = HTTP_HEAD_INIT;
	struct http_body body;
	struct buf payload = BUF_INIT(h->body.max);

	if (!http_parse_response(&head, buf_span(&h->headers)))
		return;
	http_body_response(&body, &head, SPAN("GET"));
	http_body_all(&body, buf_span(&h->body), &payload);
	buf_release(&h->wire);
	h->wire = h->body;
	h->body = payload;
	http_head_release(&head);
}

static void
read_info(struct fetch *x, struct hop *h)
{
	long value = 0;
	curl_off_t connected = 0;

	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &value);
	h->os_errno = (int)value;
	/* Connected and lost again before the loop saw it. */
	if (h->marks.tcp_done == MARK_NONE && h->marks.tcp_start != MARK_NONE &&
	    curl_easy_getinfo(x->easy, CURLINFO_CONNECT_TIME_T, &connected) ==
		CURLE_OK &&
	    connected > 0)
		h->marks.tcp_done = h->marks.tcp_start + connected;
	value = 0;
	curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &value);
	h->verify_result = value;
	value = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &value);
	h->status = (int)value;
	value = 0;
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &value);
	h->http_version = h->status == 0     ? 0
	    : value == CURL_HTTP_VERSION_1_0 ? 10
	    : value == CURL_HTTP_VERSION_1_1 ? 11
					     : 20;
}

static void
fetch_release(struct fetch *x)
{
	struct fetcher *f = x->owner;

	event_del(&x->deadline);
	event_del(&x->resume);
	budget_leave(f->settings.budget, &x->waiter);
	curl_multi_remove_handle(f->multi, x->easy);
	if (x->as_new && f->nidle < IDLE_MAX)
		f->idle[f->nidle++] = x->easy;
	else
		curl_easy_cleanup(x->easy);
	forget_socket(x);
	curl_slist_free_all(x->connect_to);
	curl_slist_free_all(x->headers);
	TAILQ_REMOVE(&f->fetches, x, next);
	f->active--;
	free(x);
}

/* A peer need not bear that we let it wait: such a break tells nothing. */
static void
blame_wait(const struct fetch *x, struct hop *h)
{
	if (x->waited_us > WAIT_BLAME_US &&
	    (h->failure == FAILURE_CONNECTION_RESET ||
		h->failure == FAILURE_EOF || h->failure == FAILURE_TIMED_OUT))
		h->outcome = OUTCOME_LOCAL_ERROR;
}

static void
fetch_finish(struct fetch *x, CURLcode rc)
{
	struct hop *h = x->hop;
	fetch_done *done = x->done;
	void *arg = x->arg;
	int64_t took = monotonic_us() - x->began_us;

	read_info(x, h);
	h->curl_code = (int)rc;
	h->marks.last_byte = elapsed(x);
	h->stage = fetch_stage(h);
	fetch_map(&x->end, h, (int)rc);
	blame_wait(x, h);
	/* A failure's errno and a certificate's fault would stay. */
	x->as_new =
	    rc == CURLE_OK && x->pinned && h->marks.tls_done == MARK_NONE;
	if (x->chunked && h->body.len > 0)
		remove_chunking(h);
	fetch_release(x);
	done(h, took, arg);
}

void
fetch_cancel(struct fetch *x)
{
	if (x == NULL)
		return;
	read_info(x, x->hop);
	x->hop->failure = FAILURE_INTERRUPTED;
	x->hop->stage = fetch_stage(x->hop);
	x->hop->body_cut = x->hop->body.len > 0;
	fetch_release(x);
}

/* ---- setting one up ---- */

#define SET(option, value)                                                     \
	do {                                                                   \
		CURLcode rc_ = curl_easy_setopt(x->easy, option, value);       \
		if (rc_ != CURLE_OK)                                           \
			fatal("libcurl %s lacks " #option ": %s",              \
			    curl_version(), curl_easy_strerror(rc_));          \
	} while (0)

static void
set_constants(struct fetch *x)
{
	const struct fetch_settings *s = &x->owner->settings;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP_TRANSFER_DECODING, 0L);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_timeout);
	SET(CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECS);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_PREREQFUNCTION, on_before_request);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_DEBUGFUNCTION, on_debug);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
}

/* What the callbacks are given. */
static void
set_owner(struct fetch *x)
{
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->end.error);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_DEBUGDATA, x);
	SET(CURLOPT_SSL_CTX_DATA, x);
}

static void
add_header(struct curl_slist **list, const char *name, const char *value)
{
	char *line;

	if (value == NULL)
		return;
	line = xasprintf("%s: %s", name, value);
	*list = curl_slist_append(*list, line);
	free(line);
}

/* The agent here and not as an option: that is put into words for each
 * transfer. */
static void
add_usual(struct curl_slist **list, const char *user_agent, bool plain)
{
	add_header(list, "User-Agent", user_agent);
	add_header(list, "Accept",
	    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
	add_header(list, "Accept-Encoding",
	    plain ? "identity" : "gzip, deflate, br");
}

static struct curl_slist *
headers_of(struct fetch *x, const struct fetch_request *r)
{
	if (!r->plain && r->etag == NULL && r->last_modified == NULL)
		return x->owner->usual;
	add_usual(&x->headers, x->owner->settings.user_agent, r->plain);
	add_header(&x->headers, "If-None-Match", r->etag);
	add_header(&x->headers, "If-Modified-Since", r->last_modified);
	return x->headers;
}

static void
set_request(struct fetch *x, const struct fetch_request *r)
{
	char text[ADDRESS_TEXT_MAX], *entry;
	bool v6;

	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_PROXY, r->proxy == NULL ? "" : r->proxy);
	SET(CURLOPT_SSL_VERIFYPEER, r->verify ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, r->verify ? 2L : 0L);
	SET(CURLOPT_HTTPHEADER, headers_of(x, r));
	/* One write and no more: nothing that could wait for another. */
	SET(CURLOPT_TCP_NODELAY, x->asks_first ? 0L : 1L);
	/* With a proxy, from the start: its CONNECT is the request. */
	SET(CURLOPT_VERBOSE, x->pinned ? 0L : 1L);
	if (!x->pinned) {
		/* For the CONNECT, which gets none of the other headers. */
		SET(CURLOPT_USERAGENT, x->owner->settings.user_agent);
		SET(CURLOPT_CONNECT_TO, NULL);
		SET(CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_WHATEVER);
		return;
	}
	v6 = r->address->u.sa.sa_family == AF_INET6;
	address_text(r->address, text);
	/* Not CURLOPT_RESOLVE: such entries stay in libcurl's cache for ever,
	 * and every look-up walks past them. */
	entry = xasprintf("::%s%s%s:", v6 ? "[" : "", text, v6 ? "]" : "");
	x->connect_to = curl_slist_append(NULL, entry);
	free(entry);
	SET(CURLOPT_CONNECT_TO, x->connect_to);
	SET(CURLOPT_IPRESOLVE,
	    (long)(v6 ? CURL_IPRESOLVE_V6 : CURL_IPRESOLVE_V4));
}

static void
take_handle(struct fetch *x)
{
	struct fetcher *f = x->owner;

	if (f->nidle > 0) {
		x->easy = f->idle[--f->nidle];
	} else {
		x->easy = curl_easy_init();
		if (x->easy == NULL)
			fatal("out of memory for a transfer");
		set_constants(x);
	}
	set_owner(x);
}

struct fetch *
fetch_start(struct fetcher *f, const struct fetch_request *r, struct hop *hop,
    fetch_done *done, void *arg)
{
	struct fetch *x = xcalloc(1, sizeof *x);
	char text[ADDRESS_TEXT_MAX];

	x->owner = f;
	x->hop = hop;
	x->start_us = r->start_us;
	x->began_us = monotonic_us();
	x->timeout_us = r->timeout_ms * 1000;
	x->body_limit = r->body_limit;
	x->charge = r->charge;
	x->waiter.granted = on_granted;
	x->waiter.arg = x;
	x->done = done;
	x->arg = arg;
	x->fd = CURL_SOCKET_BAD;
	x->pinned = r->proxy == NULL;
	x->asks_first = x->pinned && span_starts_i(span_of(r->url), "http:");
	hop->port = r->port;
	if (x->pinned) {
		x->address = *r->address;
		hop->address = xstrdup(address_text(r->address, text));
		hop->tried = xreallocarray(hop->tried, hop->ntried + 1,
		    sizeof *hop->tried);
		hop->tried[hop->ntried++] = xstrdup(text);
	}
	take_handle(x);
	set_request(x, r);
	TAILQ_INSERT_TAIL(&f->fetches, x, next);
	f->active++;
	evtimer_assign(&x->resume, f->base, on_resume, x);
	evtimer_assign(&x->deadline, f->base, on_deadline, x);
	arm_deadline(x);
	if (curl_multi_add_handle(f->multi, x->easy) != CURLM_OK)
		fatal("libcurl takes no more transfers");
	return x;
}

#undef SET

#define SETM(option, value)                                                    \
	do {                                                                   \
		CURLMcode rc_ = curl_multi_setopt(f->multi, option, value);    \
		if (rc_ != CURLM_OK)                                           \
			fatal("libcurl %s lacks " #option ": %s",              \
			    curl_version(), curl_multi_strerror(rc_));         \
	} while (0)

struct fetcher *
fetcher_new(struct event_base *base, const struct fetch_settings *settings)
{
	struct fetcher *f = xcalloc(1, sizeof *f);
	size_t count;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fatal("cannot set up libcurl");
	f->base = base;
	f->settings = *settings;
	TAILQ_INIT(&f->fetches);
	TAILQ_INIT(&f->socks);
	f->trust = trust_new(settings->ca_pem, &count);
	if (f->trust == NULL)
		fatal("no valid certificate in the CA bundle; install "
		      "ca-certificates or set ca_file");
	f->multi = curl_multi_init();
	if (f->multi == NULL)
		fatal("cannot set up libcurl");
	evtimer_assign(&f->timer, base, on_timer, f);
	SETM(CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	SETM(CURLMOPT_SOCKETDATA, f);
	SETM(CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	SETM(CURLMOPT_TIMERDATA, f);
	SETM(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	SETM(CURLMOPT_MAXCONNECTS, 1L);
	add_usual(&f->usual, settings->user_agent, false);
	return f;
}

void
fetcher_free(struct fetcher *f)
{
	struct fetch *x;

	if (f == NULL)
		return;
	while ((x = TAILQ_FIRST(&f->fetches)) != NULL)
		fetch_cancel(x);
	while (f->nidle > 0)
		curl_easy_cleanup(f->idle[--f->nidle]);
	curl_multi_cleanup(f->multi);
	if (!TAILQ_EMPTY(&f->socks))
		bug("libcurl left a socket behind");
	evtimer_del(&f->timer);
	trust_free(f->trust);
	curl_global_cleanup();
	curl_slist_free_all(f->usual);
	free(f->of_fd);
	free(f);
}

unsigned
fetcher_active(const struct fetcher *f)
{
	return f->active;
}

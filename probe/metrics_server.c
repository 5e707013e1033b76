#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "limit.h"
#include "log.h"
#include "metrics.h"

#define TIMEOUT_SECONDS	  10
#define REQUEST_BYTES_MAX 8192

struct metrics_server {
	struct evhttp *http;
	const struct metrics *metrics;
};

static bool
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void
on_metrics(struct evhttp_request *req, void *arg)
{
	struct metrics_server *s = arg;
	struct buf text = BUF_INIT(METRICS_BYTES_MAX);
	struct evbuffer *body = evhttp_request_get_output_buffer(req);

	metrics_render(s->metrics, &text);
	if (text.overflow) {
		evhttp_send_error(req, HTTP_INTERNAL, "too many targets");
	} else {
		evbuffer_add(body, text.data, text.len);
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Content-Type", "text/plain; version=0.0.4");
		evhttp_send_reply(req, HTTP_OK, "OK", NULL);
	}
	buf_release(&text);
}

struct metrics_server *
metrics_serve(struct event_base *base, const char *address,
    const struct metrics *m)
{
	struct metrics_server *s = xcalloc(1, sizeof *s);
	struct sockaddr_storage ss;
	int n = (int)sizeof ss;
	struct evhttp_bound_socket *bound = NULL;

	s->metrics = m;
	memset(&ss, 0, sizeof ss);
	if (evutil_parse_sockaddr_port(address, (void *)&ss, &n) != 0 ||
	    !is_loopback((void *)&ss)) {
		log_error("metrics: %s is not a loopback address and port",
		    log_quote_str(address));
		free(s);
		return NULL;
	}
	s->http = evhttp_new(base);
	if (s->http != NULL) {
		char host[64];
		const struct sockaddr_in *v4 = (const void *)&ss;
		const struct sockaddr_in6 *v6 = (const void *)&ss;
		bool six = ss.ss_family == AF_INET6;

		evutil_inet_ntop(ss.ss_family,
		    six ? (const void *)&v6->sin6_addr
			: (const void *)&v4->sin_addr,
		    host, sizeof host);
		bound = evhttp_bind_socket_with_handle(s->http, host,
		    ntohs(six ? v6->sin6_port : v4->sin_port));
	}
	if (bound == NULL) {
		log_error("metrics: cannot listen at %s",
		    log_quote_str(address));
		metrics_server_free(s);
		return NULL;
	}
	evhttp_set_timeout(s->http, TIMEOUT_SECONDS);
	evhttp_set_max_headers_size(s->http, REQUEST_BYTES_MAX);
	evhttp_set_max_body_size(s->http, REQUEST_BYTES_MAX);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_cb(s->http, "/metrics", on_metrics, s);
	return s;
}

void
metrics_server_free(struct metrics_server *s)
{
	if (s == NULL)
		return;
	if (s->http != NULL)
		evhttp_free(s->http);
	free(s);
}

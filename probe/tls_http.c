#include "tls_http.h"

#include <stdlib.h>

struct tls_http {
	const struct exchange_sink *sink;
	const struct tcp_stream *tcp;
	uint64_t *number;
	struct tls_stream *tls;	  /* NULL: over */
	struct http_stream *http; /* NULL before the first text */
	enum tls_outcome outcome; /* once it is over */
	uint64_t missing;	  /* bytes of the gap that is being told */
	bool ended[2];
	bool left;   /* the text is no HTTP, or no more */
	bool closed; /* all is told */
};

static void
on_text(void *arg, const struct tcp_piece *p)
{
	struct tls_http *t = arg;

	if (t->left || t->closed)
		return;
	if (t->http == NULL) {
		t->http = http_stream_new(t->sink, t->tcp, t->number);
		http_stream_decrypted(t->http);
	}
	t->left = !http_stream_data(t->http, p);
}

static void
end(struct tls_http *t, unsigned side, enum tcp_end how, int64_t now)
{
	if (t->http != NULL && !t->ended[side] && !t->left && !t->closed)
		http_stream_end(t->http, side, how, now);
	t->ended[side] = true;
}

static void
on_close(void *arg, unsigned side, int64_t now)
{
	end(arg, side, TCP_END_FIN, now);
}

/* Without the server's bytes no request can be answered any more, for which
 * only the capture is to blame. */
static void
on_lost(void *arg, unsigned side, int64_t now)
{
	struct tls_http *t = arg;

	if (t->http == NULL || t->ended[side] || t->left || t->closed)
		return;
	http_stream_gap(t->http, side, t->missing, now);
	if (side == http_stream_client(t->http))
		return;
	end(t, side, TCP_END_CAPTURE, now);
	tls_http_close(t, TCP_END_CAPTURE, now);
}

struct tls_http *
tls_http_new(struct tls_decrypter *all, const struct exchange_sink *sink,
    const struct tcp_stream *tcp, uint64_t *number)
{
	struct tls_http *t = xcalloc(1, sizeof *t);
	struct tls_sink text = {.arg = t,
	    .text = on_text,
	    .close = on_close,
	    .lost = on_lost};

	t->sink = sink;
	t->tcp = tcp;
	t->number = number;
	t->tls = tls_stream_new(all, &text);
	if (t->tls == NULL)
		t->outcome = TLS_UNREADABLE;
	return t;
}

/* The state of a connection that will say no more is not kept. */
static bool
go_on(struct tls_http *t, bool more)
{
	if (more && !t->left && !t->closed)
		return true;
	t->outcome = tls_http_outcome(t);
	tls_stream_free(t->tls);
	t->tls = NULL;
	return false;
}

bool
tls_http_data(struct tls_http *t, const struct tcp_piece *p)
{
	return t->tls != NULL && go_on(t, tls_stream_data(t->tls, p));
}

bool
tls_http_gap(struct tls_http *t, unsigned side, uint64_t n, int64_t now)
{
	if (t->tls == NULL)
		return false;
	t->missing = n;
	return go_on(t, tls_stream_gap(t->tls, side, now));
}

void
tls_http_end(struct tls_http *t, unsigned side, enum tcp_end how, int64_t now)
{
	end(t, side, how, now);
}

void
tls_http_close(struct tls_http *t, enum tcp_end how, int64_t now)
{
	if (t->http != NULL && !t->closed)
		http_stream_close(t->http, how, now);
	t->closed = true;
}

unsigned
tls_http_count(const struct tls_http *t)
{
	return t->http == NULL ? 0 : http_stream_count(t->http);
}

enum tls_outcome
tls_http_outcome(const struct tls_http *t)
{
	return t->tls == NULL ? t->outcome : tls_stream_outcome(t->tls);
}

void
tls_outcomes_text(const uint64_t *counts, struct buf *out)
{
	static const char *const names[TLS_OUTCOMES] =
	    {[TLS_NOTHING_SEALED] = "ended in their handshake",
		[TLS_DECRYPTED] = "decrypted",
		[TLS_NO_KEYS] = "without keys",
		[TLS_OTHER_PROTOCOL] =
		    "of HTTP/2 or another protocol, left alone",
		[TLS_UNKNOWN_CIPHER] = "of ciphers that are not known",
		[TLS_UNREADABLE] = "not captured whole or not readable"};
	const char *sep = ": ";
	uint64_t all = 0;

	for (size_t i = 0; i < TLS_OUTCOMES; i++)
		all += counts[i];
	if (all == 0)
		return;
	buf_addf(out, "%llu TLS connections", (unsigned long long)all);
	for (size_t i = 0; i < TLS_OUTCOMES; i++)
		if (counts[i] > 0) {
			buf_addf(out, "%s%llu %s", sep,
			    (unsigned long long)counts[i], names[i]);
			sep = ", ";
		}
}

void
tls_http_free(struct tls_http *t)
{
	if (t == NULL)
		return;
	tls_stream_free(t->tls);
	http_stream_free(t->http);
	free(t);
}

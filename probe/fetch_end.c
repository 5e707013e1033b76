/* libcurl's results in our terms. */
#include "fetch_end.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "limit.h"
#include "log.h"
#include "network.h"

_Static_assert(FETCH_ERROR_SIZE >= CURL_ERROR_SIZE, "libcurl's texts");

enum stage
fetch_stage(const struct hop *h)
{
	bool tls = span_starts_i(span_of(h->url), "https:");

	if (h->headers.len > 0 && span_ends_i(buf_span(&h->headers), "\n\r\n"))
		return STAGE_BODY;
	if (h->marks.first_byte != MARK_NONE)
		return STAGE_HTTP_RESPONSE;
	if (h->marks.request_sent != MARK_NONE)
		return STAGE_HTTP_RESPONSE;
	if (h->marks.tcp_done != MARK_NONE)
		return tls ? STAGE_TLS : STAGE_HTTP_REQUEST;
	return STAGE_TCP;
}

static enum failure
errno_failure(int e)
{
	switch (e) {
	case ECONNREFUSED:
		return FAILURE_CONNECTION_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return FAILURE_CONNECTION_RESET;
	case ECONNABORTED:
		return FAILURE_CONNECTION_ABORTED;
	case EHOSTUNREACH:
		return FAILURE_HOST_UNREACHABLE;
	case ENETUNREACH:
		return FAILURE_NETWORK_UNREACHABLE;
	case ENETDOWN:
		return FAILURE_NETWORK_DOWN;
	case ETIMEDOUT:
		return FAILURE_TIMED_OUT;
	case EACCES:
	case EPERM:
		return FAILURE_PERMISSION_DENIED;
	default:
		return FAILURE_NONE;
	}
}

static bool
is_local_trouble(int e)
{
	return e == EADDRNOTAVAIL || e == EAFNOSUPPORT || e == ENOBUFS ||
	    e == EMFILE || e == ENFILE || e == ENOMEM;
}

static void
unknown(struct hop *h, const char *text)
{
	h->failure = FAILURE_UNKNOWN;
	if (h->failure_text == NULL)
		h->failure_text = xstrdup(text);
}

static void
map_connect(const struct fetch_end *x, struct hop *h)
{
	if (x->denied)
		h->outcome = OUTCOME_BLOCKED_BY_POLICY;
	else if (is_local_trouble(h->os_errno))
		h->outcome = OUTCOME_LOCAL_ERROR;
	else if ((h->failure = errno_failure(h->os_errno)) == FAILURE_NONE)
		unknown(h, "connect");
}

/* It ended in the same turn of the loop in which it was connected: it was
 * there all the same. */
static void
reached_tls(struct hop *h)
{
	if (h->stage == STAGE_TCP)
		h->stage = STAGE_TLS;
}

static void
map_tls(const struct fetch_end *x, struct hop *h)
{
	struct span text = span_of(x->error);

	reached_tls(h);
	h->failure = errno_failure(h->os_errno);
	if (h->failure != FAILURE_NONE)
		return;
	/* Texts of OpenSSL by way of libcurl; asserted end to end. */
	if (span_search_i(text, "ssl_error_syscall") < text.n ||
	    span_search_i(text, "unexpected eof") < text.n)
		h->failure = FAILURE_EOF;
	else if (span_search_i(text, "unrecognized name") < text.n)
		h->failure = FAILURE_SSL_HOSTNAME;
	else
		h->failure = FAILURE_SSL_HANDSHAKE;
}

static void
map_verify(const struct fetch_end *x, struct hop *h)
{
	struct span text = span_of(x->error);

	reached_tls(h);
	if (h->verify_result > 1)
		h->failure = tls_verify_failure(h->verify_result);
	else if (span_search_i(text, "subject name") < text.n)
		h->failure = FAILURE_SSL_HOSTNAME;
	else
		h->failure = FAILURE_SSL_CERTIFICATE;
}

/* OpenSSL names a fault of its own with "error:"; of the ends of a connection
 * only the one without a farewell has a text like that. */
static bool
is_tls_fault(struct span text)
{
	return span_search_i(text, "ssl_read: ") < text.n &&
	    span_search_i(text, " error:") < text.n &&
	    span_search_i(text, "unexpected eof") == text.n;
}

static void
map_receive(const struct fetch_end *x, struct hop *h)
{
	struct span text = span_of(x->error);

	h->failure = errno_failure(h->os_errno);
	if (h->failure != FAILURE_NONE)
		return;
	if (span_search_i(text, "too large response headers") < text.n)
		h->outcome = OUTCOME_HEADERS_TOO_LARGE;
	else if (is_tls_fault(text))
		unknown(h, "tls_malformed");
	else if (span_search_i(text, "chunk") < text.n ||
	    span_search_i(text, "illegal or missing hexadecimal") < text.n)
		unknown(h, "http_bad_chunk");
	else
		h->failure = FAILURE_EOF;
}

static void
map_write(const struct fetch_end *x, struct hop *h)
{
	switch (x->stopped) {
	case STOPPED_BODY:
		h->outcome = OUTCOME_TOO_LARGE;
		h->body_cut = true;
		break;
	case STOPPED_HEADERS:
		h->outcome = OUTCOME_HEADERS_TOO_LARGE;
		break;
	case STOPPED_NOT:
	case STOPPED_DEADLINE:
		bug("libcurl reports a write error that we did not make");
	}
}

/* We stopped to listen to it; libcurl says that the connection ended. */
static void
map_flood(struct hop *h)
{
	if (h->stage == STAGE_TLS)
		h->failure = FAILURE_SSL_HANDSHAKE;
	else
		unknown(h, "tls_messages");
	h->body_cut = h->body.len > 0;
}

/* What libcurl gave up before there was a request. */
static bool
map_before_request(const struct fetch_end *x, struct hop *h, CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_CONNECT:
		map_connect(x, h);
		return true;
	case CURLE_ABORTED_BY_CALLBACK:
		h->outcome = OUTCOME_BLOCKED_BY_POLICY;
		return true;
	case CURLE_SSL_CONNECT_ERROR:
		map_tls(x, h);
		return true;
	case CURLE_PEER_FAILED_VERIFICATION:
		map_verify(x, h);
		return true;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		reached_tls(h);
		h->failure = FAILURE_SSL_CERTIFICATE;
		return true;
	default:
		return false;
	}
}

/* What came of a request, or did not. */
static bool
map_exchange(const struct fetch_end *x, struct hop *h, CURLcode rc)
{
	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		h->failure = FAILURE_TIMEOUT;
		h->body_cut = h->body.len > 0;
		return true;
	case CURLE_GOT_NOTHING:
		h->failure = FAILURE_EOF;
		return true;
	case CURLE_PARTIAL_FILE:
		h->failure = FAILURE_EOF;
		h->outcome = OUTCOME_TRUNCATED;
		h->body_cut = true;
		return true;
	case CURLE_SEND_ERROR:
		if ((h->failure = errno_failure(h->os_errno)) == FAILURE_NONE)
			unknown(h, "send");
		return true;
	case CURLE_RECV_ERROR:
		map_receive(x, h);
		h->body_cut = h->body.len > 0;
		return true;
	case CURLE_UNSUPPORTED_PROTOCOL:
		unknown(h, "http_not_http");
		return true;
	case CURLE_WEIRD_SERVER_REPLY:
		unknown(h, "http_malformed");
		return true;
	case CURLE_WRITE_ERROR:
		map_write(x, h);
		return true;
	case CURLE_FILESIZE_EXCEEDED:
		h->outcome = OUTCOME_TOO_LARGE;
		h->body_cut = true;
		return true;
	default:
		return false;
	}
}

/* Our own trouble, or what libcurl has a number for and we have no word. */
static void
map_rest(struct hop *h, CURLcode rc)
{
	char text[64];

	switch (rc) {
	case CURLE_OUT_OF_MEMORY:
		/* Also libcurl's word for a line of the head that is longer
		 * than it keeps. */
		if (h->marks.request_sent != MARK_NONE) {
			h->outcome = OUTCOME_HEADERS_TOO_LARGE;
			break;
		}
		/* FALLTHROUGH */
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
	case CURLE_SSL_CACERT_BADFILE:
		h->outcome = OUTCOME_INTERNAL_ERROR;
		log_error("libcurl: %s (%d)", curl_easy_strerror(rc), (int)rc);
		break;
	default:
		snprintf(text, sizeof text, "curl_%d", (int)rc);
		unknown(h, text);
	}
}

void
fetch_map(const struct fetch_end *x, struct hop *h, int code)
{
	CURLcode rc = (CURLcode)code;

	if (rc == CURLE_OK)
		return;
	if (x->tls_messages > TLS_MESSAGES_MAX)
		map_flood(h);
	else if (!map_before_request(x, h, rc) && !map_exchange(x, h, rc))
		map_rest(h, rc);
}

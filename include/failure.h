/*
 * Why an observation failed: OONI's failure strings (data format df-007), the
 * stage that was reached, and, kept apart from both, what we did ourselves.
 */
#ifndef KPWATCH_FAILURE_H
#define KPWATCH_FAILURE_H

#include "bytes.h"

/* X(enumerator, df-007 string) */
#define FAILURE_TABLE(X)                                                       \
	X(FAILURE_NONE, NULL)                                                  \
	X(FAILURE_DNS_NXDOMAIN, "dns_nxdomain_error")                          \
	X(FAILURE_DNS_SERVFAIL, "dns_servfail_error")                          \
	X(FAILURE_DNS_REFUSED, "dns_refused_error")                            \
	X(FAILURE_DNS_NO_ANSWER, "dns_no_answer")                              \
	X(FAILURE_DNS_MISBEHAVING, "dns_server_misbehaving")                   \
	X(FAILURE_DNS_BOGON, "dns_bogon_error")                                \
	X(FAILURE_DNS_WRONG_ID, "dns_reply_with_wrong_query_id")               \
	X(FAILURE_CONNECTION_REFUSED, "connection_refused")                    \
	X(FAILURE_CONNECTION_RESET, "connection_reset")                        \
	X(FAILURE_CONNECTION_ABORTED, "connection_aborted")                    \
	X(FAILURE_HOST_UNREACHABLE, "host_unreachable")                        \
	X(FAILURE_NETWORK_UNREACHABLE, "network_unreachable")                  \
	X(FAILURE_NETWORK_DOWN, "network_down")                                \
	X(FAILURE_PERMISSION_DENIED, "permission_denied")                      \
	X(FAILURE_TIMEOUT, "generic_timeout_error")                            \
	X(FAILURE_TIMED_OUT, "timed_out")                                      \
	X(FAILURE_EOF, "eof_error")                                            \
	X(FAILURE_INTERRUPTED, "interrupted")                                  \
	X(FAILURE_SSL_HOSTNAME, "ssl_invalid_hostname")                        \
	X(FAILURE_SSL_AUTHORITY, "ssl_unknown_authority")                      \
	X(FAILURE_SSL_CERTIFICATE, "ssl_invalid_certificate")                  \
	X(FAILURE_SSL_HANDSHAKE, "ssl_failed_handshake")                       \
	X(FAILURE_HTTP_REQUEST, "http_request_failed")                         \
	X(FAILURE_HTTP_STATUS, "http_unexpected_status_code")                  \
	X(FAILURE_HTTP_REDIRECT_URL, "http_unexpected_redirect_url")           \
	X(FAILURE_HTTP_REDIRECT_HOST, "http_invalid_redirect_location_host")   \
	X(FAILURE_UNKNOWN, "unknown_failure")

enum failure {
#define X(name, text) name,
	FAILURE_TABLE(X)
#undef X
	    FAILURE_COUNT
};

/* How far the attempt came; the stage in which it ended when it failed. */
enum stage {
	STAGE_NONE,
	STAGE_DNS,
	STAGE_TCP,
	STAGE_TLS,
	STAGE_HTTP_REQUEST,
	STAGE_HTTP_RESPONSE,
	STAGE_BODY,
	STAGE_COUNT
};

/* What we did, as opposed to what the world did. */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_BLOCKED_BY_POLICY, /* address or scheme that we refuse */
	OUTCOME_TOO_LARGE, /* body cut at our limit, what came is kept */
	OUTCOME_HEADERS_TOO_LARGE,
	OUTCOME_TOO_MANY_REDIRECTS,
	OUTCOME_REDIRECT_LOOP,
	OUTCOME_TRUNCATED,	/* the peer stopped before the end */
	OUTCOME_LOCAL_ERROR,	/* our machine: no ports, no memory */
	OUTCOME_INTERNAL_ERROR, /* our program */
	OUTCOME_SELF_INFLICTED, /* an edge refuses us after our own burst */
	/* A capture or an archive does not have all of it, or its client gave
	 * up: no fault of the site's. */
	OUTCOME_INCOMPLETE,
	OUTCOME_COUNT
};

/* The df-007 string; NULL for FAILURE_NONE. */
const char *failure_name(enum failure);
/* The reverse, for replay; FAILURE_UNKNOWN for an unknown string and for
 * "unknown_failure: ...". */
enum failure failure_from_name(struct span);
/* "dns", "tcp", ... ; NULL for STAGE_NONE. */
const char *stage_name(enum stage);
enum stage stage_from_name(struct span);
/* "blocked_by_policy", ...; NULL for OUTCOME_NONE. */
const char *outcome_name(enum outcome);
enum outcome outcome_from_name(struct span);

#endif

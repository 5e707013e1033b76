/*
 * What may be connected to, how a name is resolved, and one HTTP transfer.
 */
#ifndef KPWATCH_NETWORK_H
#define KPWATCH_NETWORK_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "bytes.h"
#include "failure.h"
#include "observation.h"

struct budget;
struct event_base;

/* An IPv4 or IPv6 address with a port, and its text. */
struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
	socklen_t len;
};

/* Numeric text only; no names are looked up. */
bool address_parse(struct address *, const char *text, uint16_t port);
/* "192.0.2.1" or "2001:db8::1" into out, which is returned. */
#define ADDRESS_TEXT_MAX 64
const char *address_text(const struct address *, char out[ADDRESS_TEXT_MAX]);
/* inet_ntop(), which puts IPv4 into words by printf, takes ten times as long.
 */
const char *ipv4_text(const struct in_addr *, char out[ADDRESS_TEXT_MAX]);

/* Networks in CIDR form that the operator allows by name. */
struct policy;
struct policy *policy_new(char *const *cidrs, size_t n); /* returns owned */
void policy_free(struct policy *);
/* "10.0.0.0/8", "fd00::/8", or one address. */
bool policy_cidr_valid(const char *);
/*
 * May we connect there?  Refuses every address that is not global unicast
 * (RFC 6890 and its registries: private, loopback, link-local, documentation,
 * benchmarking, multicast, reserved), also inside IPv4-mapped, -compatible,
 * 6to4, Teredo and NAT64 forms, unless the policy allows the network.
 */
bool policy_allows(const struct policy *, const struct sockaddr *);

/*
 * DNS by c-ares: A and AAAA of one name from the given servers, which are
 * tried in order on silence, SERVFAIL and REFUSED; once a day NS of the zone
 * that the name was registered in.
 */
struct resolver;
typedef void resolver_done(struct dns_lookup *, enum failure, void *arg);
/* servers: "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53". */
struct resolver *resolver_new(struct event_base *, char *const *servers,
    size_t n, int64_t timeout_ms);
void resolver_free(struct resolver *); /* outstanding look-ups never call */
struct resolver_wants {
	bool ipv4;
	bool ipv6;
	bool name_servers; /* when they were not asked for today */
};
/*
 * Starts a look-up of `host` (ASCII form).  `done` is called once from the
 * loop, never from here, with a lookup whose contents it takes (rcode of the
 * last reply about addresses; times relative to start_us) and FAILURE_NONE
 * when there is at least one address.  Returns a handle for resolver_cancel().
 */
struct resolver_query;
struct resolver_query *resolver_lookup(struct resolver *, const char *host,
    const struct resolver_wants *, int64_t start_us, resolver_done *,
    void *arg);
/* `done` will not be called. */
void resolver_cancel(struct resolver_query *);

/*
 * One transfer is one hop: one connection to one address, one request, one
 * response.  libcurl lives in fetch.c alone.
 */
struct fetcher;
struct fetch;

struct fetch_settings {
	const struct policy *policy;
	struct span ca_pem; /* trusted certificates */
	const char *user_agent;
	int64_t connect_timeout; /* ms */
	struct budget *budget;	 /* of bodies; borrowed */
};

struct fetch_request {
	const char *url;  /* http or https, serialised */
	const char *host; /* its host, ASCII */
	uint16_t port;
	const struct address *address; /* where to connect */
	const char *proxy;	   /* URL, or NULL; then no address is pinned */
	bool verify;		   /* check the certificate */
	bool plain;		   /* ask for no content coding */
	const char *etag;	   /* If-None-Match, or NULL */
	const char *last_modified; /* If-Modified-Since, or NULL */
	int64_t start_us;	   /* marks are relative to this */
	int64_t timeout_ms;	   /* of the whole transfer, waits for the
				    * budget not counted */
	size_t body_limit;
	size_t *charge; /* what it takes of the budget is added here, and is
			 * the caller's to give back */
};

/* took_us: time that counts against timeout_ms. */
typedef void fetch_done(struct hop *, int64_t took_us, void *arg);

/* Settings are borrowed for the life of the fetcher.  Exits when the
 * installed libcurl lacks an option that matters. */
struct fetcher *fetcher_new(struct event_base *, const struct fetch_settings *);
void fetcher_free(struct fetcher *);
/* Fills *hop (borrowed until `done`, which is called once from the loop). */
struct fetch *fetch_start(struct fetcher *, const struct fetch_request *,
    struct hop *hop, fetch_done *, void *arg);
/* Ends it now: the hop gets FAILURE_INTERRUPTED, `done` is not called. */
void fetch_cancel(struct fetch *);
unsigned fetcher_active(const struct fetcher *);

/* Trust and certificates, by OpenSSL (tls_trust.c alone). */
struct trust;
struct trust *trust_new(struct span pem, size_t *count); /* NULL: none valid */
void trust_free(struct trust *);
/* Sets a connection's context up: our trusted certificates, and the chain the
 * server sends is noted in *hop whether or not it verifies. */
void trust_apply(struct trust *, void *ssl_ctx, struct hop *);
/* Counts into *count what the server sends beside application data: records
 * and messages of handshakes, new keys, tickets, alerts.  Past
 * TLS_MESSAGES_MAX the connection reads nothing more.  *count is borrowed for
 * the life of the connection. */
void tls_limit(void *ssl_ctx, unsigned *count);
/* Version and cipher of an established connection into *hop. */
void tls_describe(void *ssl, struct hop *);
/* The mapping of style df-007: X509 verify result to failure. */
enum failure tls_verify_failure(long verify_result);

#endif

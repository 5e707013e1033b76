/*
 * Metrics in Prometheus' text format (version 0.0.4), named as
 * blackbox_exporter names them where it has the same, and the endpoint that
 * serves them on loopback.
 */
#ifndef KPWATCH_METRICS_H
#define KPWATCH_METRICS_H

#include "diff.h"
#include "observation.h"
#include "stats.h"

struct event_base;

enum metrics_phase {
	PHASE_RESOLVE,
	PHASE_CONNECT,
	PHASE_TLS,
	PHASE_PROCESSING, /* request sent to first byte */
	PHASE_TRANSFER,
	PHASE_COUNT
};

/* The latest look at one page of one target. */
struct metrics_page {
	char *target;
	char *page;
	char *failure; /* df-007 string; NULL for success */
	char *stage;
	int64_t time; /* ms since the epoch */
	bool success;
	int status;	  /* 0: no answer */
	int http_version; /* 10, 11, 20 */
	int redirects;
	bool tls;
	bool ipv6;
	int64_t duration_us;
	int64_t phase_us[PHASE_COUNT]; /* summed over redirects */
	int64_t wire_bytes;	       /* of the last body */
	int64_t body_bytes;	       /* decoded, or METRICS_BODY_SAME */
	int64_t cert_expiry;	       /* s since the epoch, earliest; 0 none */
	enum verdict verdict;	       /* of the target, as confirmed */
};

/* The body was that of the look before and was not decoded again. */
#define METRICS_BODY_SAME (-1)

/* Counters of kpwatch itself. */
struct metrics_totals {
	struct net_stats net;
	uint64_t events; /* last seq */
	uint64_t log_bytes;
	uint64_t hooks_waiting;
	uint64_t hooks_dead;
	uint64_t restarts; /* of processes */
	uint64_t captures; /* files with packets kept since the start */
	uint64_t volatile_places, suppressed;
	/* Of the sniffer. */
	bool sniffing;
	uint64_t packets_seen, packets_lost, packets_evicted;
};

/* First byte of MSG_STATS from the store. */
enum metrics_message {
	METRICS_PAGE,	 /* metrics_page_encode() */
	METRICS_TOTALS,	 /* u64 events, hooks waiting, hooks dead, log bytes,
			  * captures kept, volatile places, suppressed */
	METRICS_PACKETS, /* of the sniffer: u64 seen, lost, evicted, up */
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *);
/* Totals to be filled in by the owner (borrows). */
struct metrics_totals *metrics_totals(struct metrics *);
/* Takes the strings of *p; replaces what was known of that page.  At most
 * TARGETS_MAX pages are kept; more are dropped. */
void metrics_set(struct metrics *, struct metrics_page *p);
/* Forgets all pages (after a reload). */
void metrics_clear(struct metrics *);
void metrics_render(const struct metrics *, struct buf *out);

void metrics_page_release(struct metrics_page *);
/* What an observation says (returns owned strings in *p); `body` is the length
 * of the decoded body. */
void metrics_observe(struct metrics_page *p, const struct observation *,
    uint64_t body, enum verdict);
/* Wire form, read by metrics_page_decode(): false on malformed bytes, nothing
 * is owned then. */
void metrics_page_encode(const struct metrics_page *, struct buf *);
bool metrics_page_decode(struct cursor *, struct metrics_page *);

/* Takes a MSG_STATS of the store into account; malformed ones are ignored. */
void metrics_take(struct metrics *, struct span data);

struct metrics_server;

/* Serves GET /metrics at "127.0.0.1:9464" or "[::1]:9464".  NULL, with the
 * reason logged, when the address is not loopback or cannot be had.  Borrows
 * the metrics. */
struct metrics_server *metrics_serve(struct event_base *, const char *address,
    const struct metrics *);
void metrics_server_free(struct metrics_server *);

#endif

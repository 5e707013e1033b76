/*
 * DNS questions and answers of a capture brought together; part of the
 * engine in exchange.h, which calls it.
 */
#ifndef KPWATCH_DNS_PAIR_H
#define KPWATCH_DNS_PAIR_H

#include "exchange.h"

struct dns_pairs;

/* Borrows the sink, which is read at every call. */
struct dns_pairs *dns_pairs_new(const struct exchange_sink *);
void dns_pairs_free(struct dns_pairs *);
/* One message from src to dst; what is no DNS is ignored. */
void dns_pairs_message(struct dns_pairs *, const struct endpoint *src,
    const struct endpoint *dst, bool tcp, struct span, int64_t time_ns);
/* Tells the questions that were never answered. */
void dns_pairs_finish(struct dns_pairs *);

/* Messages with the two-byte length before them, RFC 1035 section 4.2.2. */
struct dns_tcp;

struct dns_tcp *dns_tcp_new(void);
void dns_tcp_free(struct dns_tcp *);
/* False when this is no DNS after all. */
bool dns_tcp_feed(struct dns_tcp *, struct dns_pairs *,
    const struct tcp_stream *, const struct tcp_piece *);

#endif

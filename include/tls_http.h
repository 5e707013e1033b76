/*
 * HTTP inside one TLS connection whose keys are known; part of the engine in
 * exchange.h, which calls it.
 */
#ifndef KPWATCH_TLS_HTTP_H
#define KPWATCH_TLS_HTTP_H

#include "exchange.h"

struct tls_http;

/* Returns owned; borrows all, and counts exchanges in *number. */
struct tls_http *tls_http_new(struct tls_decrypter *,
    const struct exchange_sink *, const struct tcp_stream *, uint64_t *number);
void tls_http_free(struct tls_http *);
/* The connection's bytes.  False: nothing more will come out. */
bool tls_http_data(struct tls_http *, const struct tcp_piece *);
bool tls_http_gap(struct tls_http *, unsigned side, uint64_t n,
    int64_t time_ns);
void tls_http_end(struct tls_http *, unsigned side, enum tcp_end,
    int64_t time_ns);
/* Tells what is still open. */
void tls_http_close(struct tls_http *, enum tcp_end, int64_t time_ns);
/* Exchanges told. */
unsigned tls_http_count(const struct tls_http *);
enum tls_outcome tls_http_outcome(const struct tls_http *);

/* Appends "3 TLS connections: 1 decrypted, 2 without keys" for counts of
 * TLS_OUTCOMES outcomes; nothing when there was no connection. */
void tls_outcomes_text(const uint64_t *counts, struct buf *);

#endif

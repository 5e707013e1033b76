/*
 * The secrets of TLS connections, as TLS libraries log them for SSLKEYLOGFILE
 * (draft-ietf-tls-keylogfile) and pcapng files carry them in decryption
 * secrets blocks: text lines of a label, the client's random and a secret.
 *
 * Known are CLIENT_RANDOM (TLS 1.0 to 1.2: the master secret) and the four
 * traffic secrets of TLS 1.3 that protect handshake and data; other lines are
 * passed over.  Looking up takes bounded time whatever the lines say.
 */
#ifndef KPWATCH_TLS_KEYS_H
#define KPWATCH_TLS_KEYS_H

#include "bytes.h"

#define TLS_RANDOM_BYTES 32
#define TLS_SECRET_MAX	 64

enum tls_secret {
	TLS_SECRET_MASTER,
	TLS_SECRET_CLIENT_HANDSHAKE,
	TLS_SECRET_SERVER_HANDSHAKE,
	TLS_SECRET_CLIENT_TRAFFIC,
	TLS_SECRET_SERVER_TRAFFIC
};

struct tls_keys;

struct tls_keys *tls_keys_new(void); /* returns owned */
void tls_keys_free(struct tls_keys *);
/* The next bytes of a text, in pieces of any length (borrows). */
void tls_keys_feed(struct tls_keys *, struct span);
/* A text is over: its last line may lack the newline. */
void tls_keys_end(struct tls_keys *);
/* The secret for the connection with that client random, or an empty span;
 * of several the one that came last (borrows, until the next feed). */
struct span tls_keys_find(const struct tls_keys *, enum tls_secret,
    const uint8_t random[TLS_RANDOM_BYTES]);
/* Secrets known. */
size_t tls_keys_count(const struct tls_keys *);
/* Secrets left out for want of room. */
uint64_t tls_keys_dropped(const struct tls_keys *);

#endif

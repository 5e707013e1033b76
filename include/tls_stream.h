/*
 * The text of a TLS connection whose secrets are known: records put together,
 * the handshake followed as far as keys depend on it, records opened.
 * Without a secret, or with a cipher that is not known, nothing comes out.
 *
 * Not followed: early data of TLS 1.3 (its records are passed over),
 * compression, SSL 3 and older, DTLS, QUIC.
 */
#ifndef KPWATCH_TLS_STREAM_H
#define KPWATCH_TLS_STREAM_H

#include "stream.h"
#include "tls_keys.h"

/* What became of a connection. */
enum tls_outcome {
	TLS_NOTHING_SEALED, /* it ended in its handshake */
	TLS_DECRYPTED,
	TLS_NO_KEYS,
	TLS_OTHER_PROTOCOL, /* by ALPN or its first bytes: HTTP/2 */
	TLS_UNKNOWN_CIPHER,
	TLS_UNREADABLE /* handshake not captured whole, or records that do
			* not open with the key, or no room for them */
};
#define TLS_OUTCOMES (TLS_UNREADABLE + 1)

/* What all connections of a capture share. */
struct tls_decrypter;

/* Returns owned; borrows the keys, which may grow later. */
struct tls_decrypter *tls_decrypter_new(const struct tls_keys *);
void tls_decrypter_free(struct tls_decrypter *);

/* Times are those of the packets. */
struct tls_sink {
	void *arg;
	/* Application data; `seq` is that of its record (borrows). */
	void (*text)(void *arg, const struct tcp_piece *);
	/* That side said that it will send no more (close_notify). */
	void (*close)(void *arg, unsigned side, int64_t time_ns);
	/* Nothing more of that side can be read. */
	void (*lost)(void *arg, unsigned side, int64_t time_ns);
};

struct tls_stream;

/* Returns owned, or NULL when too many are under way. */
struct tls_stream *tls_stream_new(struct tls_decrypter *,
    const struct tls_sink *);
void tls_stream_free(struct tls_stream *);
/* The next bytes of one side.  False: nothing more will come out. */
bool tls_stream_data(struct tls_stream *, const struct tcp_piece *);
/* Bytes of that side are missing here. */
bool tls_stream_gap(struct tls_stream *, unsigned side, int64_t time_ns);
enum tls_outcome tls_stream_outcome(const struct tls_stream *);

#endif

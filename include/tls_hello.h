/*
 * The readable part of a TLS connection (RFC 8446 section 5, RFC 6066): the
 * server name in ClientHello, that a ServerHello came, and alerts sent before
 * encryption starts.  Decrypts nothing.
 */
#ifndef KPWATCH_TLS_HELLO_H
#define KPWATCH_TLS_HELLO_H

#include "bytes.h"

/* One direction of a connection; zero it before use. */
struct tls_peek {
	struct buf hello; /* handshake bytes under collection */
	size_t record_left;
	uint8_t record_type;
	uint8_t head[5];
	uint8_t head_n;
	uint8_t alert[2];
	uint8_t alert_n;
	bool over;	 /* nothing more to learn */
	bool hello_seen; /* a whole ClientHello or ServerHello */
	bool encrypted;	 /* ChangeCipherSpec or application data came */
	int alert_code;	 /* with has_alert */
	bool has_alert;
	uint16_t version;  /* legacy_version of the hello */
	char *server_name; /* owned; NULL when none */
};

/* Do these bytes look like the start of a TLS record? */
bool tls_looks(struct span);
void tls_peek_init(struct tls_peek *);
void tls_peek_release(struct tls_peek *);
/* The next bytes of that direction. */
void tls_peek_feed(struct tls_peek *, struct span);
/* Server name in a whole ClientHello handshake message (with its four-byte
 * header): owned, or NULL. */
char *tls_server_name(struct span hello);
/* "handshake_failure", ...; NULL for an unknown code. */
const char *tls_alert_name(int code);

#endif

/*
 * Record protection of TLS 1.0 to 1.3, the receiving half (RFC 2246, 4346,
 * 5246, 5288, 7366, 7905, 8446): keys out of logged secrets, records opened.
 * By OpenSSL's libcrypto; the only file that includes it for ciphers.
 *
 * tls_cipher_init() must run before a sandbox closes the file system: it
 * loads the algorithms once.
 */
#ifndef KPWATCH_TLS_CIPHER_H
#define KPWATCH_TLS_CIPHER_H

#include "tls_keys.h"

enum tls_version {
	TLS_1_0 = 0x0301,
	TLS_1_1 = 0x0302,
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304
};

#define TLS_HEADER_BYTES 5
/* Plaintext, and with what may be added to it (RFC 5246 section 6.2.3). */
#define TLS_PLAIN_MAX  (16 * 1024)
#define TLS_RECORD_MAX (TLS_PLAIN_MAX + 2048)

struct tls_suite;

/* NULL for one that is not known (or makes no sense with that version). */
const struct tls_suite *tls_suite_find(uint16_t id, uint16_t version);

/* What protects one direction; a plain value. */
struct tls_key {
	const struct tls_suite *suite; /* NULL: no key */
	uint16_t version;
	bool encrypt_then_mac; /* RFC 7366; CBC only */
	uint8_t key[32];
	uint8_t iv[16]; /* TLS 1.0 with CBC: end of the record before */
	uint8_t mac[48];
	uint8_t secret[TLS_SECRET_MAX]; /* TLS 1.3: for the next key */
	uint64_t sequence;		/* of the next record */
};

struct tls_cipher; /* contexts, used for one record at a time */

void tls_cipher_init(void);
struct tls_cipher *tls_cipher_new(void); /* returns owned */
void tls_cipher_free(struct tls_cipher *);

/* TLS 1.0 to 1.2: out[0] for what the client sends, out[1] for the server.
 * False when the secret does not fit. */
bool tls_key_derive(struct tls_key out[2], const struct tls_suite *,
    uint16_t version, struct span master, const uint8_t *client_random,
    const uint8_t *server_random);
/* TLS 1.3, from a traffic secret. */
bool tls_key_traffic(struct tls_key *, const struct tls_suite *,
    struct span secret);
/* TLS 1.3 after a KeyUpdate (RFC 8446 section 7.2). */
bool tls_key_update(struct tls_key *);

/*
 * Opens one record: `header` as it came, `body` behind it.  Writes up to
 * TLS_RECORD_MAX bytes to out and returns how many of them are content, with
 * its true type in *type; -1 when the record was not protected with this key,
 * which is then as before.
 */
int tls_open(struct tls_cipher *, struct tls_key *,
    const uint8_t header[TLS_HEADER_BYTES], struct span body, uint8_t *out,
    uint8_t *type);

#endif

/*
 * SHA-256, SHA-1 and fingerprints by OpenSSL's libcrypto (the only file that
 * includes it for digests).  digest_init() must run before a sandbox closes
 * the file system: it loads the algorithms once.
 */
#ifndef KPWATCH_DIGEST_H
#define KPWATCH_DIGEST_H

#include "bytes.h"

#define SHA256_BYTES 32
#define SHA1_BYTES   20

enum digest_kind { DIGEST_SHA256, DIGEST_SHA1 };

struct digest; /* a running digest */

void digest_init(void);
struct digest *digest_new(enum digest_kind); /* returns owned */
void digest_update(struct digest *, struct span);
/* Writes SHA256_BYTES or SHA1_BYTES and starts afresh. */
void digest_final(struct digest *, uint8_t *out);
/* The same of what was added so far; more may be added. */
void digest_so_far(const struct digest *, uint8_t *out);
void digest_free(struct digest *);

void sha256(struct span, uint8_t out[SHA256_BYTES]);
void sha1(struct span, uint8_t out[SHA1_BYTES]);
/* Lower-case hex, NUL-terminated. */
void sha256_hex(struct span, char out[65]);

/*
 * Whether bytes are the same as others were, in a third of the time: Poly1305
 * (RFC 8439 section 2.5) under a key of this process's own, which nobody
 * learns, nor the result: so nobody can choose bytes that have another's
 * fingerprint.  Never leaves the process.  One at a time in each thread.
 */
#define FINGERPRINT_BYTES 16
void fingerprint_start(void);
void fingerprint_add(struct span);
void fingerprint_end(uint8_t out[FINGERPRINT_BYTES]);

/* RFC 4648 base32 in upper case without padding, NUL-terminated; SHA-1 gives
 * 32 characters. */
void base32_encode(char *out, const uint8_t *, size_t n);
bool base32_decode(uint8_t *out, size_t n, struct span);

#endif

#include "digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "log.h"

struct digest {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

static struct {
	EVP_MD *sha256;
	EVP_MD *sha1;
	EVP_MAC *poly1305;
	uint8_t key[32]; /* of fingerprints */
} loaded;

/* For the one-shot forms; a thread's own. */
static __thread EVP_MD_CTX *spare;
static __thread EVP_MAC_CTX *fingerprint;

void
digest_init(void)
{
	if (loaded.sha1 != NULL)
		return;
	loaded.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	loaded.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	if (loaded.sha256 == NULL || loaded.sha1 == NULL)
		fatal("OpenSSL offers no SHA-256 or SHA-1");
	loaded.poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	if (loaded.poly1305 == NULL)
		fatal("OpenSSL offers no Poly1305");
	if (RAND_bytes(loaded.key, sizeof loaded.key) != 1)
		fatal("OpenSSL has no random numbers");
}

static const EVP_MD *
algorithm(enum digest_kind kind)
{
	digest_init();
	return kind == DIGEST_SHA256 ? loaded.sha256 : loaded.sha1;
}

static void
start(struct digest *d)
{
	if (EVP_DigestInit_ex2(d->ctx, d->md, NULL) != 1)
		fatal("cannot start a digest");
}

struct digest *
digest_new(enum digest_kind kind)
{
	struct digest *d = xcalloc(1, sizeof *d);

	d->md = algorithm(kind);
	d->ctx = EVP_MD_CTX_new();
	if (d->ctx == NULL)
		fatal("out of memory for a digest");
	start(d);
	return d;
}

void
digest_update(struct digest *d, struct span s)
{
	if (EVP_DigestUpdate(d->ctx, s.p, s.n) != 1)
		fatal("cannot add to a digest");
}

void
digest_final(struct digest *d, uint8_t *out)
{
	if (EVP_DigestFinal_ex(d->ctx, out, NULL) != 1)
		fatal("cannot finish a digest");
	start(d);
}

static EVP_MD_CTX *
spare_context(void)
{
	if (spare == NULL)
		spare = EVP_MD_CTX_new();
	if (spare == NULL)
		fatal("out of memory for a digest");
	return spare;
}

void
digest_so_far(const struct digest *d, uint8_t *out)
{
	if (EVP_MD_CTX_copy_ex(spare_context(), d->ctx) != 1 ||
	    EVP_DigestFinal_ex(spare, out, NULL) != 1)
		fatal("cannot finish a digest");
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

static void
one_shot(enum digest_kind kind, struct span s, uint8_t *out)
{
	struct digest d = {.ctx = spare_context(), .md = algorithm(kind)};

	start(&d);
	digest_update(&d, s);
	if (EVP_DigestFinal_ex(d.ctx, out, NULL) != 1)
		fatal("cannot finish a digest");
}

void
sha256(struct span s, uint8_t out[SHA256_BYTES])
{
	one_shot(DIGEST_SHA256, s, out);
}

void
sha1(struct span s, uint8_t out[SHA1_BYTES])
{
	one_shot(DIGEST_SHA1, s, out);
}

void
sha256_hex(struct span s, char out[65])
{
	uint8_t raw[SHA256_BYTES];

	sha256(s, raw);
	hex_encode(out, raw, sizeof raw);
}

void
fingerprint_start(void)
{
	digest_init();
	if (fingerprint == NULL)
		fingerprint = EVP_MAC_CTX_new(loaded.poly1305);
	if (fingerprint == NULL ||
	    EVP_MAC_init(fingerprint, loaded.key, sizeof loaded.key, NULL) != 1)
		fatal("cannot start a fingerprint");
}

void
fingerprint_add(struct span s)
{
	if (EVP_MAC_update(fingerprint, (const uint8_t *)s.p, s.n) != 1)
		fatal("cannot add to a fingerprint");
}

void
fingerprint_end(uint8_t out[FINGERPRINT_BYTES])
{
	size_t n;

	if (EVP_MAC_final(fingerprint, out, &n, FINGERPRINT_BYTES) != 1)
		fatal("cannot finish a fingerprint");
}

void
base32_encode(char *out, const uint8_t *p, size_t n)
{
	static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t acc = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		acc = acc << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = letter[acc >> (bits - 5) & 31];
	}
	if (bits > 0)
		*out++ = letter[acc << (5 - bits) & 31];
	*out = '\0';
}

bool
base32_decode(uint8_t *out, size_t n, struct span s)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t done = 0;

	if (s.n != (n * 8 + 4) / 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		uint32_t v;

		if (ascii_alpha(c))
			v = (uint32_t)(c - 'a');
		else if (c >= '2' && c <= '7')
			v = (uint32_t)(c - '2' + 26);
		else
			return false;
		acc = acc << 5 | v;
		bits += 5;
		if (bits >= 8 && done < n) {
			bits -= 8;
			out[done++] = (uint8_t)(acc >> bits);
		}
	}
	return done == n;
}

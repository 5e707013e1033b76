#include "tls_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum bulk {
	AES_128_GCM,
	AES_256_GCM,
	CHACHA20,
	AES_128_CBC,
	AES_256_CBC,
	TRIPLE_DES_CBC,
	BULK_COUNT
};

enum hash { NO_HASH, SHA_1, SHA_256, SHA_384, HASH_COUNT };

enum { TAG = 16, NONCE = 12, SALT = 4, CONTENT_DATA = 23 };

static const struct bulk_facts {
	const char *name;
	uint8_t key;
	uint8_t block; /* CBC; 0: with a tag (AEAD) */
} bulk_facts[BULK_COUNT] = {
    [AES_128_GCM] = {"AES-128-GCM", 16, 0},
    [AES_256_GCM] = {"AES-256-GCM", 32, 0},
    [CHACHA20] = {"ChaCha20-Poly1305", 32, 0},
    [AES_128_CBC] = {"AES-128-CBC", 16, 16},
    [AES_256_CBC] = {"AES-256-CBC", 32, 16},
    [TRIPLE_DES_CBC] = {"DES-EDE3-CBC", 24, 8},
};

static const struct {
	const char *name;
	uint8_t size;
} hash_facts[HASH_COUNT] = {[SHA_1] = {"SHA1", 20},
    [SHA_256] = {"SHA256", 32},
    [SHA_384] = {"SHA384", 48}};

/* Suites that differ in how keys are agreed on and proven only. */
struct tls_suite {
	enum bulk bulk;
	enum hash mac;
	enum hash prf; /* of TLS 1.2, and the hash of TLS 1.3 */
	bool tls13;
	uint16_t ids[24]; /* IANA's numbers, then 0 */
};

static const struct tls_suite suites[] = {
    {AES_128_GCM, NO_HASH, SHA_256, true, {0x1301}},
    {AES_256_GCM, NO_HASH, SHA_384, true, {0x1302}},
    {CHACHA20, NO_HASH, SHA_256, true, {0x1303}},
    {AES_128_GCM, NO_HASH, SHA_256, false,
	{0x009c, 0x009e, 0x00a0, 0x00a2, 0x00a4, 0x00a6, 0x00a8, 0x00aa, 0x00ac,
	    0xc02b, 0xc02d, 0xc02f, 0xc031, 0xd001}},
    {AES_256_GCM, NO_HASH, SHA_384, false,
	{0x009d, 0x009f, 0x00a1, 0x00a3, 0x00a5, 0x00a7, 0x00a9, 0x00ab, 0x00ad,
	    0xc02c, 0xc02e, 0xc030, 0xc032, 0xd002}},
    {CHACHA20, NO_HASH, SHA_256, false,
	{0xcca8, 0xcca9, 0xccaa, 0xccab, 0xccac, 0xccad, 0xccae}},
    {AES_128_CBC, SHA_1, SHA_256, false,
	{0x002f, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x008c, 0x0090, 0x0094,
	    0xc004, 0xc009, 0xc00e, 0xc013, 0xc018, 0xc01d, 0xc01e, 0xc01f,
	    0xc035}},
    {AES_256_CBC, SHA_1, SHA_256, false,
	{0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003a, 0x008d, 0x0091, 0x0095,
	    0xc005, 0xc00a, 0xc00f, 0xc014, 0xc019, 0xc020, 0xc021, 0xc022,
	    0xc036}},
    {AES_128_CBC, SHA_256, SHA_256, false,
	{0x003c, 0x003e, 0x003f, 0x0040, 0x0067, 0x006c, 0x00ae, 0x00b2, 0x00b6,
	    0xc023, 0xc025, 0xc027, 0xc029, 0xc037}},
    {AES_256_CBC, SHA_256, SHA_256, false,
	{0x003d, 0x0068, 0x0069, 0x006a, 0x006b, 0x006d}},
    {AES_256_CBC, SHA_384, SHA_384, false,
	{0x00af, 0x00b3, 0x00b7, 0xc024, 0xc026, 0xc028, 0xc02a, 0xc038}},
    {TRIPLE_DES_CBC, SHA_1, SHA_256, false,
	{0x000a, 0x000d, 0x0010, 0x0013, 0x0016, 0x001b, 0x008b, 0x008f, 0x0093,
	    0xc003, 0xc008, 0xc00d, 0xc012, 0xc017, 0xc01a, 0xc01b, 0xc01c,
	    0xc034}},
};

static struct {
	EVP_CIPHER *bulk[BULK_COUNT];
	EVP_KDF *prf, *hkdf;
	EVP_MAC *hmac;
} loaded;

struct tls_cipher {
	EVP_CIPHER_CTX *bulk;
	EVP_MAC_CTX *hmac;
};

void
tls_cipher_init(void)
{
	if (loaded.hmac != NULL)
		return;
	for (size_t i = 0; i < BULK_COUNT; i++) {
		loaded.bulk[i] =
		    EVP_CIPHER_fetch(NULL, bulk_facts[i].name, NULL);
		if (loaded.bulk[i] == NULL)
			fatal("OpenSSL offers no %s", bulk_facts[i].name);
	}
	loaded.prf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	loaded.hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	loaded.hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	if (loaded.prf == NULL || loaded.hkdf == NULL || loaded.hmac == NULL)
		fatal("OpenSSL offers no HKDF, HMAC or TLS PRF");
}

struct tls_cipher *
tls_cipher_new(void)
{
	struct tls_cipher *t = xcalloc(1, sizeof *t);

	tls_cipher_init();
	t->bulk = EVP_CIPHER_CTX_new();
	t->hmac = EVP_MAC_CTX_new(loaded.hmac);
	if (t->bulk == NULL || t->hmac == NULL)
		fatal("out of memory for a cipher");
	return t;
}

void
tls_cipher_free(struct tls_cipher *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_CTX_free(t->bulk);
	EVP_MAC_CTX_free(t->hmac);
	free(t);
}

const struct tls_suite *
tls_suite_find(uint16_t id, uint16_t version)
{
	const struct tls_suite *s;

	if (version < TLS_1_0 || version > TLS_1_3)
		return NULL;
	for (s = suites; s < suites + ARRAY_LEN(suites); s++) {
		bool later = s->mac != SHA_1; /* RFC 5246 section 1.2 */

		if (s->tls13 != (version == TLS_1_3) ||
		    (later && version < TLS_1_2))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(s->ids) && s->ids[i] != 0; i++)
			if (s->ids[i] == id)
				return s;
	}
	return NULL;
}

static OSSL_PARAM
octets(const char *key, struct span s)
{
	return OSSL_PARAM_construct_octet_string(key, (void *)s.p, s.n);
}

static OSSL_PARAM
text(const char *key, const char *value)
{
	return OSSL_PARAM_construct_utf8_string(key, (char *)value, 0);
}

static bool
kdf(EVP_KDF *algorithm, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(algorithm);
	bool ok;

	if (c == NULL)
		fatal("out of memory for a key");
	ok = EVP_KDF_derive(c, out, n, params) == 1;
	EVP_KDF_CTX_free(c);
	return ok;
}

static void
take(const uint8_t **from, uint8_t *out, size_t n)
{
	memcpy(out, *from, n);
	*from += n;
}

/* RFC 5246 section 6.3. */
bool
tls_key_derive(struct tls_key out[2], const struct tls_suite *s,
    uint16_t version, struct span master, const uint8_t *client_random,
    const uint8_t *server_random)
{
	const struct bulk_facts *b = &bulk_facts[s->bulk];
	size_t mac = hash_facts[s->mac].size, iv = 0;
	uint8_t block[2 * (48 + 32 + 16)];
	const uint8_t *at = block;
	OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST,
				   version < TLS_1_2 ? "MD5-SHA1"
						     : hash_facts[s->prf].name),
	    octets(OSSL_KDF_PARAM_SECRET, master),
	    octets(OSSL_KDF_PARAM_SEED, SPAN("key expansion")),
	    octets(OSSL_KDF_PARAM_SEED,
		(struct span){(const char *)server_random, TLS_RANDOM_BYTES}),
	    octets(OSSL_KDF_PARAM_SEED,
		(struct span){(const char *)client_random, TLS_RANDOM_BYTES}),
	    OSSL_PARAM_construct_end()};

	if (b->block == 0)
		iv = s->bulk == CHACHA20 ? NONCE : SALT;
	else if (version == TLS_1_0)
		iv = b->block;
	if (master.n != 48 ||
	    !kdf(loaded.prf, params, block, 2 * (mac + b->key + iv)))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		memset(&out[i], 0, sizeof out[i]);
		out[i].suite = s;
		out[i].version = version;
		take(&at, out[i].mac, mac);
	}
	take(&at, out[0].key, b->key);
	take(&at, out[1].key, b->key);
	take(&at, out[0].iv, iv);
	take(&at, out[1].iv, iv);
	return true;
}

/* RFC 8446 section 7.1: HKDF-Expand-Label with an empty context. */
static bool
expand_label(const struct tls_suite *s, struct span secret, const char *label,
    uint8_t *out, size_t n)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	struct buf info = BUF_INIT(64);
	OSSL_PARAM params[5];
	bool ok;

	buf_put_u8(&info, 0);
	buf_put_u8(&info, (uint8_t)n);
	buf_put_u8(&info, (uint8_t)(6 + strlen(label)));
	buf_addf(&info, "tls13 %s", label);
	buf_put_u8(&info, 0);
	params[0] = text(OSSL_KDF_PARAM_DIGEST, hash_facts[s->prf].name);
	params[1] = octets(OSSL_KDF_PARAM_KEY, secret);
	params[2] = octets(OSSL_KDF_PARAM_INFO, buf_span(&info));
	params[3] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[4] = OSSL_PARAM_construct_end();
	ok = kdf(loaded.hkdf, params, out, n);
	buf_release(&info);
	return ok;
}

bool
tls_key_traffic(struct tls_key *out, const struct tls_suite *s,
    struct span secret)
{
	if (secret.n != hash_facts[s->prf].size)
		return false;
	memset(out, 0, sizeof *out);
	out->suite = s;
	out->version = TLS_1_3;
	memcpy(out->secret, secret.p, secret.n);
	return expand_label(s, secret, "key", out->key,
		   bulk_facts[s->bulk].key) &&
	    expand_label(s, secret, "iv", out->iv, NONCE);
}

bool
tls_key_update(struct tls_key *k)
{
	const struct tls_suite *s = k->suite;
	size_t n = hash_facts[s->prf].size;
	struct span old = {(const char *)k->secret, n};
	uint8_t next[TLS_SECRET_MAX];

	return expand_label(s, old, "traffic upd", next, n) &&
	    tls_key_traffic(k, s, (struct span){(const char *)next, n});
}

static void
put_sequence(uint8_t *out, uint64_t sequence)
{
	for (int i = 7; i >= 0; i--, sequence >>= 8)
		out[i] = (uint8_t)sequence;
}

static void
put_length(uint8_t *out, size_t n)
{
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
}

/* The nonce; takes its explicit part off the body. */
static bool
make_nonce(const struct tls_key *k, struct span *body, uint8_t nonce[NONCE])
{
	uint8_t sequence[8];

	memcpy(nonce, k->iv, NONCE);
	if (k->version != TLS_1_3 && k->suite->bulk != CHACHA20) {
		if (body->n < 8)
			return false;
		memcpy(nonce + SALT, body->p, 8);
		*body = span_slice(*body, 8, body->n);
		return true;
	}
	put_sequence(sequence, k->sequence);
	for (size_t i = 0; i < sizeof sequence; i++)
		nonce[NONCE - sizeof sequence + i] ^= sequence[i];
	return true;
}

/* What is sealed with the text, but not part of it. */
static size_t
make_additional(const struct tls_key *k, const uint8_t *header, size_t n,
    uint8_t out[8 + TLS_HEADER_BYTES])
{
	if (k->version == TLS_1_3) {
		memcpy(out, header, TLS_HEADER_BYTES);
		return TLS_HEADER_BYTES;
	}
	put_sequence(out, k->sequence);
	memcpy(out + 8, header, 3);
	put_length(out + 11, n);
	return 8 + TLS_HEADER_BYTES;
}

static int
open_aead(struct tls_cipher *t, const struct tls_key *k, const uint8_t *header,
    struct span body, uint8_t *out)
{
	uint8_t nonce[NONCE], more[8 + TLS_HEADER_BYTES], tag[TAG];
	int n = 0, last = 0;
	size_t more_n;

	if (!make_nonce(k, &body, nonce) || body.n < TAG)
		return -1;
	body.n -= TAG;
	memcpy(tag, body.p + body.n, TAG);
	more_n = make_additional(k, header, body.n, more);
	if (EVP_DecryptInit_ex2(t->bulk, loaded.bulk[k->suite->bulk], k->key,
		nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(t->bulk, EVP_CTRL_AEAD_SET_TAG, TAG, tag) !=
		1 ||
	    EVP_DecryptUpdate(t->bulk, NULL, &n, more, (int)more_n) != 1 ||
	    EVP_DecryptUpdate(t->bulk, out, &n, (const uint8_t *)body.p,
		(int)body.n) != 1 ||
	    EVP_DecryptFinal_ex(t->bulk, out + n, &last) != 1)
		return -1;
	return n + last;
}

/* Is `mac` what belongs to these bytes? */
static bool
mac_agrees(struct tls_cipher *t, const struct tls_key *k, const uint8_t *header,
    struct span data, const uint8_t *mac)
{
	enum hash hash = k->suite->mac;
	uint8_t more[8 + TLS_HEADER_BYTES], found[48];
	OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST,
				   hash_facts[hash].name),
	    OSSL_PARAM_construct_end()};
	size_t n = hash_facts[hash].size;
	size_t more_n = make_additional(k, header, data.n, more);

	return EVP_MAC_init(t->hmac, k->mac, n, params) == 1 &&
	    EVP_MAC_update(t->hmac, more, more_n) == 1 &&
	    EVP_MAC_update(t->hmac, (const uint8_t *)data.p, data.n) == 1 &&
	    EVP_MAC_final(t->hmac, found, &n, sizeof found) == 1 &&
	    CRYPTO_memcmp(found, mac, n) == 0;
}

static bool
decrypt_blocks(struct tls_cipher *t, const struct tls_key *k, const uint8_t *iv,
    struct span body, uint8_t *out)
{
	int n = 0, last = 0;

	return EVP_DecryptInit_ex2(t->bulk, loaded.bulk[k->suite->bulk], k->key,
		   iv, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(t->bulk, 0) == 1 &&
	    EVP_DecryptUpdate(t->bulk, out, &n, (const uint8_t *)body.p,
		(int)body.n) == 1 &&
	    EVP_DecryptFinal_ex(t->bulk, out + n, &last) == 1;
}

/* Bytes left when the padding is taken off; -1 when it is none. */
static int
without_padding(const uint8_t *p, size_t n)
{
	size_t pad = p[n - 1];

	if (pad + 1 > n)
		return -1;
	for (size_t i = n - 1 - pad; i < n; i++)
		if (p[i] != pad)
			return -1;
	return (int)(n - 1 - pad);
}

static int
open_cbc(struct tls_cipher *t, struct tls_key *k, const uint8_t *header,
    struct span body, uint8_t *out)
{
	size_t block = bulk_facts[k->suite->bulk].block;
	size_t mac = hash_facts[k->suite->mac].size;
	const uint8_t *iv = k->iv;
	struct span content;
	int n;

	if (k->encrypt_then_mac) {
		if (body.n < mac)
			return -1;
		body.n -= mac;
		if (!mac_agrees(t, k, header, body,
			(const uint8_t *)body.p + body.n))
			return -1;
	}
	if (k->version != TLS_1_0) {
		iv = (const uint8_t *)body.p;
		if (body.n < block)
			return -1;
		body = span_slice(body, block, body.n);
	}
	if (body.n == 0 || body.n % block != 0 ||
	    !decrypt_blocks(t, k, iv, body, out))
		return -1;
	n = without_padding(out, body.n);
	if (n >= 0 && !k->encrypt_then_mac) {
		n -= (int)mac;
		if (n < 0)
			return -1;
		content = (struct span){(const char *)out, (size_t)n};
		if (!mac_agrees(t, k, header, content, out + n))
			return -1;
	}
	if (n >= 0 && k->version == TLS_1_0)
		memcpy(k->iv, body.p + body.n - block, block);
	return n;
}

/* TLS 1.3: the type is the last byte that is not zero. */
static int
inner_content(const uint8_t *out, int n, uint8_t *type)
{
	while (n > 0 && out[n - 1] == 0)
		n--;
	if (n == 0)
		return -1;
	*type = out[n - 1];
	return n - 1;
}

int
tls_open(struct tls_cipher *t, struct tls_key *k,
    const uint8_t header[TLS_HEADER_BYTES], struct span body, uint8_t *out,
    uint8_t *type)
{
	int n;

	if (body.n > TLS_RECORD_MAX)
		return -1;
	*type = header[0];
	if (bulk_facts[k->suite->bulk].block != 0)
		n = open_cbc(t, k, header, body, out);
	else
		n = open_aead(t, k, header, body, out);
	if (n >= 0 && k->version == TLS_1_3)
		n = *type == CONTENT_DATA ? inner_content(out, n, type) : -1;
	if (n >= 0)
		k->sequence++;
	return n;
}

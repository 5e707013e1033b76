/* TLS taken apart with logged secrets: OpenSSL plays both ends, and what they
 * send goes through the engine as packets. */
#include "wire.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "limit.h"
#include "tls_cipher.h"
#include "tls_keys.h"
#include "tls_stream.h"

enum { SEGMENT = 1000 };

/* What the two ends agree on. */
struct terms {
	int version;
	const char *cipher; /* a suite of TLS 1.2 or 1.3; NULL: any */
	uint64_t options;
	const char *alpn;	   /* its wire form */
	const char *server_groups; /* NULL: any */
};

struct peers {
	struct wire_world w;
	struct wire_end at[2]; /* client, server */
	SSL_CTX *context[2];
	SSL *end[2];
	struct buf log;		/* their key logs */
	struct buf sent[2];	/* bytes on the wire */
	struct tls_keys *keys;	/* what the engine knows of it */
	size_t segment;		/* longest */
	unsigned hide;		/* the server's packet that is not captured */
	unsigned from_server;	/* its packets */
	unsigned damage;	/* the packet in which a bit is turned */
	bool without_handshake; /* secrets of TLS 1.3 that are withheld */
};

static void
on_key_line(const SSL *ssl, const char *line)
{
	struct peers *p = SSL_get_app_data(ssl);

	buf_add_str(&p->log, line);
	buf_add_char(&p->log, '\n');
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	(void)ssl;
	(void)in_n;
	(void)arg;
	*out = in + 1;
	*n = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void
give_certificate(SSL_CTX *c)
{
	static EVP_PKEY *key;
	static X509 *x;

	if (key == NULL) {
		key = EVP_EC_gen("P-256");
		x = X509_new();
		assert_non_null(key);
		X509_gmtime_adj(X509_getm_notBefore(x), 0);
		X509_gmtime_adj(X509_getm_notAfter(x), 3600);
		X509_set_pubkey(x, key);
		assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	}
	assert_int_equal(SSL_CTX_use_certificate(c, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
}

static void
make_end(struct peers *p, unsigned i, const struct terms *t)
{
	SSL_CTX *c =
	    SSL_CTX_new(i == 0 ? TLS_client_method() : TLS_server_method());

	p->context[i] = c;
	/* One of the two knows a secret before its first use is captured. */
	SSL_CTX_set_keylog_callback(c, on_key_line);
	SSL_CTX_set_security_level(c, 0);
	assert_true(SSL_CTX_set_min_proto_version(c, t->version));
	assert_true(SSL_CTX_set_max_proto_version(c, t->version));
	SSL_CTX_set_options(c, t->options);
	if (t->version == TLS1_3_VERSION && t->cipher != NULL)
		assert_true(SSL_CTX_set_ciphersuites(c, t->cipher));
	else if (t->cipher != NULL)
		assert_true(SSL_CTX_set_cipher_list(c, t->cipher));
	if (i == 1) {
		give_certificate(c);
		SSL_CTX_set_alpn_select_cb(c, on_alpn, NULL);
		if (t->server_groups != NULL)
			assert_true(
			    SSL_CTX_set1_groups_list(c, t->server_groups));
	}
	p->end[i] = SSL_new(c);
	SSL_set_app_data(p->end[i], p);
	SSL_set_bio(p->end[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (i == 1) {
		SSL_set_accept_state(p->end[i]);
		return;
	}
	SSL_set_connect_state(p->end[i]);
	SSL_set_tlsext_host_name(p->end[i], "t.test");
	if (t->alpn != NULL)
		SSL_set_alpn_protos(p->end[i], (const uint8_t *)t->alpn,
		    (unsigned)strlen(t->alpn));
}

/* The engine gets the log before what was sent under its secrets. */
static void
learn(struct peers *p)
{
	struct span rest = buf_span(&p->log);

	while (rest.p != NULL) {
		struct span line = span_token(&rest, '\n');

		if (p->without_handshake &&
		    span_search(line, "HANDSHAKE") < line.n)
			continue;
		tls_keys_feed(p->keys, line);
		tls_keys_end(p->keys);
	}
	buf_clear(&p->log);
}

static void
capture(struct peers *p, unsigned i, struct span s)
{
	char copy[SEGMENT];

	memcpy(copy, s.p, s.n);
	if (i == 1 && ++p->from_server == p->damage)
		copy[s.n / 2] ^= 1;
	if (i == 0 || p->from_server != p->hide)
		wire_bytes(&p->w, &p->at[i], &p->at[!i], TCP_ACK,
		    (struct span){copy, s.n});
	p->at[i].seq += (uint32_t)s.n;
}

/* Moves what one end wants to send; false when that is nothing. */
static bool
move(struct peers *p, unsigned i)
{
	char bytes[SEGMENT];
	bool any = false;
	int n;

	learn(p);
	while ((n = BIO_read(SSL_get_wbio(p->end[i]), bytes, (int)p->segment)) >
	    0) {
		struct span s = {bytes, (size_t)n};

		buf_add_span(&p->sent[i], s);
		capture(p, i, s);
		BIO_write(SSL_get_rbio(p->end[!i]), bytes, n);
		any = true;
	}
	return any;
}

/* Until nobody has more to say. */
static void
settle(struct peers *p)
{
	char ignored[64];
	bool any = true;

	while (any) {
		any = false;
		for (unsigned i = 0; i < 2; i++) {
			if (!SSL_is_init_finished(p->end[i]))
				SSL_do_handshake(p->end[i]);
			else
				SSL_peek(p->end[i], ignored, sizeof ignored);
			any = move(p, i) || any;
		}
	}
}

static void
peers_open(struct peers *p, const struct terms *t)
{
	memset(p, 0, sizeof *p);
	wire_open(&p->w);
	p->at[0] = (struct wire_end){1, 40000, 1000, 64};
	p->at[1] = (struct wire_end){2, 443, 5000, 50};
	p->segment = SEGMENT;
	buf_init(&p->log, 64 * KIB);
	buf_init(&p->sent[0], MIB);
	buf_init(&p->sent[1], MIB);
	p->keys = tls_keys_new();
	/* Another connection's: the engine looks for keys at all. */
	tls_keys_feed(p->keys,
	    SPAN("CLIENT_RANDOM 00000000000000000000000000000000"
		 "00000000000000000000000000000000 aabb\n"));
	exchanges_keys(p->w.engine, p->keys);
	make_end(p, 0, t);
	make_end(p, 1, t);
	wire_handshake(&p->w, &p->at[0], &p->at[1]);
}

static void
say(struct peers *p, unsigned i, struct span s)
{
	char read[4096];

	assert_int_equal(SSL_write(p->end[i], s.p, (int)s.n), (int)s.n);
	move(p, i);
	while (SSL_read(p->end[!i], read, sizeof read) > 0)
		;
	settle(p);
}

static void
peers_free(struct peers *p)
{
	for (unsigned i = 0; i < 2; i++) {
		SSL_free(p->end[i]);
		SSL_CTX_free(p->context[i]);
		buf_release(&p->sent[i]);
	}
	buf_release(&p->log);
	tls_keys_free(p->keys);
}

static void
peers_expect(struct peers *p, const char *seen)
{
	wire_expect(&p->w, seen);
	peers_free(p);
}

static const char get[] = "GET /a HTTP/1.1\r\nHost: t.test\r\n\r\n";
static const char ok5[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char decrypted[] = "GET /a 200 [hello] whole: decrypted\n"
				"tls t.test alert -1 decrypted\n";

static void
test_versions_and_ciphers(void **state)
{
	static const struct terms all[] = {{TLS1_3_VERSION,
					       "TLS_AES_128_GCM_SHA256", 0,
					       NULL, NULL},
	    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", 0, NULL, NULL},
	    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384",
		SSL_OP_NO_ENCRYPT_THEN_MAC, NULL, NULL},
	    {TLS1_1_VERSION, "ECDHE-ECDSA-AES256-SHA", 0, NULL, NULL},
	    {TLS1_1_VERSION, "ECDHE-ECDSA-AES128-SHA",
		SSL_OP_NO_ENCRYPT_THEN_MAC, NULL, NULL},
	    {TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, NULL, NULL},
	    {TLS1_VERSION, "ECDHE-ECDSA-AES256-SHA", SSL_OP_NO_ENCRYPT_THEN_MAC,
		"\10http/1.1", NULL}};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		peers_open(&p, &all[i]);
		settle(&p);
		say(&p, 0, SPAN(get));
		say(&p, 1, SPAN(ok5));
		print_message("%s\n", all[i].cipher);
		peers_expect(&p, decrypted);
	}
}

static void
test_without_keys(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, NULL, 0, NULL, NULL}};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		SSL_CTX_set_keylog_callback(p.context[0], NULL);
		SSL_CTX_set_keylog_callback(p.context[1], NULL);
		settle(&p);
		say(&p, 0, SPAN(get));
		say(&p, 1, SPAN(ok5));
		peers_expect(&p, "tls t.test alert -1 no keys\n");
	}
}

static void
test_http2_is_left_alone(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, "\2h2",
					     NULL},
	    {TLS1_2_VERSION, NULL, 0, "\2h2", NULL},
	    {TLS1_2_VERSION, NULL, 0, NULL, NULL}}; /* by its first bytes */
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		settle(&p);
		say(&p, 0, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
		say(&p, 1, SPAN(ok5));
		peers_expect(&p, "tls t.test alert -1 other protocol\n");
	}
}

/* Several records, in segments that end anywhere. */
static void
test_long_body(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, NULL, NULL},
	    {TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, NULL, NULL}};
	struct buf body = BUF_INIT(MIB), expect = BUF_INIT(MIB);
	struct peers p;

	(void)state;
	buf_add_str(&body, "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n");
	buf_add_str(&expect, "GET /a 200 [");
	for (int i = 0; i < 40000; i++) {
		buf_add_char(&body, (char)('a' + i % 23));
		buf_add_char(&expect, (char)('a' + i % 23));
	}
	buf_add_str(&expect,
	    "] whole: decrypted\ntls t.test alert -1 decrypted\n");
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		p.segment = i == 0 ? 1 : 7; /* a handshake byte by byte */
		settle(&p);
		p.segment = 997;
		say(&p, 0, SPAN(get));
		say(&p, 1, buf_span(&body));
		peers_expect(&p, buf_str(&expect));
	}
	buf_release(&body);
	buf_release(&expect);
}

static void
test_handshakes(void **state)
{
	static const struct terms retry = {TLS1_3_VERSION, NULL, 0, NULL,
	    "P-521"};
	static const struct terms v13 = {TLS1_3_VERSION, NULL, 0, NULL, NULL};
	static const struct terms v12 = {TLS1_2_VERSION, NULL,
	    SSL_OP_ALLOW_CLIENT_RENEGOTIATION, NULL, NULL};
	struct peers p;

	(void)state;
	peers_open(&p, &retry); /* HelloRetryRequest */
	settle(&p);
	say(&p, 0, SPAN(get));
	say(&p, 1, SPAN(ok5));
	peers_expect(&p, decrypted);

	peers_open(&p, &v13); /* KeyUpdate, both ways */
	settle(&p);
	say(&p, 0, SPAN(get));
	SSL_key_update(p.end[1], SSL_KEY_UPDATE_REQUESTED);
	say(&p, 1, SPAN(ok5));
	say(&p, 0, SPAN(get));
	say(&p, 1, SPAN(ok5));
	peers_expect(&p,
	    "GET /a 200 [hello] whole: decrypted\n"
	    "GET /a 200 [hello] whole: decrypted\n"
	    "tls t.test alert -1 decrypted\n");

	peers_open(&p, &v12); /* new keys inside the old ones */
	settle(&p);
	say(&p, 0, SPAN(get));
	say(&p, 1, SPAN(ok5));
	SSL_renegotiate(p.end[0]);
	SSL_do_handshake(p.end[0]);
	settle(&p);
	assert_int_equal(SSL_total_renegotiations(p.end[0]), 1);
	say(&p, 0, SPAN(get));
	say(&p, 1, SPAN(ok5));
	peers_expect(&p,
	    "GET /a 200 [hello] whole: decrypted\n"
	    "GET /a 200 [hello] whole: decrypted\n"
	    "tls t.test alert -1 decrypted\n");
}

/* What the key log lacks is passed over, what it has is used. */
static void
test_traffic_secrets_only(void **state)
{
	static const struct terms t = {TLS1_3_VERSION, NULL, 0, NULL, NULL};
	struct peers p;

	(void)state;
	peers_open(&p, &t);
	p.without_handshake = true;
	settle(&p);
	say(&p, 0, SPAN(get));
	say(&p, 1, SPAN(ok5));
	peers_expect(&p, decrypted);
}

/* A response until the close; close_notify is its end. */
static void
test_close_notify(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, NULL, 0, NULL, NULL}};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		settle(&p);
		say(&p, 0, SPAN(get));
		say(&p, 1, SPAN("HTTP/1.0 200 OK\r\n\r\nall"));
		SSL_shutdown(p.end[1]);
		move(&p, 1);
		wire_send(&p.w, &p.at[0], &p.at[1], TCP_RST, "");
		peers_expect(&p,
		    "GET /a 200 [all] whole: decrypted\n"
		    "connection reset syns 1\n");
	}
}

static void
test_holes(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, NULL, 0, NULL, NULL}};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		settle(&p);
		say(&p, 0, SPAN(get));
		say(&p, 1,
		    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhell"));
		p.hide = p.from_server + 1;
		say(&p, 1, SPAN("o "));
		say(&p, 1, SPAN("yo"));
		say(&p, 0, SPAN(get));
		say(&p, 1, SPAN(ok5));
		exchanges_finish(p.w.engine);
		/* How long the hole is depends on the record's overhead. */
		assert_non_null(
		    strstr(buf_str(&p.w.seen), "GET /a 200 [hell] cut: "));
		assert_non_null(strstr(buf_str(&p.w.seen), "bytes missing"));
		assert_non_null(strstr(buf_str(&p.w.seen),
		    "bytes missing; no response; capture ends first"));
		assert_null(strstr(buf_str(&p.w.seen), "whole"));
		peers_expect(&p, buf_str(&p.w.seen));
	}
}

/* One bit: nothing of that record comes out, nor anything behind it. */
static void
test_damage(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA",
		SSL_OP_NO_ENCRYPT_THEN_MAC, NULL, NULL},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", 0, NULL, NULL}};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		peers_open(&p, &t[i]);
		settle(&p);
		say(&p, 0, SPAN(get));
		p.damage = p.from_server + 1;
		say(&p, 1, SPAN(ok5));
		peers_expect(&p,
		    "GET /a 0 [] cut: bytes missing; no response; capture "
		    "ends first; decrypted\ntls t.test alert -1 decrypted\n");
	}
}

/* ---- the decrypter alone ---- */

static void
on_text(void *arg, const struct tcp_piece *p)
{
	buf_add_span(arg, p->data);
}

/* The server's bytes before the client's, as a capture at two places may
 * have them. */
static void
test_hello_comes_late(void **state)
{
	static const struct terms t[] = {{TLS1_3_VERSION, NULL, 0, NULL, NULL},
	    {TLS1_2_VERSION, NULL, 0, NULL, NULL}};
	struct buf text = BUF_INIT(4096);
	struct tls_sink sink = {.arg = &text, .text = on_text};
	struct peers p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct tls_decrypter *all;
		struct tls_stream *s;
		struct tcp_piece from;

		peers_open(&p, &t[i]);
		settle(&p);
		say(&p, 0, SPAN(get));
		say(&p, 1, SPAN(ok5));
		all = tls_decrypter_new(p.keys);
		s = tls_stream_new(all, &sink);
		from =
		    (struct tcp_piece){.side = 1, .data = buf_span(&p.sent[1])};
		assert_true(tls_stream_data(s, &from));
		assert_int_equal(text.len, 0);
		from =
		    (struct tcp_piece){.side = 0, .data = buf_span(&p.sent[0])};
		assert_true(tls_stream_data(s, &from));
		assert_int_equal(text.len, strlen(get) + strlen(ok5));
		assert_non_null(strstr(buf_str(&text), get));
		assert_non_null(strstr(buf_str(&text), ok5));
		assert_int_equal(tls_stream_outcome(s), TLS_DECRYPTED);
		tls_stream_free(s);
		tls_decrypter_free(all);
		buf_clear(&text);
		peers_expect(&p, decrypted);
	}
	buf_release(&text);
}

/* ---- key logs ---- */

static void
expect_secret(const struct tls_keys *k, enum tls_secret which, unsigned first,
    const char *hex)
{
	uint8_t random[TLS_RANDOM_BYTES] = {(uint8_t)first};
	char found[2 * TLS_SECRET_MAX + 1];
	struct span s = tls_keys_find(k, which, random);

	hex_encode(found, s.p, s.n);
	assert_string_equal(found, hex);
}

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static void
test_key_log(void **state)
{
	static const char text[] =
	    "# a comment\r\n\r\n"
	    "CLIENT_RANDOM 01" ZEROS " 0a0B\r\n"
	    "\tCLIENT_TRAFFIC_SECRET_0  01" ZEROS "\tcc \n"
	    "SERVER_TRAFFIC_SECRET_0 01" ZEROS " dd\n"
	    "CLIENT_HANDSHAKE_TRAFFIC_SECRET 01" ZEROS " ee\n"
	    "SERVER_HANDSHAKE_TRAFFIC_SECRET 01" ZEROS " ff more\n"
	    "EXPORTER_SECRET 01" ZEROS " aa\n"
	    "CLIENT_RANDOM 02" ZEROS " 0\n"
	    "CLIENT_RANDOM 03" ZEROS " xx\n"
	    "CLIENT_RANDOM 04" ZEROS "00 aa\n"
	    "CLIENT_RANDOM 05" ZEROS "\n"
	    "CLIENT_RANDOM 06" ZEROS " 11\n"
	    "CLIENT_RANDOM 06" ZEROS " 22\n"
	    "CLIENT_RANDOM 07" ZEROS " 33";
	struct tls_keys *k;

	(void)state;
	for (size_t piece = 1; piece < sizeof text; piece += 41) {
		struct span all = SPAN(text);

		k = tls_keys_new();
		expect_secret(k, TLS_SECRET_MASTER, 1, "");
		for (; all.n > 0; all = span_slice(all, piece, all.n))
			tls_keys_feed(k, span_slice(all, 0, piece));
		expect_secret(k, TLS_SECRET_MASTER, 7, "");
		tls_keys_end(k);
		assert_int_equal(tls_keys_count(k), 7);
		expect_secret(k, TLS_SECRET_MASTER, 1, "0a0b");
		expect_secret(k, TLS_SECRET_CLIENT_TRAFFIC, 1, "cc");
		expect_secret(k, TLS_SECRET_SERVER_TRAFFIC, 1, "dd");
		expect_secret(k, TLS_SECRET_CLIENT_HANDSHAKE, 1, "ee");
		expect_secret(k, TLS_SECRET_SERVER_HANDSHAKE, 1, "ff");
		for (unsigned i = 2; i < 6; i++)
			expect_secret(k, TLS_SECRET_MASTER, i, "");
		expect_secret(k, TLS_SECRET_MASTER, 6, "22");
		expect_secret(k, TLS_SECRET_MASTER, 7, "33");
		tls_keys_free(k);
	}
}

/* A line longer than any of its kind, and more secrets than are kept. */
static void
test_key_log_bounds(void **state)
{
	struct tls_keys *k = tls_keys_new();
	struct buf line = BUF_INIT(MIB);
	uint8_t random[TLS_RANDOM_BYTES] = {0};
	char hex[65];

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_add_char(&line, 'C');
	tls_keys_feed(k, buf_span(&line));
	tls_keys_feed(k, SPAN("\nCLIENT_RANDOM 01" ZEROS " aa\n"));
	expect_secret(k, TLS_SECRET_MASTER, 1, "aa");
	for (uint32_t i = 1; i < TLS_SECRETS_MAX + 1000; i++) {
		memcpy(random + 4, &i, sizeof i);
		hex_encode(hex, random, sizeof random);
		buf_clear(&line);
		buf_addf(&line, "CLIENT_RANDOM %s bb\n", hex);
		tls_keys_feed(k, buf_span(&line));
	}
	assert_int_equal(tls_keys_count(k), TLS_SECRETS_MAX);
	assert_int_equal(tls_keys_dropped(k), 1000);
	expect_secret(k, TLS_SECRET_MASTER, 1, "aa");
	buf_release(&line);
	tls_keys_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_versions_and_ciphers),
	    cmocka_unit_test(test_without_keys),
	    cmocka_unit_test(test_http2_is_left_alone),
	    cmocka_unit_test(test_long_body),
	    cmocka_unit_test(test_handshakes),
	    cmocka_unit_test(test_traffic_secrets_only),
	    cmocka_unit_test(test_close_notify),
	    cmocka_unit_test(test_holes),
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_hello_comes_late),
	    cmocka_unit_test(test_key_log),
	    cmocka_unit_test(test_key_log_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

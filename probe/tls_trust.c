#include "network.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "limit.h"
#include "log.h"

struct trust {
	X509_STORE *store; /* parsed once, shared by every connection */
};

struct trust *
trust_new(struct span pem, size_t *count)
{
	struct trust *t = xcalloc(1, sizeof *t);
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;

	*count = 0;
	t->store = X509_STORE_new();
	if (bio == NULL || t->store == NULL)
		fatal("out of memory for certificates");
	while ((x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(t->store, x) == 1)
			++*count;
		X509_free(x);
	}
	ERR_clear_error(); /* the end of the file is an error to PEM */
	BIO_free(bio);
	if (*count == 0) {
		trust_free(t);
		return NULL;
	}
	return t;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	X509_STORE_free(t->store);
	free(t);
}

static char *
bio_text(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	return xstrndup(p, n > CERT_TEXT_MAX ? CERT_TEXT_MAX : (size_t)n);
}

static char *
name_text(X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	if (bio == NULL)
		fatal("out of memory for a certificate");
	X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	text = bio_text(bio);
	BIO_free(bio);
	return text;
}

static char *
san_text(X509 *x)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	BIO *bio;
	char *text;

	if (names == NULL)
		return NULL;
	bio = BIO_new(BIO_s_mem());
	if (bio == NULL)
		fatal("out of memory for a certificate");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (i > 0)
			BIO_puts(bio, ", ");
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
	}
	text = bio_text(bio);
	BIO_free(bio);
	GENERAL_NAMES_free(names);
	return text;
}

static int64_t
asn1_seconds(const ASN1_TIME *t)
{
	int days = 0, seconds = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

	if (epoch == NULL || t == NULL ||
	    ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		days = seconds = 0;
	ASN1_TIME_free(epoch);
	return (int64_t)days * 86400 + seconds;
}

static void
certificate_fill(struct certificate *c, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n > 0)
		sha256_hex((struct span){(char *)der, (size_t)n}, c->sha256);
	OPENSSL_free(der);
	c->subject = name_text(X509_get_subject_name(x));
	c->issuer = name_text(X509_get_issuer_name(x));
	c->san = san_text(x);
	c->not_before = asn1_seconds(X509_get0_notBefore(x));
	c->not_after = asn1_seconds(X509_get0_notAfter(x));
}

static void
chain_note(struct hop *hop, STACK_OF(X509) * chain)
{
	int n = sk_X509_num(chain);

	if (hop->chain != NULL || n <= 0)
		return;
	if (n > CERT_CHAIN_MAX)
		n = CERT_CHAIN_MAX;
	hop->chain = xcalloc((size_t)n, sizeof *hop->chain);
	hop->nchain = (size_t)n;
	for (int i = 0; i < n; i++)
		certificate_fill(&hop->chain[i], sk_X509_value(chain, i));
}

/* Stands in for X509_verify_cert() so that the chain of a connection that is
 * then refused is still seen. */
static int
verify_and_note(X509_STORE_CTX *ctx, void *arg)
{
	struct hop *hop = arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);

	if (sent != NULL)
		chain_note(hop, sent);
	return X509_verify_cert(ctx);
}

void
trust_apply(struct trust *t, void *ssl_ctx, struct hop *hop)
{
	SSL_CTX *ctx = ssl_ctx;

	SSL_CTX_set1_cert_store(ctx, t->store);
	SSL_CTX_set_cert_verify_callback(ctx, verify_and_note, hop);
	/* Old sites have old keys and protocols: see them, and say so. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
}

/* OpenSSL reads on by itself while there are messages that are not for its
 * caller: without an end to them it does not come back, and no timer of ours
 * is looked at. */
static void
on_message(int sent, int version, int type, const void *data, size_t n,
    SSL *ssl, void *arg)
{
	unsigned *count = arg;
	int kind = type;

	(void)version;
	if (sent)
		return;
	/* A record: what it says it holds; in TLS 1.3 what it then held. */
	if ((type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE) &&
	    n > 0)
		kind = *(const unsigned char *)data;
	if (kind != SSL3_RT_APPLICATION_DATA && ++*count > TLS_MESSAGES_MAX)
		SSL_set_shutdown(ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void
tls_limit(void *ssl_ctx, unsigned *count)
{
	SSL_CTX_set_msg_callback(ssl_ctx, on_message);
	SSL_CTX_set_msg_callback_arg(ssl_ctx, count);
}

void
tls_describe(void *ssl, struct hop *hop)
{
	if (hop->tls_version != NULL)
		return;
	hop->tls_version = xstrdup(SSL_get_version(ssl));
	hop->tls_cipher = xstrdup(SSL_get_cipher_name(ssl));
}

enum failure
tls_verify_failure(long result)
{
	switch (result) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return FAILURE_SSL_AUTHORITY;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return FAILURE_SSL_HOSTNAME;
	default:
		return FAILURE_SSL_CERTIFICATE;
	}
}

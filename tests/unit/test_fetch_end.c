/* What becomes of libcurl's results. */
#include "cm.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "fetch_end.h"

struct end {
	CURLcode rc;
	const char *text;
	long verify;
	int os_errno;
	enum stage stage;
	enum failure failure;
};

static void
check_end(const struct end *e)
{
	struct observation o;
	struct fetch_end x = {0};
	struct hop *h;

	observation_init(&o);
	h = observation_add_hop(&o);
	h->url = xstrdup("https://a.example/");
	h->marks.tcp_start = 0;
	h->verify_result = e->verify;
	h->os_errno = e->os_errno;
	h->stage = fetch_stage(h);
	snprintf(x.error, sizeof x.error, "%s", e->text);
	fetch_map(&x, h, (int)e->rc);
	assert_string_equal(stage_name(h->stage), stage_name(e->stage));
	assert_string_equal(failure_name(h->failure), failure_name(e->failure));
	observation_release(&o);
}

/* The loop may see a connection and its end in one turn: what TLS says is no
 * failure of TCP all the same. */
static void
ends_before_the_connection_was_seen(void **state)
{
	static const struct end ends[] = {
	    {CURLE_COULDNT_CONNECT, "refused", 0, ECONNREFUSED, STAGE_TCP,
		FAILURE_CONNECTION_REFUSED},
	    {CURLE_SSL_CONNECT_ERROR, "unexpected eof", 0, 0, STAGE_TLS,
		FAILURE_EOF},
	    {CURLE_SSL_CONNECT_ERROR, "wrong version", 0, 0, STAGE_TLS,
		FAILURE_SSL_HANDSHAKE},
	    {CURLE_PEER_FAILED_VERIFICATION, "certificate",
		X509_V_ERR_CERT_NOT_YET_VALID, 0, STAGE_TLS,
		FAILURE_SSL_CERTIFICATE},
	    {CURLE_PEER_FAILED_VERIFICATION, "subject name", 0, 0, STAGE_TLS,
		FAILURE_SSL_HOSTNAME},
	    {CURLE_SSL_ISSUER_ERROR, "issuer", 0, 0, STAGE_TLS,
		FAILURE_SSL_CERTIFICATE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		check_end(&ends[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends_before_the_connection_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* DNS messages, and the start of TLS connections. */
#include "dns.h"
#include "tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = {(const char *)data, size};
	struct dns_message m;
	struct tls_peek t;

	if (dns_parse(&m, s))
		dns_message_release(&m);
	tls_peek_init(&t);
	tls_peek_feed(&t, span_slice(s, 0, size / 2));
	tls_peek_feed(&t, span_slice(s, size / 2, size));
	tls_peek_release(&t);
	return 0;
}

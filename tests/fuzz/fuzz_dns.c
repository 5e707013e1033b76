/* DNS messages, replies of name servers, and the start of TLS connections. */
#include <stdlib.h>
#include <string.h>

#include "dns.h"
#include "limit.h"
#include "resolve_reply.h"
#include "tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A question for the name of this one reads as that question. */
static void
ask_again(const struct dns_message *m)
{
	struct buf b = BUF_INIT(1024);
	struct dns_message again;
	char text[16];

	if (dns_type_name(m->type, text) == NULL ||
	    dns_rcode_name(m->rcode, text) == NULL)
		abort();
	if (m->name != NULL && strchr(m->name, '\\') == NULL &&
	    dns_query(&b, m->id, m->name, m->type)) {
		if (!dns_parse(&again, buf_span(&b)))
			abort();
		if (again.id != m->id || again.type != m->type ||
		    again.response || strcmp(again.name, m->name) != 0)
			abort();
		dns_message_release(&again);
	}
	buf_release(&b);
}

/* As the answer to a question of ours: nothing that cannot be passed on. */
static void
answer(struct span s, enum dns_type type)
{
	struct dns_lookup d = {0};

	resolve_reply(&d, type, (const unsigned char *)s.p, (int)s.n);
	if (d.nrecords > DNS_ANSWERS_MAX)
		abort();
	for (size_t i = 0; i < d.nrecords; i++)
		if (d.records[i].ttl > INT32_MAX ||
		    strlen(d.records[i].value) > HOST_MAX_LEN)
			abort();
	dns_lookup_release(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = {(const char *)data, size};
	struct dns_message m;
	struct tls_peek t;

	if (dns_parse(&m, s)) {
		ask_again(&m);
		dns_message_release(&m);
	}
	answer(s, DNS_A);
	answer(s, DNS_AAAA);
	answer(s, DNS_NS);
	tls_peek_init(&t);
	tls_peek_feed(&t, span_slice(s, 0, size / 2));
	tls_peek_feed(&t, span_slice(s, size / 2, size));
	tls_peek_release(&t);
	return 0;
}

/* What a name server's reply says, as records of a look-up. */
#include "resolve_reply.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "limit.h"
#include "network.h"

#define HEADER_LEN 12

int
resolve_status(int status, const unsigned char *reply, int n)
{
	static const int of_rcode[] = {ARES_SUCCESS, ARES_EFORMERR,
	    ARES_ESERVFAIL, ARES_ENOTFOUND, ARES_ENOTIMP, ARES_EREFUSED};
	unsigned rcode;

	if (status != ARES_SUCCESS || reply == NULL || n < HEADER_LEN)
		return status;
	rcode = reply[3] & 0x0f;
	if (rcode == 0 && reply[6] == 0 && reply[7] == 0)
		return ARES_ENODATA;
	return rcode < ARRAY_LEN(of_rcode) ? of_rcode[rcode] : ARES_SUCCESS;
}

static void
record_add(struct dns_lookup *d, const char *type, const char *value, int ttl)
{
	dns_record_add(d, span_of(type), ttl < 0 ? 0 : (uint32_t)ttl,
	    span_of(value));
}

static void
aliases_add(struct dns_lookup *d, const struct hostent *host)
{
	if (host == NULL || host->h_aliases == NULL ||
	    host->h_aliases[0] == NULL)
		return;
	for (size_t i = 0; i < d->nrecords; i++)
		if (strcmp(d->records[i].type, "CNAME") == 0)
			return; /* the other question has told already */
	record_add(d, "CNAME", host->h_name, 0);
}

static int
take_a(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct ares_addrttl list[DNS_ANSWERS_MAX];
	struct hostent *host = NULL;
	char text[ADDRESS_TEXT_MAX];
	int count = DNS_ANSWERS_MAX;
	int rc = ares_parse_a_reply(reply, n, &host, list, &count);

	if (rc == ARES_SUCCESS)
		aliases_add(d, host);
	for (int i = 0; rc == ARES_SUCCESS && i < count; i++) {
		record_add(d, "A", ipv4_text(&list[i].ipaddr, text),
		    list[i].ttl);
	}
	if (host != NULL)
		ares_free_hostent(host);
	return rc == ARES_SUCCESS && count == 0 ? ARES_ENODATA : rc;
}

static int
take_aaaa(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct ares_addr6ttl list[DNS_ANSWERS_MAX];
	struct hostent *host = NULL;
	char text[ADDRESS_TEXT_MAX];
	int count = DNS_ANSWERS_MAX;
	int rc = ares_parse_aaaa_reply(reply, n, &host, list, &count);

	if (rc == ARES_SUCCESS)
		aliases_add(d, host);
	for (int i = 0; rc == ARES_SUCCESS && i < count; i++) {
		inet_ntop(AF_INET6, &list[i].ip6addr, text, sizeof text);
		record_add(d, "AAAA", text, list[i].ttl);
	}
	if (host != NULL)
		ares_free_hostent(host);
	return rc == ARES_SUCCESS && count == 0 ? ARES_ENODATA : rc;
}

/* A name that can be kept in a list of words. */
static bool
is_plain_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strlen(name);

	return n > 0 && n <= HOST_MAX_LEN && strspn(name, plain) == n;
}

static int
take_ns(struct dns_lookup *d, const unsigned char *reply, int n)
{
	struct hostent *host = NULL;
	int rc = ares_parse_ns_reply(reply, n, &host);

	for (char **name = rc == ARES_SUCCESS ? host->h_aliases : NULL;
	     name != NULL && *name != NULL; name++)
		if (is_plain_name(*name))
			record_add(d, "NS", *name, 0);
	if (host != NULL)
		ares_free_hostent(host);
	return rc;
}

int
resolve_reply(struct dns_lookup *d, int type, const unsigned char *reply, int n)
{
	switch (type) {
	case TYPE_A:
		return take_a(d, reply, n);
	case TYPE_AAAA:
		return take_aaaa(d, reply, n);
	default:
		return take_ns(d, reply, n);
	}
}

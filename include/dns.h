/*
 * DNS messages (RFC 1035 section 4, EDNS as RFC 6891 only in that OPT records
 * are skipped): a bounded parser for hostile bytes, and a writer of queries.
 */
#ifndef KPWATCH_DNS_H
#define KPWATCH_DNS_H

#include "bytes.h"

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_rr {
	enum dns_section section;
	char *name; /* owned; presentation form, no final dot, "." for the
		     * root; odd bytes as \DDD */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	char *value; /* owned text for A, AAAA, NS, CNAME, PTR, MX ("10
		      * mail.example") and TXT; NULL for other types */
};

struct dns_message {
	uint16_t id;
	bool response;
	bool truncated;
	bool authoritative;
	bool recursion_desired;
	bool recursion_available;
	unsigned opcode;
	unsigned rcode;	    /* with EDNS's upper bits */
	uint16_t questions; /* as the header says; the first is kept */
	char *name;	    /* owned; NULL without a question */
	uint16_t type;
	uint16_t class;
	struct dns_rr *records; /* owned; at most DNS_ANSWERS_MAX */
	size_t nrecords, records_cap;
	bool cut; /* more records were there than could be read */
};

/* Parses one message.  False (and an empty message) when the header or the
 * question is malformed; a malformed record ends the list and sets cut. */
bool dns_parse(struct dns_message *, struct span);
void dns_message_release(struct dns_message *);
/* "A", "AAAA", ...; "TYPE123" in out for the rest. */
const char *dns_type_name(uint16_t type, char out[16]);
/* "NOERROR", "NXDOMAIN", ...; "RCODE123" in out for the rest. */
const char *dns_rcode_name(unsigned rcode, char out[16]);
/* Reads one name at the cursor's place inside the whole message, following
 * compression (bounded); appends its presentation form.  False when bad. */
bool dns_name(struct span message, struct cursor *, struct buf *out);
/* Appends a query for the name (ASCII, dots between labels) in wire form.
 * False when the name is no host name. */
bool dns_query(struct buf *out, uint16_t id, const char *name, uint16_t type);

#endif

/* What a name server's reply says, as records of a look-up. */
#include "resolve_reply.h"

#include <ares.h>
#include <arpa/inet.h>
#include <string.h>

#include "dns.h"
#include "limit.h"
#include "network.h"

#define HEADER_LEN   12
#define CLASS_IN     1
#define POINTER_BITS 0xc000 /* RFC 1035 section 4.1.4 */

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

/* One that is read. */
struct reply {
	struct dns_lookup *to;
	struct span message;
	struct cursor at;
	enum dns_type type; /* of the records that were asked for */
	struct buf name;    /* asked for, or what that is an alias of */
	size_t name_at;	    /* where it stands in the message */
	struct buf owner;   /* of the record under way */
	uint32_t ttl;	    /* no record is good for longer than its alias */
	bool found;
};

/* A name that can be kept in a list of words. */
static bool
is_plain_name(struct span name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";

	return name.n > 0 && name.n <= HOST_MAX_LEN &&
	    strspn(name.p, plain) == name.n;
}

/* Reads the owner of the next record; is it the name that is looked for?
 * Most times it is a pointer to that. */
static bool
is_owner(struct reply *r)
{
	struct cursor c = r->at;

	if (cursor_u16be(&c) == POINTER_BITS + r->name_at) {
		r->at = c;
		return true;
	}
	buf_clear(&r->owner);
	return dns_name(r->message, &r->at, &r->owner) &&
	    span_eq_i(buf_span(&r->owner), buf_span(&r->name));
}

static void
take_alias(struct reply *r, struct span data)
{
	struct dns_lookup *d = r->to;
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	buf_clear(&r->name);
	if (!dns_name(r->message, &c, &r->name) ||
	    !is_plain_name(buf_span(&r->name))) {
		r->at.bad = true;
		return;
	}
	r->name_at = (size_t)(data.p - r->message.p);
	if (r->type == DNS_NS)
		return; /* of the zone, not of the host */
	/* Of a chain the first; the other question may have told already. */
	for (size_t i = 0; i < d->nrecords; i++)
		if (strcmp(d->records[i].type, "CNAME") == 0)
			return;
	dns_record_add(d, SPAN("CNAME"), 0, buf_span(&r->name));
}

static void
take_server(struct reply *r, struct span data)
{
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	buf_clear(&r->owner);
	if (!dns_name(r->message, &c, &r->owner)) {
		r->at.bad = true;
		return;
	}
	r->found = true;
	if (is_plain_name(buf_span(&r->owner)))
		dns_record_add(r->to, SPAN("NS"), 0, buf_span(&r->owner));
}

static void
take_address(struct reply *r, uint32_t ttl, struct span data)
{
	char text[ADDRESS_TEXT_MAX];
	struct in_addr v4;
	struct in6_addr v6;

	if (ttl > r->ttl)
		ttl = r->ttl;
	if (r->type == DNS_A && data.n == sizeof v4) {
		memcpy(&v4, data.p, sizeof v4);
		r->found = true;
		dns_record_add(r->to, SPAN("A"), ttl,
		    span_of(ipv4_text(&v4, text)));
	} else if (r->type == DNS_AAAA && data.n == sizeof v6) {
		memcpy(&v6, data.p, sizeof v6);
		r->found = true;
		dns_record_add(r->to, SPAN("AAAA"), ttl,
		    span_of(inet_ntop(AF_INET6, &v6, text, sizeof text)));
	}
}

static void
read_record(struct reply *r)
{
	bool ours = is_owner(r);
	unsigned type = cursor_u16be(&r->at), class = cursor_u16be(&r->at);
	uint32_t ttl = cursor_u32be(&r->at);
	struct span data = cursor_take(&r->at, cursor_u16be(&r->at));

	if (r->at.bad || !ours || class != CLASS_IN)
		return;
	if (ttl > INT32_MAX)
		ttl = 0; /* RFC 2181 section 8 */
	if (type == DNS_CNAME) {
		if (ttl < r->ttl)
			r->ttl = ttl;
		take_alias(r, data);
	} else if (type == r->type && type == DNS_NS) {
		take_server(r, data);
	} else if (type == r->type) {
		take_address(r, ttl, data);
	}
}

/* The header was looked at before, but for how much of what there is. */
static void
read_answers(struct reply *r)
{
	unsigned questions, answers;

	cursor_skip(&r->at, 4);
	questions = cursor_u16be(&r->at);
	answers = cursor_u16be(&r->at);
	cursor_skip(&r->at, 4);
	dns_name(r->message, &r->at, &r->name);
	cursor_skip(&r->at, 4);
	if (questions != 1)
		r->at.bad = true;
	while (answers-- > 0 && !r->at.bad)
		read_record(r);
}

int
resolve_reply(struct dns_lookup *d, enum dns_type type,
    const unsigned char *reply, int n)
{
	struct reply r = {
	    .to = d,
	    .message = {(const char *)reply, (size_t)n},
	    .type = type,
	    .name = BUF_INIT(DNS_NAME_MAX),
	    .name_at = HEADER_LEN,
	    .owner = BUF_INIT(DNS_NAME_MAX),
	    .ttl = INT32_MAX,
	};
	size_t had = d->nrecords;

	cursor_init(&r.at, reply, (size_t)n);
	read_answers(&r);
	buf_release(&r.name);
	buf_release(&r.owner);
	if (!r.at.bad)
		return r.found ? ARES_SUCCESS : ARES_ENODATA;
	/* Nothing of it can be trusted. */
	dns_records_cut(d, had);
	return ARES_EBADRESP;
}

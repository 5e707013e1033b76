/* Replies of name servers, byte by byte. */
#include "cm.h"

#include <ares.h>
#include <string.h>

#include "limit.h"
#include "resolve_reply.h"

#define ANSWERS_AT 7 /* the lower byte of how many there are */

/* Owners and names: that of the question, and one of an alias at `to`. */
#define ASKED	   "\xc0\x0c"
#define OTHER	   "\3ftp\xc0\x10"
#define TTL(n)	   "\0\0\0" n
#define ADDRESS(n) "\0\4\xc0\0\2" n
#define IN_A	   "\0\1\0\1"
#define IN_AAAA	   "\0\x1c\0\1"
#define IN_CNAME   "\0\5\0\1"
#define IN_NS	   "\0\2\0\1"
/* The first answer behind the question for www.example begins at 29. */
#define ALIAS	      ASKED IN_CNAME TTL("\x09") "\0\6\3ftp\xc0\x10"
#define ALIAS_AT      "\xc0\x29" /* its target */
#define ALIAS_ADDRESS ALIAS_AT IN_A TTL("\x3c") ADDRESS("\7")

static const struct {
	const char *what;
	enum dns_type type;
	unsigned answers;
	struct span bytes;
	int status;
	const char *records;
} replies[] = {
    {"an address", DNS_A, 1, SPAN(ASKED IN_A TTL("\x3c") ADDRESS("\7")),
	ARES_SUCCESS, "A 192.0.2.7 60\n"},
    {"two of them", DNS_A, 2,
	SPAN(ASKED IN_A TTL("\1") ADDRESS("\7") ASKED IN_A TTL("\2")
		ADDRESS("\x8")),
	ARES_SUCCESS, "A 192.0.2.7 1\nA 192.0.2.8 2\n"},
    {"an owner in full, in capitals", DNS_A, 1,
	SPAN("\3WWW\7Example\0" IN_A TTL("\x3c") ADDRESS("\7")), ARES_SUCCESS,
	"A 192.0.2.7 60\n"},
    {"an IPv6 address", DNS_AAAA, 1,
	SPAN(ASKED IN_AAAA TTL(
	    "\x3c") "\0\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	ARES_SUCCESS, "AAAA 2001:db8::1 60\n"},
    {"a time to live that is negative", DNS_A, 1,
	SPAN(ASKED IN_A "\xff\xff\xff\xff" ADDRESS("\7")), ARES_SUCCESS,
	"A 192.0.2.7 0\n"},
    {"an alias, and its address for as long as the alias", DNS_A, 2,
	SPAN(ALIAS ALIAS_ADDRESS), ARES_SUCCESS,
	"CNAME ftp.example 0\nA 192.0.2.7 9\n"},
    {"of a chain the first", DNS_A, 3,
	SPAN(ALIAS ALIAS_AT IN_CNAME TTL("\x9") "\0\6\3new\xc0\x10"
						"\xc0\x3b" IN_A TTL("\1")
						    ADDRESS("\7")),
	ARES_SUCCESS, "CNAME ftp.example 0\nA 192.0.2.7 1\n"},
    {"an alias alone", DNS_A, 1, SPAN(ALIAS), ARES_ENODATA,
	"CNAME ftp.example 0\n"},
    {"the address of another", DNS_A, 1,
	SPAN(OTHER IN_A TTL("\x3c") ADDRESS("\7")), ARES_ENODATA, ""},
    {"the address of the alias's owner", DNS_A, 2,
	SPAN(ALIAS ASKED IN_A TTL("\x3c") ADDRESS("\7")), ARES_ENODATA,
	"CNAME ftp.example 0\n"},
    {"another class", DNS_A, 1,
	SPAN(ASKED "\0\1\0\3" TTL("\x3c") ADDRESS("\7")), ARES_ENODATA, ""},
    {"the other type", DNS_AAAA, 1, SPAN(ASKED IN_A TTL("\x3c") ADDRESS("\7")),
	ARES_ENODATA, ""},
    {"an address of five bytes", DNS_A, 1,
	SPAN(ASKED IN_A TTL("\x3c") "\0\5\xc0\0\2\7\7"), ARES_ENODATA, ""},
    {"name servers", DNS_NS, 2,
	SPAN(ASKED IN_NS TTL("\x3c") "\0\6\3ns1\xc0\x0c" ASKED IN_NS TTL(
	    "\x3c") "\0\6\3n 2\xc0\x0c"),
	ARES_SUCCESS, "NS ns1.www.example 0\n"},
    {"an alias is not the zone's", DNS_NS, 1, SPAN(ALIAS), ARES_ENODATA, ""},
    {"fewer answers than it says", DNS_A, 2,
	SPAN(ASKED IN_A TTL("\x3c") ADDRESS("\7")), ARES_EBADRESP, ""},
    {"data past the end", DNS_A, 1, SPAN(ASKED IN_A TTL("\x3c") "\0\4\xc0"),
	ARES_EBADRESP, ""},
    {"an alias of no host name", DNS_A, 1,
	SPAN(ASKED IN_CNAME TTL("\x9") "\0\5\3f p\0"), ARES_EBADRESP, ""},
    {"an alias that names itself without end", DNS_A, 1,
	SPAN(ASKED IN_CNAME TTL("\x9") "\0\2\xc0\x29"), ARES_EBADRESP, ""},
    {"an owner past the end", DNS_A, 1,
	SPAN("\xcf\xff" IN_A TTL("\x3c") ADDRESS("\7")), ARES_EBADRESP, ""},
};

static int
read_reply(struct dns_lookup *d, size_t i)
{
	struct buf b = BUF_INIT(KIB);
	int rc;

	assert_true(dns_query(&b, 1, "www.example", (uint16_t)replies[i].type));
	b.data[ANSWERS_AT] = (char)replies[i].answers;
	buf_add_span(&b, replies[i].bytes);
	rc = resolve_reply(d, replies[i].type, (unsigned char *)b.data,
	    (int)b.len);
	buf_release(&b);
	return rc;
}

static void
test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct dns_lookup d = {0};
		struct buf text = BUF_INIT(KIB);

		print_message("%s\n", replies[i].what);
		assert_int_equal(read_reply(&d, i), replies[i].status);
		for (size_t r = 0; r < d.nrecords; r++)
			buf_addf(&text, "%s %s %u\n", d.records[r].type,
			    d.records[r].value, d.records[r].ttl);
		assert_string_equal(buf_str(&text), replies[i].records);
		buf_release(&text);
		dns_lookup_release(&d);
	}
}

/* What was known before stays: nothing of a bad reply does. */
static void
test_kept(void **state)
{
	struct dns_lookup d = {0};

	(void)state;
	dns_record_add(&d, SPAN("A"), 1, SPAN("192.0.2.1"));
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].status == ARES_EBADRESP) {
			assert_int_equal(read_reply(&d, i), ARES_EBADRESP);
			assert_int_equal(d.nrecords, 1);
			assert_string_equal(d.records[0].value, "192.0.2.1");
		}
	dns_lookup_release(&d);
}

/* Of many answers some are kept. */
static void
test_many(void **state)
{
	static const char answer[] = ASKED IN_A TTL("\x3c") ADDRESS("\7");
	struct buf b = BUF_INIT(16 * KIB);
	struct dns_lookup d = {0};

	(void)state;
	assert_true(dns_query(&b, 1, "www.example", DNS_A));
	b.data[ANSWERS_AT] = (char)UINT8_MAX;
	for (int i = 0; i < UINT8_MAX; i++)
		buf_add(&b, answer, sizeof answer - 1);
	assert_int_equal(resolve_reply(&d, DNS_A, (unsigned char *)b.data,
			     (int)b.len),
	    ARES_SUCCESS);
	assert_int_equal(d.nrecords, DNS_ANSWERS_MAX);
	dns_lookup_release(&d);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

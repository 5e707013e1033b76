/*
 * An observation: one attempt to see one page at one time from one vantage.
 *
 * Live fetching, pcap replay and WARC replay all make this same structure and
 * nothing after them knows which it was, but for `source`.  Redirects are
 * followed by us, so an observation is a row of hops; each hop is one
 * resolution, one connection and one HTTP exchange, with its own outcome.
 * The observation failed when its last hop failed.
 */
#ifndef KPWATCH_OBSERVATION_H
#define KPWATCH_OBSERVATION_H

#include "bytes.h"
#include "failure.h"

/* A time that was not reached or not seen. */
#define MARK_NONE (-1)

enum source { SOURCE_LIVE, SOURCE_PCAP, SOURCE_WARC, SOURCE_COUNT };

/* Why this observation was made; a label, the analysis is the same. */
enum variant {
	VARIANT_NORMAL,
	VARIANT_UNVERIFIED, /* second look without certificate checks */
	VARIANT_CONFIRM,    /* quick retry after a failure or a change */
	VARIANT_TWIN,	    /* second fetch to learn what is volatile */
	VARIANT_CONTROL,    /* control target: is it us? */
	VARIANT_COUNT
};

struct dns_record {
	char type[12]; /* "A", "AAAA", "CNAME"; "NS" of the registered zone */
	uint32_t ttl;  /* seconds */
	char *value;   /* address or host name, text */
};

/* Of type A or AAAA?  A name may look like an address. */
bool dns_record_is_address(const struct dns_record *);

struct dns_lookup {
	char *host;   /* ASCII (IDNA A-label) form asked for */
	char *server; /* "192.0.2.53:53"; NULL when unknown */
	int rcode;    /* RFC 1035 section 4.1.1; -1 when no reply came */
	struct dns_record *records;
	size_t nrecords, records_cap;
	int64_t start_us; /* after the observation's start */
	int64_t end_us;
};

struct certificate {
	char sha256[65]; /* of the DER, lower-case hex */
	char *subject;
	char *issuer;
	char *san;	    /* "DNS:a.example, DNS:b.example"; may be NULL */
	int64_t not_before; /* seconds since the epoch */
	int64_t not_after;
};

/* Instants in microseconds after the observation's start; MARK_NONE if not
 * reached.  Taken from the monotonic clock when live. */
struct marks {
	int64_t tcp_start;
	int64_t tcp_done;
	int64_t tls_done;
	int64_t request_sent;
	int64_t first_byte;
	int64_t last_byte;
};

/* What the probe's own packets of a hop showed, where they were captured. */
struct packet_facts {
	uint32_t count;	      /* packets of the hop; 0: none captured */
	int64_t synack_us;    /* SYN to SYN-ACK; MARK_NONE if not seen */
	uint16_t ttl;	      /* of the SYN-ACK as it arrived; 0: none */
	uint16_t reset_ttl;   /* of the server's reset; 0: none */
	bool reset_by_server; /* in whose name a reset was sent */
	bool reset_by_probe;
	uint32_t resent_up;   /* segments the probe sent again */
	uint32_t resent_down; /* the server */
	bool incomplete;      /* packets were lost on their way to us */
};

#define TRIED_PORTS_MAX 3

struct hop {
	char *url;	       /* absolute, as asked for */
	struct dns_lookup dns; /* host NULL: no lookup was needed or seen */
	char **tried;	       /* every address tried, in order, "192.0.2.1" */
	size_t ntried;
	char *address; /* the one used; NULL when no connection was tried */
	uint16_t port;
	uint16_t local_port;
	struct marks marks;
	char *tls_version; /* "TLSv1.3"; NULL without TLS */
	char *tls_cipher;
	struct certificate *chain; /* leaf first */
	size_t nchain;
	struct buf request; /* request line and headers as sent */
	int http_version;   /* 10, 11, 20; 0 without a response */
	int status;	    /* 0 without a response */
	struct buf headers; /* status line and header lines as received,
			     * with the empty line that ends them */
	struct buf body;    /* after transfer coding, before content
			     * coding: what a payload digest covers */
	struct buf wire;    /* the body as it came, when a transfer
			     * coding was removed from it; else empty */
	bool body_cut;	    /* body ends before the message did */
	enum failure failure;
	char *failure_text; /* detail for FAILURE_UNKNOWN; may be NULL */
	enum stage stage;   /* last stage reached, or failed in */
	enum outcome outcome;
	int curl_code; /* raw, so that the mapping can be redone */
	int os_errno;
	long verify_result;
	bool reset_injected; /* the capture shows a forged reset */
	struct packet_facts packets;
	/* Ours, of the attempts in `tried`, 0 unknown.  Not in the wire form:
	 * for finding the packets of this hop. */
	uint16_t tried_ports[TRIED_PORTS_MAX];
};

struct observation {
	uint64_t id;  /* ascends within one run of one source */
	int64_t time; /* start, ms since the epoch, UTC */
	enum source source;
	enum variant variant;
	char *vantage;
	char *target;	  /* site or account id */
	char *page;	  /* page slot, "main" */
	char *url;	  /* URL of the slot or sample */
	bool conditional; /* If-None-Match or If-Modified-Since was sent */
	uint32_t watched; /* targets that the run looked at; 0: not known */
	struct hop *hops; /* at least one */
	size_t nhops;
	/* Where the response stands on disk, for replay and after recording. */
	char *warc;	     /* file name; NULL when there is none */
	int64_t warc_offset; /* of the last hop's response record */
	/* A capture file of its own packets (empty: none) and where it is kept.
	 * Not in the wire form: they travel beside it. */
	struct buf packets;
	char *pcap; /* "20190114/1207.pcap"; NULL: not kept */
	char pcap_sha256[65];
	/* Of one that was decoded: private.  It owns the hops, their arrays,
	 * requests and headers, and all texts but `warc` and `pcap`, which
	 * alone may be replaced. */
	struct text_pool *texts;
};

void observation_init(struct observation *);
/* Frees what it owns; the structure is empty again. */
void observation_release(struct observation *);
/* The same, but for the memory that observation_decode_again() uses. */
void observation_empty(struct observation *);
/* Appends an empty hop (marks MARK_NONE, rcode -1) and returns it (borrows).
 * Earlier hop pointers are invalid after it. */
struct hop *observation_add_hop(struct observation *);
/* Appends a record (copies).  False, and nothing is done, when there are
 * DNS_ANSWERS_MAX or when the type is no name of one. */
bool dns_record_add(struct dns_lookup *, struct span type, uint32_t ttl,
    struct span value);
/* Drops all but the first n records. */
void dns_records_cut(struct dns_lookup *, size_t n);
/* Frees what a lookup owns; its fields are not cleared. */
void dns_lookup_release(struct dns_lookup *);
/* The hop that decides: the last one. */
struct hop *observation_last(const struct observation *);
/* True when the last hop has an HTTP response and no failure. */
bool observation_answered(const struct observation *);
/* Bytes of all bodies that it holds, of each form. */
size_t observation_body_bytes(const struct observation *);

/* Wire form.  Bodies may be left out (they come back empty): BODIES_DECODED
 * carries `body`, BODIES_ALL also `wire`.
 * Read by observation_decode(), which returns false on any malformed byte
 * and leaves an empty observation.  What it read takes no further hop. */
enum bodies { BODIES_NONE, BODIES_DECODED, BODIES_ALL };
void observation_encode(const struct observation *, struct buf *, enum bodies);
bool observation_decode(struct observation *, struct span);
/* The same into one that is initialised and empty. */
bool observation_decode_again(struct observation *, struct span);

void packet_facts_encode(const struct packet_facts *, struct buf *);
void packet_facts_decode(struct packet_facts *, struct cursor *);

/* Value of the first header of that name (case-insensitive, trimmed) in
 * received header lines; p is NULL when there is none.  Folded lines are not
 * joined: http_message.h does the full job. */
struct span header_value(struct span headers, const char *name);

const char *source_name(enum source);	/* "live", "pcap", "warc" */
const char *variant_name(enum variant); /* "normal", ... */
enum variant variant_from_name(struct span);

#endif

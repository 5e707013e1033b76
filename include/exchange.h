/*
 * What a capture holds: HTTP exchanges, DNS lookups and the fate of every
 * connection.  Packets go in, in the order of their times; facts come out
 * through one set of callbacks.  Every callback may be NULL.
 */
#ifndef KPWATCH_EXCHANGE_H
#define KPWATCH_EXCHANGE_H

#include "capture.h"
#include "dns.h"
#include "http.h"
#include "stream.h"
#include "tls_stream.h"

/* Why an exchange is not whole, or what is odd about it. */
enum exchange_note {
	EXCHANGE_NO_REQUEST = 1 << 0,  /* response only */
	EXCHANGE_NO_RESPONSE = 1 << 1, /* request only */
	EXCHANGE_GAP = 1 << 2,	       /* bytes are missing in the capture */
	EXCHANGE_CUT = 1 << 3,	       /* connection closed too early */
	EXCHANGE_RESET = 1 << 4,       /* connection reset */
	EXCHANGE_RESET_INJECTED = 1 << 5,
	EXCHANGE_CAPTURE_END = 1 << 6, /* the capture ended first */
	EXCHANGE_EVICTED = 1 << 7,     /* given up to bound memory */
	EXCHANGE_UPGRADE = 1 << 8,     /* 101: the rest is another protocol */
	EXCHANGE_TUNNEL = 1 << 9,      /* CONNECT: the rest is a tunnel */
	EXCHANGE_HEAD_TOO_LARGE = 1 << 10,
	EXCHANGE_PARTIAL = 1 << 11,   /* 206: a range of the whole */
	EXCHANGE_INTERIM = 1 << 12,   /* 1xx: the response proper comes in an
				       * exchange of its own */
	EXCHANGE_DECRYPTED = 1 << 13, /* it came over TLS */
	EXCHANGE_GIVEN_UP = 1 << 14   /* the client ended it, not the server */
};

struct exchange {
	uint64_t number; /* ascends in the order of starts */
	uint64_t stream; /* tcp_stream.number */
	struct endpoint client, server;
	/* ns since the epoch, TCP_NEVER when not seen. */
	int64_t syn_ns, synack_ns;
	int64_t request_ns, request_end_ns; /* first, last byte */
	int64_t response_ns, end_ns;	    /* first byte; last, or the end */
	struct http_head request;	    /* method.p NULL: not seen */
	struct http_head response;	    /* status 0 and raw.p NULL: none */
	struct http_body body; /* of the response: framing and flags */
	uint64_t body_bytes;   /* handed to body(): payload before a gap */
	uint64_t missing;      /* bytes of the response not captured */
	bool complete;	       /* the whole response was seen */
	unsigned notes;	       /* enum exchange_note */
	void *user;	       /* the callbacks' own; freed in done() */
	/* http_stream.c's own. */
	struct exchange *next;
	struct buf request_bytes, response_bytes;
	uint32_t request_end_seq, request_ack, response_seq, response_ack;
};

/* A DNS question and what became of it. */
struct dns_seen {
	struct endpoint client, server;
	bool tcp;
	int64_t query_ns;   /* TCP_NEVER: only the answer was captured */
	int64_t answer_ns;  /* TCP_NEVER: no answer came */
	unsigned asked;	    /* copies of the question */
	bool other_answers; /* further, different answers came before this
			     * one: someone else may have answered too */
	const struct dns_message *message; /* the answer, or the question */
};

enum connection_fate {
	CONNECTION_OPEN,	/* nothing bad up to the capture's end */
	CONNECTION_CLOSED,	/* in order */
	CONNECTION_UNANSWERED,	/* SYN, and nothing came back */
	CONNECTION_REFUSED,	/* reset answered the SYN */
	CONNECTION_UNREACHABLE, /* ICMP answered it */
	CONNECTION_RESET
};

/* One connection at its end. */
struct connection_seen {
	uint64_t stream;
	struct endpoint client, server;
	enum connection_fate fate;
	int64_t first_ns, syn_ns, synack_ns, last_ns;
	unsigned syns;
	uint64_t up_bytes, down_bytes, up_missing, down_missing;
	bool reset_by_client, reset_by_server; /* in whose name */
	bool reset_injected; /* tcp_reset_injected() of the accepted one */
	uint8_t reset_ttl, ttl_min, ttl_max; /* of the server */
	int64_t reset_ns;		     /* TCP_NEVER */
	unsigned exchanges;		     /* HTTP exchanges on it */
	bool tls;			     /* a TLS handshake was seen */
	const char *server_name; /* from ClientHello; NULL when none */
	int tls_alert;		 /* RFC 8446 section 6; -1 when none */
	bool tls_alert_by_server;
	bool tls_answered;	      /* ServerHello came */
	enum tls_outcome tls_outcome; /* with tls */
};

struct exchange_sink {
	void *arg;
	/* The response's head is there; its body follows. */
	void (*start)(void *arg, struct exchange *);
	/* Payload after transfer coding, before content coding (borrows). */
	void (*body)(void *arg, struct exchange *, struct span);
	/* The exchange is over; it is freed after this call. */
	void (*done)(void *arg, struct exchange *);
	void (*dns)(void *arg, const struct dns_seen *);
	void (*connection)(void *arg, const struct connection_seen *);
};

/* Appends the notes as text, "; " between them; nothing for none. */
void exchange_notes(const struct exchange *, struct buf *out);
const char *connection_fate_name(enum connection_fate);

struct exchanges; /* the engine */

struct exchanges *exchanges_new(const struct exchange_sink *); /* owned */
/* tcp_table_patience(). */
void exchanges_patience(struct exchanges *, int64_t ns);
/* Decrypts TLS with these keys, which may grow later (borrows). */
void exchanges_keys(struct exchanges *, const struct tls_keys *);
/* One packet; times should ascend. */
void exchanges_packet(struct exchanges *, const struct capture_packet *);
/* The capture is over: tells all that is still open. */
void exchanges_finish(struct exchanges *);
void exchanges_free(struct exchanges *);

struct exchanges_count {
	uint64_t packets;
	uint64_t broken;       /* headers cut off or nonsense */
	uint64_t unknown_link; /* packets of a link type we do not know */
	uint64_t snapped;      /* cut by the snapshot length */
	uint64_t fragments_lost;
	uint64_t evicted;
	uint64_t streams;
	uint64_t exchanges;
};
struct exchanges_count exchanges_counts(const struct exchanges *);

/* One connection's HTTP, fed by exchange.c. */
struct http_stream;

struct http_stream *http_stream_new(const struct exchange_sink *,
    const struct tcp_stream *, uint64_t *number); /* returns owned */
void http_stream_free(struct http_stream *);
/* Its bytes come out of TLS: said of every exchange. */
void http_stream_decrypted(struct http_stream *);
/* False: this is not HTTP, or no longer: leave the connection alone. */
bool http_stream_data(struct http_stream *, const struct tcp_piece *);
void http_stream_gap(struct http_stream *, unsigned side, uint64_t n,
    int64_t time_ns);
void http_stream_end(struct http_stream *, unsigned side, enum tcp_end,
    int64_t time_ns);
/* Tells what is still open. */
void http_stream_close(struct http_stream *, enum tcp_end, int64_t time_ns);
unsigned http_stream_count(const struct http_stream *);
/* After a CONNECT was granted. */
bool http_stream_tunnels(const struct http_stream *);
/* Which side sends requests. */
unsigned http_stream_client(const struct http_stream *);

#endif

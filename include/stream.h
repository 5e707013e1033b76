/*
 * TCP connections out of captured segments (RFC 9293), both directions, as
 * far as the capture shows them.
 *
 * Every byte is handed on once, in order; of two copies the one that came
 * first counts.  Bytes that never come are told as a gap and what follows
 * them is handed on as such, never glued on.  In-order bytes are passed
 * through without a copy.  Memory has a fixed maximum; what it costs is
 * counted.
 */
#ifndef KPWATCH_STREAM_H
#define KPWATCH_STREAM_H

#include <sys/queue.h>

#include "packet.h"

#define TCP_NEVER INT64_MIN /* a time that was not seen */

struct tcp_segment; /* held behind a hole */

/* How one direction, or all, came to its end. */
enum tcp_end {
	TCP_END_FIN, /* closed in order */
	TCP_END_RESET,
	TCP_END_REPLACED, /* a new connection on the same ports */
	TCP_END_EVICTED,  /* to keep memory bounded */
	TCP_END_CAPTURE	  /* the capture ended first */
};

/* One of the two senders. */
struct tcp_side {
	struct endpoint end;
	bool syn; /* its SYN was seen; isn is that one's number */
	uint32_t isn;
	bool based;	  /* next is known */
	uint32_t next;	  /* sequence number of the next byte to hand on */
	bool acked_known; /* the other side has acknowledged up to here */
	uint32_t acked, acked_first; /* the latest, and the earliest */
	bool fin;
	uint32_t fin_seq; /* of the first byte that will never come */
	int64_t fin_ns;	  /* TCP_NEVER: none was seen */
	bool ended;
	uint64_t bytes;		  /* handed on */
	uint64_t missing;	  /* told as gaps */
	uint8_t ttl_min, ttl_max; /* of packets other than resets; 0: none */
	bool reset;		  /* a reset in its name was accepted */
	uint8_t reset_ttl;
	uint32_t reset_seq;
	int64_t reset_ns;
	bool after_reset; /* it sent on behind that reset */
	struct tcp_segment *held, *held_last;
	size_t held_bytes, held_count;
};

struct tcp_stream {
	uint64_t number;	 /* from 0, in order of first packets */
	struct tcp_side side[2]; /* 0 opened the connection, when known */
	bool oriented;		 /* it is known */
	bool established;	 /* SYN and SYN-ACK seen, or data */
	bool refused;		 /* a reset answered the SYN */
	bool unreachable;	 /* ICMP did */
	unsigned syns;		 /* copies of the first SYN */
	int64_t first_ns, syn_ns, synack_ns, last_ns;
	bool ignore; /* set by the consumer: reassemble no more */
	bool closed;
	void *user; /* the consumer's */
	/* The table's own. */
	uint64_t hash;
	struct tcp_stream *chain;
	struct tcp_stream *newer, *older;
	struct tcp_stream *linger_next, *linger_prev;
	int64_t linger_until;
	bool lingering;
	TAILQ_ENTRY(tcp_stream) half_next; /* those whose SYN waits */
	bool half_open;
	bool given_up; /* closed for want of an answer */
};

/* A run of bytes of one direction; borrows. */
struct tcp_piece {
	unsigned side; /* who sent it */
	uint32_t seq;
	uint32_t ack; /* what its packet acknowledged */
	int64_t time_ns;
	struct span data;
};

struct tcp_sink {
	void *arg;
	void (*data)(void *arg, struct tcp_stream *, const struct tcp_piece *);
	/* n bytes of that side are missing here. */
	void (*gap)(void *arg, struct tcp_stream *, unsigned side, uint64_t n,
	    int64_t time_ns);
	/* No byte of that side will follow. */
	void (*end)(void *arg, struct tcp_stream *, unsigned side, enum tcp_end,
	    int64_t time_ns);
	/* The last call for a stream; its user is to be freed. */
	void (*close)(void *arg, struct tcp_stream *, enum tcp_end,
	    int64_t time_ns);
};

struct tcp_table;

struct tcp_table *tcp_table_new(const struct tcp_sink *); /* returns owned */
/* A connection whose SYN is not answered so long (0: for ever) is ended
 * (TCP_END_CAPTURE); should an answer come later, it is a new one. */
void tcp_table_patience(struct tcp_table *, int64_t ns);
/* Ends all that is open (TCP_END_CAPTURE), oldest first. */
void tcp_table_finish(struct tcp_table *);
/* Frees without further calls to the sink but close(). */
void tcp_table_free(struct tcp_table *);
void tcp_input(struct tcp_table *, const struct packet *, int64_t time_ns);
/* An ICMP error quoted this packet. */
void tcp_unreachable(struct tcp_table *, const struct packet *,
    int64_t time_ns);
/* Holes and streams given up for want of memory. */
uint64_t tcp_table_evicted(const struct tcp_table *);
/* Connections seen. */
uint64_t tcp_table_count(const struct tcp_table *);
/* Was the reset in that side's name most likely sent by someone else?  Its
 * time to live differs from the side's packets by two or more, or the side
 * sent on behind it. */
bool tcp_reset_injected(const struct tcp_side *);
/* a before b, in sequence space. */
bool tcp_before(uint32_t a, uint32_t b);

#endif

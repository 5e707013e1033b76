/*
 * Inside the table of TCP connections; shared by tcp_stream.c, which knows
 * them and their ends, and tcp_order.c, which puts the bytes of a direction
 * in order.
 */
#ifndef KPWATCH_TCP_TABLE_H
#define KPWATCH_TCP_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "limit.h"
#include "stream.h"

enum {
	TCP_BUCKETS = 65536, /* power of two */
	/* Further from what was acknowledged, a reset is not of this
	 * connection, and a segment tells nothing of what is missing. */
	TCP_RESET_WINDOW = 1024 * 1024
};

struct tcp_segment {
	struct tcp_segment *next;
	uint32_t seq;
	uint32_t ack;
	int64_t time_ns;
	size_t n;
	char data[];
};

struct tcp_table {
	struct tcp_sink sink;
	struct tcp_stream *bucket[TCP_BUCKETS];
	struct tcp_stream *newest, *oldest;
	struct tcp_stream *linger_first, *linger_last;
	TAILQ_HEAD(, tcp_stream) half_open; /* as their SYNs came */
	int64_t patience_ns;
	size_t nstreams;
	size_t held_bytes;
	uint64_t count;
	uint64_t evicted;
};

/* Segments held behind a hole; their bytes are forgotten. */
void tcp_drop_held(struct tcp_table *t, struct tcp_side *d);

/* Hands the bytes of a segment on, or holds them until those before them are
 * there, within STREAM_HELD_MAX, STREAM_SEGMENTS_MAX and STREAMS_HELD_MAX.
 * What was handed on already is cut off *p. */
void tcp_take_payload(struct tcp_table *t, struct tcp_stream *s,
    struct tcp_piece *p);

/* Hands on what the front of the held list now joins. */
void tcp_drain(struct tcp_table *t, struct tcp_stream *s, unsigned side);

/* Tells the sink that a direction has ended, once, when all before its FIN
 * was handed on. */
void tcp_check_end(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    int64_t now);

/* Gives the hole at the front of a direction up; something must be held. */
void tcp_skip_hole(struct tcp_table *t, struct tcp_stream *s, unsigned side,
    int64_t now);

/* The direction whose first held segment is the older; with one that holds
 * nothing the other one. */
unsigned tcp_older_side(const struct tcp_stream *s);

/* Gives up what was waited for long enough. */
void tcp_settle_holes(struct tcp_table *t, struct tcp_stream *s, int64_t now);

/* Before data of a direction that acknowledges `ack`: gives up the holes of
 * the other one that its sender did not have. */
void tcp_settle_before_data(struct tcp_table *t, struct tcp_stream *s,
    unsigned side, uint32_t ack, int64_t now);

#endif

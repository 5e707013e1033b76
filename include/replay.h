/*
 * From captures to observations: what live fetching does, done backwards.
 * All three give observations one at a time, in order.
 */
#ifndef KPWATCH_REPLAY_H
#define KPWATCH_REPLAY_H

#include "config.h"
#include "observation.h"
#include "tls_stream.h"

/* What a replay saw, for its summary (MSG_SUMMARY). */
struct replay_counts {
	uint64_t files;
	uint64_t damaged; /* files that were not whole */
	uint64_t packets;
	uint64_t records;
	uint64_t exchanges;    /* HTTP exchanges or archived responses */
	uint64_t observations; /* of watched pages */
	uint64_t unmatched;    /* of hosts that are not in the catalogue */
	uint64_t subresources; /* images, styles, scripts: not pages */
	uint64_t failures;     /* observations that failed */
	uint64_t gaps;	       /* exchanges with missing bytes */
	uint64_t evicted;      /* connections given up to bound memory */
	uint64_t targets;      /* that the observations are of */
	uint64_t failed[FAILURE_COUNT]; /* of the failures, by kind */
	uint64_t tls[TLS_OUTCOMES];	/* TLS connections */
};

void replay_counts_encode(const struct replay_counts *, struct buf *);
bool replay_counts_decode(struct replay_counts *, struct span);

/* A complaint about a file: where and why, in words. */
typedef void replay_note(const char *file, const char *text, void *arg);

/*
 * Joins foreign single hops to visits: follows redirects from one hop to the
 * next, and names target and page.  Hops of one second may come in any order
 * of ending; what waits for its redirect's target longer than JOIN_WAIT_MS is
 * given as it is.
 */
#define JOIN_WAIT_MS 60000
#define JOIN_MAX     256

struct joiner;

/* Borrows the configuration and the counts. */
struct joiner *joiner_new(const struct config *, bool all_hosts,
    struct replay_counts *);
void joiner_free(struct joiner *);
/* Takes the contents of an observation of one hop with target "". */
void joiner_add(struct joiner *, struct observation *);
/* The next finished one: true and *o (owned).  At the end of the input call
 * joiner_finish() first: nothing waits after it. */
bool joiner_next(struct joiner *, struct observation *o);
void joiner_finish(struct joiner *);

/* Packet captures, merged by time. */
struct capture_stream;
/* Takes nothing: fds are borrowed for the life of the stream. */
struct capture_stream *capture_stream_new(const struct config *, bool all_hosts,
    struct replay_counts *, replay_note *, void *arg);
/* Decrypts with these, and adds what the captures hold; before any capture is
 * added (borrows). */
void capture_stream_keys(struct capture_stream *, struct tls_keys *);
bool capture_stream_add(struct capture_stream *, const char *name, int fd);
bool capture_stream_next(struct capture_stream *, struct observation *);
void capture_stream_free(struct capture_stream *);

/* Web archives, merged by time (our own recordings by their order). */
struct archive_stream;
struct crew;
/* `crew` may be NULL; it undoes gzip beside the reading. */
struct archive_stream *archive_stream_new(const struct config *, bool all_hosts,
    struct crew *, struct replay_counts *, replay_note *, void *arg);
bool archive_stream_add(struct archive_stream *, const char *name, int fd);
bool archive_stream_next(struct archive_stream *, struct observation *);
/* Bytes read so far, for progress. */
uint64_t archive_stream_position(const struct archive_stream *);
void archive_stream_free(struct archive_stream *);

#endif

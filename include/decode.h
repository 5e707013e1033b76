/*
 * Content coding undone: gzip (RFC 1952), zlib and raw deflate (RFC 1950,
 * 1951), brotli (RFC 7932) and zstd (RFC 8878).  The writer is gzip_write.h.
 *
 * Two ways in: a whole body at once under a size and a ratio limit, and a
 * stream of gzip members for archives and logs, which reports where each
 * member ends in the compressed file.
 */
#ifndef KPWATCH_DECODE_H
#define KPWATCH_DECODE_H

#include "bytes.h"

enum decode_status {
	DECODE_OK,
	DECODE_PLAIN,	  /* labelled as coded and was not: given as it is */
	DECODE_UNKNOWN,	  /* a coding we do not know: given as it is */
	DECODE_CUT,	  /* the input ends early; what came is kept */
	DECODE_CORRUPT,	  /* what came before the bad bytes is kept */
	DECODE_TOO_LARGE, /* stopped at the maximum of `out` */
	DECODE_RATIO,	  /* stopped at DECODE_RATIO_MAX: a bomb */
	DECODE_STATUS_COUNT
};

/*
 * Appends `body` with the codings undone to *out (at most DECODED_BODY_MAX
 * bytes, and no more than out->max).  `codings` is the value of
 * Content-Encoding as applied by the sender ("gzip, br"; x-gzip and x-deflate
 * are known, identity and empty items are skipped, at most CODINGS_MAX are
 * undone).  Whatever the bytes, something is given back; the status is that
 * of the layer that went wrong first.
 */
enum decode_status content_decode(struct span body, struct span codings,
    struct buf *out);
/* "ok", "plain", "cut", ... */
const char *decode_status_name(enum decode_status);
/* A sentence for a note, NULL for DECODE_OK. */
const char *decode_status_text(enum decode_status);
/* Does it begin as a gzip member does? */
bool gzip_looks(struct span);

/* A compressed stream in pieces. */
enum inflate_format { INFLATE_GZIP, INFLATE_ZLIB, INFLATE_RAW };

enum inflate_step {
	INFLATE_INPUT,	/* all input was taken: give more */
	INFLATE_OUTPUT, /* the output is full: call again */
	INFLATE_END,	/* a member ended here; the next call begins another */
	INFLATE_CORRUPT /* not (or no longer) of this format; sticky until
			 * inflater_reset() */
};

struct inflater;

/* Returns owned. */
struct inflater *inflater_new(enum inflate_format);
void inflater_free(struct inflater *);
/* Forgets the member under way; `at` is the offset in the compressed file of
 * the byte that comes next. */
void inflater_reset(struct inflater *, uint64_t at);
/*
 * Takes bytes off the front of *in and writes at most `cap` bytes to `out`,
 * *produced of them, also when the step is INFLATE_CORRUPT.  Never reads past
 * the end of a member: after INFLATE_END *in stands at the byte behind it.
 */
enum inflate_step inflater_step(struct inflater *, struct span *in, void *out,
    size_t cap, size_t *produced);
/* Offset in the compressed file of the next byte to be taken. */
uint64_t inflater_offset(const struct inflater *);
/* Offset at which the member under way (or ended last) begins. */
uint64_t inflater_member_start(const struct inflater *);
/* True between members: nothing of a new one was taken. */
bool inflater_between(const struct inflater *);
/* Bytes that the member under way (or ended last) has given so far. */
uint64_t inflater_member_output(const struct inflater *);

/*
 * One whole gzip member, zlib or raw stream at once, about twice as fast as in
 * pieces: takes it off the front of *in.  False, with nothing taken, when it
 * is not whole, damaged, or gives more than `cap` bytes: take the pieces then,
 * which say what is wrong.  By libdeflate; may be called in any thread.
 */
bool inflate_whole(struct span *in, enum inflate_format, void *out, size_t cap,
    size_t *produced);

#endif

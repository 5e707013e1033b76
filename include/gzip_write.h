/*
 * Gzip members (RFC 1952), written: the change log has one member per batch,
 * a WARC file one per record.  The reader is decode.h.
 */
#ifndef KPWATCH_GZIP_WRITE_H
#define KPWATCH_GZIP_WRITE_H

#include "bytes.h"

/* zlib's trade of time for size at which both logs are written. */
#define GZIP_LEVEL 6

/* Appends `in` as one whole member to *out; level 1-9.  False when *out would
 * pass its maximum; its length is then as before and `overflow` is set. */
bool gzip_member(struct buf *out, struct span in, int level);

/* One member in pieces, for payloads that are not in one place. */
struct gzip_writer;

/* Returns owned; free with gzip_writer_free(). */
struct gzip_writer *gzip_writer_new(int level);
void gzip_writer_free(struct gzip_writer *);
/* Compresses a piece; appends to *out what the compressor gives up so far
 * (often nothing).  False when *out is full: the member is lost then, and
 * the writer must be reset. */
bool gzip_writer_add(struct gzip_writer *, struct span in, struct buf *out);
/* Ends the member, appends its rest, and is ready for the next one. */
bool gzip_writer_end(struct gzip_writer *, struct buf *out);
/* Forgets a member that was begun. */
void gzip_writer_reset(struct gzip_writer *);

#endif

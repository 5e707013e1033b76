/*
 * Gzip members (RFC 1952), written: the change log has one member per batch,
 * a WARC file one per record.  The reader is decode.h.
 */
#ifndef KPWATCH_GZIP_WRITE_H
#define KPWATCH_GZIP_WRITE_H

#include "bytes.h"

/* The trade of time for size at which both logs are written. */
#define GZIP_LEVEL 6

/* Appends `in` as one whole member to *out; level 1-9.  False when *out would
 * pass its maximum; its length is then as before and `overflow` is set. */
bool gzip_member(struct buf *out, struct span in, int level);

/* Writes one member after the other. */
struct gzip_writer;

/* Returns owned; free with gzip_writer_free(). */
struct gzip_writer *gzip_writer_new(int level);
void gzip_writer_free(struct gzip_writer *);
/* Appends n pieces as one member; from the piece `stored` on (n: none) their
 * bytes are compressed already, and are written as they are.  False as above;
 * what *out had is as before. */
bool gzip_writer_member(struct gzip_writer *, const struct span *pieces,
    size_t n, size_t stored, struct buf *out);

#endif

/*
 * Gzip files member by member (RFC 1952), read in steps; gzip_write.h writes.
 * Archives keep one record per member; where a member begins is a place that
 * can be read from on its own, so the borders are part of the interface.
 */
#ifndef KPWATCH_GZIP_READ_H
#define KPWATCH_GZIP_READ_H

#include "bytes.h"

enum gzip_state {
	GZIP_MORE,	 /* wants more input, or more room */
	GZIP_MEMBER_END, /* length and CRC agree; input stands behind it */
	GZIP_BAD	 /* not gzip, or damaged */
};

struct gzip_reader;

struct gzip_reader *gzip_reader_new(void); /* returns owned */
void gzip_reader_free(struct gzip_reader *);
/* Start afresh, at the begin of a member. */
void gzip_reader_reset(struct gzip_reader *);
/* Takes from the front of *in and fills `out`; *wrote is what came out.
 * After GZIP_MEMBER_END and GZIP_BAD the reader stands at a member's begin. */
enum gzip_state gzip_read(struct gzip_reader *, struct span *in, char *out,
    size_t room, size_t *wrote);
/* Could a member begin here?  Judges by the first four bytes. */
bool gzip_member_looks(struct span);

#endif

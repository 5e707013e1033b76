/*
 * The archives of one replay and where their response records stand, so that
 * a revisit finds its original.  Offsets are kept, never payloads.
 */
#ifndef KPWATCH_WARC_SET_H
#define KPWATCH_WARC_SET_H

#include "warc.h"

/* A file read from a place on; for warc_reader_new(). */
struct warc_feed {
	int fd;
	struct span head; /* given first */
	bool seekable;	  /* pread() from `at` on; otherwise read() */
	bool tell;	  /* seekable: the descriptor's place follows */
	uint64_t at;
};
ssize_t warc_feed_read(void *feed, void *bytes, size_t n);

/* Files that are searched are undone by a crew (borrowed; NULL: not). */
void warc_set_crew(struct warc_set *, struct crew *);
const char *warc_set_name(const struct warc_set *, size_t file);
/* Ready to read the file from its begin. */
struct warc_feed warc_set_feed(const struct warc_set *, size_t file);
/* Notes a record that a revisit may refer to; others are passed over. */
void warc_set_enter(struct warc_set *, size_t file, const struct warc_record *);
/* The file was read to its end: all it has is entered. */
void warc_set_complete(struct warc_set *, size_t file);
/*
 * Finds the original of a revisit record and appends its payload (after
 * transfer coding) to *body.  Files not yet read are searched when needed.
 * False when there is none or its payload's digest is wrong.
 */
bool warc_set_resolve(struct warc_set *, const struct warc_record *revisit,
    struct buf *body);

#endif

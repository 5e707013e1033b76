/*
 * The bytes of an archive file, whatever its wrapping: plain, many gzip
 * members, or one.  Above it a reader sees plain bytes, the place in the
 * stored file where the gzip member (or the byte) it looks at begins, and
 * gaps where stored bytes were damaged.
 */
#ifndef KPWATCH_ARCHIVE_H
#define KPWATCH_ARCHIVE_H

#include "bytes.h"
#include "warc.h"

struct archive;
struct crew;

struct archive *archive_new(warc_read_fn *, warc_note_fn *, void *arg);
/* Before the first byte: gzip members are undone ahead by a crew (borrowed;
 * NULL: not). */
void archive_crew(struct archive *, struct crew *);
/* Before the first byte: the read function begins at that place of the stored
 * file, where a record begins. */
void archive_begin_at(struct archive *, uint64_t offset);
void archive_free(struct archive *);
/*
 * The bytes at the reading place: at least `want` of them (at most
 * ARCHIVE_PEEK_MAX), fewer only before the end or a gap.  Borrows until the
 * next call.
 */
struct span archive_peek(struct archive *, size_t want);
/* Moves on by n bytes, at most what was last given by archive_peek(). */
void archive_skip(struct archive *, size_t n);
/* Place in the stored file of the member that holds the next byte, or of the
 * byte itself in a plain file. */
uint64_t archive_offset(struct archive *);
/* Does a gzip member begin exactly here? */
bool archive_at_member(struct archive *);
/* Bytes from the reading place to the next member border that is known
 * already, SIZE_MAX when none is. */
size_t archive_border(struct archive *);
/* Is this the end of the readable bytes before damage?  archive_resume()
 * then goes on behind it; false when nothing readable follows. */
bool archive_at_gap(struct archive *);
bool archive_resume(struct archive *);
/* The gzip wrapping is in use (member borders mean something). */
bool archive_is_gzip(const struct archive *);
/* Stored bytes taken so far. */
uint64_t archive_position(const struct archive *);
/* Says something about a place; counted. */
void archive_note(struct archive *, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t archive_notes(const struct archive *);

#endif

/*
 * The change log on disk: files "events-YYYYMMDD.jsonl.gz" of JSON lines, one
 * gzip member per batch, never rewritten.
 *
 * A file begins when the first event of a later day is written; events that
 * carry an earlier time (the clock stepped back) go on in the newest file, so
 * that names in order are sequence numbers in order.
 */
#ifndef KPWATCH_CHANGELOG_H
#define KPWATCH_CHANGELOG_H

#include "bytes.h"
#include "seal.h"

struct changelog;

/* Can all lines behind number `from`, to number `to`, be written again? */
typedef bool changelog_kept_fn(uint64_t from, uint64_t to, void *arg);

/*
 * Opens the log in a folder (descriptor borrowed for the life of the log) for
 * appending.  A torn tail of the newest file is cut off at the last whole
 * member; *cut gets the bytes lost (may be NULL).  Where whole members stand
 * behind damage, their lines are only cut off when `kept` says that they can be
 * written again (NULL: they cannot); else the file stays as it is and is gone
 * on with, which the log says.  Returns owned, or NULL and *why (returns
 * owned).
 */
struct changelog *changelog_open(int dirfd, changelog_kept_fn *kept, void *arg,
    uint64_t *cut, char **why);
void changelog_close(struct changelog *);
/* The last line on disk: its sequence number (0 when the log is empty) and,
 * in `prev`, the hash that the next line carries. */
uint64_t changelog_last(const struct changelog *, char prev[65]);
/* The first line of the newest file as it was opened: its sequence number (0:
 * it has none that can be read) and its hash. */
uint64_t changelog_first(const struct changelog *, char hash[65]);
/* May a file of this name begin with a line of this time?  It is called after
 * the day of its first line. */
bool changelog_name_fits(const char *name, int64_t first);
/*
 * Appends whole lines (each with its newline) as one member and waits until
 * they are on disk.  `time` is of the first of them, `last_seq` the number of
 * the last.  False (errno) when the disk refuses: the file is then as it was.
 */
bool changelog_append(struct changelog *, int64_t time, struct span lines,
    uint64_t last_seq);
/* The newest file, where there is one: its name (borrows until the next
 * append; NULL: none), and the seal of what was appended to it. */
const char *changelog_file(const struct changelog *);
const struct sealing *changelog_sealing(const struct changelog *);
/* False when a line of this time would begin a new file: the batch before it
 * must be appended first. */
bool changelog_same_file(const struct changelog *, int64_t first, int64_t time);

/* ---- Reading ---- */

enum changelog_read {
	CHANGELOG_LINE,
	CHANGELOG_END,
	CHANGELOG_TORN,	   /* the last member is cut short */
	CHANGELOG_CORRUPT, /* bytes that are no gzip member, or a bad sum */
	CHANGELOG_LONG,	   /* a line is longer than EVENT_LINE_MAX: damage */
	CHANGELOG_ERROR,   /* read error (errno) */
};

struct changelog_reader;

/* Reads an open file (borrowed): gzip members, or, where `gzip` is false and
 * the first bytes say so, plain JSON lines.  Returns owned. */
struct changelog_reader *changelog_reader_new(int fd, bool gzip);
void changelog_reader_free(struct changelog_reader *);
/* The next line without its newline (borrows until the next call).  After
 * anything but a line, CHANGELOG_END may turn into lines again when the file
 * grows and it ended between members. */
enum changelog_read changelog_reader_next(struct changelog_reader *,
    struct span *line);
/* Offset behind the last whole member, and the number of those. */
uint64_t changelog_reader_whole(const struct changelog_reader *);
uint64_t changelog_reader_members(const struct changelog_reader *);
/* True when every line given so far (but for the last one) stands in a whole
 * member, whose sum was right. */
bool changelog_reader_sure(const struct changelog_reader *, bool but_last);
/* Bytes of the file read so far, for progress. */
uint64_t changelog_reader_position(const struct changelog_reader *);

/* Names of the log files of a folder in order, in an owned array of owned
 * strings.  False (errno) when the folder cannot be read. */
bool changelog_files(int dirfd, char ***names, size_t *n);
void changelog_files_free(char **names, size_t n);

#endif

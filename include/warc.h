/*
 * Web archives: WARC 1.0 and 1.1 (ISO 28500), and Internet Archive ARC, read
 * and, for WARC 1.1, written.
 *
 * Reading has two floors.  `warc_reader` gives records one after another, as
 * they stand, from any byte source (plain, one gzip member per record, one
 * gzip stream), with damage said and stepped over.  `warc_source` stands on
 * it and gives observations: our own recordings come back as they were
 * observed, foreign archives one hop each.
 *
 * What kpwatch writes, per observation and in this order, hop by hop:
 *
 *   metadata   application/warc-fields, the fields of warc_fields.c: what the
 *		observation was besides bytes.  First, so that a reader knows
 *		what is to come.  A hop without a response has only this (and
 *		its DNS answer).
 *   resource   text/dns, target "dns:HOST": the name servers' answer
 *   request    as sent
 *   response   header lines exactly as received, then the body.  The body
 *		was kept after transfer decoding, so where the header says
 *		"Transfer-Encoding: chunked" it is written as one chunk: the
 *		record is a valid HTTP message, header and payload are the
 *		received bytes, only the chunk borders are not.
 *   or revisit header lines only: the payload equals that of the record at
 *		WARC-Refers-To-Target-URI and -Date (always a response, so
 *		chains do not arise), or the server said 304.
 *
 * All records of a visit have WARC-Date = observation time (ms) and point
 * with WARC-Concurrent-To at the metadata record of their hop.  The payload
 * digest is sha256 of the body after transfer and before content coding, the
 * block digest sha256 of the block as written.
 */
#ifndef KPWATCH_WARC_H
#define KPWATCH_WARC_H

#include <sys/types.h>

#include "bytes.h"
#include "observation.h"
#include "seal.h"

/* ---- Reading records ---- */

enum warc_type {
	WARC_OTHER, /* unknown type: passed on, to be ignored */
	WARC_WARCINFO,
	WARC_RESPONSE,
	WARC_RESOURCE,
	WARC_REQUEST,
	WARC_METADATA,
	WARC_REVISIT,
	WARC_CONVERSION,
	WARC_CONTINUATION,
	WARC_TYPE_COUNT
};

const char *warc_type_name(enum warc_type); /* "response"; "other" */

/* Gives up to n bytes: their count, 0 at the end, -1 on an error (errno). */
typedef ssize_t warc_read_fn(void *arg, void *bytes, size_t n);

/* Something wrong at a place of the file: a C string without newline, with
 * quoted remote bytes.  `offset` is in the file as stored. */
typedef void warc_note_fn(void *arg, uint64_t offset, const char *text);

struct warc_record {
	uint64_t offset;    /* in the file as stored: where its gzip
			     * member, or the record itself, begins */
	uint64_t length;    /* Content-Length: bytes of the block */
	bool length_known;  /* false: no usable Content-Length */
	bool arc;	    /* from an ARC file: fields made of its line */
	bool shares_member; /* not the first record of its gzip member:
			     * offset cannot be read from on its own */
	enum warc_type type;
	struct span type_text;	  /* as written; empty when missing */
	struct span uri;	  /* WARC-Target-URI without angle brackets */
	struct span date_text;	  /* WARC-Date as written */
	int64_t date;		  /* INSTANT_NONE when unreadable */
	struct span content_type; /* of the block */
	struct span header;	  /* all fields: "Name: value\n" lines, folded
				   * ones joined, for warc_field() */
};

struct warc_reader;
struct crew;

/* Returns owned.  `read` is called as records are asked for; `note` may be
 * NULL.  */
struct warc_reader *warc_reader_new(warc_read_fn *read, warc_note_fn *note,
    void *arg);
/* Before the first record: what archive_crew() does. */
void warc_reader_crew(struct warc_reader *, struct crew *);
void warc_reader_free(struct warc_reader *);
/* The next record's header; the rest of the block before it is skipped.
 * Returns 1 and fills the record (its spans live until the next call), 0 at
 * the end.  Damage never ends the walk while a later record can be found. */
int warc_reader_next(struct warc_reader *, struct warc_record *);
/* The next piece of the current record's block; n is 0 at its end.  The span
 * lives until the next call. */
struct span warc_reader_block(struct warc_reader *);
/* True when the current block ended before its Content-Length. */
bool warc_reader_torn(const struct warc_reader *);
/* Adds a note of the caller's about this input; counts as damage. */
void warc_reader_note(struct warc_reader *, uint64_t offset, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* Number of notes so far; not 0 means the input is damaged (exit 1). */
size_t warc_reader_damage(const struct warc_reader *);
/* Bytes of the stored file read so far, for progress. */
uint64_t warc_reader_position(const struct warc_reader *);
/* Place in the stored file behind the block just read to its end, when every
 * record has a gzip member of its own: where the next member begins. */
uint64_t warc_reader_here(struct warc_reader *);
/* Can a new reader go on before the next record, and where? */
bool warc_reader_mark(struct warc_reader *, uint64_t *offset);
/* Before the first record: the read function begins at that mark. */
void warc_reader_begin_at(struct warc_reader *, uint64_t offset);
/* Value of a header field (case ignored, trimmed); p NULL when absent. */
struct span warc_field(const struct warc_record *, const char *name);
/* The first bytes of a file: is it a WARC or an ARC, plain or gzipped? */
bool warc_recognise(struct span head);

/* ---- Reading a record's payload ---- */

enum warc_digest_state {
	WARC_DIGEST_NONE, /* no digest field, or an unknown algorithm */
	WARC_DIGEST_OK,	  /* every digest that could be checked agrees */
	WARC_DIGEST_WRONG,
};

/* What a record's block holds, found in one pass over it. */
struct warc_payload {
	bool http;	      /* the block is an HTTP message */
	bool has_status;      /* it has a status line */
	int status;	      /* 0 when none, or when it says so */
	int http_version;     /* 10, 11, 20; 0 */
	struct buf http_head; /* start line and header lines, raw, with the
			       * empty line */
	char *content_type;   /* of the HTTP message; NULL when none */
	uint64_t raw_length;  /* payload after transfer decoding */
	uint64_t length;      /* payload after content decoding too */
	char sha256[65];      /* of it */
	bool has_payload;     /* false: none stored here (a revisit) */
	bool cut;	      /* ends before the message did */
	enum warc_digest_state digest;
	const char *note; /* constant text on what is wrong, or NULL */
};

/* What is to be kept while the block passes; either may be NULL. */
struct warc_keep {
	struct buf *raw;   /* payload after transfer decoding */
	struct buf *block; /* the block as stored */
};

void warc_payload_init(struct warc_payload *);
void warc_payload_release(struct warc_payload *);
/* Reads the current record's whole block: decodes, hashes, checks digests. */
void warc_payload_read(struct warc_payload *, struct warc_reader *,
    const struct warc_record *, const struct warc_keep *);

/* ---- Reading observations ---- */

/*
 * The archives of one replay.  Knows where the response records stand so
 * that revisits can be resolved across files: offsets are kept, never
 * payloads, at most WARC_INDEX_MAX of them.
 */
struct warc_set;

struct warc_set *warc_set_new(void);
void warc_set_free(struct warc_set *);
/* Adds an open file, borrowed for the life of the set, and returns its
 * number.  Originals can be looked up only in files that pread() works on. */
size_t warc_set_add(struct warc_set *, const char *name, int fd);
/* The same for an input of which `head` (borrows) was already read and comes
 * before what the descriptor still gives; for one that cannot seek. */
size_t warc_set_add_stream(struct warc_set *, const char *name, int fd,
    struct span head);

struct warc_source;

/* Reads one file of the set; returns owned. */
struct warc_source *warc_source_new(struct warc_set *, size_t file,
    warc_note_fn *note, void *arg);
/* Before the first record: what archive_crew() does. */
void warc_source_crew(struct warc_source *, struct crew *);
void warc_source_free(struct warc_source *);
/*
 * The next observation in file order: 1 and an owned observation, 0 at the
 * end.  Of our own recordings everything comes back that was observed (but
 * `source` is SOURCE_WARC, `warc` and `warc_offset` name the record read).
 * Of foreign ones each response, revisit or resource record of an http(s)
 * URI is one observation of one hop, with `target`, `page` and `vantage` ""
 * for the caller to fill; redirects are not followed here.  A resource, which
 * has no HTTP header, gets one that says 200 and its type.  A revisit whose
 * original is not in the set comes back with body_cut and OUTCOME_INCOMPLETE.
 */
int warc_source_next(struct warc_source *, struct observation *);
size_t warc_source_damage(const struct warc_source *);
uint64_t warc_source_position(const struct warc_source *);
/* Records read so far, of every type. */
uint64_t warc_source_records(const struct warc_source *);

/* A place between two observations at which another source can go on, as if
 * it had read what is before. */
struct warc_mark {
	uint64_t offset;
	uint64_t next_id;
	uint64_t records;
	char *request_uri; /* of a request that waits for its response */
	char *request;
	size_t request_n;
};

/* Fills an initialised (zeroed) or used mark.  False where none can be: within
 * a visit, in one long gzip stream, in an ARC, on a pipe. */
bool warc_source_mark(struct warc_source *, struct warc_mark *);
void warc_mark_release(struct warc_mark *);
/* Before the first observation. */
void warc_source_begin_at(struct warc_source *, const struct warc_mark *);

/*
 * Evidence: does the response or revisit record at that place exist, whole,
 * with good digests, and is the sha256 of its decoded body (lower-case hex)
 * the one given?  A revisit is followed to its original in the same folder.
 * False and *why (returns owned) when not.
 */
bool warc_check_evidence(int dirfd, const char *file, uint64_t offset,
    const char *sha256, char **why);

/* ---- Writing ---- */

struct warc_writer_options {
	const char *prefix;    /* NULL: "kpwatch" */
	const char *software;  /* for warcinfo; NULL: "kpwatch/VERSION" */
	uint64_t rotate_bytes; /* start a new file beyond it; 0: 1 GiB */
	bool deduplicate;      /* write revisit records */
	/* How many bytes of the archive of that name were on disk for certain,
	 * 0 where none are known of.  NULL: nothing is known. */
	uint64_t (*written)(const char *name, void *arg);
	void *arg;
};

struct warc_writer;

/*
 * Opens for appending in a folder (descriptor borrowed for the life of the
 * writer; only openat() is used).  The newest file of the prefix is walked
 * and a torn tail cut; *torn gets the bytes cut (may be NULL).  One that lacks
 * bytes that were written is left as it is, for them to be put back, and none
 * gets the name of one that was.  The index of recent payloads is read back
 * from the CDXJ files.  Returns owned, or NULL and *why (returns owned).
 */
struct warc_writer *warc_writer_open(int dirfd,
    const struct warc_writer_options *, uint64_t *torn, char **why);
/*
 * Appends one observation, all of its records or none: on failure (errno) the
 * file is cut back to where it was and the writer stays usable.  Sets
 * o->warc (owned by o) and o->warc_offset to the record of the last hop's
 * response or revisit, or its metadata where there was no response.  Starts a
 * new file by size and by the UTC day of o->time.
 */
bool warc_writer_add(struct warc_writer *, struct observation *o);
/* fdatasync of the archive and its index: after it, what was added stays. */
bool warc_writer_sync(struct warc_writer *);
/* The file that is written, or that the writer may go on with: its name
 * (borrows until the next call; NULL: none), and the seal of what this writer
 * put into it. */
const char *warc_writer_file(const struct warc_writer *);
const struct sealing *warc_writer_sealing(const struct warc_writer *);
/* Ends the current file, sorts its index, and frees; NULL is allowed.  A
 * later writer goes on with the file if it is still its day. */
void warc_writer_close(struct warc_writer *);

#endif

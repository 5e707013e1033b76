/*
 * HTTP/1.x messages as found in captures and archives (RFC 9112, read with
 * the tolerance that real servers need; every tolerance leaves a flag).
 *
 * A head is parsed in place and borrows the bytes it was given.  A body
 * reader takes the bytes after the head in pieces of any size and hands on
 * the payload bytes after transfer coding; it says itself where the message
 * ends.  Nothing here keeps payload.
 */
#ifndef KPWATCH_HTTP_H
#define KPWATCH_HTTP_H

#include "bytes.h"

struct http_field {
	struct span name;  /* as written, trimmed */
	struct span value; /* trimmed; may hold folds: http_value_unfold() */
};

/* What had to be tolerated; bits of http_head.flags and http_body.flags. */
enum http_flag {
	HTTP_BARE_LF = 1 << 0,	      /* a line ends in LF without CR */
	HTTP_FOLDED = 1 << 1,	      /* obsolete line folding */
	HTTP_BAD_LINE = 1 << 2,	      /* a header line without a name */
	HTTP_FIELDS_CUT = 1 << 3,     /* more than HEADER_LINES_MAX lines */
	HTTP_LENGTHS_DIFFER = 1 << 4, /* several Content-Length values */
	HTTP_BAD_LENGTH = 1 << 5,     /* Content-Length is no number */
	HTTP_LENGTH_IGNORED = 1 << 6, /* chunked and a length: chunked wins */
	HTTP_BAD_CHUNK = 1 << 7,      /* chunk framing broken on the way */
	HTTP_NOT_CHUNKED = 1 << 8,    /* said chunked and was not */
	HTTP_TRAILERS = 1 << 9	      /* trailer fields came */
};

struct http_head {
	struct span raw; /* borrows: start line to empty line inclusive */
	bool is_request;
	int version;	    /* 9 (none given), 10, 11, 20, ... */
	struct span method; /* requests */
	struct span target; /* as written: origin, absolute, authority, "*" */
	int status;	    /* responses: 0-999 */
	struct span reason; /* may be empty */
	struct http_field *fields; /* owned array; spans borrow raw */
	size_t nfields;
	size_t fields_cap;
	unsigned flags;
};

#define HTTP_HEAD_INIT ((struct http_head){.version = 0})

/* Length of the head that stands at the start of the bytes, with the empty
 * line that ends it (CRLF or bare LF); 0 when the end is not there yet.
 * `from` is where to go on: the length that the last call was given, or 0. */
size_t http_head_end(struct span, size_t from);
/* Could the bytes (4 or more are a good number, fewer give a looser answer)
 * be the start of a request line, of a status line? */
bool http_looks_request(struct span);
bool http_looks_response(struct span);
/* Parse a whole head as cut by http_head_end() (the end of the bytes ends it
 * too).  Borrows the bytes.  False when the start line is none; the head is
 * reusable without release in between. */
bool http_parse_request(struct http_head *, struct span raw);
bool http_parse_response(struct http_head *, struct span raw);
void http_head_release(struct http_head *);

/* Value of the first field of that name, case ignored; p NULL for none. */
struct span http_field(const struct http_head *, const char *name);
/* Value of field number *at or later; *at moves behind it.  For fields that
 * may come more than once. */
struct span http_field_next(const struct http_head *, const char *name,
    size_t *at);
/* Appends the value with every fold turned into one space. */
void http_value_unfold(struct span value, struct buf *out);
/* Is the token in a comma-separated list value (case ignored)? */
bool http_list_has(struct span value, const char *token);
/* Host of a request: the authority of an absolute target, else the Host
 * field, else the target of CONNECT; with its port as written; p NULL when
 * the request names none (borrows). */
struct span http_host(const struct http_head *);
/* Appends "a, b" as applied by the sender: the Content-Encoding values, then
 * the transfer codings other than chunked (which are outside them).  Empty
 * when there are none. */
void http_codings(const struct http_head *, struct buf *out);

enum http_framing {
	HTTP_FRAME_NONE, /* no body */
	HTTP_FRAME_LENGTH,
	HTTP_FRAME_CHUNKED,
	HTTP_FRAME_CLOSE /* until the connection ends */
};

enum http_chunk_state {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_END,
	HTTP_CHUNK_TRAILER
};

struct http_body {
	enum http_framing framing;
	bool done;	   /* the message is at its end */
	uint64_t left;	   /* of the length, or of the chunk */
	uint64_t total;	   /* payload bytes handed on */
	uint64_t declared; /* Content-Length; UINT64_MAX when there is none */
	bool has_declared;
	unsigned flags;
	enum http_chunk_state state;
	bool first_chunk;
	uint32_t line_len;
	char line[128]; /* chunk-size line under way */
	size_t trailer_bytes;
};

typedef void http_body_sink(void *arg, struct span payload);

/* How long is the body behind this head?  A response needs the method of its
 * request (empty when unknown: taken for GET). */
void http_body_request(struct http_body *, const struct http_head *);
void http_body_response(struct http_body *, const struct http_head *,
    struct span request_method);
/* Hands payload in `in` to the sink (NULL: dropped) and returns how many
 * bytes of `in` belong to this message; fewer than all of them only once
 * body->done. */
size_t http_body_feed(struct http_body *, struct span in, http_body_sink *,
    void *arg);
/* `n` bytes of the stream are missing here.  True when the reader can go on
 * behind them because the length tells where it is; *covered is then how
 * many of them were this message's.  False: the place is lost. */
bool http_body_skip(struct http_body *, uint64_t n, uint64_t *covered);
/* The connection ended here: true when that makes the message whole. */
bool http_body_end(struct http_body *);

/* Whole message in one piece: payload after transfer coding appended to out.
 * Returns true when the body is complete in the bytes; body tells the rest. */
bool http_body_all(struct http_body *, struct span in, struct buf *out);

#endif

#include "http.h"

#include <string.h>

#include "limit.h"

static void
body_reset(struct http_body *b)
{
	memset(b, 0, sizeof *b);
	b->declared = UINT64_MAX;
}

/* "12", and the "12, 12" that some proxies make of two equal fields.  One bad
 * item spoils the value, as in browsers. */
static bool
parse_length(struct span v, uint64_t *out, unsigned *flags)
{
	bool have = false;
	uint64_t n;

	while (v.p != NULL) {
		struct span item = span_trim(span_token(&v, ','));

		if (item.n > 0 && item.p[0] == '+')
			item = span_slice(item, 1, item.n);
		if (!span_u64(item, &n)) {
			*flags |= HTTP_BAD_LENGTH;
			return false;
		}
		if (have && n != *out)
			*flags |= HTTP_LENGTHS_DIFFER;
		if (!have)
			*out = n;
		have = true;
	}
	return have;
}

/* The first usable length counts; that they differ is flagged. */
static void
find_length(struct http_body *b, const struct http_head *h)
{
	struct span v;
	uint64_t n = 0;
	size_t at = 0;

	while ((v = http_field_next(h, "content-length", &at)).p != NULL) {
		if (!parse_length(v, &n, &b->flags))
			continue;
		if (b->has_declared && n != b->declared)
			b->flags |= HTTP_LENGTHS_DIFFER;
		if (!b->has_declared)
			b->declared = n;
		b->has_declared = true;
	}
}

/* "chunked" with rubbish behind it counts: the first chunk's size will tell
 * whether it was meant. */
static bool
is_chunked(const struct http_head *h)
{
	struct span v;
	size_t at = 0;

	while ((v = http_field_next(h, "transfer-encoding", &at)).p != NULL)
		while (v.p != NULL) {
			struct span item = span_token(&v, ',');

			while (item.n > 0 && strchr(" \t\r\n", item.p[0]) &&
			    item.p[0] != '\0')
				item = span_slice(item, 1, item.n);
			if (span_starts_i(item, "chunked"))
				return true;
		}
	return false;
}

static void
frame_length(struct http_body *b, uint64_t n)
{
	b->framing = n == 0 ? HTTP_FRAME_NONE : HTTP_FRAME_LENGTH;
	b->left = n;
	b->done = n == 0;
}

static void
frame_chunked(struct http_body *b)
{
	b->framing = HTTP_FRAME_CHUNKED;
	b->state = HTTP_CHUNK_SIZE;
	b->first_chunk = true;
	if (b->has_declared)
		b->flags |= HTTP_LENGTH_IGNORED;
}

void
http_body_request(struct http_body *b, const struct http_head *h)
{
	body_reset(b);
	find_length(b, h);
	if (is_chunked(h))
		frame_chunked(b);
	else
		frame_length(b, b->has_declared ? b->declared : 0);
}

void
http_body_response(struct http_body *b, const struct http_head *h,
    struct span method)
{
	body_reset(b);
	find_length(b, h);
	if (span_is_i(method, "HEAD") || h->status == 204 || h->status == 304 ||
	    (h->status >= 100 && h->status < 200 &&
		b->declared == UINT64_MAX) ||
	    (span_is_i(method, "CONNECT") && h->status / 100 == 2)) {
		frame_length(b, 0);
		return;
	}
	if (is_chunked(h)) {
		frame_chunked(b);
		return;
	}
	if (b->has_declared) {
		frame_length(b, b->declared);
		return;
	}
	b->framing = HTTP_FRAME_CLOSE;
}

static void
hand_on(struct http_body *b, struct span s, http_body_sink *sink, void *arg)
{
	b->total += s.n;
	if (sink != NULL && s.n > 0)
		sink(arg, s);
}

/* What said chunked and is not: the bytes are the body.  The line gathered
 * so far was payload after all. */
static void
not_chunked(struct http_body *b, http_body_sink *sink, void *arg)
{
	struct span line = {b->line, b->line_len};

	b->flags |= HTTP_NOT_CHUNKED;
	b->flags &= ~(unsigned)HTTP_LENGTH_IGNORED;
	b->framing = b->has_declared ? HTTP_FRAME_LENGTH : HTTP_FRAME_CLOSE;
	b->left = b->has_declared ? b->declared : 0;
	if (b->has_declared && line.n > b->left)
		line.n = (size_t)b->left;
	if (b->has_declared)
		b->left -= line.n;
	hand_on(b, line, sink, arg);
	b->line_len = 0;
	if (b->has_declared && b->left == 0)
		b->done = true;
}

/* Broken in mid-body: what came is kept, the rest of the stream is not
 * trusted to hold messages. */
static void
bad_chunk(struct http_body *b)
{
	b->flags |= HTTP_BAD_CHUNK;
	b->framing = HTTP_FRAME_CLOSE;
	b->left = 0;
}

static bool
is_blank(char c)
{
	return ascii_space(c) || c == '\v';
}

/* 1*HEXDIG, blanks, then nothing or an extension. */
static bool
parse_chunk_size(struct span line, uint64_t *size)
{
	size_t i = 0, digits = 0;
	uint64_t n = 0;

	while (i < line.n && is_blank(line.p[i]))
		i++;
	for (; i < line.n && ascii_hex(line.p[i]) >= 0; i++, digits++) {
		if (n >> 60 != 0)
			return false;
		n = n << 4 | (uint64_t)ascii_hex(line.p[i]);
	}
	while (i < line.n && is_blank(line.p[i]))
		i++;
	*size = n;
	return digits > 0 && (i == line.n || line.p[i] == ';');
}

static void
chunk_size_line(struct http_body *b, http_body_sink *sink, void *arg)
{
	struct span line = span_trim((struct span){b->line, b->line_len});
	uint64_t n;

	if (line.n == 0 && !b->first_chunk) {
		b->line_len = 0;
		return;
	}
	if (!parse_chunk_size(line, &n)) {
		if (b->first_chunk)
			not_chunked(b, sink, arg);
		else
			bad_chunk(b);
		return;
	}
	b->first_chunk = false;
	b->line_len = 0;
	b->left = n;
	b->state = n == 0 ? HTTP_CHUNK_TRAILER : HTTP_CHUNK_DATA;
}

/* A line longer than the room is a size only if an extension made it so. */
static bool
begins_as_size(const struct http_body *b)
{
	struct span line = {b->line, b->line_len};
	size_t semicolon = span_find(line, ';');
	uint64_t n;

	return semicolon < line.n &&
	    parse_chunk_size(span_slice(line, 0, semicolon), &n);
}

/* Gathers the size line; an extension longer than the room is dropped. */
static size_t
feed_size(struct http_body *b, struct span in, http_body_sink *sink, void *arg)
{
	size_t at = span_find(in, '\n');
	size_t n = at < in.n ? at + 1 : in.n;
	size_t room = sizeof b->line - b->line_len;

	bool full = n > room;

	if (room > n)
		room = n;
	memcpy(b->line + b->line_len, in.p, room);
	b->line_len += (uint32_t)room;
	if (full && b->first_chunk && !begins_as_size(b)) {
		not_chunked(b, sink, arg);
		return room;
	}
	b->trailer_bytes += n - room;
	if (b->trailer_bytes > HEADER_BYTES_MAX) {
		bad_chunk(b);
		return n;
	}
	if (at < in.n) {
		b->trailer_bytes = 0;
		chunk_size_line(b, sink, arg);
	}
	return n;
}

static size_t
feed_trailer(struct http_body *b, struct span in)
{
	size_t at = span_find(in, '\n');
	size_t n = at < in.n ? at + 1 : in.n;
	bool blank = true;

	for (size_t i = 0; i < n; i++)
		if (in.p[i] != '\r' && in.p[i] != '\n')
			blank = false;
	if (!blank) {
		b->flags |= HTTP_TRAILERS;
		b->line_len = 1;
	}
	b->trailer_bytes += n;
	if (at < in.n) {
		if (b->line_len == 0)
			b->done = true;
		b->line_len = 0;
	}
	if (b->trailer_bytes > HEADER_BYTES_MAX) {
		b->flags |= HTTP_BAD_CHUNK;
		b->done = true;
	}
	return n;
}

/* The CRLF behind the data of a chunk. */
static size_t
feed_data_end(struct http_body *b, struct span in)
{
	if (in.p[0] == '\r')
		return 1;
	b->state = HTTP_CHUNK_SIZE;
	return in.p[0] == '\n' ? 1 : 0;
}

static size_t
feed_data(struct http_body *b, struct span in, http_body_sink *sink, void *arg)
{
	struct span s = in;

	if (s.n > b->left)
		s.n = (size_t)b->left;
	b->left -= s.n;
	hand_on(b, s, sink, arg);
	if (b->left > 0)
		return s.n;
	if (b->framing == HTTP_FRAME_LENGTH)
		b->done = true;
	else
		b->state = HTTP_CHUNK_DATA_END;
	return s.n;
}

static size_t
feed_some(struct http_body *b, struct span in, http_body_sink *sink, void *arg)
{
	if (b->framing == HTTP_FRAME_LENGTH)
		return feed_data(b, in, sink, arg);
	if (b->framing == HTTP_FRAME_CLOSE) {
		if ((b->flags & HTTP_BAD_CHUNK) == 0)
			hand_on(b, in, sink, arg);
		return in.n;
	}
	switch (b->state) {
	case HTTP_CHUNK_SIZE:
		return feed_size(b, in, sink, arg);
	case HTTP_CHUNK_DATA:
		return feed_data(b, in, sink, arg);
	case HTTP_CHUNK_DATA_END:
		return feed_data_end(b, in);
	case HTTP_CHUNK_TRAILER:
		return feed_trailer(b, in);
	}
	return in.n;
}

size_t
http_body_feed(struct http_body *b, struct span in, http_body_sink *sink,
    void *arg)
{
	size_t used = 0;

	while (!b->done && used < in.n)
		used += feed_some(b, span_slice(in, used, in.n), sink, arg);
	return used;
}

bool
http_body_skip(struct http_body *b, uint64_t n, uint64_t *covered)
{
	uint64_t own = n < b->left ? n : b->left;

	*covered = 0;
	if (b->done)
		return false;
	if (b->framing == HTTP_FRAME_CLOSE) {
		*covered = n;
		return true;
	}
	if (b->framing == HTTP_FRAME_CHUNKED &&
	    (b->state != HTTP_CHUNK_DATA || n >= b->left))
		return false;
	b->left -= own;
	*covered = own;
	if (b->framing == HTTP_FRAME_LENGTH && b->left == 0)
		b->done = true;
	return own == n;
}

bool
http_body_end(struct http_body *b)
{
	if (b->done)
		return true;
	/* The last chunk came, only its empty trailer is missing. */
	if (b->framing == HTTP_FRAME_CHUNKED)
		return b->state == HTTP_CHUNK_TRAILER;
	return b->framing == HTTP_FRAME_CLOSE &&
	    (b->flags & HTTP_BAD_CHUNK) == 0;
}

static void
add_to_buf(void *arg, struct span s)
{
	buf_add_span(arg, s);
}

bool
http_body_all(struct http_body *b, struct span in, struct buf *out)
{
	http_body_feed(b, in, add_to_buf, out);
	return http_body_end(b) && !out->overflow;
}

#include "gzip_write.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "limit.h"
#include "log.h"

#define GZIP_WINDOW (15 + 16) /* 32 KiB window, gzip header and trailer */
#define GZIP_MEMORY 8
#define OUT_PIECE   (16 * 1024)
#define IN_PIECE    (1u << 30)	/* zlib counts input in unsigned int */
#define WHOLE_MAX   (128 * KIB) /* of a member that is made in one go */
#define HEADER	    10
#define TRAILER	    8

/* What is short is made in one go, in half the time; what is long, or changes
 * its level, piece by piece. */
struct gzip_writer {
	int level;
	struct libdeflate_compressor *whole; /* NULL: not needed yet */
	struct buf in;			     /* its pieces, together */
	struct buf made;
	bool begun; /* z is */
	z_stream z;
};

struct gzip_writer *
gzip_writer_new(int level)
{
	struct gzip_writer *w = xcalloc(1, sizeof *w);

	w->level = level;
	buf_init(&w->in, WHOLE_MAX);
	buf_init(&w->made, 2 * WHOLE_MAX);
	return w;
}

void
gzip_writer_free(struct gzip_writer *w)
{
	if (w == NULL)
		return;
	if (w->begun)
		deflateEnd(&w->z);
	libdeflate_free_compressor(w->whole);
	buf_release(&w->in);
	buf_release(&w->made);
	free(w);
}

/* ---- in one go ---- */

/* As zlib writes them: gzip_exact.h knows each bit. */
static void
put_header(struct buf *b)
{
	static const char header[HEADER] = {0x1f, (char)0x8b, Z_DEFLATED, 0, 0,
	    0, 0, 0, 0, 3};

	buf_add(b, header, sizeof header);
}

static bool
make_whole(struct gzip_writer *w, struct span in, struct buf *out)
{
	size_t room;
	char *to;

	if (w->whole == NULL)
		w->whole = libdeflate_alloc_compressor(w->level);
	if (w->whole == NULL)
		fatal("gzip: compressor does not start, level %d", w->level);
	buf_clear(&w->made);
	put_header(&w->made);
	room = libdeflate_deflate_compress_bound(w->whole, in.n);
	to = buf_reserve(&w->made, room);
	if (to == NULL)
		bug("gzip: no room for a member of %zu bytes", in.n);
	room = libdeflate_deflate_compress(w->whole, in.p, in.n, to, room);
	if (room == 0)
		bug("gzip: a member is longer than it can be");
	w->made.len += room;
	buf_put_u32(&w->made, libdeflate_crc32(0, in.p, in.n));
	buf_put_u32(&w->made, (uint32_t)in.n);
	return buf_add_span(out, buf_span(&w->made));
}

/* ---- piece by piece ---- */

static void
stream_begin(struct gzip_writer *w)
{
	int rc = w->begun ? deflateReset(&w->z)
			  : deflateInit2(&w->z, w->level, Z_DEFLATED,
				GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY);

	if (rc == Z_OK && w->begun)
		rc = deflateParams(&w->z, w->level, Z_DEFAULT_STRATEGY);
	if (rc != Z_OK)
		fatal("gzip: compressor does not start, level %d", w->level);
	w->begun = true;
}

/* Runs the compressor until it has taken all input (or, with Z_FINISH, given
 * all output). */
static bool
pump(struct gzip_writer *w, int flush, struct buf *out)
{
	char piece[OUT_PIECE];
	int rc;

	do {
		w->z.next_out = (Bytef *)piece;
		w->z.avail_out = sizeof piece;
		rc = deflate(&w->z, flush);
		if (rc == Z_STREAM_ERROR)
			bug("gzip: stream state is damaged");
		if (!buf_add(out, piece, sizeof piece - w->z.avail_out))
			return false;
	} while (
	    w->z.avail_out == 0 || (flush == Z_FINISH && rc != Z_STREAM_END));
	return true;
}

/* What comes from now on is not compressed. */
static bool
stream_store(struct gzip_writer *w, struct buf *out)
{
	char piece[OUT_PIECE];
	int rc;

	w->z.avail_in = 0;
	do {
		w->z.next_out = (Bytef *)piece;
		w->z.avail_out = sizeof piece;
		rc = deflateParams(&w->z, Z_NO_COMPRESSION, Z_DEFAULT_STRATEGY);
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			bug("gzip: stream state is damaged");
		if (!buf_add(out, piece, sizeof piece - w->z.avail_out))
			return false;
	} while (rc != Z_OK);
	return true;
}

static bool
stream_add(struct gzip_writer *w, struct span in, struct buf *out)
{
	struct span piece;

	while (in.n > 0) {
		piece = span_slice(in, 0, IN_PIECE);
		/* zlib's interface lacks the const; it does not write there. */
		w->z.next_in = (Bytef *)(uintptr_t)piece.p;
		w->z.avail_in = (uInt)piece.n;
		if (!pump(w, Z_NO_FLUSH, out))
			return false;
		in = span_slice(in, piece.n, in.n);
	}
	return true;
}

static bool
make_stream(struct gzip_writer *w, const struct span *pieces, size_t n,
    size_t stored, struct buf *out)
{
	stream_begin(w);
	/* The header of a member that is not compressed at all is another. */
	for (size_t i = 0; i < n; i++)
		if ((i == stored && w->z.total_in > 0 &&
			!stream_store(w, out)) ||
		    !stream_add(w, pieces[i], out))
			return false;
	w->z.next_in = NULL;
	w->z.avail_in = 0;
	return pump(w, Z_FINISH, out);
}

static struct span
together(struct gzip_writer *w, const struct span *pieces, size_t n)
{
	buf_clear(&w->in);
	for (size_t i = 0; i < n; i++)
		buf_add_span(&w->in, pieces[i]);
	return buf_span(&w->in);
}

bool
gzip_writer_member(struct gzip_writer *w, const struct span *pieces, size_t n,
    size_t stored, struct buf *out)
{
	size_t before = out->len, bytes = 0;
	bool ok;

	for (size_t i = 0; i < n; i++)
		bytes += pieces[i].n;
	ok = stored >= n && bytes <= WHOLE_MAX
	    ? make_whole(w, together(w, pieces, n), out)
	    : make_stream(w, pieces, n, stored, out);
	if (!ok)
		out->len = before;
	return ok;
}

bool
gzip_member(struct buf *out, struct span in, int level)
{
	struct gzip_writer *w = gzip_writer_new(level);
	size_t before = out->len;
	bool ok = make_stream(w, &in, 1, 1, out);

	if (!ok)
		out->len = before;
	gzip_writer_free(w);
	return ok;
}

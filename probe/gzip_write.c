#include "gzip_write.h"

#include <stdlib.h>
#include <zlib.h>

#include "log.h"

#define GZIP_WINDOW (15 + 16) /* 32 KiB window, gzip header and trailer */
#define GZIP_MEMORY 8
#define OUT_PIECE   (16 * 1024)
#define IN_PIECE    (1u << 30) /* zlib counts input in unsigned int */

struct gzip_writer {
	z_stream z;
};

struct gzip_writer *
gzip_writer_new(int level)
{
	struct gzip_writer *w = xcalloc(1, sizeof *w);

	if (deflateInit2(&w->z, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		fatal("gzip: compressor does not start, level %d", level);
	return w;
}

void
gzip_writer_free(struct gzip_writer *w)
{
	if (w == NULL)
		return;
	deflateEnd(&w->z);
	free(w);
}

void
gzip_writer_reset(struct gzip_writer *w)
{
	if (deflateReset(&w->z) != Z_OK)
		bug("gzip: stream state is damaged");
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

bool
gzip_writer_add(struct gzip_writer *w, struct span in, struct buf *out)
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

bool
gzip_writer_end(struct gzip_writer *w, struct buf *out)
{
	w->z.next_in = NULL;
	w->z.avail_in = 0;
	if (!pump(w, Z_FINISH, out))
		return false;
	gzip_writer_reset(w);
	return true;
}

bool
gzip_member(struct buf *out, struct span in, int level)
{
	struct gzip_writer *w = gzip_writer_new(level);
	size_t before = out->len;
	bool ok = gzip_writer_add(w, in, out) && gzip_writer_end(w, out);

	if (!ok)
		out->len = before;
	gzip_writer_free(w);
	return ok;
}

#include "gzip_read.h"

#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "log.h"

#define GZIP_WINDOW  (15 + 16) /* largest window, gzip wrapper only */

struct gzip_reader {
	z_stream z;
};

struct gzip_reader *
gzip_reader_new(void)
{
	struct gzip_reader *r = xcalloc(1, sizeof *r);

	if (inflateInit2(&r->z, GZIP_WINDOW) != Z_OK)
		fatal("gzip: no memory for a reader");
	return r;
}

void
gzip_reader_free(struct gzip_reader *r)
{
	if (r == NULL)
		return;
	inflateEnd(&r->z);
	free(r);
}

void
gzip_reader_reset(struct gzip_reader *r)
{
	inflateReset(&r->z);
}

enum gzip_state
gzip_read(struct gzip_reader *r, struct span *in, char *out, size_t room,
    size_t *wrote)
{
	static const Bytef none;
	uInt avail = in->n > 1u << 30 ? 1u << 30 : (uInt)in->n;
	uInt space = room > 1u << 30 ? 1u << 30 : (uInt)room;
	int rc;

	r->z.next_in = in->n > 0 ? (const Bytef *)in->p : &none;
	r->z.avail_in = avail;
	r->z.next_out = (Bytef *)out;
	r->z.avail_out = space;
	rc = inflate(&r->z, Z_NO_FLUSH);
	*wrote = space - r->z.avail_out;
	*in = span_slice(*in, avail - r->z.avail_in, in->n);
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return GZIP_MORE;
	inflateReset(&r->z);
	if (rc == Z_MEM_ERROR)
		fatal("gzip: no memory to inflate");
	return rc == Z_STREAM_END ? GZIP_MEMBER_END : GZIP_BAD;
}

bool
gzip_member_looks(struct span s)
{
	const uint8_t *b = (const uint8_t *)s.p;

	return s.n >= 4 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 &&
	    (b[3] & 0xe0) == 0;
}

#include "gzip_exact.h"

#include <string.h>
#include <zlib.h>

#include "log.h"

#define HEADER	   10
#define TRAILER	   8
#define RAW_WINDOW (-15)
#define IN_PIECE   (1u << 30) /* zlib counts input in unsigned int */
#define OUT_PIECE  (64 * 1024)

/* Of z_stream.data_type after Z_BLOCK. */
#define UNUSED_BITS 7
#define LAST_BLOCK  64
#define BLOCK_END   128

#define TYPE_BITS 3 /* that a block begins with */
#define STORED(v) (((v) >> 1 & 3) == 0)

enum member { MEMBER_EXACT, MEMBER_INEXACT, MEMBER_UNREADABLE };

static bool
header_exact(struct span s)
{
	static const unsigned char ours[HEADER] = {0x1f, 0x8b, Z_DEFLATED, 0, 0,
	    0, 0, 0, 0, 3};

	return memcmp(s.p, ours, HEADER) == 0;
}

/* Between two blocks: the bits that fill up the byte before a stored block, or
 * behind the last one, are zero.  `unused`: bits of next_in[-1] to come. */
static bool
filling_exact(const z_stream *z, unsigned unused, bool last)
{
	unsigned bits =
	    unused == 0 ? 0u : (unsigned)z->next_in[-1] >> (8 - unused);

	if (last)
		return bits == 0;
	if (unused < TYPE_BITS) {
		if (z->avail_in == 0)
			return true; /* cut short: said by others */
		bits |= (unsigned)z->next_in[0] << unused;
	}
	return !STORED(bits) || bits >> TYPE_BITS == 0;
}

/* At most IN_PIECE of one member is looked at: none of ours is as long. */
static enum member
member_check(z_stream *z, struct span s, size_t *used)
{
	static unsigned char out[OUT_PIECE];
	int rc;

	if (s.n < HEADER + TRAILER)
		return MEMBER_UNREADABLE;
	if (!header_exact(s))
		return MEMBER_INEXACT;
	inflateReset(z);
	/* zlib's interface lacks the const; it does not write there. */
	z->next_in = (Bytef *)(uintptr_t)s.p + HEADER;
	z->avail_in = s.n - HEADER < IN_PIECE ? (uInt)(s.n - HEADER) : IN_PIECE;
	if (!filling_exact(z, 0, false))
		return MEMBER_INEXACT;
	do {
		z->next_out = out;
		z->avail_out = sizeof out;
		rc = inflate(z, Z_BLOCK);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return MEMBER_UNREADABLE;
		if (z->data_type & BLOCK_END &&
		    !filling_exact(z, (unsigned)z->data_type & UNUSED_BITS,
			z->data_type & LAST_BLOCK))
			return MEMBER_INEXACT;
	} while (rc != Z_STREAM_END);
	*used = HEADER + z->total_in + TRAILER;
	return *used <= s.n ? MEMBER_EXACT : MEMBER_UNREADABLE;
}

size_t
gzip_exact(struct span file)
{
	z_stream z = {0};
	enum member m = MEMBER_EXACT;
	size_t at = 0, used = 0;

	if (inflateInit2(&z, RAW_WINDOW) != Z_OK)
		fatal("gzip: decompressor does not start");
	while (at < file.n && m == MEMBER_EXACT) {
		m = member_check(&z, span_slice(file, at, file.n), &used);
		if (m == MEMBER_EXACT)
			at += used;
	}
	inflateEnd(&z);
	return m == MEMBER_INEXACT ? at : file.n;
}

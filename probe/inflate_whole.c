#include <libdeflate.h>
#include <string.h>

#include "decode.h"
#include "log.h"

static enum libdeflate_result
inflate_as(enum inflate_format format, struct libdeflate_decompressor *d,
    struct span in, void *out, size_t cap, size_t *used, size_t *made)
{
	switch (format) {
	case INFLATE_GZIP:
		return libdeflate_gzip_decompress_ex(d, in.p, in.n, out, cap,
		    used, made);
	case INFLATE_ZLIB:
		return libdeflate_zlib_decompress_ex(d, in.p, in.n, out, cap,
		    used, made);
	case INFLATE_RAW:
		break;
	}
	return libdeflate_deflate_decompress_ex(d, in.p, in.n, out, cap, used,
	    made);
}

bool
inflate_whole(struct span *in, enum inflate_format format, void *out,
    size_t cap, size_t *produced)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	enum libdeflate_result rc;
	size_t used = 0;

	if (d == NULL)
		fatal("out of memory for decompression");
	*produced = 0;
	rc = inflate_as(format, d, *in, out, cap, &used, produced);
	libdeflate_free_decompressor(d);
	if (rc != LIBDEFLATE_SUCCESS)
		return false;
	*in = span_slice(*in, used, in->n);
	return true;
}

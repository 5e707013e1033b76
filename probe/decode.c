#include "decode.h"

#include <brotli/decode.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "limit.h"

#define RATIO_FREE (64 * KIB) /* output that no ratio is asked of */
#define STEP_BYTES (64 * KIB)

struct inflater {
	z_stream z;
	enum inflate_format format;
	bool between;
	bool corrupt;
	uint64_t offset;
	uint64_t start;
	uint64_t output;
};

/* Where the output of one coding goes, and how much of it there may be. */
struct sink {
	struct buf *out;
	size_t from;  /* out->len when we began */
	size_t limit; /* most that out->len may become */
	size_t ratio; /* output allowed by the ratio of the whole body */
	char step[STEP_BYTES];
};

static int
window_bits(enum inflate_format format)
{
	switch (format) {
	case INFLATE_GZIP:
		return 16 + MAX_WBITS;
	case INFLATE_ZLIB:
		return MAX_WBITS;
	case INFLATE_RAW:
		return -MAX_WBITS;
	}
	return MAX_WBITS;
}

struct inflater *
inflater_new(enum inflate_format format)
{
	struct inflater *f = xcalloc(1, sizeof(*f));

	f->format = format;
	f->between = true;
	if (inflateInit2(&f->z, window_bits(format)) != Z_OK)
		abort(); /* out of memory, as the x*alloc family */
	return f;
}

void
inflater_free(struct inflater *f)
{
	if (f == NULL)
		return;
	inflateEnd(&f->z);
	free(f);
}

void
inflater_reset(struct inflater *f, uint64_t at)
{
	inflateReset(&f->z);
	f->between = true;
	f->corrupt = false;
	f->offset = at;
	f->start = at;
	f->output = 0;
}

static void
inflater_begin(struct inflater *f)
{
	inflateReset(&f->z);
	f->between = false;
	f->start = f->offset;
	f->output = 0;
}

enum inflate_step
inflater_step(struct inflater *f, struct span *in, void *out, size_t cap,
    size_t *produced)
{
	uInt give = in->n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)in->n;
	uInt room = cap > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)cap;
	size_t used;
	int rc;

	*produced = 0;
	if (f->corrupt)
		return INFLATE_CORRUPT;
	if (f->between) {
		if (in->n == 0)
			return INFLATE_INPUT;
		inflater_begin(f);
	}
	/* zlib does not write to its input */
	f->z.next_in = (Bytef *)(uintptr_t)in->p;
	f->z.avail_in = give;
	f->z.next_out = out;
	f->z.avail_out = room;
	rc = inflate(&f->z, Z_NO_FLUSH);
	used = give - f->z.avail_in;
	*produced = room - f->z.avail_out;
	in->p += used;
	in->n -= used;
	f->offset += used;
	f->output += *produced;
	if (rc == Z_STREAM_END) {
		f->between = true;
		return INFLATE_END;
	}
	if (rc != Z_OK && rc != Z_BUF_ERROR) {
		f->corrupt = true;
		return INFLATE_CORRUPT;
	}
	return f->z.avail_out == 0 ? INFLATE_OUTPUT : INFLATE_INPUT;
}

uint64_t
inflater_offset(const struct inflater *f)
{
	return f->offset;
}

uint64_t
inflater_member_start(const struct inflater *f)
{
	return f->start;
}

bool
inflater_between(const struct inflater *f)
{
	return f->between;
}

uint64_t
inflater_member_output(const struct inflater *f)
{
	return f->output;
}

bool
gzip_looks(struct span s)
{
	return s.n >= 3 && memcmp(s.p, "\x1f\x8b\x08", 3) == 0;
}

/* What of n bytes of output may still be kept; *status says why not all. */
static bool
sink_take(struct sink *k, const void *p, size_t n, enum decode_status *status)
{
	size_t had = k->out->len - k->from;
	size_t room = k->limit - k->out->len;

	if (n > room || had + n > k->ratio) {
		*status = n > room ? DECODE_TOO_LARGE : DECODE_RATIO;
		if (n > room)
			n = room;
		if (had + n > k->ratio)
			n = k->ratio - had;
		(void)buf_add(k->out, p, n);
		return false;
	}
	return buf_add(k->out, p, n);
}

/* How much a stream gives, as its trailer says; a guess where it has none. */
static size_t
output_hint(struct span in, enum inflate_format format)
{
	uint32_t n;

	if (format != INFLATE_GZIP || in.n < 18)
		return in.n * 4;
	memcpy(&n, in.p + in.n - 4, sizeof n);
	return le32toh(n);
}

/* What is whole, sound and within the limits is undone in one go. */
static bool
inflate_at_once(struct span in, enum inflate_format format, struct sink *k)
{
	size_t room = k->limit - k->out->len, hint = output_hint(in, format), n;
	char *to;

	if (room > k->ratio - (k->out->len - k->from))
		room = k->ratio - (k->out->len - k->from);
	if (hint > room)
		return false;
	to = buf_reserve(k->out, hint);
	if (to == NULL || !inflate_whole(&in, format, to, hint, &n) ||
	    (format == INFLATE_GZIP && gzip_looks(in)))
		return false;
	k->out->len += n;
	k->out->data[k->out->len] = '\0';
	return true;
}

static enum decode_status
inflate_all(struct span in, enum inflate_format format, struct sink *k)
{
	struct inflater *f = NULL;
	enum decode_status status = DECODE_OK;
	enum inflate_step step;
	size_t n;

	if (inflate_at_once(in, format, k))
		return DECODE_OK;
	f = inflater_new(format);
	for (;;) {
		step = inflater_step(f, &in, k->step, sizeof(k->step), &n);
		if (!sink_take(k, k->step, n, &status))
			break;
		if (step == INFLATE_OUTPUT)
			continue;
		/* Another member may follow; anything else behind the first
		 * is padding, which browsers pass over too. */
		if (step == INFLATE_END && format == INFLATE_GZIP &&
		    gzip_looks(in))
			continue;
		if (step == INFLATE_CORRUPT)
			status = DECODE_CORRUPT;
		else if (step == INFLATE_INPUT)
			status = DECODE_CUT;
		break;
	}
	inflater_free(f);
	return status;
}

static enum decode_status
decode_gzip(struct span in, struct sink *k)
{
	if (in.n == 0)
		return DECODE_CUT;
	if (!gzip_looks(in) && in.n >= 3)
		return DECODE_PLAIN;
	return inflate_all(in, INFLATE_GZIP, k);
}

/* "deflate" is zlib by the standard and raw deflate from many servers. */
static enum decode_status
decode_deflate(struct span in, struct sink *k)
{
	enum decode_status status;
	const uint8_t *p = (const uint8_t *)in.p;
	size_t from = k->out->len;
	bool zlib;

	if (in.n == 0)
		return DECODE_CUT;
	if (gzip_looks(in))
		return inflate_all(in, INFLATE_GZIP, k);
	zlib = in.n >= 2 && (p[0] & 0x0f) == 8 && (p[0] >> 4) <= 7 &&
	    (p[0] * 256 + p[1]) % 31 == 0;
	status = inflate_all(in, zlib ? INFLATE_ZLIB : INFLATE_RAW, k);
	if (status == DECODE_CORRUPT && k->out->len == from)
		return DECODE_PLAIN;
	return status;
}

/* Brotli has no magic: text that fails to decode was never brotli. */
static bool
looks_like_text(struct span in)
{
	struct span head = span_slice(in, 0, 256);

	for (size_t i = 0; i < head.n; i++)
		if ((unsigned char)head.p[i] < 0x20 && !ascii_space(head.p[i]))
			return false;
	return head.n > 0;
}

static enum decode_status
decode_brotli(struct span in, struct sink *k)
{
	BrotliDecoderState *b = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	enum decode_status status = DECODE_OK;
	BrotliDecoderResult rc;
	const uint8_t *next = (const uint8_t *)in.p;
	size_t left = in.n, from = k->out->len, room;
	uint8_t *out;

	if (b == NULL)
		abort();
	do {
		out = (uint8_t *)k->step;
		room = sizeof(k->step);
		rc = BrotliDecoderDecompressStream(b, &left, &next, &room, &out,
		    NULL);
		if (!sink_take(k, k->step, sizeof(k->step) - room, &status))
			break;
	} while (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
	if (status == DECODE_OK && rc == BROTLI_DECODER_RESULT_ERROR)
		status = DECODE_CORRUPT;
	if (status == DECODE_OK && rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
		status = DECODE_CUT;
	BrotliDecoderDestroyInstance(b);
	if ((status == DECODE_CORRUPT || status == DECODE_CUT) &&
	    looks_like_text(in)) {
		k->out->len = from;
		return DECODE_PLAIN;
	}
	return status;
}

/* A frame of RFC 8878, or a skippable one. */
static bool
zstd_looks(struct span s)
{
	return s.n >= 4 &&
	    (memcmp(s.p, "\x28\xb5\x2f\xfd", 4) == 0 ||
		((s.p[0] & 0xf0) == 0x50 &&
		    memcmp(s.p + 1, "\x2a\x4d\x18", 3) == 0));
}

static enum decode_status
decode_zstd(struct span in, struct sink *k)
{
	ZSTD_DStream *z;
	ZSTD_inBuffer from = {in.p, in.n, 0};
	ZSTD_outBuffer to;
	enum decode_status status = DECODE_OK;
	size_t rc = 1;

	if (!zstd_looks(in) && in.n >= 4)
		return DECODE_PLAIN;
	z = ZSTD_createDStream();
	if (z == NULL)
		abort();
	/* 8 MiB: the window that RFC 8878 asks every decoder to take */
	(void)ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 23);
	do {
		to = (ZSTD_outBuffer){k->step, sizeof(k->step), 0};
		rc = ZSTD_decompressStream(z, &to, &from);
		if (!sink_take(k, k->step, to.pos, &status))
			break;
		if (ZSTD_isError(rc)) {
			status = DECODE_CORRUPT;
			break;
		}
	} while (from.pos < from.size || to.pos == to.size);
	if (status == DECODE_OK && rc != 0)
		status = DECODE_CUT;
	ZSTD_freeDStream(z);
	return status;
}

static enum decode_status
decode_one(struct span in, struct span coding, struct sink *k)
{
	if (span_is_i(coding, "gzip") || span_is_i(coding, "x-gzip"))
		return decode_gzip(in, k);
	if (span_is_i(coding, "deflate") || span_is_i(coding, "x-deflate"))
		return decode_deflate(in, k);
	if (span_is_i(coding, "br"))
		return decode_brotli(in, k);
	if (span_is_i(coding, "zstd"))
		return decode_zstd(in, k);
	return DECODE_UNKNOWN;
}

/* The codings to undo, outermost last; -1 when there are too many. */
static int
codings_split(struct span list, struct span items[CODINGS_MAX])
{
	struct span rest = list, item;
	int n = 0;

	while (rest.p != NULL) {
		item = span_trim(span_token(&rest, ','));
		if (item.n == 0 || span_is_i(item, "identity") ||
		    span_is_i(item, "none"))
			continue;
		if (n == CODINGS_MAX)
			return -1;
		items[n++] = item;
	}
	return n;
}

static bool
status_gave_nothing(enum decode_status status)
{
	return status == DECODE_PLAIN || status == DECODE_UNKNOWN;
}

/* Each layer goes from one buffer to the next; `now` is what we have. */
static enum decode_status
layers_undo(const struct span *items, int n, struct sink *k, struct buf *now,
    struct span body)
{
	enum decode_status status, first = DECODE_OK;
	struct buf next = BUF_INIT(DECODED_BODY_MAX);
	struct span in = body;

	while (n-- > 0) {
		k->out = &next;
		k->from = 0;
		k->limit = DECODED_BODY_MAX;
		status = decode_one(in, items[n], k);
		if (first == DECODE_OK)
			first = status;
		if (!status_gave_nothing(status)) {
			buf_release(now);
			*now = next;
			buf_init(&next, DECODED_BODY_MAX);
			in = buf_span(now);
		}
		buf_clear(&next);
	}
	if (in.p == body.p) {
		(void)buf_add_span(now, span_slice(body, 0, DECODED_BODY_MAX));
		if (body.n > DECODED_BODY_MAX)
			first = DECODE_TOO_LARGE;
	}
	buf_release(&next);
	return first;
}

enum decode_status
content_decode(struct span body, struct span codings, struct buf *out)
{
	struct span items[CODINGS_MAX];
	int n = codings_split(codings, items);
	struct buf now = BUF_INIT(DECODED_BODY_MAX);
	enum decode_status status;
	struct sink *k = xmalloc(sizeof(*k));
	size_t room;

	k->ratio = body.n > DECODED_BODY_MAX / DECODE_RATIO_MAX
	    ? DECODED_BODY_MAX
	    : body.n * DECODE_RATIO_MAX;
	if (k->ratio < RATIO_FREE)
		k->ratio = RATIO_FREE;
	if (body.n == 0)
		n = 0; /* HEAD, 204, 304: a label without a body is no fault */
	status = layers_undo(items, n < 0 ? 0 : n, k, &now, body);
	if (n < 0 && status == DECODE_OK)
		status = DECODE_UNKNOWN;
	if (out->len == 0 && out->data == NULL && out->max >= now.len) {
		now.max = out->max;
		now.overflow = false;
		*out = now;
	} else {
		room = out->max - out->len;
		if (now.len > room)
			status = DECODE_TOO_LARGE;
		(void)buf_add_span(out, span_slice(buf_span(&now), 0, room));
		buf_release(&now);
	}
	free(k);
	return status;
}

const char *
decode_status_name(enum decode_status status)
{
	static const char *const names[DECODE_STATUS_COUNT] = {"ok", "plain",
	    "unknown", "cut", "corrupt", "too_large", "ratio"};

	return status < DECODE_STATUS_COUNT ? names[status] : "ok";
}

const char *
decode_status_text(enum decode_status status)
{
	static const char *const texts[DECODE_STATUS_COUNT] = {NULL,
	    "body labelled as compressed is not; taken as it is",
	    "unknown content coding; body taken as it is",
	    "compressed body ends early; what came is used",
	    "compressed body is corrupt; what came before is used",
	    "decoded body cut at the size limit",
	    "decoded body cut at the compression ratio limit"};

	return status < DECODE_STATUS_COUNT ? texts[status] : NULL;
}

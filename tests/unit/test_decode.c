/* Content codings, their limits, and the streaming gzip reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "decode.h"
#include "gzip_write.h"
#include "limit.h"

#define BROTLI                                                                 \
	"\x1b\x2f\x00\xf8\x8d\x54\xb5\xbf\x14\x93\xa3\xcb\x34\xb6\xb7\x14\x84" \
	"\x19\x78\x12\x05\x75\x2c\x5a\x7d\xda\x7a\x5f\x00"
#define RAW "\x2b\x4a\x2c\x57\x48\x49\x4d\xcb\x49\x2c\x49\x05\x00"
#define ZLIB                                                                   \
	"\x78\x9c\xab\xca\xc9\x4c\x52\x48\x49\x4d\xcb\x49\x2c\x49\x05\x00\x1e" \
	"\x2c\x04\xa7"
#define ZSTD                                                                   \
	"\x28\xb5\x2f\xfd\x04\x58\xed\x00\x00\xb8\x7a\x73\x74\x64\x20\x74\x65" \
	"\x78\x74\x20\x6f\x66\x20\x74\x68\x65\x20\x70\x61\x67\x65\x2c\x20\x01" \
	"\x00\xf5\x9b\x4d\x90\x0f\xc0\xeb"

static void
expect(struct span body, const char *codings, enum decode_status status,
    struct span text)
{
	struct buf out = BUF_INIT(DECODED_BODY_MAX);

	assert_string_equal(decode_status_name(
				content_decode(body, span_of(codings), &out)),
	    decode_status_name(status));
	assert_int_equal(out.len, text.n);
	assert_true(span_eq(buf_span(&out), text));
	buf_release(&out);
}

static struct buf
packed(struct span text)
{
	struct buf b = BUF_INIT(DECODED_BODY_MAX);

	assert_true(gzip_member(&b, text, 6));
	return b;
}

static void
test_codings(void **state)
{
	struct span text = SPAN("The text of a page.");
	struct buf one = packed(text), two = packed(buf_span(&one));

	(void)state;
	expect(buf_span(&one), "gzip", DECODE_OK, text);
	expect(buf_span(&one), " X-GZIP ,identity", DECODE_OK, text);
	expect(buf_span(&two), "gzip, gzip", DECODE_OK, text);
	expect(text, "", DECODE_OK, text);
	expect(text, "identity", DECODE_OK, text);
	expect(text, "rot13", DECODE_UNKNOWN, text);
	expect(buf_span(&one), "rot13, gzip", DECODE_UNKNOWN, text);
	expect(buf_span(&one), "gzip,gzip,gzip,gzip,gzip", DECODE_UNKNOWN,
	    buf_span(&one));
	expect(SPAN_NULL, "gzip", DECODE_OK, SPAN_NULL);
	buf_release(&one);
	buf_release(&two);
	expect(SPAN(BROTLI), "br", DECODE_OK,
	    SPAN("brotli text of the page, brotli text of the page"));
	expect(SPAN(ZSTD), "zstd", DECODE_OK,
	    SPAN("zstd text of the page, zstd text of the page"));
	expect(SPAN(RAW), "deflate", DECODE_OK, SPAN("raw deflate"));
	expect(SPAN(ZLIB), "deflate", DECODE_OK, SPAN("zlib deflate"));
}

/* What is too long as it is keeps its beginning, labelled or not. */
static void
test_long_plain(void **state)
{
	struct buf page = BUF_INIT(DECODED_BODY_MAX + 2);
	struct span all, kept;

	(void)state;
	memset(buf_reserve(&page, DECODED_BODY_MAX + 1), 'x',
	    DECODED_BODY_MAX + 1);
	page.len = DECODED_BODY_MAX + 1;
	all = buf_span(&page);
	kept = span_slice(all, 0, DECODED_BODY_MAX);
	expect(all, "", DECODE_TOO_LARGE, kept);
	expect(all, "gzip", DECODE_TOO_LARGE, kept);
	expect(kept, "", DECODE_OK, kept);
	buf_release(&page);
}

static void
test_mislabelled(void **state)
{
	struct span page = SPAN("<html>plain page, said to be packed</html>");

	(void)state;
	expect(page, "gzip", DECODE_PLAIN, page);
	expect(page, "br", DECODE_PLAIN, page);
	expect(page, "zstd", DECODE_PLAIN, page);
	expect(page, "deflate", DECODE_PLAIN, page);
	expect(page, "gzip, br", DECODE_PLAIN, page);
}

static void
test_damaged(void **state)
{
	struct buf noise = BUF_INIT(MIB), out = BUF_INIT(MIB), b;
	uint32_t x = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		buf_add_char(&noise, (char)(x >> 24));
	}
	b = packed(buf_span(&noise));
	assert_int_equal(content_decode(span_slice(buf_span(&b), 0, 60000),
			     SPAN("gzip"), &out),
	    DECODE_CUT);
	assert_true(out.len > 50000);
	assert_memory_equal(out.data, noise.data, out.len);
	buf_clear(&out);
	memset(b.data + 60000, 0xff, 20000);
	assert_int_equal(content_decode(buf_span(&b), SPAN("gzip"), &out),
	    DECODE_CORRUPT);
	assert_true(out.len > 30000);
	buf_release(&noise);
	buf_release(&out);
	buf_release(&b);
}

static void
test_members(void **state)
{
	struct buf b = packed(SPAN("first ")), c = packed(SPAN("second"));

	(void)state;
	buf_add_span(&b, buf_span(&c));
	expect(buf_span(&b), "gzip", DECODE_OK, SPAN("first second"));
	buf_add_str(&b, "padding behind it");
	expect(buf_span(&b), "gzip", DECODE_OK, SPAN("first second"));
	buf_release(&b);
	buf_release(&c);
}

static void
test_bombs(void **state)
{
	struct buf zeros = BUF_INIT(8 * MIB), out = BUF_INIT(DECODED_BODY_MAX);
	struct buf b, small = BUF_INIT(1000);

	(void)state;
	memset(buf_reserve(&zeros, 8 * MIB - 1), 'x', 8 * MIB - 1);
	zeros.len = 8 * MIB - 1;
	b = packed(buf_span(&zeros));
	assert_int_equal(content_decode(buf_span(&b), SPAN("gzip"), &out),
	    DECODE_RATIO);
	assert_int_equal(out.len, b.len * DECODE_RATIO_MAX);
	assert_int_equal(content_decode(buf_span(&b), SPAN("gzip"), &small),
	    DECODE_TOO_LARGE);
	assert_int_equal(small.len, 1000);
	buf_release(&zeros);
	buf_release(&out);
	buf_release(&small);
	buf_release(&b);
}

/* Members are told apart with their places, whatever the piece size. */
static void
test_stream(void **state)
{
	struct buf file = packed(SPAN("one")), two = packed(SPAN("two!"));
	struct inflater *f = inflater_new(INFLATE_GZIP);
	size_t first = file.len, n, at = 0;
	struct buf text = BUF_INIT(100);
	struct span piece;
	char out[2];
	int members = 0;
	enum inflate_step step;

	(void)state;
	buf_add_span(&file, buf_span(&two));
	assert_true(inflater_between(f));
	while (at < file.len) {
		piece = span_slice(buf_span(&file), at, 1);
		do {
			step = inflater_step(f, &piece, out, sizeof(out), &n);
			assert_int_not_equal(step, INFLATE_CORRUPT);
			buf_add(&text, out, n);
		} while (step == INFLATE_OUTPUT);
		if (step == INFLATE_END) {
			members++;
			assert_int_equal(inflater_member_start(f),
			    members == 1 ? 0 : first);
			assert_int_equal(inflater_member_output(f),
			    members == 1 ? 3 : 4);
		}
		at++;
		assert_int_equal(inflater_offset(f), at);
	}
	assert_int_equal(members, 2);
	assert_true(inflater_between(f));
	assert_string_equal(buf_str(&text), "onetwo!");
	piece = SPAN("no gzip at all");
	assert_int_equal(inflater_step(f, &piece, out, 2, &n), INFLATE_CORRUPT);
	inflater_reset(f, first);
	piece = buf_span(&two);
	assert_int_equal(inflater_step(f, &piece, out, 2, &n), INFLATE_OUTPUT);
	assert_int_equal(inflater_member_start(f), first);
	inflater_free(f);
	buf_release(&file);
	buf_release(&two);
	buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codings),
	    cmocka_unit_test(test_long_plain),
	    cmocka_unit_test(test_mislabelled),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_bombs),
	    cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every bit of a gzip member counts. */
#include "cm.h"

#include <stdlib.h>
#include <zlib.h>

#include "gzip_exact.h"
#include "gzip_write.h"

/* What comes out, or -1 where the checksums find damage. */
static ssize_t
undo(struct span in, char *out, size_t room)
{
	z_stream z = {0};
	int rc;

	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	rc = inflate(&z, Z_FINISH);
	room -= z.avail_out;
	inflateEnd(&z);
	return rc == Z_STREAM_END && z.avail_in == 0 ? (ssize_t)room : -1;
}

/* Turns each bit: how many neither the checksums nor we find. */
static size_t
turn_each(struct span plain, size_t *ours)
{
	struct buf b = BUF_INIT(64 * 1024);
	char *out = xcalloc(1, plain.n + 1);
	size_t unseen = 0;

	*ours = 0;
	assert_true(gzip_member(&b, plain, GZIP_LEVEL));
	assert_int_equal(gzip_exact(buf_span(&b)), b.len);
	for (size_t i = 0; i < b.len * 8; i++) {
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		if (undo(buf_span(&b), out, plain.n + 1) == (ssize_t)plain.n) {
			if (gzip_exact(buf_span(&b)) == 0)
				++*ours;
			else
				unseen++;
			assert_memory_equal(out, plain.p, plain.n);
		}
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
	}
	free(out);
	buf_release(&b);
	return unseen;
}

static void
every_bit_counts(void **state)
{
	char noise[2000], words[6000];
	uint32_t x = 1;
	size_t ours;

	(void)state;
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	for (size_t i = 0; i < sizeof words; i++)
		words[i] = (char)('a' + (x = x * 1664525 + 1013904223) % 7);
	/* Fixed codes, stored, dynamic codes. */
	assert_int_equal(turn_each(SPAN(""), &ours), 0);
	assert_true(ours > 0);
	assert_int_equal(turn_each(SPAN("a line of the log\n"), &ours), 0);
	assert_true(ours > 0);
	assert_int_equal(turn_each((struct span){noise, sizeof noise}, &ours),
	    0);
	assert_true(ours > 5);
	/* The same words stand elsewhere too: what points there instead is
	 * another way to write the same. */
	assert_true(turn_each((struct span){words, sizeof words}, &ours) < 10);
	assert_true(ours > 0);
}

static void
names_the_member(void **state)
{
	struct buf b = BUF_INIT(64 * 1024);
	size_t second;

	(void)state;
	assert_true(gzip_member(&b, SPAN("first"), GZIP_LEVEL));
	second = b.len;
	assert_true(gzip_member(&b, SPAN("second"), GZIP_LEVEL));
	assert_int_equal(gzip_exact(buf_span(&b)), b.len);
	b.data[second + 4] = 1; /* its time */
	assert_int_equal(gzip_exact(buf_span(&b)), second);
	/* What is cut short is for others to say. */
	b.data[second + 4] = 0;
	for (size_t n = 0; n <= b.len; n++)
		assert_int_equal(gzip_exact(span_slice(buf_span(&b), 0, n)), n);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(names_the_member)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

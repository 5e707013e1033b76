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

/* Turns each bit of a member made in one of three ways: how many neither the
 * checksums nor we find. */
static size_t
turn_each(int way, struct span plain, size_t *ours)
{
	struct gzip_writer *w = gzip_writer_new(GZIP_LEVEL);
	struct buf b = BUF_INIT(64 * 1024);
	char *out = xcalloc(1, plain.n + 1);
	struct span halves[2] = {span_slice(plain, 0, plain.n / 2),
	    span_slice(plain, plain.n / 2, plain.n)};
	size_t unseen = 0;

	*ours = 0;
	if (way == 0)
		assert_true(gzip_member(&b, plain, GZIP_LEVEL));
	else
		assert_true(
		    gzip_writer_member(w, halves, 2, way == 1 ? 2 : 1, &b));
	gzip_writer_free(w);
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
	for (int way = 0; way < 3; way++) {
		/* Fixed codes, stored, dynamic codes. */
		assert_int_equal(turn_each(way, SPAN(""), &ours), 0);
		assert_true(ours > 0);
		assert_int_equal(turn_each(way, SPAN("a line of the log\n"),
				     &ours),
		    0);
		assert_true(ours > 0);
		assert_int_equal(turn_each(way,
				     (struct span){noise, sizeof noise}, &ours),
		    0);
		assert_true(ours > 5);
		/* The same words stand elsewhere too: what points there
		 * instead is another way to write the same. */
		assert_true(turn_each(way, (struct span){words, sizeof words},
				&ours) < 10);
		assert_true(ours > 0);
	}
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

static void
fill(char *text, size_t n, unsigned letters)
{
	uint32_t x = 7;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' +
		    ((x = x * 1664525 + 1013904223) >> 24) % letters);
}

/* Whole, in the shape that we write, and what the pieces say together; its
 * length. */
static size_t
member_says(struct gzip_writer *w, const struct span *pieces, size_t n,
    size_t stored)
{
	struct buf out = BUF_INIT(1u << 21), plain = BUF_INIT(1u << 21);
	char *back;
	size_t len;

	assert_true(gzip_writer_member(w, pieces, n, stored, &out));
	len = out.len;
	assert_int_equal(gzip_exact(buf_span(&out)), len);
	for (size_t i = 0; i < n; i++)
		buf_add_span(&plain, pieces[i]);
	back = xcalloc(1, plain.len + 1);
	assert_int_equal(undo(buf_span(&out), back, plain.len + 1), plain.len);
	assert_memory_equal(back, plain.data, plain.len);
	/* Where there is no room nothing is written. */
	out.max = len + len - 1;
	assert_false(gzip_writer_member(w, pieces, n, stored, &out));
	assert_int_equal(out.len, len);
	free(back);
	buf_release(&out);
	buf_release(&plain);
	return len;
}

static void
pieces(void **state)
{
	enum { BIG = 300000, BODY = 50000 };
	static char big[BIG], body[BODY];
	struct gzip_writer *w = gzip_writer_new(GZIP_LEVEL);
	struct span p[4] = {SPAN("the head the head the head the head the head "
				 "the head the head the head"),
	    SPAN("and "), {body, BODY}, SPAN("\r\n\r\n")};
	size_t once, stored;

	(void)state;
	fill(big, BIG, 3);
	fill(body, BODY, 9);
	for (int round = 0; round < 2; round++) {
		once = member_says(w, p, 4, 4);
		assert_true(once < BODY / 2);
		stored = member_says(w, p, 4, 2);
		/* The head is shorter, the body as it was. */
		assert_in_range(stored, BODY, BODY + 110);
		/* The level is the old one again. */
		p[1] = (struct span){big, BIG};
		assert_true(member_says(w, p, 2, 2) < BIG / 2);
		stored = member_says(w, p, 3, 2);
		assert_in_range(stored, BODY, BODY + BIG / 2);
		p[2].n = 0;
		assert_true(member_says(w, p, 4, 2) < BIG / 2);
		p[1] = SPAN("and ");
		p[2].n = BODY;
	}
	gzip_writer_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(names_the_member), cmocka_unit_test(pieces)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

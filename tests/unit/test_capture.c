/* Capture files of every kind, and several of them as one. */
#include "wire.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "capture.h"
#include "capture_input.h"
#include "tls_keys.h"

/* A file under construction. */
struct file {
	struct buf b;
	bool big; /* byte order */
};

static void
put16(struct file *f, unsigned v)
{
	if (f->big)
		wire_u16(&f->b, v);
	else
		buf_put_u16(&f->b, (uint16_t)v);
}

static void
put32(struct file *f, uint32_t v)
{
	if (f->big)
		wire_u32(&f->b, v);
	else
		buf_put_u32(&f->b, v);
}

static void
file_begin(struct file *f, bool big)
{
	memset(f, 0, sizeof *f);
	buf_init(&f->b, 4 << 20);
	f->big = big;
}

/* All packets of a capture, one line each: "ns link interface wire [data]". */
static void
read_all(struct capture *c, struct buf *out)
{
	struct capture_packet p;
	enum capture_result r;

	while ((r = capture_next(c, &p)) == CAPTURE_PACKET) {
		if (p.time_ns == CAPTURE_NO_TIME)
			buf_add_str(out, "-");
		else
			buf_addf(out, "%lld", (long long)p.time_ns);
		buf_addf(out, " %u %u %u [%.*s]\n", p.link, p.interface,
		    p.wire_len, SPAN_ARG(p.data));
	}
	if (r == CAPTURE_DAMAGED)
		buf_addf(out, "%s\n", capture_note(c));
	/* It stays at its end. */
	assert_int_equal(capture_next(c, &p), r);
}

/* Gives one byte at a time. */
static ssize_t
read_slowly(void *arg, void *buf, size_t n)
{
	return capture_read_span(arg, buf, n > 0 ? 1 : 0);
}

static void
expect_file(const struct file *f, struct tls_keys *keys, const char *lines)
{
	capture_read *const ways[] = {capture_read_span, read_slowly};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct span bytes = buf_span(&f->b);
		struct capture *c = capture_new(ways[i], &bytes);
		struct buf out = BUF_INIT(65536);

		capture_keys(c, keys);
		read_all(c, &out);
		assert_string_equal(buf_str(&out), lines);
		buf_release(&out);
		capture_free(c);
	}
}

/* ---- classic files ---- */

static void
classic_begin(struct file *f, bool big, uint32_t magic, uint32_t link)
{
	file_begin(f, big);
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

static void
classic_packet(struct file *f, uint32_t seconds, uint32_t fraction,
    const char *data, uint32_t wire, size_t more_header)
{
	put32(f, seconds);
	put32(f, fraction);
	put32(f, (uint32_t)strlen(data));
	put32(f, wire);
	for (size_t i = 0; i < more_header; i++)
		buf_put_u8(&f->b, 0xee);
	buf_add_str(&f->b, data);
}

static void
test_classic(void **state)
{
	static const struct {
		uint32_t magic;
		size_t more;
		const char *lines;
	} kinds[] = {{0xa1b2c3d4, 0,
			 "1700000000000007000 1 0 5 [hello]\n"
			 "1700000001000000000 1 0 900 [cut]\n"},
	    {0xa1b23c4d, 0,
		"1700000000000000007 1 0 5 [hello]\n"
		"1700000001000000000 1 0 900 [cut]\n"},
	    {0xa1b2cd34, 8,
		"1700000000000007000 1 0 5 [hello]\n"
		"1700000001000000000 1 0 900 [cut]\n"}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(kinds); i++) {
		struct file f;
		size_t k = i / 2;

		classic_begin(&f, i % 2, kinds[k].magic, 0xf4000001u);
		classic_packet(&f, 1700000000, 7, "hello", 5, kinds[k].more);
		classic_packet(&f, 1700000001, 0, "cut", 900, kinds[k].more);
		assert_true(capture_is(buf_span(&f.b)));
		expect_file(&f, NULL, kinds[k].lines);
		buf_release(&f.b);
	}
}

static void
test_classic_damage(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f, false);
	expect_file(&f, NULL, "empty file at offset 0\n");
	buf_add_str(&f.b, "no capture whatever");
	assert_false(capture_is(buf_span(&f.b)));
	expect_file(&f, NULL, "no capture file at offset 0\n");
	buf_release(&f.b);

	classic_begin(&f, false, 0xa1b2c3d4, 1);
	f.b.len = 20;
	expect_file(&f, NULL, "file header cut off at offset 0\n");
	buf_release(&f.b);

	classic_begin(&f, true, 0xa1b2c3d4, 1);
	expect_file(&f, NULL, "");
	classic_packet(&f, 1, 0, "hello", 5, 0);
	f.b.len -= 1;
	expect_file(&f, NULL, "packet cut off at offset 24\n");
	f.b.len = 24 + 15;
	expect_file(&f, NULL, "packet record cut off at offset 24\n");
	f.b.len = 24;
	put32(&f, 1);
	put32(&f, 0);
	put32(&f, 0x7fffffff);
	put32(&f, 0x7fffffff);
	expect_file(&f, NULL, "impossible packet length at offset 24\n");
	buf_release(&f.b);
}

/* One of many files has a window that is smaller than what may come. */
static void
test_small_window(void **state)
{
	struct buf data = BUF_INIT(1 << 20);
	struct capture_packet p;
	struct capture *c;
	struct span bytes;
	struct file f;

	(void)state;
	while (data.len < 200000)
		buf_addf(&data, "%zu,", data.len);
	classic_begin(&f, false, 0xa1b2c3d4, 1);
	classic_packet(&f, 1, 0, "before", 6, 0);
	classic_packet(&f, 2, 0, buf_str(&data), (uint32_t)data.len, 0);
	classic_packet(&f, 3, 0, "behind", 6, 0);
	bytes = buf_span(&f.b);
	c = capture_new(capture_read_span, &bytes);
	capture_small(c);
	assert_int_equal(capture_next(c, &p), CAPTURE_PACKET);
	assert_true(span_is(p.data, "before"));
	assert_int_equal(capture_next(c, &p), CAPTURE_PACKET);
	assert_true(span_eq(p.data, buf_span(&data)));
	assert_int_equal(capture_next(c, &p), CAPTURE_PACKET);
	assert_true(span_is(p.data, "behind"));
	assert_int_equal(capture_next(c, &p), CAPTURE_END);
	capture_free(c);
	buf_release(&f.b);
	buf_release(&data);
}

/* ---- pcapng ---- */

/* A block around its body; both lengths. */
static void
block(struct file *f, uint32_t type, const struct buf *body)
{
	size_t pad = (4 - body->len % 4) % 4;
	uint32_t n = (uint32_t)(12 + body->len + pad);

	put32(f, type);
	put32(f, n);
	buf_add_span(&f->b, buf_span(body));
	for (size_t i = 0; i < pad; i++)
		buf_put_u8(&f->b, 0);
	put32(f, n);
}

/* Ends a block whose body was put into `body` in the file's byte order. */
static void
block_end(struct file *f, uint32_t type, struct file *body)
{
	block(f, type, &body->b);
	buf_release(&body->b);
}

static void
section(struct file *f, bool big)
{
	struct file body;

	f->big = big;
	file_begin(&body, big);
	put32(&body, 0x1a2b3c4d);
	put16(&body, 1);
	put16(&body, 0);
	put32(&body, 0xffffffffu);
	put32(&body, 0xffffffffu);
	block_end(f, 0x0a0d0d0a, &body);
}

/* resolution 0: without that option. */
static void
interface(struct file *f, uint32_t link, uint32_t snaplen, unsigned resolution,
    int64_t offset)
{
	struct file body;

	file_begin(&body, f->big);
	put16(&body, link);
	put16(&body, 0);
	put32(&body, snaplen);
	put16(&body, 2); /* its name */
	put16(&body, 4);
	buf_add_str(&body.b, "eth0");
	if (resolution != 0) {
		put16(&body, 9);
		put16(&body, 1);
		buf_put_u8(&body.b, (uint8_t)resolution);
		buf_add(&body.b, "\0\0\0", 3);
	}
	if (offset != 0) {
		uint64_t v = (uint64_t)offset;

		put16(&body, 14);
		put16(&body, 8);
		put32(&body, (uint32_t)(f->big ? v >> 32 : v));
		put32(&body, (uint32_t)(f->big ? v : v >> 32));
	}
	put32(&body, 0);
	block_end(f, 1, &body);
}

static void
enhanced(struct file *f, uint32_t id, uint64_t ticks, const char *data,
    uint32_t wire)
{
	struct file body;

	file_begin(&body, f->big);
	put32(&body, id);
	put32(&body, (uint32_t)(ticks >> 32));
	put32(&body, (uint32_t)ticks);
	put32(&body, (uint32_t)strlen(data));
	put32(&body, wire);
	buf_add_str(&body.b, data);
	block_end(f, 6, &body);
}

static void
simple(struct file *f, const char *data, uint32_t wire)
{
	struct file body;

	file_begin(&body, f->big);
	put32(&body, wire);
	buf_add_str(&body.b, data);
	block_end(f, 3, &body);
}

static void
obsolete(struct file *f, unsigned id, uint64_t ticks, const char *data)
{
	struct file body;

	file_begin(&body, f->big);
	put16(&body, id);
	put16(&body, 3); /* drops */
	put32(&body, (uint32_t)(ticks >> 32));
	put32(&body, (uint32_t)ticks);
	put32(&body, (uint32_t)strlen(data));
	put32(&body, (uint32_t)strlen(data));
	buf_add_str(&body.b, data);
	block_end(f, 2, &body);
}

static void
secrets(struct file *f, uint32_t kind, const char *text)
{
	struct file body;

	file_begin(&body, f->big);
	put32(&body, kind);
	put32(&body, (uint32_t)strlen(text));
	buf_add_str(&body.b, text);
	block_end(f, 10, &body);
}

static void
test_pcapng(void **state)
{
	static const char unknown[] = "whatever this may be";
	struct buf other = BUF_INIT(64);
	struct file f;

	(void)state;
	buf_add_str(&other, unknown);
	for (int big = 0; big < 2; big++) {
		file_begin(&f, big);
		section(&f, big);
		interface(&f, 1, 0, 0, 0);
		block(&f, 0x12345678, &other);
		enhanced(&f, 0, 1700000000000001u, "us", 2);
		interface(&f, 101, 3, 9, 0);
		enhanced(&f, 1, 1700000000000000001u, "ns", 77);
		interface(&f, 276, 0, 0x80 | 10, -100);
		enhanced(&f, 2, 1700000000ull << 10 | 512, "half", 4);
		obsolete(&f, 1, 5, "old");
		simple(&f, "simple", 6);
		simple(&f, "sim", 1000);
		/* A section of the other byte order, with its own count. */
		section(&f, !big);
		interface(&f, 0, 3, 6, 0);
		enhanced(&f, 0, 1000000, "two", 3);
		simple(&f, "snap", 10);
		assert_true(capture_is(buf_span(&f.b)));
		expect_file(&f, NULL,
		    "1700000000000001000 1 0 2 [us]\n"
		    "1700000000000000001 101 1 77 [ns]\n"
		    "1699999900500000000 276 2 4 [half]\n"
		    "5 101 1 3 [old]\n"
		    "- 1 0 6 [simple]\n"
		    /* Padding is data as far as the length says. */
		    "- 1 0 1000 [sim]\n"
		    "1000000000 0 3 3 [two]\n"
		    "- 0 3 10 [sna]\n");
		buf_release(&f.b);
	}
	buf_release(&other);
}

static void
test_pcapng_damage(void **state)
{
	struct file f;
	size_t at;

	(void)state;
	file_begin(&f, false);
	section(&f, false);
	enhanced(&f, 0, 0, "none", 4);
	expect_file(&f, NULL, "malformed block at offset 28\n");
	f.b.len = 28;
	interface(&f, 1, 0, 0, 0);
	at = f.b.len;
	enhanced(&f, 0, 1000, "one", 3);
	f.b.len -= 1;
	expect_file(&f, NULL, "block cut off at offset 60\n");
	f.b.len = at;
	put32(&f, 6);
	put32(&f, 13);
	put32(&f, 0);
	expect_file(&f, NULL, "impossible block length at offset 60\n");
	f.b.len = at;
	put32(&f, 6);
	put32(&f, 0xfffffff0u);
	put32(&f, 0);
	expect_file(&f, NULL, "impossible block length at offset 60\n");
	f.b.len = at;
	put32(&f, 99); /* an unknown block that is longer than the file */
	put32(&f, 0xfffffff0u);
	put32(&f, 0);
	expect_file(&f, NULL, "block cut off at offset 72\n");
	f.b.len = at;
	put32(&f, 0x0a0d0d0a);
	put32(&f, 28);
	put32(&f, 0x11111111);
	expect_file(&f, NULL, "section without byte order at offset 60\n");
	buf_release(&f.b);
}

#define RANDOM                                                                 \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
test_secrets(void **state)
{
	static const uint8_t random[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
	    0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00,
	    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
	    0xcc, 0xdd, 0xee, 0xff};
	struct tls_keys *keys = tls_keys_new();
	struct file f;

	(void)state;
	file_begin(&f, true);
	section(&f, true);
	secrets(&f, 0x544c534b, "CLIENT_RANDOM " RANDOM " 0badcafe");
	/* The next block's text is not glued to the last line. */
	secrets(&f, 0x544c534b, "\nSERVER_TRAFFIC_SECRET_0 " RANDOM " 77\r\n");
	secrets(&f, 0x57474b4c, "WireGuard's");
	interface(&f, 1, 0, 0, 0);
	enhanced(&f, 0, 1, "packet", 6);
	expect_file(&f, keys, "1000 1 0 6 [packet]\n");
	assert_int_equal(tls_keys_count(keys), 2);
	assert_memory_equal(tls_keys_find(keys, TLS_SECRET_MASTER, random).p,
	    "\x0b\xad\xca\xfe", 4);
	assert_int_equal(tls_keys_find(keys, TLS_SECRET_SERVER_TRAFFIC, random)
			     .n,
	    1);
	buf_release(&f.b);
	tls_keys_free(keys);
}

/* A length of secrets that the block does not have. */
static void
test_secrets_damage(void **state)
{
	struct tls_keys *keys = tls_keys_new();
	struct file f, body;

	(void)state;
	file_begin(&f, false);
	section(&f, false);
	file_begin(&body, false);
	put32(&body, 0x544c534b);
	put32(&body, 0xffffffffu);
	buf_add_str(&body.b, "CLIENT_RANDOM " RANDOM " 01\n");
	block_end(&f, 10, &body);
	file_begin(&body, false);
	put32(&body, 0x544c534b); /* and no length at all */
	block_end(&f, 10, &body);
	interface(&f, 1, 0, 0, 0);
	enhanced(&f, 0, 1, "packet", 6);
	expect_file(&f, keys, "1000 1 0 6 [packet]\n");
	assert_int_equal(tls_keys_count(keys), 1);
	buf_release(&f.b);
	tls_keys_free(keys);
}

/* ---- several as one ---- */

static void
merge_add(struct capture_merge *m, struct span *bytes, const struct file *f,
    unsigned number)
{
	*bytes = buf_span(&f->b);
	capture_merge_add(m, capture_new(capture_read_span, bytes), number);
}

static void
expect_merge(struct capture_merge *m, const char *lines)
{
	struct buf out = BUF_INIT(65536);
	struct capture_packet p;
	enum capture_result r;
	unsigned number;

	while ((r = capture_merge_next(m, &p, &number)) != CAPTURE_END)
		if (r == CAPTURE_PACKET)
			buf_addf(&out, "%u%.*s ", number, SPAN_ARG(p.data));
		else
			buf_addf(&out, "%u! ", number);
	assert_string_equal(buf_str(&out), lines);
	assert_int_equal(capture_merge_next(m, &p, &number), CAPTURE_END);
	buf_release(&out);
	capture_merge_free(m);
}

static void
test_merge(void **state)
{
	struct capture_merge *m = capture_merge_new();
	struct file f[5];
	struct span bytes[5];

	(void)state;
	classic_begin(&f[0], false, 0xa1b2c3d4, 1);
	classic_packet(&f[0], 10, 0, "a", 1, 0);
	classic_packet(&f[0], 30, 0, "c", 1, 0);
	classic_packet(&f[0], 20, 0, "d", 1, 0); /* its clock stepped back */
	classic_packet(&f[0], 31, 0, "e", 1, 0);
	classic_begin(&f[1], true, 0xa1b23c4d, 1);
	classic_packet(&f[1], 10, 0, "x", 1, 0); /* as early: added later */
	classic_packet(&f[1], 20, 1, "y", 1, 0);
	classic_packet(&f[1], 40, 0, "z", 1, 0);
	file_begin(&f[2], false); /* packets without a time */
	section(&f[2], false);
	interface(&f[2], 1, 0, 0, 0);
	enhanced(&f[2], 0, 25000000, "t", 1);
	simple(&f[2], "u", 1);
	enhanced(&f[2], 0, 35000000, "v", 1);
	classic_begin(&f[3], false, 0xa1b2c3d4, 1);
	classic_packet(&f[3], 15, 0, "m", 1, 0);
	classic_packet(&f[3], 16, 0, "torn", 4, 0);
	f[3].b.len--;
	file_begin(&f[4], false); /* nothing at all */
	for (unsigned i = 0; i < 5; i++)
		merge_add(m, &bytes[i], &f[i], i + 1);
	assert_null(capture_merge_at(m, 99));
	assert_non_null(capture_merge_at(m, 3));
	expect_merge(m, "5! 1a 2x 4m 4! 2y 3t 3u 1c 1d 1e 3v 2z ");
	for (unsigned i = 0; i < 5; i++)
		buf_release(&f[i].b);
	expect_merge(capture_merge_new(), "");
}

/* ---- bytes of a file ---- */

static int
in_memory(const void *bytes, size_t n)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void
expect_input_in(struct span bytes, size_t head, bool small, const char *lines)
{
	int fd = in_memory(bytes.p, bytes.n);
	struct capture_input *in;
	struct buf out = BUF_INIT(65536);
	struct capture *c;

	/* What was read of it already. */
	lseek(fd, (off_t)head, SEEK_SET);
	in = capture_input_new(fd, span_slice(bytes, 0, head));
	if (small)
		capture_input_small(in);
	c = capture_new(capture_input_read, in);
	read_all(c, &out);
	assert_string_equal(buf_str(&out), lines);
	capture_free(c);
	capture_input_free(in);
	buf_release(&out);
	close(fd);
}

static void
expect_input(struct span bytes, size_t head, const char *lines)
{
	expect_input_in(bytes, head, false, lines);
	expect_input_in(bytes, head, true, lines);
}

static void
gzip(struct buf *out, struct span s)
{
	z_stream z = {0};
	uint8_t bytes[4096];

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
	z.next_in = (Bytef *)s.p;
	z.avail_in = (uInt)s.n;
	z.next_out = bytes;
	z.avail_out = sizeof bytes;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_add(out, bytes, z.total_out);
	deflateEnd(&z);
}

static void
test_input(void **state)
{
	static const char lines[] = "1000000000 1 0 3 [one]\n"
				    "2000000000 1 0 3 [two]\n";
	struct buf packed = BUF_INIT(65536);
	struct file f;
	struct span all;

	(void)state;
	classic_begin(&f, false, 0xa1b2c3d4, 1);
	classic_packet(&f, 1, 0, "one", 3, 0);
	classic_packet(&f, 2, 0, "two", 3, 0);
	all = buf_span(&f.b);
	expect_input(all, 0, lines);
	expect_input(all, 30, lines);
	expect_input(all, all.n, lines);
	/* In one gzip member, and in two that meet inside a packet. */
	gzip(&packed, all);
	expect_input(buf_span(&packed), 0, lines);
	expect_input(buf_span(&packed), 11, lines);
	packed.len -= 4;
	expect_input(buf_span(&packed), 0,
	    "1000000000 1 0 3 [one]\n2000000000 1 0 3 [two]\n"
	    "compressed data is cut off or corrupt at offset 62\n");
	buf_clear(&packed);
	gzip(&packed, span_slice(all, 0, 42));
	gzip(&packed, span_slice(all, 42, all.n));
	expect_input(buf_span(&packed), 0, lines);
	buf_release(&packed);
	buf_release(&f.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_classic),
	    cmocka_unit_test(test_classic_damage),
	    cmocka_unit_test(test_small_window),
	    cmocka_unit_test(test_pcapng),
	    cmocka_unit_test(test_pcapng_damage),
	    cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_secrets_damage),
	    cmocka_unit_test(test_merge),
	    cmocka_unit_test(test_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

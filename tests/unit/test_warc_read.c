/* Archives as others write them, whole and damaged. */
#include "cm.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arc.h"
#include "digest.h"
#include "gzip_write.h"
#include "instant.h"
#include "limit.h"
#include "warc.h"

enum wrapping { PLAIN, MEMBERS, STREAM, WRAPPINGS };

/* An archive under construction, and its reading. */
struct sample {
	enum wrapping wrapping;
	struct buf bytes;
	struct buf stream; /* gathered for STREAM */
	size_t at;
	size_t step;
	int notes;
};

static void
sample_init(struct sample *s, enum wrapping wrapping)
{
	memset(s, 0, sizeof *s);
	s->wrapping = wrapping;
	s->step = 7;
	buf_init(&s->bytes, 16 * MIB);
	buf_init(&s->stream, 16 * MIB);
}

static void
sample_release(struct sample *s)
{
	buf_release(&s->bytes);
	buf_release(&s->stream);
}

static void
add_raw(struct sample *s, struct span text)
{
	if (s->wrapping == MEMBERS)
		assert_true(gzip_member(&s->bytes, text, 6));
	else
		buf_add_span(s->wrapping == STREAM ? &s->stream : &s->bytes,
		    text);
}

static void
add_record(struct sample *s, const char *fields, struct span block)
{
	struct buf b = BUF_INIT(16 * MIB);

	buf_addf(&b, "WARC/1.1\r\n%sContent-Length: %zu\r\n\r\n", fields,
	    block.n);
	buf_add_span(&b, block);
	buf_add_str(&b, "\r\n\r\n");
	add_raw(s, buf_span(&b));
	buf_release(&b);
}

static void
finish(struct sample *s)
{
	if (s->wrapping == STREAM)
		assert_true(gzip_member(&s->bytes, buf_span(&s->stream), 6));
	buf_clear(&s->stream);
}

static ssize_t
read_sample(void *arg, void *bytes, size_t n)
{
	struct sample *s = arg;
	struct span part =
	    span_slice(buf_span(&s->bytes), s->at, n < s->step ? n : s->step);

	if (part.n > 0)
		memcpy(bytes, part.p, part.n);
	s->at += part.n;
	return (ssize_t)part.n;
}

static void
note_sample(void *arg, uint64_t offset, const char *text)
{
	struct sample *s = arg;

	(void)offset;
	assert_true(strlen(text) > 0);
	s->notes++;
}

#define RESPONSE                                                               \
	"WARC-Type: response\r\n"                                              \
	"WARC-Target-URI: <http://a.example/>\r\n"                             \
	"WARC-Date: 2019-01-14T06:00:03.120456Z\r\n"                           \
	"Content-Type: application/http;\r\n msgtype=response\r\n"

static void
expect_page(const struct warc_record *rec, const struct warc_payload *p,
    const char *body)
{
	char hex[65];

	sha256_hex(span_of(body), hex);
	assert_int_equal(rec->type, WARC_RESPONSE);
	assert_true(span_is(rec->uri, "http://a.example/"));
	assert_int_equal(rec->date, INT64_C(1547445603120));
	assert_int_equal(p->status, 200);
	assert_string_equal(p->sha256, hex);
}

static void
test_wrappings(void **state)
{
	struct buf coded = BUF_INIT(MIB);
	(void)state;

	buf_add_str(&coded,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	{
		struct buf gz = BUF_INIT(MIB);

		gzip_member(&gz, SPAN("two"), 6);
		buf_addf(&coded, "%zx\r\n", gz.len);
		buf_add_span(&coded, buf_span(&gz));
		buf_add_str(&coded, "\r\n0\r\n\r\n");
		buf_release(&gz);
	}
	for (enum wrapping w = PLAIN; w < WRAPPINGS; w++) {
		struct sample s;
		struct warc_reader *r;
		struct warc_record rec;
		struct warc_payload p;
		uint64_t first;

		sample_init(&s, w);
		add_record(&s, RESPONSE, SPAN("HTTP/1.1 200 OK\r\n\r\none"));
		add_record(&s, RESPONSE, buf_span(&coded));
		finish(&s);
		r = warc_reader_new(read_sample, note_sample, &s);
		warc_payload_init(&p);
		assert_int_equal(warc_reader_next(r, &rec), 1);
		first = rec.offset;
		assert_int_equal(first, 0);
		warc_payload_read(&p, r, &rec, NULL);
		expect_page(&rec, &p, "one");
		assert_int_equal(warc_reader_next(r, &rec), 1);
		assert_int_equal(rec.shares_member, w == STREAM);
		assert_int_equal(rec.offset > first, w != STREAM);
		warc_payload_read(&p, r, &rec, NULL);
		expect_page(&rec, &p, "two");
		assert_int_equal(warc_reader_next(r, &rec), 0);
		assert_int_equal(s.notes, 0);
		warc_payload_release(&p);
		warc_reader_free(r);
		sample_release(&s);
	}
	buf_release(&coded);
}

static void
check_digest(const char *field, enum warc_digest_state want)
{
	struct sample s;
	struct warc_reader *r;
	struct warc_record rec;
	struct warc_payload p;
	char *fields = xasprintf(RESPONSE "%s\r\n", field);

	sample_init(&s, PLAIN);
	add_record(&s, fields, SPAN("HTTP/1.1 200 OK\r\n\r\none"));
	r = warc_reader_new(read_sample, note_sample, &s);
	warc_payload_init(&p);
	assert_int_equal(warc_reader_next(r, &rec), 1);
	warc_payload_read(&p, r, &rec, NULL);
	assert_int_equal(p.digest, want);
	warc_payload_release(&p);
	warc_reader_free(r);
	sample_release(&s);
	free(fields);
}

static void
test_digests(void **state)
{
	static const char hex[] = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c"
				  "6e7143c0add73ff431ed"; /* sha256 of "one" */
	uint8_t sum[SHA1_BYTES];
	char b32[40], h[41], *text;
	(void)state;

	sha1(SPAN("one"), sum);
	base32_encode(b32, sum, sizeof sum);
	hex_encode(h, sum, sizeof sum);
	text = xasprintf("WARC-Payload-Digest: sha1:%s", b32);
	check_digest(text, WARC_DIGEST_OK);
	text[strlen(text) - 1] = text[strlen(text) - 1] == 'A' ? 'B' : 'A';
	check_digest(text, WARC_DIGEST_WRONG);
	free(text);
	text = xasprintf("warc-payload-digest: SHA-1:%s", h);
	check_digest(text, WARC_DIGEST_OK);
	free(text);
	text = xasprintf("WARC-Payload-Digest: sha256:%s", hex);
	check_digest(text, WARC_DIGEST_OK);
	free(text);
	text = xasprintf("WARC-Block-Digest: sha256:%s", hex);
	check_digest(text, WARC_DIGEST_WRONG);
	free(text);
	check_digest("WARC-Payload-Digest: md5:00", WARC_DIGEST_NONE);
	check_digest("WARC-Payload-Digest: sha1:short", WARC_DIGEST_NONE);
}

/* Reads all; returns the records found and checks that all bodies are "one"
 * apart from those of torn records. */
static int
count_whole(struct sample *s)
{
	struct warc_reader *r = warc_reader_new(read_sample, note_sample, s);
	struct warc_record rec;
	struct warc_payload p;
	int whole = 0;

	warc_payload_init(&p);
	while (warc_reader_next(r, &rec) == 1) {
		warc_payload_read(&p, r, &rec, NULL);
		if (warc_reader_torn(r) || rec.type != WARC_RESPONSE || p.cut)
			continue;
		expect_page(&rec, &p, "one");
		whole++;
	}
	assert_int_equal(warc_reader_damage(r), s->notes);
	warc_payload_release(&p);
	warc_reader_free(r);
	return whole;
}

static void
add_ones(struct sample *s, int n)
{
	while (n-- > 0)
		add_record(s, RESPONSE,
		    SPAN("HTTP/1.1 200 OK\r\n"
			 "Content-Length: 3\r\n\r\none"));
}

/* Cut anywhere, all before the cut is found, and the cut is said. */
static void
test_cut(void **state)
{
	(void)state;
	for (enum wrapping w = PLAIN; w < WRAPPINGS; w++) {
		struct sample s;
		size_t one, all;

		sample_init(&s, w);
		add_ones(&s, 1);
		finish(&s);
		one = s.bytes.len;
		sample_release(&s);
		sample_init(&s, w);
		add_ones(&s, 3);
		finish(&s);
		all = s.bytes.len;
		for (size_t cut = all - 5; cut > one; cut -= 3) {
			s.bytes.len = cut;
			s.at = 0;
			s.notes = 0;
			assert_true(count_whole(&s) >=
			    (w == STREAM ? 0 : (int)(cut / one) - 1));
			assert_true(s.notes > 0 || cut % one == 0 ||
			    (w == PLAIN && cut % one >= one - 4));
		}
		sample_release(&s);
	}
}

/* Garbage between records, torn members, members of other things. */
static void
test_step_over(void **state)
{
	struct sample s;
	size_t before;
	(void)state;

	sample_init(&s, MEMBERS);
	add_ones(&s, 2);
	buf_add_str(&s.bytes, "some bytes that are no gzip");
	add_ones(&s, 1);
	before = s.bytes.len;
	add_ones(&s, 1);
	s.bytes.len -= (s.bytes.len - before) / 2; /* torn, then goes on */
	add_ones(&s, 2);
	for (int i = 0; i < 5; i++)
		buf_add_char(&s.bytes, '\0'); /* padding is no damage */
	assert_int_equal(count_whole(&s), 5);
	assert_true(s.notes >= 2);
	sample_release(&s);

	sample_init(&s, PLAIN);
	add_ones(&s, 1);
	add_raw(&s, SPAN("garbage\r\nmore of it\r\n"));
	add_ones(&s, 1);
	add_raw(&s, SPAN("WARC/1.0\nWARC-Type: metadata\nno length\n\nx\n"));
	add_ones(&s, 1);
	assert_int_equal(count_whole(&s), 3);
	assert_int_equal(s.notes, 2);
	sample_release(&s);
}

static void
test_arc(void **state)
{
	struct arc_line l;
	char date[21];
	(void)state;

	assert_true(arc_parse_line(SPAN("http://a.example/x y 192.0.2.1 "
					"20190114060003 text/html; x 12"),
	    &l));
	assert_true(span_is(l.url, "http://a.example/x y"));
	assert_true(span_is(l.mime, "text/html; x"));
	assert_true(span_is(l.length, "12"));
	assert_true(
	    arc_parse_line(SPAN(
			       "filedesc://x.arc 0.0.0.0 "
			       "20190114060003 text/plain 200 - - 0 x.arc 122"),
		&l));
	assert_true(span_is(l.mime, "text/plain"));
	assert_true(span_is(l.length, "122"));
	assert_false(arc_parse_line(SPAN("HTTP/1.1 200 OK"), &l));
	assert_false(arc_parse_line(SPAN("a line of text 12"), &l));
	assert_true(arc_date(SPAN("2019011406"), date));
	assert_string_equal(date, "2019-01-14T06:00:00Z");
	assert_false(arc_date(SPAN("20x9011406"), date));
	for (enum wrapping w = PLAIN; w <= MEMBERS; w++) {
		struct sample s;
		struct warc_reader *r;
		struct warc_record rec;
		struct warc_payload p;
		struct span head =
		    SPAN("filedesc://x.arc 0.0.0.0 "
			 "20190114060003 text/plain 17\n1 0 X\nURL IP date\n");
		struct span page = SPAN("http://a.example/ 192.0.2.1 "
					"20190114060003 text/html 22\n"
					"HTTP/1.1 200 OK\r\n\r\none\n");

		sample_init(&s, w);
		add_raw(&s, head);
		add_raw(&s, page);
		r = warc_reader_new(read_sample, note_sample, &s);
		warc_payload_init(&p);
		assert_int_equal(warc_reader_next(r, &rec), 1);
		assert_int_equal(rec.type, WARC_WARCINFO);
		assert_int_equal(warc_reader_next(r, &rec), 1);
		assert_true(rec.arc);
		warc_payload_read(&p, r, &rec, NULL);
		assert_int_equal(p.status, 200);
		assert_int_equal(p.length, 3);
		assert_true(span_is(rec.uri, "http://a.example/"));
		assert_int_equal(rec.date, INT64_C(1547445603000));
		warc_payload_release(&p);
		warc_reader_free(r);
		sample_release(&s);
	}
}

static int
to_file(struct sample *s)
{
	int fd = memfd_create("sample", MFD_CLOEXEC);

	assert_int_equal(write(fd, s->bytes.data, s->bytes.len),
	    (ssize_t)s->bytes.len);
	return fd;
}

#define REVISIT                                                                \
	"WARC-Type: revisit\r\nWARC-Target-URI: http://b.example/\r\n"         \
	"WARC-Date: 2020-01-01T00:00:00Z\r\n"                                  \
	"WARC-Profile: http://netpreserve.org/warc/1.1/revisit/"               \
	"identical-payload-digest\r\n"                                         \
	"Content-Type: application/http; msgtype=response\r\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"

/* What others wrote, and what the look is that comes of it. */
static void
test_foreign_cuts(void **state)
{
#define AT                                                                     \
	"WARC-Target-URI: http://a.example/\r\nWARC-Date: "                    \
	"2020-01-01T00:00:00Z\r\nContent-Type: application/http\r\n"
	static const struct {
		const char *fields;
		struct span block;
		enum outcome outcome;
		const char *body, *note;
	} cases[] = {
	    {"", SPAN("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"),
		OUTCOME_NONE, "one", NULL},
	    {"", SPAN("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none"),
		OUTCOME_INCOMPLETE, "one", "ends early"},
	    {"WARC-Truncated: time\r\n", SPAN("HTTP/1.1 200 OK\r\n\r\none"),
		OUTCOME_INCOMPLETE, "one", "by who wrote it"},
	    {"WARC-Truncated: length\r\n", SPAN("HTTP/1.1 200 OK\r\n\r\none"),
		OUTCOME_TOO_LARGE, "one", "by who wrote it"},
	    {"WARC-Truncated: disconnect\r\n",
		SPAN("HTTP/1.1 200 OK\r\n\r\none"), OUTCOME_TRUNCATED, "one",
		"the connection ended early"},
	    {"WARC-Truncated: unspecified\r\n",
		SPAN("HTTP/1.1 200 OK\r\n\r\none"), OUTCOME_INCOMPLETE, "one",
		"truncated"},
	    {"WARC-Segment-Number: 1\r\n", SPAN("HTTP/1.1 200 OK\r\n\r\none"),
		OUTCOME_INCOMPLETE, "one", "a segment"},
	    /* The chunks were taken away. */
	    {"",
		SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "<p>one\n"),
		OUTCOME_NONE, "<p>one\n", NULL},
	    {"",
		SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "3\r\none\r\n"),
		OUTCOME_INCOMPLETE, "one", "ends early"},
	    {"",
		SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
		     "Link: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\none"),
		OUTCOME_NONE, "one", NULL},
	};
	struct warc_set *set = warc_set_new();
	struct warc_source *source;
	struct warc_reader *r;
	struct warc_record rec;
	struct observation o;
	struct sample in;
	int fd;

	(void)state;
	sample_init(&in, MEMBERS);
	/* No page: who asks so is not told what it says. */
	add_record(&in, "WARC-Type: request\r\n" AT,
	    SPAN("HEAD / HTTP/1.1\r\n\r\n"));
	add_record(&in, "WARC-Type: response\r\n" AT,
	    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *fields =
		    xasprintf("WARC-Type: response\r\n%s" AT, cases[i].fields);

		add_record(&in, fields, cases[i].block);
		free(fields);
	}
	fd = to_file(&in);
	warc_set_add(set, "a.warc.gz", fd);
	r = warc_reader_new(read_sample, note_sample, &in);
	for (size_t i = 0; i < ARRAY_LEN(cases) + 2; i++) {
		const char *note = i < 2 ? NULL : cases[i - 2].note;
		struct warc_payload payload;

		warc_payload_init(&payload);
		assert_int_equal(warc_reader_next(r, &rec), 1);
		warc_payload_read(&payload, r, &rec, NULL);
		if (note != NULL)
			assert_non_null(strstr(payload.note, note));
		else if (i >= 2)
			assert_null(payload.note);
		warc_payload_release(&payload);
	}
	warc_reader_free(r);
	source = warc_source_new(set, 0, note_sample, &in);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hop *h;

		assert_int_equal(warc_source_next(source, &o), 1);
		h = observation_last(&o);
		assert_int_equal(h->status, 200);
		assert_string_equal(buf_str(&h->body), cases[i].body);
		assert_int_equal(h->outcome, cases[i].outcome);
		assert_int_equal(h->body_cut, cases[i].outcome != OUTCOME_NONE);
		observation_release(&o);
	}
	assert_int_equal(warc_source_next(source, &o), 0);
	warc_source_free(source);
	warc_set_free(set);
	close(fd);
	sample_release(&in);
#undef AT
}

/* Foreign records become observations; a revisit finds its original in a file
 * that is read later. */
static void
test_foreign(void **state)
{
	struct sample first, second;
	struct warc_set *set = warc_set_new();
	struct warc_source *source;
	struct observation o;
	int fds[2];
	(void)state;

	sample_init(&first, MEMBERS);
	sample_init(&second, MEMBERS);
	add_record(&first,
	    REVISIT "WARC-Refers-To-Target-URI: "
		    "http://a.example/\r\nWARC-Refers-To-Date: "
		    "2019-01-14T06:00:03Z\r\n",
	    SPAN(HEAD));
	add_record(&first, REVISIT "WARC-Refers-To: <urn:x:1>\r\n", SPAN(HEAD));
	add_record(&first, REVISIT "WARC-Refers-To: <urn:x:none>\r\n",
	    SPAN(HEAD));
	add_record(&first,
	    "WARC-Type: request\r\nWARC-Target-URI: "
	    "http://c.example/\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
	    "Content-Type: application/http\r\n",
	    SPAN("GET / HTTP/1.1\r\nIf-None-Match: x\r\n\r\n"));
	add_record(&first,
	    "WARC-Type: response\r\nWARC-Target-URI: "
	    "http://c.example/\r\nWARC-Date: 2020-01-01T00:00:01Z\r\n"
	    "WARC-Truncated: length\r\nWARC-IP-Address: 192.0.2.9\r\n"
	    "Content-Type: application/http\r\n",
	    SPAN(HEAD "abc"));
	add_record(&first,
	    "WARC-Type: response\r\nWARC-Target-URI: "
	    "dns:c.example\r\nWARC-Date: 2020-01-01T00:00:01Z\r\n"
	    "Content-Type: text/dns\r\n",
	    SPAN("x"));
	add_record(&second, RESPONSE "WARC-Record-ID: <urn:x:1>\r\n",
	    SPAN(HEAD "one"));
	fds[0] = to_file(&first);
	fds[1] = to_file(&second);
	warc_set_add(set, "dir/first.warc.gz", fds[0]);
	warc_set_add(set, "second.warc.gz", fds[1]);
	source = warc_source_new(set, 0, note_sample, &first);
	for (int i = 0; i < 4; i++) {
		struct hop *h;

		assert_int_equal(warc_source_next(source, &o), 1);
		h = observation_last(&o);
		assert_int_equal(h->status, 200);
		assert_int_equal(o.source, SOURCE_WARC);
		assert_string_equal(o.warc, "first.warc.gz");
		assert_string_equal(o.target, "");
		assert_string_equal(buf_str(&h->body),
		    i < 2	 ? "one"
			: i == 2 ? ""
				 : "abc");
		assert_int_equal(h->body_cut, i >= 2);
		assert_int_equal(h->outcome,
		    i < 2	 ? OUTCOME_NONE
			: i == 2 ? OUTCOME_INCOMPLETE
				 : OUTCOME_TOO_LARGE);
		assert_int_equal(o.conditional, i == 3);
		if (i == 3)
			assert_string_equal(h->address, "192.0.2.9");
		observation_release(&o);
	}
	assert_int_equal(warc_source_next(source, &o), 0);
	assert_int_equal(first.notes, 1);
	warc_source_free(source);
	warc_set_free(set);
	close(fds[0]);
	close(fds[1]);
	sample_release(&first);
	sample_release(&second);
}

/* Empty members by the thousand, headers without end, and long lines. */
static void
test_hostile(void **state)
{
	struct sample s;
	struct warc_reader *r;
	struct warc_record rec;
	(void)state;

	sample_init(&s, MEMBERS);
	s.step = MIB;
	for (int i = 0; i < 2000; i++)
		add_raw(&s, SPAN(""));
	add_ones(&s, 1);
	assert_int_equal(count_whole(&s), 1);
	sample_release(&s);

	sample_init(&s, PLAIN);
	s.step = MIB;
	for (int i = 0; i < 200000; i++)
		buf_add_str(&s.bytes, "WARC/1.0 x\n");
	r = warc_reader_new(read_sample, NULL, &s);
	assert_int_equal(warc_reader_next(r, &rec), 0);
	assert_true(warc_reader_damage(r) > 0);
	warc_reader_free(r);
	sample_release(&s);

	sample_init(&s, MEMBERS);
	s.step = MIB;
	for (int i = 0; i < 100000; i++)
		buf_add(&s.bytes, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
	r = warc_reader_new(read_sample, NULL, &s);
	assert_int_equal(warc_reader_next(r, &rec), 0);
	warc_reader_free(r);
	sample_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrappings),
	    cmocka_unit_test(test_digests), cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_step_over), cmocka_unit_test(test_arc),
	    cmocka_unit_test(test_foreign_cuts), cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_hostile)};

	digest_init();
	return cmocka_run_group_tests_name("warc_read", tests, NULL, NULL);
}

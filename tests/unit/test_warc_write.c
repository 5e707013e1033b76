/* Recording and reading back: what was observed is what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdxj.h"
#include "digest.h"
#include "gzip_write.h"
#include "limit.h"
#include "log.h"
#include "warc.h"
#include "warc_index.h"

#define START INT64_C(1547445603120) /* 2019-01-14T06:00:03.120Z */

static uint32_t seed;

static uint32_t
roll(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

struct place {
	char path[64];
	int fd;
};

static int
make_place(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);

	digest_init();
	strncpy(p->path, "/tmp/kpwatch-warc-XXXXXX", sizeof p->path - 1);
	if (mkdtemp(p->path) == NULL)
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY);
	*state = p;
	return p->fd < 0;
}

static int
drop_place(void **state)
{
	struct place *p = *state;
	static const char *const kinds[] = {"warc.gz", "cdxj"};

	for (int day = 1; day < 32; day++)
		for (int serial = 0; serial < 40; serial++)
			for (int k = 0; k < 2; k++) {
				char name[64];

				snprintf(name, sizeof name,
				    "kpwatch-201901%02d-%02d.%s", day, serial,
				    kinds[k]);
				unlinkat(p->fd, name, 0);
			}
	close(p->fd);
	assert_int_equal(rmdir(p->path), 0);
	free(p);
	return 0;
}

/* NULL, "", or text with what a header cannot hold as it stands. */
static char *
some_text(void)
{
	static const char *const texts[] = {"", "plain", " both ends ", "50%",
	    "line\r\nbreak", "\xed\x95\x9c", "%41", "a: b", "\t"};
	uint32_t n = roll(ARRAY_LEN(texts) + 1);

	return n == ARRAY_LEN(texts) ? NULL : xstrdup(texts[n]);
}

static int64_t
some_mark(void)
{
	return roll(3) == 0 ? MARK_NONE : (int64_t)roll(5000000);
}

static void
some_bytes(struct buf *b, uint32_t n)
{
	while (n-- > 0)
		buf_add_char(b, (char)roll(256));
}

static void
some_lookup(struct dns_lookup *d)
{
	if (roll(3) == 0)
		return;
	d->host = xstrdup("www.uriminzokkiri.example");
	d->server = some_text();
	d->rcode = (int)roll(6) - 1;
	d->start_us = some_mark();
	d->end_us = some_mark();
	for (size_t i = 0, n = roll(4); i < n; i++) {
		char *value = xasprintf("192.0.2.%u", roll(255));

		dns_record_add(d,
		    i == 0	 ? SPAN("CNAME")
			: i == 2 ? SPAN("NS")
				 : SPAN("A"),
		    roll(100000), span_of(value));
		free(value);
	}
}

static void
some_chain(struct hop *h)
{
	h->nchain = roll(3);
	h->chain = xcalloc(h->nchain + 1, sizeof *h->chain);
	for (size_t i = 0; i < h->nchain; i++) {
		sha256_hex(span_of("x"), h->chain[i].sha256);
		h->chain[i].subject = some_text();
		h->chain[i].issuer = some_text();
		h->chain[i].san = some_text();
		h->chain[i].not_before = (int64_t)roll(1000) - 500;
		h->chain[i].not_after = (int64_t)roll(100000);
	}
}

static void
some_response(struct hop *h)
{
	static const char *const heads[] =
	    {"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=euc-kr\r\n"
	     "\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0 404 Not Found\nX: bare\n\n",
		"HTTP/2 200\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
		"no end of header", ""};
	const char *head = heads[roll(ARRAY_LEN(heads))];

	buf_add_str(&h->headers, head);
	h->status = head[0] == 'H' ? atoi(strchr(head, ' ')) : 200;
	h->http_version = 11;
	some_bytes(&h->body, roll(3) == 0 ? 0 : roll(300));
	h->body_cut = roll(4) == 0;
}

static void
some_hop(struct hop *h)
{
	h->url = xasprintf("http://site.example/%u?q=a b", roll(4));
	some_lookup(&h->dns);
	h->ntried = roll(3);
	h->tried = xcalloc(h->ntried + 1, sizeof *h->tried);
	for (size_t i = 0; i < h->ntried; i++)
		h->tried[i] = xasprintf("2001:db8::%zu", i);
	h->address = roll(2) ? xstrdup("192.0.2.7") : NULL;
	h->port = (uint16_t)roll(65536);
	h->local_port = (uint16_t)roll(65536);
	h->marks = (struct marks){some_mark(), some_mark(), some_mark(),
	    some_mark(), some_mark(), some_mark()};
	h->tls_version = some_text();
	h->tls_cipher = some_text();
	some_chain(h);
	if (roll(3) != 0)
		buf_add_str(&h->request, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	if (roll(3) != 0)
		some_response(h);
	h->failure = (enum failure)roll(FAILURE_COUNT);
	h->failure_text = some_text();
	h->stage = (enum stage)roll(STAGE_COUNT);
	h->outcome = (enum outcome)roll(OUTCOME_COUNT);
	h->curl_code = (int)roll(100);
	h->os_errno = (int)roll(200) - 5;
	h->verify_result = (long)roll(100) - 50;
	h->reset_injected = roll(2);
}

static void
some_observation(struct observation *o, uint64_t id)
{
	uint32_t nhops = 1 + roll(3);

	observation_init(o);
	o->id = id;
	o->time = START + (int64_t)id * 61007;
	o->variant = (enum variant)roll(VARIANT_COUNT);
	o->vantage = xstrdup("seoul 1 ");
	o->target = xstrdup("uriminzokkiri");
	o->page = xstrdup("main");
	o->url = xstrdup("http://site.example/");
	o->conditional = roll(2);
	o->watched = roll(3) * 86;
	for (uint32_t i = 0; i < nhops; i++)
		some_hop(observation_add_hop(o));
}

static char *
wire(struct observation *o, size_t *n)
{
	struct buf b = BUF_INIT(JOB_BYTES_MAX);
	enum source source = o->source;
	int64_t offset = o->warc_offset;
	char *warc = o->warc, *out;

	o->source = SOURCE_LIVE;
	o->warc = NULL;
	o->warc_offset = 0;
	observation_encode(o, &b, true);
	o->source = source;
	o->warc = warc;
	o->warc_offset = offset;
	out = buf_detach(&b, n);
	return out;
}

static struct warc_writer *
open_writer(struct place *p, uint64_t rotate, uint64_t *torn)
{
	struct warc_writer_options o = {.rotate_bytes = rotate,
	    .deduplicate = true};
	struct warc_writer *w;
	char *why = NULL;

	w = warc_writer_open(p->fd, &o, torn, &why);
	if (w == NULL)
		fail_msg("open: %s", why);
	return w;
}

static void
count_note(void *arg, uint64_t offset, const char *text)
{
	(void)offset;
	(void)text;
	++*(int *)arg;
}

struct reading {
	struct warc_set *set;
	struct warc_source *source;
	char names[64][64];
	int fds[64];
	size_t nfiles;
	size_t at;
	int notes;
};

static void
read_begin(struct reading *r, struct place *p)
{
	memset(r, 0, sizeof *r);
	r->set = warc_set_new();
	for (int day = 1; day < 32; day++)
		for (int serial = 0; serial < 40; serial++) {
			char *name = r->names[r->nfiles];
			int fd;

			snprintf(name, sizeof r->names[0],
			    "kpwatch-201901%02d-%02d.warc.gz", day, serial);
			fd = openat(p->fd, name, O_RDONLY);
			if (fd < 0)
				continue;
			r->fds[r->nfiles++] = fd;
			warc_set_add(r->set, name, fd);
		}
}

static bool
read_next(struct reading *r, struct observation *o)
{
	for (; r->at < r->nfiles; r->at++) {
		if (r->source == NULL)
			r->source = warc_source_new(r->set, r->at, count_note,
			    &r->notes);
		if (warc_source_next(r->source, o) == 1)
			return true;
		warc_source_free(r->source);
		r->source = NULL;
	}
	return false;
}

static void
read_end(struct reading *r)
{
	warc_source_free(r->source);
	warc_set_free(r->set);
	for (size_t i = 0; i < r->nfiles; i++)
		close(r->fds[i]);
}

static ssize_t
read_fd(void *arg, void *bytes, size_t n)
{
	return read(*(int *)arg, bytes, n);
}

static void
index_differs(void *arg, uint64_t line, const char *text)
{
	fail_msg("%s:%llu: %s", (const char *)arg, (unsigned long long)line,
	    text);
}

/* The index beside an archive is what is made from its records. */
static void
check_index(struct place *p, const char *file, int fd)
{
	struct buf index = BUF_INIT(1u << 24), made = BUF_INIT(1u << 24);
	char *name = xasprintf("%.*s.cdxj",
	    (int)(strlen(file) - strlen(".warc.gz")), file);
	struct warc_reader *r;
	struct warc_record rec;
	struct warc_payload payload;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	r = warc_reader_new(read_fd, NULL, &fd);
	warc_payload_init(&payload);
	while (warc_reader_next(r, &rec) == 1) {
		uint64_t at = rec.offset;

		warc_payload_read(&payload, r, &rec, NULL);
		warc_index_record(&rec, buf_span(&payload.http_head),
		    span_of(file), warc_reader_here(r) - at, &made);
	}
	assert_true(cdxj_load(p->fd, name, &index));
	assert_true(index.len > 0);
	assert_int_equal(warc_index_check(buf_span(&index), buf_span(&made),
			     UINT64_MAX, false, index_differs, name),
	    0);
	warc_payload_release(&payload);
	warc_reader_free(r);
	free(name);
	buf_release(&index);
	buf_release(&made);
}

#define MANY 300

static void
test_round_trip(void **state)
{
	static char *sent[MANY];
	static size_t length[MANY];
	static int64_t offset[MANY];
	struct warc_writer *w = open_writer(*state, 30000, NULL);
	struct observation o;
	struct reading r;

	seed = 7;
	for (size_t i = 0; i < MANY; i++) {
		some_observation(&o, i);
		sent[i] = wire(&o, &length[i]);
		assert_true(warc_writer_add(w, &o));
		offset[i] = o.warc_offset;
		observation_release(&o);
		if (i % 70 == 69) { /* and over restarts */
			assert_true(warc_writer_sync(w));
			warc_writer_close(w);
			w = open_writer(*state, 30000, NULL);
		}
	}
	warc_writer_close(w);
	read_begin(&r, *state);
	assert_true(r.nfiles > 3); /* rotated */
	for (size_t i = 0; i < r.nfiles; i++)
		check_index(*state, r.names[i], r.fds[i]);
	for (size_t i = 0; i < MANY; i++) {
		size_t n;
		char *got;

		assert_true(read_next(&r, &o));
		assert_int_equal(o.source, SOURCE_WARC);
		assert_int_equal(o.warc_offset, offset[i]);
		got = wire(&o, &n);
		assert_int_equal(n, length[i]);
		assert_memory_equal(got, sent[i], n);
		free(got);
		free(sent[i]);
		observation_release(&o);
	}
	assert_false(read_next(&r, &o));
	assert_int_equal(r.notes, 0);
	read_end(&r);
}

static void
page(struct observation *o, int64_t time, const char *url, const char *body)
{
	struct hop *h;

	observation_init(o);
	o->time = time;
	o->vantage = xstrdup("v");
	o->target = xstrdup("t");
	o->page = xstrdup("main");
	o->url = xstrdup(url);
	h = observation_add_hop(o);
	h->url = xstrdup(url);
	h->status = body != NULL ? 200 : 304;
	h->http_version = 11;
	buf_add_str(&h->request, "GET / HTTP/1.1\r\n\r\n");
	buf_addf(&h->headers,
	    "HTTP/1.1 %d X\r\nContent-Type: text/html\r\n"
	    "\r\n",
	    h->status);
	buf_add_str(&h->body, body != NULL ? body : "");
	h->stage = STAGE_BODY;
}

/* Writes and forgets; returns the offset. */
static int64_t
put(struct warc_writer *w, int64_t time, const char *url, const char *body)
{
	struct observation o;
	int64_t offset;

	page(&o, time, url, body);
	assert_true(warc_writer_add(w, &o));
	offset = o.warc_offset;
	observation_release(&o);
	return offset;
}

static void
test_revisit(void **state)
{
	static const enum warc_type types[] = {WARC_RESPONSE, WARC_REVISIT,
	    WARC_REVISIT, WARC_REVISIT};
	struct place *p = *state;
	struct warc_writer *w = open_writer(p, 0, NULL);
	struct warc_reader *r;
	struct warc_record rec;
	struct warc_payload pay;
	struct span first_date = SPAN("2019-01-14T06:00:03.120Z");
	int notes = 0, fd, at = 0;
	size_t records = 0;

	put(w, START, "http://a.example/", "the same page");
	put(w, START + 1000, "http://a.example/", "the same page");
	warc_writer_close(w); /* remembered over a restart */
	w = open_writer(p, 0, NULL);
	put(w, START + 2000, "http://b.example/", "the same page");
	put(w, START + 3000, "http://a.example/", NULL); /* 304 */
	warc_writer_close(w);
	fd = openat(p->fd, "kpwatch-20190114-00.warc.gz", O_RDONLY);
	r = warc_reader_new(read_fd, count_note, &fd);
	warc_payload_init(&pay);
	while (warc_reader_next(r, &rec) == 1) {
		warc_payload_read(&pay, r, &rec, NULL);
		assert_int_not_equal(pay.digest, WARC_DIGEST_WRONG);
		assert_false(rec.shares_member);
		records++;
		if (rec.type != WARC_RESPONSE && rec.type != WARC_REVISIT)
			continue;
		assert_int_equal(rec.type, types[at]);
		if (at > 0) {
			assert_true(span_is(warc_field(&rec,
						"WARC-Refers-To-Target-URI"),
			    "http://a.example/"));
			assert_true(
			    span_eq(warc_field(&rec, "WARC-Refers-To-Date"),
				first_date));
		}
		if (at == 3)
			assert_true(
			    span_ends_i(warc_field(&rec, "WARC-Profile"),
				"/server-not-modified"));
		at++;
	}
	assert_int_equal(at, 4);
	assert_int_equal(records, 1 + 4 * 3);
	assert_int_equal(warc_reader_damage(r), 0);
	assert_int_equal(notes, 0);
	warc_payload_release(&pay);
	warc_reader_free(r);
	close(fd);
}

static void
test_evidence(void **state)
{
	struct place *p = *state;
	struct warc_writer *w = open_writer(p, 0, NULL);
	const char *file = "kpwatch-20190114-00.warc.gz";
	int64_t first = put(w, START, "http://a.example/", "page one");
	int64_t second = put(w, START + 5, "http://b.example/", "page one");
	char good[65], other[65], *why = NULL, byte;
	int fd;

	sha256_hex(span_of("page one"), good);
	sha256_hex(span_of("page two"), other);
	warc_writer_close(w);
	assert_true(
	    warc_check_evidence(p->fd, file, (uint64_t)first, good, &why));
	assert_null(why);
	assert_true(
	    warc_check_evidence(p->fd, file, (uint64_t)second, good, &why));
	assert_false(
	    warc_check_evidence(p->fd, file, (uint64_t)first, other, &why));
	assert_non_null(why);
	free(why);
	assert_false(
	    warc_check_evidence(p->fd, file, (uint64_t)first + 1, good, &why));
	free(why);
	assert_false(warc_check_evidence(p->fd, "none.warc.gz", 0, good, &why));
	free(why);
	fd = openat(p->fd, file, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, first + 80), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, first + 80), 1);
	close(fd);
	assert_false(
	    warc_check_evidence(p->fd, file, (uint64_t)first, good, &why));
	free(why);
	assert_false(warc_check_evidence(p->fd, file, (uint64_t)second, good,
	    &why)); /* its original is gone */
	free(why);
}

/* The same bytes once without and once with a coding in their header. */
static void
test_evidence_coded(void **state)
{
	struct place *p = *state;
	struct warc_writer *w = open_writer(p, 0, NULL);
	const char *file = "kpwatch-20190114-00.warc.gz";
	int64_t at[2];
	char sums[2][65], *why = NULL;

	for (int i = 0; i < 2; i++) {
		struct observation o;

		page(&o, START + i, "http://a.example/", "");
		gzip_member(&o.hops[0].body, SPAN("page one"), 6);
		sha256_hex(i == 0 ? buf_span(&o.hops[0].body)
				  : SPAN("page one"),
		    sums[i]);
		buf_clear(&o.hops[0].headers);
		buf_addf(&o.hops[0].headers, "HTTP/1.1 200 OK\r\n%s\r\n",
		    i == 0 ? "" : "Content-Encoding: gzip\r\n");
		assert_true(warc_writer_add(w, &o));
		at[i] = o.warc_offset;
		observation_release(&o);
	}
	warc_writer_close(w);
	for (int i = 0; i < 2; i++) {
		assert_true(warc_check_evidence(p->fd, file, (uint64_t)at[i],
		    sums[i], &why));
		assert_false(warc_check_evidence(p->fd, file, (uint64_t)at[i],
		    sums[!i], &why));
		free(why);
		why = NULL;
	}
}

/* Damage anywhere in the record counts, in its header too, which no digest
 * covers: the check sum of the gzip member does. */
static void
test_evidence_bytes(void **state)
{
	struct place *p = *state;
	struct warc_writer *w = open_writer(p, 0, NULL);
	const char *file = "kpwatch-20190114-00.warc.gz";
	int64_t at = put(w, START, "http://a.example/", "page one");
	char good[65], *why = NULL, byte, flipped;
	int fd;

	sha256_hex(span_of("page one"), good);
	put(w, START + 5, "http://b.example/", "page two");
	warc_writer_close(w);
	fd = openat(p->fd, file, O_RDWR);
	/* Behind the gzip header, whose date and system mean nothing. */
	for (off_t i = at + 10; i < at + 250; i++) {
		assert_int_equal(pread(fd, &byte, 1, i), 1);
		flipped = (char)(byte ^ 1);
		assert_int_equal(pwrite(fd, &flipped, 1, i), 1);
		assert_false(
		    warc_check_evidence(p->fd, file, (uint64_t)at, good, &why));
		assert_non_null(why);
		free(why);
		assert_int_equal(pwrite(fd, &byte, 1, i), 1);
	}
	/* What is behind the record is not its damage. */
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 20), 0);
	close(fd);
	assert_true(warc_check_evidence(p->fd, file, (uint64_t)at, good, &why));
}

static off_t
size_of(struct place *p, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(p->fd, name, &st, 0), 0);
	return st.st_size;
}

static void
cut_to(struct place *p, const char *name, off_t size)
{
	int fd = openat(p->fd, name, O_WRONLY);

	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

/* Cut anywhere: what is whole stays, the next observation follows on it. */
static void
test_torn_tail(void **state)
{
	struct place *p = *state;
	const char *file = "kpwatch-20190114-00.warc.gz";
	const char *index = "kpwatch-20190114-00.cdxj";
	struct warc_writer *w = open_writer(p, 0, NULL);
	off_t whole, full;

	put(w, START, "http://a.example/", "one");
	warc_writer_close(w);
	whole = size_of(p, file);
	w = open_writer(p, 0, NULL);
	put(w, START + 1, "http://a.example/", "two");
	warc_writer_close(w);
	full = size_of(p, file);
	for (off_t at = full - 1; at > whole; at -= 7) {
		struct observation o;
		struct reading r;
		uint64_t torn = 0;
		int seen = 0;

		cut_to(p, file, at);
		w = open_writer(p, 0, &torn);
		assert_int_equal(size_of(p, file), whole);
		assert_int_equal(size_of(p, file) + (off_t)torn, at);
		put(w, START + 2, "http://a.example/", "three");
		warc_writer_close(w);
		read_begin(&r, p);
		while (read_next(&r, &o)) {
			seen++;
			assert_true(seen < 3);
			assert_string_equal(buf_str(&o.hops[0].body),
			    seen == 1 ? "one" : "three");
			observation_release(&o);
		}
		assert_int_equal(seen, 2);
		assert_int_equal(r.notes, 0);
		read_end(&r);
		/* Back to the torn state, with the index of the whole. */
		cut_to(p, file, whole);
		w = open_writer(p, 0, NULL);
		put(w, START + 1, "http://a.example/", "two");
		warc_writer_close(w);
		assert_int_equal(size_of(p, file), full);
	}
	/* An index that was lost is made again. */
	assert_int_equal(unlinkat(p->fd, index, 0), 0);
	w = open_writer(p, 0, NULL);
	warc_writer_close(w);
	assert_true(size_of(p, index) > 200);
}

/* A crash while an index is mended leaves the old one or the new one. */
static void
test_index_replaced(void **state)
{
	struct place *p = *state;
	const char *index = "kpwatch-20190114-00.cdxj";
	struct warc_writer *w = open_writer(p, 0, NULL);
	struct stat before, after;
	int fd;

	put(w, START, "http://a.example/", "one");
	put(w, START + 1000, "http://a.example/", "two");
	warc_writer_close(w);
	cut_to(p, index, size_of(p, index) - 10);
	fd = openat(p->fd, index, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &before), 0);
	w = open_writer(p, 0, NULL);
	warc_writer_close(w);
	assert_int_equal(size_of(p, index), before.st_size + 10);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	close(fd);
}

/* Damage with whole records behind it is no torn tail: nothing is cut. */
static void
test_damage_inside(void **state)
{
	struct place *p = *state;
	const char *file = "kpwatch-20190114-00.warc.gz";
	struct warc_writer *w = open_writer(p, 0, NULL);
	uint64_t torn = 1;
	off_t size;
	int fd;

	for (int i = 0; i < 5; i++)
		put(w, START + i, "http://a.example/", i % 2 ? "one" : "two");
	warc_writer_close(w);
	assert_int_equal(unlinkat(p->fd, "kpwatch-20190114-00.cdxj", 0), 0);
	size = size_of(p, file);
	fd = openat(p->fd, file, O_WRONLY);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, size / 3), 4);
	close(fd);
	w = open_writer(p, 0, &torn);
	assert_int_equal(torn, 0);
	put(w, START + 9, "http://a.example/", "three");
	warc_writer_close(w);
	assert_int_equal(size_of(p, file), size);
	assert_true(size_of(p, "kpwatch-20190114-01.warc.gz") > 0);
}

/* A full disk: the observation is refused whole, and later ones work. */
static void
test_write_fails(void **state)
{
	struct place *p = *state;
	const char *file = "kpwatch-20190114-00.warc.gz";
	struct warc_writer *w = open_writer(p, 0, NULL);
	struct rlimit before, tight;
	struct observation o;
	off_t size;

	put(w, START, "http://a.example/", "one");
	size = size_of(p, file);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)size + 200;
	setrlimit(RLIMIT_FSIZE, &tight);
	page(&o, START + 1, "http://a.example/", "two");
	assert_false(warc_writer_add(w, &o));
	setrlimit(RLIMIT_FSIZE, &before);
	assert_null(o.warc);
	assert_int_equal(size_of(p, file), size);
	assert_true(warc_writer_add(w, &o));
	assert_int_equal(o.warc_offset > size, 1);
	observation_release(&o);
	warc_writer_close(w);
}

static void
test_days(void **state)
{
	struct place *p = *state;
	struct warc_writer *w = open_writer(p, 0, NULL);

	put(w, START, "http://a.example/", "one");
	put(w, START + 86400000, "http://a.example/", "two");
	put(w, START + 86400001, "http://c.example/", "two");
	warc_writer_close(w);
	assert_true(size_of(p, "kpwatch-20190114-00.warc.gz") > 0);
	assert_true(size_of(p, "kpwatch-20190115-00.warc.gz") > 0);
	assert_int_equal(faccessat(p->fd, "kpwatch-20190115-01.warc.gz", F_OK,
			     0),
	    -1);
}

static void
test_index(void **state)
{
	static const char *const keys[][2] = {{"http://vok.rep.kp/",
						  "kp,rep,vok)/"},
	    {"https://www.example.com:8443/A/b/?z=1&a=2#f",
		"com,example:8443)/a/b?a=2&z=1"},
	    {"http://www2.Example.com", "com,example)/"},
	    {"http://192.0.2.1/x", "192.0.2.1)/x"},
	    {"dns:www.example.com", "dns:www.example.com"},
	    {"urn:a b", "urn:a%20b"}};
	struct place *p = *state;
	struct warc_writer *w;
	struct buf b = BUF_INIT(CDXJ_BYTES_MAX);
	struct cdxj_entry e;
	struct span rest, line, last = SPAN("");
	int lines = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		buf_clear(&b);
		cdxj_key(span_of(keys[i][0]), &b);
		assert_string_equal(buf_str(&b), keys[i][1]);
	}
	w = open_writer(p, 0, NULL);
	put(w, START, "http://z.example/", "one");
	put(w, START + 1, "http://a.example/", "one");
	warc_writer_close(w);
	buf_clear(&b);
	assert_true(cdxj_load(p->fd, "kpwatch-20190114-00.cdxj", &b));
	rest = buf_span(&b);
	while (rest.p != NULL) {
		line = span_token(&rest, '\n');
		if (line.n == 0)
			continue;
		assert_true(span_cmp(last, line) < 0);
		last = line;
		assert_true(cdxj_parse(line, &e));
		assert_int_equal(e.status, 200);
		assert_true(span_is(e.file, "kpwatch-20190114-00.warc.gz"));
		assert_true(
		    span_is(e.mime, lines == 0 ? "warc/revisit" : "text/html"));
		lines++;
	}
	assert_int_equal(lines, 2);
	buf_release(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, drop_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_round_trip),
	    TEST(test_revisit), TEST(test_evidence), TEST(test_evidence_coded),
	    TEST(test_evidence_bytes), TEST(test_torn_tail),
	    TEST(test_index_replaced), TEST(test_damage_inside),
	    TEST(test_write_fails), TEST(test_days), TEST(test_index)};

	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("warc_write", tests, NULL, NULL);
}

/*
 * Work spread over threads: every job is done once, and an archive read with
 * a crew gives what it gives without one, whatever is wrong with it.
 */
#include "cm.h"

#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "digest.h"
#include "gzip_write.h"
#include "inflate_ahead.h"
#include "limit.h"
#include "warc.h"

#define JOBS 500

struct counted {
	struct crew_job job;
	int done;
};

static void
count(void *arg)
{
	struct counted *c = arg;

	c->done++;
}

static void
test_jobs(void **state)
{
	static struct counted jobs[JOBS];
	bool ok;
	(void)state;

	for (unsigned n = 0; n <= 2; n++) {
		struct crew *crew = crew_new(n, NULL, NULL, &ok);

		assert_true(ok);
		memset(jobs, 0, sizeof jobs);
		for (int i = 0; i < JOBS; i++) {
			jobs[i].job.work = count;
			jobs[i].job.arg = &jobs[i];
			crew_add(crew, &jobs[i].job);
		}
		for (int i = JOBS; i-- > 0;) {
			crew_wait(crew, &jobs[i].job);
			assert_true(crew_done(crew, &jobs[i].job));
			assert_int_equal(jobs[i].done, 1);
		}
		crew_free(crew);
	}
}

static bool
refuse(void *arg)
{
	return *(bool *)arg;
}

static void
test_refused(void **state)
{
	bool enter = false, ok = true;
	struct crew *crew = crew_new(2, refuse, &enter, &ok);
	(void)state;

	assert_false(ok);
	crew_free(crew);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
add_member(struct buf *out, struct span s)
{
	assert_true(gzip_member(out, s, 6));
}

static void
add_record(struct buf *out, size_t n, uint32_t *seed)
{
	struct buf b = BUF_INIT(16 * MIB);

	buf_addf(&b,
	    "WARC/1.1\r\nWARC-Type: resource\r\n"
	    "WARC-Target-URI: http://a.test/%zu\r\n"
	    "WARC-Date: 2020-01-02T03:04:05Z\r\nContent-Length: %zu\r\n\r\n",
	    out->len, n);
	for (size_t i = 0; i < n; i++)
		buf_add_char(&b, (char)('a' + next_random(seed) % 6));
	buf_add_str(&b, "\r\n\r\n");
	add_member(out, buf_span(&b));
	buf_release(&b);
}

/* Small and large members, one too large to be undone ahead, empty ones,
 * padding, and bytes within that look like members. */
static void
make_archive(struct buf *out)
{
	uint32_t seed = 7;

	for (int i = 0; i < 40; i++) {
		add_record(out, next_random(&seed) % 30000, &seed);
		if (i % 7 == 0)
			add_member(out, SPAN(""));
		if (i == 9)
			add_record(out, AHEAD_MEMBER_MAX + 100, &seed);
		if (i % 11 == 3)
			buf_add(out, "\0\0\0", 3);
	}
	add_member(out,
	    SPAN("WARC/1.1\r\nWARC-Type: resource\r\n"
		 "Content-Length: 40\r\n\r\n"
		 "\x1f\x8b\x08\x08xxxxxxxxxxxxxx\x1f\x8b\x08\x08xxxxxxxxxxxxxx"
		 "xxxx\r\n\r\n"));
}

struct input {
	struct span rest;
	struct buf *told;
};

static ssize_t
read_input(void *arg, void *bytes, size_t n)
{
	struct input *in = arg;
	struct span s = span_slice(in->rest, 0, n < 70000 ? n : 70000);

	memcpy(bytes, s.p, s.n);
	in->rest = span_slice(in->rest, s.n, in->rest.n);
	return (ssize_t)s.n;
}

static void
tell_note(void *arg, uint64_t offset, const char *text)
{
	struct input *in = arg;

	buf_addf(in->told, "%llu: %s\n", (unsigned long long)offset, text);
}

/* All that a reader finds, as text. */
static void
tell(struct span archive, struct crew *crew, struct buf *out)
{
	struct input in = {archive, out};
	struct warc_reader *r = warc_reader_new(read_input, tell_note, &in);
	struct warc_record rec;
	struct warc_payload p;

	warc_reader_crew(r, crew);
	warc_payload_init(&p);
	while (warc_reader_next(r, &rec) == 1) {
		warc_payload_read(&p, r, &rec, NULL);
		buf_addf(out, "%llu %llu %s\n", (unsigned long long)rec.offset,
		    (unsigned long long)p.length, p.sha256);
	}
	warc_payload_release(&p);
	warc_reader_free(r);
}

static void
compare(struct span archive, struct crew *crew)
{
	struct buf alone = BUF_INIT(MIB), crewed = BUF_INIT(MIB);

	tell(archive, NULL, &alone);
	tell(archive, crew, &crewed);
	assert_string_equal(buf_str(&alone), buf_str(&crewed));
	assert_true(alone.len > 0);
	buf_release(&alone);
	buf_release(&crewed);
}

static void
test_archive(void **state)
{
	struct buf archive = BUF_INIT(64 * MIB);
	uint32_t seed = 3;
	bool ok;
	struct crew *crew = crew_new(2, NULL, NULL, &ok);
	(void)state;

	make_archive(&archive);
	compare(buf_span(&archive), crew);
	for (int i = 0; i < 12; i++) {
		size_t at = next_random(&seed) % archive.len;
		char was = archive.data[at];

		archive.data[at] = (char)(was ^ (1 << i % 8));
		compare(buf_span(&archive), crew);
		archive.data[at] = was;
		compare(span_slice(buf_span(&archive), 0, at + 1), crew);
	}
	crew_free(crew);
	buf_release(&archive);
}

/* Guesses that lead nowhere are given up after a bounded amount of work. */
static void
test_waste(void **state)
{
	struct buf archive = BUF_INIT(64 * MIB), bomb = BUF_INIT(8 * MIB);
	struct span plain;
	size_t used;
	bool ok;
	struct crew *crew = crew_new(1, NULL, NULL, &ok);
	struct ahead *a = ahead_new(crew);
	(void)state;

	buf_reserve(&bomb, MIB);
	memset(bomb.data, 'x', MIB);
	bomb.len = MIB;
	for (int i = 0; i < 200; i++)
		add_member(&archive, buf_span(&bomb));
	for (size_t at = 1; at + 100 < archive.len; at += 100) {
		ahead_offer(a, span_slice(buf_span(&archive), at, archive.len),
		    at, true);
		ahead_take(a, at, &plain, &used);
	}
	ahead_settle(a);
	ahead_offer(a, buf_span(&archive), 0, true);
	assert_false(ahead_take(a, 0, &plain, &used));
	ahead_free(a);
	crew_free(crew);
	buf_release(&archive);
	buf_release(&bomb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_jobs),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_archive),
	    cmocka_unit_test(test_waste)};

	digest_init();
	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}

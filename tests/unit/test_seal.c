/*
 * Every byte of logs and archives is known to the database: what `verify`
 * says of files that were changed, and of those that a crash left.
 */
#include "scene.h"

#include "decode.h"
#include "gzip_exact.h"
#include "gzip_write.h"
#include "seal_check.h"

static void
count_fault(void *arg, uint64_t at, const char *text)
{
	(void)at;
	(void)text;
	++*(size_t *)arg;
}

/* All members' lines; false where a checksum finds damage. */
static bool
undo(struct span in, struct buf *out)
{
	char piece[4096];
	struct inflater *gz = inflater_new(INFLATE_GZIP);
	enum inflate_step step = INFLATE_INPUT;
	size_t wrote = sizeof piece;

	buf_clear(out);
	while (step != INFLATE_CORRUPT && (in.n > 0 || wrote > 0)) {
		step = inflater_step(gz, &in, piece, sizeof piece, &wrote);
		buf_add(out, piece, wrote);
	}
	step = inflater_between(gz) ? INFLATE_END : INFLATE_CORRUPT;
	inflater_free(gz);
	return step == INFLATE_END;
}

/* Each bit in turn; the seal alone is asked, which sees no records. */
static void
turn_each(const struct scene *c, const char *file)
{
	char *path = path_of(c, file);
	struct seal_check check;
	struct buf b = BUF_INIT(1u << 20);
	int fd = open(path, O_RDWR);
	size_t faults = 0;

	load(c, file, &b);
	assert_true(b.len > 100);
	seal_check_init(&check, c->dir);
	assert_int_not_equal(seal_check_file(&check, file, fd, true,
				 count_fault, &faults),
	    SEAL_BROKEN);
	/* None of it is without. */
	assert_int_equal(check.agree, 1);
	assert_int_equal(faults, 0);
	for (size_t i = 0; i < b.len * 8; i++) {
		char turned = (char)(b.data[i / 8] ^ 1 << i % 8);
		off_t at = (off_t)(i / 8);

		assert_int_equal(pwrite(fd, &turned, 1, at), 1);
		assert_int_equal(seal_check_file(&check, file, fd, true,
				     count_fault, &faults),
		    SEAL_BROKEN);
		assert_int_equal(faults, i + 1);
		assert_int_equal(pwrite(fd, &b.data[i / 8], 1, at), 1);
	}
	seal_check_release(&check);
	buf_release(&b);
	close(fd);
	free(path);
}

static void
every_bit_is_named(void **state)
{
	struct scene c;

	(void)state;
	two_days(&c);
	expect(&c, 0, ALL_SEALED);
	turn_each(&c, FIRST_LOG);
	turn_each(&c, LATER_LOG);
	turn_each(&c, FIRST_WARC);
	turn_each(&c, LATER_WARC);
	expect(&c, 0, ALL_SEALED);
	scene_end(&c);
}

/* Bits that can be turned so that the same comes out: of every log there are
 * some, and no check of what it holds can see them. */
static void
other_bytes_of_the_same(void **state)
{
	struct buf b = BUF_INIT(1u << 20), plain = BUF_INIT(1u << 20);
	struct buf again = BUF_INIT(1u << 20);
	struct scene c;
	size_t found = 0;

	(void)state;
	scene_begin(&c);
	for (int n = 0; n < 20; n++)
		look(&c, n);
	commit(&c);
	scene_close(&c);
	load(&c, FIRST_LOG, &b);
	assert_true(undo(buf_span(&b), &plain));
	for (size_t i = 0; i < b.len * 8; i++) {
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		if (undo(buf_span(&b), &again) &&
		    span_eq(buf_span(&plain), buf_span(&again)) &&
		    gzip_exact(buf_span(&b)) == b.len) {
			found++;
			put(&c, FIRST_LOG, buf_span(&b));
			expect(&c, 1, "are not those that were written until");
			assert_non_null(
			    strstr(buf_str(&c.said), FIRST_LOG ":0: the "));
			assert_non_null(strstr(buf_str(&c.said), "; 1 faults"));
		}
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
	}
	assert_true(found > 0);
	buf_release(&b);
	buf_release(&plain);
	buf_release(&again);
	scene_end(&c);
}

/* Members that say nothing, and are as ours are. */
static void
lengthened(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	two_days(&c);
	load(&c, FIRST_LOG, &b);
	assert_true(gzip_member(&b, SPAN(""), GZIP_LEVEL));
	put(&c, FIRST_LOG, buf_span(&b));
	expect(&c, 1,
	    "the file is too long: 20 bytes were added after it was closed "
	    "at 2019-01-14T");
	assert_non_null(strstr(buf_str(&c.said), FIRST_LOG ":"));
	assert_non_null(strstr(buf_str(&c.said), "; 1 faults"));
	put(&c, FIRST_LOG, span_slice(buf_span(&b), 0, b.len - 20));
	expect(&c, 0, ALL_SEALED);
	buf_release(&b);
	scene_end(&c);
}

static void
shortened(struct scene *c, const char *file)
{
	struct buf b = BUF_INIT(1u << 20);
	size_t border;

	load(c, file, &b);
	border = second_member(&b);
	put(c, file, span_slice(buf_span(&b), 0, border));
	expect(c, 1, "the file is too short: ");
	assert_non_null(strstr(buf_str(&c->said), file));
	assert_non_null(strstr(buf_str(&c->said),
	    "(an older copy, or cut off between two records); put back a copy "
	    "of the file made since then"));
	put(c, file, span_slice(buf_span(&b), 0, b.len - 1));
	expect(c, 1, "the file is too short: 1 bytes at its end are missing");
	assert_null(strstr(buf_str(&c->said), "older copy"));
	put(c, file, buf_span(&b));
	expect(c, 0, ALL_SEALED);
	buf_release(&b);
}

static void
shortened_or_older(void **state)
{
	struct scene c;

	(void)state;
	two_days(&c);
	shortened(&c, FIRST_LOG);
	shortened(&c, LATER_LOG);
	shortened(&c, FIRST_WARC);
	shortened(&c, LATER_WARC);
	scene_end(&c);
}

static void
missing(void **state)
{
	char *from, *to;
	struct scene c;

	(void)state;
	two_days(&c);
	/* The newest log: no line behind it shows that it is gone. */
	from = path_of(&c, LATER_LOG);
	to = path_of(&c, "away");
	assert_int_equal(rename(from, to), 0);
	expect(&c, 1,
	    LATER_LOG ":0: the file is missing from the change log: it was "
		      "written until 2019-01-15T");
	assert_int_equal(rename(to, from), 0);
	free(from);
	/* Archives may be deleted to save room. */
	from = path_of(&c, FIRST_WARC);
	assert_int_equal(rename(from, to), 0);
	expect(&c, 0,
	    FIRST_WARC
	    ": deleted; it was written until 2019-01-14T06:00:02.000Z");
	assert_non_null(strstr(buf_str(&c.said), " 1 deleted;"));
	assert_int_equal(rename(to, from), 0);
	free(from);
	free(to);
	scene_end(&c);
}

/* A file is verified while it grows, and goes on after a stop. */
static void
while_it_is_written(void **state)
{
	struct scene c;

	(void)state;
	scene_begin(&c);
	looks(&c, 0, 3);
	look(&c, 3);
	expect(&c, 0, "; 0 faults");
	commit(&c);
	scene_close(&c);
	expect(&c, 0, "digests: 2 files as they were written, 0 with");
	scene_open(&c);
	look(&c, 4);
	expect(&c, 0, "digests: 1 files as they were written, 1 with");
	commit(&c);
	expect(&c, 0, "; 0 faults");
	scene_close(&c);
	expect(&c, 0, "digests: 2 files as they were written, 0 with");
	turn_each(&c, FIRST_LOG);
	turn_each(&c, FIRST_WARC);
	scene_end(&c);
}

/* A digest that was taken at a start may be of damage. */
static void
damaged_before_its_digest(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	two_days(&c);
	sql(&c, "DELETE FROM seals;");
	load(&c, LATER_WARC, &b);
	b.data[4] ^= 1;
	put(&c, LATER_WARC, buf_span(&b));
	scene_open(&c);
	scene_close(&c);
	expect(&c, 1,
	    LATER_WARC ":0: the compressed data is not as it was written");
	buf_release(&b);
	scene_end(&c);
}

/* What a version before this one left. */
static void
without_digests(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	two_days(&c);
	sql(&c, UNDO_TO_7 "DROP TABLE seals; PRAGMA user_version = 6;");
	expect(&c, 0, "digests: 0 files as they were written, 4 with bytes");
	scene_open(&c);
	looks(&c, 6, 8);
	scene_close(&c);
	/* The newest got theirs, and the others are as they were. */
	expect(&c, 0, "digests: 2 files as they were written, 2 with bytes");
	turn_each(&c, LATER_LOG);
	turn_each(&c, LATER_WARC);
	/* The free bits are still looked at where there is no digest. */
	load(&c, FIRST_WARC, &b);
	b.data[4] ^= 1;
	put(&c, FIRST_WARC, buf_span(&b));
	expect(&c, 1,
	    FIRST_WARC ":0: the compressed data is not as it was written");
	buf_release(&b);
	scene_end(&c);
}

/* The last batch is in the log, its seal is not yet in the database. */
static void
log_ahead(struct scene *c)
{
	scene_open(c);
	looks(c, 3, 5);
}

/* Files of a new day were begun, and nothing of it was committed. */
static void
day_ahead(struct scene *c)
{
	scene_open(c);
	looks(c, 5, 6);
	c->s.now += DAY_MS;
	look(c, 6);
}

static void
kill_between_file_and_seal(void **state)
{
	struct scene c;

	(void)state;
	scene_begin(&c);
	looks(&c, 0, 3);
	scene_close(&c);
	killed(&c, log_ahead);
	expect(&c, 0, "1 with bytes that have none");
	c.s.id = 5;
	c.s.now += 10000;
	scene_open(&c);
	scene_close(&c);
	expect(&c, 0, "digests: 2 files as they were written, 0 with");
	assert_null(strstr(buf_str(&c.said), "; 0 bytes got theirs"));
	turn_each(&c, FIRST_LOG);

	killed(&c, day_ahead);
	expect(&c, 0, "; 0 faults");
	c.s.now += DAY_MS;
	c.s.id = 6;
	scene_open(&c);
	looks(&c, 7, 9);
	scene_close(&c);
	expect(&c, 0, "digests: 4 files as they were written, 0 with");
	turn_each(&c, FIRST_LOG);
	turn_each(&c, FIRST_WARC);
	turn_each(&c, LATER_LOG);
	turn_each(&c, LATER_WARC);
	scene_end(&c);
}

/* Bytes gone from the newest log: the start writes its lines again, and says
 * so; from then on it is whole. */
static void
start_with_lost_bytes(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	two_days(&c);
	load(&c, LATER_LOG, &b);
	put(&c, LATER_LOG, span_slice(buf_span(&b), 0, second_member(&b)));
	expect(&c, 1, "the file is too short");
	scene_open(&c);
	scene_close(&c);
	expect(&c, 0, "digests: 4 files as they were written, 0 with");
	assert_null(strstr(buf_str(&c.said), "; 0 bytes got theirs"));
	buf_release(&b);
	scene_end(&c);
}

/* A copy of the database is put back, and files have grown since. */
static void
database_put_back(void **state)
{
	struct buf b = BUF_INIT(1u << 22);
	struct scene c;

	(void)state;
	scene_begin(&c);
	looks(&c, 0, 3);
	scene_close(&c);
	load(&c, "kpwatch.sqlite", &b);
	scene_open(&c);
	looks(&c, 3, 5);
	c.s.now += DAY_MS;
	looks(&c, 5, 7);
	scene_close(&c);
	put(&c, "kpwatch.sqlite", buf_span(&b));
	expect(&c, 1, "or the database is an older copy");
	scene_open(&c);
	looks(&c, 7, 8);
	scene_close(&c);
	expect(&c, 0, "; 0 faults");
	buf_release(&b);
	scene_end(&c);
}

#define FIRST_INDEX "warc/kpwatch-20190114-00.cdxj"

/* The nth line of an index (0: the first), with its newline. */
static struct span
index_line(const struct buf *b, int n)
{
	struct span rest = buf_span(b), line = span_token(&rest, '\n');

	while (n-- > 0)
		line = span_token(&rest, '\n');
	line.n++;
	return line;
}

/* The first of the index in whose place another text stands. */
static void
index_put(struct scene *c, const struct buf *b, struct span old,
    const char *new)
{
	struct buf changed = BUF_INIT(1u << 20);

	buf_add(&changed, b->data, (size_t)(old.p - b->data));
	buf_add_str(&changed, new);
	buf_add(&changed, old.p + old.n,
	    b->len - (size_t)(old.p + old.n - b->data));
	put(c, FIRST_INDEX, buf_span(&changed));
	buf_release(&changed);
}

/* The same for the first of these words behind a place. */
static void
index_change(struct scene *c, const struct buf *b, struct span line,
    const char *key, const char *value)
{
	char *pattern = xasprintf("\"%s\":\"", key);
	struct span old = span_slice(line,
	    span_search(line, pattern) + strlen(pattern), line.n);

	old.n = span_find(old, '"');
	index_put(c, b, old, value);
	free(pattern);
}

/* An index needs no seal: it says what its archive says. */
static void
index_beside_its_archive(void **state)
{
	static const char *const keys[] = {"url", "mime", "status", "digest",
	    "length", "filename", "date"};
	static const char *const values[] = {"http://two.test/", "text/plain",
	    "404", "sha256:00", "17", "other.warc.gz",
	    "2019-01-14T06:00:00.001Z"};
	struct buf b = BUF_INIT(1u << 20), text = BUF_INIT(1u << 20);
	struct span line, cut;
	struct scene c;
	char *words;

	(void)state;
	two_days(&c);
	load(&c, FIRST_INDEX, &b);
	line = index_line(&b, 1);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		index_change(&c, &b, line, keys[i], values[i]);
		words = xasprintf(FIRST_INDEX ":2: its %s is not what the "
					      "record at ",
		    keys[i]);
		expect(&c, EXIT_FAILED, words);
		free(words);
	}
	index_change(&c, &b, line, "offset", "12345");
	expect(&c, EXIT_FAILED, ":2: its offset is 12345, and the record is ");
	/* Its key. */
	index_put(&c, &b, span_slice(line, 0, 4), "best");
	expect(&c, EXIT_FAILED, ":2: its key or form is not that ");
	index_put(&c, &b, line, "");
	expect(&c, EXIT_FAILED, ":0: no line for the record at ");
	index_put(&c, &b, (struct span){b.data, b.len}, "");
	expect(&c, EXIT_FAILED, ":0: no line for the record at ");
	/* A line twice, and one of nothing. */
	cut = span_slice(line, 0, 0);
	words = xstrndup(line.p, line.n);
	index_put(&c, &b, cut, words);
	expect(&c, EXIT_FAILED, ":3: the archive has no such record at ");
	free(words);
	index_put(&c, &b, cut, "nothing\n");
	expect(&c, EXIT_FAILED, ":2: this is no line of an index, ");
	/* The last is torn. */
	cut = (struct span){b.data + b.len - 9, 9};
	index_put(&c, &b, cut, "");
	expect(&c, EXIT_FAILED, ":3: this is no line of an index, ");
	/* Gone. */
	words = path_of(&c, FIRST_INDEX);
	unlink(words);
	free(words);
	expect(&c, EXIT_FAILED, ":0: no line for the record at ");
	/* Lines in another order say the same. */
	buf_add_span(&text, line);
	buf_add_span(&text, index_line(&b, 2));
	buf_add_span(&text, index_line(&b, 0));
	put(&c, FIRST_INDEX, buf_span(&text));
	expect(&c, EXIT_DONE, "2 indexes; 0 faults");
	buf_release(&text);
	buf_release(&b);
	scene_end(&c);
}

static void
three_looks(struct scene *c)
{
	scene_open(c);
	looks(c, 0, 3);
}

/* After a crash it may lag behind: the next start mends it. */
static void
index_that_lags(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	scene_begin(&c);
	scene_close(&c);
	killed(&c, three_looks);
	load(&c, FIRST_INDEX, &b);
	index_put(&c, &b, index_line(&b, 2), "");
	expect(&c, EXIT_DONE, "1 records at the end of the archive have no ");
	index_put(&c, &b, index_line(&b, 0), "");
	expect(&c, EXIT_FAILED, ":0: no line for the record at ");
	buf_release(&b);
	scene_end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_bit_is_named),
	    cmocka_unit_test(other_bytes_of_the_same),
	    cmocka_unit_test(lengthened),
	    cmocka_unit_test(shortened_or_older),
	    cmocka_unit_test(missing),
	    cmocka_unit_test(while_it_is_written),
	    cmocka_unit_test(without_digests),
	    cmocka_unit_test(damaged_before_its_digest),
	    cmocka_unit_test(kill_between_file_and_seal),
	    cmocka_unit_test(start_with_lost_bytes),
	    cmocka_unit_test(database_put_back),
	    cmocka_unit_test(index_beside_its_archive),
	    cmocka_unit_test(index_that_lags),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

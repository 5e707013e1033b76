/*
 * Bytes that were on disk and are gone when the store is opened next: from
 * then on they are told, where they are missing still and where they could be
 * written again.  What a crash left that was never acknowledged is no loss.
 */
#include "scene.h"

#include "changelog.h"
#include "store_db.h"

#define NEXT_WARC "warc/kpwatch-20190115-01.warc.gz"
#define AGAIN	  "; their lines were written again from the database"
#define START	  " at the start of 20"

static size_t
size_of(const struct scene *c, const char *file)
{
	char *path = path_of(c, file);
	struct stat st;

	if (stat(path, &st) != 0)
		fail_msg("%s is not there", path);
	free(path);
	return (size_t)st.st_size;
}

static void
cut(const struct scene *c, const char *file, size_t size)
{
	char *path = path_of(c, file);

	assert_int_equal(truncate(path, (off_t)size), 0);
	free(path);
}

static void
take_away(const struct scene *c, const char *file)
{
	char *path = path_of(c, file);

	assert_int_equal(unlink(path), 0);
	free(path);
}

/* Runs the daemon's part, with some looks. */
static void
run(struct scene *c, int from, int to)
{
	scene_open(c);
	looks(c, from, to);
	scene_close(c);
}

static size_t
times_said(const struct scene *c, const char *words)
{
	const char *p = buf_str(&c->said);
	size_t n = 0;

	while ((p = strstr(p, words)) != NULL) {
		p += strlen(words);
		n++;
	}
	return n;
}

/* What `verify` is to say of bytes of a log that were written again. */
static void
expect_again(struct scene *c, const char *file, size_t at, size_t bytes)
{
	char *words =
	    xasprintf("%s:%zu: %zu bytes from here on were gone" START, file,
		at, bytes);

	expect(c, 0, words);
	assert_non_null(strstr(buf_str(&c->said), AGAIN));
	assert_non_null(strstr(buf_str(&c->said), "; 0 faults"));
	free(words);
}

/* And of those of an archive that are still missing, `start` once the daemon
 * has been started. */
static void
expect_missing(struct scene *c, const char *file, size_t at, size_t bytes,
    bool start)
{
	char *words =
	    xasprintf("%s:%zu: the file is too short: %zu bytes at its "
		      "end are missing that were there at 2019-01-1",
		file, at, bytes);

	expect(c, 1, words);
	assert_non_null(strstr(buf_str(&c->said), "; put back a copy of"));
	assert_int_equal(times_said(c, ", and gone" START), start);
	free(words);
}

/* The lines are in the database, so that nothing that the log said is lost. */
static void
log_cut(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;
	size_t border, second;

	(void)state;
	two_days(&c);
	load(&c, LATER_LOG, &b);
	border = second_member(&b);
	/* Within a member: what is left of it goes as well. */
	cut(&c, LATER_LOG, border + 5);
	expect(&c, 1, "the file is too short");
	run(&c, 6, 6);
	expect_again(&c, LATER_LOG, border, b.len - border);
	run(&c, 6, 8);
	expect_again(&c, LATER_LOG, border, b.len - border);
	/* The second time, elsewhere; and once more at the same place. */
	second = size_of(&c, LATER_LOG);
	cut(&c, LATER_LOG, second - 1);
	run(&c, 8, 8);
	expect_again(&c, LATER_LOG, border, b.len - border);
	assert_int_equal(times_said(&c, AGAIN), 2);
	second = size_of(&c, LATER_LOG);
	cut(&c, LATER_LOG, border);
	run(&c, 8, 9);
	expect_again(&c, LATER_LOG, border, b.len - border);
	expect_again(&c, LATER_LOG, border, second - border);
	assert_int_equal(times_said(&c, AGAIN), 3);
	buf_release(&b);
	scene_end(&c);
}

/* Damage in the middle, and whole members behind it. */
static void
damage(struct scene *c, struct buf *b)
{
	load(c, LATER_LOG, b);
	b->data[second_member(b) / 2] ^= 0x10;
	put(c, LATER_LOG, buf_span(b));
}

static uint64_t
last_number(const struct scene *c)
{
	char *path = path_of(c, "log"), *why = NULL, prev[65];
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct changelog *log = changelog_open(fd, NULL, NULL, NULL, &why);
	uint64_t seq;

	assert_non_null(log);
	seq = changelog_last(log, prev);
	changelog_close(log);
	close(fd);
	free(path);
	return seq;
}

/* No database has the lines behind the damage: they stay, and no number is
 * given twice, however often it is started. */
static void
log_damaged_alone(void **state)
{
	struct buf b = BUF_INIT(1u << 20), now = BUF_INIT(1u << 20);
	struct scene c;
	uint64_t last, next;

	(void)state;
	two_days(&c);
	last = last_number(&c);
	assert_true(last > 3);
	damage(&c, &b);
	take_away(&c, "kpwatch.sqlite");
	for (int n = 6; n < 9; n++, last = next) {
		run(&c, n, n + 1);
		load(&c, LATER_LOG, &now);
		assert_true(now.len > b.len);
		assert_memory_equal(now.data, b.data, b.len);
		next = last_number(&c);
		assert_true(next > last);
	}
	expect(&c, 1, LATER_LOG ":0:");
	/* What a crash tears behind them is cut off, and only that. */
	cut(&c, LATER_LOG, now.len - 1);
	run(&c, 9, 9);
	load(&c, LATER_LOG, &now);
	assert_memory_equal(now.data, b.data, b.len);
	assert_int_equal(last_number(&c), last);
	buf_release(&b);
	buf_release(&now);
	scene_end(&c);
}

/* The database has them: the log is made whole. */
static void
log_damaged(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	two_days(&c);
	damage(&c, &b);
	run(&c, 6, 8);
	expect_again(&c, LATER_LOG, 0, b.len);
	buf_release(&b);
	scene_end(&c);
}

static void
log_vanishes(void **state)
{
	size_t first, later;
	struct scene c;

	(void)state;
	two_days(&c);
	later = size_of(&c, LATER_LOG);
	take_away(&c, LATER_LOG);
	run(&c, 6, 6);
	expect_again(&c, LATER_LOG, 0, later);
	assert_int_equal(times_said(&c, AGAIN), 1);
	/* And all of it. */
	first = size_of(&c, FIRST_LOG);
	later = size_of(&c, LATER_LOG);
	take_away(&c, FIRST_LOG);
	take_away(&c, LATER_LOG);
	run(&c, 6, 8);
	expect_again(&c, FIRST_LOG, 0, first);
	expect_again(&c, LATER_LOG, 0, later);
	assert_int_equal(times_said(&c, AGAIN), 3);
	assert_non_null(strstr(buf_str(&c.said),
	    "digests: 4 files as they were written, 0 with"));
	scene_end(&c);
}

/* No line is written again into a file that is not the newest. */
static void
older_log(void **state)
{
	struct scene c;

	(void)state;
	two_days(&c);
	take_away(&c, FIRST_LOG);
	run(&c, 6, 8);
	expect(&c, 1, FIRST_LOG ":0: the file is missing from the change log");
	assert_int_equal(times_said(&c, AGAIN), 0);
	scene_end(&c);
}

/* The store says of the newest file that it is a stranger, and leaves it. */
static void
stranger(struct scene *c, const char *file, struct span bytes, const char *why)
{
	struct store_options o = {.state_dir = c->dir,
	    .config = &c->s.config,
	    .log_now = true};
	struct buf now = BUF_INIT(1u << 20);
	char *said = NULL;

	put(c, file, bytes);
	assert_null(store_open(&o, &said));
	if (strstr(said, why) == NULL)
		fail_msg("not \"%s\" but \"%s\"", why, said);
	assert_non_null(strstr(said, "; move it to another folder"));
	assert_non_null(strstr(said, file + strlen("log/")));
	load(c, file, &now);
	assert_int_equal(now.len, bytes.n);
	assert_memory_equal(now.data, bytes.p, bytes.n);
	free(said);
	buf_release(&now);
}

/* It would get the next lines, and those that it lacks a second time. */
static void
log_of_others(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c, other;

	(void)state;
	two_days(&c);
	load(&c, FIRST_LOG, &b);
	stranger(&c, "log/events-20190203.jsonl.gz", buf_span(&b),
	    "begins with an event of another day");
	expect(&c, 1,
	    "events-20190203.jsonl.gz:1: the file begins with an event of "
	    "another day than its name says");
	take_away(&c, "log/events-20190203.jsonl.gz");
	/* In the place of its own, and from another state on that day. */
	load(&c, LATER_LOG, &b);
	scene_begin(&other);
	looks(&other, 0, 1);
	other.s.now += DAY_MS;
	looks(&other, 1, 2);
	scene_close(&other);
	load(&other, LATER_LOG, &other.said);
	stranger(&c, LATER_LOG, buf_span(&other.said), "than the database has");
	put(&c, LATER_LOG, buf_span(&b));
	run(&c, 6, 8);
	expect(&c, 0, "; 0 faults");
	buf_release(&b);
	scene_end(&other);
	scene_end(&c);
}

/* An archive is gone on with only where it is as it was: the rest of it can
 * be put back at any time. */
static void
archive_cut_at(struct scene *c, const struct buf *b, size_t size)
{
	cut(c, LATER_WARC, size);
	expect_missing(c, LATER_WARC, size, b->len - size, false);
	run(c, 6, 8);
	expect_missing(c, LATER_WARC, size, b->len - size, true);
	assert_int_equal(size_of(c, LATER_WARC), size);
	assert_true(size_of(c, NEXT_WARC) > 0);
	run(c, 8, 9);
	/* A second time. */
	cut(c, LATER_WARC, size - 1);
	run(c, 9, 10);
	expect_missing(c, LATER_WARC, size - 1, b->len - size + 1, true);
	put(c, LATER_WARC, buf_span(b));
	expect(c, 0, "digests: 5 files as they were written, 0 with");
	assert_int_equal(times_said(c, START), 0);
}

static void
archive_cut(void **state)
{
	static const size_t off[] = {0, 5, 1};
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		two_days(&c);
		load(&c, LATER_WARC, &b);
		archive_cut_at(&c, &b,
		    i < 2 ? second_member(&b) + off[i] : b.len - off[i]);
		scene_end(&c);
	}
	buf_release(&b);
}

/* Of the damaged end of an archive no byte is cut off that was on disk. */
static void
archive_damaged(void **state)
{
	/* The checksum, what is before it, and so on. */
	static const size_t from_end[] = {8, 12, 40, 100, 150, 200, 400, 700};
	struct buf b = BUF_INIT(1u << 20), bad = BUF_INIT(1u << 20);
	struct scene c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from_end); i++) {
		two_days(&c);
		load(&c, LATER_WARC, &b);
		load(&c, LATER_WARC, &bad);
		for (size_t k = 0; k < 4; k++)
			bad.data[bad.len - from_end[i] + k] ^= 0x55;
		put(&c, LATER_WARC, buf_span(&bad));
		run(&c, 6, 8);
		assert_int_equal(size_of(&c, LATER_WARC), b.len);
		expect(&c, 1,
		    "bytes from here on are not those that were written");
		put(&c, LATER_WARC, buf_span(&b));
		expect(&c, 0, "digests: 5 files as they were written, 0 with");
		scene_end(&c);
	}
	buf_release(&b);
	buf_release(&bad);
}

/* The name of one that is gone is not given to another, in which its evidence
 * would be looked for. */
static void
archive_vanishes(void **state)
{
	struct scene c;

	(void)state;
	two_days(&c);
	take_away(&c, LATER_WARC);
	run(&c, 6, 8);
	assert_true(size_of(&c, NEXT_WARC) > 0);
	expect(&c, 0, LATER_WARC ": deleted; it was written until 2019-01-15T");
	take_away(&c, FIRST_WARC);
	take_away(&c, NEXT_WARC);
	run(&c, 8, 10);
	expect(&c, 0, FIRST_WARC ": deleted;");
	assert_int_equal(times_said(&c, ": deleted;"), 3);
	assert_non_null(strstr(buf_str(&c.said), "; 0 faults"));
	scene_end(&c);
}

/* Captures are not gone on with. */
static void
capture_cut(void **state)
{
	static const char file[] = "packets/20190115/7.pcap";
	char sha256[65], *path;
	struct scene c;

	(void)state;
	two_days(&c);
	path = path_of(&c, "packets");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	path = path_of(&c, "packets/20190115");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	put(&c, file, SPAN("sixteen packets."));
	sha256_hex(SPAN("sixteen packets."), sha256);
	scene_open(&c);
	look(&c, 6);
	store_seal_whole(c.s.store, file, 16, sha256, c.s.now);
	commit(&c);
	scene_close(&c);
	expect(&c, 0, "; 0 faults");
	cut(&c, file, 12);
	expect_missing(&c, file, 12, 4, false);
	run(&c, 7, 8);
	expect_missing(&c, file, 12, 4, false);
	put(&c, file, SPAN("sixteen packets."));
	expect(&c, 0, "; 0 faults");
	scene_end(&c);
}

/* A record that refers to one that is lost would be lost with it. */
static void
originals_lost(void **state)
{
	struct scene c;
	size_t size;

	(void)state;
	scene_begin(&c);
	scene_close(&c);
	c.deduplicate = true;
	run(&c, 0, 1);
	size = size_of(&c, FIRST_WARC);
	run(&c, 1, 2);
	cut(&c, FIRST_WARC, size);
	expect(&c, 1, "; 2 faults"); /* and the evidence of one event */
	run(&c, 2, 3);
	run(&c, 1, 2);
	expect(&c, 1, "; 2 faults");
	scene_end(&c);
}

/* A batch of the log under way, and a record of the archive. */
static void
torn(struct scene *c)
{
	scene_open(c);
	looks(c, 6, 7);
	look(c, 7);
}

static void
torn_by_a_crash(void **state)
{
	struct scene c;
	size_t log, warc;

	(void)state;
	two_days(&c);
	log = size_of(&c, LATER_LOG);
	warc = size_of(&c, LATER_WARC);
	killed(&c, torn);
	c.s.id += 2;
	c.s.now += 2000;
	assert_true(size_of(&c, LATER_LOG) > log + 10);
	assert_true(size_of(&c, LATER_WARC) > warc + 10);
	cut(&c, LATER_LOG, size_of(&c, LATER_LOG) - 7);
	cut(&c, LATER_WARC, size_of(&c, LATER_WARC) - 7);
	run(&c, 8, 9);
	expect(&c, 0, "digests: 4 files as they were written, 0 with");
	assert_int_equal(times_said(&c, START), 0);
	scene_end(&c);
}

/* Killed in the start that finds the loss: once it is known, once it is
 * not. */
static void
start(struct scene *c)
{
	scene_open(c);
}

static void
start_of_log(struct scene *c)
{
	char *log = path_of(c, "log"), *why = NULL;
	int fd = open(log, O_RDONLY | O_DIRECTORY);

	assert_non_null(changelog_open(fd, NULL, NULL, NULL, &why));
}

static void
killed_at_the_start(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	size_t border, warc;
	struct scene c;

	(void)state;
	two_days(&c);
	load(&c, LATER_LOG, &b);
	border = second_member(&b);
	warc = size_of(&c, LATER_WARC);
	cut(&c, LATER_LOG, b.len - 1);
	cut(&c, LATER_WARC, warc - 1);
	killed(&c, start_of_log);
	killed(&c, start);
	killed(&c, start);
	run(&c, 6, 7);
	expect_missing(&c, LATER_WARC, warc - 1, 1, true);
	assert_int_equal(times_said(&c, AGAIN), 1);
	assert_true(border < b.len);
	buf_release(&b);
	scene_end(&c);
}

/* The database cannot be written at the start that finds bytes gone: that is
 * kept before anything else is, or is not. */
static void
refused_at_the_start(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct scene c;
	struct db other;
	char *path, *why = NULL;
	size_t warc;

	(void)state;
	two_days(&c);
	load(&c, LATER_LOG, &b);
	warc = size_of(&c, LATER_WARC);
	cut(&c, LATER_LOG, b.len - 1);
	cut(&c, LATER_WARC, warc - 1);
	path = path_of(&c, STORE_NAME);
	assert_true(db_open(&other, path, false, &why));
	assert_true(db_script(&other, "BEGIN IMMEDIATE"));
	story_open(&c.s, c.dir, true);
	archive_open(&c);
	assert_true(c.s.store->unsettled);
	assert_true(size_of(&c, LATER_LOG) < b.len - 1);
	db_close(&other);
	/* It may be refused in its middle too. */
	assert_true(store_begin(c.s.store));
	c.s.store->db.failed = true;
	assert_false(scene_resume(&c));
	assert_int_equal(db_number(&c.s.store->db, 9,
			     "SELECT count(*) FROM seals"
			     " WHERE file LIKE '" SEAL_LOST "%'",
			     ""),
	    0);
	assert_true(scene_resume(&c));
	looks(&c, 6, 8);
	scene_close(&c);
	expect_missing(&c, LATER_WARC, warc - 1, 1, true);
	assert_int_equal(times_said(&c, AGAIN), 1);
	free(path);
	buf_release(&b);
	scene_end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(log_cut),
	    cmocka_unit_test(log_damaged_alone),
	    cmocka_unit_test(log_damaged),
	    cmocka_unit_test(log_vanishes),
	    cmocka_unit_test(older_log),
	    cmocka_unit_test(log_of_others),
	    cmocka_unit_test(archive_cut),
	    cmocka_unit_test(archive_damaged),
	    cmocka_unit_test(archive_vanishes),
	    cmocka_unit_test(capture_cut),
	    cmocka_unit_test(originals_lost),
	    cmocka_unit_test(torn_by_a_crash),
	    cmocka_unit_test(killed_at_the_start),
	    cmocka_unit_test(refused_at_the_start),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The store on disk: what survives a kill, a torn log and a second daemon,
 * and what one unchanged look costs.
 */
#include "story.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "changelog.h"
#include "folder.h"
#include "instant.h"
#include "limit.h"
#include "store_db.h"

/* All lines of the log, and that their chain and numbers are whole. */
static size_t
log_lines(const char *dir, struct buf *out)
{
	char *log = xasprintf("%s/log", dir), **names, prev[65];
	int dirfd = open(log, O_RDONLY | O_DIRECTORY), fd;
	struct changelog_reader *r;
	enum changelog_read state;
	struct span line;
	struct event e;
	size_t n, count = 0;

	memcpy(prev, event_chain_start, sizeof prev);
	assert_true(changelog_files(dirfd, &names, &n));
	for (size_t i = 0; i < n; i++) {
		fd = openat(dirfd, names[i], O_RDONLY);
		r = changelog_reader_new(fd, true);
		while ((state = changelog_reader_next(r, &line)) ==
		    CHANGELOG_LINE) {
			assert_true(event_read(&e, line, NULL));
			assert_int_equal(e.seq, ++count);
			assert_string_equal(e.prev, prev);
			event_chain(line, prev);
			event_release(&e);
			buf_add_span(out, line);
			buf_add_char(out, '\n');
		}
		assert_int_equal(state, CHANGELOG_END);
		changelog_reader_free(r);
		close(fd);
	}
	changelog_files_free(names, n);
	close(dirfd);
	free(log);
	return count;
}

static void
some_events(struct story *s, int n)
{
	char text[64];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof text, "title %d;block x", i);
		story_see(s, "one", text);
		assert_true(store_commit(s->store));
	}
}

static void
second_daemon_refused(void **state)
{
	struct store_options o = {0};
	char *dir = folder_make(), *why = NULL;
	struct story s;

	(void)state;
	story_begin(&s, dir);
	o.state_dir = dir;
	assert_null(store_open(&o, &why));
	assert_non_null(strstr(why, "in use by another kpwatch"));
	assert_null(strchr(why, '\n'));
	free(why);
	story_end(&s);
	folder_remove(dir);
}

/* Killed after the commit and before the log was written. */
/* A lock that leads elsewhere is neither followed nor written through. */
static void
lock_is_no_link(void **state)
{
	char *dir = folder_make();
	char *lock = xasprintf("%s/lock", dir),
	     *other = xasprintf("%s/other", dir), *why = NULL;
	struct story s = {0};
	struct store_options o = {.state_dir = dir, .config = &s.config};
	struct stat st;

	(void)state;
	story_config(&s);
	assert_int_equal(symlink("other", lock), 0);
	assert_null(store_open(&o, &why));
	assert_non_null(strstr(why, "/lock: "));
	assert_int_equal(stat(other, &st), -1);
	free(why);
	free(other);
	free(lock);
	folder_remove(dir);
}

static void
kill_between_commit_and_log(void **state)
{
	char *dir = folder_make();
	struct buf before = BUF_INIT(1u << 22), after = BUF_INIT(1u << 22);
	struct story s;
	int status;
	pid_t pid;

	(void)state;
	story_begin(&s, dir);
	some_events(&s, 4);
	assert_int_equal(log_lines(dir, &before), 4);
	story_end(&s);
	pid = fork();
	if (pid == 0) {
		story_begin(&s, dir);
		store_close(s.store);
		story_open(&s, dir, false);
		s.id = 100;
		s.now += 100000;
		story_see(&s, "one", "title a;block x");
		story_see(&s, "two", "channel vk b");
		if (!store_commit(s.store))
			_exit(1);
		/* This one was never committed: it never happened. */
		story_see(&s, "three", "channel vk b");
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(log_lines(dir, &after), 4);
	buf_clear(&after);
	story_begin(&s, dir);
	assert_int_equal(log_lines(dir, &after), 6);
	assert_memory_equal(after.data, before.data, before.len);
	assert_null(strstr(after.data, "\"three\""));
	assert_int_equal(store_last_seq(s.store), 6);
	story_end(&s);
	buf_release(&before);
	buf_release(&after);
	folder_remove(dir);
}

static char *
log_path(const char *dir)
{
	return xasprintf("%s/log/events-20190114.jsonl.gz", dir);
}

static void
write_file(const char *path, const char *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static struct buf
read_file(const char *path)
{
	struct buf b = BUF_INIT(1u << 24);
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
		b.len += (size_t)n;
	close(fd);
	return b;
}

/* The log cut at every byte: opening it keeps whole members only. */
static void
torn_at_every_byte(void **state)
{
	char *dir = folder_make(), *path = log_path(dir), *log, *why = NULL;
	struct buf whole, lines = BUF_INIT(1u << 20),
			  after = BUF_INIT(1u << 20);
	struct changelog *c;
	struct story s;
	struct stat st;
	char prev[65];
	uint64_t cut, seq, last = 0;
	int dirfd;

	(void)state;
	story_begin(&s, dir);
	some_events(&s, 3);
	story_end(&s);
	whole = read_file(path);
	assert_int_equal(log_lines(dir, &lines), 3);
	log = xasprintf("%s/log", dir);
	dirfd = open(log, O_RDONLY | O_DIRECTORY);
	for (size_t n = 0; n <= whole.len; n++) {
		write_file(path, whole.data, n);
		c = changelog_open(dirfd, NULL, NULL, &cut, &why);
		assert_non_null(c);
		seq = changelog_last(c, prev);
		assert_true(seq >= last && seq <= 3);
		last = seq;
		stat(path, &st);
		assert_int_equal(st.st_size, n - cut);
		changelog_close(c);
	}
	assert_int_equal(last, 3);
	/* And the store writes again what was lost, byte for byte. */
	for (size_t n = 0; n <= whole.len; n += whole.len / 9) {
		write_file(path, whole.data, n);
		story_begin(&s, dir);
		story_end(&s);
		buf_clear(&after);
		assert_int_equal(log_lines(dir, &after), 3);
		assert_string_equal(buf_str(&after), buf_str(&lines));
	}
	close(dirfd);
	buf_release(&whole);
	buf_release(&lines);
	buf_release(&after);
	free(log);
	free(path);
	folder_remove(dir);
}

static void
rotation_by_day(void **state)
{
	char *dir = folder_make(), *path;
	struct buf lines = BUF_INIT(1u << 20);
	struct story s;

	(void)state;
	story_begin(&s, dir);
	some_events(&s, 2);
	s.now += INT64_C(86400000);
	story_see(&s, "one", "title next;block x");
	assert_true(store_commit(s.store));
	/* The clock goes back: the newest file goes on, and it is said. */
	s.now -= INT64_C(2) * 86400000;
	story_see(&s, "one", "title back;block x");
	story_end(&s);
	path = xasprintf("%s/log/events-20190115.jsonl.gz", dir);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(log_lines(dir, &lines), 5);
	assert_non_null(strstr(buf_str(&lines), "clock.stepped"));
	free(path);
	buf_release(&lines);
	folder_remove(dir);
}

/* The same observation twice (a source that was restarted) counts once. */
static void
stored_once(void **state)
{
	char *dir = folder_make();
	struct resume known;
	struct story s;

	(void)state;
	story_begin(&s, dir);
	story_see(&s, "one", "block x");
	store_close(s.store);
	story_open(&s, dir, true);
	store_resume(s.store, &known);
	assert_int_equal(known.last_id, 1);
	assert_int_equal(known.npages, 1);
	assert_string_equal(known.pages[0].target, "one");
	resume_release(&known);
	s.id = 0;
	story_see(&s, "one", "block y");
	story_expect(&s, "target.baseline one\n");
	story_end(&s);
	folder_remove(dir);
}

static void
monitor_gap(void **state)
{
	char *dir = folder_make();
	struct story s;

	(void)state;
	story_begin(&s, dir);
	store_monitor_started(s.store, s.now);
	story_see(&s, "one", "block x");
	store_monitor_stopped(s.store, s.now);
	store_close(s.store);
	story_open(&s, dir, true);
	store_monitor_started(s.store, s.now + 7200000);
	story_expect(&s,
	    "monitor.started\ntarget.baseline one\n"
	    "monitor.stopped\nmonitor.gap\nmonitor.started\n");
	assert_non_null(
	    strstr(buf_str(&s.lines), "\"from\":\"2019-01-14T06:00:00.000Z\""));
	story_end(&s);
	folder_remove(dir);
}

static off_t
folder_bytes(const char *dir)
{
	char *db = xasprintf("%s/" STORE_NAME, dir), *log = log_path(dir);
	struct stat st;
	off_t sum = 0;

	if (stat(db, &st) == 0)
		sum += st.st_size;
	if (stat(log, &st) == 0)
		sum += st.st_size;
	free(db);
	free(log);
	return sum;
}

#define LOOKS 40000

static void
bytes_per_look(void **state)
{
	char *dir = folder_make(), id[32];
	struct story s;
	off_t before;
	double each;
	int64_t start, took;

	(void)state;
	story_begin(&s, dir);
	for (int i = 0; i < 170; i++) {
		snprintf(id, sizeof id, "site%03d", i);
		story_see(&s, id, "channel vk b;share qq;block x;title T");
	}
	store_close(s.store);
	before = folder_bytes(dir);
	story_open(&s, dir, true);
	start = monotonic_us();
	for (int i = 0; i < LOOKS; i++) {
		snprintf(id, sizeof id, "site%03d", i % 170);
		story_see(&s, id, "channel vk b;share qq;block x;title T");
		if (i % 64 == 0)
			assert_true(store_commit(s.store));
	}
	assert_true(store_commit(s.store));
	took = monotonic_us() - start;
	store_close(s.store);
	each = (double)(folder_bytes(dir) - before) / LOOKS;
	print_message("%d unchanged looks: %.1f bytes and %.0f us each\n",
	    LOOKS, each, (double)took / LOOKS);
	assert_true(each < 60);
	s.store = NULL;
	story_end(&s);
	folder_remove(dir);
}

static int64_t
database_number(const char *path, const char *change, const char *question)
{
	struct db db;
	char *why = NULL;
	int64_t n;

	assert_true(db_open(&db, path, false, &why));
	assert_true(db_script(&db, change));
	n = db_number(&db, -1, question, "");
	db_close(&db);
	return n;
}

/* Blocks that an older version kept are given their target. */
static void
blocks_without_target(void **state)
{
	char *dir = folder_make(), *path = xasprintf("%s/" STORE_NAME, dir);
	struct story s;

	(void)state;
	story_begin(&s, dir);
	story_see(&s, "one", "block x;block y");
	story_see(&s, "two", "block x");
	story_end(&s);
	assert_int_equal(database_number(path, UNDO_TO_7,
			     "SELECT count(*) FROM blocks"),
	    3);
	story_begin(&s, dir);
	story_end(&s);
	assert_int_equal(database_number(path, "",
			     "SELECT count(*) FROM blocks b JOIN pages p"
			     " ON p.page = b.page AND p.target = b.target"),
	    3);
	free(path);
	folder_remove(dir);
}

#define PAGE_COLUMNS 27

/* All that the database knows of pages, after a change to it. */
static char *
database_pages(const char *path, const char *change)
{
	struct buf b = BUF_INIT(64 * KIB);
	struct db db;
	char *why = NULL, *text;
	struct sqlite3_stmt *s;

	assert_true(db_open(&db, path, false, &why));
	assert_true(db_script(&db, change));
	s = db_query(&db, "SELECT * FROM pages ORDER BY page", "");
	while (db_row(&db, s))
		for (int i = 0; i < PAGE_COLUMNS; i++) {
			text = column_text(s, i);
			buf_addf(&b, "%s|", text == NULL ? "null" : text);
			free(text);
		}
	buf_addf(&b, "%lld",
	    (long long)db_number(&db, 0, "SELECT count(*) FROM channels", ""));
	db_close(&db);
	return buf_detach(&b, NULL);
}

/* A channel of the site goes; what is told of it. */
static void
lose_channel(struct story *s, bool upgraded, const char *dir)
{
	char *path = xasprintf("%s/" STORE_NAME, dir), *before, *after;

	story_see(s, "one", "channel youtube @a;block x");
	story_see(s, "two", "block x");
	story_see(s, "one", "channel youtube @a;block x");
	story_see(s, "one", "block x");
	assert_true(store_commit(s->store));
	store_close(s->store);
	before = database_pages(path, "");
	assert_non_null(strstr(before, "http://two.example/"));
	if (upgraded) {
		after = database_pages(path, UNDO_TO_9);
		assert_string_equal(after, before);
		free(after);
	}
	story_open(s, dir, true);
	after = database_pages(path, "");
	assert_string_equal(after, before);
	free(after);
	free(before);
	story_see(s, "one", "block x");
	story_see(s, "two", "block x");
	story_see(s, "one", "block x");
	assert_true(store_commit(s->store));
	/* Turns were counted on. */
	assert_int_equal(database_number(path, "",
			     "SELECT count(*) FROM pages WHERE turn = looks"),
	    2);
	free(path);
}

/* Of pages that an older version kept in one table nothing is lost, and they
 * go on as if nothing had been. */
static void
pages_in_one_table(void **state)
{
	struct buf lines[2];
	struct story s;
	char *dir;

	(void)state;
	for (int upgraded = 0; upgraded < 2; upgraded++) {
		dir = folder_make();
		story_begin(&s, dir);
		lose_channel(&s, upgraded, dir);
		lines[upgraded] = s.lines;
		buf_init(&s.lines, KIB);
		story_end(&s);
		folder_remove(dir);
	}
	assert_non_null(strstr(buf_str(&lines[0]), "channel.removed"));
	assert_string_equal(buf_str(&lines[1]), buf_str(&lines[0]));
	buf_release(&lines[0]);
	buf_release(&lines[1]);
}

static void
make_record(struct observation *o, struct finding *f, uint64_t id, size_t text)
{
	char *block = xcalloc(1, text + 1), target[16];
	struct hop *h;

	memset(block, 'x', text);
	snprintf(target, sizeof target, "t%d", (int)id);
	h = look_begin(o, f, target, "main", "http://x.example/");
	h->status = 200;
	h->stage = STAGE_BODY;
	o->id = id;
	o->time = INT64_C(1547445600000) + (int64_t)id;
	finding_add_block(f, span_of(block), id, false);
	look_hash(f, block);
	free(block);
}

/* A group of records as the store process takes it: again from the first one,
 * until all of it is on disk. */
static bool
store_group(struct store *st, const struct observation *o,
    const struct finding *f, size_t n)
{
	struct advice a;
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++) {
		ok = store_observe(st, &o[i], &f[i], &a);
		advice_release(&a);
	}
	return ok && store_commit(st);
}

/* The disk is full in the middle of a group, where SQLite undoes all of it by
 * itself: what comes behind must not be kept alone. */
static void
full_within_a_group(void **state)
{
	char limit[64];
	struct observation o[3];
	struct finding f[3];
	struct story s;
	int tries = 0;

	(void)state;
	story_begin(&s, NULL);
	for (size_t i = 0; i < 3; i++)
		make_record(&o[i], &f[i], i + 1, i == 1 ? 60000 : 10);
	snprintf(limit, sizeof limit, "PRAGMA max_page_count = %d",
	    (int)db_number(&s.store->db, 0, "PRAGMA page_count", "") + 3);
	assert_true(db_script(&s.store->db, limit));
	assert_false(store_group(s.store, o, f, 3));
	assert_true(db_script(&s.store->db, "PRAGMA max_page_count = 100000"));
	while (!store_group(s.store, o, f, 3))
		assert_true(++tries < 8);
	assert_int_equal(db_number(&s.store->db, 0,
			     "SELECT count(*) FROM observations", ""),
	    3);
	assert_string_equal(buf_str(&s.told),
	    "target.baseline t1\ntarget.baseline t2\ntarget.baseline t3\n");
	for (size_t i = 0; i < 3; i++) {
		observation_release(&o[i]);
		finding_release(&f[i]);
	}
	story_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(second_daemon_refused),
	    cmocka_unit_test(lock_is_no_link),
	    cmocka_unit_test(kill_between_commit_and_log),
	    cmocka_unit_test(torn_at_every_byte),
	    cmocka_unit_test(rotation_by_day),
	    cmocka_unit_test(stored_once),
	    cmocka_unit_test(monitor_gap),
	    cmocka_unit_test(bytes_per_look),
	    cmocka_unit_test(blocks_without_target),
	    cmocka_unit_test(pages_in_one_table),
	    cmocka_unit_test(full_within_a_group),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sqlite3.h>

#include "limit.h"
#include "log.h"
#include "store_kept.h"

#define LOCK_FILE "lock"

/* mkdir -p for our own two folders. */
static bool
make_dirs(const char *path)
{
	char *copy = xstrdup(path);
	bool ok = true;

	for (char *p = copy + 1; ok && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		ok = mkdir(copy, 0755) == 0 || errno == EEXIST;
		*p = '/';
	}
	ok = ok && (mkdir(copy, 0750) == 0 || errno == EEXIST);
	free(copy);
	return ok;
}

static int
open_dir(const char *path, char **why)
{
	int fd = make_dirs(path)
	    ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	    : -1;

	if (fd < 0)
		*why = xasprintf("%s: %s", path, strerror(errno));
	return fd;
}

/* One daemon a folder: the lock goes with the process, however it ends. */
static bool
take_lock(struct store *st, const char *dir, char **why)
{
	char pid[32];
	ssize_t n;

	st->lockfd = openat(st->dirfd, LOCK_FILE,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (st->lockfd < 0) {
		*why = xasprintf("%s/" LOCK_FILE ": %s", dir, strerror(errno));
		return false;
	}
	if (flock(st->lockfd, LOCK_EX | LOCK_NB) != 0) {
		n = pread(st->lockfd, pid, sizeof pid - 1, 0);
		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		*why = xasprintf("%s is in use by another kpwatch (process "
				 "%s); stop it, or give another folder with -s",
		    dir, *pid == '\0' ? "unknown" : pid);
		return false;
	}
	n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(st->lockfd, 0) != 0 ||
	    pwrite(st->lockfd, pid, (size_t)n, 0) != n)
		log_warn("store: lock file: %s", strerror(errno));
	return true;
}

static bool
open_folders(struct store *st, char **why)
{
	const char *dir = st->options.state_dir;
	char *log_dir;

	st->dirfd = open_dir(dir, why);
	if (st->dirfd < 0 || !take_lock(st, dir, why))
		return false;
	log_dir = st->options.log_dir != NULL ? xstrdup(st->options.log_dir)
					      : xasprintf("%s/log", dir);
	st->logfd = open_dir(log_dir, why);
	free(log_dir);
	return st->logfd >= 0;
}

static bool
open_database(struct store *st, char **why)
{
	const char *dir = st->options.state_dir;
	char *path = dir == NULL ? xstrdup(":memory:")
				 : xasprintf("%s/" STORE_NAME, dir);
	bool ok =
	    db_open(&st->db, path, false, why) && schema_make(&st->db, why);

	free(path);
	return ok;
}

char *
store_damage(const struct store *st)
{
	return st->db.damaged
	    ? xasprintf("%s/" STORE_NAME
			" is damaged; put back a copy of it, or move it "
			"and its -wal and -shm away to begin anew: the change "
			"log goes on",
		  st->options.state_dir)
	    : NULL;
}

/* The end of the chain in the database. */
static void
load_chain(struct store *st)
{
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT seq, line FROM events"
	    " ORDER BY seq DESC LIMIT 1",
	    "");

	st->seq = 0;
	memcpy(st->prev, event_chain_start, sizeof st->prev);
	if (db_row(&st->db, s)) {
		st->seq = (uint64_t)sqlite3_column_int64(s, 0);
		event_chain(span_of((const char *)sqlite3_column_text(s, 1)),
		    st->prev);
	}
	sqlite3_reset(s);
}

static void
load_outage(struct store *st)
{
	const struct config *c = st->config;
	struct outage *o = &st->outage;
	sqlite3_stmt *s;

	outage_release(o);
	outage_init(o, c == NULL ? 0 : (uint32_t)c->ncontrols,
	    c == NULL ? 120000 : c->offline_window);
	s = db_query(&st->db,
	    "SELECT target, alive FROM targets"
	    " ORDER BY target",
	    "");
	while (db_row(&st->db, s))
		outage_set_alive(o, sqlite3_column_int64(s, 0),
		    sqlite3_column_int(s, 1) != 0);
	o->offline = meta_number(&st->db, "offline", 0) != 0;
	o->since = meta_number(&st->db, "offline_since", INSTANT_NONE);
	o->last_success = meta_number(&st->db, "last_success", INSTANT_NONE);
	o->last_row = meta_number(&st->db, "last_row", 0);
	o->other_success = meta_number(&st->db, "other_success", INSTANT_NONE);
	st->outage_dirty = false;
}

static void
save_outage(struct store *st)
{
	const struct outage *o = &st->outage;

	if (!st->outage_dirty)
		return;
	meta_set(&st->db, "offline", o->offline);
	meta_set(&st->db, "offline_since", o->since);
	meta_set(&st->db, "last_success", o->last_success);
	meta_set(&st->db, "last_row", o->last_row);
	meta_set(&st->db, "other_success", o->other_success);
	st->outage_dirty = false;
}

/* Everything kept in memory beside the database, read from it. */
static void
load_memory(struct store *st)
{
	load_chain(st);
	load_outage(st);
	turns_load(st);
	kept_clear(st->kept);
	st->may_hold = true;
	st->committed_seq = st->seq;
	st->last_id = (uint64_t)db_number(&st->db, 0,
	    "SELECT max(observation) FROM observations", "");
	st->last_time = meta_number(&st->db, "last_time", INSTANT_NONE);
	st->generation = (uint64_t)meta_number(&st->db, "recognition", 0);
	st->recognition_new = st->recognition.n > 0;
}

/* A log that is ahead of the database (restored from an older copy) goes on
 * from its own end: numbers are never given twice. */
static void
follow_log(struct store *st)
{
	char prev[65];
	uint64_t seq = changelog_last(st->log, prev);

	st->logged_seq = seq;
	if (seq > st->seq) {
		log_warn("store: the change log is ahead of the database by "
			 "%llu events; going on from the log",
		    (unsigned long long)(seq - st->seq));
		st->seq = st->committed_seq = seq;
		st->behind = true;
		memcpy(st->prev, prev, sizeof st->prev);
	}
}

/* Has the database all lines between those numbers? */
static bool
has_lines(uint64_t from, uint64_t to, void *arg)
{
	struct store *st = arg;

	return (uint64_t)db_number(&st->db, 0,
		   "SELECT count(*) FROM events WHERE seq > ?1 AND seq <= ?2",
		   "uu", from, to) == to - from;
}

/* Nothing is written behind the log's end before it is kept how it was found:
 * else bytes that are gone would not be missed any more. */
static bool
settle_log(struct store *st)
{
	if (!st->unsettled || st->open)
		return !st->unsettled;
	st->unsettled = false;
	st->unsettled = !store_seal_resume(st, SEAL_LOG, st->logfd,
	    changelog_file(st->log), changelog_sealing(st->log));
	return !st->unsettled;
}

/* A newest file of another log would be gone on with, and what ours lacks
 * written into it.  Where the database does not have the line, nobody can
 * tell. */
static bool
log_is_ours(struct store *st, char **why)
{
	char hash[65], ours[65];
	uint64_t first = changelog_first(st->log, hash);
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT line FROM events WHERE seq = ?1", "u", first);
	bool ok = true;

	if (first != 0 && db_row(&st->db, s)) {
		event_chain(span_of((const char *)sqlite3_column_text(s, 0)),
		    ours);
		ok = strcmp(hash, ours) == 0;
	}
	sqlite3_reset(s);
	if (ok)
		return true;
	*why = xasprintf("change log: %s begins with another event %llu than "
			 "the database has: it is no part of this log; move it "
			 "to another folder",
	    changelog_file(st->log), (unsigned long long)first);
	changelog_close(st->log); /* nothing is written into it */
	st->log = NULL;
	return false;
}

static bool
open_log(struct store *st, char **why)
{
	uint64_t cut = 0;

	st->log = changelog_open(st->logfd, has_lines, st, &cut, why);
	if (st->log == NULL || !log_is_ours(st, why))
		return false;
	if (cut > 0)
		log_warn("change log: a torn tail of %llu bytes was cut off",
		    (unsigned long long)cut);
	follow_log(st);
	st->unsettled = true;
	settle_log(st);
	if (st->logged_seq < st->committed_seq) {
		log_info("change log: %llu lines written again",
		    (unsigned long long)(st->committed_seq - st->logged_seq));
		store_flush(st);
	}
	return true;
}

struct store *
store_open(const struct store_options *options, char **why)
{
	struct store *st = xcalloc(1, sizeof *st);
	bool disk = options->state_dir != NULL;

	*why = NULL;
	st->options = *options;
	st->config = options->config;
	st->dirfd = st->logfd = st->lockfd = -1;
	st->kept = kept_new(KEPT_BYTES_MAX);
	if (getentropy(st->secret, sizeof st->secret) != 0)
		fatal("no random numbers: %s", strerror(errno));
	if (st->options.member_age_ms == 0)
		st->options.member_age_ms = MEMBER_AGE_MS;
	if ((disk && !open_folders(st, why)) || !open_database(st, why))
		goto refuse;
	st->db.failed = false;
	load_memory(st);
	if (st->db.failed)
		*why = xasprintf("the database cannot be read: %s",
		    sqlite3_errmsg(st->db.sqlite));
	if (st->db.failed || (disk && !open_log(st, why)))
		goto refuse;
	return st;
refuse:
	if (disk && st->db.damaged) {
		free(*why);
		*why = store_damage(st);
	}
	store_close(st);
	return NULL;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	if (st->open && !store_commit(st))
		log_error("store: the last observations could not be kept");
	if (st->log != NULL)
		store_flush(st);
	seals_close(st);
	changelog_close(st->log);
	outage_release(&st->outage);
	turns_release(&st->turns);
	kept_free(st->kept);
	db_close(&st->db);
	recognition_release(&st->recognition);
	free(st->cluster);
	if (st->logfd >= 0)
		close(st->logfd);
	if (st->lockfd >= 0)
		close(st->lockfd);
	if (st->dirfd >= 0)
		close(st->dirfd);
	free(st);
}

void
store_configure(struct store *st, const struct config *config)
{
	st->config = config;
	st->options.config = config;
	kept_clear(st->kept); /* targets of the old one */
	if (config != NULL) {
		st->outage.controls = (uint32_t)config->ncontrols;
		st->outage.window = config->offline_window;
	}
}

bool
store_begin(struct store *st)
{
	if (!st->open) {
		st->db.failed = false;
		st->open = db_script(&st->db, "BEGIN IMMEDIATE");
	}
	return st->open;
}

/* Drops what makes a line too long, least important first. */
static void
write_line(struct event *e, struct buf *line)
{
	while (!event_write(e, line)) {
		buf_clear(line);
		if (e->nadded + e->nremoved > 0) {
			e->nadded /= 2;
			e->nremoved /= 2;
		} else if (e->nitems > 0) {
			e->nitems /= 2;
		} else if (e->element != NULL || e->text != NULL) {
			e->element = e->text = NULL;
		} else {
			bug("store: an event line is too long");
		}
	}
}

void
store_emit(void *store, struct event *e)
{
	struct store *st = store;
	struct buf line = BUF_INIT(EVENT_LINE_MAX);

	e->seq = st->seq + 1;
	memcpy(e->prev, st->prev, sizeof e->prev);
	cluster_join(st, e);
	write_line(e, &line);
	if (db_run(&st->db,
		"INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
		" ?7)",
		"uisssst", e->seq, e->time, event_type_name(e->type), e->target,
		e->platform, e->name, buf_span(&line))) {
		st->seq = e->seq;
		event_chain(buf_span(&line), st->prev);
	}
	buf_release(&line);
}

bool
store_forget(struct store *st)
{
	sqlite3_exec(st->db.sqlite, "ROLLBACK", NULL, NULL, NULL);
	st->open = false;
	st->db.failed = false;
	load_memory(st);
	if (st->log != NULL && st->logged_seq > st->seq)
		follow_log(st);
	return false;
}

void
store_undo(struct store *st)
{
	if (st->open)
		store_forget(st);
}

/* Events of (from, to] go to the callback, now that nothing can undo them. */
static void
announce(struct store *st, uint64_t from)
{
	sqlite3_stmt *s;
	struct span line;
	struct event e;

	s = db_query(&st->db,
	    "SELECT line FROM events WHERE seq > ?1"
	    " ORDER BY seq",
	    "u", from);
	while (db_row(&st->db, s)) {
		line = (struct span){(const char *)sqlite3_column_text(s, 0),
		    (size_t)sqlite3_column_bytes(s, 0)};
		st->waiting += line.n + 1;
		if (st->options.event == NULL)
			continue;
		if (!event_read(&e, line, NULL))
			bug("store: an event that cannot be read");
		st->options.event(&e, line, st->options.arg);
		event_release(&e);
	}
}

static bool
commit_open(struct store *st)
{
	uint64_t from = st->committed_seq;

	save_outage(st);
	meta_set(&st->db, "last_time", st->last_time);
	seals_save(st);
	if (st->db.failed || !db_script(&st->db, "COMMIT"))
		return store_forget(st);
	st->open = false;
	seals_saved(st);
	st->committed_seq = st->seq;
	if (st->seq == from)
		return true;
	if (st->waiting == 0)
		st->waiting_since = monotonic_us();
	announce(st, from);
	if (st->log != NULL &&
	    (st->options.log_now || st->waiting >= MEMBER_BYTES_MAX))
		store_flush(st);
	return true;
}

bool
store_commit(struct store *st)
{
	if (st->open && !commit_open(st))
		return false;
	settle_log(st); /* else with the next */
	return true;
}

/* Lines that go into one member. */
struct batch {
	struct buf lines;
	int64_t first, last; /* times */
	uint64_t seq;	     /* of the last */
};

/* Appends one batch; true when it is on disk. */
static bool
append_batch(struct store *st, struct batch *b)
{
	if (!changelog_append(st->log, b->first, buf_span(&b->lines), b->seq))
		return false;
	store_seal(st, SEAL_LOG, changelog_file(st->log),
	    changelog_sealing(st->log), b->last);
	st->logged_seq = b->seq;
	buf_clear(&b->lines);
	return true;
}

static bool
batch_ends(const struct store *st, const struct batch *b, int64_t time)
{
	return b->lines.len > 0 &&
	    (b->lines.len >= MEMBER_BYTES_MAX ||
		!changelog_same_file(st->log, b->first, time));
}

/* Lines that the log lacks, read from the database in batches of a member. */
static bool
append_missing(struct store *st)
{
	struct batch b = {
	    .lines = BUF_INIT(MEMBER_BYTES_MAX + EVENT_LINE_MAX + 1)};
	sqlite3_stmt *s;
	int64_t time;
	bool ok = true;

	s = db_query(&st->db,
	    "SELECT seq, time, line FROM events"
	    " WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
	    "uu", st->logged_seq, st->committed_seq);
	while (ok && db_row(&st->db, s)) {
		time = sqlite3_column_int64(s, 1);
		if (batch_ends(st, &b, time))
			ok = append_batch(st, &b);
		if (b.lines.len == 0)
			b.first = time;
		b.last = time;
		b.seq = (uint64_t)sqlite3_column_int64(s, 0);
		buf_add(&b.lines, sqlite3_column_text(s, 2),
		    (size_t)sqlite3_column_bytes(s, 2));
		buf_add_char(&b.lines, '\n');
	}
	sqlite3_reset(s);
	if (ok && b.lines.len > 0)
		ok = append_batch(st, &b);
	buf_release(&b.lines);
	return ok;
}

bool
store_flush(struct store *st)
{
	bool ok;

	if (st->log == NULL || st->logged_seq >= st->committed_seq)
		return true;
	ok = settle_log(st) && append_missing(st);
	if (ok) {
		st->waiting = 0;
		if (st->log_refused)
			log_info("change log: the disk takes lines again");
	} else {
		st->waiting_since = monotonic_us();
		if (!st->log_refused)
			log_error("change log: %s; events are kept in the "
				  "database until it can be written",
			    st->unsettled ? "the database refuses"
					  : strerror(errno));
	}
	st->log_refused = !ok;
	return ok;
}

int64_t
store_flush_due(const struct store *st, int64_t now_us)
{
	int64_t left;

	if (st->log == NULL || st->logged_seq >= st->committed_seq)
		return -1;
	left = st->options.member_age_ms - (now_us - st->waiting_since) / 1000;
	return left < 0 ? 0 : left;
}

uint64_t
store_last_seq(const struct store *st)
{
	return st->committed_seq;
}

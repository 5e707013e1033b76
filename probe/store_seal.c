#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instant.h"
#include "limit.h"
#include "log.h"
#include "store_db.h"

static const char *const folders[SEAL_FOLDERS] = {"log", "warc"};

/* ---- Seals on their way into the database ---- */

static struct seal *
end_one(struct seal_book *b)
{
	b->ended = xgrow(b->ended, &b->cap, b->n + 1, sizeof *b->ended);
	memset(&b->ended[b->n], 0, sizeof *b->ended);
	return &b->ended[b->n++];
}

/* The file that was written up to now goes no further. */
static void
end_current(struct seal_book *b, enum seal_folder folder)
{
	struct seal *current = &b->current[folder];

	if (current->file == NULL)
		return;
	current->closed = true;
	*end_one(b) = *current;
	memset(current, 0, sizeof *current);
	b->moved[folder] = false;
}

void
store_seal(struct store *st, enum seal_folder folder, const char *name,
    const struct sealing *s, int64_t time)
{
	struct seal_book *b = &st->seals;
	struct seal *current = &b->current[folder];
	size_t prefix = strlen(folders[folder]) + 1;

	if (current->file == NULL ||
	    strcmp(current->file + prefix, name) != 0) {
		end_current(b, folder);
		current->file = xasprintf("%s/%s", folders[folder], name);
	}
	current->at = s->at;
	current->bytes = s->bytes;
	sealing_digest(s, current->sha256);
	current->time = time;
	b->moved[folder] = true;
}

void
store_seal_whole(struct store *st, const char *file, uint64_t bytes,
    const char *sha256, int64_t time)
{
	struct seal *s = end_one(&st->seals);

	s->file = xstrdup(file);
	s->bytes = bytes;
	snprintf(s->sha256, sizeof s->sha256, "%s", sha256);
	s->time = time;
	s->closed = true;
}

static void
save(struct store *st, const struct seal *s)
{
	db_run(&st->db,
	    "INSERT INTO seals VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	    " ON CONFLICT(file, at) DO UPDATE SET bytes = excluded.bytes,"
	    " sha256 = excluded.sha256, time = excluded.time,"
	    " closed = excluded.closed, found = excluded.found",
	    "suusiii", s->file, s->at, s->bytes, s->sha256, s->time,
	    (int64_t)s->closed, (int64_t)s->found);
}

void
seals_save(struct store *st)
{
	const struct seal_book *b = &st->seals;

	for (size_t i = 0; i < b->n; i++)
		save(st, &b->ended[i]);
	for (size_t i = 0; i < SEAL_FOLDERS; i++)
		if (b->moved[i])
			save(st, &b->current[i]);
}

void
seals_saved(struct store *st)
{
	struct seal_book *b = &st->seals;

	while (b->n > 0)
		seal_release(&b->ended[--b->n]);
	memset(b->moved, 0, sizeof b->moved);
}

void
seals_close(struct store *st)
{
	struct seal_book *b = &st->seals;

	for (int i = 0; i < SEAL_FOLDERS; i++)
		end_current(b, (enum seal_folder)i);
	if (b->n > 0 && store_begin(st))
		store_commit(st);
	seals_saved(st);
	free(b->ended);
	memset(b, 0, sizeof *b);
}

/* ---- The start ---- */

/* Time is that of observations: a replay gives the same rows. */
static int64_t
latest(const struct store *st)
{
	return st->last_time == INSTANT_NONE ? instant_now() : st->last_time;
}

static bool
is_log(const char *file)
{
	return span_starts(span_of(file), "log/");
}

static uint64_t
sealed_end(struct store *st, const char *file)
{
	return (uint64_t)db_number(&st->db, 0,
	    "SELECT max(at + bytes) FROM seals WHERE file = ?1", "s", file);
}

uint64_t
store_sealed(struct store *st, enum seal_folder folder, const char *name)
{
	char *file = xasprintf("%s/%s", folders[folder], name);
	uint64_t end = sealed_end(st, file);

	free(file);
	return end;
}

/* Of bytes that are still missing it is known which start saw it first. */
static bool
loss_known(struct store *st, const struct seal *lost, const char *file)
{
	return db_number(&st->db, 0,
		   "SELECT count(*) FROM seals"
		   " WHERE file > ?1 AND file < 'lost0' AND at = ?2"
		   " AND bytes = ?3 AND closed = 0"
		   " AND substr(file, instr(substr(file, 6), '/') + 6) = ?4",
		   "suus", SEAL_LOST, lost->at, lost->bytes, file) > 0;
}

/* Is this not the first try to keep what this start has found? */
static bool
said_already(const struct store *st, const char *file)
{
	return st->seals.tried[is_log(file) ? SEAL_LOG : SEAL_WARC];
}

/* Bytes that the file had are gone, which stays known.  By the clock: it is
 * when somebody saw it. */
static void
note_loss(struct store *st, const char *file, uint64_t from, uint64_t to,
    bool again)
{
	char when[INSTANT_TEXT_MAX];
	struct seal lost = {.at = from,
	    .bytes = to - from,
	    .time = instant_now(),
	    .closed = again};

	if (!said_already(st, file))
		log_warn("%s: %llu bytes at its end are gone that were on "
			 "disk; %s",
		    file, (unsigned long long)lost.bytes,
		    again ? "their lines are written again from the database"
			  : "put back a copy of it");
	if (!again && loss_known(st, &lost, file))
		return;
	lost.file =
	    xasprintf(SEAL_LOST "%s/%s", instant_text(lost.time, when), file);
	save(st, &lost);
	seal_release(&lost);
}

/* Lines that the log lacks are about to be written again behind what is left:
 * the seals that cover what is gone say nothing any more. */
static void
lose_again(struct store *st, const char *file, uint64_t size, uint64_t end)
{
	if (end > size)
		note_loss(st, file, size, end, true);
	db_run(&st->db, "DELETE FROM seals WHERE file = ?1 AND at + bytes > ?2",
	    "su", file, size);
}

static void
seal_found(struct store *st, const char *file, int fd, uint64_t from,
    uint64_t to)
{
	struct seal s = {.at = from,
	    .bytes = to - from,
	    .time = latest(st),
	    .found = true};

	if (s.bytes > SEAL_FOUND_MAX ||
	    !seal_read(fd, s.at, s.bytes, s.sha256)) {
		log_info("%s: %llu bytes have no digest", file,
		    (unsigned long long)s.bytes);
		return;
	}
	log_info("%s: %llu bytes that had no digest yet are taken as found",
	    file, (unsigned long long)s.bytes);
	s.file = xstrdup(file);
	save(st, &s);
	seal_release(&s);
}

/* How a file was left. */
enum left {
	LEFT_ENDED, /* in order: it was closed */
	LEFT_ENDS,  /* it is not gone on with, or the database is older */
	LEFT_OPEN,  /* it is gone on with; an archive only if it is whole */
};

static void
settle(struct store *st, int dirfd, const char *file, enum left left)
{
	const char *name = strchr(file, '/') + 1;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t end = sealed_end(st, file), size;
	struct stat sb;

	if (fd >= 0 && fstat(fd, &sb) == 0) {
		size = (uint64_t)sb.st_size;
		if (end > size && left == LEFT_OPEN && is_log(file)) {
			lose_again(st, file, size, end);
			end = sealed_end(st, file);
		} else if (end > size) {
			note_loss(st, file, size, end, false);
		}
		if (end < size && left != LEFT_ENDED)
			seal_found(st, file, fd, end, size);
	}
	if (fd >= 0)
		close(fd);
	if (left != LEFT_ENDED)
		db_run(&st->db, "UPDATE seals SET closed = ?2 WHERE file = ?1",
		    "si", file, (int64_t)(left != LEFT_OPEN));
}

/* Each file of a folder, with the place that its seals reach to. */
static size_t
sealed_files(struct store *st, const char *folder, struct seal **list)
{
	size_t n = 0, cap = 0;
	sqlite3_stmt *s;
	struct seal *x;

	*list = NULL;
	s = db_query(&st->db,
	    "SELECT file, max(at + bytes), closed FROM seals"
	    " WHERE file >= ?1 || '/' AND file < ?1 || '0' GROUP BY file",
	    "s", folder);
	while (db_row(&st->db, s)) {
		*list = xgrow(*list, &cap, n + 1, sizeof **list);
		x = &(*list)[n++];
		memset(x, 0, sizeof *x);
		x->file = column_text(s, 0);
		x->bytes = (uint64_t)sqlite3_column_int64(s, 1);
		x->closed = sqlite3_column_int(s, 2) != 0;
	}
	return n;
}

/* The files of a folder but for the one that is gone on with ("log/": none).
 * A log behind that one is gone: its lines are written again, into files of
 * these names.  With a database that is older than the log, any may have
 * grown. */
static void
settle_others(struct store *st, const char *folder, int dirfd, const char *open)
{
	struct seal *list;
	size_t n = sealed_files(st, folder, &list);

	for (size_t i = 0; i < n; i++) {
		const struct seal *x = &list[i];
		int order = strcmp(x->file, open);

		if (order > 0 && is_log(x->file) && !st->behind)
			lose_again(st, x->file, 0, x->bytes);
		else if (order != 0)
			settle(st, dirfd, x->file,
			    x->closed && !st->behind ? LEFT_ENDED : LEFT_ENDS);
		seal_release(&list[i]);
	}
	free(list);
}

bool
store_seal_resume(struct store *st, enum seal_folder folder, int dirfd,
    const char *name, const struct sealing *s)
{
	char *file =
	    xasprintf("%s/%s", folders[folder], name == NULL ? "" : name);
	bool ok = store_begin(st);

	if (ok) {
		settle_others(st, folders[folder], dirfd, file);
		if (name != NULL) {
			settle(st, dirfd, file, LEFT_OPEN);
			store_seal(st, folder, name, s, latest(st));
		}
	}
	free(file);
	st->seals.tried[folder] = true;
	return ok && store_commit(st);
}

/* ---- Reading ---- */

static const char question[] =
    "SELECT file, at, bytes, sha256, time, closed, found FROM seals"
    " WHERE file IS NOT NULL AND at >= 0 AND bytes >= 0 ORDER BY file, at";

static void
read_seal(sqlite3_stmt *row, struct seal *s)
{
	char *sha256 = column_text(row, 3);

	s->file = column_text(row, 0);
	s->at = (uint64_t)sqlite3_column_int64(row, 1);
	s->bytes = (uint64_t)sqlite3_column_int64(row, 2);
	snprintf(s->sha256, sizeof s->sha256, "%s",
	    sha256 == NULL ? "" : sha256);
	s->time = sqlite3_column_int64(row, 4);
	s->closed = sqlite3_column_int(row, 5) != 0;
	s->found = sqlite3_column_int(row, 6) != 0;
	free(sha256);
}

size_t
store_seals(const char *state_dir, struct seal **list)
{
	char *path = xasprintf("%s/" STORE_NAME, state_dir), *why = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *row = NULL;
	struct db db;

	*list = NULL;
	if (access(path, F_OK) != 0 || !db_open(&db, path, true, &why))
		goto out;
	/* A database of an older version has no such table. */
	sqlite3_prepare_v2(db.sqlite, question, -1, &row, NULL);
	while (row != NULL && sqlite3_step(row) == SQLITE_ROW) {
		*list = xgrow(*list, &cap, n + 1, sizeof **list);
		read_seal(row, &(*list)[n++]);
	}
	sqlite3_finalize(row);
	db_close(&db);
out:
	free(why);
	free(path);
	return n;
}

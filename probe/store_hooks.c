/*
 * The rows of hook deliveries (hook.h), in the same database as the events.
 *
 * `hooks.position` says up to which event a hook has been considered, so that
 * an event that was committed just before a crash is considered after it, and
 * a hook that is new begins behind the last event.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

#include "instant.h"
#include "json_read.h"
#include "limit.h"
#include "log.h"
#include "store_db.h"
#include "store_hooks.h"

#define SELECT_AT_ONCE 5000 /* events considered in one transaction */

static bool
head(void *arg, const char *hook, struct hook_row *row)
{
	struct store *st = arg;
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT seq, attempts, next FROM"
	    " deliveries WHERE hook = ?1 AND dead = 0 ORDER BY seq LIMIT 1",
	    "s", hook);
	bool found = db_row(&st->db, s);

	if (found) {
		row->seq = (uint64_t)sqlite3_column_int64(s, 0);
		row->attempts = (uint32_t)sqlite3_column_int64(s, 1);
		row->next_at = sqlite3_column_int64(s, 2);
	}
	sqlite3_reset(s);
	return found;
}

static bool
add(void *arg, const char *hook, const struct hook_row *row)
{
	struct store *st = arg;
	int64_t position = db_number(&st->db, 0,
	    "SELECT position FROM hooks WHERE hook = ?1", "s", hook);

	if (row->seq <= (uint64_t)position)
		return false; /* considered before */
	return db_run(&st->db,
	    "INSERT OR IGNORE INTO deliveries VALUES(?1,"
	    " ?2, 0, ?3, NULL, 0)",
	    "sui", hook, row->seq, row->next_at);
}

static size_t
take(void *arg, const char *hook, size_t max, struct buf *lines,
    uint64_t *first, uint64_t *last)
{
	struct store *st = arg;
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT d.seq, e.line FROM"
	    " deliveries d LEFT JOIN events e USING (seq) WHERE d.hook = ?1"
	    " AND d.dead = 0 ORDER BY d.seq LIMIT ?2",
	    "su", hook, (uint64_t)max);
	size_t n = 0;

	*first = *last = 0;
	while (db_row(&st->db, s)) {
		struct span line = {(const char *)sqlite3_column_text(s, 1),
		    (size_t)sqlite3_column_bytes(s, 1)};

		if (line.n + 1 > lines->max - lines->len)
			break;
		if (line.p != NULL) {
			buf_add_span(lines, line);
			buf_add_char(lines, '\n');
		}
		*last = (uint64_t)sqlite3_column_int64(s, 0);
		if (n++ == 0)
			*first = *last;
	}
	sqlite3_reset(s);
	return n;
}

static void
remove_rows(void *arg, const char *hook, uint64_t first, uint64_t last)
{
	struct store *st = arg;

	if (store_begin(st))
		db_run(&st->db,
		    "DELETE FROM deliveries WHERE hook = ?1 AND"
		    " seq BETWEEN ?2 AND ?3 AND dead = 0",
		    "suu", hook, first, last);
}

static size_t
fail(void *arg, const char *hook, uint64_t first, uint64_t last, uint32_t most,
    int64_t next_at, const char *reason)
{
	struct store *st = arg;
	int before;

	if (!store_begin(st))
		return 0;
	db_run(&st->db,
	    "UPDATE deliveries SET attempts = attempts + 1,"
	    " next = ?4, error = ?5 WHERE hook = ?1 AND seq BETWEEN ?2 AND ?3"
	    " AND dead = 0",
	    "suuis", hook, first, last, next_at, reason);
	before = sqlite3_total_changes(st->db.sqlite);
	db_run(&st->db,
	    "UPDATE deliveries SET dead = 1 WHERE hook = ?1 AND"
	    " seq BETWEEN ?2 AND ?3 AND dead = 0 AND attempts >= ?4",
	    "suui", hook, first, last, (int64_t)most);
	return (size_t)(sqlite3_total_changes(st->db.sqlite) - before);
}

static void
alert(void *arg, const char *target, struct alert *out)
{
	struct store *st = arg;
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT type, seq, since FROM"
	    " alerts WHERE target = ?1",
	    "s", target);

	memset(out, 0, sizeof *out);
	if (db_row(&st->db, s)) {
		snprintf(out->type, sizeof out->type, "%s",
		    (const char *)sqlite3_column_text(s, 0));
		out->seq = (uint64_t)sqlite3_column_int64(s, 1);
		out->since = sqlite3_column_int64(s, 2);
	}
	sqlite3_reset(s);
}

static void
set_alert(void *arg, const char *target, const struct alert *a)
{
	struct store *st = arg;

	if (!store_begin(st))
		return;
	if (a->type[0] == '\0')
		db_run(&st->db, "DELETE FROM alerts WHERE target = ?1", "s",
		    target);
	else
		db_run(&st->db,
		    "INSERT OR REPLACE INTO alerts VALUES(?1, ?2,"
		    " ?3, ?4)",
		    "ssui", target, a->type, a->seq, a->since);
}

void
store_hook_rows(struct store *st, struct hook_rows *rows)
{
	*rows = (struct hook_rows){head, add, take, remove_rows, fail, alert,
	    set_alert, st};
}

bool
store_hooks_begin(struct store *st, const struct config *c)
{
	if (!store_begin(st))
		return false;
	for (size_t i = 0; i < c->nhooks; i++)
		db_run(&st->db, "INSERT OR IGNORE INTO hooks VALUES(?1, ?2)",
		    "su", c->hooks[i].name, st->committed_seq);
	return store_commit(st);
}

struct selection {
	struct store *store;
	struct hook_queues *queues;
	const struct config *config;
	int64_t now;
	uint64_t last;
};

static bool
consider(uint64_t seq, struct span line, void *arg)
{
	struct selection *sel = arg;
	char *type = json_member_text(line, "type", 64);
	char *target = json_member_text(line, "target", NAME_MAX_LEN);
	char *platform = json_member_text(line, "platform", NAME_MAX_LEN);
	char *time = json_member_text(line, "time", INSTANT_TEXT_MAX);
	const struct target *t =
	    target == NULL ? NULL : config_target(sel->config, target);
	char *source = json_member_text(line, "source", 16);
	struct hook_event e = {seq, 0, type, target,
	    t == NULL ? NULL : t->category, platform};

	if (time != NULL)
		instant_parse(span_of(time), &e.time);
	/* A capture that was replayed into this state is no news. */
	if (type != NULL && source != NULL && strcmp(source, "live") == 0)
		hook_queues_event(sel->queues, &e, sel->now);
	sel->last = seq;
	free(source);
	free(type);
	free(target);
	free(platform);
	free(time);
	return true;
}

/* Where a hook of the configuration has been considered up to, at least. */
static uint64_t
least_position(struct store *st, const struct config *c)
{
	uint64_t least = st->committed_seq;

	for (size_t i = 0; i < c->nhooks; i++) {
		int64_t at = db_number(&st->db, (int64_t)st->committed_seq,
		    "SELECT position FROM hooks WHERE hook = ?1", "s",
		    c->hooks[i].name);

		if ((uint64_t)at < least)
			least = (uint64_t)at;
	}
	return least;
}

static void
set_positions(struct store *st, const struct config *c, uint64_t seq)
{
	for (size_t i = 0; i < c->nhooks; i++)
		db_run(&st->db,
		    "UPDATE hooks SET position = ?2 WHERE hook ="
		    " ?1 AND position < ?2",
		    "su", c->hooks[i].name, seq);
}

bool
store_hooks_select(struct store *st, struct hook_queues *q,
    const struct config *c, int64_t now)
{
	struct selection sel = {st, q, c, now, 0};
	uint64_t from;

	if (c->nhooks == 0)
		return true;
	while ((from = least_position(st, c)) < st->committed_seq) {
		if (!store_begin(st))
			return false;
		sel.last = from;
		store_events_after(st, from, SELECT_AT_ONCE, consider, &sel);
		if (sel.last == from)
			sel.last = st->committed_seq; /* none is left there */
		set_positions(st, c, sel.last);
		if (!store_commit(st)) {
			hook_queues_refresh(q);
			return false;
		}
	}
	return true;
}

size_t
store_hooks_revive(const char *state_dir, const char *hook, int64_t now,
    char **why)
{
	struct db db;
	size_t n = 0;

	if (db_open_state(&db, state_dir, false, why)) {
		if (db_run(&db,
			"UPDATE deliveries SET dead = 0, attempts = 0,"
			" next = ?1 WHERE dead = 1 AND (?2 IS NULL OR hook ="
			" ?2)",
			"is", now, hook))
			n = (size_t)sqlite3_changes(db.sqlite);
		else
			*why = xasprintf("%s/" STORE_NAME
					 ": the state cannot be written: %s",
			    state_dir, sqlite3_errmsg(db.sqlite));
		db_close(&db);
	} else if (*why == NULL) {
		*why = xasprintf("%s: there is no state", state_dir);
	}
	return n;
}

bool
store_hooks_changed(struct store *st)
{
	int64_t version = db_number(&st->db, 0, "PRAGMA data_version", "");
	bool changed = st->data_version != version;

	st->data_version = version;
	return changed;
}

/* Outages of our own line, and what was held until it was known. */
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_kept.h"
#include "store_look.h"

/* Did anything beyond our own line answer? */
bool
network_answered(const struct observation *o)
{
	for (size_t i = 0; i < o->nhops; i++)
		if (o->hops[i].status != 0 || o->hops[i].nchain > 0)
			return true;
	return false;
}

static void
vantage_event(struct look *l, enum event_type type)
{
	const struct outage *u = &l->st->outage;
	struct event e;

	event_begin(&e, type);
	e.time = l->o->time;
	e.vantage = l->o->vantage;
	e.source = l->o->source;
	if (type == EVENT_VANTAGE_OFFLINE) {
		e.since = u->since;
		e.attempts = (int64_t)(u->failing + u->controls_failing);
	} else {
		e.from = u->since;
		e.to = l->o->time;
	}
	look_emit(l, &e);
}

/* The line was down: what failed meanwhile says nothing about the targets. */
static void
void_failures(struct look *l)
{
	int64_t from = l->st->outage.since;

	db_run(&l->st->db,
	    "UPDATE targets SET held = 0, looks ="
	    " CASE WHEN candidate_since >= ?1 THEN 0 ELSE corroborated END,"
	    " bad = CASE WHEN candidate_since >= ?1 THEN 0 ELSE bad END,"
	    " candidate = CASE WHEN candidate_since >= ?1 THEN NULL"
	    " ELSE candidate END WHERE candidate = 'down' AND last_look >= ?1",
	    "i", from);
	kept_spoil(l->st->kept);
	verdict_void(&l->target.v, from);
	l->target.dirty = true;
}

/* A success of somebody else proves that the held ones are really down. */
static void
release_held(struct look *l)
{
	struct row_target t;
	char *id[64];
	size_t n = 0;
	enum verdict before;
	uint32_t count;
	sqlite3_stmt *s;

	if (!l->st->may_hold)
		return;
	s = db_query(&l->st->db,
	    "SELECT id FROM targets WHERE held = 1"
	    " AND last_look < ?1 AND target <> ?2 ORDER BY last_look, target"
	    " LIMIT 64",
	    "ii", l->o->time, l->target.row);
	while (db_row(&l->st->db, s))
		id[n++] = column_text(s, 0);
	if (n == 0)
		l->st->may_hold =
		    db_number(&l->st->db, 1,
			"SELECT count(*) FROM targets WHERE held = 1", "") != 0;
	for (size_t i = 0; i < n; i++) {
		row_target_load(l->st, id[i], l->o->time, &t);
		before = t.v.confirmed;
		count = t.v.count;
		verdict_confirm(&t.v);
		t.dirty = true;
		look_tell_verdict(l, id[i], &t, before, count);
		outage_set_alive(&l->st->outage, t.row, false);
		db_run(&l->st->db,
		    "UPDATE targets SET alive = 0"
		    " WHERE target = ?1",
		    "i", t.row);
		row_target_save(l->st, &t);
		row_target_release(&t);
		free(id[i]);
	}
}

/* It may have been the line: each must fail once more. */
static void
void_held(struct look *l)
{
	struct db *db = &l->st->db;

	db_run(db,
	    "UPDATE targets SET held = 0"
	    " WHERE held = 1 AND last_look < ?1",
	    "i", l->o->time);
	if (db_changes(db) > 0)
		kept_spoil(l->st->kept);
}

/* So few failed since the last answer that it cannot have been the line. */
#define FEW_FAILING 3

static void
vantage_answered(struct look *l, int64_t row)
{
	struct outage *u = &l->st->outage;
	bool online, was_alive = row == 0 || outage_target(u, row)->alive;
	size_t failing = outage_success(u, row, l->o->time, &online);

	l->st->outage_dirty = true;
	/* A replay of the packets needs it to come to the same verdicts. */
	l->proof = failing > 0;
	if (!was_alive)
		db_run(&l->st->db,
		    "UPDATE targets SET alive = 1"
		    " WHERE target = ?1",
		    "i", row);
	if (online)
		vantage_event(l, EVENT_VANTAGE_ONLINE);
	else if (failing < FEW_FAILING)
		release_held(l);
	else
		void_held(l);
}

static void
vantage_failed(struct look *l, int64_t row, uint64_t control)
{
	l->st->outage_dirty = true;
	if (!outage_failure(&l->st->outage, row, control, l->o->time))
		return;
	vantage_event(l, EVENT_VANTAGE_OFFLINE);
	void_failures(l);
}

/* A look that may tell about the line: did the network answer? */
void
look_vantage(struct look *l)
{
	if (l->seen == VERDICT_INCONCLUSIVE)
		return;
	if (network_answered(l->o))
		vantage_answered(l, l->target.row);
	else if (l->seen == VERDICT_DOWN)
		vantage_failed(l, l->target.row, 0);
}

void
look_control(struct look *l)
{
	if (network_answered(l->o))
		vantage_answered(l, 0);
	else if (verdict_of(l->o, l->f) == VERDICT_DOWN)
		vantage_failed(l, 0, bytes_hash(span_of(l->o->url)) | 1);
}

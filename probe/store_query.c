#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

#include "limit.h"
#include "log.h"
#include "store_db.h"

/* ---- The monitor itself ---- */

static void
monitor_event(struct store *st, struct event *e, enum event_type type,
    int64_t now)
{
	event_begin(e, type);
	e->time = now;
	e->vantage = st->config == NULL ? NULL : st->config->vantage;
}

void
store_monitor_started(struct store *st, int64_t now)
{
	int64_t last = st->last_time;
	int64_t usual = st->config == NULL || st->config->interval == 0
	    ? 3600000
	    : st->config->interval;
	struct event e;

	if (!store_begin(st))
		return;
	if (last != INSTANT_NONE && now - last > usual) {
		monitor_event(st, &e, EVENT_MONITOR_GAP, now);
		e.from = last;
		e.to = now;
		store_emit(st, &e);
	}
	monitor_event(st, &e, EVENT_MONITOR_STARTED, now);
	store_emit(st, &e);
}

void
store_monitor_stopped(struct store *st, int64_t now)
{
	struct event e;

	if (!store_begin(st))
		return;
	monitor_event(st, &e, EVENT_MONITOR_STOPPED, now);
	store_emit(st, &e);
}

void
store_resume(struct store *st, struct resume *r)
{
	struct resume_page *p;
	size_t cap = 0;
	sqlite3_stmt *s;

	memset(r, 0, sizeof *r);
	r->last_id = st->last_id;
	s = db_query(&st->db,
	    "SELECT t.id, p.slot, p.url, p.last_seen,"
	    " p.missing > 0 OR t.candidate IS NOT NULL, p.sampled,"
	    " CASE WHEN p.rules = ?1 THEN p.etag END,"
	    " CASE WHEN p.rules = ?1 THEN p.last_modified END"
	    " FROM pages p JOIN targets t USING (target)"
	    " WHERE p.watched > 0 AND p.last_seen IS NOT NULL"
	    " ORDER BY p.page",
	    "u", st->generation);
	while (db_row(&st->db, s)) {
		r->pages =
		    xgrow(r->pages, &cap, r->npages + 1, sizeof *r->pages);
		p = &r->pages[r->npages++];
		p->target = column_text(s, 0);
		p->page = column_text(s, 1);
		p->url = column_text(s, 2);
		p->last = sqlite3_column_int64(s, 3);
		p->confirm_soon = sqlite3_column_int(s, 4) != 0;
		p->sample = sqlite3_column_int(s, 5) != 0;
		p->etag = column_text(s, 6);
		p->last_modified = column_text(s, 7);
	}
}

/* ---- Hook deliveries ---- */

static size_t
events_after(struct db *db, uint64_t after, uint64_t upto, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg)
{
	size_t n = 0;
	bool more = true;
	sqlite3_stmt *s;

	s = db_query(db,
	    "SELECT seq, line FROM events WHERE seq > ?1"
	    " AND seq <= ?2 ORDER BY seq LIMIT ?3",
	    "uuu", after, upto, (uint64_t)limit);
	while (more && db_row(db, s)) {
		n++;
		more = each((uint64_t)sqlite3_column_int64(s, 0),
		    (struct span){(const char *)sqlite3_column_text(s, 1),
			(size_t)sqlite3_column_bytes(s, 1)},
		    arg);
	}
	sqlite3_reset(s);
	return n;
}

size_t
store_events_after(struct store *st, uint64_t seq, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg)
{
	return events_after(&st->db, seq, st->committed_seq, limit, each, arg);
}

/* ---- Reading beside a running daemon ---- */

struct store_view {
	struct db db;
	char *line; /* last event, lent out */
};

struct store_view *
store_view_open(const char *state_dir, char **why)
{
	struct store_view *v = xcalloc(1, sizeof *v);

	if (db_open_state(&v->db, state_dir, true, why))
		return v;
	free(v);
	return NULL;
}

bool
store_view_close(struct store_view *v)
{
	bool whole = v == NULL || !v->db.failed;

	if (v == NULL)
		return whole;
	if (!whole)
		log_error("%s: what was asked for could not be read whole%s",
		    sqlite3_db_filename(v->db.sqlite, "main"),
		    v->db.damaged ? "; the database is damaged, put back a "
				    "copy of it"
				  : "");
	free(v->line);
	db_close(&v->db);
	free(v);
	return whole;
}

void
store_view_totals(struct store_view *v, struct status_totals *t)
{
	sqlite3_stmt *s;

	memset(t, 0, sizeof *t);
	s = db_query(&v->db,
	    "SELECT (SELECT count(*) FROM targets),"
	    " (SELECT count(*) FROM page_facts),"
	    " (SELECT count(*) FROM observations),"
	    " (SELECT count(*) FROM events), (SELECT max(last_seen)"
	    " FROM page_looks)",
	    "");
	if (db_row(&v->db, s)) {
		t->targets = (uint64_t)sqlite3_column_int64(s, 0);
		t->pages = (uint64_t)sqlite3_column_int64(s, 1);
		t->observations = (uint64_t)sqlite3_column_int64(s, 2);
		t->events = (uint64_t)sqlite3_column_int64(s, 3);
		t->last_observation = column_time(s, 4);
	}
	sqlite3_reset(s);
	t->last_event = INSTANT_NONE;
	s = db_query(&v->db,
	    "SELECT seq, time, line FROM events"
	    " ORDER BY seq DESC LIMIT 1",
	    "");
	if (db_row(&v->db, s)) {
		t->last_seq = (uint64_t)sqlite3_column_int64(s, 0);
		t->last_event = column_time(s, 1);
		free(v->line);
		t->last_event_line = v->line = column_text(s, 2);
	}
	sqlite3_reset(s);
	t->offline = meta_number(&v->db, "offline", 0) != 0;
	t->offline_since = meta_number(&v->db, "offline_since", INSTANT_NONE);
}

static void
count_present(struct store_view *v, int64_t target, struct status_target *t)
{
	enum sighting_kind kind;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT kind, count(*) FROM sightings"
	    " WHERE target = ?1 AND present = 1 GROUP BY kind",
	    "i", target);
	while (db_row(&v->db, s)) {
		kind = sighting_kind_from_name(
		    span_of((const char *)sqlite3_column_text(s, 0)));
		if (kind < SIGHTING_KIND_COUNT)
			t->present[kind] = (uint32_t)sqlite3_column_int64(s, 1);
	}
	t->pages = (uint32_t)db_number(&v->db, 0,
	    "SELECT count(*) FROM page_facts"
	    " WHERE target = ?1",
	    "i", target);
	t->last_seen = db_number(&v->db, INSTANT_NONE,
	    "SELECT max(last_seen)"
	    " FROM pages WHERE target = ?1",
	    "i", target);
	t->suppressed = (uint64_t)db_number(&v->db, 0,
	    "SELECT sum(suppressed + flickers + reordered) FROM page_facts"
	    " WHERE target = ?1",
	    "i", target);
	t->down_reported = db_number(&v->db, INSTANT_NONE,
	    "SELECT max(time)"
	    " FROM events WHERE target = ?1 AND type = 'site.down'",
	    "s", t->id);
}

static const char *
text_at(sqlite3_stmt *s, int at)
{
	return (const char *)sqlite3_column_text(s, at);
}

void
store_view_targets(struct store_view *v,
    void (*each)(const struct status_target *, void *arg), void *arg)
{
	struct status_target t;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT target, id, verdict, since, candidate,"
	    " looks, held, failure, stage, class, status, (SELECT addresses"
	    " FROM hosts h WHERE h.target = t.target LIMIT 1), flapping, hushed"
	    " FROM targets t ORDER BY id",
	    "");
	while (db_row(&v->db, s)) {
		memset(&t, 0, sizeof t);
		t.id = text_at(s, 1);
		t.verdict = verdict_from_name(span_of(text_at(s, 2)));
		t.since = column_time(s, 3);
		t.candidate = verdict_from_name(span_of(text_at(s, 4)));
		t.count = (uint32_t)sqlite3_column_int64(s, 5);
		t.held = sqlite3_column_int(s, 6) != 0;
		t.failure = text_at(s, 7);
		t.stage = text_at(s, 8);
		t.page_class = text_at(s, 9);
		t.status = sqlite3_column_int64(s, 10);
		t.address = text_at(s, 11);
		t.flapping = column_time(s, 12);
		t.hushed = (uint32_t)sqlite3_column_int64(s, 13);
		count_present(v, sqlite3_column_int64(s, 0), &t);
		each(&t, arg);
	}
}

static void
page_texts(struct store_view *v, int64_t page,
    void (*text)(const char *, void *arg), void *arg)
{
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT text FROM page_blocks"
	    " WHERE block BETWEEN ?1 << 20 AND ?1 << 20 | 1048575"
	    " AND volatile = 1 ORDER BY block",
	    "i", page);
	while (db_row(&v->db, s))
		text(text_at(s, 0), arg);
}

bool
store_view_pages(struct store_view *v, const char *target,
    void (*page)(const struct status_page *, void *arg),
    void (*text)(const char *, void *arg), void *arg)
{
	int64_t row = db_number(&v->db, 0,
	    "SELECT target FROM targets"
	    " WHERE id = ?1",
	    "s", target);
	struct status_page p;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT page, slot, url, last_seen, last_good,"
	    " visits, twins, suppressed, (SELECT count(*) FROM changing c"
	    " WHERE c.page = p.page AND c.state BETWEEN 1 AND 3), (SELECT "
	    "count(*)"
	    " FROM places l WHERE l.page = p.page AND l.volatile > 2),"
	    " flickers, reordered, markup, gone, sampled, watched"
	    " FROM pages p WHERE target = ?1 ORDER BY slot, url",
	    "i", row);
	while (db_row(&v->db, s)) {
		p.slot = text_at(s, 1);
		p.url = text_at(s, 2);
		p.last_seen = column_time(s, 3);
		p.last_good = column_time(s, 4);
		p.visits = (uint64_t)sqlite3_column_int64(s, 5);
		p.twins = (uint64_t)sqlite3_column_int64(s, 6);
		p.suppressed = (uint64_t)sqlite3_column_int64(s, 7);
		p.places = (uint32_t)sqlite3_column_int64(s, 8);
		p.links = (uint32_t)sqlite3_column_int64(s, 9);
		p.flickers = (uint64_t)sqlite3_column_int64(s, 10);
		p.reordered = (uint64_t)sqlite3_column_int64(s, 11);
		p.markup = (uint64_t)sqlite3_column_int64(s, 12);
		p.gone = (uint64_t)sqlite3_column_int64(s, 13);
		p.sampled = sqlite3_column_int(s, 14) != 0;
		p.archived = sqlite3_column_int(s, 15) == 2;
		p.watched = sqlite3_column_int(s, 15) != 0;
		page(&p, arg);
		page_texts(v, sqlite3_column_int64(s, 0), text, arg);
	}
	return row != 0;
}

void
store_view_sightings(struct store_view *v,
    void (*each)(const struct status_sighting *, void *arg), void *arg)
{
	struct status_sighting g;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT t.id, s.kind, s.platform, COALESCE(s.name, s.kit), s.url,"
	    " s.first_seen, COALESCE(s.last_seen, (SELECT max(p.last_good)"
	    " FROM places l JOIN pages p USING (page)"
	    " WHERE l.sighting = s.sighting AND l.missing = 0), s.first_seen),"
	    " s.present FROM sightings s JOIN targets t USING (target)"
	    " ORDER BY t.id, s.first_seen, s.kind, s.platform, 4, s.sighting",
	    "");
	while (db_row(&v->db, s)) {
		g.target = text_at(s, 0);
		g.kind = text_at(s, 1);
		g.platform = text_at(s, 2);
		g.name = text_at(s, 3);
		g.url = text_at(s, 4);
		g.first_seen = column_time(s, 5);
		g.last_seen = column_time(s, 6);
		g.present = sqlite3_column_int(s, 7) != 0;
		each(&g, arg);
	}
}

void
store_view_verdicts(struct store_view *v, const char *target, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg)
{
	bool more = true;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT seq, line FROM (SELECT seq, line FROM events"
	    " WHERE target = ?1 AND type LIKE 'site.%' ORDER BY seq DESC"
	    " LIMIT ?2) ORDER BY seq",
	    "su", target, (uint64_t)limit);
	while (more && db_row(&v->db, s))
		more = each((uint64_t)sqlite3_column_int64(s, 0),
		    (struct span){(const char *)sqlite3_column_text(s, 1),
			(size_t)sqlite3_column_bytes(s, 1)},
		    arg);
	sqlite3_reset(s);
}

void
store_view_hooks(struct store_view *v,
    void (*each)(const struct status_hook *, void *arg), void *arg)
{
	struct status_hook h;
	sqlite3_stmt *s;

	s = db_query(&v->db,
	    "SELECT hook, position, (SELECT count(*)"
	    " FROM deliveries d WHERE d.hook = h.hook AND dead = 0),"
	    " (SELECT count(*) FROM deliveries d WHERE d.hook = h.hook"
	    " AND dead = 0 AND attempts > 0),"
	    " (SELECT count(*) FROM deliveries d WHERE d.hook = h.hook"
	    " AND dead = 1), (SELECT error FROM deliveries d"
	    " WHERE d.hook = h.hook ORDER BY seq DESC LIMIT 1)"
	    " FROM hooks h ORDER BY hook",
	    "");
	while (db_row(&v->db, s)) {
		h.hook = text_at(s, 0);
		h.position = (uint64_t)sqlite3_column_int64(s, 1);
		h.waiting = (uint64_t)sqlite3_column_int64(s, 2);
		h.retrying = (uint64_t)sqlite3_column_int64(s, 3);
		h.dead = (uint64_t)sqlite3_column_int64(s, 4);
		h.error = text_at(s, 5);
		each(&h, arg);
	}
}

size_t
store_view_events(struct store_view *v, uint64_t after, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg)
{
	return events_after(&v->db, after, INT64_MAX, limit, each, arg);
}

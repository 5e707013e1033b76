#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_kept.h"

/* A sample that nobody has visited for so many good looks at its target is
 * forgotten, so that years of articles do not pile up. */
#define TURNS_FORGOTTEN 4096

#define I(x) ((int64_t)(x))

void
row_target_release(struct row_target *t)
{
	struct row_last *last = t->last;

	if (last != NULL) {
		free(last->page);
		free(last->url);
		free(last->failure);
		free(last->stage);
		free(last->outcome);
		free(last->page_class);
		free(last->rule);
		free(last);
	}
	memset(t, 0, sizeof *t);
}

static enum verdict
column_verdict(sqlite3_stmt *s, int at)
{
	return verdict_from_name(
	    span_of((const char *)sqlite3_column_text(s, at)));
}

static void
read_verdict(sqlite3_stmt *s, struct verdict_state *v)
{
	v->confirmed = column_verdict(s, 2);
	v->since = column_time(s, 3);
	v->candidate = column_verdict(s, 4);
	v->candidate_since = column_time(s, 5);
	v->count = (uint32_t)sqlite3_column_int64(s, 6);
	v->bad = (uint32_t)sqlite3_column_int64(s, 7);
	v->corroborated = (uint32_t)sqlite3_column_int64(s, 8);
	v->last = column_time(s, 9);
	v->held = sqlite3_column_int(s, 10) != 0;
}

static void
read_flap(sqlite3_stmt *s, struct row_target *t)
{
	struct span list = span_of((const char *)sqlite3_column_text(s, 12)),
		    one;
	uint64_t v;

	t->flap.history = (uint64_t)sqlite3_column_int64(s, 11);
	while (list.n > 0 && t->flap.count < FLAP_CHANGES) {
		one = span_token(&list, ' ');
		if (span_u64(one, &v))
			t->flap.changes[t->flap.count++] = (int64_t)v;
	}
	t->flap.since = column_time(s, 13);
	t->flap.hushed = (uint32_t)sqlite3_column_int64(s, 14);
	t->told = column_verdict(s, 15);
}

static char *
flap_times(const struct flap *f)
{
	struct buf b = BUF_INIT(KIB);

	for (uint32_t i = 0; i < f->count; i++)
		buf_addf(&b, "%s%lld", i == 0 ? "" : " ",
		    (long long)f->changes[i]);
	return buf_detach(&b, NULL);
}

static void
target_read(struct store *st, const char *id, int64_t time,
    struct row_target *t)
{
	sqlite3_stmt *s;

	memset(t, 0, sizeof *t);
	flap_init(&t->flap);
	t->v.since = t->v.candidate_since = t->v.last = INSTANT_NONE;
	s = db_query(&st->db,
	    "SELECT target, baseline IS NOT NULL,"
	    " verdict, since, candidate, candidate_since, looks, bad,"
	    " corroborated, last_look, held, history, changed,"
	    " flapping, hushed, told FROM targets WHERE id = ?1",
	    "s", id);
	if (!db_row(&st->db, s)) {
		db_run(&st->db,
		    "INSERT INTO targets(id, first_seen)"
		    " VALUES(?1, ?2)",
		    "si", id, time);
		t->row = db_insert_row(&st->db);
		return;
	}
	t->row = sqlite3_column_int64(s, 0);
	t->baseline = sqlite3_column_int(s, 1) != 0;
	t->turn = *turn_of(&st->turns, t->row);
	read_verdict(s, &t->v);
	read_flap(s, t);
	sqlite3_reset(s);
	t->shared = db_number(&st->db, 0,
			"SELECT 1 FROM page_facts WHERE target = ?1"
			" AND sampled = 1 LIMIT 1",
			"i", t->row) != 0;
}

void
row_target_load(struct store *st, const char *id, int64_t time,
    struct row_target *t)
{
	const struct config *c = st->config;

	t->kept = kept_target(st->kept, id);
	if (t->kept != NULL) {
		*t = *kept_target_row(t->kept);
		return;
	}
	target_read(st, id, time, t);
	t->config = c == NULL ? NULL : config_target(c, id);
	t->kept = kept_target_add(st->kept, id, t);
}

struct row_last *
row_target_last(struct store *st, struct row_target *t)
{
	struct row_last *last = t->last;
	sqlite3_stmt *s;

	if (last != NULL)
		return last;
	last = t->last = xcalloc(1, sizeof *last);
	s = db_query(&st->db,
	    "SELECT page, url, failure, stage, outcome, class, rule, status"
	    " FROM targets WHERE target = ?1",
	    "i", t->row);
	if (db_row(&st->db, s)) {
		last->page = column_text(s, 0);
		last->url = column_text(s, 1);
		last->failure = column_text(s, 2);
		last->stage = column_text(s, 3);
		last->outcome = column_text(s, 4);
		last->page_class = column_text(s, 5);
		last->rule = column_text(s, 6);
		last->status = sqlite3_column_int64(s, 7);
	}
	sqlite3_reset(s);
	return last;
}

static void
target_write(struct store *st, const struct row_target *t)
{
	const struct verdict_state *v = &t->v;
	const struct row_last *last = t->last;
	char *times;

	times = flap_times(&t->flap);
	db_run(&st->db,
	    "UPDATE targets SET history = ?2, changed = ?3, flapping = ?4,"
	    " hushed = ?5, told = ?6 WHERE target = ?1",
	    "iusTis", t->row, t->flap.history, times, t->flap.since,
	    I(t->flap.hushed),
	    t->told == VERDICT_UNKNOWN ? NULL : verdict_name(t->told));
	free(times);
	db_run(&st->db,
	    "UPDATE targets SET verdict = ?2, since = ?3, candidate = ?4,"
	    " candidate_since = ?5, looks = ?6, bad = ?7, corroborated = ?8,"
	    " last_look = ?9, held = ?10 WHERE target = ?1",
	    "isTsTiiiTi", t->row, verdict_name(v->confirmed), v->since,
	    v->candidate == VERDICT_UNKNOWN ? NULL : verdict_name(v->candidate),
	    v->candidate == VERDICT_UNKNOWN ? INSTANT_NONE : v->candidate_since,
	    I(v->count), I(v->bad), I(v->corroborated), v->last, I(v->held));
	if (last == NULL)
		return;
	db_run(&st->db,
	    "UPDATE targets SET page = ?2, url = ?3, failure = ?4, stage = ?5,"
	    " outcome = ?6, class = ?7, rule = ?8, status = ?9"
	    " WHERE target = ?1",
	    "isssssssi", t->row, last->page, last->url, last->failure,
	    last->stage, last->outcome, last->page_class, last->rule,
	    last->status);
}

void
row_target_save(struct store *st, const struct row_target *t)
{
	st->may_hold = st->may_hold || t->v.held;
	*turn_of(&st->turns, t->row) = t->turn;
	if (t->dirty)
		target_write(st, t);
	if (t->kept != NULL)
		kept_target_set(t->kept, t);
}

void
row_page_release(struct row_page *p)
{
	free(p->title);
	free(p->final_url);
	free(p->etag);
	free(p->last_modified);
	page_text_free(p->text);
	memset(p, 0, sizeof *p);
}

static void
column_hash(sqlite3_stmt *s, int at, char out[65])
{
	const unsigned char *p = sqlite3_column_text(s, at);
	size_t n = p == NULL ? 0 : (size_t)sqlite3_column_bytes(s, at);

	n = n > 64 ? 64 : n;
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
}

static void
forget_old_samples(struct store *st, const struct row_target *t)
{
	int64_t before = I(t->turn) - TURNS_FORGOTTEN;

	if (before <= 0 ||
	    db_number(&st->db, 0,
		"SELECT count(*) FROM pages"
		" WHERE target = ?1 AND sampled = 1 AND watched = 0"
		" AND turn < ?2",
		"ii", t->row, before) < 16)
		return;
	db_run(&st->db,
	    "DELETE FROM page_blocks WHERE target = ?1 AND block >> 20 IN"
	    " (SELECT page FROM pages WHERE target = ?1 AND sampled = 1"
	    " AND watched = 0 AND turn < ?2)",
	    "ii", t->row, before);
	db_run(&st->db,
	    "DELETE FROM changing WHERE page IN (SELECT page FROM"
	    " pages WHERE target = ?1 AND sampled = 1 AND watched = 0"
	    " AND turn < ?2)",
	    "ii", t->row, before);
	db_run(&st->db,
	    "DELETE FROM strays WHERE page IN (SELECT page FROM"
	    " pages WHERE target = ?1 AND sampled = 1 AND watched = 0"
	    " AND turn < ?2)",
	    "ii", t->row, before);
	db_run(&st->db,
	    "DELETE FROM places WHERE page IN (SELECT page FROM"
	    " pages WHERE target = ?1 AND sampled = 1 AND watched = 0"
	    " AND turn < ?2)",
	    "ii", t->row, before);
	db_run(&st->db,
	    "DELETE FROM page_looks WHERE page IN (SELECT page FROM"
	    " pages WHERE target = ?1 AND sampled = 1 AND watched = 0"
	    " AND turn < ?2)",
	    "ii", t->row, before);
	db_run(&st->db,
	    "DELETE FROM page_facts WHERE target = ?1 AND page NOT IN"
	    " (SELECT page FROM page_looks)",
	    "i", t->row);
	kept_pages_drop(st->kept, t->kept);
}

/* From its first sample on, each page of a target is compared with the others:
 * their blocks are looked for by the target and their hashes. */
static void
share_blocks(struct store *st, struct row_target *t)
{
	if (t->shared)
		return;
	db_run(&st->db,
	    "UPDATE page_blocks SET target = ?1 WHERE block IN"
	    " (SELECT b.block FROM page_facts p JOIN page_blocks b"
	    " ON b.block BETWEEN p.page << 20 AND p.page << 20 | 1048575"
	    " WHERE p.target = ?1)",
	    "i", t->row);
	t->shared = true;
}

static void
page_insert(struct store *st, struct row_target *t, const struct observation *o,
    bool sampled, struct row_page *p)
{
	db_run(&st->db,
	    "INSERT INTO page_facts(target, slot, url, sampled, first_seen)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)",
	    "issii", t->row, o->page, o->url, I(sampled), o->time);
	p->row = db_insert_row(&st->db);
	db_run(&st->db,
	    "INSERT INTO page_looks(page, turn, visits, looks)"
	    " VALUES(?1, ?2, 0, 0)",
	    "iu", p->row, t->turn);
	p->is_new = true;
	p->sampled = sampled;
	p->turn = t->turn;
	if (!sampled)
		return;
	share_blocks(st, t);
	forget_old_samples(st, t);
}

static void
page_read(struct store *st, struct row_target *t, const struct observation *o,
    bool sampled, struct row_page *p)
{
	sqlite3_stmt *s;

	memset(p, 0, sizeof *p);
	p->target = t->row;
	p->last_good = INSTANT_NONE;
	s = db_query(&st->db,
	    "SELECT page, sampled, gone, last_good,"
	    " turn, visits, title, body_sha256, text_sha256, sightings,"
	    " missing, final_url, etag, last_modified, looks, twins,"
	    " suppressed, flickers, reordered, markup, rules"
	    " FROM pages"
	    " WHERE target = ?1 AND slot = ?2 AND url = ?3",
	    "iss", t->row, o->page, o->url);
	if (!db_row(&st->db, s)) {
		page_insert(st, t, o, sampled, p);
		return;
	}
	p->row = sqlite3_column_int64(s, 0);
	p->sampled = sqlite3_column_int(s, 1) != 0;
	p->last_good = column_time(s, 3);
	p->turn = (uint64_t)sqlite3_column_int64(s, 4);
	p->visits = (uint64_t)sqlite3_column_int64(s, 5);
	p->title = column_text(s, 6);
	column_hash(s, 7, p->body_sha256);
	column_hash(s, 8, p->text_sha256);
	p->sightings = (uint64_t)sqlite3_column_int64(s, 9);
	p->missing = (uint64_t)sqlite3_column_int64(s, 10);
	p->final_url = column_text(s, 11);
	p->etag = column_text(s, 12);
	p->last_modified = column_text(s, 13);
	p->looks = (uint64_t)sqlite3_column_int64(s, 14);
	p->twins = (uint64_t)sqlite3_column_int64(s, 15);
	p->suppressed = (uint64_t)sqlite3_column_int64(s, 16);
	p->flickers = (uint64_t)sqlite3_column_int64(s, 17);
	p->reordered = (uint64_t)sqlite3_column_int64(s, 18);
	p->markup = (uint64_t)sqlite3_column_int64(s, 19);
	p->gone = (uint64_t)sqlite3_column_int64(s, 2);
	p->rules = (uint64_t)sqlite3_column_int64(s, 20);
	sqlite3_reset(s);
}

void
row_page_load(struct store *st, struct row_target *t,
    const struct observation *o, bool sampled, struct row_page *p)
{
	if (!kept_page_take(t->kept, o->page, o->url, p))
		page_read(st, t, o, sampled, p);
	p->shared = t->shared;
}

void
row_page_save(struct store *st, const struct observation *o,
    const struct row_page *p)
{
	db_run(&st->db,
	    "UPDATE page_looks SET last_seen = ?2, last_good = ?3, turn = ?4,"
	    " visits = ?5, looks = ?6 WHERE page = ?1",
	    "iTTuuu", p->row, o->time, p->last_good, p->turn, p->visits,
	    p->looks);
	if (!p->changed)
		return;
	db_run(&st->db,
	    "UPDATE page_facts SET title = ?2, body_sha256 = ?3,"
	    " text_sha256 = ?4, sightings = ?5, missing = ?6, final_url = ?7,"
	    " etag = ?8, last_modified = ?9, twins = ?10, suppressed = ?11,"
	    " flickers = ?12, reordered = ?13, markup = ?14, gone = ?15,"
	    " rules = ?16 WHERE page = ?1",
	    "isssuusssuuuuuuu", p->row, p->title, p->body_sha256,
	    p->text_sha256, p->sightings, p->missing, p->final_url, p->etag,
	    p->last_modified, p->twins, p->suppressed, p->flickers,
	    p->reordered, p->markup, p->gone, p->rules);
}

void
row_page_done(struct store *st, const struct row_target *t,
    const struct observation *o, struct row_page *p)
{
	kept_page_put(st->kept, t->kept, o->page, o->url, p);
}

static void
load_places(struct store *st, int64_t target, struct known_set *set)
{
	sqlite3_stmt *s;
	struct known_place *p;
	size_t at = 0;

	/* Both in order of sightings: one walk over the two. */
	s = db_query(&st->db,
	    "SELECT s.sighting, l.page, l.missing,"
	    " l.first_seen, l.last_seen, p.sampled, p.turn, l.volatile"
	    " FROM sightings s"
	    " JOIN places l USING (sighting) JOIN pages p ON p.page = l.page"
	    " WHERE s.target = ?1 ORDER BY s.sighting",
	    "i", target);
	while (db_row(&st->db, s)) {
		while (at < set->count &&
		    set->list[at].row < sqlite3_column_int64(s, 0))
			at++;
		if (at == set->count ||
		    set->list[at].row != sqlite3_column_int64(s, 0))
			continue;
		p = known_place_add(&set->list[at]);
		p->page = sqlite3_column_int64(s, 1);
		p->missing = (uint32_t)sqlite3_column_int64(s, 2);
		p->first_seen = column_time(s, 3);
		p->last_seen = column_time(s, 4);
		p->sampled = sqlite3_column_int(s, 5) != 0;
		p->turn = (uint64_t)sqlite3_column_int64(s, 6);
		p->returns = (uint32_t)sqlite3_column_int64(s, 7);
	}
}

void
known_set_load(struct store *st, int64_t target, struct known_set *set)
{
	struct known_sighting *k;
	sqlite3_stmt *s;

	memset(set, 0, sizeof *set);
	s = db_query(&st->db,
	    "SELECT sighting, kind, platform, name, kit, url,"
	    " element, text, count, present, first_seen, last_seen"
	    " FROM sightings WHERE target = ?1 ORDER BY sighting",
	    "i", target);
	while (db_row(&st->db, s)) {
		k = known_set_add(set);
		k->row = sqlite3_column_int64(s, 0);
		k->kind = sighting_kind_from_name(
		    span_of((const char *)sqlite3_column_text(s, 1)));
		k->platform = column_text(s, 2);
		k->name = column_text(s, 3);
		k->kit = column_text(s, 4);
		k->url = column_text(s, 5);
		k->element = column_text(s, 6);
		k->text = column_text(s, 7);
		k->count = (uint32_t)sqlite3_column_int64(s, 8);
		k->present = sqlite3_column_int(s, 9) != 0;
		k->first_seen = column_time(s, 10);
		k->last_seen = column_time(s, 11);
		k->key = sighting_key(k->kind, k->platform, k->name);
	}
	load_places(st, target, set);
}

static void
save_sighting(struct store *st, int64_t target, struct known_sighting *k)
{
	if (k->row != 0) {
		db_run(&st->db,
		    "UPDATE sightings SET kit = ?2, url = ?3,"
		    " element = ?4, text = ?5, count = ?6, present = ?7,"
		    " last_seen = ?8 WHERE sighting = ?1",
		    "issssiiT", k->row, k->kit, k->url, k->element, k->text,
		    I(k->count), I(k->present), k->last_seen);
		return;
	}
	db_run(&st->db,
	    "INSERT INTO sightings(target, kind, platform, name,"
	    " kit, url, element, text, count, present, first_seen, last_seen)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	    "isssssssiiTT", target, sighting_kind_name(k->kind), k->platform,
	    k->name, k->kit, k->url, k->element, k->text, I(k->count),
	    I(k->present), k->first_seen, k->last_seen);
	k->row = db_insert_row(&st->db);
}

static void
save_place(struct store *st, int64_t sighting, const struct known_place *p)
{
	if (p->gone)
		db_run(&st->db,
		    "DELETE FROM places WHERE sighting = ?1"
		    " AND page = ?2",
		    "ii", sighting, p->page);
	else
		db_run(&st->db,
		    "INSERT OR REPLACE INTO places VALUES(?1, ?2,"
		    " ?3, ?4, ?5, ?6)",
		    "iiiTTi", sighting, p->page, I(p->missing), p->first_seen,
		    p->last_seen, I(p->returns));
}

void
known_set_save(struct store *st, int64_t target, struct known_set *set)
{
	struct known_sighting *k;

	for (size_t i = 0; i < set->count; i++) {
		k = &set->list[i];
		if (k->dirty)
			save_sighting(st, target, k);
		for (size_t j = 0; j < k->nplaces; j++)
			if (k->places[j].dirty || k->places[j].gone)
				save_place(st, k->row, &k->places[j]);
	}
}

void
host_load(struct store *st, const struct row_target *t, const char *host,
    struct row_host *h)
{
	sqlite3_stmt *s;

	if (kept_host_take(t->kept, host, h))
		return;
	memset(h, 0, sizeof *h);
	s = db_query(&st->db,
	    "SELECT addresses, certificates, name_servers FROM hosts"
	    " WHERE target = ?1 AND host = ?2",
	    "is", t->row, host);
	if (db_row(&st->db, s)) {
		h->addresses = column_text(s, 0);
		h->certificates = column_text(s, 1);
		h->name_servers = column_text(s, 2);
	}
	sqlite3_reset(s);
}

void
host_save(struct store *st, int64_t target, const char *host,
    const struct row_host *h)
{
	db_run(&st->db,
	    "INSERT OR REPLACE INTO hosts VALUES(?1, ?2, ?3, ?4, ?5)", "issss",
	    target, host, h->addresses, h->certificates, h->name_servers);
}

void
host_done(struct store *st, const struct row_target *t, const char *host,
    struct row_host *h)
{
	kept_host_put(st->kept, t->kept, host, h);
}

void
row_host_release(struct row_host *h)
{
	free(h->addresses);
	free(h->certificates);
	free(h->name_servers);
}

static int64_t
took_ms(const struct observation *o)
{
	const struct marks *m =
	    o->nhops == 0 ? NULL : &o->hops[o->nhops - 1].marks;
	int64_t us = m == NULL ? MARK_NONE : m->last_byte;

	if (m != NULL && us == MARK_NONE)
		us = m->first_byte;
	return us == MARK_NONE ? 0 : us / 1000;
}

static void
details_save(struct store *st, uint64_t id, const struct observation *o,
    const struct finding *f, enum verdict seen)
{
	const struct hop *h = observation_last(o);

	db_run(&st->db,
	    "INSERT INTO details VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
	    " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
	    "ussssssisssssisssis", id, source_name(o->source),
	    variant_name(o->variant), verdict_name(seen),
	    h == NULL ? NULL : failure_name(h->failure),
	    h == NULL ? NULL : stage_name(h->stage),
	    h == NULL ? NULL : outcome_name(h->outcome),
	    h == NULL ? I(0) : I(h->status), h == NULL ? NULL : h->address,
	    o->nhops > 1 && h != NULL ? h->url : NULL,
	    f->page_class == PAGE_NORMAL ? NULL
					 : page_class_name(f->page_class),
	    f->class_rule, analysis_status_name(f->status), I(f->body_length),
	    f->body_sha256[0] == '\0' ? NULL : f->body_sha256,
	    f->text_sha256[0] == '\0' ? NULL : f->text_sha256, o->warc,
	    o->warc == NULL ? I(0) : o->warc_offset,
	    f->nnotes > 0 ? f->notes[0] : NULL);
}

static void
packets_save(struct store *st, uint64_t id, const struct observation *o)
{
	for (size_t i = 0; i < o->nhops; i++) {
		const struct packet_facts *p = &o->hops[i].packets;

		db_run(&st->db,
		    "INSERT INTO packets VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		    " ?8, ?9, ?10, ?11, ?12)",
		    "uiiTiisiiiis", id, I(i), I(p->count),
		    p->synack_us == MARK_NONE ? INSTANT_NONE : p->synack_us,
		    I(p->ttl), I(p->reset_ttl),
		    p->reset_by_server	    ? "server"
			: p->reset_by_probe ? "probe"
					    : NULL,
		    I(o->hops[i].reset_injected), I(p->resent_up),
		    I(p->resent_down), I(p->incomplete), o->pcap);
	}
}

void
observation_save(struct store *st, uint64_t id, const struct observation *o,
    const struct finding *f, int64_t page, enum verdict seen, bool unchanged)
{
	/* Zero takes no byte in SQLite's records: the common case. */
	db_run(&st->db, "INSERT INTO observations VALUES(?1, ?2, ?3, ?4, ?5)",
	    "uiiii", id, page, o->time, unchanged ? I(0) : I(seen), took_ms(o));
	if (!unchanged)
		details_save(st, id, o, f, seen);
	if (!unchanged && o->pcap != NULL)
		packets_save(st, id, o);
}

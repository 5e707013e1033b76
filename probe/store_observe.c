#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "log.h"
#include "store_db.h"

#define CLOCK_BACK_MS	600000 /* looks overlap; more than this is a step */
#define SAMPLE_DEFAULT	5
#define TWIN_SHARE	12 /* one look in so many may be a twin */
#define TWINS_NEW	3  /* twins of a new page, but for samples */
#define TWINS_FREE	6  /* of such a page, whatever their share */
#define TWIN_TRIES	4  /* looks of a new page that ask for its first */
#define CONFIRM_DOWN	3  /* without a configuration */
#define CONFIRM_UP	2
#define CONFIRM_REMOVED 3

/* One observation on its way through the store. */
struct look {
	struct store *st;
	const struct observation *o;
	const struct finding *f;
	const struct target *config;  /* NULL: not in the catalogue */
	const struct page_slot *slot; /* NULL likewise */
	struct row_target target;
	struct row_page page;
	struct diff diff;
	enum verdict seen;
	bool news;  /* worth a row of details */
	bool proof; /* that the line is up, while others fail */
	bool soon;  /* something waits for confirmation */
	bool learn; /* new or changed text: a twin would tell more */
};

static uint32_t
or_default(uint32_t configured, uint32_t otherwise)
{
	return configured == 0 ? otherwise : configured;
}

static const struct page_slot *
find_slot(const struct target *t, const char *name)
{
	for (size_t i = 0; t != NULL && i < t->npages; i++)
		if (strcmp(t->pages[i].name, name) == 0)
			return &t->pages[i];
	return NULL;
}

static bool
is_sample(const struct look *l)
{
	return l->slot != NULL && l->slot->match != NULL &&
	    strcmp(l->slot->url, l->o->url) != 0;
}

/* The page whose fate is the target's: its first slot; of a target that the
 * catalogue does not know, any. */
static bool
is_primary(const struct look *l)
{
	if (l->config == NULL || l->config->npages == 0)
		return true;
	return l->slot == &l->config->pages[0] && !is_sample(l);
}

/* A slot is in its first round until one of its pages is seen again or the
 * whole sample was seen once: until then it makes the baseline. */
static bool
slot_is_new(const struct look *l)
{
	uint32_t sample = l->slot == NULL ? 0 : l->slot->sample;

	if (!l->page.sampled || l->page.last_good != INSTANT_NONE)
		return l->page.last_good == INSTANT_NONE;
	if (db_number(&l->st->db, 0,
		"SELECT 1 FROM pages WHERE target = ?1"
		" AND slot = ?2 AND sampled = 1 AND visits > 1"
		" AND last_good IS NOT NULL LIMIT 1",
		"is", l->target.row, l->o->page) != 0)
		return false;
	return db_number(&l->st->db, 0,
		   "SELECT count(*) FROM pages"
		   " WHERE target = ?1 AND slot = ?2 AND sampled = 1"
		   " AND last_good IS NOT NULL",
		   "is", l->target.row,
		   l->o->page) < (int64_t)or_default(sample, SAMPLE_DEFAULT);
}

static void
diff_setup(struct look *l)
{
	const struct config *c = l->st->config;
	struct diff *d = &l->diff;

	d->o = l->o;
	d->f = l->f;
	d->page = l->page.row;
	d->sampled = l->page.sampled;
	d->turn = l->target.turn;
	d->sample = l->slot == NULL ? 0 : l->slot->sample;
	d->confirm_removed =
	    or_default(c == NULL ? 0 : c->confirm_removed, CONFIRM_REMOVED);
	d->last_good = l->page.last_good;
	d->pages = &store_pages;
	d->emit = store_emit;
	d->arg = l->st;
}

static void
emit(struct look *l, struct event *e)
{
	store_emit(l->st, e);
	l->news = true;
}

/* ---- The vantage ---- */

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
	emit(l, &e);
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
	verdict_void(&l->target.v, from);
	l->target.dirty = true;
}

static void tell_verdict(struct look *, const char *id, struct row_target *,
    enum verdict before, int64_t attempts);

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
		tell_verdict(l, id[i], &t, before, count);
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
	else /* it may have been the line: each must fail once more */
		db_run(&l->st->db,
		    "UPDATE targets SET held = 0"
		    " WHERE held = 1 AND last_look < ?1",
		    "i", l->o->time);
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

/* Did anything beyond our own line answer? */
static bool
network_answered(const struct observation *o)
{
	for (size_t i = 0; i < o->nhops; i++)
		if (o->hops[i].status != 0 || o->hops[i].nchain > 0)
			return true;
	return false;
}

/* ---- The verdict ---- */

static void
emit_verdict(struct look *l, const char *id, const struct row_target *t,
    enum verdict before, int64_t attempts)
{
	bool own = t->row == l->target.row;
	struct event e;

	diff_event(&l->diff, &e, verdict_event(t->v.confirmed));
	e.target = id;
	e.has_evidence = own && (network_answered(l->o) || l->o->pcap != NULL);
	e.page = t->page;
	e.url = t->url;
	e.failure = t->failure;
	e.stage = t->stage;
	e.outcome = t->outcome;
	e.status = t->status == 0 ? EVENT_NONE : t->status;
	e.page_class = t->page_class;
	e.rule = t->rule;
	e.verdict = verdict_name(before);
	e.since = t->v.since;
	e.attempts = attempts;
	if (own && l->o->nhops > 1)
		e.new = l->o->hops[l->o->nhops - 1].url;
	emit(l, &e);
}

static void
emit_flapping(struct look *l, const char *id, const struct row_target *t,
    enum event_type type, int64_t since)
{
	const struct flap *f = &t->flap;
	struct event e;

	event_begin(&e, type);
	e.time = l->o->time;
	e.target = id;
	e.vantage = l->o->vantage;
	e.source = l->o->source;
	e.page = l->o->page;
	e.url = l->o->url;
	e.new = verdict_name(t->v.confirmed);
	if (type == EVENT_SITE_FLAPPING) {
		e.count = flap_turns(f);
		e.attempts = FLAP_LOOKS;
		e.from = f->count > 0 ? f->changes[f->count - 1] : EVENT_NONE;
		e.to = l->o->time;
	} else {
		e.suppressed = f->hushed;
		e.from = since;
		e.to = l->o->time;
	}
	emit(l, &e);
}

/* A new verdict is told, unless the target flaps: that is told once. */
static void
tell_verdict(struct look *l, const char *id, struct row_target *t,
    enum verdict before, int64_t attempts)
{
	flap_change(&t->flap, l->o->time);
	t->dirty = true;
	if (t->flap.since != INSTANT_NONE) {
		t->flap.hushed++;
	} else if (flap_begins(&t->flap, l->o->time)) {
		t->flap.hushed = 1;
		emit_flapping(l, id, t, EVENT_SITE_FLAPPING, INSTANT_NONE);
	} else {
		emit_verdict(l, id, t, before, attempts);
		t->told = t->v.confirmed;
	}
}

/* Flapping may begin without a verdict that changes, and ends so. */
static void
step_flapping(struct look *l)
{
	struct row_target *t = &l->target;
	int64_t since = t->flap.since;
	enum verdict told = t->told == VERDICT_UNKNOWN ? VERDICT_UP : t->told;

	if (flap_begins(&t->flap, l->o->time)) {
		emit_flapping(l, l->o->target, t, EVENT_SITE_FLAPPING,
		    INSTANT_NONE);
		t->dirty = true;
	} else if (flap_ends(&t->flap, l->o->time)) {
		emit_flapping(l, l->o->target, t, EVENT_SITE_STEADY, since);
		t->dirty = true;
		/* What was told last is not what is. */
		if (told != t->v.confirmed) {
			emit_verdict(l, l->o->target, t, told, 1);
			t->told = t->v.confirmed;
		}
	}
}

static void
set_text(char **to, const char *from)
{
	free(*to);
	*to = xstrdup(from);
}

/* What this look said, for the event that may come of it later. */
static void
remember_look(struct look *l)
{
	const struct hop *h = observation_last(l->o);
	struct row_target *t = &l->target;

	set_text(&t->page, l->o->page);
	set_text(&t->url, l->o->url);
	set_text(&t->failure, failure_name(h->failure));
	set_text(&t->stage,
	    h->failure == FAILURE_NONE ? NULL : stage_name(h->stage));
	set_text(&t->outcome, outcome_name(h->outcome));
	set_text(&t->page_class,
	    l->f->page_class == PAGE_NORMAL
		? NULL
		: page_class_name(l->f->page_class));
	set_text(&t->rule, l->f->class_rule);
	t->status = h->status;
	t->dirty = true;
}

static void
step_verdict(struct look *l)
{
	const struct config *c = l->st->config;
	struct verdict_state *v = &l->target.v, was = *v;
	uint64_t history = l->target.flap.history;
	struct verdict_limits r = {or_default(c == NULL ? 0 : c->confirm_down,
				       CONFIRM_DOWN),
	    or_default(c == NULL ? 0 : c->confirm_up, CONFIRM_UP),
	    outage_alone(&l->st->outage, l->o->watched),
	    outage_other_success(&l->st->outage, l->target.row)};
	enum verdict_step step = verdict_advance(v, l->seen, l->o->time, &r);

	flap_look(&l->target.flap, l->seen != VERDICT_UP);
	l->target.moved = true;
	was.last = v->last;
	if (memcmp(&was, v, sizeof was) != 0 ||
	    history != l->target.flap.history)
		l->target.dirty = true;
	l->soon = l->soon || step == VERDICT_FORMING || step == VERDICT_HELD;
	if (step == VERDICT_KEPT)
		return;
	remember_look(l);
	if (step != VERDICT_CHANGED)
		return;
	if (v->confirmed == VERDICT_DOWN) {
		outage_set_alive(&l->st->outage, l->target.row, false);
		db_run(&l->st->db,
		    "UPDATE targets SET alive = 0"
		    " WHERE target = ?1",
		    "i", l->target.row);
	}
	/* Up from the first look on: the baseline says so. */
	if (was.confirmed == VERDICT_UNKNOWN && v->confirmed == VERDICT_UP)
		return;
	tell_verdict(l, l->o->target, &l->target, was.confirmed,
	    was.candidate == l->seen ? was.count + 1 : 1);
}

/* ---- The content ---- */

static void
emit_baseline(struct look *l)
{
	const struct finding *f = l->f;
	struct event_item *items = xcalloc(f->nsightings + 1, sizeof *items);
	struct event e;

	for (size_t i = 0; i < f->nsightings; i++)
		items[i] = (struct event_item){f->sightings[i].kind,
		    f->sightings[i].platform, f->sightings[i].name,
		    f->sightings[i].kit, f->sightings[i].count};
	diff_event(&l->diff, &e, EVENT_TARGET_BASELINE);
	e.items = items;
	e.nitems = f->nsightings;
	e.has_items = true;
	e.new = f->title;
	emit(l, &e);
	db_run(&l->st->db, "UPDATE targets SET baseline = ?2 WHERE target = ?1",
	    "ii", l->target.row, l->o->time);
	l->target.baseline = true;
	free(items);
}

/* Nothing differs and nothing was missing: nothing to load. */
static bool
sightings_same(const struct look *l)
{
	if (l->page.missing != 0 || l->page.last_good == INSTANT_NONE)
		return false;
	return l->diff.grade == GRADE_SAME ||
	    (l->diff.grade == GRADE_GOOD &&
		l->page.sightings == sightings_hash(l->f));
}

static void
step_sightings(struct look *l)
{
	uint64_t seq = l->st->seq;
	struct known_set set;

	if (sightings_same(l))
		return;
	known_set_load(l->st, l->target.row, &set);
	l->page.missing = diff_sightings(&l->diff, &set);
	if (l->diff.grade == GRADE_GOOD)
		l->page.sightings = sightings_hash(l->f);
	l->page.changed = true;
	l->page.flickers += set.hidden;
	l->soon = l->soon || set.urgent;
	l->news = l->news || l->st->seq != seq;
	known_set_save(l->st, l->target.row, &set);
	known_set_release(&set);
}

static void
step_text(struct look *l)
{
	struct row_page *p = &l->page;
	const char *now = l->f->text_sha256;
	struct known_text k;

	if (strcmp(p->text_sha256, now) == 0)
		return;
	p->changed = true;
	if (p->text_sha256[0] == '\0' || l->diff.silent) {
		blocks_save(l->st, p, l->f);
		memcpy(p->text_sha256, now, sizeof p->text_sha256);
		l->learn = true;
		return;
	}
	text_load(l->st, p, &k);
	diff_text(&l->diff, &k);
	l->news = l->news || k.told;
	l->learn = k.told;
	l->soon = l->soon || k.wait;
	slots_save(l->st, p->row, &k.slots);
	if (!k.wait && !k.later) {
		p->suppressed += k.suppressed;
		p->reordered += k.reordered;
		text_save(l->st, p, l->f, &k);
		memcpy(p->text_sha256, now, sizeof p->text_sha256);
	}
	known_text_release(&k);
}

/* A second look at what was just seen: what differs changes by itself. */
static void
step_twin(struct look *l)
{
	struct row_page *p = &l->page;
	struct known_text k;
	struct known_set set;

	l->news = true;
	if (l->diff.grade != GRADE_GOOD || p->last_good == INSTANT_NONE)
		return;
	p->twins++;
	p->changed = true;
	if (p->sightings != sightings_hash(l->f)) {
		known_set_load(l->st, l->target.row, &set);
		diff_sightings_twin(&l->diff, &set);
		known_set_save(l->st, l->target.row, &set);
		known_set_release(&set);
	}
	if (strcmp(p->text_sha256, l->f->text_sha256) != 0 || p->twins > 1) {
		text_load(l->st, p, &k);
		diff_twin(&l->diff, &k);
		blocks_flag(l->st, p->row, &k);
		slots_save(l->st, p->row, &k.slots);
		known_text_release(&k);
	}
}

static void
emit_old_new(struct look *l, enum event_type type, const char *old,
    const char *new)
{
	struct event e;

	diff_event(&l->diff, &e, type);
	e.old = old == NULL ? "" : old;
	e.new = new == NULL ? "" : new;
	emit(l, &e);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
step_title(struct look *l)
{
	struct row_page *p = &l->page;

	if (same(p->title, l->f->title))
		return;
	if (p->last_good != INSTANT_NONE &&
	    !titles_alike(p->title, l->f->title))
		emit_old_new(l, EVENT_TITLE_CHANGED, p->title, l->f->title);
	set_text(&p->title, l->f->title);
	p->changed = true;
}

static void
step_redirect(struct look *l)
{
	struct row_page *p = &l->page;
	char *target = redirect_target(l->o);

	if (!same(p->final_url, target)) {
		if (p->last_good != INSTANT_NONE && l->seen != VERDICT_MOVED)
			emit_old_new(l, EVENT_REDIRECT_CHANGED, p->final_url,
			    target);
		set_text(&p->final_url, target);
		p->changed = true;
	}
	free(target);
}

static void
step_validators(struct look *l)
{
	const struct hop *h = observation_last(l->o);
	static const char *const names[] = {"etag", "last-modified"};
	char **kept[] = {&l->page.etag, &l->page.last_modified};
	struct span v;
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		v = header_value(buf_span(&h->headers), names[i]);
		text = v.n == 0 || v.n > 1024 ? NULL : span_dup(v);
		if (!same(*kept[i], text)) {
			set_text(kept[i], text);
			l->page.changed = true;
		}
		free(text);
	}
}

/* The host that a hop asked for. */
static char *
hop_host(const struct hop *h)
{
	struct span rest;

	if (h->dns.host != NULL)
		return xstrdup(h->dns.host);
	rest = span_of(h->url);
	rest = span_slice(rest, span_search(rest, "://") + 3, rest.n);
	return xstrndup(rest.p == NULL ? "" : rest.p,
	    rest.p == NULL ? 0 : strcspn(rest.p, "/?#"));
}

static void
step_answers(struct look *l)
{
	char *host = hop_host(&l->o->hops[0]);
	struct row_host row;

	host_load(l->st, l->target.row, host, &row);
	/* Saved first: the event of a new address may have to name them. */
	if (diff_name_servers(&l->diff, &row.name_servers))
		host_save(l->st, l->target.row, host, &row);
	if (diff_addresses(&l->diff, &row.addresses))
		host_save(l->st, l->target.row, host, &row);
	row_host_release(&row);
	free(host);
}

static void
step_certificate(struct look *l)
{
	char *host = hop_host(observation_last(l->o));
	struct row_host row;

	host_load(l->st, l->target.row, host, &row);
	if (diff_certificate(&l->diff, &row.certificates))
		host_save(l->st, l->target.row, host, &row);
	row_host_release(&row);
	free(host);
}

static void
step_hosts(struct look *l)
{
	bool silent = l->diff.silent;
	uint64_t seq = l->st->seq;

	/* What a host answered before is known or not, whatever page it was
	 * for: a first answer is never news, a second always may be. */
	l->diff.silent = false;
	if (l->o->hops[0].dns.nrecords > 0)
		step_answers(l);
	if (observation_last(l->o)->nchain > 0)
		step_certificate(l);
	l->news = l->news || l->st->seq != seq;
	l->diff.silent = silent;
}

/* May this look speak for the content of the target? */
static bool
content_counts(const struct look *l)
{
	if (l->diff.grade == GRADE_NONE || l->o->variant == VARIANT_TWIN)
		return false;
	/* Where it moved to is another site until the move is confirmed. */
	return l->seen != VERDICT_MOVED ||
	    l->target.v.confirmed == VERDICT_MOVED || !l->target.baseline;
}

/* Other bytes and nothing new to read: attributes, scripts, dates, counts. */
static void
step_markup(struct look *l)
{
	const struct row_page *p = &l->page;

	if (p->last_good != INSTANT_NONE &&
	    strcmp(p->body_sha256, l->f->body_sha256) != 0 &&
	    strcmp(p->text_sha256, l->f->text_sha256) == 0 && sightings_same(l))
		l->page.markup++;
}

/* An article that was sampled before and vanished, or is back. */
static bool
step_deletion(struct look *l)
{
	struct row_page *p = &l->page;
	bool gone = article_gone(l->o, l->f, &l->target.v);
	uint64_t need = l->diff.confirm_removed;
	struct event e;

	if (!p->sampled || p->last_good == INSTANT_NONE ||
	    (!gone && (p->gone == 0 || l->diff.grade != GRADE_GOOD)))
		return false;
	p->changed = true;
	if (gone ? ++p->gone == need : p->gone >= need) {
		diff_event(&l->diff, &e,
		    gone ? EVENT_CONTENT_DELETED : EVENT_CONTENT_RESTORED);
		e.old = p->text_sha256;
		e.new = gone ? l->f->body_sha256 : l->f->text_sha256;
		e.status = observation_last(l->o)->status;
		e.since = p->last_good;
		emit(l, &e);
	}
	if (!gone)
		p->gone = 0;
	return gone;
}

static void
step_content(struct look *l)
{
	bool first = !l->target.baseline;

	if (l->diff.grade == GRADE_SAME && l->page.last_good == INSTANT_NONE)
		return;
	l->target.turn++;
	l->target.moved = true;
	l->diff.turn = l->page.turn = l->target.turn;
	if (l->diff.grade != GRADE_MORE)
		l->page.looks++;
	l->diff.silent = first || slot_is_new(l);
	if (first)
		emit_baseline(l);
	if (l->diff.grade == GRADE_GOOD)
		step_markup(l);
	step_sightings(l);
	if (l->diff.grade == GRADE_GOOD) {
		step_redirect(l);
		step_title(l);
		step_text(l);
		step_validators(l);
		if (strcmp(l->page.body_sha256, l->f->body_sha256) != 0) {
			memcpy(l->page.body_sha256, l->f->body_sha256,
			    sizeof l->page.body_sha256);
			l->page.changed = true;
		}
	}
	if (l->diff.grade != GRADE_MORE)
		l->page.last_good = l->o->time;
}

/* ---- The whole ---- */

static void
check_clock(struct look *l)
{
	int64_t last = l->st->last_time;
	struct event e;

	if (l->o->source == SOURCE_LIVE && last != INSTANT_NONE &&
	    l->o->time < last - CLOCK_BACK_MS) {
		event_begin(&e, EVENT_CLOCK_STEPPED);
		e.time = l->o->time;
		e.vantage = l->o->vantage;
		e.from = last;
		e.to = l->o->time;
		emit(l, &e);
		l->st->last_time = l->o->time;
	} else if (last == INSTANT_NONE || l->o->time > last) {
		l->st->last_time = l->o->time;
	}
}

/* A look that may tell about the line: did the network answer? */
static void
step_vantage(struct look *l)
{
	if (l->seen == VERDICT_INCONCLUSIVE)
		return;
	if (network_answered(l->o))
		vantage_answered(l, l->target.row);
	else if (l->seen == VERDICT_DOWN)
		vantage_failed(l, l->target.row, 0);
}

/* May this look speak for the addresses of the target?  One that we refused to
 * connect to may: its name now leads there. */
static bool
hosts_count(const struct look *l)
{
	const struct hop *h = observation_last(l->o);

	return h != NULL &&
	    (l->seen != VERDICT_INCONCLUSIVE ||
		h->outcome == OUTCOME_BLOCKED_BY_POLICY);
}

static void
step_all(struct look *l)
{
	bool unverified = l->o->variant == VARIANT_UNVERIFIED;
	bool twin = l->o->variant == VARIANT_TWIN, ours;

	l->seen = verdict_of(l->o, l->f);
	l->diff.grade = observation_grade(l->o, l->f, l->seen);
	step_vantage(l);
	ours = l->st->outage.offline && !network_answered(l->o);
	if (!ours && !unverified && !twin && is_primary(l) &&
	    l->seen != VERDICT_INCONCLUSIVE) {
		step_verdict(l);
		step_flapping(l);
	}
	if (!ours && hosts_count(l))
		step_hosts(l);
	if (twin)
		step_twin(l);
	else if (!step_deletion(l) && content_counts(l))
		step_content(l);
	l->page.visits += !twin;
}

static int64_t
twin_delay(const struct look *l)
{
	return l->st->config == NULL ? 0 : l->st->config->twin_delay;
}

/* Some twins for a new page; later ones within TWIN_SHARE of all looks. */
static bool
wants_twin(const struct look *l)
{
	const struct row_page *p = &l->page;
	bool good = l->diff.grade == GRADE_GOOD;
	bool never = p->twins == 0 && p->looks > 0 && p->looks <= TWIN_TRIES;

	/* A twin that failed is tried once more, while the first look is
	 * fresh; then it is for the ordinary looks to see what is wrong. */
	if (l->o->variant == VARIANT_TWIN && !good)
		return p->last_good != INSTANT_NONE &&
		    l->o->time - p->last_good < twin_delay(l) * 5 / 2;
	/* A banner of a few may be the same in one of them. */
	if (l->o->variant == VARIANT_TWIN)
		return !p->sampled && p->twins < TWINS_NEW;
	if (!good || (!l->learn && !never))
		return false;
	return (!p->sampled && p->twins < TWINS_FREE) ||
	    p->twins * TWIN_SHARE < p->looks + TWIN_SHARE - 1;
}

static void
fill_advice(struct look *l, struct advice *a)
{
	a->confirm_soon = l->soon;
	a->twin = wants_twin(l);
	a->plain = !l->soon && l->seen == VERDICT_UP && l->page.missing == 0 &&
	    l->target.baseline && content_counts(l) &&
	    (l->diff.grade == GRADE_GOOD || l->diff.grade == GRADE_SAME);
	a->etag = xstrdup(l->page.etag);
	a->last_modified = xstrdup(l->page.last_modified);
	if (l->diff.grade == GRADE_GOOD)
		samples_advise(l->st, l->target.row, l->config, l->o, l->f, a);
}

/* Control targets are no targets: they only tell whether it is us. */
static bool
observe_control(struct store *st, struct look *l)
{
	l->diff = (struct diff){.o = l->o, .f = l->f};
	if (network_answered(l->o))
		vantage_answered(l, 0);
	else if (verdict_of(l->o, l->f) == VERDICT_DOWN)
		vantage_failed(l, 0, bytes_hash(span_of(l->o->url)) | 1);
	return !st->db.failed;
}

bool
store_observe(struct store *st, const struct observation *o,
    const struct finding *f, struct advice *advice)
{
	struct look l = {.st = st, .o = o, .f = f};
	uint64_t id = o->id == 0 ? st->last_id + 1 : o->id;
	bool unchanged;

	memset(advice, 0, sizeof *advice);
	if (id <= st->last_id)
		return true;
	if (o->target == NULL || o->page == NULL || o->url == NULL)
		bug("store: an observation without target, page or URL");
	if (!store_begin(st))
		return false;
	st->last_id = id;
	check_clock(&l);
	if (o->variant == VARIANT_CONTROL)
		return observe_control(st, &l);
	l.config =
	    st->config == NULL ? NULL : config_target(st->config, o->target);
	l.slot = find_slot(l.config, o->page);
	row_target_load(st, o->target, o->time, &l.target);
	row_page_load(st, &l.target, o, is_sample(&l), &l.page);
	diff_setup(&l);
	step_all(&l);
	fill_advice(&l, advice);
	unchanged = !l.news && !l.page.is_new && l.diff.grade != GRADE_NONE &&
	    l.diff.grade != GRADE_MORE && o->variant != VARIANT_UNVERIFIED;
	advice->keep = !unchanged || l.soon || l.proof;
	observation_save(st, id, o, f, l.page.row, l.seen, unchanged);
	row_page_save(st, &l.target, o, &l.page);
	row_target_save(st, &l.target);
	row_page_release(&l.page);
	row_target_release(&l.target);
	return !st->db.failed;
}

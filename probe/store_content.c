/* What a good look says of a page: its hosts, links, text. */
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "store_look.h"

#define SAMPLE_DEFAULT 5

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
	look_emit(l, &e);
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

/* What of the rules is new since the last good look at the page. */
static void
load_renewed(struct look *l)
{
	if (l->page.rules == l->st->generation)
		return;
	l->diff.renewed =
	    recognition_since(l->st, l->page.rules, &l->diff.nrenewed);
	if (l->diff.grade != GRADE_GOOD)
		return;
	l->page.rules = l->st->generation;
	l->page.changed = true;
}

static void
release_renewed(struct diff *d)
{
	for (size_t i = 0; i < d->nrenewed; i++)
		free(d->renewed[i]);
	free(d->renewed);
	d->renewed = NULL;
	d->nrenewed = 0;
}

/* Was it made with the rules that hold?  One under way when they changed may
 * not have been, and says nothing of what they see. */
static bool
rules_hold(const struct look *l)
{
	return l->diff.grade == GRADE_SAME ||
	    l->f->rules == l->st->recognition.rules;
}

static void
step_sightings(struct look *l)
{
	uint64_t seq = l->st->seq;
	struct known_set set;

	if (!rules_hold(l) || sightings_same(l))
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

/* The program reads texts in another way since: the old blocks are of no use,
 * and what differs is said so. */
static void
renew_text(struct look *l)
{
	struct event e;

	diff_event(&l->diff, &e, EVENT_TARGET_BASELINE);
	e.cause = "text";
	e.old = l->page.text_sha256;
	e.new = l->f->text_sha256;
	look_emit(l, &e);
}

static void
step_text(struct look *l)
{
	bool renewed = diff_renewed(&l->diff, TEXT_PART);
	struct row_page *p = &l->page;
	const char *now = l->f->text_sha256;
	struct known_text k;

	if (strcmp(p->text_sha256, now) == 0)
		return;
	p->changed = true;
	if (p->text_sha256[0] == '\0' || l->diff.silent || renewed) {
		if (p->text_sha256[0] != '\0' && !l->diff.silent)
			renew_text(l);
		blocks_save(l->st, p, l->f);
		memcpy(p->text_sha256, now, sizeof p->text_sha256);
		l->learn = true;
		return;
	}
	text_load(l->st, p, &k);
	strays_load(l->st, p, &k);
	diff_text(&l->diff, &k);
	l->news = l->news || k.told;
	l->learn = k.told;
	l->soon = l->soon || k.wait;
	slots_save(l->st, &k);
	strays_save(l->st, &k);
	if (!k.wait && !k.later) {
		p->suppressed += k.suppressed;
		p->reordered += k.reordered;
		text_save(l->st, p, l->f, &k);
		memcpy(p->text_sha256, now, sizeof p->text_sha256);
	}
	text_keep(p, &k);
	known_text_release(&k);
}

/* What flickered is told once it has been as it is for long: the looks since
 * may all have seen the same text. */
static void
step_strays(struct look *l)
{
	struct known_text k;

	if (!strays_wait(l->st, &l->page))
		return;
	text_load(l->st, &l->page, &k);
	strays_load(l->st, &l->page, &k);
	diff_strays(&l->diff, &k);
	l->news = l->news || k.told;
	slots_save(l->st, &k);
	strays_save(l->st, &k);
	text_keep(&l->page, &k);
	known_text_release(&k);
}

/* A second look at what was just seen: what differs changes by itself. */
void
look_twin(struct look *l)
{
	struct row_page *p = &l->page;
	struct known_text k;
	struct known_set set;

	l->news = true;
	if (l->diff.grade != GRADE_GOOD || p->last_good == INSTANT_NONE)
		return;
	p->twins++;
	p->changed = true;
	if (rules_hold(l) && p->rules == l->st->generation &&
	    p->sightings != sightings_hash(l->f)) {
		known_set_load(l->st, l->target.row, &set);
		diff_sightings_twin(&l->diff, &set);
		known_set_save(l->st, l->target.row, &set);
		known_set_release(&set);
	}
	if (strcmp(p->text_sha256, l->f->text_sha256) != 0 || p->twins > 1) {
		text_load(l->st, p, &k);
		diff_twin(&l->diff, &k);
		blocks_flag(l->st, &k);
		slots_save(l->st, &k);
		text_keep(p, &k);
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
	look_emit(l, &e);
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

	host_load(l->st, &l->target, host, &row);
	/* Saved first: the event of a new address may have to name them. */
	if (diff_name_servers(&l->diff, &row.name_servers))
		host_save(l->st, l->target.row, host, &row);
	if (diff_addresses(&l->diff, &row.addresses))
		host_save(l->st, l->target.row, host, &row);
	host_done(l->st, &l->target, host, &row);
	free(host);
}

static void
step_certificate(struct look *l)
{
	char *host = hop_host(observation_last(l->o));
	struct row_host row;

	host_load(l->st, &l->target, host, &row);
	if (diff_certificate(&l->diff, &row.certificates))
		host_save(l->st, l->target.row, host, &row);
	host_done(l->st, &l->target, host, &row);
	free(host);
}

void
look_hosts(struct look *l)
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
bool
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
bool
look_deletion(struct look *l)
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
		look_emit(l, &e);
	}
	if (!gone)
		p->gone = 0;
	/* The last look that is needed is no regular one: by the next it may
	 * have left the list, or the site may be away. */
	l->soon = l->soon || (gone && p->gone + 1 == need);
	return gone;
}

void
look_content(struct look *l)
{
	bool first = !l->target.baseline;

	if (l->diff.grade == GRADE_SAME && l->page.last_good == INSTANT_NONE)
		return;
	l->target.turn++;
	l->diff.turn = l->page.turn = l->target.turn;
	if (l->diff.grade != GRADE_MORE)
		l->page.looks++;
	l->diff.silent = first || slot_is_new(l);
	if (first)
		emit_baseline(l);
	if (rules_hold(l) && l->diff.grade != GRADE_SAME)
		load_renewed(l);
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
	if (l->diff.grade != GRADE_MORE) {
		step_strays(l);
		l->page.last_good = l->o->time;
	}
	release_renewed(&l->diff);
}

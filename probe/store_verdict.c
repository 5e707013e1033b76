/* The verdict of a target, and how it is told. */
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "store_look.h"

#define CONFIRM_DOWN 3 /* without a configuration */
#define CONFIRM_UP   2

static void
emit_verdict(struct look *l, const char *id, struct row_target *t,
    enum verdict before, int64_t attempts)
{
	const struct row_last *last = row_target_last(l->st, t);
	bool own = t->row == l->target.row;
	struct event e;

	diff_event(&l->diff, &e, verdict_event(t->v.confirmed));
	e.target = id;
	e.has_evidence = own && (network_answered(l->o) || l->o->pcap != NULL);
	e.page = last->page;
	e.url = last->url;
	e.failure = last->failure;
	e.stage = last->stage;
	e.outcome = last->outcome;
	e.status = last->status == 0 ? EVENT_NONE : last->status;
	e.page_class = last->page_class;
	e.rule = last->rule;
	e.verdict = verdict_name(before);
	e.since = t->v.since;
	e.attempts = attempts;
	if (own && l->o->nhops > 1)
		e.new = l->o->hops[l->o->nhops - 1].url;
	look_emit(l, &e);
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
	look_emit(l, &e);
}

/* A new verdict is told, unless the target flaps: that is told once. */
void
look_tell_verdict(struct look *l, const char *id, struct row_target *t,
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
void
look_flapping(struct look *l)
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

/* What this look said, for the event that may come of it later. */
static void
remember_look(struct look *l)
{
	const struct hop *h = observation_last(l->o);
	struct row_target *t = &l->target;

	/* What was before is of no use any more. */
	if (t->last == NULL)
		t->last = xcalloc(1, sizeof *t->last);
	set_text(&t->last->page, l->o->page);
	set_text(&t->last->url, l->o->url);
	set_text(&t->last->failure, failure_name(h->failure));
	set_text(&t->last->stage,
	    h->failure == FAILURE_NONE ? NULL : stage_name(h->stage));
	set_text(&t->last->outcome, outcome_name(h->outcome));
	set_text(&t->last->page_class,
	    l->f->page_class == PAGE_NORMAL
		? NULL
		: page_class_name(l->f->page_class));
	set_text(&t->last->rule, l->f->class_rule);
	t->last->status = h->status;
	t->dirty = true;
}

void
look_verdict(struct look *l)
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
	look_tell_verdict(l, l->o->target, &l->target, was.confirmed,
	    was.candidate == l->seen ? was.count + 1 : 1);
}

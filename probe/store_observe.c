#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "log.h"
#include "store_kept.h"
#include "store_look.h"

#define CLOCK_BACK_MS	600000 /* looks overlap; more than this is a step */
#define TWIN_SHARE	12     /* one look in so many may be a twin */
#define TWINS_NEW	3      /* twins of a new page, but for samples */
#define TWINS_FREE	6      /* of such a page, whatever their share */
#define TWIN_TRIES	4      /* looks of a new page that ask for its first */
#define CONFIRM_REMOVED 3

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

void
look_emit(struct look *l, struct event *e)
{
	store_emit(l->st, e);
	l->news = true;
}

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
		look_emit(l, &e);
		l->st->last_time = l->o->time;
		outage_clock_back(&l->st->outage, l->o->time);
		l->st->outage_dirty = true;
		texts_clock_back(l->st, l->o->time);
	} else if (last == INSTANT_NONE || l->o->time > last) {
		l->st->last_time = l->o->time;
	}
}

/* May this look speak for the addresses of the target?  One that we refused to
 * connect to may: its name now leads there. */
static bool
hosts_count(const struct look *l)
{
	const struct hop *h = observation_last(l->o);

	return h != NULL &&
	    (l->seen != VERDICT_INCONCLUSIVE ||
		h->outcome == OUTCOME_BLOCKED_BY_POLICY ||
		h->outcome == OUTCOME_INCOMPLETE);
}

static void
step_all(struct look *l)
{
	bool unverified = l->o->variant == VARIANT_UNVERIFIED;
	bool twin = l->o->variant == VARIANT_TWIN, ours;

	l->seen = verdict_of(l->o, l->f);
	l->diff.grade = observation_grade(l->o, l->f, l->seen);
	look_vantage(l);
	ours = l->st->outage.offline && !network_answered(l->o);
	if (!ours && !unverified && !twin && is_primary(l) &&
	    l->seen != VERDICT_INCONCLUSIVE) {
		look_verdict(l);
		look_flapping(l);
	}
	if (!ours && hosts_count(l))
		look_hosts(l);
	if (twin)
		look_twin(l);
	else if (!look_deletion(l) && content_counts(l))
		look_content(l);
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
	/* New rules are to see the page whole. */
	if (l->page.rules == l->st->generation) {
		a->etag = xstrdup(l->page.etag);
		a->last_modified = xstrdup(l->page.last_modified);
	}
	if (l->diff.grade == GRADE_GOOD)
		samples_advise(l->st, l->target.row, l->config, l->o, l->f, a);
}

/* Control targets are no targets: they only tell whether it is us. */
static bool
observe_control(struct store *st, struct look *l)
{
	l->diff = (struct diff){.o = l->o, .f = l->f};
	look_control(l);
	return !st->db.failed || store_forget(st);
}

bool
store_observe(struct store *st, const struct observation *o,
    const struct finding *f, struct advice *advice)
{
	struct look l = {.st = st, .o = o, .f = f};
	uint64_t id = o->id == 0 ? st->last_id + 1 : o->id;
	bool unchanged;

	memset(advice, 0, sizeof *advice);
	if (st->open && st->db.failed)
		return store_forget(st);
	if (id <= st->last_id)
		return true;
	if (o->target == NULL || o->page == NULL || o->url == NULL)
		bug("store: an observation without target, page or URL");
	if (!store_begin(st))
		return false;
	recognition_apply(st);
	kept_begin(st->kept);
	st->last_id = id;
	check_clock(&l);
	if (o->variant == VARIANT_CONTROL)
		return observe_control(st, &l);
	row_target_load(st, o->target, o->time, &l.target);
	l.config = l.target.config;
	l.slot = find_slot(l.config, o->page);
	row_page_load(st, &l.target, o, is_sample(&l), &l.page);
	diff_setup(&l);
	step_all(&l);
	fill_advice(&l, advice);
	unchanged = !l.news && !l.page.is_new && l.diff.grade != GRADE_NONE &&
	    l.diff.grade != GRADE_MORE && o->variant != VARIANT_UNVERIFIED;
	advice->keep = !unchanged || l.soon || l.proof;
	observation_save(st, id, o, f, l.page.row, l.seen, unchanged);
	row_page_save(st, o, &l.page);
	row_target_save(st, &l.target);
	row_page_done(st, &l.target, o, &l.page);
	row_target_release(&l.target);
	return !st->db.failed || store_forget(st);
}

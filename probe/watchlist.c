#include "watchlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define CONTROL_PAGE	"control"
#define CONTROL_SECONDS 60
/* Old articles are looked at so many times more seldom, and still more so
 * where there are many: a twentieth of the slot's other looks. */
#define ARCHIVE_INTERVALS 24
#define ARCHIVE_SHARE	  20
#define SECOND		  INT64_C(1000000)
#define PUT_OFF		  (SECOND / 4)
#define TABLE_START	  1024

struct watchlist {
	struct schedule schedule;
	struct watched **list;
	size_t n;
	size_t cap;
	struct watched **table; /* by key; open addressing, power of two */
	size_t table_cap;
};

struct watchlist *
watchlist_new(void)
{
	struct watchlist *l = xcalloc(1, sizeof *l);

	schedule_init(&l->schedule);
	return l;
}

static void
watched_free(struct watched *w)
{
	free(w->key);
	free(w->target);
	free(w->page);
	free(w->url);
	free(w->after);
	free(w->proxy);
	free(w->etag);
	free(w->last_modified);
	free(w);
}

void
watchlist_free(struct watchlist *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		watched_free(l->list[i]);
	free(l->list);
	free(l->table);
	schedule_release(&l->schedule);
	free(l);
}

/* ---- the table of keys: rebuilt after removals ---- */

static struct watched **
slot(struct watched **table, size_t cap, const char *key)
{
	size_t at = hash_place(bytes_hash(span_of(key)), cap);

	while (table[at] != NULL && strcmp(table[at]->key, key) != 0)
		at = (at + 1) & (cap - 1);
	return &table[at];
}

static void
table_rebuild(struct watchlist *l)
{
	size_t cap = TABLE_START;

	while (cap < l->n * 2 + 2)
		cap *= 2;
	free(l->table);
	l->table = xcalloc(cap, sizeof *l->table);
	l->table_cap = cap;
	for (size_t i = 0; i < l->n; i++)
		*slot(l->table, cap, l->list[i]->key) = l->list[i];
}

static struct watched *
find(const struct watchlist *l, const char *target, const char *page,
    const char *url)
{
	char *key;
	struct watched *w = NULL;

	if (l->table == NULL)
		return NULL;
	key = xasprintf("%s\n%s\n%s", target, page, url);
	w = *slot(l->table, l->table_cap, key);
	free(key);
	return w;
}

static struct watched *
add(struct watchlist *l, const char *target, const char *page, const char *url)
{
	struct watched *w = xcalloc(1, sizeof *w);

	w->target = xstrdup(target);
	w->page = xstrdup(page);
	w->url = xstrdup(url);
	w->key = xasprintf("%s\n%s\n%s", target, page, url);
	l->list = xgrow(l->list, &l->cap, l->n + 1, sizeof *l->list);
	l->list[l->n++] = w;
	if (l->table == NULL || l->n * 2 > l->table_cap)
		table_rebuild(l);
	else
		*slot(l->table, l->table_cap, w->key) = w;
	return w;
}

/* Frees what is stale and not busy. */
static void
sweep(struct watchlist *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct watched *w = l->list[i];

		if (w->stale && !w->busy) {
			schedule_remove(&l->schedule, &w->task);
			watched_free(w);
			continue;
		}
		w->gone = w->stale;
		l->list[kept++] = w;
	}
	l->n = kept;
	table_rebuild(l);
}

/* ---- following the configuration ---- */

static void
set_proxy(struct watched *w, const struct config *config,
    const struct target *target)
{
	const char *proxy =
	    target->proxy != NULL ? target->proxy : config->proxy;

	free(w->proxy);
	w->proxy = proxy == NULL || strcmp(proxy, "direct") == 0
	    ? NULL
	    : xstrdup(proxy);
}

static struct watched *
keep_or_add(struct watchlist *l, const char *target, const char *page,
    const char *url, int64_t now, int64_t spread)
{
	struct watched *w = find(l, target, page, url);

	if (w == NULL) {
		w = add(l, target, page, url);
		schedule_set(&l->schedule, &w->task,
		    schedule_start(span_of(w->key), now, spread));
	}
	w->stale = w->gone = false;
	return w;
}

static void
load_target(struct watchlist *l, const struct config *config,
    const struct target *target, int64_t now, int64_t spread)
{
	int64_t interval = config_interval(config, target) * 1000;
	const char *first = NULL;

	for (size_t i = 0; i < target->npages; i++) {
		const struct page_slot *p = &target->pages[i];
		struct watched *w;

		if (target_shares_list(target, i))
			continue;
		w = keep_or_add(l, target->id, p->name, p->url, now, spread);
		if (i == 0)
			first = w->key;
		else if (w->interval == 0)
			w->after = xstrdup(first);
		w->interval = interval;
		set_proxy(w, config, target);
	}
}

/* Samples stay as long as their slot does. */
static void
keep_samples(struct watchlist *l, const struct config *config)
{
	for (size_t i = 0; i < l->n; i++) {
		struct watched *w = l->list[i];
		const struct target *t;

		if (!w->sample ||
		    (t = config_target(config, w->target)) == NULL ||
		    !t->enabled)
			continue;
		for (size_t k = 0; k < t->npages; k++)
			if (t->pages[k].match != NULL &&
			    strcmp(t->pages[k].name, w->page) == 0)
				w->stale = false;
	}
}

static void
take_string(char **to, const char *from)
{
	free(*to);
	*to = xstrdup(from);
}

static void
load_controls(struct watchlist *l, const struct config *config, int64_t now)
{
	char id[32];

	for (size_t i = 0; i < config->ncontrols; i++) {
		struct watched *w;

		snprintf(id, sizeof id, "control-%zu", i + 1);
		w = keep_or_add(l, id, CONTROL_PAGE, config->controls[i], now,
		    SECOND);
		w->control = true;
		w->next = VARIANT_CONTROL;
		w->interval = CONTROL_SECONDS * SECOND;
		if (config->offline_window * 1000 / 2 < w->interval)
			w->interval = config->offline_window * 1000 / 2;
	}
}

void
watchlist_load(struct watchlist *l, const struct config *config, int64_t now,
    int64_t spread)
{
	for (size_t i = 0; i < l->n; i++) {
		/* New rules may make something else of the same bytes. */
		l->list[i]->last.known = false;
		take_string(&l->list[i]->etag, NULL);
		take_string(&l->list[i]->last_modified, NULL);
		l->list[i]->stale = true;
	}
	keep_samples(l, config);
	for (size_t i = 0; i < config->ntargets; i++)
		if (config->targets[i].enabled)
			load_target(l, config, &config->targets[i], now,
			    spread);
	load_controls(l, config, now);
	sweep(l);
}

void
watchlist_resume(struct watchlist *l, const struct resume *r, int64_t now,
    int64_t wall_now, int64_t spread)
{
	for (size_t i = 0; i < r->npages; i++) {
		const struct resume_page *p = &r->pages[i];
		struct watched *w = find(l, p->target, p->page, p->url);
		int64_t due;

		if (w == NULL || w->busy)
			continue;
		free(w->after);
		w->after = NULL;
		take_string(&w->etag, p->etag);
		take_string(&w->last_modified, p->last_modified);
		due = schedule_next(span_of(w->key), w->round,
		    now - (wall_now - p->last) * 1000, w->interval);
		/* From the future: noted under a clock that was wrong. */
		if (due < now || p->last > wall_now || p->confirm_soon)
			due = schedule_start(span_of(w->key), now, spread);
		schedule_set(&l->schedule, &w->task, due);
	}
}

/* ---- one page ---- */

/* Puts a page off while the first page of its target was not seen. */
static bool
put_off(struct watchlist *l, struct watched *w, int64_t now)
{
	const struct watched *first;
	int64_t due = now;

	if (w->after == NULL)
		return false;
	first = *slot(l->table, l->table_cap, w->after);
	if (first == NULL || first->round > 0) {
		free(w->after);
		w->after = NULL;
		return false;
	}
	if (first->task.place != 0 && first->task.due > now)
		due = first->task.due;
	schedule_set(&l->schedule, &w->task, due + PUT_OFF);
	return true;
}

struct watched *
watchlist_take(struct watchlist *l, int64_t now)
{
	struct task *t;
	struct watched *w;

	while ((t = schedule_first(&l->schedule)) != NULL && t->due <= now) {
		schedule_remove(&l->schedule, t);
		w = (struct watched *)t;
		if (put_off(l, w, now))
			continue;
		w->busy = true;
		return w;
	}
	return NULL;
}

int64_t
watchlist_next(const struct watchlist *l)
{
	const struct task *t = schedule_first(&l->schedule);

	return t == NULL ? INT64_MAX : t->due;
}

size_t
watchlist_overdue(const struct watchlist *l, int64_t now, int64_t *lag)
{
	const struct task *t = schedule_first(&l->schedule);
	size_t n = 0;

	*lag = t != NULL && t->due < now ? now - t->due : 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i]->task.place != 0 && l->list[i]->task.due < now)
			n++;
	return n;
}

size_t
watchlist_count(const struct watchlist *l)
{
	return l->n;
}

void
watchlist_return(struct watchlist *l, struct watched *w, int64_t due)
{
	w->busy = false;
	w->round++;
	if (w->gone) {
		w->stale = true;
		sweep(l);
		return;
	}
	schedule_set(&l->schedule, &w->task,
	    due > w->not_before ? due : w->not_before);
}

static int64_t
archive_interval(const struct advice *a, int64_t interval)
{
	int64_t old = 0, factor;

	for (size_t i = 0; i < a->nsamples; i++)
		old += a->samples[i].archive;
	factor = ARCHIVE_SHARE * old / ((int64_t)a->nsamples - old + 1);
	return interval *
	    (factor > ARCHIVE_INTERVALS ? factor : ARCHIVE_INTERVALS);
}

void
watchlist_samples(struct watchlist *l, const struct config *config,
    const char *target, const struct advice *a, int64_t now, int64_t spread)
{
	const struct target *t = config_target(config, target);

	if (t == NULL || a->sample_slot == NULL)
		return;
	for (size_t i = 0; i < l->n; i++) {
		struct watched *w = l->list[i];

		w->stale = w->gone ||
		    (w->sample && strcmp(w->target, target) == 0 &&
			strcmp(w->page, a->sample_slot) == 0);
	}
	for (size_t i = 0; i < a->nsamples; i++) {
		const struct advice_sample *s = &a->samples[i];
		int64_t interval = config_interval(config, t) * 1000;
		struct watched *w;

		if (s->archive)
			interval = spread = archive_interval(a, interval);
		w = keep_or_add(l, target, s->page, s->url, now, spread);
		w->sample = true;
		w->archive = s->archive;
		w->interval = interval;
		set_proxy(w, config, t);
	}
	sweep(l);
}

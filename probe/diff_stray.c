/* Blocks that are not as they were told last, because they flicker. */
#include <stdlib.h>
#include <string.h>

#include "diff_blocks.h"
#include "limit.h"

static struct stray *
stray_find(struct known_text *k, uint64_t hash)
{
	for (size_t i = 0; i < k->nstrays; i++)
		if (k->strays[i].hash == hash)
			return &k->strays[i];
	return NULL;
}

static void
stray_remove(struct known_text *k, struct stray *s)
{
	*s = k->strays[--k->nstrays];
	k->strayed = true;
}

/* The block came or went, and that is hidden. */
static void
stray_note(const struct diff *d, struct known_text *k,
    const struct block_side *side, size_t at, bool gone)
{
	const struct counted_block *c = &side->list[at];
	struct stray *s = stray_find(k, c->hash);

	if (s != NULL && s->gone != gone && (k->wait || k->later)) {
		/* In this look: what was kept is what the next may show. */
		s->look = k->look + 1;
		s->time = d->o->time;
		k->strayed = true;
	} else if (s != NULL && s->gone != gone) {
		stray_remove(k, s); /* as it was told */
	}
	if (s != NULL || !c->alone || k->wait || k->later ||
	    k->nstrays == STRAYS_MAX)
		return;
	s = stray_add(k);
	s->hash = c->hash;
	s->look = k->look;
	s->time = gone ? d->last_good : d->o->time;
	s->text = block_side_text(side, at);
	s->gone = gone;
	k->strayed = true;
}

void
strays_note(const struct diff *d, struct known_text *k,
    const struct block_side *s, bool gone)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->list[i].paired && s->list[i].hidden)
			stray_note(d, k, s, i, gone);
}

void
stray_told(struct known_text *k, uint64_t hash)
{
	struct stray *s = stray_find(k, hash);

	if (s != NULL)
		stray_remove(k, s);
}

struct stray *
stray_add(struct known_text *k)
{
	k->strays =
	    xgrow(k->strays, &k->strays_cap, k->nstrays + 1, sizeof *k->strays);
	return &k->strays[k->nstrays++];
}

static bool
stands(const struct known_text *k, uint64_t hash)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].hash == hash)
			return true;
	return false;
}

static bool
is_due(const struct known_text *k, const struct stray *s)
{
	return k->look >= s->look && k->look - s->look >= STRAY_LOOKS - 1;
}

/* Is there more to it than that another page told it, or that it came and went
 * with a place since? */
static bool
is_news(const struct diff *d, const struct known_text *k, const struct stray *s)
{
	if (stands(k, s->hash) == s->gone)
		return false;
	return !d->sampled || d->pages == NULL || !d->pages->told(d, s->hash);
}

/* Those of one moment go together. */
struct settled {
	char *text[2][STRAYS_MAX]; /* added, removed */
	size_t count[2];
	int64_t time;
};

static void
settle(const struct diff *d, struct known_text *k, struct settled *t)
{
	struct stray *s;

	for (size_t i = k->nstrays; i-- > 0;) {
		s = &k->strays[i];
		if (!is_due(k, s) ||
		    (t->time != INSTANT_NONE && t->time != s->time))
			continue;
		if (is_news(d, k, s)) {
			t->time = s->time;
			t->text[s->gone][t->count[s->gone]++] =
			    block_quote(s->text);
			if (d->pages != NULL)
				d->pages->tell(d, s->hash);
		}
		volatile_forget(&k->slots, s->hash);
		stray_remove(k, s);
	}
}

static void
emit_settled(const struct diff *d, const struct settled *t)
{
	struct event e;

	diff_event(d, &e, EVENT_CONTENT_CHANGED);
	e.since = t->time;
	e.added = (const char **)(uintptr_t)t->text[0];
	e.added_count = (int64_t)t->count[0];
	e.nadded = t->count[0];
	e.removed = (const char **)(uintptr_t)t->text[1];
	e.removed_count = (int64_t)t->count[1];
	e.nremoved = t->count[1];
	d->emit(d->arg, &e);
}

void
diff_strays(const struct diff *d, struct known_text *k)
{
	struct settled t;

	do {
		memset(&t, 0, sizeof t);
		t.time = INSTANT_NONE;
		settle(d, k, &t);
		if (t.time == INSTANT_NONE)
			break;
		emit_settled(d, &t);
		k->told = true;
		for (size_t i = 0; i < t.count[0]; i++)
			free(t.text[0][i]);
		for (size_t i = 0; i < t.count[1]; i++)
			free(t.text[1][i]);
	} while (k->nstrays > 0);
}

#include <stdlib.h>
#include <string.h>

#include "diff_blocks.h"
#include "limit.h"
#include "noise.h"
#include "words.h"

#define QUOTED_BLOCK_MAX 1024 /* bytes of one block in an event line */
#define ALIKE_LEAST	 34   /* percent: one block changed, not two */
#define TRIED_MAX	 128  /* pairs of blocks compared by words */

void
known_text_release(struct known_text *k)
{
	text_pool_free(k->texts);
	free(k->list);
	free(k->now);
	free(k->kept);
	free(k->strays);
	volatile_set_release(&k->slots);
	memset(k, 0, sizeof *k);
}

static bool
is_told(const struct counted_block *c)
{
	return !c->paired && !c->hidden && !c->shown;
}

/* Blocks of a run that are to be told: of the page itself, or any. */
static bool
run_tells(const struct block_side *s, const struct block_run *r, bool own)
{
	for (size_t i = 0; r != NULL && i < r->count; i++)
		if (is_told(&s->list[r->first + i]) &&
		    !(own && s->list[r->first + i].state.frame))
			return true;
	return false;
}

static bool
is_own(const struct block_side *s, size_t at)
{
	return at < s->count && !s->list[at].state.frame;
}

enum owner { OWNER_FRAME, OWNER_ARTICLE, OWNER_UNSURE };

/* New blocks between the article and its frame: whose are they?  The frame's
 * when another page has them; this may be the first that is looked at. */
static enum owner
owner_of_new(const struct diff *d, const struct block_side *new,
    const struct block_run *come)
{
	enum owner owner = OWNER_FRAME;

	for (size_t i = come->first; i < come->first + come->count; i++) {
		if (!is_told(&new->list[i]) ||
		    d->pages->stands(d, new->list[i].hash))
			continue;
		if (d->pages->again(d, new->list[i].hash))
			return OWNER_ARTICLE;
		owner = OWNER_UNSURE;
	}
	return owner;
}

/* Did the article change here, or what stands around it on every page? */
static enum owner
owner_of_place(const struct diff *d, const struct block_side *old,
    const struct block_run *gone, const struct block_side *new,
    const struct block_run *come)
{
	bool before, after;

	if (run_tells(old, gone, false) || come == NULL)
		return run_tells(old, gone, true) ? OWNER_ARTICLE : OWNER_FRAME;
	if (!run_tells(new, come, false))
		return OWNER_FRAME;
	before = come->first > 0 && is_own(new, come->first - 1);
	after = is_own(new, come->first + come->count);
	if (before == after)
		return before ? OWNER_ARTICLE : OWNER_FRAME;
	return owner_of_new(d, new, come);
}

static void
hide_told(const struct diff *d, struct known_text *k, struct block_side *s,
    const struct block_run *r)
{
	struct counted_block *c;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		c = &s->list[r->first + i];
		if (!is_told(c) || !d->pages->told(d, c->hash))
			continue;
		c->hidden = true;
		k->suppressed++;
	}
}

static bool
side_tells(const struct block_side *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_told(&s->list[i]))
			return true;
	return false;
}

static void
run_hide(struct block_side *s, const struct block_run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (!s->list[r->first + i].paired)
			s->list[r->first + i].hidden = true;
}

/* Hides what is not known to be the article's or the frame's; true when it was
 * all that there is to tell. */
static bool
put_off(struct block_side *old, struct block_side *new, const bool *unsure)
{
	bool any = false;

	for (size_t i = 0; i < new->nruns; i++)
		any = any || unsure[i];
	if (!any)
		return false;
	/* With something else it is told now, as what the frame shows. */
	for (size_t i = 0; i < new->nruns; i++)
		if (!unsure[i] && run_tells(new, &new->runs[i], false))
			return false;
	if (side_tells(old))
		return false;
	for (size_t i = 0; i < new->nruns; i++)
		if (unsure[i])
			run_hide(new, &new->runs[i]);
	return true;
}

/* True when the text of the article itself changed.  What changed around it
 * and was told of another page is hidden. */
static bool
judge_article(const struct diff *d, struct known_text *k,
    struct block_side *old, struct block_side *new)
{
	const struct block_run *other;
	bool edited = false, *unsure;
	enum owner owner;

	if (!d->sampled || d->pages == NULL || old->many || new->many)
		return false;
	unsure = xcalloc(new->nruns + 1, sizeof *unsure);
	for (size_t i = 0; i < new->nruns; i++) {
		other = blocks_opposite(old, &new->runs[i]);
		owner = owner_of_place(d, old, other, new, &new->runs[i]);
		edited = edited || owner == OWNER_ARTICLE;
		unsure[i] = owner == OWNER_UNSURE;
		if (owner != OWNER_FRAME)
			continue;
		hide_told(d, k, old, other);
		hide_told(d, k, new, &new->runs[i]);
	}
	for (size_t i = 0; i < old->nruns; i++) {
		if (blocks_opposite(new, &old->runs[i]) != NULL)
			continue;
		if (owner_of_place(d, old, &old->runs[i], new, NULL) ==
		    OWNER_ARTICLE)
			edited = true;
		else
			hide_told(d, k, old, &old->runs[i]);
	}
	if (!edited)
		k->later = put_off(old, new, unsure);
	free(unsure);
	return edited;
}

static void
note_told(const struct diff *d, struct known_text *k,
    const struct block_side *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].paired || s->list[i].hidden)
			continue;
		stray_told(k, s->list[i].hash);
		if (d->pages != NULL)
			d->pages->tell(d, s->list[i].hash);
	}
}

static struct span
clipped(const char *text)
{
	struct span s = span_of(text);

	s.n = utf8_clip(s, QUOTED_BLOCK_MAX);
	return s;
}

char *
block_quote(const char *text)
{
	struct span s = clipped(text);

	return xstrndup(s.p == NULL ? "" : s.p, s.n);
}

/* Blocks that were changed, word by word. */
struct changed {
	struct edits list[CHANGES_MAX];
	struct event_change event[CHANGES_MAX];
	size_t count;
	size_t tried;
};

/* What the block at `at` was before: the most alike of the run's. */
static void
find_before(struct changed *c, struct block_side *old,
    const struct block_run *gone, const struct block_side *new, size_t at)
{
	struct edits best = {0}, e;
	unsigned most = ALIKE_LEAST - 1, alike;
	size_t which = 0;

	for (size_t i = gone->first; i < gone->first + gone->count; i++) {
		if (!is_told(&old->list[i]) || c->tried++ >= TRIED_MAX)
			continue;
		alike = words_diff(clipped(block_side_text(old, i)),
		    clipped(block_side_text(new, at)), &e);
		if (alike <= most) {
			edits_release(&e);
			continue;
		}
		edits_release(&best);
		best = e;
		most = alike;
		which = i;
	}
	if (best.count == 0)
		return;
	old->list[which].shown = true;
	c->event[c->count].edits = (const char **)best.list;
	c->event[c->count].nedits = best.count;
	c->list[c->count++] = best;
}

static void
find_changed(struct changed *c, struct block_side *old,
    const struct block_side *new)
{
	const struct block_run *r, *gone;

	c->count = c->tried = 0;
	for (size_t i = 0; i < new->nruns; i++) {
		r = &new->runs[i];
		gone = blocks_opposite(old, r);
		for (size_t k = r->first; gone != NULL &&
		     k < r->first + r->count && c->count < CHANGES_MAX;
		     k++)
			if (is_told(&new->list[k]))
				find_before(c, old, gone, new, k);
	}
}

/* The first blocks without a partner, cut for quoting, as owned strings. */
static size_t
quote_unpaired(const struct block_side *side, char **out, size_t *total)
{
	const struct counted_block *c = side->list;
	size_t kept = 0;

	*total = 0;
	for (size_t i = 0; i < side->count; i++) {
		if (c[i].paired || c[i].hidden)
			continue;
		if (kept < CHANGE_BLOCKS_MAX)
			out[kept++] = block_quote(block_side_text(side, i));
		(*total)++;
	}
	return kept;
}

/* The hash of what is not volatile; `all` when that is everything. */
static const char *
text_hash(const struct block_side *s, const char *all, char out[65])
{
	struct buf b = BUF_INIT(BLOCKS_MAX * sizeof s->list->hash);
	bool changing = false;

	for (size_t i = 0; i < s->count; i++) {
		changing = changing || s->list[i].state.changing;
		if (!s->list[i].state.changing)
			buf_put_u64(&b, s->list[i].hash);
	}
	sha256_hex(buf_span(&b), out);
	buf_release(&b);
	return changing ? out : all;
}

static void
emit_change(const struct diff *d, struct known_text *k, enum event_type type,
    struct block_side *old, const struct block_side *new)
{
	struct changed changed;
	char *added[CHANGE_BLOCKS_MAX], *removed[CHANGE_BLOCKS_MAX];
	char old_hash[65], new_hash[65];
	size_t nadded, nremoved, added_count, removed_count;
	struct event e;

	nadded = quote_unpaired(new, added, &added_count);
	nremoved = quote_unpaired(old, removed, &removed_count);
	k->told = added_count + removed_count > 0;
	if (k->told) {
		diff_event(d, &e, type);
		e.old = text_hash(old, k->sha256, old_hash);
		e.new = text_hash(new, d->f->text_sha256, new_hash);
		e.added = (const char **)added;
		e.nadded = nadded;
		e.added_count = (int64_t)added_count;
		e.removed = (const char **)removed;
		e.nremoved = nremoved;
		e.removed_count = (int64_t)removed_count;
		find_changed(&changed, old, new);
		e.changes = changed.event;
		e.nchanges = changed.count;
		if (k->suppressed > 0)
			e.suppressed = (int64_t)k->suppressed;
		d->emit(d->arg, &e);
		note_told(d, k, old);
		note_told(d, k, new);
		for (size_t i = 0; i < changed.count; i++)
			edits_release(&changed.list[i]);
	}
	for (size_t i = 0; i < nadded; i++)
		free(added[i]);
	for (size_t i = 0; i < nremoved; i++)
		free(removed[i]);
}

/* Every block has its partner, and they stand in another order. */
static bool
is_reordered(const struct block_side *old, const struct block_side *new)
{
	bool moved = false;

	if (old->count != new->count)
		return false;
	for (size_t i = 0; i < old->count; i++) {
		if (!old->list[i].paired || !new->list[i].paired)
			return false;
		moved = moved || old->list[i].key != new->list[i].key;
	}
	return moved;
}

/* Does the next look decide whether that block is gone? */
static bool
may_return(const struct known_text *k, const struct counted_block *c)
{
	return !is_told(c) || volatile_may_return(&k->slots, c->hash);
}

static bool
run_may_return(const struct known_text *k, const struct block_side *s,
    const struct block_run *r)
{
	if (run_tells(s, r, false) && volatile_is_shared(&k->slots, r))
		return false;
	for (size_t i = r->first; i < r->first + r->count; i++)
		if (!may_return(k, &s->list[i]))
			return false;
	return true;
}

/* What is missing, when there is no other news, may be back in the next look:
 * it may be half a page, or a block that flickers.  That look decides.  Where
 * other things come and go it is the place that tells. */
static void
await_return(const struct diff *d, struct known_text *k, struct block_side *old,
    const struct block_side *new)
{
	if (d->sampled || old->many || new->many || side_tells(new))
		return;
	for (size_t i = 0; i < old->nruns; i++)
		if (!run_may_return(k, old, &old->runs[i]))
			return;
	for (size_t i = 0; i < old->count; i++) {
		if (!is_told(&old->list[i]))
			continue;
		volatile_await(&k->slots, old->list[i].hash);
		old->list[i].hidden = true;
		k->wait = true;
	}
}

void
diff_text(const struct diff *d, struct known_text *k)
{
	struct block_side old, new;
	bool edited;

	blocks_compare(d, k, &old, &new, false);
	k->reordered = is_reordered(&old, &new);
	edited = judge_article(d, k, &old, &new);
	await_return(d, k, &old, &new);
	emit_change(d, k, edited ? EVENT_CONTENT_EDITED : EVENT_CONTENT_CHANGED,
	    &old, &new);
	if (k->told)
		k->wait = false;
	strays_note(d, k, &old, true);
	strays_note(d, k, &new, false);
	k->now = xcalloc(d->f->nblocks + 1, sizeof *k->now);
	for (size_t i = 0; i < new.count; i++)
		k->now[new.list[i].index] = new.list[i].state;
	block_side_release(&old);
	block_side_release(&new);
}

void
diff_twin(const struct diff *d, struct known_text *k)
{
	struct block_side old, new;

	blocks_compare(d, k, &old, &new, true);
	for (size_t i = 0; i < old.count; i++)
		k->list[old.list[i].index].state = old.list[i].state;
	block_side_release(&old);
	block_side_release(&new);
}

bool
titles_alike(const char *a, const char *b)
{
	struct buf x = BUF_INIT(TITLE_MAX * 4), y = BUF_INIT(TITLE_MAX * 4);
	bool equal;

	if (a == NULL || b == NULL)
		return a == b;
	(void)noise_text(span_of(a), &x);
	(void)noise_text(span_of(b), &y);
	equal = span_eq(buf_span(&x), buf_span(&y));
	buf_release(&x);
	buf_release(&y);
	return equal;
}

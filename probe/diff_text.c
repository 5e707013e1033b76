#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "limit.h"
#include "noise.h"
#include "words.h"

#define QUOTED_BLOCK_MAX 1024 /* bytes of one block in an event line */
#define ALIKE_LEAST	 34   /* percent: one block changed, not two */
#define TRIED_MAX	 128  /* pairs of blocks compared by words */

struct counted {
	uint64_t hash;
	uint64_t key; /* of the hash and which of its equals it is */
	size_t index; /* in document order */
	bool paired;
	bool hidden; /* not told */
	bool shown;  /* as what a changed block was */
	struct block_state state;
};

/* Where a block stands in the list. */
struct place {
	uint64_t hash;
	size_t at;
};

/* The blocks of one side, and the runs between its fixed points. */
struct side {
	struct counted *list; /* in document order */
	struct place *order;  /* the same by hash */
	size_t count;
	struct block_run *runs;
	size_t nruns;
	bool many; /* more runs than are looked at */
	const char *(*text)(const void *, size_t);
	const void *arg;
};

void
known_text_release(struct known_text *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->list[i].text);
	free(k->list);
	free(k->now);
	volatile_set_release(&k->slots);
	memset(k, 0, sizeof *k);
}

static int
by_hash(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Orders by hash and numbers equal ones, so that every block has a key of its
 * own that the other side has too. */
static void
name_blocks(struct side *s)
{
	uint64_t nth = 0;
	struct place *p;

	s->order = xcalloc(s->count + 1, sizeof *s->order);
	for (size_t i = 0; i < s->count; i++)
		s->order[i] = (struct place){s->list[i].hash, i};
	qsort(s->order, s->count, sizeof *s->order, by_hash);
	for (size_t i = 0; i < s->count; i++) {
		p = &s->order[i];
		nth = i > 0 && p->hash == p[-1].hash ? nth + 1 : 0;
		s->list[p->at].key = (p->hash + nth * 0x9e3779b97f4a7c15u) | 1;
	}
}

/* Pairs off equal blocks of two lists; what stays unpaired was added or
 * removed.  A pure reordering leaves nothing. */
static void
pair(struct side *old, struct side *new)
{
	const struct place *a = old->order, *b = new->order;
	size_t i = 0, j = 0;

	while (i < old->count && j < new->count) {
		struct counted *x = &old->list[a[i].at];
		struct counted *y = &new->list[b[j].at];

		if (x->hash < y->hash) {
			i++;
		} else if (x->hash > y->hash) {
			j++;
		} else {
			y->state = x->state;
			x->paired = y->paired = true;
			i++;
			j++;
		}
	}
}

static bool
is_fixed(const struct counted *c)
{
	return c->paired && !c->state.changing;
}

static uint32_t
looks_since(const struct counted *c, uint64_t look)
{
	uint64_t n = look > c->state.since ? look - c->state.since : 0;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void
run_add(struct block_run *r, const struct counted *c, uint64_t look)
{
	uint32_t stood = looks_since(c, look);

	r->count++;
	r->content += c->hash * 0x9e3779b97f4a7c15u;
	if (c->paired)
		return;
	r->unpaired++;
	if (stood > r->stood)
		r->stood = stood;
	if (stood > r->fixed && !c->state.changing)
		r->fixed = stood;
}

static void
find_runs(struct side *s, uint64_t look)
{
	struct block_run *r;
	size_t i = 0;

	s->runs = xcalloc(BLOCK_RUNS_MAX, sizeof *s->runs);
	while (i < s->count) {
		if (is_fixed(&s->list[i])) {
			i++;
			continue;
		}
		if (s->nruns == BLOCK_RUNS_MAX) {
			s->many = true;
			return;
		}
		r = &s->runs[s->nruns++];
		r->first = i;
		r->before = i == 0 ? 0 : s->list[i - 1].key;
		for (; i < s->count && !is_fixed(&s->list[i]); i++)
			run_add(r, &s->list[i], look);
		r->after = i == s->count ? 0 : s->list[i].key;
	}
}

static struct block_run *
run_opposite(const struct side *s, const struct block_run *r)
{
	for (size_t i = 0; i < s->nruns; i++)
		if (s->runs[i].before == r->before ||
		    s->runs[i].after == r->after)
			return &s->runs[i];
	return NULL;
}

static size_t
run_mark(struct side *s, const struct block_run *r, bool hidden)
{
	size_t n = 0;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		s->list[r->first + i].state.changing = true;
		s->list[r->first + i].hidden = hidden;
		n += hidden && !s->list[r->first + i].paired;
	}
	return n;
}

/* Blocks that only one of two twins has, where nothing stands in their stead:
 * they blink, and what else appears there is news. */
static bool
run_blinks(struct known_text *k, const struct side *old,
    const struct block_run *gone, const struct side *new,
    const struct block_run *come)
{
	size_t went = gone == NULL ? 0 : gone->unpaired;
	size_t came = come == NULL ? 0 : come->unpaired;
	const struct side *s = went > 0 ? old : new;
	const struct block_run *r = went > 0 ? gone : come;

	if ((went > 0) == (came > 0) || volatile_knows(&k->slots, gone) ||
	    volatile_knows(&k->slots, come))
		return false;
	for (size_t i = r->first; i < r->first + r->count; i++)
		if (!s->list[i].paired)
			volatile_blinks(&k->slots, s->list[i].hash, k->look);
	return true;
}

/* One place that changed. */
static void
judge_place(struct known_text *k, struct side *old,
    const struct block_run *gone, struct side *new,
    const struct block_run *come, bool twin)
{
	enum volatile_step step;

	if (twin && run_blinks(k, old, gone, new, come))
		return;
	step = volatile_changed(&k->slots, gone, come, k->look, twin);
	if (step == VOLATILE_WAIT)
		k->wait = true;
	if (step == VOLATILE_TELL)
		return;
	k->suppressed += run_mark(old, gone, true);
	k->suppressed += run_mark(new, come, true);
}

static void
judge_places(struct known_text *k, struct side *old, struct side *new,
    bool twin)
{
	struct block_run *other;

	for (size_t i = 0; i < new->nruns; i++) {
		other = run_opposite(old, &new->runs[i]);
		if (new->runs[i].unpaired > 0 ||
		    (other != NULL && other->unpaired > 0))
			judge_place(k, old, other, new, &new->runs[i], twin);
		if (other != NULL)
			other->unpaired = 0;
	}
	for (size_t i = 0; i < old->nruns; i++)
		if (old->runs[i].unpaired > 0)
			judge_place(k, old, &old->runs[i], new, NULL, twin);
}

/* Places that have become quiet rejoin: their blocks are fixed points again.
 * So is what is flagged and stands in no place that is known, or for longer
 * than what changes there. */
static void
rejoin(struct known_text *k, struct side *old)
{
	struct volatile_slot *place;
	struct counted *c;
	size_t left;

	volatile_expire(&k->slots, k->look);
	find_runs(old, k->look);
	for (size_t i = 0; i < old->nruns; i++) {
		place = volatile_place(&k->slots, &old->runs[i]);
		left = 0;
		for (size_t j = 0; j < old->runs[i].count; j++) {
			c = &old->list[old->runs[i].first + j];
			if (place != NULL &&
			    !volatile_outlasts(place, looks_since(c, k->look)))
				continue;
			c->state.changing = false;
			left++;
		}
		if (place != NULL)
			volatile_narrow(&k->slots, place, left);
	}
	free(old->runs);
	old->runs = NULL;
	old->nruns = 0;
}

/* Blocks that come and go again and again are not told either. */
static void
hide_flickering(struct known_text *k, struct side *s)
{
	enum volatile_step step;
	struct counted *c;

	for (size_t i = 0; i < s->count; i++) {
		c = &s->list[i];
		if (c->paired || c->hidden)
			continue;
		step = volatile_block(&k->slots, c->hash, k->look);
		if (step == VOLATILE_TELL)
			continue;
		k->wait = k->wait || step == VOLATILE_WAIT;
		c->hidden = true;
		k->suppressed++;
	}
}

static const char *
known_text(const void *arg, size_t i)
{
	return ((const struct known_text *)arg)->list[i].text;
}

static const char *
found_text(const void *arg, size_t i)
{
	return ((const struct finding *)arg)->blocks[i].text;
}

static void
side_of_known(struct side *s, const struct known_text *k)
{
	*s = (struct side){.text = known_text, .arg = k};
	s->list = xcalloc(k->count + 1, sizeof *s->list);
	for (size_t i = 0; i < k->count; i++)
		s->list[s->count++] = (struct counted){.hash = k->list[i].hash,
		    .index = i,
		    .paired = true,
		    .state = k->list[i].state};
}

static void
side_of_found(struct side *s, const struct finding *f, uint64_t look)
{
	*s = (struct side){.text = found_text, .arg = f};
	s->list = xcalloc(f->nblocks + 1, sizeof *s->list);
	for (size_t i = 0; i < f->nblocks; i++)
		if (!f->blocks[i].noise)
			s->list[s->count++] =
			    (struct counted){.hash = f->blocks[i].hash,
				.index = i,
				.state.since = look};
}

static void
side_release(struct side *s)
{
	free(s->list);
	free(s->order);
	free(s->runs);
}

static void
compare(const struct diff *d, struct known_text *k, struct side *old,
    struct side *new, bool twin)
{
	side_of_known(old, k);
	side_of_found(new, d->f, k->look);
	name_blocks(old);
	name_blocks(new);
	rejoin(k, old);
	for (size_t i = 0; i < old->count; i++)
		old->list[i].paired = false;
	pair(old, new);
	find_runs(old, k->look);
	find_runs(new, k->look);
	if (old->many || new->many)
		return;
	judge_places(k, old, new, twin);
	if (twin) {
		volatile_twin_end(&k->slots, k->look);
		return;
	}
	hide_flickering(k, old);
	hide_flickering(k, new);
}

static bool
is_told(const struct counted *c)
{
	return !c->paired && !c->hidden && !c->shown;
}

/* Blocks of a run that are to be told: of the page itself, or any. */
static bool
run_tells(const struct side *s, const struct block_run *r, bool own)
{
	for (size_t i = 0; r != NULL && i < r->count; i++)
		if (is_told(&s->list[r->first + i]) &&
		    !(own && s->list[r->first + i].state.frame))
			return true;
	return false;
}

static bool
is_own(const struct side *s, size_t at)
{
	return at < s->count && !s->list[at].state.frame;
}

enum owner { OWNER_FRAME, OWNER_ARTICLE, OWNER_UNSURE };

/* New blocks between the article and its frame: whose are they?  The frame's
 * when another page has them; this may be the first that is looked at. */
static enum owner
owner_of_new(const struct diff *d, const struct side *new,
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
owner_of_place(const struct diff *d, const struct side *old,
    const struct block_run *gone, const struct side *new,
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
hide_told(const struct diff *d, struct known_text *k, struct side *s,
    const struct block_run *r)
{
	struct counted *c;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		c = &s->list[r->first + i];
		if (!is_told(c) || !d->pages->told(d, c->hash))
			continue;
		c->hidden = true;
		k->suppressed++;
	}
}

static bool
side_tells(const struct side *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_told(&s->list[i]))
			return true;
	return false;
}

static void
run_hide(struct side *s, const struct block_run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (!s->list[r->first + i].paired)
			s->list[r->first + i].hidden = true;
}

/* Hides what is not known to be the article's or the frame's; true when it was
 * all that there is to tell. */
static bool
put_off(struct side *old, struct side *new, const bool *unsure)
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
judge_article(const struct diff *d, struct known_text *k, struct side *old,
    struct side *new)
{
	const struct block_run *other;
	bool edited = false, *unsure;
	enum owner owner;

	if (!d->sampled || d->pages == NULL || old->many || new->many)
		return false;
	unsure = xcalloc(new->nruns + 1, sizeof *unsure);
	for (size_t i = 0; i < new->nruns; i++) {
		other = run_opposite(old, &new->runs[i]);
		owner = owner_of_place(d, old, other, new, &new->runs[i]);
		edited = edited || owner == OWNER_ARTICLE;
		unsure[i] = owner == OWNER_UNSURE;
		if (owner != OWNER_FRAME)
			continue;
		hide_told(d, k, old, other);
		hide_told(d, k, new, &new->runs[i]);
	}
	for (size_t i = 0; i < old->nruns; i++) {
		if (run_opposite(new, &old->runs[i]) != NULL)
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
note_told(const struct diff *d, const struct side *s)
{
	for (size_t i = 0; d->pages != NULL && i < s->count; i++)
		if (!s->list[i].paired && !s->list[i].hidden)
			d->pages->tell(d, s->list[i].hash);
}

static struct span
quoted(const struct side *side, size_t at)
{
	struct span s = span_of(side->text(side->arg, side->list[at].index));

	s.n = utf8_clip(s, QUOTED_BLOCK_MAX);
	return s;
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
find_before(struct changed *c, struct side *old, const struct block_run *gone,
    const struct side *new, size_t at)
{
	struct edits best = {0}, e;
	unsigned most = ALIKE_LEAST - 1, alike;
	size_t which = 0;

	for (size_t i = gone->first; i < gone->first + gone->count; i++) {
		if (!is_told(&old->list[i]) || c->tried++ >= TRIED_MAX)
			continue;
		alike = words_diff(quoted(old, i), quoted(new, at), &e);
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
find_changed(struct changed *c, struct side *old, const struct side *new)
{
	const struct block_run *r, *gone;

	c->count = c->tried = 0;
	for (size_t i = 0; i < new->nruns; i++) {
		r = &new->runs[i];
		gone = run_opposite(old, r);
		for (size_t k = r->first; gone != NULL &&
		     k < r->first + r->count && c->count < CHANGES_MAX;
		     k++)
			if (is_told(&new->list[k]))
				find_before(c, old, gone, new, k);
	}
}

/* The first blocks without a partner, cut for quoting, as owned strings. */
static size_t
quote_unpaired(const struct side *side, char **out, size_t *total)
{
	const struct counted *c = side->list;
	size_t kept = 0;
	struct span s;

	*total = 0;
	for (size_t i = 0; i < side->count; i++) {
		if (c[i].paired || c[i].hidden)
			continue;
		if (kept < CHANGE_BLOCKS_MAX) {
			s = quoted(side, i);
			out[kept++] = xstrndup(s.p == NULL ? "" : s.p, s.n);
		}
		(*total)++;
	}
	return kept;
}

/* The hash of what is not volatile; `all` when that is everything. */
static const char *
text_hash(const struct side *s, const char *all, char out[65])
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
    struct side *old, const struct side *new)
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
		note_told(d, old);
		note_told(d, new);
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
is_reordered(const struct side *old, const struct side *new)
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
may_return(const struct known_text *k, const struct counted *c)
{
	return !is_told(c) || volatile_may_return(&k->slots, c->hash);
}

static bool
run_may_return(const struct known_text *k, const struct side *s,
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
await_return(const struct diff *d, struct known_text *k, struct side *old,
    const struct side *new)
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
	struct side old, new;
	bool edited;

	compare(d, k, &old, &new, false);
	k->reordered = is_reordered(&old, &new);
	edited = judge_article(d, k, &old, &new);
	await_return(d, k, &old, &new);
	emit_change(d, k, edited ? EVENT_CONTENT_EDITED : EVENT_CONTENT_CHANGED,
	    &old, &new);
	if (k->told)
		k->wait = false;
	k->now = xcalloc(d->f->nblocks + 1, sizeof *k->now);
	for (size_t i = 0; i < new.count; i++)
		k->now[new.list[i].index] = new.list[i].state;
	side_release(&old);
	side_release(&new);
}

void
diff_twin(const struct diff *d, struct known_text *k)
{
	struct side old, new;

	compare(d, k, &old, &new, true);
	for (size_t i = 0; i < old.count; i++)
		k->list[old.list[i].index].state = old.list[i].state;
	side_release(&old);
	side_release(&new);
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

#include "diff_blocks.h"

#include <stdlib.h>

#include "limit.h"

#define ORDER_FEW      12 /* ordered by insertion */
#define ORDER_BITS_MAX 15

static int
by_hash(const void *a, const void *b)
{
	const struct block_place *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Those few whose hashes begin alike; a page can make them many. */
static void
order_few(struct block_place *p, size_t n)
{
	struct block_place moved;
	size_t at;

	if (n > ORDER_FEW) {
		qsort(p, n, sizeof *p, by_hash);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		moved = p[i];
		for (at = i; at > 0 && by_hash(&p[at - 1], &moved) > 0; at--)
			p[at] = p[at - 1];
		p[at] = moved;
	}
}

/* By hash: first by the bits that a hash begins with, of which there are about
 * as many values as blocks. */
static void
order_blocks(struct block_side *s)
{
	unsigned shift = 63;
	size_t nheads, from = 0;
	uint32_t *ends;

	while (shift > 64 - ORDER_BITS_MAX && (s->count >> (64 - shift)) > 0)
		shift--;
	nheads = (size_t)1 << (64 - shift);
	ends = xcalloc(nheads + 1, sizeof *ends);
	for (size_t i = 0; i < s->count; i++)
		ends[(s->list[i].hash >> shift) + 1]++;
	for (size_t i = 1; i < nheads; i++)
		ends[i] += ends[i - 1];
	for (size_t i = 0; i < s->count; i++)
		s->order[ends[s->list[i].hash >> shift]++] =
		    (struct block_place){s->list[i].hash, i};
	for (size_t i = 0; i < nheads; from = ends[i++])
		order_few(&s->order[from], ends[i] - from);
	free(ends);
}

/* Orders by hash and numbers equal ones, so that every block has a key of its
 * own that the other side has too. */
static void
name_blocks(struct block_side *s)
{
	uint64_t nth = 0;
	struct block_place *p;

	s->order = xcalloc(s->count + 1, sizeof *s->order);
	order_blocks(s);
	for (size_t i = 0; i < s->count; i++) {
		p = &s->order[i];
		nth = i > 0 && p->hash == p[-1].hash ? nth + 1 : 0;
		s->list[p->at].key = (p->hash + nth * 0x9e3779b97f4a7c15u) | 1;
	}
}

/* Pairs off equal blocks of two lists; what stays unpaired was added or
 * removed.  A pure reordering leaves nothing. */
static void
pair(struct block_side *old, struct block_side *new)
{
	const struct block_place *a = old->order, *b = new->order;
	size_t i = 0, j = 0;

	while (i < old->count && j < new->count) {
		struct counted_block *x = &old->list[a[i].at];
		struct counted_block *y = &new->list[b[j].at];

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
is_fixed(const struct counted_block *c)
{
	return c->paired && !c->state.changing;
}

static uint32_t
looks_since(const struct counted_block *c, uint64_t look)
{
	uint64_t n = look > c->state.since ? look - c->state.since : 0;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void
run_add(struct block_run *r, const struct counted_block *c, uint64_t look)
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
find_runs(struct block_side *s, uint64_t look)
{
	struct block_run *r;
	size_t i = 0, cap = 0;

	while (i < s->count) {
		if (is_fixed(&s->list[i])) {
			i++;
			continue;
		}
		if (s->nruns == BLOCK_RUNS_MAX) {
			s->many = true;
			return;
		}
		s->runs = xgrow(s->runs, &cap, s->nruns + 1, sizeof *s->runs);
		r = &s->runs[s->nruns++];
		*r = (struct block_run){.first = i};
		r->before = i == 0 ? 0 : s->list[i - 1].key;
		for (; i < s->count && !is_fixed(&s->list[i]); i++)
			run_add(r, &s->list[i], look);
		r->after = i == s->count ? 0 : s->list[i].key;
	}
}

struct block_run *
blocks_opposite(const struct block_side *s, const struct block_run *r)
{
	for (size_t i = 0; i < s->nruns; i++)
		if (s->runs[i].before == r->before ||
		    s->runs[i].after == r->after)
			return &s->runs[i];
	return NULL;
}

static size_t
run_mark(struct block_side *s, const struct block_run *r, bool alone)
{
	size_t n = 0;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		s->list[r->first + i].state.changing = true;
		s->list[r->first + i].hidden = true;
		s->list[r->first + i].alone = alone;
		n += !s->list[r->first + i].paired;
	}
	return n;
}

/* Blocks that only one of two twins has, where nothing stands in their stead:
 * they blink, and what else appears there is news. */
static bool
run_blinks(struct known_text *k, const struct block_side *old,
    const struct block_run *gone, const struct block_side *new,
    const struct block_run *come)
{
	size_t went = gone == NULL ? 0 : gone->unpaired;
	size_t came = come == NULL ? 0 : come->unpaired;
	const struct block_side *s = went > 0 ? old : new;
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
judge_place(struct known_text *k, struct block_side *old,
    const struct block_run *gone, struct block_side *new,
    const struct block_run *come, bool twin)
{
	bool went = gone != NULL && gone->unpaired > 0;
	bool came = come != NULL && come->unpaired > 0, alone;
	enum volatile_step step;

	if (twin && run_blinks(k, old, gone, new, come))
		return;
	step = volatile_changed(&k->slots, gone, come, k->look, twin);
	if (step == VOLATILE_WAIT)
		k->wait = true;
	if (step == VOLATILE_TELL)
		return;
	alone =
	    went != came && volatile_is_alone(&k->slots, went ? gone : come);
	k->suppressed += run_mark(old, gone, alone);
	k->suppressed += run_mark(new, come, alone);
}

static void
judge_places(struct known_text *k, struct block_side *old,
    struct block_side *new, bool twin)
{
	struct block_run *other;

	for (size_t i = 0; i < new->nruns; i++) {
		other = blocks_opposite(old, &new->runs[i]);
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
rejoin(struct known_text *k, struct block_side *old)
{
	struct volatile_slot *place;
	struct counted_block *c;
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
hide_flickering(struct known_text *k, struct block_side *s)
{
	enum volatile_step step;
	struct counted_block *c;

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
		c->alone = true;
	}
}

const char *
block_side_text(const struct block_side *s, size_t at)
{
	size_t i = s->list[at].index;
	struct known_block *b;

	if (s->found != NULL)
		return s->found->blocks[i].text;
	b = &s->known->list[i];
	if (b->text == NULL)
		b->text = s->known->read(s->known, b);
	return b->text;
}

static void
side_of_known(struct block_side *s, struct known_text *k)
{
	*s = (struct block_side){.known = k};
	s->list = xcalloc(k->count + 1, sizeof *s->list);
	for (size_t i = 0; i < k->count; i++)
		s->list[s->count++] =
		    (struct counted_block){.hash = k->list[i].hash,
			.index = i,
			.paired = true,
			.state = k->list[i].state};
}

static void
side_of_found(struct block_side *s, const struct finding *f, uint64_t look)
{
	*s = (struct block_side){.found = f};
	s->list = xcalloc(f->nblocks + 1, sizeof *s->list);
	for (size_t i = 0; i < f->nblocks; i++)
		if (!f->blocks[i].noise)
			s->list[s->count++] =
			    (struct counted_block){.hash = f->blocks[i].hash,
				.index = i,
				.state.since = look};
}

void
block_side_release(struct block_side *s)
{
	free(s->list);
	free(s->order);
	free(s->runs);
}

void
blocks_compare(const struct diff *d, struct known_text *k,
    struct block_side *old, struct block_side *new, bool twin)
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

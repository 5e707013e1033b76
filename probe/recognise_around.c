/* What is around a link: elements that say that what is in them shares, or
 * shows contents of a platform. */

#include <stdlib.h>
#include <string.h>

#include "recognise_state.h"

enum mark { MARK_SHARE = 1, MARK_NOT = 2 };

struct marks {
	struct recogniser *r;
	uint32_t seen;
};

static void
mark_word(struct marks *m, struct span word)
{
	const struct rules *r = m->r->rules;

	if (word.n < 3 ||
	    (r->around_lengths[letter_pair(word.p)] >> (word.n % 32) & 1) ==
		0 ||
	    !recogniser_spend(m->r, r->naround_words + r->naround_not))
		return;
	if (rules_listed(r, r->around_words, r->naround_words, word))
		m->seen |= MARK_SHARE;
	else if (rules_listed(r, r->around_not, r->naround_not, word))
		m->seen |= MARK_NOT;
}

/* "shareBox" is two words. */
static void
mark_words(void *arg, struct span run)
{
	size_t from = 0;

	for (size_t i = 1; i < run.n; i++)
		if (run.p[i] >= 'A' && run.p[i] <= 'Z' && run.p[i - 1] > 'Z') {
			mark_word(arg, span_slice(run, from, i - from));
			from = i;
		}
	mark_word(arg, span_slice(run, from, run.n));
}

/* What the classes and the id of an element say. */
static uint32_t
mark_element(void *arg, const struct html_token *t)
{
	struct marks m = {.r = arg};

	for (size_t i = 0; i < t->nattrs; i++)
		if (attribute_is(&t->attrs[i], "class") ||
		    attribute_is(&t->attrs[i], "id"))
			words_each(t->attrs[i].value, mark_words, &m);
	return m.seen;
}

void
recogniser_input(void *arg, struct span page)
{
	struct recogniser *r = arg;

	around_release(r);
	r->input = page;
	r->share_bar = r->said_share = NOWHERE;
	r->widget.platform = RULE_NONE;
}

static struct outline *
outline_of(struct recogniser *r)
{
	if (r->outline == NULL && r->input.n > 0) {
		r->outline = xmalloc(sizeof(*r->outline));
		outline_init(r->outline, r->input, mark_element, r);
		r->searched = 0;
		r->last_word = NOWHERE;
	}
	return r->outline;
}

void
around_release(struct recogniser *r)
{
	if (r->outline != NULL)
		outline_release(r->outline);
	free(r->outline);
	r->outline = NULL;
}

/* ---- share bars ---- */

static bool
word_at(const struct rules *r, struct span page, size_t at)
{
	for (size_t i = 0; i < r->naround_words; i++) {
		struct span w = rules_span(r, r->around_words[i]);

		if (span_eq_i(span_slice(page, at, w.n), w))
			return true;
	}
	return false;
}

/* Where, of sixteen bytes, a word for sharing may begin. */
static unsigned
words_begin(const struct rules *r, const char *p)
{
	bytes16 v = bytes16_load(p) | 0x20, w = bytes16_load(p + 1) | 0x20;
	bytes16 x = bytes16_load(p + 2) | 0x20, hit = {0};

	if (r->naround_heads > AROUND_HEADS)
		return 0xffff;
	for (size_t i = 0; i < r->naround_heads; i++)
		hit |= bytes16_is(v, r->around_heads[i][0]) &
		    bytes16_is(w, r->around_heads[i][1]) &
		    bytes16_is(x, r->around_heads[i][2]);
	return bytes16_mask(hit);
}

/* The first place of a word for sharing from `at` on, whatever it stands in;
 * `to` when there is none. */
static size_t
find_word(const struct rules *r, struct span page, size_t at, size_t to)
{
	unsigned hit;

	for (; at < to && at + 18 <= page.n; at += 16)
		for (hit = words_begin(r, page.p + at); hit != 0;
		     hit &= hit - 1)
			if (word_at(r, page, at + bytes16_first(hit)))
				return at + bytes16_first(hit);
	for (; at < to; at++)
		if (word_at(r, page, at))
			return at;
	return to;
}

/* Reads on to the offset, where a word for sharing lies near before it. */
static bool
look_for_bar(struct recogniser *r, struct outline *o, size_t to)
{
	size_t low = to > AROUND_MAX ? to - AROUND_MAX : 0, first, at;
	const char *tag;

	at = first = find_word(r->rules, r->input,
	    r->searched > low ? r->searched : low, to);
	while (at < to) {
		r->last_word = at;
		at = find_word(r->rules, r->input, at + 1, to);
	}
	if (to > r->searched)
		r->searched = to;
	if (r->last_word == NOWHERE || r->last_word < low)
		return false;
	tag = memrchr(r->input.p + low, '<', first - low);
	outline_look(o, to,
	    o->at > low	      ? o->at
		: tag == NULL ? low
			      : (size_t)(tag - r->input.p),
	    false);
	return true;
}

/* A page that never ends its share bar has none behind some bytes of it. */
uint64_t
share_bar_around(struct recogniser *r, uint64_t offset)
{
	struct outline *o = outline_of(r);

	if (o == NULL || offset > r->input.n ||
	    !look_for_bar(r, o, (size_t)offset))
		return NOWHERE;
	for (size_t i = o->n; i > 0; i--) {
		const struct open_element *e = &o->open[i - 1];

		if (e->offset >= offset)
			continue;
		if (offset - e->offset > AROUND_MAX || (e->mark & MARK_NOT))
			return NOWHERE;
		if (e->mark & MARK_SHARE)
			return e->offset;
	}
	return NOWHERE;
}

/* ---- widgets ---- */

/* Short addresses in a post are what it links to, and not itself. */
static bool
is_short(const struct recogniser *r)
{
	const struct rule_host *h =
	    r->url_good ? rules_host(r->rules, r->url.host) : NULL;

	return h != NULL && (h->flags & HOST_SHORT) != 0;
}

bool
in_widget(struct recogniser *r, const char *platform, uint64_t offset)
{
	const struct rules *rules = r->rules;
	struct outline *o;

	if (r->widget.platform == RULE_NONE ||
	    strcmp(platform,
		rules_text(rules, rules->platforms[r->widget.platform].id)) !=
		0)
		return false;
	if (r->widget.offset == offset)
		return true;
	if (is_short(r))
		return false;
	o = outline_of(r);
	if (o == NULL || offset - r->widget.offset > WIDGET_MAX)
		return false;
	outline_look(o, offset, r->widget.offset, true);
	for (size_t i = o->n; i > 0; i--)
		if (o->open[i - 1].offset == r->widget.offset)
			return true;
	return false;
}

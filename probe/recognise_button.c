/*
 * Buttons that lead nowhere by themselves: a link to "#", one without an
 * address, or a <button>, to which a script gives its use.  What is known of
 * it are its classes, its id, its title, its data attributes and the images
 * inside.  Where these name a platform that takes shares together with a word
 * for sharing, it is a share button.
 */
#include "recognise_state.h"

struct button {
	struct recogniser *r;
	const struct rules *rules;
	uint32_t platform;
	bool plain; /* its word means other things, where only "btn" is said */
	bool share;
	bool button;
	bool forbidden;
};

/* A platform that takes shares, by a word that means nothing else. */
static bool
take_platform(struct button *b, struct span word)
{
	const struct rules *r = b->rules;
	uint32_t at;

	if (word.n < 2 ||
	    (r->pair_lengths[letter_pair(word.p)] >> (word.n % 32) & 1) == 0)
		return false;
	at = rules_word(r, word);
	if (at == RULE_NONE ||
	    (r->platforms[at].flags & PLATFORM_SHARES) == 0 ||
	    rules_listed(r, r->share_plain, r->nshare_plain, word))
		return false;
	if (b->platform == RULE_NONE || b->plain) {
		b->platform = at;
		b->plain =
		    rules_listed(r, r->button_plain, r->nbutton_plain, word);
	}
	return true;
}

/* "shareFacebook", "twitterbtn": the platform beside one of the words. */
static bool
take_joined(struct button *b, struct span word, const uint32_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span w = rules_span(b->rules, list[i]);

		if (word.n < w.n + 2)
			continue;
		if ((span_eq_i(span_slice(word, 0, w.n), w) &&
			take_platform(b, span_slice(word, w.n, word.n))) ||
		    (span_eq_i(span_slice(word, word.n - w.n, w.n), w) &&
			take_platform(b, span_slice(word, 0, word.n - w.n))))
			return true;
	}
	return false;
}

/* Comparisons that a word of the lists' kind may take. */
static size_t
word_cost(const struct rules *r)
{
	return 2 * (r->nshare_words + r->nbutton_words) + r->nshare_not +
	    r->nshare_plain + r->nbutton_plain;
}

static void
take_listed(struct button *b, struct span word)
{
	const struct rules *r = b->rules;

	if (rules_listed(r, r->share_not, r->nshare_not, word))
		b->forbidden = true;
	else if (rules_listed(r, r->share_words, r->nshare_words, word) ||
	    take_joined(b, word, r->share_words, r->nshare_words))
		b->share = true;
	else if (rules_listed(r, r->button_words, r->nbutton_words, word) ||
	    take_joined(b, word, r->button_words, r->nbutton_words))
		b->button = true;
	else
		take_platform(b, word);
}

/* Could the word be one of the lists, or begin or end with one? */
static bool
may_be_listed(const struct rules *r, struct span w)
{
	unsigned head = letter_pair(w.p), tail = letter_pair(w.p + w.n - 2);

	return (r->button_lengths[head] >> (w.n % 32) & 1) != 0 ||
	    (w.n > 4 &&
		(r->button_head[head] ||
		    (r->button_tail[tail] >> (w.p[w.n - 3] & 31) & 1) != 0));
}

/* Most words are neither listed nor a platform's. */
static void
take_word(void *arg, struct span word)
{
	struct button *b = arg;
	const struct rules *r = b->rules;

	if (word.n < 2)
		return;
	if (!may_be_listed(r, word))
		take_platform(b, word);
	else if (recogniser_spend(b->r, word_cost(r)))
		take_listed(b, word);
}

static void
take_words(struct button *b, struct span s)
{
	words_each(s, take_word, b);
}

/* The text of a link: words of other scripts are not cut into words. */
static void
take_text(struct button *b, struct span text)
{
	const struct rules *r = b->rules;

	take_words(b, text);
	for (size_t i = 0; i < r->nshare_not; i++) {
		const char *word = rules_text(r, r->share_not[i]);

		if ((unsigned char)word[0] >= 0x80 &&
		    span_search(text, word) < text.n)
			b->forbidden = true;
	}
}

static void
take_attributes(struct button *b, const struct element *e)
{
	for (size_t i = 0; i < e->nattrs; i++) {
		const struct attribute *a = &e->attrs[i];

		if (attribute_is(a, "class") || attribute_is(a, "id") ||
		    attribute_is(a, "title") || attribute_is(a, "aria-label")) {
			take_words(b, a->value);
		} else if (span_starts_i(a->name, "data-")) {
			take_words(b, span_slice(a->name, 5, a->name.n));
			if (a->value.n < 24)
				take_words(b, a->value);
		}
	}
}

/*
 * Does an element around it say that it shares?  A platform's word that means
 * other things too is believed behind one that does not.
 */
static bool
in_share_bar(const struct button *b, uint64_t offset)
{
	uint64_t bar;

	if (b->plain && b->r->share_bar == NOWHERE)
		return false;
	bar = share_bar_around(b->r, offset);
	if (bar == NOWHERE)
		return false;
	if (!b->plain)
		b->r->share_bar = bar;
	return b->r->share_bar == bar;
}

void
recogniser_button(struct recogniser *r, const struct element *e,
    const struct link *l, uint64_t offset)
{
	struct button b = {.r = r, .rules = r->rules, .platform = RULE_NONE};
	struct seen s = {.kind = SIGHTING_SHARE,
	    .at = e,
	    .link = l,
	    .offset = offset};
	uint32_t at;

	if (r->rules->nshare_words == 0 ||
	    recogniser_noted(r, offset) != RULE_NONE)
		return;
	take_attributes(&b, e);
	if (l != NULL)
		take_words(&b, l->inner);
	/* "btn-vk" may be for those who log in: its text must not say so. */
	if (b.platform == RULE_NONE)
		return;
	if (l != NULL)
		take_text(&b, link_text(l));
	if (b.forbidden ||
	    !(b.share || (l != NULL && b.button && !b.plain) ||
		in_share_bar(&b, offset)))
		return;
	s.platform = rules_text(r->rules, r->rules->platforms[b.platform].id);
	at = recogniser_add(r, &s);
	if (at != RULE_NONE)
		recogniser_note(r, offset, at);
}

/*
 * Buttons that lead nowhere by themselves: a link to "#", one without an
 * address, or a <button>, to which a script gives its use.  What is known of
 * it are its classes, its id, its title, its data attributes and the images
 * inside.  Where these name a platform that takes shares together with a word
 * for sharing, it is a share button.
 */
#include "bytes16.h"
#include "recognise_state.h"

#define PARENT_MAX    256 /* of a tag right before a button */
#define NAME_TEXT_MAX 24  /* a text that may be no more than a name */
#define READ_LEN      120 /* of a text that people read; more says too much */

struct button {
	struct recogniser *r;
	const struct rules *rules;
	uint32_t platform;
	bool plain; /* its word means other things, where only "btn" is said */
	bool share;
	bool button;
	bool forbidden;
	/* What texts say in scripts that do not part words. */
	bool said;
	bool said_share;
	bool said_not;
	uint32_t name; /* platform of the longest name; RULE_NONE */
	size_t name_length;
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
	return 2 * (r->nshare_ascii + r->nbutton_words) + r->nnot_ascii +
	    r->nshare_plain + r->nbutton_plain;
}

static void
take_listed(struct button *b, struct span word)
{
	const struct rules *r = b->rules;

	if (rules_listed(r, r->share_not, r->nnot_ascii, word))
		b->forbidden = true;
	else if (rules_listed(r, r->share_words, r->nshare_ascii, word) ||
	    take_joined(b, word, r->share_words, r->nshare_ascii))
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

/* Words of a link's inside, without the hosts of its images. */
static void
take_inner(struct button *b, struct span inner)
{
	struct span one, path;
	size_t host;

	while (inner.p != NULL) {
		one = span_token(&inner, ' ');
		host = span_search(one, "//");
		if (host < one.n) {
			path = span_slice(one, host + 2, one.n);
			one = span_slice(path, span_find(path, '/'), path.n);
		}
		take_words(b, one);
	}
}

static bytes16
ascii16(bytes16 v)
{
	return bytes16_upto(v, 0x7f);
}

/* One of the words begins here.  Of names the longest counts: there is more
 * than one sort of weibo. */
static void
take_script_word(struct button *b, const struct script_word *w, size_t length)
{
	b->said = true;
	if (w->platform == SCRIPT_SHARE) {
		b->said_share = true;
	} else if (w->platform == SCRIPT_NOT) {
		b->said_not = true;
	} else if (length > b->name_length &&
	    (b->rules->platforms[w->platform].flags & PLATFORM_SHARES) != 0) {
		b->name = w->platform;
		b->name_length = length;
	}
}

/* All that may begin at any character. */
static void
take_script(struct button *b, struct span text)
{
	const struct rules *r = b->rules;
	const struct script_word *w, *end;
	struct span word;
	unsigned head;

	for (; text.n >= 3; text = span_slice(text, 1, text.n)) {
		if ((unsigned char)text.p[0] < 0xc0)
			continue;
		head = script_head(text.p);
		end = r->script_words + r->script_from[head + 1];
		for (w = r->script_words + r->script_from[head]; w < end; w++) {
			word = rules_span(r, w->text);
			if (span_eq(span_slice(text, 0, word.n), word))
				take_script_word(b, w, word.n);
		}
	}
}

/* A text that people read. */
static void
take_text(struct button *b, struct span text)
{
	take_words(b, text);
	if (text.n <= READ_LEN && bytes16_run(text, 0, ascii16) < text.n)
		take_script(b, text);
}

static void
take_name(struct button *b)
{
	if (b->platform == RULE_NONE)
		b->platform = b->name;
}

/* What was said in scripts that do not part words. */
static void
take_said(struct button *b)
{
	b->share |= b->said_share;
	b->forbidden |= b->said_not;
	if (b->share)
		take_name(b);
}

static bool
is_image(const struct element *e)
{
	return element_is(e, "img") || element_is(e, "input");
}

static void
take_attributes(struct button *b, const struct element *e)
{
	bool image = is_image(e);

	for (size_t i = 0; i < e->nattrs; i++) {
		const struct attribute *a = &e->attrs[i];

		if (attribute_is(a, "class") || attribute_is(a, "id")) {
			take_words(b, a->value);
		} else if (attribute_is(a, "title") || attribute_is(a, "alt") ||
		    attribute_is(a, "aria-label")) {
			take_text(b, a->value);
		} else if (image && attribute_is(a, "src")) {
			take_inner(b, a->value);
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

/* The tag just before the button: "<li class=weibo><a href=#>". */
static void
take_parent(struct button *b, uint64_t offset)
{
	static const char *const names[] = {"<li", "<span", "<div", "<p", "<td",
	    "<dd", "<dt", "<i"};
	struct span page = b->r->input, around;
	size_t end = offset < page.n ? (size_t)offset : 0, from;
	const char *tag;

	while (end > 0 && ascii_space(page.p[end - 1]))
		end--;
	if (end == 0 || page.p[end - 1] != '>')
		return;
	from = end > PARENT_MAX ? end - PARENT_MAX : 0;
	tag = memrchr(page.p + from, '<', end - from);
	if (tag == NULL)
		return;
	around = (struct span){tag, (size_t)(page.p + end - tag)};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_starts_i(around, names[i]) &&
		    ascii_space(around.p[strlen(names[i])]))
			take_inner(b, around);
}

/* A text that is a name, and nothing else as far as ASCII goes. */
static void
take_name_text(struct button *b, struct span text)
{
	if (bytes16_run(text, 0, ascii16) < text.n)
		take_text(b, text);
	else
		take_platform(b, text);
	take_name(b);
}

/* What names the platform of a link that has not done so: its text, or the
 * element right around it where it has none. */
static void
take_more(struct button *b, const struct link *l, uint64_t offset)
{
	struct span raw = l == NULL ? SPAN_NULL : span_trim(link_raw_text(l));

	take_name(b);
	if (b->platform != RULE_NONE)
		return;
	if (raw.n > 0 && raw.n <= NAME_TEXT_MAX)
		take_name_text(b, raw);
	else if (raw.n == 0)
		take_parent(b, offset);
}

void
recogniser_button(struct recogniser *r, const struct element *e,
    const struct link *l, uint64_t offset)
{
	struct button b = {.r = r,
	    .rules = r->rules,
	    .platform = RULE_NONE,
	    .name = RULE_NONE,
	    .share = r->said_share == offset};
	struct seen s = {.kind = SIGHTING_SHARE,
	    .at = e,
	    .link = l,
	    .offset = offset};
	uint32_t at;

	if (r->rules->nshare_words == 0 ||
	    recogniser_noted(r, offset) != RULE_NONE)
		return;
	take_attributes(&b, e);
	if (l != NULL) {
		take_inner(&b, l->inner);
		take_text(&b, link_alt(l));
	}
	if (b.platform == RULE_NONE &&
	    (element_is(e, "a") || element_is(e, "button")))
		take_more(&b, l, offset);
	/* "btn-vk" may be for those who log in: its text must not say so. */
	if (l != NULL && (b.platform != RULE_NONE || b.share || b.said))
		take_text(&b, link_text(l));
	take_said(&b);
	if (b.platform == RULE_NONE || b.forbidden ||
	    !(b.share || (l != NULL && b.button && !b.plain) ||
		in_share_bar(&b, offset)))
		return;
	s.platform = rules_text(r->rules, r->rules->platforms[b.platform].id);
	at = recogniser_add(r, &s);
	if (at != RULE_NONE)
		recogniser_note(r, offset, at);
}

bool
share_link(struct recogniser *r, const struct link *l, struct span path)
{
	struct button b = {.r = r,
	    .rules = r->rules,
	    .platform = RULE_NONE,
	    .name = RULE_NONE};
	struct seen s = {.kind = SIGHTING_SHARE,
	    .at = l->element,
	    .link = l,
	    .offset = l->offset};
	const char *url;

	if (recogniser_noted(r, l->offset) != RULE_NONE)
		return false;
	take_words(&b, path);
	if (b.platform == RULE_NONE || b.plain || !b.share || b.forbidden)
		return false;
	s.platform = rules_text(r->rules, r->rules->platforms[b.platform].id);
	url = recogniser_url(r, l);
	s.url = url == NULL ? l->url : span_of(url);
	recogniser_add(r, &s);
	return true;
}

/* What is built from the compiled rules to find them fast, and the look-ups
 * that use it. */

#include <stdlib.h>
#include <string.h>

#include "rules_table.h"

/* Bit of a length or character in a mask of 32. */
static uint32_t
bit_of(size_t n)
{
	return (uint32_t)1 << (n % 32);
}

/* Where the search for a word begins in a table of that size. */
static size_t
word_place(struct span word, size_t size)
{
	uint64_t key = key_lower(span_key(word)) ^ word.n;

	return (size_t)(key * 0x9e3779b97f4a7c15ull >> 32) & (size - 1);
}

/* The same of a host's name, by its first and last letters. */
static size_t
host_place(struct span name, size_t size)
{
	uint64_t key = span_key(name);

	if (name.n > 8)
		key = key * 0x9e3779b97f4a7c15ull ^
		    bytes_upto8(name.p + name.n - 8, 8);
	return (size_t)((key ^ name.n) * 0x9e3779b97f4a7c15ull >> 32) &
	    (size - 1);
}

static void
index_words(struct rules *r)
{
	memset(r->word_lengths, 0, sizeof(r->word_lengths));
	memset(r->suffix_lengths, 0, sizeof(r->suffix_lengths));
	memset(r->list_lengths, 0, sizeof(r->list_lengths));
	memset(r->list_head, 0, sizeof(r->list_head));
	memset(r->player_head, 0, sizeof(r->player_head));
	memset(r->player_tail, 0, sizeof(r->player_tail));
	for (size_t i = 0; i < r->nnames; i++) {
		struct span w = rules_span(r, r->names[i].word);

		if (w.n > 0 && (unsigned char)w.p[0] < 0x80)
			r->word_lengths[ascii_lower(w.p[0]) & 127] |=
			    bit_of(w.n);
	}
	for (size_t i = 0; i < r->nhosts; i++) {
		struct span h = rules_span(r, r->hosts[i].name);

		if ((r->hosts[i].flags & HOST_SUFFIX) != 0 && h.n > 2)
			r->suffix_lengths[h.p[0] & 127] |= bit_of(h.n - 2);
	}
}

static void
index_list(struct rules *r, const uint32_t *list, size_t n, bool ends)
{
	for (size_t i = 0; i < n; i++) {
		struct span w = rules_span(r, list[i]);

		if (w.n == 0)
			continue;
		r->list_lengths[ascii_lower(w.p[0]) & 127] |= bit_of(w.n);
		if (w.n < 2)
			continue;
		r->list_head[letter_pair(w.p)] = true;
		if (!ends)
			continue;
		r->player_head[letter_pair(w.p)] = true;
		r->player_tail[letter_pair(w.p + w.n - 2)] = true;
	}
}

static void
index_pair(struct rules *r, struct span word)
{
	if (word.n >= 2 && (unsigned char)word.p[0] < 0x80)
		r->pair_lengths[letter_pair(word.p)] |= bit_of(word.n);
}

/* The words of the rules and of the lists, and those that name a feed. */
static void
index_pairs(struct rules *r)
{
	memset(r->pair_lengths, 0, sizeof(r->pair_lengths));
	for (size_t i = 0; i < r->nnames; i++)
		index_pair(r, rules_span(r, r->names[i].word));
	for (size_t i = 0; i < r->nplayer_words; i++)
		index_pair(r, rules_span(r, r->player_words[i]));
	for (size_t i = 0; i < r->nplayer_not; i++)
		index_pair(r, rules_span(r, r->player_not[i]));
	index_pair(r, SPAN("rss"));
	index_pair(r, SPAN("rss2"));
	index_pair(r, SPAN("atom"));
}

/* Names that begin or end with the same letter, in their order. */
static void
chain_nears(struct rules *r)
{
	struct near_name *n;

	if (r->nnears >= NEAR_NONE)
		r->nnears = NEAR_NONE;
	memset(r->near_first, 0xff, sizeof(r->near_first));
	memset(r->near_last, 0xff, sizeof(r->near_last));
	for (size_t i = r->nnears; i-- > 0;) {
		n = &r->nears[i];
		n->next_first = r->near_first[n->first & 127];
		r->near_first[n->first & 127] = (uint16_t)i;
		n->next_last = r->near_last[n->last & 127];
		r->near_last[n->last & 127] = (uint16_t)i;
	}
}

/* Hosts of two labels whose first is long: "flickr.com". */
static void
index_nears(struct rules *r)
{
	free(r->nears);
	r->nears = xreallocarray(NULL, r->nhosts + 1, sizeof(*r->nears));
	r->nnears = 0;
	for (size_t i = 0; i < r->nhosts; i++) {
		const struct rule_host *h = &r->hosts[i];
		struct span name = rules_span(r, h->name);
		size_t dot = span_find(name, '.');

		if (h->platform == RULE_NONE ||
		    (h->flags & HOST_PLATFORM) == 0 || dot < NEAR_LENGTH ||
		    dot > 60 || dot + 1 >= name.n || name.n > UINT8_MAX ||
		    span_find(span_slice(name, dot + 1, name.n), '.') <
			name.n - dot - 1)
			continue;
		r->nears[r->nnears++] = (struct near_name){.host = (uint32_t)i,
		    .text = h->name,
		    .length = (uint8_t)dot,
		    .suffix = (uint8_t)(name.n - dot),
		    .first = name.p[0],
		    .last = name.p[dot - 1],
		    .letters = near_letters(span_slice(name, 0, dot))};
	}
	chain_nears(r);
}

/* Words by the hash of their first eight letters. */
static void
index_names(struct rules *r)
{
	size_t size = 64, at;

	while (size < r->nnames * 4)
		size *= 2;
	free(r->word_table);
	r->word_table = xreallocarray(NULL, size, sizeof(*r->word_table));
	r->word_table_size = size;
	memset(r->word_table, 0xff, size * sizeof(*r->word_table));
	for (size_t i = 0; i < r->nnames; i++) {
		if (rules_text_is_script(r, r->names[i].word))
			continue;
		at = word_place(rules_span(r, r->names[i].word), size);
		while (r->word_table[at] != RULE_NONE)
			at = (at + 1) & (size - 1);
		r->word_table[at] = (uint32_t)i;
	}
}

/* Lengths, a bit each, that the value of the rule's attribute can have: any,
 * unless it must be a certain one. */
static uint32_t
value_lengths(const struct rules *r, const struct rule_markup *m)
{
	return m->own_value ? bit_of(rules_span(r, m->is).n) : ~0u;
}

/* Markup rules of one kind that begin alike, in a chain in the order of the
 * file. */
static void
index_markups(struct rules *r)
{
	memset(r->tag_lengths, 0, sizeof(r->tag_lengths));
	memset(r->class_first, 0xff, sizeof(r->class_first));
	memset(r->class_third, 0, sizeof(r->class_third));
	memset(r->attribute_first, 0xff, sizeof(r->attribute_first));
	memset(r->attribute_lengths, 0, sizeof(r->attribute_lengths));
	free(r->markup_next);
	r->markup_next =
	    xreallocarray(NULL, r->nmarkups + 1, sizeof(*r->markup_next));
	free(r->markup_key);
	r->markup_key = xcalloc(r->nmarkups + 1, sizeof(*r->markup_key));
	for (size_t i = r->nmarkups; i-- > 0;) {
		struct rule_markup *m = &r->markups[i];
		struct span a = rules_span(r, m->attribute);
		struct span c = rules_span(r, m->before);
		uint32_t *first = NULL;

		m->own_value = a.n > 0 && span_eq_i(a, rules_span(r, m->when));

		if (m->attribute != RULE_NONE && a.n > 0) {
			r->markup_key[i] = key_lower(span_key(a));
			first = &r->attribute_first[attribute_place(
			    r->markup_key[i])];
			r->attribute_lengths[attribute_place(
			    r->markup_key[i])] |= value_lengths(r, m);
		} else if (m->attribute == RULE_NONE && c.n > 1) {
			first = &r->class_first[letter_pair(c.p)];
			r->class_third[letter_pair(c.p)] |=
			    c.n > 2 ? bit_of((unsigned char)c.p[2]) : ~0u;
		} else if (m->tag != RULE_NONE && m->attribute == RULE_NONE) {
			a = rules_span(r, m->tag);
			if (a.n > 0)
				r->tag_lengths[a.p[0] & 127] |= bit_of(a.n);
		}
		if (first == NULL)
			continue;
		r->markup_next[i] = *first;
		*first = (uint32_t)i;
	}
}

/* Segments that a path must have for the pattern. */
static size_t
path_segments(const struct rules *r, const struct rule_pattern *p)
{
	const struct rule_segment *s;

	for (size_t i = 0; i < p->npath; i++) {
		s = &r->segments[p->path + i];
		if (s->kind != SEGMENT_PLAIN || rules_takes_rest(r, s))
			return SEGMENTS_ANY;
	}
	return p->npath;
}

/* Most patterns of a host need not be looked at. */
static struct path_shape
path_shape(const struct rules *r, const struct rule_pattern *p)
{
	static const struct span ones = {"\xff\xff\xff\xff\xff\xff\xff\xff", 8};
	struct path_shape shape = {0, 0, path_segments(r, p)};
	const struct rule_segment *s;
	const struct rule_part *part;

	if (p->npath == 0)
		return shape;
	s = &r->segments[p->path];
	if (s->kind == SEGMENT_GLOB || s->parts == 0 || rules_takes_rest(r, s))
		return shape;
	part = &r->parts[s->part];
	if (part->slot == SLOT_LITERAL && part->length > 0) {
		shape.mask = span_key(span_slice(ones, 0, part->length));
		shape.key = key_lower(span_key(
		    (struct span){r->text + part->text, part->length}));
	}
	return shape;
}

static void
index_patterns(struct rules *r)
{
	free(r->pattern_shape);
	r->pattern_shape =
	    xreallocarray(NULL, r->npatterns + 1, sizeof(*r->pattern_shape));
	for (size_t i = 0; i < r->npatterns; i++)
		r->pattern_shape[i] = path_shape(r, &r->patterns[i]);
}

static void
index_button_words(struct rules *r, const uint32_t *list, size_t n, bool joined)
{
	for (size_t i = 0; i < n; i++) {
		struct span w = rules_span(r, list[i]);

		if (w.n < 3)
			continue;
		r->button_lengths[letter_pair(w.p)] |= bit_of(w.n);
		if (!joined)
			continue;
		r->button_head[letter_pair(w.p)] = true;
		r->button_tail[letter_pair(w.p + w.n - 2)] |=
		    bit_of((unsigned char)w.p[w.n - 3]);
	}
}

/* The texts that begin in ASCII before the others; how many they are. */
static size_t
ascii_first(const struct rules *r, uint32_t *list, size_t n)
{
	size_t ascii = 0;
	uint32_t text;

	for (size_t i = 0; i < n; i++) {
		text = list[i];
		if (rules_text_is_script(r, text))
			continue;
		memmove(list + ascii + 1, list + ascii,
		    (i - ascii) * sizeof(*list));
		list[ascii++] = text;
	}
	return ascii;
}

static void
add_script(struct rules *r, uint32_t text, uint32_t platform)
{
	if (rules_text_is_script(r, text) && rules_span(r, text).n >= 3)
		r->script_words[r->nscript_words++] =
		    (struct script_word){text, platform};
}

static int
script_cmp(const void *a, const void *b, void *rules)
{
	const struct script_word *x = a, *y = b;

	return (int)script_head(rules_text(rules, x->text)) -
	    (int)script_head(rules_text(rules, y->text));
}

/* Texts that are looked for in what people read, by how they begin. */
static void
index_scripts(struct rules *r)
{
	size_t at = 0;

	r->script_words = xreallocarray(r->script_words,
	    r->nshare_words + r->nshare_not + r->nnames + 1,
	    sizeof(*r->script_words));
	r->nscript_words = 0;
	for (size_t i = 0; i < r->nshare_words; i++)
		add_script(r, r->share_words[i], SCRIPT_SHARE);
	for (size_t i = 0; i < r->nshare_not; i++)
		add_script(r, r->share_not[i], SCRIPT_NOT);
	for (size_t i = 0; i < r->nnames; i++)
		add_script(r, r->names[i].word, r->names[i].platform);
	qsort_r(r->script_words, r->nscript_words, sizeof(*r->script_words),
	    script_cmp, r);
	for (unsigned head = 0; head < ARRAY_LEN(r->script_from); head++) {
		while (at < r->nscript_words &&
		    script_head(rules_text(r, r->script_words[at].text)) < head)
			at++;
		r->script_from[head] = (uint32_t)at;
	}
}

static void
index_around(struct rules *r, const uint32_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span w = rules_span(r, list[i]);

		if (w.n >= 3)
			r->around_lengths[letter_pair(w.p)] |= bit_of(w.n);
	}
}

/* The first three letters of the words around buttons, each three once; one
 * more than there is room for when they are too many. */
static void
index_around_heads(struct rules *r)
{
	size_t n = 0, k;

	for (size_t i = 0; i < r->naround_words && n <= AROUND_HEADS; i++) {
		struct span w = rules_span(r, r->around_words[i]);
		uint8_t head[3];

		if (w.n < 3)
			continue;
		head[0] = (uint8_t)(w.p[0] | 0x20);
		head[1] = (uint8_t)(w.p[1] | 0x20);
		head[2] = (uint8_t)(w.p[2] | 0x20);
		for (k = 0; k < n; k++)
			if (memcmp(r->around_heads[k], head, 3) == 0)
				break;
		if (k < n)
			continue;
		if (n < AROUND_HEADS)
			memcpy(r->around_heads[n], head, 3);
		n++;
	}
	r->naround_heads = n;
}

static void
index_buttons(struct rules *r)
{
	memset(r->button_lengths, 0, sizeof(r->button_lengths));
	memset(r->button_head, 0, sizeof(r->button_head));
	memset(r->button_tail, 0, sizeof(r->button_tail));
	r->nshare_ascii = ascii_first(r, r->share_words, r->nshare_words);
	r->nnot_ascii = ascii_first(r, r->share_not, r->nshare_not);
	index_button_words(r, r->share_words, r->nshare_ascii, true);
	index_button_words(r, r->button_words, r->nbutton_words, true);
	index_button_words(r, r->share_not, r->nnot_ascii, false);
	memset(r->around_lengths, 0, sizeof(r->around_lengths));
	index_around(r, r->around_words, r->naround_words);
	index_around(r, r->around_not, r->naround_not);
	index_around_heads(r);
	index_scripts(r);
}

static void
index_calls(struct rules *r)
{
	memset(r->call_first, 0, sizeof(r->call_first));
	for (size_t i = 0; i < r->nkits; i++)
		r->kits[i].has_calls = false;
	for (size_t i = 0; i < r->ncalls; i++) {
		r->call_first[rules_text(r, r->calls[i].name)[0] & 127] = true;
		r->kits[r->calls[i].kit].has_calls = true;
	}
}

/* Platforms that take shares; a kit with services only hands them on. */
static void
index_shares(struct rules *r)
{
	for (size_t i = 0; i < r->nplatforms; i++)
		r->platforms[i].flags &= ~(uint32_t)PLATFORM_SHARES;
	for (size_t i = 0; i < r->npatterns; i++)
		if (r->patterns[i].kind == SIGHTING_SHARE)
			r->platforms[r->patterns[i].platform].flags |=
			    PLATFORM_SHARES;
	for (size_t k = 0; k < r->nkits; k++)
		for (size_t i = 0; i < r->nplatforms; i++)
			if (r->kits[k].nservices > 0 &&
			    span_eq(rules_span(r, r->kits[k].id),
				rules_span(r, r->platforms[i].id)))
				r->platforms[i].flags &=
				    ~(uint32_t)PLATFORM_SHARES;
}

static void
index_ids(struct rules *r)
{
	memset(r->ids, 0xff, sizeof(r->ids));
	for (size_t i = 0;
	     i < r->nplatforms && r->nplatforms <= ARRAY_LEN(r->ids) / 2; i++) {
		size_t at = bytes_hash(rules_span(r, r->platforms[i].id));

		while (r->ids[at % ARRAY_LEN(r->ids)] != RULE_NONE)
			at++;
		r->ids[at % ARRAY_LEN(r->ids)] = (uint32_t)i;
	}
}

void
rules_index(struct rules *r)
{
	size_t size = 64;

	index_ids(r);
	index_words(r);
	index_list(r, r->player_words, r->nplayer_words, true);
	index_list(r, r->player_not, r->nplayer_not, false);
	index_pairs(r);
	index_nears(r);
	index_names(r);
	index_markups(r);
	index_patterns(r);
	index_shares(r);
	index_buttons(r);
	index_calls(r);
	while (size < r->nhosts * 4)
		size *= 2;
	free(r->table);
	r->table = xreallocarray(NULL, size, sizeof(*r->table));
	r->table_size = size;
	for (size_t i = 0; i < size; i++)
		r->table[i] = RULE_NONE;
	memset(r->host_lengths, 0, sizeof(r->host_lengths));
	free(r->host_length);
	r->host_length = xcalloc(r->nhosts + 1, 1);
	for (size_t i = 0; i < r->nhosts; i++) {
		struct span name = rules_span(r, r->hosts[i].name);
		size_t at = host_place(name, size);

		r->host_length[i] = name.n > 255 ? 0 : (uint8_t)name.n;
		if (name.n > 0)
			r->host_lengths[name.p[0] & 127] |= bit_of(name.n);
		while (r->table[at] != RULE_NONE)
			at = (at + 1) & (size - 1);
		r->table[at] = (uint32_t)i;
	}
}

const struct rule_host *
rules_host(const struct rules *r, struct span name)
{
	size_t at;

	if (r->table_size == 0 || name.n == 0 ||
	    (r->host_lengths[name.p[0] & 127] & bit_of(name.n)) == 0)
		return NULL;
	at = host_place(name, r->table_size);
	while (r->table[at] != RULE_NONE) {
		const struct rule_host *h = &r->hosts[r->table[at]];

		if (r->host_length[r->table[at]] == name.n &&
		    memcmp(r->text + h->name, name.p, name.n) == 0)
			return h;
		at = (at + 1) & (r->table_size - 1);
	}
	return NULL;
}

uint32_t
rules_word(const struct rules *r, struct span word)
{
	size_t at;

	if (word.n == 0 ||
	    (r->word_lengths[ascii_lower(word.p[0]) & 127] & bit_of(word.n)) ==
		0)
		return RULE_NONE;
	for (at = word_place(word, r->word_table_size);
	     r->word_table[at] != RULE_NONE;
	     at = (at + 1) & (r->word_table_size - 1)) {
		const struct rule_word *w = &r->names[r->word_table[at]];

		if (rules_text_is_i(r, w->word, word))
			return w->platform;
	}
	return RULE_NONE;
}

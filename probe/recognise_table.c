/* The sightings of a page, each once, and what was seen of them lately. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "recognise_state.h"

/* Names that differ in case only are one account on most platforms. */
static uint64_t
sighting_hash(const struct sighting *s)
{
	struct span name = span_of(s->name);
	uint64_t h = bytes_hash(span_of(s->platform)) * 31 + s->kind;

	h = h * 31 + (s->kit == NULL ? 0 : bytes_hash(span_of(s->kit)));
	return h * 31 + bytes_hash_i(name);
}

static bool
text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
sighting_same(const struct sighting *a, const struct sighting *b)
{
	if (a->kind != b->kind || !text_same(a->platform, b->platform) ||
	    !text_same(a->kit, b->kit))
		return false;
	if (a->name == NULL || b->name == NULL)
		return a->name == b->name;
	return a->fold && b->fold
	    ? span_eq_i(span_of(a->name), span_of(b->name))
	    : strcmp(a->name, b->name) == 0;
}

void
recogniser_table(struct recogniser *r)
{
	r->table_size = 64;
	r->table = xreallocarray(NULL, r->table_size, sizeof(*r->table));
	memset(r->table, 0xff, r->table_size * sizeof(*r->table));
}

static void
table_grow(struct recogniser *r)
{
	size_t size = r->table_size * 2;

	r->table = xreallocarray(r->table, size, sizeof(*r->table));
	r->table_size = size;
	memset(r->table, 0xff, size * sizeof(*r->table));
	for (size_t i = 0; i < r->finding->nsightings; i++) {
		const struct sighting *s = &r->finding->sightings[i];
		size_t at = sighting_hash(s) & (size - 1);

		while (r->table[at] != RULE_NONE)
			at = (at + 1) & (size - 1);
		r->table[at] = (uint32_t)i;
	}
}

static void
describe(struct recogniser *r, const struct element *e)
{
	buf_clear(&r->element);
	if (e != NULL)
		element_describe(e, &r->element);
}

static char *
clip_dup(struct span s, size_t max)
{
	return s.p == NULL || s.n == 0
	    ? NULL
	    : span_dup(span_slice(s, 0, utf8_clip(s, max)));
}

uint32_t
recogniser_add(struct recogniser *r, const struct seen *seen)
{
	struct finding *f = r->finding;
	bool named =
	    seen->kind != SIGHTING_SHARE && seen->kind != SIGHTING_PLAYER;
	char *name = named ? clip_dup(seen->name, NAME_MAX_LEN) : NULL;
	struct sighting s = {.kind = seen->kind,
	    .platform = (char *)(uintptr_t)seen->platform,
	    .name = name,
	    .kit = (char *)(uintptr_t)seen->kit,
	    .fold = seen->fold};
	size_t at;

	if ((f->nsightings + 1) * 2 > r->table_size)
		table_grow(r);
	at = sighting_hash(&s) & (r->table_size - 1);
	while (r->table[at] != RULE_NONE) {
		struct sighting *old = &f->sightings[r->table[at]];

		if (sighting_same(old, &s)) {
			old->count++;
			free(name);
			return r->table[at];
		}
		at = (at + 1) & (r->table_size - 1);
	}
	if (f->nsightings >= SIGHTINGS_MAX) {
		free(name);
		return RULE_NONE;
	}
	describe(r, seen->at);
	s.platform = xstrdup(seen->platform);
	s.kit = xstrdup(seen->kit);
	s.url = clip_dup(seen->url, URL_MAX_LEN);
	if (seen->link != NULL)
		s.text = clip_dup(link_text(seen->link), LINK_TEXT_MAX);
	s.element = clip_dup(buf_span(&r->element), ELEMENT_TEXT_MAX);
	s.offset = seen->offset;
	s.count = 1;
	r->table[at] = (uint32_t)f->nsightings;
	finding_add_sighting(f, &s);
	return r->table[at];
}

void
recogniser_add_url(struct recogniser *r, uint32_t sighting, struct span url)
{
	struct sighting *s = &r->finding->sightings[sighting];

	if (s->url == NULL)
		s->url = clip_dup(url, URL_MAX_LEN);
}

void
recogniser_note(struct recogniser *r, uint64_t offset, uint32_t sighting)
{
	size_t at = r->nrecent++ % RECENT_MAX;

	r->recent[at].offset = offset;
	r->recent[at].sighting = sighting;
}

uint32_t
recogniser_noted(const struct recogniser *r, uint64_t offset)
{
	size_t n = r->nrecent < RECENT_MAX ? r->nrecent : RECENT_MAX;

	for (size_t i = 0; i < n; i++)
		if (r->recent[i].offset == offset)
			return r->recent[i].sighting;
	return RULE_NONE;
}

bool
recogniser_noted_is(const struct recogniser *r, uint64_t offset,
    uint32_t sighting)
{
	size_t n = r->nrecent < RECENT_MAX ? r->nrecent : RECENT_MAX;

	for (size_t i = 0; i < n; i++)
		if (r->recent[i].offset == offset &&
		    r->recent[i].sighting == sighting)
			return true;
	return false;
}

#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* A sampled page counts as watched while its target has had fewer good looks
 * than this, and so many more for each page of the sample, since its own last
 * one.  A fixed page always does: while it cannot be read, nothing that it
 * showed is known to be gone. */
#define TURNS_WATCHED	  64
#define TURNS_PER_SAMPLED 8

/* What was missing and came back so often (a rotating banner) is volatile: so
 * many times the looks are needed for its removal. */
#define RETURNS_VOLATILE  3
#define PATIENCE_VOLATILE 8
/* What comes back within so many looks after its removal is volatile too. */
#define SOON_BACK 16

static void
known_sighting_release(struct known_sighting *s)
{
	free(s->platform);
	free(s->name);
	free(s->kit);
	free(s->url);
	free(s->element);
	free(s->text);
	free(s->places);
}

void
known_set_release(struct known_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		known_sighting_release(&set->list[i]);
	free(set->list);
	memset(set, 0, sizeof *set);
}

struct known_sighting *
known_set_add(struct known_set *set)
{
	struct known_sighting *s;

	set->list =
	    xgrow(set->list, &set->cap, set->count + 1, sizeof *set->list);
	s = &set->list[set->count++];
	memset(s, 0, sizeof *s);
	s->first_seen = s->last_seen = INSTANT_NONE;
	return s;
}

struct known_place *
known_place_add(struct known_sighting *s)
{
	struct known_place *p;

	s->places =
	    xgrow(s->places, &s->places_cap, s->nplaces + 1, sizeof *s->places);
	p = &s->places[s->nplaces++];
	memset(p, 0, sizeof *p);
	p->first_seen = p->last_seen = INSTANT_NONE;
	return p;
}

static uint64_t
mix(uint64_t h, const char *s)
{
	uint64_t x = s == NULL ? 0x9e3779b97f4a7c15u : bytes_hash(span_of(s));

	h ^= x + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
	return h * 0xff51afd7ed558ccdu;
}

uint64_t
sighting_key(enum sighting_kind kind, const char *platform, const char *name)
{
	bool nameless = kind == SIGHTING_SHARE || kind == SIGHTING_PLAYER;
	uint64_t h = mix((uint64_t)kind + 1, platform);

	/* Where case counts, known_matches() tells the names apart. */
	return nameless || name == NULL
	    ? mix(h, NULL)
	    : mix(h ^ bytes_hash_i(span_of(name)), "");
}

static uint64_t
sighting_hash(const struct sighting *s)
{
	return mix(sighting_key(s->kind, s->platform, s->name),
	    s->fold ? "" : s->name);
}

uint64_t
sightings_hash(const struct finding *f)
{
	uint64_t sum = f->nsightings;

	/* A sum, so that order does not count. */
	for (size_t i = 0; i < f->nsightings; i++)
		sum += sighting_hash(&f->sightings[i]);
	return sum;
}

bool
sighting_is_news(enum sighting_kind k)
{
	return k == SIGHTING_CHANNEL || k == SIGHTING_SHARE ||
	    k == SIGHTING_EMBED || k == SIGHTING_PLAYER;
}

/* Part of the page's frame, as opposed to of one article. */
static bool
is_frame(enum sighting_kind k)
{
	return k == SIGHTING_CHANNEL || k == SIGHTING_SHARE ||
	    k == SIGHTING_PLAYER;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
known_matches(const struct known_sighting *k, uint64_t key,
    const struct sighting *s)
{
	return k->key == key && k->kind == s->kind &&
	    same_text(k->platform, s->platform) &&
	    (k->kind == SIGHTING_SHARE || k->kind == SIGHTING_PLAYER ||
		same_text(k->name, s->name) ||
		(s->fold && k->name != NULL && s->name != NULL &&
		    span_eq_i(span_of(k->name), span_of(s->name))));
}

static struct known_sighting *
known_find(struct known_set *set, const struct sighting *s)
{
	uint64_t key = sighting_key(s->kind, s->platform, s->name);

	for (size_t i = 0; i < set->count; i++)
		if (known_matches(&set->list[i], key, s))
			return &set->list[i];
	return NULL;
}

static struct known_place *
place_find(struct known_sighting *s, int64_t page)
{
	for (size_t i = 0; i < s->nplaces; i++)
		if (s->places[i].page == page && !s->places[i].gone)
			return &s->places[i];
	return NULL;
}

static size_t
count_present(const struct known_set *set, enum sighting_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += set->list[i].kind == kind && set->list[i].present;
	return n;
}

void
diff_event(const struct diff *d, struct event *e, enum event_type type)
{
	const struct observation *o = d->o;

	event_begin(e, type);
	e->time = o->time;
	e->target = o->target;
	e->vantage = o->vantage;
	e->source = o->source;
	e->page = o->page;
	e->url = o->url;
	e->unverified = o->variant == VARIANT_UNVERIFIED;
	e->has_evidence = true;
	e->sha256 = d->f->body_sha256;
	e->warc = o->warc;
	e->offset = o->warc == NULL ? EVENT_NONE : o->warc_offset;
	e->pcap = o->pcap;
	e->pcap_sha256 = o->pcap == NULL ? NULL : o->pcap_sha256;
}

static enum event_type
sighting_event(enum sighting_kind kind, bool added)
{
	switch (kind) {
	case SIGHTING_CHANNEL:
		return added ? EVENT_CHANNEL_ADDED : EVENT_CHANNEL_REMOVED;
	case SIGHTING_SHARE:
		return added ? EVENT_SHARE_ADDED : EVENT_SHARE_REMOVED;
	case SIGHTING_EMBED:
		return added ? EVENT_EMBED_ADDED : EVENT_EMBED_REMOVED;
	case SIGHTING_PLAYER:
		return added ? EVENT_PLAYER_ADDED : EVENT_PLAYER_REMOVED;
	case SIGHTING_CONTENT:
	case SIGHTING_FEED:
	case SIGHTING_OTHER:
	case SIGHTING_SUSPECT:
	case SIGHTING_KIND_COUNT:
		break;
	}
	return EVENT_TYPE_COUNT;
}

static char *
copy(const char *s)
{
	return s == NULL ? NULL
			 : xstrndup(s, utf8_clip(span_of(s), URL_MAX_LEN));
}

static void
replace(char **to, const char *from)
{
	free(*to);
	*to = copy(from);
}

/* What the element looks like now, for the store and for later events. */
static void
known_describe(struct known_sighting *k, const struct sighting *s)
{
	replace(&k->kit, s->kit);
	replace(&k->url, s->url);
	replace(&k->element, s->element);
	replace(&k->text, s->text);
	k->count = s->count;
	k->dirty = true;
}

static struct known_sighting *
known_new(const struct diff *d, struct known_set *set, const struct sighting *s)
{
	struct known_sighting *k = known_set_add(set);

	k->kind = s->kind;
	k->platform = xstrdup(s->platform);
	if (s->kind != SIGHTING_SHARE && s->kind != SIGHTING_PLAYER)
		k->name = xstrdup(s->name);
	k->key = sighting_key(s->kind, s->platform, s->name);
	k->first_seen = d->o->time;
	return k;
}

/* Lost a few looks ago, and there again. */
static bool
is_soon_back(const struct diff *d, const struct known_sighting *k)
{
	return k->last_seen != INSTANT_NONE && d->last_good != INSTANT_NONE &&
	    d->o->time - k->last_seen <=
	    SOON_BACK * (d->o->time - d->last_good);
}

/* The element stands on this page now.  True when the union gained it. */
static bool
known_seen(const struct diff *d, struct known_set *set,
    const struct sighting *s)
{
	struct known_sighting *k = known_find(set, s);
	struct known_place *p;
	bool gained, back = false;

	if (k == NULL)
		k = known_new(d, set, s);
	gained = !k->present;
	if (gained) {
		back = is_soon_back(d, k);
		known_describe(k, s);
		k->present = true;
		k->last_seen = INSTANT_NONE;
	}
	p = place_find(k, d->page);
	if (p == NULL) {
		p = known_place_add(k);
		p->page = d->page;
		p->first_seen = d->o->time;
		p->sampled = d->sampled;
		p->returns = back ? RETURNS_VOLATILE : 0;
		p->dirty = true;
	}
	if (p->missing != 0 && p->returns < RETURNS_VOLATILE)
		p->returns++;
	if (p->missing != 0 || p->last_seen != INSTANT_NONE) {
		p->missing = 0;
		p->last_seen = INSTANT_NONE;
		p->dirty = true;
	}
	p->turn = d->turn;
	return gained;
}

static bool
place_watched(const struct diff *d, const struct known_place *p)
{
	uint64_t turns = TURNS_WATCHED;

	if (p->page == d->page || !p->sampled)
		return true;
	turns += (uint64_t)TURNS_PER_SAMPLED * (d->sample == 0 ? 8 : d->sample);
	return d->turn - p->turn <= turns;
}

static uint32_t
looks_needed(const struct diff *d, const struct known_place *p)
{
	return p->returns < RETURNS_VOLATILE
	    ? d->confirm_removed
	    : d->confirm_removed * PATIENCE_VOLATILE;
}

/* True when no page that showed it lately shows it any more. */
static bool
known_is_lost(const struct diff *d, const struct known_sighting *k)
{
	size_t watched = 0;

	for (size_t i = 0; i < k->nplaces; i++) {
		if (k->places[i].gone || !place_watched(d, &k->places[i]))
			continue;
		watched++;
		if (k->places[i].missing < looks_needed(d, &k->places[i]))
			return false;
	}
	/* What stood only in an article that left the sample is not known to
	 * be gone; what belongs to the frame is, as newer pages lack it. */
	return watched > 0 || is_frame(k->kind);
}

static void
known_lose(const struct diff *d, struct known_sighting *k)
{
	k->present = false;
	k->last_seen = INSTANT_NONE;
	for (size_t i = 0; i < k->nplaces; i++) {
		if (k->places[i].last_seen > k->last_seen)
			k->last_seen = k->places[i].last_seen;
		k->places[i].gone = true;
	}
	if (k->last_seen == INSTANT_NONE)
		k->last_seen = d->last_good;
	k->dirty = true;
}

/* One good look at this page without the element.  True when it went just now
 * and that is nothing to tell. */
static bool
place_missed(const struct diff *d, struct known_place *p)
{
	bool hidden = p->missing == 0 && p->returns >= RETURNS_VOLATILE;

	if (p->missing == 0)
		p->last_seen = d->last_good;
	if (p->missing < UINT32_MAX)
		p->missing++;
	p->dirty = true;
	return hidden;
}

static void
emit_sighting(const struct diff *d, const struct known_sighting *k, bool added,
    size_t before, size_t after)
{
	struct event e;

	diff_event(d, &e, sighting_event(k->kind, added));
	e.platform = k->platform;
	e.name = k->name;
	e.before = (int64_t)before;
	e.after = (int64_t)after;
	e.element = k->element;
	e.text = k->text;
	e.kit = k->kit;
	e.link = k->url;
	if (k->kind == SIGHTING_PLAYER)
		e.count = k->count;
	if (!added && k->last_seen != INSTANT_NONE)
		e.since = k->last_seen;
	d->emit(d->arg, &e);
}

/* Marks of one look, by index in the set; `rules`: new to the page. */
struct marks_of_look {
	bool *seen, *gained, *lost, *rules;
};

/* ---- Rules that are new to the page ---- */

static int
name_cmp(const void *key, const void *member)
{
	return strcmp(key, *(char *const *)member);
}

bool
diff_renewed(const struct diff *d, const char *part)
{
	return d->nrenewed > 0 &&
	    bsearch(part, d->renewed, d->nrenewed, sizeof *d->renewed,
		name_cmp) != NULL;
}

static bool
is_renewed(const struct diff *d, const struct known_sighting *k)
{
	char kit[NAME_MAX_LEN + 8];

	if (diff_renewed(d, "") || diff_renewed(d, k->platform))
		return true;
	if (k->kit == NULL)
		return false;
	snprintf(kit, sizeof kit, "kit:%s", k->kit);
	return diff_renewed(d, kit);
}

/* What the new rules do not see is no longer of this page, at once. */
static void
known_unlearn(const struct diff *d, struct known_sighting *k,
    struct known_place *p)
{
	p->last_seen = d->last_good;
	p->gone = p->dirty = true;
	for (size_t i = 0; i < k->nplaces; i++)
		if (!k->places[i].gone)
			return;
	known_lose(d, k);
}

/* One baseline for all that came and went with the rules. */
static void
emit_renewed(const struct diff *d, const struct known_set *set,
    const struct marks_of_look *m)
{
	struct event_item *items = xcalloc(set->count + 1, sizeof *items);
	struct event e;
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct known_sighting *k = &set->list[i];

		if (m->rules[i] && (m->gained[i] || m->lost[i]) &&
		    sighting_is_news(k->kind))
			items[n++] = (struct event_item){k->kind, k->platform,
			    k->name, k->kit, m->lost[i] ? 0 : k->count};
	}
	if (n > 0 && !d->silent) {
		diff_event(d, &e, EVENT_TARGET_BASELINE);
		e.items = items;
		e.nitems = n;
		e.has_items = true;
		e.cause = "rules";
		d->emit(d->arg, &e);
	}
	free(items);
}

/* ---- One look ---- */

static bool
keep_element(const struct diff *d, const struct sighting *s)
{
	/* Links to single posts in articles are countless and no news. */
	return s->kind != SIGHTING_CONTENT || !d->sampled;
}

static void
mark_seen(const struct diff *d, struct known_set *set, bool *seen, bool *gained)
{
	const struct known_sighting *k;
	bool is_new;

	for (size_t i = 0; i < d->f->nsightings; i++) {
		if (!keep_element(d, &d->f->sightings[i]) ||
		    (set->count >= KNOWN_MAX &&
			known_find(set, &d->f->sightings[i]) == NULL))
			continue;
		is_new = known_seen(d, set, &d->f->sightings[i]);
		k = known_find(set, &d->f->sightings[i]);
		seen[k - set->list] = true;
		if (is_new)
			gained[k - set->list] = true;
	}
}

/* What stood here and does not now, or stood on pages nobody visits. */
static size_t
mark_lost(const struct diff *d, struct known_set *set,
    const struct marks_of_look *m)
{
	struct known_place *p;
	struct known_sighting *k;
	size_t missing = 0;

	for (size_t i = 0; i < set->count; i++) {
		k = &set->list[i];
		p = place_find(k, d->page);
		if (m->seen[i] || !k->present)
			continue;
		if (m->rules[i] && d->grade == GRADE_GOOD && p != NULL &&
		    p->missing == 0 && p->returns < RETURNS_VOLATILE) {
			known_unlearn(d, k, p);
			m->lost[i] = !k->present;
			continue;
		}
		if (p != NULL &&
		    (d->grade == GRADE_GOOD ||
			(d->grade == GRADE_SAME && p->missing > 0)))
			set->hidden += place_missed(d, p);
		if (d->grade != GRADE_MORE && known_is_lost(d, k)) {
			known_lose(d, k);
			m->lost[i] = true;
			m->rules[i] = false; /* was missing before */
		} else if (p != NULL && p->missing > 0 &&
		    p->missing < looks_needed(d, p)) {
			set->urgent =
			    set->urgent || p->returns < RETURNS_VOLATILE;
			missing++;
		}
	}
	return missing;
}

size_t
diff_sightings(const struct diff *d, struct known_set *set)
{
	size_t room = set->count + d->f->nsightings + 1, missing;
	size_t before[SIGHTING_KIND_COUNT], after[SIGHTING_KIND_COUNT];
	bool *marks = xcalloc(room * 4, sizeof *marks);
	struct marks_of_look m = {marks, marks + room, marks + 2 * room,
	    marks + 3 * room};

	for (size_t k = 0; k < SIGHTING_KIND_COUNT; k++)
		before[k] = count_present(set, (enum sighting_kind)k);
	set->urgent = false;
	if (d->grade != GRADE_SAME)
		mark_seen(d, set, m.seen, m.gained);
	for (size_t i = 0; i < set->count; i++)
		m.rules[i] = is_renewed(d, &set->list[i]);
	missing = mark_lost(d, set, &m);
	for (size_t k = 0; k < SIGHTING_KIND_COUNT; k++)
		after[k] = count_present(set, (enum sighting_kind)k);
	emit_renewed(d, set, &m);
	for (size_t i = 0; i < set->count && !d->silent; i++)
		if (m.gained[i] && !m.rules[i] &&
		    sighting_is_news(set->list[i].kind))
			emit_sighting(d, &set->list[i], true,
			    before[set->list[i].kind],
			    after[set->list[i].kind]);
	for (size_t i = 0; i < set->count; i++)
		if (m.lost[i] && !m.rules[i] &&
		    sighting_is_news(set->list[i].kind))
			emit_sighting(d, &set->list[i], false,
			    before[set->list[i].kind],
			    after[set->list[i].kind]);
	free(marks);
	return missing;
}

/* What only the twin has is remembered; it is told when an ordinary look sees
 * it. */
static void
twin_only(const struct diff *d, struct known_set *set, const struct sighting *s)
{
	struct known_sighting *k = known_new(d, set, s);
	struct known_place *p = known_place_add(k);

	known_describe(k, s);
	p->page = d->page;
	p->first_seen = d->o->time;
	p->sampled = d->sampled;
	p->turn = d->turn;
	/* It may be a new one: it takes more to make it volatile. */
	p->returns = 1;
	p->dirty = true;
}

void
diff_sightings_twin(const struct diff *d, struct known_set *set)
{
	bool *seen = xcalloc(set->count + d->f->nsightings + 1, sizeof *seen);
	const struct known_sighting *k;
	struct known_place *p;

	for (size_t i = 0; i < d->f->nsightings; i++) {
		k = known_find(set, &d->f->sightings[i]);
		if (k != NULL)
			seen[k - set->list] = true;
		else if (keep_element(d, &d->f->sightings[i]) &&
		    set->count < KNOWN_MAX) {
			twin_only(d, set, &d->f->sightings[i]);
			seen[set->count - 1] = true;
		}
	}
	for (size_t i = 0; i < set->count; i++) {
		p = place_find(&set->list[i], d->page);
		if (seen[i] || p == NULL || p->missing != 0 ||
		    p->returns >= RETURNS_VOLATILE)
			continue;
		p->returns = RETURNS_VOLATILE;
		p->dirty = true;
	}
	free(seen);
}

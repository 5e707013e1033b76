#include "volatile.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define RECENT	      10 /* looks of which most ... */
#define RECENT_MOST   9	 /* ... must have changed: news by chance do not */
#define RECENT_FEW    5	 /* with fewer it is no longer busy */
#define QUIET_LOOKS   12 /* without a change: it rejoins the page */
#define SUSPECT_LOOKS 3	 /* what only a twin has shown proves no more */
#define BLOCK_LOOKS   64 /* without coming or going: forgotten */
#define BLOCK_TOLD    2	 /* times that a block's coming or going is told */
#define BLINKS	      3	 /* looks without it, not two in a row: it flickers */
#define SETTLED	      3	 /* looks with the twin's content: a real change */
#define USUAL_PROVEN  5	 /* changes without news: there is no more to it */
#define USUAL_ALONE   3	 /* the same, when only one thing ever came */
#define FIXED_LOOKS   6	 /* a block that stood still for so long is no noise */
#define OUTLASTS      3	 /* times as long as anything else stood there */

void
volatile_set_release(struct volatile_set *set)
{
	free(set->list);
	memset(set, 0, sizeof *set);
}

/* Changes in the last looks up to that one. */
static int
recent_changes(const struct volatile_slot *s, uint64_t look)
{
	uint64_t passed = look > s->look ? look - s->look : 0;
	uint64_t changes = passed > 63 ? 0 : s->changes << passed;
	int n = 0;

	for (int i = 0; i < RECENT; i++)
		n += (int)(changes >> i & 1);
	return n;
}

bool
volatile_quiet(const struct volatile_slot *s, uint64_t look)
{
	uint64_t quiet = s->state >= SLOT_BLOCK ? BLOCK_LOOKS : QUIET_LOOKS;

	if (s->state == SLOT_BUSY)
		return recent_changes(s, look) < RECENT_FEW;
	return look > s->look && look - s->look > quiet;
}

static void
slot_remove(struct volatile_set *set, struct volatile_slot *s)
{
	*s = set->list[--set->count];
	set->dirty = true;
}

void
volatile_expire(struct volatile_set *set, uint64_t look)
{
	for (size_t i = set->count; i-- > 0;)
		if (volatile_quiet(&set->list[i], look))
			slot_remove(set, &set->list[i]);
}

static bool
slot_is_at(const struct volatile_slot *s, const struct block_run *r)
{
	return s->state < SLOT_BLOCK &&
	    (s->before == r->before || s->after == r->after);
}

static struct volatile_slot *
slot_find(struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; r != NULL && i < set->count; i++)
		if (slot_is_at(&set->list[i], r))
			return &set->list[i];
	return NULL;
}

/* The one that changed longest ago makes room. */
static struct volatile_slot *
slot_add(struct volatile_set *set)
{
	struct volatile_slot *s;

	if (set->count < VOLATILE_MAX) {
		set->list = xgrow(set->list, &set->cap, set->count + 1,
		    sizeof *set->list);
		s = &set->list[set->count++];
	} else {
		s = &set->list[0];
		for (size_t i = 1; i < set->count; i++)
			if (set->list[i].look < s->look)
				s = &set->list[i];
	}
	memset(s, 0, sizeof *s);
	return s;
}

static void
slot_note(struct volatile_slot *s, const struct block_run *r, uint64_t look)
{
	uint64_t passed = look > s->look ? look - s->look : 0;

	if (passed > 0)
		s->changes = passed > 63 ? 0 : s->changes << passed;
	s->changes |= 1;
	s->look = look;
	s->before = r->before;
	s->after = r->after;
	s->touched = true;
}

/* Notes what stands there now; true when that is news in a place where the
 * same block comes and goes. */
static bool
slot_unusual(struct volatile_slot *s, uint64_t content, bool empty)
{
	uint32_t proven;

	if (content == 0 || content == s->usual[0] || content == s->usual[1]) {
		s->empties = s->empties || empty;
		s->usual_run++;
		if (content != 0 && content == s->usual[1]) {
			s->usual[1] = s->usual[0];
			s->usual[0] = content;
		}
		return false;
	}
	proven = s->usual[1] == 0 ? USUAL_ALONE : USUAL_PROVEN;
	if (s->usual_run >= proven && s->empties)
		return true;
	s->usual[1] = s->usual[0];
	s->usual[0] = content;
	s->usual_run = 0;
	s->empties = empty;
	return false;
}

/* A look after the twin: does it go on changing, or was the twin the first to
 * see a real change?  `passed`: looks since it last changed, of which all but
 * this one showed what stood there before the twin. */
static enum volatile_step
suspect_step(struct volatile_set *set, struct volatile_slot *s,
    uint64_t content, uint64_t passed)
{
	if (content == s->content && passed <= 1) {
		if (++s->same < SETTLED)
			return VOLATILE_WAIT;
		slot_remove(set, s);
		return VOLATILE_TELL;
	}
	/* What the twin showed is back, or yet another thing is there. */
	if (content == s->content || passed <= SUSPECT_LOOKS) {
		s->state = SLOT_VOLATILE;
		s->content = content;
		return VOLATILE_HIDE;
	}
	s->state = SLOT_CANDIDATE;
	s->content = content;
	return VOLATILE_TELL;
}

/* Did more change than the place does by itself: more blocks than ever, one
 * that stood still beside it, or one that stands in nobody's stead? */
static bool
slot_exceeded(struct volatile_slot *s, const struct block_run *gone,
    size_t width, bool empty)
{
	if (s->state == SLOT_CANDIDATE)
		return false;
	if (width > s->width || (gone != NULL && gone->fixed >= FIXED_LOOKS))
		return true;
	if (!empty || s->empties)
		return false;
	s->empties = true; /* told once: it may be the place's habit */
	return true;
}

/* Only what changes by itself makes a place wide, and shows how long things
 * stand there: of changes that were told the last may have begun it. */
static void
slot_learn(struct volatile_slot *s, const struct block_run *gone, size_t width)
{
	uint32_t stood = gone == NULL ? 0 : gone->stood;

	if (s->state == SLOT_CANDIDATE || width > s->width)
		s->width = (uint32_t)width;
	if (s->state == SLOT_CANDIDATE || stood > s->lasted)
		s->lasted = stood;
}

enum volatile_step
volatile_changed(struct volatile_set *set, const struct block_run *gone,
    const struct block_run *come, uint64_t look, bool twin)
{
	const struct block_run *r = come != NULL ? come : gone;
	struct volatile_slot *s = slot_find(set, come);
	uint64_t content = come == NULL ? 0 : come->content;
	size_t width = come == NULL ? 0 : come->count;
	uint64_t passed;
	bool empty = gone == NULL || come == NULL, is_new;

	if (s == NULL)
		s = slot_find(set, gone);
	if (gone != NULL && gone->count > width)
		width = gone->count;
	set->dirty = true;
	is_new = s == NULL;
	if (is_new) {
		s = slot_add(set);
		s->look = look;
	} else if (slot_exceeded(s, gone, twin ? 0 : width, empty && !twin)) {
		if (!twin) {
			s->before = r->before;
			s->after = r->after;
		}
		return VOLATILE_TELL;
	}
	passed = look > s->look ? look - s->look : 0;
	slot_note(s, r, look);
	if (slot_unusual(s, content, empty) && !twin)
		return VOLATILE_TELL;
	slot_learn(s, gone, width);
	if (!is_new && s->state == SLOT_SUSPECT)
		return suspect_step(set, s, content, passed);
	if (s->state == SLOT_BUSY && twin) {
		s->state = SLOT_VOLATILE;
	} else if (s->state != SLOT_VOLATILE && twin) {
		s->state = SLOT_SUSPECT;
		s->same = 1;
	} else if (s->state == SLOT_CANDIDATE &&
	    recent_changes(s, look) >= RECENT_MOST) {
		s->state = SLOT_BUSY;
	}
	s->content = content;
	return twin || s->state == SLOT_VOLATILE || s->state == SLOT_BUSY
	    ? VOLATILE_HIDE
	    : VOLATILE_TELL;
}

bool
volatile_knows(const struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; r != NULL && i < set->count; i++)
		if (slot_is_at(&set->list[i], r))
			return true;
	return false;
}

bool
volatile_is_shared(const struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (slot_is_at(&set->list[i], r) && set->list[i].usual[0] != 0)
			return true;
	return false;
}

bool
volatile_is_alone(const struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (slot_is_at(&set->list[i], r) && set->list[i].empties &&
		    set->list[i].usual[0] != 0 && set->list[i].usual[1] == 0)
			return true;
	return false;
}

struct volatile_slot *
volatile_place(struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].state != SLOT_CANDIDATE &&
		    slot_is_at(&set->list[i], r))
			return &set->list[i];
	return NULL;
}

bool
volatile_outlasts(const struct volatile_slot *s, uint64_t stood)
{
	return stood > QUIET_LOOKS && stood > OUTLASTS * (uint64_t)s->lasted;
}

void
volatile_narrow(struct volatile_set *set, struct volatile_slot *s, size_t n)
{
	if (n == 0 || s->width <= 1)
		return;
	s->width = n < s->width ? s->width - (uint32_t)n : 1;
	set->dirty = true;
}

static struct volatile_slot *
block_find(const struct volatile_set *set, uint64_t hash)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].state >= SLOT_BLOCK &&
		    set->list[i].content == hash)
			return &set->list[i];
	return NULL;
}

/* The slot of a block, made when there is none. */
static struct volatile_slot *
block_slot(struct volatile_set *set, uint64_t hash)
{
	struct volatile_slot *s = block_find(set, hash);

	set->dirty = true;
	if (s != NULL)
		return s;
	s = slot_add(set);
	s->state = SLOT_BLOCK;
	s->content = hash;
	return s;
}

void
volatile_blinks(struct volatile_set *set, uint64_t hash, uint64_t look)
{
	struct volatile_slot *s = block_slot(set, hash);

	s->state = SLOT_BLINK;
	s->same = 1;
	s->look = look;
	s->touched = true;
}

void
volatile_twin_end(struct volatile_set *set, uint64_t look)
{
	for (size_t i = 0; i < set->count; i++) {
		struct volatile_slot *s = &set->list[i];

		if (s->touched || s->look != look)
			continue;
		if (s->state == SLOT_SUSPECT) {
			s->state = SLOT_VOLATILE;
			set->dirty = true;
		} else if (s->state == SLOT_BLINK) {
			s->state = SLOT_BLOCK;
			s->same = BLOCK_TOLD + 1;
			set->dirty = true;
		}
	}
}

/* It was gone in one look before, and nobody was told. */
static enum volatile_step
gone_again(struct volatile_slot *s, uint64_t passed)
{
	s->state = SLOT_BLOCK;
	if (passed <= 1) {
		s->touched = true;
		return VOLATILE_TELL;
	}
	if (++s->same <= BLINKS)
		return VOLATILE_TELL;
	return VOLATILE_HIDE;
}

void
volatile_forget(struct volatile_set *set, uint64_t hash)
{
	struct volatile_slot *s = block_find(set, hash);

	if (s != NULL)
		slot_remove(set, s);
}

bool
volatile_may_return(const struct volatile_set *set, uint64_t hash)
{
	const struct volatile_slot *s = block_find(set, hash);

	return s != NULL && !s->touched;
}

void
volatile_await(struct volatile_set *set, uint64_t hash)
{
	struct volatile_slot *s = block_find(set, hash);

	if (s != NULL)
		s->state = SLOT_GONE;
}

enum volatile_step
volatile_block(struct volatile_set *set, uint64_t hash, uint64_t look)
{
	struct volatile_slot *s = block_slot(set, hash);
	uint64_t passed = look - s->look;

	s->look = look;
	if (s->state == SLOT_GONE)
		return gone_again(s, passed);
	s->same++;
	if (s->state == SLOT_BLOCK)
		return s->same > BLOCK_TOLD ? VOLATILE_HIDE : VOLATILE_TELL;
	/* As the twin showed it from then on: a change between the two. */
	if (passed <= 1 && s->same < SETTLED)
		return VOLATILE_WAIT;
	if (passed <= 1) {
		slot_remove(set, s);
		return VOLATILE_TELL;
	}
	s->state = SLOT_BLOCK;
	s->same = BLOCK_TOLD + 1;
	return VOLATILE_HIDE;
}

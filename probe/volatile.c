#include "volatile.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define RECENT	      6	 /* looks of which most ... */
#define RECENT_MOST   4	 /* ... must have changed */
#define QUIET_LOOKS   12 /* without a change: it rejoins the page */
#define SUSPECT_LOOKS 3	 /* the same for what only a twin has shown */
#define BLOCK_LOOKS   64 /* without coming or going: forgotten */
#define BLOCK_TOLD    2	 /* times that a block's coming or going is told */
#define SETTLED	      3	 /* looks with the twin's content: a real change */

void
volatile_set_release(struct volatile_set *set)
{
	free(set->list);
	memset(set, 0, sizeof *set);
}

bool
volatile_quiet(const struct volatile_slot *s, uint64_t look)
{
	uint64_t quiet = s->state == SLOT_SUSPECT ? SUSPECT_LOOKS
	    : s->state == SLOT_BLOCK		  ? BLOCK_LOOKS
						  : QUIET_LOOKS;

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

static struct volatile_slot *
slot_find(struct volatile_set *set, const struct block_run *r)
{
	for (size_t i = 0; r != NULL && i < set->count; i++)
		if (set->list[i].state != SLOT_BLOCK &&
		    (set->list[i].before == r->before ||
			set->list[i].after == r->after))
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

static bool
changes_mostly(uint64_t changes)
{
	int n = 0;

	for (int i = 0; i < RECENT; i++)
		n += (int)(changes >> i & 1);
	return n >= RECENT_MOST;
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
}

/* The look after the twin: does it go on changing, or was the twin the first
 * to see a real change? */
static enum volatile_step
suspect_step(struct volatile_set *set, struct volatile_slot *s,
    uint64_t content)
{
	if (content != s->content) {
		s->state = SLOT_VOLATILE;
		s->content = content;
		return VOLATILE_HIDE;
	}
	if (++s->same < SETTLED)
		return VOLATILE_WAIT;
	slot_remove(set, s);
	return VOLATILE_TELL;
}

enum volatile_step
volatile_changed(struct volatile_set *set, const struct block_run *gone,
    const struct block_run *come, uint64_t look, bool twin)
{
	const struct block_run *r = come != NULL ? come : gone;
	struct volatile_slot *s = slot_find(set, come);
	uint64_t content = come == NULL ? 0 : come->content;
	size_t width = come == NULL ? 0 : come->count;
	bool is_new;

	if (s == NULL)
		s = slot_find(set, gone);
	if (gone != NULL && gone->count > width)
		width = gone->count;
	set->dirty = true;
	is_new = s == NULL;
	if (is_new) {
		s = slot_add(set);
		s->look = look;
		s->width = (uint32_t)width;
	} else if (width > s->width && s->state != SLOT_CANDIDATE && !twin) {
		/* Something beside it changed too. */
		return VOLATILE_TELL;
	}
	if (width > s->width)
		s->width = (uint32_t)width;
	slot_note(s, r, look);
	if (!is_new && s->state == SLOT_SUSPECT)
		return suspect_step(set, s, content);
	if (s->state != SLOT_VOLATILE && twin) {
		s->state = SLOT_SUSPECT;
		s->same = 1;
	} else if (s->state == SLOT_CANDIDATE && changes_mostly(s->changes)) {
		s->state = SLOT_VOLATILE;
	}
	s->content = content;
	return s->state == SLOT_VOLATILE ? VOLATILE_HIDE : VOLATILE_TELL;
}

static struct volatile_slot *
block_find(struct volatile_set *set, uint64_t hash)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].state == SLOT_BLOCK &&
		    set->list[i].content == hash)
			return &set->list[i];
	return NULL;
}

bool
volatile_flickers(struct volatile_set *set, uint64_t hash, uint64_t look)
{
	struct volatile_slot *s = block_find(set, hash);

	if (s == NULL) {
		s = slot_add(set);
		s->state = SLOT_BLOCK;
		s->content = hash;
	}
	s->look = look;
	s->same++;
	set->dirty = true;
	return s->same > BLOCK_TOLD;
}

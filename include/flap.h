/*
 * Flapping: a target that comes and goes so often that each change by itself
 * says nothing.  Told once when it begins and once when it ends; the changes
 * between are counted.  It takes much to begin and little to go on.
 */
#ifndef KPWATCH_FLAP_H
#define KPWATCH_FLAP_H

#include "bytes.h"

#define FLAP_CHANGES 6 /* changes of the verdict ... */
#define FLAP_LOOKS   32

struct flap {
	uint64_t history; /* bits: not up in that look, the latest lowest */
	int64_t changes[FLAP_CHANGES]; /* times, the latest first; ms */
	uint32_t count;		       /* of them */
	int64_t since;		       /* flapping; INSTANT_NONE: it does not */
	uint32_t hushed;	       /* changes since that were not told */
};

void flap_init(struct flap *);
/* One more look at the target. */
void flap_look(struct flap *, bool bad);
/* The verdict changed at that time. */
void flap_change(struct flap *, int64_t time);
/* How often the answer changed in the last FLAP_LOOKS looks. */
uint32_t flap_turns(const struct flap *);
/* It does not flap yet, and does now: `since` is set. */
bool flap_begins(struct flap *, int64_t time);
/* It has been quiet for long enough: `since` is cleared. */
bool flap_ends(struct flap *, int64_t time);

#endif

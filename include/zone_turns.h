/*
 * Whose name servers are to be asked for, and when: who serves a zone changes
 * slowly, and a question that failed is asked again sooner, at growing
 * intervals.  Never more than one of a look-up is due.
 */
#ifndef KPWATCH_ZONE_TURNS_H
#define KPWATCH_ZONE_TURNS_H

#include "bytes.h"

struct zone_turns;

struct zone_turns *zone_turns_new(void);
void zone_turns_free(struct zone_turns *);
/* The zone that the host's name was registered in (a part of `host`), when it
 * is its turn: then it is taken to have been asked.  SPAN_NULL: it is not. */
struct span zone_turn(struct zone_turns *, struct span host, int64_t now_us);
/* There was an answer, if only that there is no such record. */
void zone_answered(struct zone_turns *, struct span zone, int64_t now_us);

#endif

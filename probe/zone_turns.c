#include "zone_turns.h"

#include <stdlib.h>

#include "schedule.h"
#include "url.h"

#define NAMES	    4096 /* remembered, by hash; a power of two */
#define ANSWERED_US (24 * INT64_C(3600000000))
#define FAILED_US   (10 * INT64_C(60000000)) /* doubling, up to the above */

struct turn {
	uint64_t hash;
	unsigned failed; /* questions in a row; the last may be open */
	int64_t due_us;
};

/* A host has the time of its zone, so that the zone is looked for when it may
 * be due and not at each look. */
struct zone_turns {
	struct turn hosts[NAMES];
	struct turn zones[NAMES];
};

struct zone_turns *
zone_turns_new(void)
{
	return xcalloc(1, sizeof(struct zone_turns));
}

void
zone_turns_free(struct zone_turns *t)
{
	free(t);
}

/* The entry of a name; another of the same place is forgotten. */
static struct turn *
turn_of(struct turn turns[NAMES], struct span name)
{
	uint64_t hash = bytes_hash_i(name);
	struct turn *t = &turns[hash % NAMES];

	if (t->hash != hash)
		*t = (struct turn){.hash = hash};
	return t;
}

struct span
zone_turn(struct zone_turns *t, struct span host, int64_t now_us)
{
	struct turn *h = turn_of(t->hosts, host), *z;
	struct span zone;

	if (now_us < h->due_us)
		return SPAN_NULL;
	zone = host_site(host);
	z = turn_of(t->zones, zone);
	if (now_us < z->due_us) {
		h->due_us = z->due_us;
		return SPAN_NULL;
	}
	z->due_us = now_us + schedule_retry(z->failed, FAILED_US, ANSWERED_US);
	z->failed++;
	h->due_us = z->due_us;
	return zone;
}

void
zone_answered(struct zone_turns *t, struct span zone, int64_t now_us)
{
	struct turn *z = turn_of(t->zones, zone);

	z->failed = 0;
	z->due_us = now_us + ANSWERED_US;
}

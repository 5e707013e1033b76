#include "zone_turns.h"

#include <stdlib.h>

#include "schedule.h"

#define ZONES	    4096 /* remembered, by hash; a power of two */
#define ANSWERED_US (24 * INT64_C(3600000000))
#define FAILED_US   (10 * INT64_C(60000000)) /* doubling, up to the above */

struct zone {
	uint64_t hash;
	unsigned failed; /* questions in a row; the last may be open */
	int64_t due_us;
};

struct zone_turns {
	struct zone zones[ZONES];
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

/* The entry of a zone; another of the same place is forgotten. */
static struct zone *
zone_of(struct zone_turns *t, struct span name)
{
	uint64_t hash = bytes_hash_i(name);
	struct zone *z = &t->zones[hash % ZONES];

	if (z->hash != hash)
		*z = (struct zone){.hash = hash};
	return z;
}

bool
zone_turn(struct zone_turns *t, struct span zone, int64_t now_us)
{
	struct zone *z = zone_of(t, zone);

	if (now_us < z->due_us)
		return false;
	z->due_us = now_us + schedule_retry(z->failed, FAILED_US, ANSWERED_US);
	z->failed++;
	return true;
}

void
zone_answered(struct zone_turns *t, struct span zone, int64_t now_us)
{
	struct zone *z = zone_of(t, zone);

	z->failed = 0;
	z->due_us = now_us + ANSWERED_US;
}

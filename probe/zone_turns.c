#include "zone_turns.h"

#include <stdlib.h>

#include "schedule.h"
#include "url.h"

#define NAMES_START 256			/* places for them; powers of two */
#define NAMES_MAX   (UINT32_C(1) << 18) /* then all are forgotten */
#define ANSWERED_US (24 * INT64_C(3600000000))
#define FAILED_US   (10 * INT64_C(60000000)) /* doubling, up to the above */

struct turn {
	uint64_t hash;	 /* of its name, odd; 0: none */
	unsigned failed; /* questions in a row; the last may be open */
	int64_t due_us;
};

/* Open addressing; at most half of the places are taken. */
struct names {
	struct turn *places;
	size_t cap;
	size_t n;
};

/* A host has the time of its zone, so that the zone is looked for when it may
 * be due and not at each look. */
struct zone_turns {
	struct names hosts;
	struct names zones;
};

struct zone_turns *
zone_turns_new(void)
{
	return xcalloc(1, sizeof(struct zone_turns));
}

void
zone_turns_free(struct zone_turns *t)
{
	if (t == NULL)
		return;
	free(t->hosts.places);
	free(t->zones.places);
	free(t);
}

static struct turn *
place(const struct names *x, uint64_t hash)
{
	size_t at = hash_place(hash, x->cap);

	while (x->places[at].hash != 0 && x->places[at].hash != hash)
		at = (at + 1) & (x->cap - 1);
	return &x->places[at];
}

static void
make_room(struct names *x)
{
	struct names old = *x;

	x->cap = old.cap == 0 ? NAMES_START : old.cap * 2;
	if (x->cap > NAMES_MAX)
		*x = (struct names){.cap = NAMES_START};
	x->places = xcalloc(x->cap, sizeof *x->places);
	for (size_t i = 0; x->n > 0 && i < old.cap; i++)
		if (old.places[i].hash != 0)
			*place(x, old.places[i].hash) = old.places[i];
	free(old.places);
}

/* The entry of a name. */
static struct turn *
turn_of(struct names *x, struct span name)
{
	uint64_t hash = bytes_hash_i(name) | 1;
	struct turn *t;

	if (x->n * 2 >= x->cap)
		make_room(x);
	t = place(x, hash);
	if (t->hash == 0) {
		t->hash = hash;
		x->n++;
	}
	return t;
}

struct span
zone_turn(struct zone_turns *t, struct span host, int64_t now_us)
{
	struct turn *h = turn_of(&t->hosts, host), *z;
	struct span zone;

	if (now_us < h->due_us)
		return SPAN_NULL;
	zone = host_site(host);
	z = turn_of(&t->zones, zone);
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
	struct turn *z = turn_of(&t->zones, zone);

	z->failed = 0;
	z->due_us = now_us + ANSWERED_US;
}

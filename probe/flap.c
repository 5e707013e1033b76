#include "flap.h"

#include <string.h>

#include "instant.h"

#define CHANGES_WITHIN INT64_C(86400000) /* ... within so long: flapping */
#define TURNS_BEGIN    12 /* or so many turns in FLAP_LOOKS looks */
#define TURNS_END      3  /* no more than so many: steady again */

void
flap_init(struct flap *f)
{
	memset(f, 0, sizeof *f);
	f->since = INSTANT_NONE;
}

void
flap_look(struct flap *f, bool bad)
{
	f->history = f->history << 1 | (bad ? 1 : 0);
}

void
flap_change(struct flap *f, int64_t time)
{
	memmove(f->changes + 1, f->changes,
	    (FLAP_CHANGES - 1) * sizeof *f->changes);
	f->changes[0] = time;
	if (f->count < FLAP_CHANGES)
		f->count++;
}

uint32_t
flap_turns(const struct flap *f)
{
	uint64_t turns = f->history ^ f->history >> 1;
	uint32_t n = 0;

	for (int i = 0; i < FLAP_LOOKS - 1; i++)
		n += (uint32_t)(turns >> i & 1);
	return n;
}

bool
flap_begins(struct flap *f, int64_t time)
{
	bool often = f->count == FLAP_CHANGES &&
	    time - f->changes[FLAP_CHANGES - 1] <= CHANGES_WITHIN;

	if (f->since != INSTANT_NONE || (!often && flap_turns(f) < TURNS_BEGIN))
		return false;
	f->since = time;
	f->hushed = 0;
	return true;
}

bool
flap_ends(struct flap *f, int64_t time)
{
	bool quiet = f->count < 2 || time - f->changes[1] > CHANGES_WITHIN;

	if (f->since == INSTANT_NONE || !quiet || flap_turns(f) > TURNS_END)
		return false;
	f->since = INSTANT_NONE;
	f->count = 0;
	return true;
}

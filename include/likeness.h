/*
 * Does a look bring the same bytes as the look before?  Then its analysis
 * would bring the same finding, and can be saved.
 */
#ifndef KPWATCH_LIKENESS_H
#define KPWATCH_LIKENESS_H

#include "digest.h"
#include "observation.h"

struct likeness {
	bool known;
	uint8_t print[FINGERPRINT_BYTES];
};

/*
 * Of everything that the analysis of a good look depends on: the URLs on the
 * way, the status, the header lines (of Date, Age, Expires and Set-Cookie the
 * names, as their values differ in every answer) and the body.  Not known for
 * anything but a whole answer with status 200 to a normal or confirming look.
 */
void likeness_of(const struct observation *, struct likeness *);
/* Both known and equal. */
bool likeness_same(const struct likeness *, const struct likeness *);

#endif

/*
 * What changes on a page by itself: dates in the languages of the catalogue
 * (and of the Juche calendar), clocks, counters, session identifiers.  Taken
 * out before text is hashed or compared, never out of the record.
 */
#ifndef KPWATCH_NOISE_H
#define KPWATCH_NOISE_H

#include "bytes.h"

/*
 * Appends the text (folded UTF-8) to *out with each date as "<date>", each
 * clock as "<time>", each count behind a counter's label as "<n>" and each
 * long token as "<token>".  True when nothing else of meaning is in it: the
 * block is noise only.
 */
bool noise_text(struct span text, struct buf *out);

/* Appends the URL without session identifiers, tokens and cache busters. */
void noise_url(struct span url, struct buf *out);

#endif

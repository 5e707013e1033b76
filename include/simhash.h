/*
 * A hash of text that says how alike two texts are: the more words they have
 * in common, the fewer of its 64 bits differ.  It is kept with the finding:
 * the same text must give the same hash, whatever is made of the code.
 */
#ifndef KPWATCH_SIMHASH_H
#define KPWATCH_SIMHASH_H

#include "bytes.h"

#define SIMHASH_BITS   64
#define SIMHASH_PLANES 16 /* bits of a count of votes */

/* A text under way; all zero before the first.  Private. */
struct simhash {
	uint64_t waiting[8]; /* hashes of the last features */
	unsigned nwaiting;
	uint64_t planes[SIMHASH_PLANES]; /* bit k of the votes for each bit */
	uint32_t votes;			 /* in the planes */
	uint32_t weight[SIMHASH_BITS];
	uint32_t features;
};

/* Takes the words of a block; nothing is kept of it. */
void simhash_text(struct simhash *, struct span);
/* The hash of all that was taken, which may go on; 0 when there was none. */
uint64_t simhash_final(struct simhash *);

#endif

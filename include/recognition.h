/*
 * What recognition rests on, part by part: a digest of the rules of each
 * platform and each share kit, and of what they have in common.  With it the
 * store knows which sightings of a page are new because the rules are, and
 * not because the page changed.
 */
#ifndef KPWATCH_RECOGNITION_H
#define KPWATCH_RECOGNITION_H

#include "bytes.h"

struct rules;

/* Raised when the program, not the rules, sees other things on a page: with
 * the first, other elements; with the second, other blocks of text, or other
 * hashes of them. */
#define RECOGNITION_VERSION 4
#define TEXT_VERSION	    1
#define TEXT_PART	    "analysis:text"

struct recognition_part {
	char *name; /* "youtube", "kit:jiathis", TEXT_PART; "": common */
	uint64_t hash;
};

struct recognition {
	uint64_t rules; /* rules_id() of the rules that these are of */
	struct recognition_part *parts;
	size_t n;
};

/* Appends the wire form for rules that came from a file and their own wire
 * form. */
void recognition_encode(const struct rules *, struct span encoded,
    struct buf *out);
/* False on malformed bytes; nothing is to be released then. */
bool recognition_decode(struct recognition *, struct span);
void recognition_release(struct recognition *);

#endif

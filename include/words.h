/*
 * The difference of two texts at the level of words: what stands between
 * spaces (a Hangul eojeol too), and single Han and Kana characters.
 */
#ifndef KPWATCH_WORDS_H
#define KPWATCH_WORDS_H

#include "bytes.h"

/* A row of edits: each begins with ' ' (in both), '-' (old) or '+' (new). */
struct edits {
	char **list;
	size_t count, cap;
};

/*
 * Fills *out with the edits that make `new` of `old`; what both have and the
 * removed, joined, are `old`, byte for byte.  Returns how much of the two is
 * the same, in percent.  Release the edits.
 */
unsigned words_diff(struct span old, struct span new, struct edits *out);
void edits_release(struct edits *);

#endif

/*
 * The words of dates, clocks and counters, in the languages of the catalogue.
 */
#ifndef KPWATCH_NOISE_WORDS_H
#define KPWATCH_NOISE_WORDS_H

#include "bytes.h"

enum word_class {
	WORD_NONE,
	WORD_MONTH,
	WORD_WEEKDAY,
	WORD_WEEKDAY_SHORT, /* only beside a comma or in brackets */
	WORD_ERA,	    /* Juche, in front of its year */
	WORD_HALF,	    /* a.m. and p.m. in front of a clock */
	WORD_COUNT,	    /* label of a counter */
	WORD_TALLY	    /* the same where a colon follows */
};

/* The word that a text begins with, and its length when it is known. */
enum word_class noise_word(struct span, size_t *length);
/* Where the Hangul and Han signs from `at` end with which certainly no known
 * word begins. */
size_t noise_signs(struct span, size_t at);
/* May a known word begin at this byte? */
bool noise_begins(struct span, size_t at);
/* Where the text must be looked at behind `from`, a place where a word may
 * begin: ends before the first digit, byte beyond ASCII, and word that is
 * known or joined to one of those.  Sets *meaning when there are words before
 * that place. */
size_t noise_plain(struct span, size_t from, bool *meaning);

#endif

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
/* Bytes from `at` that are certainly not of a known word, and carry meaning: a
 * word of ASCII letters and nothing else, or one Hangul or Han sign; 0 when it
 * is not certain. */
size_t noise_common(struct span, size_t at);

#endif

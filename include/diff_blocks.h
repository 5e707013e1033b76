/*
 * The text blocks of a page as it was and as it is, paired off, and the places
 * where they differ judged by what is known to change by itself.  What is left
 * is for diff_text.c to tell.
 */
#ifndef KPWATCH_DIFF_BLOCKS_H
#define KPWATCH_DIFF_BLOCKS_H

#include "diff.h"

struct counted_block {
	uint64_t hash;
	uint64_t key; /* of the hash and which of its equals it is */
	size_t index; /* in the finding, or in the known text */
	bool paired;
	bool hidden; /* not told */
	bool alone;  /* as it comes and goes by itself, in nothing's stead */
	bool shown;  /* as what a changed block was */
	struct block_state state;
};

/* Where a block stands in the list. */
struct block_place {
	uint64_t hash;
	size_t at;
};

/* The blocks of one side, and the runs between its fixed points. */
struct block_side {
	struct counted_block *list; /* in document order */
	struct block_place *order;  /* the same by hash */
	size_t count;
	struct block_run *runs;
	size_t nruns;
	bool many;		     /* more runs than are looked at */
	const struct finding *found; /* NULL: they are the known text's */
	struct known_text *known;
};

/* Compares the finding's blocks with those known; learns which places change
 * by themselves and hides what they do.  Both sides are the caller's to
 * release; they borrow from the finding and from the known text. */
void blocks_compare(const struct diff *, struct known_text *,
    struct block_side *old, struct block_side *new, bool twin);
/* What came or went and was hidden.  Borrows its texts. */
void strays_note(const struct diff *, struct known_text *,
    const struct block_side *, bool gone);
/* It was told, as it is. */
void stray_told(struct known_text *, uint64_t hash);
/* As events quote it; returns owned. */
char *block_quote(const char *text);
void block_side_release(struct block_side *);
/* What the block at that place of the list says: of the finding, or of the
 * known text's pool; NULL without. */
const char *block_side_text(const struct block_side *, size_t at);
/* The run of the other side between the same fixed points, or NULL. */
struct block_run *blocks_opposite(const struct block_side *,
    const struct block_run *);

#endif

/*
 * Structures as bytes between our processes, in both directions by one
 * description: a function that names each field once, run with a writer or a
 * reader, so that encoding and decoding cannot drift apart.
 *
 * Reading is for bytes that may be hostile: every count and length is checked
 * before memory is taken for it; after the first bad byte fields read as zero
 * or NULL and `bad` stays set.
 */
#ifndef KPWATCH_WIRE_H
#define KPWATCH_WIRE_H

#include "bytes.h"

struct wire {
	struct buf *out;   /* writing: borrows; NULL when reading */
	struct cursor *in; /* reading: borrows; NULL when writing */
};

/* Owned text or NULL; one longer than max is bad. */
void wire_text(struct wire *, char **, size_t max);
void wire_flag(struct wire *, bool *);
void wire_number(struct wire *, uint32_t *);
void wire_amount(struct wire *, int64_t *);
/*
 * The number of elements of an array of elements of `size` bytes in memory
 * and at least `least` bytes each on the wire; more than max is bad.  Returns
 * `array` when writing, zeroed owned memory (NULL for none) when reading.
 */
void *wire_array(struct wire *, size_t *n, void *array, size_t max,
    size_t least, size_t size);
/* List of texts, none of them NULL. */
void wire_texts(struct wire *, char ***, size_t *n, size_t max_count,
    size_t max_length);
/* Marks what was read as bad when it is NULL; nothing when writing. */
void wire_need(struct wire *, const void *);

#endif

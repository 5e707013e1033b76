/*
 * Payloads written lately, so that the next equal one becomes a revisit
 * record.  Only response records are entered: what refers to them never
 * refers to a reference.  The oldest entry makes room for the newest.
 */
#ifndef KPWATCH_ORIGINAL_H
#define KPWATCH_ORIGINAL_H

#include "bytes.h"
#include "digest.h"

struct original {
	uint8_t digest[SHA256_BYTES];
	char *uri;
	int64_t date; /* WARC-Date, ms */
};

struct originals;

struct originals *originals_new(void); /* returns owned */
void originals_free(struct originals *);
/* Enters a payload; a URI longer than WARC_URI_KEEP_MAX is passed over. */
void originals_add(struct originals *, const uint8_t digest[SHA256_BYTES],
    struct span uri, int64_t date);
/* The newest entry of that digest, or of that URI, not older than `since`
 * (ms); NULL when there is none.  Borrows until the next add. */
const struct original *originals_by_digest(const struct originals *,
    const uint8_t digest[SHA256_BYTES], int64_t since);
const struct original *originals_by_uri(const struct originals *,
    struct span uri, int64_t since);

#endif

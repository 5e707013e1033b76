/*
 * Inside the store: rows of targets, pages and hosts as the database has them,
 * in memory, so that a look which finds nothing new reads none of them.
 *
 * The store alone writes the database.  Every change goes there first and then
 * here; where one statement changes many rows, and where a rollback undoes
 * some, all that is kept is dropped.  What is not kept is read as ever.  For
 * store_*.c only.
 */
#ifndef KPWATCH_STORE_KEPT_H
#define KPWATCH_STORE_KEPT_H

#include "store_db.h"

/* Keeps about so many bytes.  Returns owned. */
struct kept *kept_new(size_t max);
/* NULL is allowed. */
void kept_free(struct kept *);
/* Drops all; not during a look, which has pointers into it. */
void kept_clear(struct kept *);
/* Before a look: drops what is spoilt or too much. */
void kept_begin(struct kept *);
/* Rows were changed behind its back: none is given out any more, and all are
 * dropped before the next look. */
void kept_spoil(struct kept *);

/* What is kept of the target of that name, borrowed until the next
 * kept_begin(); NULL when nothing is. */
struct kept_target *kept_target(const struct kept *, const char *id);
/* Its row, without what row_target_last() loads. */
const struct row_target *kept_target_row(const struct kept_target *);
/* A copy of a row that was read or written.  The first is for a target of
 * which nothing is kept; NULL while all is spoilt. */
struct kept_target *kept_target_add(struct kept *, const char *id,
    const struct row_target *);
void kept_target_set(struct kept_target *, const struct row_target *);

/* The row of a page or host with its texts moves to the caller; false when it
 * is not here, or `t` NULL. */
bool kept_page_take(struct kept_target *t, const char *slot, const char *url,
    struct row_page *);
bool kept_host_take(struct kept_target *t, const char *host, struct row_host *);
/* And back, as the database has it now: the caller's is empty then.  Texts are
 * freed where `t` is NULL. */
void kept_page_put(struct kept *, struct kept_target *t, const char *slot,
    const char *url, struct row_page *);
void kept_host_put(struct kept *, struct kept_target *t, const char *host,
    struct row_host *);
/* Pages of the target were deleted. */
void kept_pages_drop(struct kept *, struct kept_target *);

#endif

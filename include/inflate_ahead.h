/*
 * The members of a gzip file inflated by a crew before the reader comes to
 * them.  Where a member begins is only known for sure when the one before it
 * is undone; bytes that look like a begin are taken for one, and what comes
 * of it is used only if the reader gets to that very place.
 */
#ifndef KPWATCH_INFLATE_AHEAD_H
#define KPWATCH_INFLATE_AHEAD_H

#include "bytes.h"

struct ahead;
struct crew;

/* Returns owned; NULL without a crew, which every function below takes. */
struct ahead *ahead_new(struct crew *);
void ahead_free(struct ahead *);
/*
 * The stored bytes from `at` of the file on (borrowed until ahead_settle() or
 * ahead_free()); `end` when the file has no more.  Members that begin there
 * are begun as far as there is room.
 */
void ahead_offer(struct ahead *, struct span stored, uint64_t at, bool end);
/*
 * What the member that begins at `at` gives, if it was begun and is whole and
 * sound: true, its plain bytes (borrowed until the next ahead_take() or
 * ahead_settle()) and its stored length.
 */
bool ahead_take(struct ahead *, uint64_t at, struct span *plain, size_t *used);
/* The stored bytes will move: waits for all that reads them. */
void ahead_settle(struct ahead *);

#endif

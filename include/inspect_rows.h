/*
 * The lines of a packet capture, one per HTTP exchange, in order: a line is
 * begun when its exchange is over and printed when its body is decoded and
 * hashed, which a crew does beside the reading.
 */
#ifndef KPWATCH_INSPECT_ROWS_H
#define KPWATCH_INSPECT_ROWS_H

#include "exchange.h"
#include "inspect.h"

struct rows;
struct row_body; /* of one response on its way */

/* Returns owned; borrows both. */
struct rows *rows_new(const struct inspect_input *,
    const struct inspect_output *);
/* Prints what is left and frees. */
void rows_free(struct rows *);

/* Returns owned; rows_add() takes it. */
struct row_body *row_body_new(struct rows *, const struct http_head *);
/* Bytes after transfer coding (borrows). */
void row_body_add(struct rows *, struct row_body *, struct span);
/* The exchange is over; `body` NULL: it had no response. */
void rows_add(struct rows *, const struct exchange *, struct row_body *body);

#endif

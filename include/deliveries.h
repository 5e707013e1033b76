/*
 * The store's side of hook deliveries: queues (hook.h) over the rows of the
 * store, calls to the courier, and a timer for what is due later.
 */
#ifndef KPWATCH_DELIVERIES_H
#define KPWATCH_DELIVERIES_H

#include "process.h"
#include "store.h"

struct event_base;
struct deliveries;

/* Borrows the store and, until deliveries_configure(), the configuration.
 * Nothing is sent before the first deliveries_step(). */
struct deliveries *deliveries_new(struct event_base *, struct store *,
    const struct config *);
/* Waits a moment (at most ms) for calls under way, then frees. */
void deliveries_free(struct deliveries *, int64_t ms);
void deliveries_configure(struct deliveries *, const struct config *);
/* Takes the descriptor of a courier. */
void deliveries_courier(struct deliveries *, const struct peer *);
/* Events were committed: selects, and sends what is due.  Call it outside any
 * transaction of the store. */
void deliveries_step(struct deliveries *);

#endif

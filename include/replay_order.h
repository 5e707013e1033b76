/*
 * Observations out of packets in the order of their ends.  A reset connection
 * is told some time after its end, when nothing can follow it any more; what
 * ended after it and was told before must wait for it.
 */
#ifndef KPWATCH_REPLAY_ORDER_H
#define KPWATCH_REPLAY_ORDER_H

#include "observation.h"

struct replay_order;

struct replay_order *replay_order_new(void); /* returns owned */
void replay_order_free(struct replay_order *);
/* Takes the contents of *o, which ended then. */
void replay_order_add(struct replay_order *, struct observation *o,
    int64_t end_ns);
/* The next one that nothing can come before, given the time of the latest
 * packet (INT64_MAX: there are no more).  Its contents are the caller's. */
bool replay_order_next(struct replay_order *, int64_t now_ns,
    struct observation *o);

#endif

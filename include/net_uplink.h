/*
 * The way to the network as one configuration wants it: name servers,
 * certificates, allowed networks, time limits.  A reload makes a new one; the
 * looks that are under way keep theirs until they end.
 */
#ifndef KPWATCH_NET_UPLINK_H
#define KPWATCH_NET_UPLINK_H

#include "bytes.h"

struct budget;
struct config;
struct event_base;
struct pace;
struct uplink;
struct visit_settings;

/*
 * Borrows pace, pacing (how many visits wait for their slot) and the budget of
 * bodies; copies what it needs of the configuration and the certificates (PEM).
 * Returns owned.
 */
struct uplink *uplink_new(struct event_base *, const struct config *,
    struct span ca_pem, struct pace *, unsigned *pacing, struct budget *bodies);
/* For visit_start(); borrows, so hold the uplink until the visit is done. */
const struct visit_settings *uplink_settings(const struct uplink *);
void uplink_hold(struct uplink *);
/* May be called from a visit's callback: frees nothing. */
void uplink_drop(struct uplink *);
/*
 * Puts `fresh` in front of the older ones and frees those that nobody holds
 * (fresh may be NULL).  Never call it from a visit's callback.  Returns the
 * new front.
 */
struct uplink *uplink_replace(struct uplink *current, struct uplink *fresh);
/* Frees this one and all older; their transfers end. */
void uplink_free(struct uplink *);

#endif

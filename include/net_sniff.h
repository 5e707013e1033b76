/*
 * The net process's side of the sniffer: a look that is over waits here for
 * its packets and what they show, then goes on.
 */
#ifndef KPWATCH_NET_SNIFF_H
#define KPWATCH_NET_SNIFF_H

#include "observation.h"

struct budget;
struct event_base;
struct net_sniff;
struct peer;

/* *o has its packets and facts, where there are any; its contents are the
 * handler's to take. */
typedef void net_sniffed(struct observation *o, void *user, void *arg);

/* The bodies of what waits are in the budget (borrowed). */
struct net_sniff *net_sniff_new(struct event_base *, struct budget *bodies,
    net_sniffed *, void *arg);
/* What still waits is dropped. */
void net_sniff_free(struct net_sniff *);
/* A socket to the sniffer; a new one replaces the old.  Takes peer->fd. */
void net_sniff_peer(struct net_sniff *, const struct peer *);
/* Takes the contents of *o; the handler is called once, from here when there
 * is no sniffer, else from the loop. */
void net_sniff_claim(struct net_sniff *, struct observation *o, void *user);
size_t net_sniff_pending(const struct net_sniff *);
/* Nothing waits any longer: the handler is called for all. */
void net_sniff_flush(struct net_sniff *);

#endif

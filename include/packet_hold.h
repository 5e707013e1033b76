/*
 * Packets that were captured, held until the look they belong to is over and
 * claims them.  Bounded: the oldest go first, and that is counted.
 */
#ifndef KPWATCH_PACKET_HOLD_H
#define KPWATCH_PACKET_HOLD_H

#include "packet_claim.h"

struct packet_hold;

/* Packets of that link type (LINKTYPE_), at most `max` bytes of them. */
struct packet_hold *packet_hold_new(uint32_t link, size_t max); /* owned */
void packet_hold_free(struct packet_hold *);
/* Copies the packet when it is one that a look could claim. */
void packet_hold_add(struct packet_hold *, int64_t time_ns, struct span data,
    uint32_t wire_len);
/* Drops what is older: no look claims it any more. */
void packet_hold_expire(struct packet_hold *, int64_t before_ns);
/* Packets were lost before they reached us, about now. */
void packet_hold_lost(struct packet_hold *, int64_t time_ns);
/*
 * The packets of a look, taken out into an initialised answer: a capture file
 * (classic pcap, microseconds) and what they show of each hop.
 */
void packet_hold_take(struct packet_hold *, const struct packet_claim *,
    struct packet_answer *);
/* Pushed out by newer ones, so far. */
uint64_t packet_hold_evicted(const struct packet_hold *);
size_t packet_hold_bytes(const struct packet_hold *);

#endif

/*
 * A look's claim to its packets, and the answer: messages between net, which
 * knows what it asked of whom, and the sniffer, which saw it pass.
 */
#ifndef KPWATCH_PACKET_CLAIM_H
#define KPWATCH_PACKET_CLAIM_H

#include "limit.h"
#include "observation.h"
#include "packet.h"

/* One connection that was tried. */
struct claim_flow {
	struct endpoint server;
	uint16_t local_port; /* 0: not known */
	uint8_t hop;
	bool last; /* of the hop: its facts are the hop's */
};

struct packet_claim {
	int64_t time;	    /* of the look's start, ms since the epoch */
	uint32_t linger_ms; /* packets that come so much later belong to it */
	struct claim_flow flows[CLAIM_FLOWS_MAX];
	size_t nflows;
	char *hosts[HOPS_MAX]; /* owned; names that were looked up */
	size_t nhosts;
};

void packet_claim_release(struct packet_claim *);
void packet_claim_encode(const struct packet_claim *, struct buf *);
/* False on malformed bytes; *claim is empty then. */
bool packet_claim_decode(struct packet_claim *, struct span);

struct packet_answer {
	struct packet_facts hops[HOPS_MAX];
	bool injected[HOPS_MAX]; /* the hop's reset came from someone else */
	struct buf pcap;	 /* a capture file; empty: no packets */
};

void packet_answer_init(struct packet_answer *);
void packet_answer_release(struct packet_answer *);
void packet_answer_encode(const struct packet_answer *, struct buf *);
bool packet_answer_decode(struct packet_answer *, struct span);

#endif

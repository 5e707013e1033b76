/*
 * One captured packet down to its transport header: link layers, tags,
 * tunnels, IPv4 and IPv6 with fragments put together again.  Nothing is
 * copied but fragments; every span borrows the packet's bytes.
 */
#ifndef KPWATCH_PACKET_H
#define KPWATCH_PACKET_H

#include "bytes.h"

struct endpoint {
	uint8_t family; /* 4 or 6; 0 for none */
	uint16_t port;
	uint8_t addr[16]; /* IPv4 in the first four bytes, rest zero */
};

#define ENDPOINT_TEXT_MAX 64
/* "192.0.2.1:80", "[2001:db8::1]:80"; the _address form without the port. */
const char *endpoint_text(const struct endpoint *, char out[ENDPOINT_TEXT_MAX]);
const char *endpoint_address(const struct endpoint *,
    char out[ENDPOINT_TEXT_MAX]);
bool endpoint_eq(const struct endpoint *, const struct endpoint *);

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16
};

enum packet_kind {
	PACKET_NONE, /* nothing we follow */
	PACKET_TCP,
	PACKET_UDP,
	PACKET_UNREACHABLE, /* ICMP says that a packet of ours did not arrive:
			     * src and dst are those of that packet */
	PACKET_FRAGMENT,    /* kept until its datagram is whole */
	PACKET_BROKEN	    /* headers cut off or nonsense */
};

struct packet {
	enum packet_kind kind;
	struct endpoint src;
	struct endpoint dst;
	uint8_t ttl;	   /* or hop limit */
	uint16_t ip_id;	   /* IPv4 only */
	uint8_t protocol;  /* of an unreachable packet: 6 or 17 */
	uint32_t seq, ack; /* TCP */
	uint8_t flags;	   /* enum tcp_flag */
	uint16_t window;
	struct span payload;   /* captured part */
	uint32_t payload_wire; /* its length on the wire, >= payload.n */
};

/* Fragments waiting for their datagrams.  The first copy of every byte wins.
 * Bounded in datagrams, bytes and age; what has to go is counted. */
struct fragments;

struct fragment_key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint8_t family;
	uint8_t protocol;
};

struct fragments *fragments_new(void); /* returns owned */
void fragments_free(struct fragments *);
/* Datagrams given up incomplete so far. */
uint64_t fragments_lost(const struct fragments *);
/* Adds the fragment at `offset` (bytes).  True once the datagram is whole;
 * *whole then borrows its payload until the next call.  time_ns ages the
 * waiting ones. */
bool fragments_add(struct fragments *, const struct fragment_key *,
    size_t offset, bool more, struct span payload, int64_t time_ns,
    struct span *whole);

/* Decodes one captured packet.  fragments may be NULL: fragments are then
 * left alone.  Linear in the packet; at most PACKET_LAYERS_MAX headers. */
enum packet_kind packet_decode(struct packet *, uint32_t link, struct span data,
    uint32_t wire_len, int64_t time_ns, struct fragments *);

/* Is the LINKTYPE_ one that packet_decode() knows? */
bool packet_link_known(uint32_t link);

#endif

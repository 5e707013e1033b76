/*
 * Between packet.c (internet and transport layers) and packet_link.c (link
 * layers): the place that a decode has come to.  Not for other files.
 */
#ifndef KPWATCH_PACKET_WALK_H
#define KPWATCH_PACKET_WALK_H

#include "packet.h"

/* What stands at the front of walk.data. */
enum walk_layer {
	WALK_STOP,   /* nothing we follow */
	WALK_BROKEN, /* too short for its header */
	WALK_ETHERNET,
	WALK_ETHERTYPE, /* payload of walk.type, an EtherType */
	WALK_LLC,
	WALK_PPP, /* with its protocol field */
	WALK_MPLS,
	WALK_WIFI,
	WALK_IP,       /* version told by the first nibble */
	WALK_PROTOCOL, /* payload of walk.type, an IP protocol */
	WALK_DONE      /* walk.out is filled */
};

struct walk {
	struct packet *out;
	struct fragments *fragments;
	int64_t time_ns;
	struct span data; /* captured bytes from here */
	uint32_t wire;	  /* bytes from here on the wire, >= data.n */
	uint32_t type;
};

/* Takes n bytes off the front; false when they were not captured. */
bool walk_skip(struct walk *, size_t n);
/* Big-endian number at an offset; the caller has checked the length. */
uint16_t walk_u16(const struct walk *, size_t at);
uint32_t walk_u32(const struct walk *, size_t at);

/* The first layer of a LINKTYPE_; WALK_STOP when it is not known. */
enum walk_layer link_begin(struct walk *, uint32_t link);
/* One step over WALK_ETHERNET to WALK_WIFI. */
enum walk_layer link_step(struct walk *, enum walk_layer);

#endif

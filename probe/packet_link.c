#include "packet_walk.h"

#include <string.h>

enum linktype {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,
	LINK_RAW = 101,
	LINK_CISCO_HDLC = 104,
	LINK_WIFI = 105,
	LINK_FRAME_RELAY = 107,
	LINK_LOOP = 108,
	LINK_COOKED = 113,
	LINK_WIFI_PRISM = 119,
	LINK_WIFI_RADIOTAP = 127,
	LINK_PPP_WITH_DIRECTION = 166,
	LINK_PPI = 192,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_COOKED2 = 276
};

enum ethertype {
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_MPLS = 0x8847,
	ETHER_MPLS_MULTI = 0x8848,
	ETHER_PPPOE = 0x8864,
	ETHER_QINQ = 0x88a8,
	ETHER_QINQ_OLD = 0x9100,
	ETHER_QINQ_OLDER = 0x9200,
	ETHER_BRIDGED = 0x6558,
	ETHER_PPP = 0x880b,
	ETHER_SIZE_MAX = 1500
};

bool
walk_skip(struct walk *w, size_t n)
{
	if (n > w->data.n)
		return false;
	w->data = span_slice(w->data, n, w->data.n);
	w->wire -= (uint32_t)n;
	return true;
}

uint16_t
walk_u16(const struct walk *w, size_t at)
{
	const uint8_t *p = (const uint8_t *)w->data.p + at;

	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
walk_u32(const struct walk *w, size_t at)
{
	return (uint32_t)walk_u16(w, at) << 16 | walk_u16(w, at + 2);
}

static uint8_t
byte_at(const struct walk *w, size_t at)
{
	return (uint8_t)w->data.p[at];
}

static enum walk_layer
after(struct walk *w, size_t header, enum walk_layer next)
{
	return walk_skip(w, header) ? next : WALK_BROKEN;
}

/* A header of n bytes with an EtherType in its bytes at and at + 1. */
static enum walk_layer
typed(struct walk *w, size_t n, size_t at)
{
	if (w->data.n < n)
		return WALK_BROKEN;
	w->type = walk_u16(w, at);
	walk_skip(w, n);
	return WALK_ETHERTYPE;
}

/* BSD loopback: an address family in the byte order of the machine that
 * captured; the numbers for IPv6 differ between systems. */
static enum walk_layer
begin_null(struct walk *w)
{
	if (w->data.n < 5)
		return WALK_BROKEN;
	return after(w, 4, WALK_IP);
}

static enum walk_layer
begin_radiotap(struct walk *w)
{
	if (w->data.n < 4)
		return WALK_BROKEN;
	return after(w, (size_t)byte_at(w, 2) | (size_t)byte_at(w, 3) << 8,
	    WALK_WIFI);
}

/* Prism: message code, then its length in the byte order of the machine. */
static enum walk_layer
begin_prism(struct walk *w)
{
	uint32_t n;

	if (w->data.n < 8)
		return WALK_BROKEN;
	if (walk_u32(w, 0) == 0x41 || walk_u32(w, 0) == 0x44)
		n = walk_u32(w, 4);
	else
		n = __builtin_bswap32(walk_u32(w, 4));
	return after(w, n > 1024 ? 144 : n, WALK_WIFI);
}

/* Per-packet information: header length, then the link type inside. */
static enum walk_layer
begin_ppi(struct walk *w)
{
	uint32_t link;

	if (w->data.n < 8)
		return WALK_BROKEN;
	link = byte_at(w, 4) | (uint32_t)byte_at(w, 5) << 8;
	if (link == LINK_PPI ||
	    !walk_skip(w, (size_t)byte_at(w, 2) | (size_t)byte_at(w, 3) << 8))
		return WALK_BROKEN;
	return link_begin(w, link);
}

/* Netfilter log: family, version, then attributes; the payload is one. */
static enum walk_layer
begin_nflog(struct walk *w)
{
	size_t len;
	uint16_t type;

	if (!walk_skip(w, 4))
		return WALK_BROKEN;
	while (w->data.n >= 4) {
		len = (size_t)byte_at(w, 0) | (size_t)byte_at(w, 1) << 8;
		type = (uint16_t)(byte_at(w, 2) | byte_at(w, 3) << 8);
		if (len < 4)
			return WALK_BROKEN;
		if ((type & 0x7fff) == 9)
			return after(w, 4, WALK_IP);
		if (!walk_skip(w, (len + 3) & ~(size_t)3))
			return WALK_BROKEN;
	}
	return WALK_STOP;
}

static enum walk_layer
begin_frame_relay(struct walk *w)
{
	if (w->data.n < 4)
		return WALK_BROKEN;
	if (byte_at(w, 2) != 0x03)
		return typed(w, 4, 2);
	if (byte_at(w, 3) == 0xcc)
		return after(w, 4, WALK_IP);
	if (byte_at(w, 3) == 0x8e)
		return after(w, 4, WALK_IP);
	if (w->data.n >= 10 && byte_at(w, 3) == 0 && byte_at(w, 4) == 0x80)
		return typed(w, 10, 8);
	return WALK_STOP;
}

static enum walk_layer
begin_cooked2(struct walk *w)
{
	if (w->data.n < 20)
		return WALK_BROKEN;
	w->type = walk_u16(w, 0);
	walk_skip(w, 20);
	return w->type == 4 ? WALK_LLC : WALK_ETHERTYPE;
}

static enum walk_layer
begin_cooked(struct walk *w)
{
	if (w->data.n < 16)
		return WALK_BROKEN;
	w->type = walk_u16(w, 14);
	walk_skip(w, 16);
	return w->type == 4 ? WALK_LLC : WALK_ETHERTYPE;
}

/* Address and control fields stand before the protocol, or do not. */
static enum walk_layer
begin_hdlc_or_ppp(struct walk *w)
{
	if (w->data.n < 4)
		return WALK_BROKEN;
	if (byte_at(w, 0) == 0x0f || byte_at(w, 0) == 0x8f)
		return typed(w, 4, 2);
	return WALK_PPP;
}

enum walk_layer
link_begin(struct walk *w, uint32_t link)
{
	switch (link) {
	case LINK_NULL:
	case LINK_LOOP:
		return begin_null(w);
	case LINK_ETHERNET:
		return WALK_ETHERNET;
	case LINK_PPP:
	case LINK_PPP_HDLC:
		return begin_hdlc_or_ppp(w);
	case LINK_PPP_WITH_DIRECTION:
		return after(w, 1, WALK_PPP);
	case LINK_PPP_ETHER:
		w->type = ETHER_PPPOE;
		return WALK_ETHERTYPE;
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
		return WALK_IP;
	case LINK_CISCO_HDLC:
		return begin_hdlc_or_ppp(w);
	case LINK_WIFI:
		return WALK_WIFI;
	case LINK_WIFI_PRISM:
		return begin_prism(w);
	case LINK_WIFI_RADIOTAP:
		return begin_radiotap(w);
	case LINK_PPI:
		return begin_ppi(w);
	case LINK_FRAME_RELAY:
		return begin_frame_relay(w);
	case LINK_COOKED:
		return begin_cooked(w);
	case LINK_COOKED2:
		return begin_cooked2(w);
	case LINK_NFLOG:
		return begin_nflog(w);
	default:
		return WALK_STOP;
	}
}

bool
packet_link_known(uint32_t link)
{
	struct packet out;
	struct walk w = {.out = &out, .data = {"", 0}};

	/* A known one finds its header missing, or wants the next layer. */
	return link_begin(&w, link) != WALK_STOP;
}

static enum walk_layer
step_ppp(struct walk *w)
{
	uint32_t protocol;

	if (w->data.n >= 2 && byte_at(w, 0) == 0xff && byte_at(w, 1) == 0x03)
		walk_skip(w, 2);
	if (w->data.n < 2)
		return WALK_BROKEN;
	/* A compressed protocol field has one odd byte. */
	if (byte_at(w, 0) & 1) {
		protocol = byte_at(w, 0);
		walk_skip(w, 1);
	} else {
		protocol = walk_u16(w, 0);
		walk_skip(w, 2);
	}
	switch (protocol) {
	case 0x0021:
	case 0x0057:
		return WALK_IP;
	case 0x0281:
	case 0x0283:
		return WALK_MPLS;
	default:
		return WALK_STOP;
	}
}

/* RFC 4385: a pseudo-wire's payload is told by its first nibble only. */
static enum walk_layer
under_mpls(struct walk *w)
{
	if (w->data.n < 1)
		return WALK_BROKEN;
	switch (byte_at(w, 0) >> 4) {
	case 4:
	case 6:
		return WALK_IP;
	case 0:
		if (w->data.n > 18 && walk_u16(w, 0) == 0)
			return after(w, 4, WALK_ETHERNET);
		return WALK_ETHERNET;
	default:
		return WALK_ETHERNET;
	}
}

static enum walk_layer
step_mpls(struct walk *w)
{
	while (w->data.n >= 4) {
		bool bottom = byte_at(w, 2) & 1;

		walk_skip(w, 4);
		if (bottom)
			return under_mpls(w);
	}
	return WALK_BROKEN;
}

static enum walk_layer
step_llc(struct walk *w)
{
	if (w->data.n < 3)
		return WALK_BROKEN;
	if (walk_u16(w, 0) == 0xaaaa && w->data.n >= 8)
		return typed(w, 8, 6);
	if (walk_u16(w, 0) == 0x0606)
		return after(w, 3, WALK_IP);
	return WALK_STOP;
}

static enum walk_layer
step_ethertype(struct walk *w)
{
	switch (w->type) {
	case ETHER_IPV4:
	case ETHER_IPV6:
		return WALK_IP;
	case ETHER_VLAN:
	case ETHER_QINQ:
	case ETHER_QINQ_OLD:
	case ETHER_QINQ_OLDER:
		return typed(w, 4, 2);
	case ETHER_MPLS:
	case ETHER_MPLS_MULTI:
		return WALK_MPLS;
	case ETHER_PPPOE:
		return after(w, 6, WALK_PPP);
	case ETHER_BRIDGED:
		return WALK_ETHERNET;
	case ETHER_PPP:
		return WALK_PPP;
	default:
		return w->type <= ETHER_SIZE_MAX ? WALK_LLC : WALK_STOP;
	}
}

/* IEEE 802.11: data frames that are not encrypted.  Sub-frame aggregates
 * are left alone. */
static enum walk_layer
step_wifi(struct walk *w)
{
	size_t header = 24;
	uint8_t control, flags;

	if (w->data.n < 24)
		return WALK_BROKEN;
	control = byte_at(w, 0);
	flags = byte_at(w, 1);
	if ((control & 0x0c) != 0x08 || (control & 0x40) != 0 ||
	    (flags & 0x40) != 0)
		return WALK_STOP;
	if ((flags & 3) == 3)
		header += 6;
	if (control & 0x80) {
		if (w->data.n < header + 2 || byte_at(w, header) & 0x80)
			return WALK_STOP;
		header += 2;
		if (flags & 0x80)
			header += 4;
	}
	if (w->data.n > header + 10 && walk_u16(w, header) != 0xaaaa &&
	    walk_u16(w, header + 2) == 0xaaaa)
		header += 2; /* some drivers pad to four bytes */
	return after(w, header, WALK_LLC);
}

enum walk_layer
link_step(struct walk *w, enum walk_layer layer)
{
	switch (layer) {
	case WALK_ETHERNET:
		return typed(w, 14, 12);
	case WALK_ETHERTYPE:
		return step_ethertype(w);
	case WALK_LLC:
		return step_llc(w);
	case WALK_PPP:
		return step_ppp(w);
	case WALK_MPLS:
		return step_mpls(w);
	case WALK_WIFI:
		return step_wifi(w);
	case WALK_STOP:
	case WALK_BROKEN:
	case WALK_IP:
	case WALK_PROTOCOL:
	case WALK_DONE:
		break;
	}
	return WALK_STOP;
}

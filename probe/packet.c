#include "packet_walk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "limit.h"

enum protocol {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_ICMP6 = 58,
	PROTO_DESTOPTS = 60,
	PROTO_ETHERIP = 97,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140
};

enum tunnel_port {
	PORT_L2TP = 1701,
	PORT_GTP_USER = 2152,
	PORT_TEREDO = 3544,
	PORT_VXLAN = 4789,
	PORT_GENEVE = 6081,
	PORT_VXLAN_LINUX = 8472
};

static uint8_t
byte_at(const struct walk *w, size_t at)
{
	return (uint8_t)w->data.p[at];
}

/* Cuts what follows the datagram (padding of the link) and corrects the
 * length on the wire to what the header says. */
static void
limit_to(struct walk *w, uint32_t total)
{
	if (w->data.n > total)
		w->data.n = total;
	w->wire = total;
}

static void
set_addresses(struct walk *w, uint8_t family, const char *src, const char *dst,
    size_t n)
{
	memset(&w->out->src, 0, sizeof w->out->src);
	memset(&w->out->dst, 0, sizeof w->out->dst);
	w->out->src.family = w->out->dst.family = family;
	memcpy(w->out->src.addr, src, n);
	memcpy(w->out->dst.addr, dst, n);
}

static enum walk_layer
whole_datagram(struct walk *w, uint32_t id, uint8_t protocol, size_t offset,
    bool more)
{
	struct fragment_key key;
	struct span whole;

	w->out->kind = PACKET_FRAGMENT;
	if (w->fragments == NULL)
		return WALK_STOP;
	memset(&key, 0, sizeof key);
	memcpy(key.src, w->out->src.addr, sizeof key.src);
	memcpy(key.dst, w->out->dst.addr, sizeof key.dst);
	key.id = id;
	key.family = w->out->src.family;
	key.protocol = protocol;
	if (!fragments_add(w->fragments, &key, offset, more, w->data,
		w->time_ns, &whole))
		return WALK_STOP;
	w->out->kind = PACKET_NONE;
	w->data = whole;
	w->wire = (uint32_t)whole.n;
	w->type = protocol;
	return WALK_PROTOCOL;
}

static enum walk_layer
step_ipv4(struct walk *w)
{
	size_t header;
	uint32_t total;
	uint16_t fragment;

	if (w->data.n < 20)
		return WALK_BROKEN;
	header = (size_t)(byte_at(w, 0) & 15) * 4;
	total = walk_u16(w, 2);
	/* Segmentation offload leaves no length: all that is there counts. */
	if (total != 0 && total < header)
		return WALK_BROKEN;
	if (header < 20)
		return WALK_BROKEN;
	if (total != 0)
		limit_to(w, total);
	w->out->ttl = byte_at(w, 8);
	w->out->ip_id = walk_u16(w, 4);
	set_addresses(w, 4, w->data.p + 12, w->data.p + 16, 4);
	w->type = byte_at(w, 9);
	fragment = walk_u16(w, 6);
	if (!walk_skip(w, header))
		return WALK_BROKEN;
	if ((fragment & 0x3fff) == 0)
		return WALK_PROTOCOL;
	return whole_datagram(w, w->out->ip_id, (uint8_t)w->type,
	    (size_t)(fragment & 0x1fff) * 8, (fragment & 0x2000) != 0);
}

static enum walk_layer
step_ipv6(struct walk *w)
{
	uint32_t n;

	if (w->data.n < 40)
		return WALK_BROKEN;
	n = walk_u16(w, 4);
	if (n != 0)
		limit_to(w, n + 40);
	w->out->ttl = byte_at(w, 7);
	w->out->ip_id = 0;
	set_addresses(w, 6, w->data.p + 8, w->data.p + 24, 16);
	w->type = byte_at(w, 6);
	walk_skip(w, 40);
	return WALK_PROTOCOL;
}

static enum walk_layer
step_ip(struct walk *w)
{
	if (w->data.n < 1)
		return WALK_BROKEN;
	switch (byte_at(w, 0) >> 4) {
	case 4:
		return step_ipv4(w);
	case 6:
		return step_ipv6(w);
	default:
		return WALK_BROKEN;
	}
}

/* IPv6 extension header with a length field in units of `unit` bytes. */
static enum walk_layer
step_extension(struct walk *w, size_t unit, size_t extra)
{
	size_t n;

	if (w->data.n < 8)
		return WALK_BROKEN;
	n = ((size_t)byte_at(w, 1) + extra) * unit;
	w->type = byte_at(w, 0);
	return walk_skip(w, n) ? WALK_PROTOCOL : WALK_BROKEN;
}

static enum walk_layer
step_fragment6(struct walk *w)
{
	uint16_t place;
	uint32_t id;
	uint8_t next;

	if (w->data.n < 8)
		return WALK_BROKEN;
	next = byte_at(w, 0);
	place = walk_u16(w, 2);
	id = walk_u32(w, 4);
	walk_skip(w, 8);
	w->type = next;
	if ((place & 0xfff9) == 0)
		return WALK_PROTOCOL; /* RFC 6946: atomic */
	return whole_datagram(w, id, next, place & 0xfff8, place & 1);
}

static enum walk_layer
step_tcp(struct walk *w)
{
	struct packet *p = w->out;
	size_t header;

	if (w->data.n < 20)
		return WALK_BROKEN;
	header = (size_t)(byte_at(w, 12) >> 4) * 4;
	p->src.port = walk_u16(w, 0);
	p->dst.port = walk_u16(w, 2);
	p->seq = walk_u32(w, 4);
	p->ack = walk_u32(w, 8);
	p->flags = byte_at(w, 13) & 0x1f;
	p->window = walk_u16(w, 14);
	if (header < 20 || w->wire < header)
		return WALK_BROKEN;
	/* Options cut off by the snapshot length: the rest is missing too. */
	if (!walk_skip(w, header)) {
		p->payload_wire = w->wire - (uint32_t)header;
		w->data.n = 0;
	} else {
		p->payload_wire = w->wire;
	}
	p->payload = w->data;
	p->kind = PACKET_TCP;
	return WALK_DONE;
}

static enum walk_layer
step_vxlan(struct walk *w)
{
	struct walk in = *w;

	if (w->data.n < 8 + 14 || (byte_at(w, 0) & 0x08) == 0)
		return WALK_DONE;
	walk_skip(&in, 8);
	*w = in;
	return WALK_ETHERNET;
}

static enum walk_layer
step_geneve(struct walk *w)
{
	size_t header;

	if (w->data.n < 8 || byte_at(w, 0) >> 6 != 0)
		return WALK_DONE;
	header = 8 + (size_t)(byte_at(w, 0) & 0x3f) * 4;
	w->type = walk_u16(w, 2);
	return walk_skip(w, header) ? WALK_ETHERTYPE : WALK_BROKEN;
}

/* GTP-U, TS 29.281: message 255 carries a user's packet. */
static enum walk_layer
step_gtp(struct walk *w)
{
	size_t header = 8;

	if (w->data.n < 12 || byte_at(w, 0) >> 5 != 1 || byte_at(w, 1) != 255)
		return WALK_DONE;
	if (byte_at(w, 0) & 7) {
		uint8_t next = byte_at(w, 11);

		header = 12;
		while (next != 0 && header < w->data.n &&
		    byte_at(w, header) != 0) {
			size_t n = (size_t)byte_at(w, header) * 4;

			if (header + n > w->data.n)
				return WALK_BROKEN;
			next = byte_at(w, header + n - 1);
			header += n;
		}
	}
	return walk_skip(w, header) ? WALK_IP : WALK_BROKEN;
}

/* Teredo, RFC 4380: authentication and origin may stand before IPv6. */
static enum walk_layer
step_teredo(struct walk *w)
{
	struct walk in = *w;

	if (in.data.n >= 13 && walk_u16(&in, 0) == 1)
		if (!walk_skip(&in,
			13 + (size_t)byte_at(&in, 2) + byte_at(&in, 3)))
			return WALK_DONE;
	if (in.data.n >= 8 && walk_u16(&in, 0) == 0)
		walk_skip(&in, 8);
	if (in.data.n < 40 || byte_at(&in, 0) >> 4 != 6)
		return WALK_DONE;
	*w = in;
	return WALK_IP;
}

/* L2TP version 2 data message, RFC 2661. */
static enum walk_layer
step_l2tp(struct walk *w)
{
	uint16_t flags;
	size_t header = 6;

	if (w->data.n < 12)
		return WALK_DONE;
	flags = walk_u16(w, 0);
	if ((flags & 0x8000) != 0 || (flags & 15) != 2)
		return WALK_DONE;
	if (flags & 0x4000)
		header += 2;
	if (flags & 0x0800)
		header += 4;
	if (flags & 0x0200) {
		if (w->data.n < header + 2)
			return WALK_BROKEN;
		header += 2 + (size_t)walk_u16(w, header);
	}
	return walk_skip(w, header) ? WALK_PPP : WALK_BROKEN;
}

static enum walk_layer
step_udp(struct walk *w)
{
	struct packet *p = w->out;
	uint32_t n;
	uint16_t a, b;

	if (w->data.n < 8)
		return WALK_BROKEN;
	p->src.port = a = walk_u16(w, 0);
	p->dst.port = b = walk_u16(w, 2);
	n = walk_u16(w, 4);
	if (n >= 8 && n <= w->wire)
		limit_to(w, n);
	walk_skip(w, 8);
	p->payload = w->data;
	p->payload_wire = w->wire;
	p->kind = PACKET_UDP;
	if (b == PORT_VXLAN || b == PORT_VXLAN_LINUX)
		return step_vxlan(w);
	if (b == PORT_GENEVE)
		return step_geneve(w);
	if (a == PORT_GTP_USER || b == PORT_GTP_USER)
		return step_gtp(w);
	if (a == PORT_TEREDO || b == PORT_TEREDO)
		return step_teredo(w);
	if (a == PORT_L2TP || b == PORT_L2TP)
		return step_l2tp(w);
	return WALK_DONE;
}

/* ERSPAN types II and III ride on GRE with these protocol numbers. */
static enum walk_layer
under_gre(struct walk *w, uint16_t flags)
{
	switch (w->type) {
	case 0x88be:
		/* Type I has neither sequence number nor header. */
		if ((flags & 0x1000) == 0)
			return WALK_ETHERNET;
		return walk_skip(w, 8) ? WALK_ETHERNET : WALK_BROKEN;
	case 0x22eb:
		if (w->data.n < 12)
			return WALK_BROKEN;
		return walk_skip(w, byte_at(w, 11) & 1 ? 20 : 12)
		    ? WALK_ETHERNET
		    : WALK_BROKEN;
	default:
		return WALK_ETHERTYPE;
	}
}

/* RFC 2784, 2890; version 1 is PPTP's, RFC 2637. */
static enum walk_layer
step_gre(struct walk *w)
{
	uint16_t flags;
	size_t header = 4;

	if (w->data.n < 4)
		return WALK_BROKEN;
	flags = walk_u16(w, 0);
	w->type = walk_u16(w, 2);
	if ((flags & 7) > 1 || (flags & 0x4000) != 0)
		return WALK_STOP;
	if (flags & 0x8000)
		header += 4;
	if (flags & 0x2000)
		header += 4;
	if (flags & 0x1000)
		header += 4;
	if ((flags & 7) == 1 && (flags & 0x0080) != 0)
		header += 4;
	if (!walk_skip(w, header))
		return WALK_BROKEN;
	return under_gre(w, flags);
}

/* Destination unreachable quotes the packet that did not arrive. */
static enum walk_layer
step_icmp(struct walk *w, uint8_t unreachable)
{
	struct packet *p = w->out;
	size_t header = 40;

	if (w->data.n < 8 + 28 || byte_at(w, 0) != unreachable)
		return WALK_STOP;
	p->flags = byte_at(w, 1); /* its code */
	walk_skip(w, 8);
	if (byte_at(w, 0) >> 4 == 4) {
		header = (size_t)(byte_at(w, 0) & 15) * 4;
		p->protocol = byte_at(w, 9);
		set_addresses(w, 4, w->data.p + 12, w->data.p + 16, 4);
	} else if (byte_at(w, 0) >> 4 == 6 && w->data.n >= 48) {
		p->protocol = byte_at(w, 6);
		set_addresses(w, 6, w->data.p + 8, w->data.p + 24, 16);
	} else {
		return WALK_STOP;
	}
	if (header < 20 || !walk_skip(w, header) || w->data.n < 8)
		return WALK_STOP;
	p->src.port = walk_u16(w, 0);
	p->dst.port = walk_u16(w, 2);
	p->seq = walk_u32(w, 4);
	p->kind = PACKET_UNREACHABLE;
	return WALK_DONE;
}

static enum walk_layer
step_protocol(struct walk *w)
{
	switch (w->type) {
	case PROTO_TCP:
		return step_tcp(w);
	case PROTO_UDP:
		return step_udp(w);
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_DESTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return step_extension(w, 8, 1);
	case PROTO_AH:
		return step_extension(w, 4, 2);
	case PROTO_FRAGMENT:
		return step_fragment6(w);
	case PROTO_IPIP:
	case PROTO_IPV6:
		return WALK_IP;
	case PROTO_GRE:
		return step_gre(w);
	case PROTO_ETHERIP:
		return walk_skip(w, 2) ? WALK_ETHERNET : WALK_BROKEN;
	case PROTO_ICMP:
		return step_icmp(w, 3);
	case PROTO_ICMP6:
		return step_icmp(w, 1);
	default:
		return WALK_STOP;
	}
}

enum packet_kind
packet_decode(struct packet *p, uint32_t link, struct span data,
    uint32_t wire_len, int64_t time_ns, struct fragments *fragments)
{
	struct walk w = {.out = p,
	    .fragments = fragments,
	    .time_ns = time_ns,
	    .data = data,
	    .wire = wire_len};
	enum walk_layer layer;

	memset(p, 0, sizeof *p);
	if (w.wire < data.n)
		w.wire = (uint32_t)data.n;
	layer = link_begin(&w, link);
	for (int i = 0; i < PACKET_LAYERS_MAX; i++) {
		if (layer == WALK_STOP || layer == WALK_DONE)
			return p->kind;
		if (layer == WALK_BROKEN) {
			p->kind = PACKET_BROKEN;
			return p->kind;
		}
		if (layer == WALK_IP)
			layer = step_ip(&w);
		else if (layer == WALK_PROTOCOL)
			layer = step_protocol(&w);
		else
			layer = link_step(&w, layer);
		/* A tunnel's own transport header does not count. */
		if (layer != WALK_DONE && layer != WALK_STOP &&
		    p->kind == PACKET_UDP)
			p->kind = PACKET_NONE;
	}
	p->kind = PACKET_BROKEN;
	return p->kind;
}

const char *
endpoint_address(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
	if (e->family == 0 ||
	    inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->addr, out,
		ENDPOINT_TEXT_MAX) == NULL)
		out[0] = '\0';
	return out;
}

const char *
endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
	char a[ENDPOINT_TEXT_MAX];

	endpoint_address(e, a);
	snprintf(out, ENDPOINT_TEXT_MAX,
	    e->family == 6 ? "[%.48s]:%u" : "%.48s:%u", a, (unsigned)e->port);
	return out;
}

bool
endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->family == b->family &&
	    memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

/* Everything a TCP segment may be wrapped in: tunnels, IPv6 with extension
 * headers, fragments of both versions, IPv4 options; and ICMP's answers. */
#include "wire.h"

#define MACS "\1\2\3\4\5\6\7\10\11\12\13\14"
#define ENDS                                                                   \
	struct wire_world w;                                                   \
	struct wire_end c = {.host = 1,                                        \
	    .port = 40000,                                                     \
	    .seq = 1000,                                                       \
	    .ttl = 64};                                                        \
	struct wire_end s = {.host = 2, .port = 80, .seq = 5000, .ttl = 50}

enum { LINK_RAW = 101, TCP_PROTOCOL = 6, UDP_PROTOCOL = 17 };

static const char get[] = "GET /a HTTP/1.1\r\nHost: h.test\r\n\r\n";
static const char ok5[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char seen[] = "GET /a 200 [hello] whole\n";

/* fd00::host */
static void
ip6(struct buf *b, const struct wire_end *from, const struct wire_end *to,
    unsigned next, size_t payload)
{
	wire_u32(b, 0x60000000u);
	wire_u16(b, (unsigned)payload);
	buf_put_u8(b, (uint8_t)next);
	buf_put_u8(b, from->ttl);
	for (int i = 0; i < 2; i++) {
		wire_u32(b, 0xfd000000u);
		wire_u32(b, 0);
		wire_u32(b, 0);
		wire_u32(b, i == 0 ? from->host : to->host);
	}
}

struct tunnel {
	const char *name;
	unsigned protocol; /* of the outer IP header */
	uint16_t port;	   /* with UDP */
	bool six;	   /* IPv6 inside */
	const char *header;
	size_t n;
};

#define T(name, protocol, port, six, bytes)                                    \
	{                                                                      \
		name, protocol, port, six, bytes, sizeof(bytes) - 1            \
	}

static const struct tunnel tunnels[] = {
    T("IPIP", 4, 0, false, ""),
    T("6in4", 41, 0, true, ""),
    T("GRE", 47, 0, false, "\0\0\x08\0"),
    T("GRE with checksum, key, number", 47, 0, false,
	"\xb0\0\x08\0CSUMKEYKNUMB"),
    T("GRE of IPv6", 47, 0, true, "\0\0\x86\xdd"),
    T("GRE of Ethernet", 47, 0, false, "\0\0\x65\x58" MACS "\x08\0"),
    T("PPTP", 47, 0, false, "\x30\x81\x88\x0bLNIDNUMBACKN\xff\3\0\x21"),
    T("ERSPAN I", 47, 0, false, "\0\0\x88\xbe" MACS "\x08\0"),
    T("ERSPAN II", 47, 0, false, "\x10\0\x88\xbeNUMBHEADERII" MACS "\x08\0"),
    T("ERSPAN III", 47, 0, false,
	"\x10\0\x22\xebNUMBHEADER-III-\0" MACS "\x08\0"),
    T("EtherIP", 97, 0, false, "\x30\0" MACS "\x08\0"),
    T("VXLAN", 17, 4789, false, "\x08\0\0\0\0\0\1\0" MACS "\x08\0"),
    T("VXLAN with a tag, IPv6", 17, 8472, true,
	"\x08\0\0\0\0\0\1\0" MACS "\x81\0\0\7\x86\xdd"),
    T("Geneve", 17, 6081, false, "\0\0\x65\x58\0\0\1\0" MACS "\x08\0"),
    T("Geneve with an option", 17, 6081, false, "\1\0\x08\0\0\0\1\0OPTN"),
    T("GTP", 17, 2152, false, "\x30\xff\0\0TEID"),
    T("GTP with extensions", 17, 2152, false,
	"\x34\xff\0\0TEID\0\0\0\x85\1\0\0\0"),
    T("Teredo", 17, 3544, true, ""),
    T("Teredo with authentication and origin", 17, 3544, true,
	"\0\1\0\0NONCEBYT\0\0\0POADDR"),
    T("L2TP", 17, 1701, false, "\0\2\0\1\0\2\xff\3\0\x21"),
    T("L2TP with length and numbers", 17, 1701, false,
	"\x48\2\0\x30\0\1\0\2\0\0\0\0\x21"),
};

static void
send_in(struct wire_world *w, const struct tunnel *t, struct wire_end *from,
    const struct wire_end *to, const char *data)
{
	static const struct wire_end a = {.host = 91, .ttl = 9};
	static const struct wire_end z = {.host = 92};
	struct buf inner = BUF_INIT(WIRE_MAX), b = BUF_INIT(WIRE_MAX);
	size_t udp = t->port != 0 ? 8 : 0;

	if (t->six)
		ip6(&inner, from, to, TCP_PROTOCOL, 20 + strlen(data));
	else
		wire_ip4(&inner, from, to, TCP_PROTOCOL, 1, 0,
		    20 + strlen(data));
	wire_tcp(&inner, from, to, TCP_ACK, span_of(data));
	wire_ip4(&b, &a, &z, t->protocol, 1, 0, udp + t->n + inner.len);
	if (udp > 0) {
		wire_u16(&b, 5555);
		wire_u16(&b, t->port);
		wire_u16(&b, (unsigned)(udp + t->n + inner.len));
		wire_u16(&b, 0);
	}
	buf_add(&b, t->header, t->n);
	buf_add_span(&b, buf_span(&inner));
	wire_packet(w, LINK_RAW, &b);
	from->seq += (uint32_t)strlen(data);
	buf_release(&inner);
}

static void
test_tunnels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tunnels); i++) {
		ENDS;

		print_message("%s\n", tunnels[i].name);
		wire_open(&w);
		send_in(&w, &tunnels[i], &c, &s, get);
		send_in(&w, &tunnels[i], &s, &c, ok5);
		wire_expect(&w, seen);
	}
}

/* As many headers as one likes, one inside the other: no more than a fixed
 * number is followed. */
static void
test_deep_nesting(void **state)
{
	ENDS;
	struct buf b = BUF_INIT(WIRE_MAX);

	(void)state;
	wire_open(&w);
	for (size_t depth = 1000; depth > 0; depth--)
		wire_ip4(&b, &c, &s, 4, 1, 0, depth * 20 + 20 + strlen(get));
	wire_ip4(&b, &c, &s, TCP_PROTOCOL, 1, 0, 20 + strlen(get));
	wire_tcp(&b, &c, &s, TCP_ACK, span_of(get));
	wire_packet(&w, LINK_RAW, &b);
	assert_int_equal(exchanges_counts(w.engine).broken, 1);
	wire_expect(&w, "");
}

/* What a packet of that link type and header says about itself when it is cut
 * anywhere: nothing is read behind its end, nothing comes out. */
static void
test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tunnels); i++) {
		const struct tunnel *t = &tunnels[i];
		ENDS;

		wire_open(&w);
		for (size_t n = 0; n < t->n; n++) {
			struct tunnel cut = *t;

			cut.header = memcpy(xmalloc(n + 1), t->header, n);
			cut.n = n;
			send_in(&w, &cut, &c, &s, "");
			free((char *)cut.header);
		}
		wire_expect(&w, "");
	}
}

static void
send6(struct wire_world *w, struct wire_end *from, const struct wire_end *to,
    unsigned next, const char *headers, size_t n, const char *data)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	ip6(&b, from, to, next, n + 20 + strlen(data));
	buf_add(&b, headers, n);
	wire_tcp(&b, from, to, TCP_ACK, span_of(data));
	wire_packet(w, LINK_RAW, &b);
	from->seq += (uint32_t)strlen(data);
}

static void
test_ipv6_extensions(void **state)
{
#define H(next, bytes)                                                         \
	{                                                                      \
		next, bytes, sizeof(bytes) - 1                                 \
	}
	static const struct {
		unsigned next;
		const char *bytes;
		size_t n;
	} cases[] = {H(6, ""), H(0, "\6\0\1\4\0\0\0\0"),
	    H(43, "\6\2\4\0SEGSFLAGRESERVEDADDR"),
	    H(60, "\6\1\1\14OPTIONSOPTIO"),
	    H(51, "\6\4\0\0SPIXNUMBINTEGRITYVAL"),
	    H(44, "\6\0\0\0IDEN"), /* atomic, RFC 6946 */
	    H(0,
		"\x2b\0\1\4\0\0\0\0"
		"\x3c\0\4\0\0\0\0\0"
		"\6\0\1\4\0\0\0\0")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ENDS;

		wire_open(&w);
		send6(&w, &c, &s, cases[i].next, cases[i].bytes, cases[i].n,
		    get);
		send6(&w, &s, &c, cases[i].next, cases[i].bytes, cases[i].n,
		    ok5);
		wire_expect(&w, seen);
	}
}

static void
test_ipv4_options(void **state)
{
	ENDS;
	struct buf b = BUF_INIT(WIRE_MAX);

	(void)state;
	wire_open(&w);
	for (int i = 0; i < 2; i++) {
		struct wire_end *from = i == 0 ? &c : &s;
		const char *data = i == 0 ? get : ok5;

		wire_ip4(&b, from, i == 0 ? &s : &c, TCP_PROTOCOL, 1, 0,
		    8 + 20 + strlen(data));
		b.data[0] = 0x47;
		buf_add(&b, "\x94\4\0\0\1\1\1\0", 8); /* router alert */
		wire_tcp(&b, from, i == 0 ? &s : &c, TCP_ACK, span_of(data));
		wire_packet(&w, LINK_RAW, &b);
		from->seq += (uint32_t)strlen(data);
	}
	wire_expect(&w, seen);
}

/* One fragment of a segment's bytes. */
static void
fragment4(struct wire_world *w, const struct wire_end *from,
    const struct wire_end *to, unsigned id, size_t at, bool more,
    struct span bytes)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	wire_ip4(&b, from, to, TCP_PROTOCOL, id,
	    (more ? 0x2000u : 0) | (unsigned)(at / 8), bytes.n);
	buf_add_span(&b, bytes);
	wire_packet(w, LINK_RAW, &b);
}

static void
fragment6(struct wire_world *w, const struct wire_end *from,
    const struct wire_end *to, unsigned id, size_t at, bool more,
    struct span bytes)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	ip6(&b, from, to, 44, 8 + bytes.n);
	buf_put_u8(&b, TCP_PROTOCOL);
	buf_put_u8(&b, 0);
	wire_u16(&b, (unsigned)at | more);
	wire_u32(&b, id);
	buf_add_span(&b, bytes);
	wire_packet(w, LINK_RAW, &b);
}

typedef void fragment(struct wire_world *, const struct wire_end *,
    const struct wire_end *, unsigned id, size_t at, bool more, struct span);

static void
try_fragments(fragment *send, bool six)
{
	/* "first byte, one behind the last": in what order they come */
	static const size_t orders[][3][2] = {{{0, 24}, {24, 48}, {48, 99}},
	    {{48, 99}, {24, 48}, {0, 24}}, {{24, 48}, {0, 24}, {48, 99}},
	    {{0, 24}, {16, 48}, {48, 99}}};

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct buf tcp = BUF_INIT(WIRE_MAX);
		struct span all;
		ENDS;

		wire_open(&w);
		if (six)
			send6(&w, &c, &s, TCP_PROTOCOL, "", 0, get);
		else
			wire_say(&w, &c, &s, get);
		wire_tcp(&tcp, &s, &c, TCP_ACK, span_of(ok5));
		all = buf_span(&tcp);
		for (int k = 0; k < 3; k++) {
			size_t from = orders[i][k][0], to = orders[i][k][1];

			/* Of another datagram: a number alone does not join. */
			send(&w, &s, &c, 900 + (unsigned)k, from, true,
			    SPAN("XXXXXXXX"));
			send(&w, &s, &c, 7, from, to < 99,
			    span_slice(all, from, to - from));
		}
		buf_release(&tcp);
		wire_expect(&w, seen);
	}
}

static void
test_fragments(void **state)
{
	(void)state;
	try_fragments(fragment4, false);
	try_fragments(fragment6, true);
}

/* A last piece that ends before bytes that came already: no datagram has
 * both, and the bytes between were never sent. */
static void
test_fragments_that_disagree(void **state)
{
	struct fragments *f = fragments_new();
	struct fragment_key key = {.id = 1, .family = 4};
	struct span whole, bytes = SPAN("0123456789abcdef");

	(void)state;
	assert_false(fragments_add(f, &key, 64, true, bytes, 0, &whole));
	assert_false(fragments_add(f, &key, 16, false, bytes, 0, &whole));
	assert_int_equal(fragments_lost(f), 1);
	/* Anew, with nothing of the old. */
	assert_false(fragments_add(f, &key, 16, false, bytes, 0, &whole));
	assert_true(fragments_add(f, &key, 0, true, bytes, 0, &whole));
	assert_int_equal(whole.n, 32);
	assert_memory_equal(whole.p, "0123456789abcdef0123456789abcdef", 32);
	/* What goes on behind the last piece is left out. */
	assert_false(fragments_add(f, &key, 16, false, bytes, 0, &whole));
	assert_false(fragments_add(f, &key, 32, true, bytes, 0, &whole));
	assert_true(fragments_add(f, &key, 0, true, bytes, 0, &whole));
	assert_int_equal(whole.n, 32);
	fragments_free(f);
}

static void
test_fragments_lost(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	for (unsigned id = 0; id < 3; id++)
		fragment4(&w, &s, &c, id, 0, true, SPAN("XXXXXXXX"));
	w.now += 60000000000;
	fragment4(&w, &s, &c, 99, 0, true, SPAN("XXXXXXXX"));
	assert_int_equal(exchanges_counts(w.engine).fragments_lost, 3);
	wire_expect(&w, "");
}

static void
test_unreachable(void **state)
{
	struct buf b = BUF_INIT(WIRE_MAX);
	ENDS;

	(void)state;
	wire_open(&w);
	wire_send(&w, &c, &s, TCP_SYN, "");
	wire_ip4(&b, &(struct wire_end){.host = 9, .ttl = 60}, &c, 1, 1, 0, 48);
	wire_u32(&b, 0x03010000u); /* host unreachable */
	wire_u32(&b, 0);
	wire_ip4(&b, &c, &s, TCP_PROTOCOL, 1, 0, 20);
	wire_tcp(&b, &c, &s, TCP_SYN, SPAN_NULL);
	wire_packet(&w, LINK_RAW, &b);
	wire_expect(&w, "connection unreachable syns 1\n");

	wire_open(&w);
	ip6(&b, &c, &s, TCP_PROTOCOL, 20);
	wire_tcp(&b, &c, &s, TCP_SYN, SPAN_NULL);
	wire_packet(&w, LINK_RAW, &b);
	ip6(&b, &(struct wire_end){.host = 9, .ttl = 60}, &c, 58, 68);
	wire_u32(&b, 0x01000000u); /* no route */
	wire_u32(&b, 0);
	ip6(&b, &c, &s, TCP_PROTOCOL, 20);
	wire_tcp(&b, &c, &s, TCP_SYN, SPAN_NULL);
	wire_packet(&w, LINK_RAW, &b);
	wire_expect(&w, "connection unreachable syns 1\n");

	/* About a connection that stands it means nothing. */
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_ip4(&b, &(struct wire_end){.host = 9, .ttl = 60}, &c, 1, 1, 0, 48);
	wire_u32(&b, 0x03010000u);
	wire_u32(&b, 0);
	wire_ip4(&b, &c, &s, TCP_PROTOCOL, 1, 0, 20);
	wire_tcp(&b, &c, &s, TCP_ACK, SPAN_NULL);
	wire_packet(&w, LINK_RAW, &b);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_expect(&w, seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tunnels),
	    cmocka_unit_test(test_deep_nesting),
	    cmocka_unit_test(test_cut_anywhere),
	    cmocka_unit_test(test_ipv6_extensions),
	    cmocka_unit_test(test_ipv4_options),
	    cmocka_unit_test(test_fragments),
	    cmocka_unit_test(test_fragments_that_disagree),
	    cmocka_unit_test(test_fragments_lost),
	    cmocka_unit_test(test_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

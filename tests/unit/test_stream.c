/* Connections, HTTP exchanges, DNS and TLS out of packets made here. */
#include "wire_ends.h"

static void
test_simple(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.0 200 OK\r\n\r\nuntil");
	wire_say(&w, &s, &c, " close");
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "GET /a 200 [hello] whole\n"
	    "GET /a 200 [until close] whole\n");
}

static void
test_reorder_wrap_retransmit(void **state)
{
	ENDS;
	struct wire_end late, again;

	(void)state;
	s.seq = 0xffffffe0u; /* wraps inside the response */
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	again = late = s;
	s.seq += 3;
	wire_say(&w, &s, &c, "def");
	wire_send(&w, &late, &c, TCP_ACK, "abc");
	/* A later copy of other bytes: the first counts. */
	wire_send(&w, &again, &c, TCP_ACK, "XXXXXX");
	again.seq += 4;
	wire_send(&w, &again, &c, TCP_ACK, "YYghi");
	wire_expect(&w, "GET /a 200 [abcdefghi] whole\n");
}

static void
test_overlap_in_hole(void **state)
{
	ENDS;
	struct wire_end x;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
	x = s;
	x.seq += 4;
	wire_send(&w, &x, &c, TCP_ACK, "efg");
	x.seq -= 2;
	wire_send(&w, &x, &c, TCP_ACK, "cdXXXh");
	x.seq -= 2;
	wire_send(&w, &x, &c, TCP_ACK, "abZZ");
	wire_expect(&w, "GET /a 200 [abcdefgh] whole\n");
}

static void
test_no_handshake(void **state)
{
	ENDS;
	struct wire_end first;

	(void)state;
	wire_open(&w);
	wire_say(&w, &c, &s, get);
	first = s;
	s.seq += 38;
	wire_say(&w, &s, &c, "hello");
	wire_send(&w, &first, &c, TCP_ACK,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	wire_expect(&w, "GET /a 200 [hello] whole\n");
}

static void
test_pipelined_and_bodiless(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s,
	    "HEAD /h HTTP/1.1\r\n\r\nGET /n HTTP/1.1\r\n\r\n"
	    "POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
	    "GET /c HTTP/1.1\r\n\r\n");
	wire_say(&w, &s, &c,
	    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
	    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
	    "HTTP/1.1 100 Continue\r\n\r\n");
	wire_say(&w, &s, &c,
	    "HTTP/1.1 204 None\r\n\r\n"
	    "HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;x=y\r\nabc\r\n0002\r\nde\r\n0\r\nT: x\r\n\r\n");
	wire_expect(&w,
	    "HEAD /h 200 [] whole\nGET /n 304 [] whole\n"
	    "POST /p 100 [] whole: interim response\n"
	    "POST /p 204 [] whole\n"
	    "GET /c 206 [abcde] whole: partial content\n");
}

static void
test_port_reuse(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	for (int i = 0; i < 2; i++) {
		c.seq = 1000 + 700000u * (unsigned)i;
		s.seq = 9000 + 900000u * (unsigned)i;
		wire_handshake(&w, &c, &s);
		wire_say(&w, &c, &s, get);
		wire_say(&w, &s, &c, ok5);
		wire_fin(&w, &s, &c);
		wire_fin(&w, &c, &s);
	}
	wire_expect(&w,
	    "GET /a 200 [hello] whole\n"
	    "GET /a 200 [hello] whole\n");
}

static void
test_upgrade_and_tunnel(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 101 Switching\r\n\r\n");
	wire_say(&w, &s, &c, ok5);
	wire_say(&w, &c, &s, get);
	wire_expect(&w,
	    "GET /a 101 [] whole: protocol upgrade, rest left "
	    "alone\n");

	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, "CONNECT h.test:443 HTTP/1.1\r\n\r\n");
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	wire_say(&w, &c, &s, get);
	wire_expect(&w,
	    "CONNECT h.test:443 200 [] whole: tunnel, rest left "
	    "alone\n");
}

static void
test_fragments(void **state)
{
	ENDS;
	struct buf tcp = BUF_INIT(WIRE_MAX), b = BUF_INIT(WIRE_MAX);

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_tcp(&tcp, &s, &c, TCP_ACK, span_of(ok5));
	/* The last piece first. */
	wire_ip4(&b, &s, &c, 6, 77, 32 / 8, tcp.len - 32);
	buf_add_span(&b, span_slice(buf_span(&tcp), 32, tcp.len));
	wire_packet(&w, 101, &b);
	wire_ip4(&b, &s, &c, 6, 77, 0x2000, 32);
	buf_add_span(&b, span_slice(buf_span(&tcp), 0, 32));
	wire_packet(&w, 101, &b);
	buf_release(&tcp);
	wire_expect(&w, "GET /a 200 [hello] whole\n");
}

static void
send_under(struct wire_world *w, uint32_t link, const char *header, size_t n,
    struct wire_end *from, const struct wire_end *to, const char *data)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	buf_add(&b, header, n);
	wire_ip4(&b, from, to, 6, 1, 0, 20 + strlen(data));
	wire_tcp(&b, from, to, TCP_ACK, span_of(data));
	buf_add_str(&b, "PADDING");
	wire_packet(w, link, &b);
	from->seq += (uint32_t)strlen(data);
}

static void
test_link_layers(void **state)
{
#define MACS "\1\2\3\4\5\6\7\10\11\12\13\14"
#define CASE(link, bytes)                                                      \
	{                                                                      \
		link, bytes, sizeof(bytes) - 1                                 \
	}
	static const struct {
		uint32_t link;
		const char *header;
		size_t n;
	} cases[] = {CASE(1, MACS "\x08\0"), CASE(1, MACS "\x81\0\0\7\x08\0"),
	    CASE(1, MACS "\x88\xa8\0\1\x81\0\0\7\x08\0"),
	    CASE(1, MACS "\x88\x47\0\1\0\x40\0\2\1\x40"),
	    CASE(1, MACS "\x88\x64\x11\0\0\1\0\x60\0\x21"),
	    CASE(1, MACS "\0\x60\xaa\xaa\3\0\0\0\x08\0"), CASE(0, "\2\0\0\0"),
	    CASE(108, "\0\0\0\2"), CASE(101, ""), CASE(228, ""),
	    CASE(9, "\xff\3\0\x21"), CASE(104, "\x0f\0\x08\0"),
	    CASE(113,
		"\0\0\0\1\0\6"
		"\1\2\3\4\5\6"
		"\0\0\x08\0"),
	    CASE(276,
		"\x08\0\0\0\0\0\0\1\0\1\0\6"
		"\1\2\3\4\5\6"
		"\0\0"),
	    CASE(239, "\2\0\0\0\x08\0\1\0\0\0\0\0\x50\0\x09\0")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ENDS;

		wire_open(&w);
		send_under(&w, cases[i].link, cases[i].header, cases[i].n, &c,
		    &s, get);
		send_under(&w, cases[i].link, cases[i].header, cases[i].n, &s,
		    &c, ok5);
		wire_expect(&w, "GET /a 200 [hello] whole\n");
	}
}

static void
send_udp(struct wire_world *w, const struct wire_end *from,
    const struct wire_end *to, const struct buf *data)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	wire_ip4(&b, from, to, 17, 1, 0, 8 + data->len);
	wire_u16(&b, from->port);
	wire_u16(&b, to->port);
	wire_u16(&b, 8 + (unsigned)data->len);
	wire_u16(&b, 0);
	buf_add_span(&b, buf_span(data));
	wire_packet(w, 101, &b);
}

static void
test_dns(void **state)
{
	ENDS;
	struct buf q = BUF_INIT(4096);

	(void)state;
	s.port = 53;
	wire_open(&w);
	assert_true(dns_query(&q, 7, "a.example", DNS_A));
	send_udp(&w, &c, &s, &q);
	q.data[2] = (char)0x81;
	q.data[3] = (char)0x80;
	q.data[7] = 1;
	buf_add(&q, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7", 16);
	send_udp(&w, &s, &c, &q);
	buf_clear(&q);
	assert_true(dns_query(&q, 8, "nx.example", DNS_A));
	send_udp(&w, &c, &s, &q);
	q.data[2] = (char)0x81;
	q.data[3] = 3;
	send_udp(&w, &s, &c, &q);
	buf_clear(&q);
	assert_true(dns_query(&q, 9, "silent.example", DNS_A));
	send_udp(&w, &c, &s, &q);
	buf_release(&q);
	wire_expect(&w,
	    "dns a.example NOERROR 192.0.2.7\n"
	    "dns nx.example NXDOMAIN -\ndns silent.example unanswered -\n");
}

static void
test_dns_loop(void **state)
{
	static const char loop[] = "\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1";
	static const char past[] = "\0\1\1\0\0\1\0\0\0\0\0\0\xc3\xff\0\1\0\1";
	struct dns_message m;

	(void)state;
	assert_false(dns_parse(&m, SPAN(loop)));
	assert_false(dns_parse(&m, SPAN(past)));
	assert_null(m.name);
}

static void
test_tls(void **state)
{
	ENDS;
	struct buf h = BUF_INIT(4096), b = BUF_INIT(4096);
	const char *name = "www.example";
	size_t n = strlen(name);

	(void)state;
	s.port = 443;
	buf_add(&h, "\3\3", 2);
	for (int i = 0; i < 32; i++)
		buf_put_u8(&h, 0xaa);
	buf_add(&h, "\0\0\2\x13\1\1\0", 7);
	wire_u16(&h, (unsigned)n + 9);
	wire_u16(&h, 0);
	wire_u16(&h, (unsigned)n + 5);
	wire_u16(&h, (unsigned)n + 3);
	buf_put_u8(&h, 0);
	wire_u16(&h, (unsigned)n);
	buf_add_str(&h, name);
	wire_open(&w);
	wire_ip4(&b, &c, &s, 6, 1, 0, 20 + 9 + h.len);
	wire_tcp(&b, &c, &s, TCP_ACK, SPAN_NULL);
	buf_add(&b, "\x16\3\1", 3);
	wire_u16(&b, (unsigned)h.len + 4);
	wire_u32(&b, 0x01000000u | (uint32_t)h.len);
	buf_add_span(&b, buf_span(&h));
	wire_packet(&w, 101, &b);
	c.seq += (uint32_t)h.len + 9;
	wire_ip4(&b, &s, &c, 6, 1, 0, 20 + 7);
	wire_tcp(&b, &s, &c, TCP_ACK, (struct span){"\x15\3\3\0\2\2\x28", 7});
	wire_packet(&w, 101, &b);
	buf_release(&h);
	wire_expect(&w, "tls www.example alert 40\n");
}

/* ---- HTTP that changes its mind ---- */

static void
test_interim(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s,
	    "POST /p HTTP/1.1\r\nExpect: 100-continue\r\n"
	    "Content-Length: 4\r\n\r\n");
	wire_say(&w, &s, &c, "HTTP/1.1 100 Continue\r\n\r\n");
	wire_say(&w, &c, &s, "data");
	wire_say(&w, &s, &c,
	    "HTTP/1.1 102 Processing\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
	wire_say(&w, &s, &c, ok5);
	/* What has a body is final, whatever its number. */
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c,
	    "HTTP/1.1 199 Odd\r\nContent-Length: 3\r\n\r\nodd");
	/* And one that nobody asked for. */
	wire_say(&w, &s, &c, "HTTP/1.1 103 Early Hints\r\n\r\n");
	wire_expect(&w,
	    "POST /p 100 [] whole: interim response\n"
	    "POST /p 102 [] whole: interim response\n"
	    "POST /p 103 [] whole: interim response\n"
	    "POST /p 200 [hello] whole\n"
	    "GET /a 199 [odd] whole\n"
	    "  103 [] whole: request not captured; interim response\n");
}

/* Only what was granted leaves HTTP. */
static void
test_refused_upgrade_and_connect(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s,
	    "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\n\r\n");
	wire_say(&w, &s, &c, ok5);
	wire_say(&w, &c, &s, "CONNECT h.test:443 HTTP/1.1\r\n\r\n");
	wire_say(&w, &s, &c, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno");
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_expect(&w,
	    "GET /ws 200 [hello] whole\n"
	    "CONNECT h.test:443 407 [no] whole\n"
	    "GET /a 200 [hello] whole\n");
}

/* ---- the readable part of TLS ---- */

/* A ClientHello for that name, in one record; `extra` goes before the server
 * name's extension. */
static void
client_hello(struct buf *out, struct span name, struct span extra)
{
	struct buf h = BUF_INIT(4096);

	buf_add(&h, "\3\3", 2);
	for (int i = 0; i < 32; i++)
		buf_put_u8(&h, 0xaa);
	buf_add(&h, "\4SESS\0\2\x13\1\1\0", 11);
	wire_u16(&h, (unsigned)(extra.n + name.n) + 9);
	buf_add_span(&h, extra);
	wire_u16(&h, 0);
	wire_u16(&h, (unsigned)name.n + 5);
	wire_u16(&h, (unsigned)name.n + 3);
	buf_put_u8(&h, 0);
	wire_u16(&h, (unsigned)name.n);
	buf_add_span(&h, name);
	buf_add(out, "\x16\3\1", 3);
	wire_u16(out, (unsigned)h.len + 4);
	wire_u32(out, 0x01000000u | (uint32_t)h.len);
	buf_add_span(out, buf_span(&h));
	buf_release(&h);
}

static void
say_bytes(struct wire_world *w, struct wire_end *from,
    const struct wire_end *to, struct span s)
{
	wire_bytes(w, from, to, TCP_ACK, s);
	from->seq += (uint32_t)s.n;
}

static void
test_server_names(void **state)
{
	static const struct {
		struct span name, extra;
		const char *seen;
	} cases[] = {{{"a.example", 9}, {"", 0}, "tls a.example alert -1\n"},
	    {{"a.example", 9}, {"\0\x2b\0\3\2\3\4", 7},
		"tls a.example alert -1\n"},
	    {{"", 0}, {"", 0}, "tls - alert -1\n"},
	    {{"a\nb", 3}, {"", 0}, "tls - alert -1\n"},
	    {{"a\0b", 3}, {"", 0}, "tls - alert -1\n"},
	    {{"a b", 3}, {"", 0}, "tls - alert -1\n"},
	    /* An extension that says it is longer than all of them. */
	    {{"a.example", 9}, {"\0\x2b\xff\xff", 4}, "tls - alert -1\n"}};
	struct buf hello = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t piece = 1; piece < 600; piece += 97) {
			struct span rest;
			ENDS;

			s.port = 443;
			buf_clear(&hello);
			client_hello(&hello, cases[i].name, cases[i].extra);
			wire_open(&w);
			wire_handshake(&w, &c, &s);
			rest = buf_span(&hello);
			for (; rest.n > 0;
			     rest = span_slice(rest, piece, rest.n))
				say_bytes(&w, &c, &s,
				    span_slice(rest, 0, piece));
			wire_expect(&w, cases[i].seen);
		}
	buf_release(&hello);
}

/* In a tunnel that a proxy made. */
static void
test_tls_in_tunnel(void **state)
{
	ENDS;
	struct buf hello = BUF_INIT(4096);

	(void)state;
	client_hello(&hello, SPAN("b.example"), SPAN_NULL);
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, "CONNECT b.example:443 HTTP/1.1\r\n\r\n");
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\n\r\n");
	say_bytes(&w, &c, &s, buf_span(&hello));
	say_bytes(&w, &s, &c, (struct span){"\x15\3\3\0\2\2\x70", 7});
	buf_release(&hello);
	wire_expect(&w,
	    "CONNECT b.example:443 200 [] whole: tunnel, rest left alone\n"
	    "tls b.example alert 112\n");
}

static void
test_alerts(void **state)
{
	static const struct {
		unsigned by; /* 0: client, 1: server */
		const char *bytes;
		size_t n;
		int code;
	} cases[] = {{1, "\x15\3\1\0\2\2\x28", 7, 40},
	    {1, "\x15\3\3\0\2\2\x46", 7, 70}, {0, "\x15\3\3\0\2\2\x30", 7, 48},
	    /* Encrypted: behind ChangeCipherSpec, or too long. */
	    {1, "\x14\3\3\0\1\1\x15\3\3\0\2\2\x28", 13, -1},
	    {1, "\x15\3\3\0\3\2\x28\0", 8, -1},
	    /* Application data is none. */
	    {1, "\x17\3\3\0\2\2\x28", 7, -1},
	    /* Half of one. */
	    {1, "\x15\3\3\0\2\2", 6, -1}};
	struct buf hello = BUF_INIT(4096), expect = BUF_INIT(256);

	(void)state;
	client_hello(&hello, SPAN("a.example"), SPAN_NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span alert = {cases[i].bytes, cases[i].n};
		ENDS;

		s.port = 443;
		wire_open(&w);
		wire_handshake(&w, &c, &s);
		say_bytes(&w, &c, &s, buf_span(&hello));
		if (cases[i].by == 0)
			say_bytes(&w, &c, &s, alert);
		else
			say_bytes(&w, &s, &c, alert);
		buf_clear(&expect);
		buf_addf(&expect, "tls a.example alert %d%s\n", cases[i].code,
		    cases[i].n == 13 || cases[i].bytes[0] == 0x17 ? " no keys"
								  : "");
		wire_expect(&w, buf_str(&expect));
	}
	buf_release(&hello);
	buf_release(&expect);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_simple),
	    cmocka_unit_test(test_reorder_wrap_retransmit),
	    cmocka_unit_test(test_overlap_in_hole),
	    cmocka_unit_test(test_no_handshake),
	    cmocka_unit_test(test_pipelined_and_bodiless),
	    cmocka_unit_test(test_port_reuse),
	    cmocka_unit_test(test_upgrade_and_tunnel),
	    cmocka_unit_test(test_fragments),
	    cmocka_unit_test(test_link_layers),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_dns_loop),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_interim),
	    cmocka_unit_test(test_refused_upgrade_and_connect),
	    cmocka_unit_test(test_server_names),
	    cmocka_unit_test(test_tls_in_tunnel),
	    cmocka_unit_test(test_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

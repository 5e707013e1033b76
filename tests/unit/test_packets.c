/* Packets that are held, and what a look gets of them. */
#include "wire.h"

#include "dns.h"
#include "packet_hold.h"

#define RAW   101
#define START INT64_C(1700000000000) /* ms */

struct scene {
	struct packet_hold *hold;
	int64_t now; /* ns; every packet adds a millisecond */
	struct packet_claim claim;
	struct packet_answer answer;
};

static void
scene_open(struct scene *s, size_t max)
{
	memset(s, 0, sizeof *s);
	s->hold = packet_hold_new(RAW, max);
	s->now = START * 1000000;
	s->claim.time = START;
	packet_answer_init(&s->answer);
}

static void
scene_close(struct scene *s)
{
	packet_hold_free(s->hold);
	packet_claim_release(&s->claim);
	packet_answer_release(&s->answer);
}

static void
add(struct scene *s, struct buf *b)
{
	packet_hold_add(s->hold, s->now, buf_span(b), (uint32_t)b->len);
	s->now += 1000000;
	buf_release(b);
}

static void
segment(struct scene *s, const struct wire_end *from, const struct wire_end *to,
    unsigned flags, const char *data)
{
	struct buf b = BUF_INIT(WIRE_MAX);

	wire_ip4(&b, from, to, 6, 1, 0, 20 + strlen(data));
	wire_tcp(&b, from, to, flags, span_of(data));
	add(s, &b);
}

/* A question for the name, or its answer of that code. */
static void
question(struct scene *s, const struct wire_end *from,
    const struct wire_end *to, uint16_t id, const char *name, int rcode)
{
	struct buf b = BUF_INIT(WIRE_MAX), d = BUF_INIT(WIRE_MAX);

	assert_true(dns_query(&d, id, name, DNS_A));
	if (rcode >= 0) {
		d.data[2] = (char)0x81;
		d.data[3] = (char)(0x80 | rcode);
	}
	wire_ip4(&b, from, to, 17, 1, 0, 8 + d.len);
	wire_u16(&b, from->port);
	wire_u16(&b, to->port);
	wire_u16(&b, (unsigned)d.len + 8);
	wire_u16(&b, 0);
	buf_add_span(&b, buf_span(&d));
	buf_release(&d);
	add(s, &b);
}

static void
flow(struct scene *s, const struct wire_end *server, uint16_t port, uint8_t hop,
    bool last)
{
	struct claim_flow *f = &s->claim.flows[s->claim.nflows++];

	f->server = (struct endpoint){.family = 4,
	    .port = server->port,
	    .addr = {10, 0, 0, server->host}};
	f->local_port = port;
	f->hop = hop;
	f->last = last;
}

/* Packets in the answer's capture, which must be readable. */
static unsigned
captured(const struct scene *s)
{
	struct span bytes = buf_span(&s->answer.pcap);
	struct capture *c = capture_new(capture_read_span, &bytes);
	struct capture_packet p;
	unsigned n = 0;

	if (bytes.n == 0) {
		capture_free(c);
		return 0;
	}
	while (capture_next(c, &p) == CAPTURE_PACKET)
		n++;
	assert_null(capture_note(c));
	capture_free(c);
	return n;
}

#define ENDS                                                                   \
	struct scene s;                                                        \
	struct wire_end c = {1, 40000, 1000, 64}, w = {2, 80, 5000, 50}

static void
test_exchange(void **state)
{
	struct wire_end other = {1, 40001, 77, 64};
	ENDS;

	(void)state;
	scene_open(&s, 1 << 20);
	segment(&s, &c, &w, TCP_SYN, "");
	segment(&s, &other, &w, TCP_SYN, "");
	s.now += 20000000;
	segment(&s, &w, &c, TCP_SYN | TCP_ACK, "");
	c.seq++, w.seq++;
	segment(&s, &c, &w, TCP_ACK | TCP_PSH, "GET / HTTP/1.1\r\n\r\n");
	segment(&s, &c, &w, TCP_ACK | TCP_PSH, "GET / HTTP/1.1\r\n\r\n");
	c.seq += 18;
	segment(&s, &w, &c, TCP_ACK | TCP_PSH, "HTTP/1.1 200 OK\r\n\r\n");
	flow(&s, &w, 40000, 0, true);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 5);
	assert_int_equal(s.answer.hops[0].count, 5);
	assert_int_equal(s.answer.hops[0].synack_us, 22000);
	assert_int_equal(s.answer.hops[0].ttl, 50);
	assert_int_equal(s.answer.hops[0].resent_up, 1);
	assert_int_equal(s.answer.hops[0].resent_down, 0);
	assert_false(s.answer.hops[0].reset_by_server);
	assert_false(s.answer.hops[0].incomplete);
	assert_false(s.answer.injected[0]);
	/* The other look's is still there, and this one's is not. */
	packet_answer_release(&s.answer);
	packet_answer_init(&s.answer);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 0);
	s.claim.flows[0].local_port = 40001;
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 1);
	assert_int_equal(s.answer.hops[0].synack_us, MARK_NONE);
	assert_int_equal(packet_hold_bytes(s.hold), 0);
	scene_close(&s);
}

/* A reset with another time to live than the server's packets. */
static void
reset_of(uint8_t ttl, bool injected)
{
	ENDS;
	struct wire_end forger = w;

	scene_open(&s, 1 << 20);
	segment(&s, &c, &w, TCP_SYN, "");
	segment(&s, &w, &c, TCP_SYN | TCP_ACK, "");
	c.seq++, w.seq++;
	segment(&s, &c, &w, TCP_ACK | TCP_PSH, "GET / HTTP/1.1\r\n\r\n");
	forger.seq = w.seq;
	forger.ttl = ttl;
	c.seq += 18;
	segment(&s, &forger, &c, TCP_RST | TCP_ACK, "");
	flow(&s, &w, 40000, 0, true);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_true(s.answer.hops[0].reset_by_server);
	assert_int_equal(s.answer.hops[0].reset_ttl, ttl);
	assert_int_equal(s.answer.injected[0], injected);
	scene_close(&s);
}

static void
test_reset(void **state)
{
	(void)state;
	reset_of(50, false);
	reset_of(51, false);
	reset_of(52, true);
	reset_of(200, true);
	reset_of(30, true);
}

/* The first address is silent, the second refuses: two flows of one hop. */
static void
test_attempts(void **state)
{
	struct wire_end second = {3, 80, 9000, 60};
	ENDS;

	(void)state;
	scene_open(&s, 1 << 20);
	segment(&s, &c, &w, TCP_SYN, "");
	segment(&s, &c, &w, TCP_SYN, "");
	c.port++;
	segment(&s, &c, &second, TCP_SYN, "");
	c.seq++;
	segment(&s, &second, &c, TCP_RST | TCP_ACK, "");
	flow(&s, &w, 40000, 2, false);
	flow(&s, &second, 40001, 2, true);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 4);
	assert_int_equal(s.answer.hops[2].count, 4);
	assert_int_equal(s.answer.hops[2].reset_ttl, 60);
	assert_int_equal(s.answer.hops[2].resent_up, 0);
	assert_int_equal(s.answer.hops[2].ttl, 0);
	assert_int_equal(s.answer.hops[0].count, 0);
	scene_close(&s);
}

/* Two looks ask for one name at once: to each its own. */
static void
test_lookups(void **state)
{
	struct wire_end resolver = {9, 53, 0, 64};
	ENDS;

	(void)state;
	scene_open(&s, 1 << 20);
	question(&s, &c, &resolver, 11, "a.test", -1);
	question(&s, &c, &resolver, 22, "a.test", -1);
	question(&s, &c, &resolver, 33, "b.test", -1);
	question(&s, &resolver, &c, 22, "a.test", DNS_NXDOMAIN);
	question(&s, &resolver, &c, 11, "a.test", DNS_SERVFAIL);
	question(&s, &c, &resolver, 44, "a.test", -1);
	question(&s, &resolver, &c, 44, "a.test", DNS_NOERROR);
	s.claim.hosts[s.claim.nhosts++] = xstrdup("A.test");
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 4); /* 11 failed, so 44 too */
	packet_answer_release(&s.answer);
	packet_answer_init(&s.answer);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 2);
	packet_answer_release(&s.answer);
	packet_answer_init(&s.answer);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(captured(&s), 0);
	(void)w;
	scene_close(&s);
}

/* The oldest go first; a look that began before that is not whole. */
static void
test_bound(void **state)
{
	ENDS;

	(void)state;
	scene_open(&s, 4096);
	for (int i = 0; i < 100; i++)
		segment(&s, &c, &w, TCP_SYN, "");
	assert_true(packet_hold_bytes(s.hold) <= 4096);
	assert_true(packet_hold_evicted(s.hold) > 50);
	flow(&s, &w, 40000, 0, true);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_true(s.answer.hops[0].incomplete);
	assert_int_equal(s.answer.hops[0].count,
	    100 - packet_hold_evicted(s.hold));
	/* A later one is. */
	s.claim.time = s.now / 1000000 + 100;
	s.now += 200000000;
	segment(&s, &c, &w, TCP_SYN, "");
	packet_answer_release(&s.answer);
	packet_answer_init(&s.answer);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_int_equal(s.answer.hops[0].count, 1);
	assert_false(s.answer.hops[0].incomplete);
	/* One lost on its way to us marks it too. */
	segment(&s, &c, &w, TCP_SYN, "");
	packet_hold_lost(s.hold, s.now);
	packet_hold_take(s.hold, &s.claim, &s.answer);
	assert_true(s.answer.hops[0].incomplete);
	segment(&s, &c, &w, TCP_SYN, "");
	packet_hold_expire(s.hold, s.now + 1);
	assert_int_equal(packet_hold_bytes(s.hold), 0);
	scene_close(&s);
}

/* Both messages come back as they went, and no byte may lack. */
static void
test_wire(void **state)
{
	struct packet_claim back;
	struct packet_answer answer;
	struct buf b = BUF_INIT(WIRE_MAX);
	ENDS;

	(void)state;
	scene_open(&s, 1 << 20);
	s.claim.linger_ms = 50;
	flow(&s, &w, 40000, 3, true);
	flow(&s, &c, 0, 4, false);
	s.claim.hosts[s.claim.nhosts++] = xstrdup("a.test");
	packet_claim_encode(&s.claim, &b);
	assert_true(packet_claim_decode(&back, buf_span(&b)));
	assert_int_equal(back.nflows, 2);
	assert_int_equal(back.linger_ms, 50);
	assert_memory_equal(&back.flows[0].server, &s.claim.flows[0].server,
	    sizeof(struct endpoint));
	assert_int_equal(back.flows[0].hop, 3);
	assert_string_equal(back.hosts[0], "a.test");
	packet_claim_release(&back);
	for (size_t n = 0; n < b.len; n++)
		assert_false(
		    packet_claim_decode(&back, span_slice(buf_span(&b), 0, n)));
	buf_clear(&b);
	s.answer.hops[1] =
	    (struct packet_facts){7, 1500, 50, 200, true, false, 1, 2, true};
	s.answer.injected[1] = true;
	buf_add_str(&s.answer.pcap, "bytes");
	packet_answer_encode(&s.answer, &b);
	assert_true(packet_answer_decode(&answer, buf_span(&b)));
	assert_int_equal(answer.hops[1].count, 7);
	assert_int_equal(answer.hops[1].synack_us, 1500);
	assert_int_equal(answer.hops[1].reset_ttl, 200);
	assert_true(answer.hops[1].reset_by_server);
	assert_true(answer.hops[1].incomplete);
	assert_int_equal(answer.hops[1].resent_down, 2);
	assert_true(answer.injected[1]);
	assert_string_equal(buf_str(&answer.pcap), "bytes");
	packet_answer_release(&answer);
	for (size_t n = 0; n < b.len; n++)
		assert_false(packet_answer_decode(&answer,
		    span_slice(buf_span(&b), 0, n)));
	buf_release(&b);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exchange),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_attempts),
	    cmocka_unit_test(test_lookups),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

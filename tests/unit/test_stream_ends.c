/* Connections that do not end well, and captures that lack a part of them. */
#include "wire_ends.h"

/* Told after as long as a look would wait; a late answer still counts. */
static void
test_patience(void **state)
{
	ENDS;
	struct wire_end other = {.host = 3, .port = 40000, .ttl = 64};

	(void)state;
	wire_open(&w);
	exchanges_patience(w.engine, 1000000000);
	wire_send(&w, &c, &s, TCP_SYN, "");
	w.now += 500000000;
	wire_send(&w, &c, &s, TCP_SYN, "");
	wire_send(&w, &other, &s, TCP_SYN, "");
	assert_string_equal(buf_str(&w.seen), "");
	w.now += 600000000;
	wire_send(&w, &c, &s, TCP_SYN, "");
	assert_string_equal(buf_str(&w.seen), "connection unanswered syns 2\n");
	c.seq++;
	wire_send(&w, &s, &c, TCP_SYN | TCP_ACK, "");
	s.seq++;
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "connection unanswered syns 2\n"
	    "GET /a 200 [hello] whole\n"
	    "connection unanswered syns 1\n");
}

static void
test_gap(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
	s.seq += 4; /* never captured */
	wire_say(&w, &s, &c, "ghij");
	/* The next exchange is found again. */
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "GET /a 200 [ab] cut: 4 bytes missing\n"
	    "GET /a 200 [hello] whole\n");
}

static void
test_gap_over_responses(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_say(&w, &c, &s, "GET /lost HTTP/1.1\r\n\r\n");
	s.seq += 500; /* its response is not there */
	wire_say(&w, &c, &s, "GET /b HTTP/1.1\r\n\r\n");
	wire_say(&w, &s, &c, ok5);
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "GET /a 200 [hello] whole\n"
	    "GET /lost 0 [] cut: 500 bytes missing; no response\n"
	    "GET /b 200 [hello] whole\n");
}

/* Two answers in one hole: of neither is it said that none came. */
static void
test_gap_at_the_end(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &c, &s, "GET /b HTTP/1.1\r\n\r\n");
	s.seq += 500;
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "GET /a 0 [] cut: 500 bytes missing; no response; connection "
	    "closed before the end\n"
	    "GET /b 0 [] cut: bytes missing; no response; connection closed "
	    "before the end\n");
}

static void
test_connection_failures(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_send(&w, &c, &s, TCP_SYN, "");
	wire_send(&w, &c, &s, TCP_SYN, "");
	c.port++;
	wire_send(&w, &c, &s, TCP_SYN, "");
	c.seq++;
	s.seq = 0;
	wire_send(&w, &s, &c, TCP_RST | TCP_ACK, "");
	wire_expect(&w,
	    "connection unanswered syns 2\n"
	    "connection refused syns 1\n");
}

static void
test_reset(void **state)
{
	ENDS;
	struct wire_end forged;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	/* Far outside the window: nobody would obey. */
	forged = s;
	forged.seq += 100 * 1024 * 1024;
	wire_send(&w, &forged, &c, TCP_RST, "");
	forged = s;
	forged.ttl = 112;
	wire_send(&w, &forged, &c, TCP_RST, "");
	wire_expect(&w,
	    "GET /a 0 [] cut: no response; connection reset; "
	    "the reset looks injected\n"
	    "connection reset injected syns 1\n");

	wire_open(&w);
	c.port++;
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_send(&w, &s, &c, TCP_RST, "");
	wire_expect(&w,
	    "GET /a 0 [] cut: no response; connection reset\n"
	    "connection reset syns 1\n");
}

static void
test_capture_ends(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
	wire_expect(&w, "GET /a 200 [ab] cut: capture ends first\n");

	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
	wire_fin(&w, &s, &c);
	wire_expect(&w,
	    "GET /a 200 [ab] cut: connection closed before the "
	    "end\n");
}

/* What the client has acknowledged was sent, even if none of it is there. */
static void
test_answer_not_captured(void **state)
{
	ENDS;
	struct wire_end hidden;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	s.seq += 300;
	wire_send(&w, &c, &s, TCP_ACK, "");
	wire_expect(&w,
	    "GET /a 0 [] cut: 300 bytes missing; no response; capture ends "
	    "first\n");

	/* One direction only; and its first packet is the request. */
	wire_open(&w);
	wire_send(&w, &c, &s, TCP_SYN, "");
	c.seq++;
	wire_say(&w, &c, &s, get);
	wire_expect(&w,
	    "GET /a 0 [] cut: bytes missing; no response; capture ends "
	    "first\n");
	wire_open(&w);
	wire_say(&w, &c, &s, get);
	wire_expect(&w, "GET /a 0 [] cut: no response; capture ends first\n");
	wire_open(&w);
	wire_say(&w, &c, &s, get);
	hidden = s;
	hidden.seq += 300;
	wire_send(&w, &c, &hidden, TCP_ACK, "");
	wire_expect(&w,
	    "GET /a 0 [] cut: 300 bytes missing; no response; capture ends "
	    "first\n");

	/* The rest of the head is not there; its start is. */
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, "HTTP/1.1 404 Not Found\r\nServer: a");
	s.seq += 300;
	wire_say(&w, &s, &c, "</html>");
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_fin(&w, &s, &c);
	wire_fin(&w, &c, &s);
	wire_expect(&w,
	    "GET /a 404 [] cut: 300 bytes missing\n"
	    "GET /a 200 [hello] whole\n");
}

static void
test_given_up(void **state)
{
	static const char part[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, part);
	wire_fin(&w, &c, &s);
	wire_fin(&w, &s, &c);
	wire_expect(&w,
	    "GET /a 200 [ab] cut: connection closed before the end; given up "
	    "by the client\n");

	/* It asks no more, but listens. */
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_fin(&w, &c, &s);
	wire_fin(&w, &s, &c);
	wire_expect(&w,
	    "GET /a 0 [] cut: no response; connection closed before the "
	    "end\n");
}

/* ---- who sent the reset ---- */

static const char reset_seen[] =
    "GET /a 0 [] cut: no response; connection reset\n"
    "connection reset syns 1\n";
static const char injected_seen[] =
    "GET /a 0 [] cut: no response; connection reset; "
    "the reset looks injected\n"
    "connection reset injected syns 1\n";

static void
test_reset_ttl(void **state)
{
	/* The server's packets have 50 and 51. */
	static const struct {
		uint8_t ttl;
		const char *seen;
	} cases[] = {{50, reset_seen}, {51, reset_seen}, {49, reset_seen},
	    {52, reset_seen}, {48, injected_seen}, {53, injected_seen},
	    {255, injected_seen}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ENDS;

		wire_open(&w);
		wire_handshake(&w, &c, &s);
		wire_say(&w, &c, &s, get);
		s.ttl = 51;
		wire_send(&w, &s, &c, TCP_ACK, "");
		s.ttl = cases[i].ttl;
		wire_send(&w, &s, &c, TCP_RST, "");
		wire_expect(&w, cases[i].seen);
	}
}

/* The server knows nothing of a reset in its name, and goes on. */
static void
test_reset_before_answer(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_send(&w, &s, &c, TCP_RST, "");
	wire_say(&w, &s, &c, ok5);
	wire_expect(&w,
	    "GET /a 200 [hello] whole\n"
	    "connection reset injected syns 1\n");
}

/* The client's own reset, after it has what it wanted. */
static void
test_reset_by_client(void **state)
{
	ENDS;

	(void)state;
	wire_open(&w);
	wire_handshake(&w, &c, &s);
	wire_say(&w, &c, &s, get);
	wire_say(&w, &s, &c, ok5);
	wire_send(&w, &c, &s, TCP_RST, "");
	wire_expect(&w,
	    "GET /a 200 [hello] whole\n"
	    "connection reset syns 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_patience),
	    cmocka_unit_test(test_gap),
	    cmocka_unit_test(test_gap_over_responses),
	    cmocka_unit_test(test_gap_at_the_end),
	    cmocka_unit_test(test_connection_failures),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_capture_ends),
	    cmocka_unit_test(test_answer_not_captured),
	    cmocka_unit_test(test_given_up),
	    cmocka_unit_test(test_reset_ttl),
	    cmocka_unit_test(test_reset_before_answer),
	    cmocka_unit_test(test_reset_by_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sniffer's side of a look: a claim and an answer as they come between
 * processes, and packets that a claim is held against.  What is taken out is a
 * whole capture file of packets that went in, and an answer reads the same. */
#include <stdlib.h>

#include "capture.h"
#include "packet_hold.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { HOLD_MAX = 16 * 1024 };

static void
same_claim(const struct packet_claim *claim)
{
	struct buf a = BUF_INIT(MIB), b = BUF_INIT(MIB);
	struct packet_claim again;

	packet_claim_encode(claim, &a);
	if (!packet_claim_decode(&again, buf_span(&a)))
		abort();
	packet_claim_encode(&again, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	packet_claim_release(&again);
	buf_release(&a);
	buf_release(&b);
}

static void
same_answer(const struct packet_answer *answer)
{
	struct buf a = BUF_INIT(32 * MIB), b = BUF_INIT(32 * MIB);
	struct packet_answer again;

	packet_answer_encode(answer, &a);
	if (!packet_answer_decode(&again, buf_span(&a)))
		abort();
	packet_answer_encode(&again, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	packet_answer_release(&again);
	buf_release(&a);
	buf_release(&b);
}

/* Packets in a capture file, which must be whole. */
static unsigned
count(struct span bytes)
{
	struct capture *c;
	struct capture_packet p;
	enum capture_result r;
	unsigned n = 0;

	if (bytes.n == 0)
		return 0;
	c = capture_new(capture_read_span, &bytes);
	while ((r = capture_next(c, &p)) == CAPTURE_PACKET)
		n++;
	if (r != CAPTURE_END)
		abort();
	capture_free(c);
	return n;
}

/* Input behind the claim: link type, then time since the last packet (in 10
 * ms), length, packet. */
static void
hold(const struct packet_claim *claim, struct cursor *c)
{
	static const uint32_t links[] = {101, 1, 113, 276};
	struct packet_hold *h =
	    packet_hold_new(links[cursor_u8(c) % ARRAY_LEN(links)], HOLD_MAX);
	struct packet_answer answer;
	unsigned added = 0, taken, facts = 0;
	int64_t now = 0;

	while (cursor_left(c) > 2) {
		size_t n;
		struct span s;

		now += cursor_u8(c) * INT64_C(10000000);
		n = cursor_u8(c);
		if (n > cursor_left(c))
			n = cursor_left(c);
		s = cursor_take(c, n);
		packet_hold_add(h, now, s, (uint32_t)n);
		added++;
		if (packet_hold_bytes(h) > HOLD_MAX)
			abort();
	}
	packet_answer_init(&answer);
	packet_hold_take(h, claim, &answer);
	taken = count(buf_span(&answer.pcap));
	for (size_t i = 0; i < HOPS_MAX; i++)
		facts += answer.hops[i].count;
	if (taken > added || facts > taken)
		abort();
	same_answer(&answer);
	packet_answer_release(&answer);
	/* Nothing is there twice. */
	packet_answer_init(&answer);
	packet_hold_take(h, claim, &answer);
	if (taken + count(buf_span(&answer.pcap)) > added)
		abort();
	packet_answer_release(&answer);
	packet_hold_expire(h, INT64_MAX);
	if (packet_hold_bytes(h) != 0)
		abort();
	packet_hold_free(h);
}

/* Input: the claim with its length before it, then packets; or, by its first
 * byte, an answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct packet_answer answer;
	struct packet_claim claim;
	struct cursor c;

	cursor_init(&c, data, n);
	if (cursor_u8(&c) & 1) {
		if (packet_answer_decode(&answer,
			cursor_take(&c, cursor_left(&c))))
			same_answer(&answer);
		packet_answer_release(&answer);
		return 0;
	}
	if (packet_claim_decode(&claim, cursor_take(&c, cursor_u16le(&c)))) {
		same_claim(&claim);
		hold(&claim, &c);
	}
	packet_claim_release(&claim);
	return 0;
}

/* Frames between processes: what comes in pieces of any size gives the
 * messages that it gives in one, and none over its type's limit. */
#include <stdlib.h>

#include "digest.h"
#include "limit.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	unsigned messages;
	bool bad;
	uint64_t sum;
};

/* Bytes arrive up to `step` at a time, as from a socket. */
static struct seen
assemble(enum role self, enum role peer, struct span all, size_t step)
{
	struct seen seen = {0};
	struct assembler a;
	struct message m;
	struct span in = {all.p, 0};
	size_t given = 0;
	bool fd;

	assembler_init(&a, self, peer);
	while (!seen.bad && given < all.n) {
		size_t more = all.n - given < step ? all.n - given : step;
		size_t left = SIZE_MAX;

		in.n += more;
		given += more;
		while (!seen.bad && in.n > 0 && in.n != left) {
			enum assembled got;

			left = in.n;
			got = assembler_step(&a, &in, &m, &fd);
			seen.bad = got == ASSEMBLED_BAD;
			if (got != ASSEMBLED_MESSAGE)
				continue;
			if (m.data.n > message_rule(m.type)->max)
				abort();
			seen.messages++;
			seen.sum =
			    seen.sum * 31 + bytes_hash(m.data) + m.id + m.type;
		}
	}
	assembler_release(&a);
	return seen;
}

/* What is framed comes back as one message of that type. */
static void
round_trip(enum role self, enum role peer, unsigned type, struct span data)
{
	struct buf frames = BUF_INIT(4 * MIB);
	struct assembler a;
	struct message m;
	struct span in;
	bool fd;

	if (!message_allowed((enum message_type)type, peer, self) ||
	    data.n > message_rule((enum message_type)type)->max)
		return;
	message_frame(&frames, (enum message_type)type, 7, data,
	    message_rule((enum message_type)type)->fd);
	in = buf_span(&frames);
	assembler_init(&a, self, peer);
	for (enum assembled got = ASSEMBLED_NONE; got != ASSEMBLED_MESSAGE;) {
		got = assembler_step(&a, &in, &m, &fd);
		if (got == ASSEMBLED_BAD)
			abort();
	}
	if (in.n > 0 || m.type != type || m.id != 7 || !span_eq(m.data, data))
		abort();
	assembler_release(&a);
	buf_release(&frames);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span all = {(const char *)data, n};
	struct seen one, many;
	enum role self, peer;

	if (n < 3)
		return 0;
	self = (enum role)(data[0] % ROLE_COUNT);
	peer = (enum role)(data[1] % ROLE_COUNT);
	all = span_slice(all, 2, n);
	round_trip(self, peer, data[2] % MSG_TYPE_COUNT, all);
	one = assemble(self, peer, all, all.n);
	many = assemble(self, peer, all, 7);
	if (one.messages != many.messages || one.bad != many.bad ||
	    one.sum != many.sum)
		abort();
	return 0;
}

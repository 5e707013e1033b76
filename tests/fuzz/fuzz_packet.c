/* One packet of any link type, and fragments. */
#include <stdlib.h>

#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Input: records of link type (2 bytes), length (1 byte), packet. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fragments *f = fragments_new();
	struct cursor c;
	struct packet p;

	cursor_init(&c, data, size);
	for (int64_t now = 0; cursor_left(&c) > 3; now += 1000000) {
		uint16_t link = cursor_u16be(&c);
		size_t n = cursor_u8(&c);
		struct span s;

		if (n > cursor_left(&c))
			n = cursor_left(&c);
		s = cursor_take(&c, n);
		if (packet_decode(&p, link, s, (uint32_t)n, now, f) ==
			PACKET_TCP &&
		    p.payload.n > p.payload_wire)
			abort();
	}
	fragments_free(f);
	return 0;
}

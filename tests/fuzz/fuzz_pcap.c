/* Capture files, with all that is made of their packets. */
#include "exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = {(const char *)data, size};
	struct exchange_sink sink = {.arg = NULL};
	struct exchanges *e = exchanges_new(&sink);
	struct capture *c = capture_new(capture_read_span, &s);
	struct capture_packet p;

	capture_is(s);
	while (capture_next(c, &p) == CAPTURE_PACKET)
		exchanges_packet(e, &p);
	exchanges_finish(e);
	exchanges_free(e);
	capture_free(c);
	return 0;
}

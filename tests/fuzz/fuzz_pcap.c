/* Capture files, with all that is made of their packets. */
#include <stdlib.h>

#include "exchange.h"
#include "tls_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
on_done(void *arg, struct exchange *x)
{
	struct buf notes = BUF_INIT(1024);

	exchange_notes(x, &notes);
	*(uint64_t *)arg += notes.len;
	buf_release(&notes);
}

static void
on_dns(void *arg, const struct dns_seen *d)
{
	*(uint64_t *)arg += d->message->id;
}

static void
on_connection(void *arg, const struct connection_seen *c)
{
	*(uint64_t *)arg += c->up_bytes + c->down_bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = {(const char *)data, size};
	uint64_t told = 0;
	struct exchange_sink sink = {.arg = &told,
	    .done = on_done,
	    .dns = on_dns,
	    .connection = on_connection};
	struct exchanges *e = exchanges_new(&sink);
	struct tls_keys *keys = tls_keys_new();
	struct capture *c = capture_new(capture_read_span, &s);
	struct capture_packet p;

	capture_is(s);
	capture_keys(c, keys);
	exchanges_keys(e, keys);
	while (capture_next(c, &p) == CAPTURE_PACKET)
		exchanges_packet(e, &p);
	exchanges_finish(e);
	if (capture_offset(c) > size && capture_note(c) == NULL)
		abort();
	exchanges_free(e);
	capture_free(c);
	tls_keys_free(keys);
	return 0;
}

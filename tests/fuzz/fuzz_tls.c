/* TLS connections with their key log: whatever the bytes, a text cut into
 * other pieces is the same text, and no longer than what was sent. */
#include <stdlib.h>

#include "limit.h"
#include "tls_keys.h"
#include "tls_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct heard {
	struct buf text[2];
	unsigned lost, closed;
};

static void
on_text(void *arg, const struct tcp_piece *p)
{
	struct heard *h = arg;

	buf_add_span(&h->text[p->side], p->data);
}

static void
on_close(void *arg, unsigned side, int64_t now)
{
	struct heard *h = arg;

	(void)now;
	h->closed += side + 1;
}

static void
on_lost(void *arg, unsigned side, int64_t now)
{
	struct heard *h = arg;

	(void)now;
	h->lost |= 1u << side;
}

/* Bytes of one side, `piece` at a time. */
static void
feed(struct tls_stream *s, unsigned side, struct span all, size_t piece)
{
	struct tcp_piece p = {.side = side};

	for (; all.n > 0; all = span_slice(all, piece, all.n)) {
		p.data = span_slice(all, 0, piece);
		if (!tls_stream_data(s, &p))
			return;
	}
}

/* Input: the key log with its length before it, then runs of bytes: side (and
 * a hole before it), length, bytes. */
static enum tls_outcome
run(const struct tls_keys *keys, struct cursor c, size_t piece,
    struct heard *out)
{
	struct tls_sink sink = {out, on_text, on_close, on_lost};
	struct tls_decrypter *all = tls_decrypter_new(keys);
	struct tls_stream *s = tls_stream_new(all, &sink);
	enum tls_outcome outcome;

	buf_init(&out->text[0], MIB);
	buf_init(&out->text[1], MIB);
	while (cursor_left(&c) > 3) {
		unsigned first = cursor_u8(&c), side = first & 1;
		size_t n = cursor_u16le(&c);
		struct span bytes;

		if (n > cursor_left(&c))
			n = cursor_left(&c);
		bytes = cursor_take(&c, n);
		if ((first & 0xf0) == 0xf0 && !tls_stream_gap(s, side, 0))
			break;
		feed(s, side, bytes, piece);
	}
	outcome = tls_stream_outcome(s);
	tls_stream_free(s);
	tls_decrypter_free(all);
	return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tls_keys *keys = tls_keys_new();
	struct heard a = {.lost = 0}, b = {.lost = 0};
	struct cursor c;
	struct span log;
	enum tls_outcome outcome;

	cursor_init(&c, data, n);
	log = cursor_take(&c, cursor_u16le(&c));
	for (; log.n > 0; log = span_slice(log, 100, log.n))
		tls_keys_feed(keys, span_slice(log, 0, 100));
	tls_keys_end(keys);
	outcome = run(keys, c, n + 1, &a);
	if (outcome != run(keys, c, 7, &b) || a.lost != b.lost ||
	    a.closed != b.closed || a.text[0].len + a.text[1].len > n)
		abort();
	for (unsigned i = 0; i < 2; i++) {
		if (!span_eq(buf_span(&a.text[i]), buf_span(&b.text[i])))
			abort();
		buf_release(&a.text[i]);
		buf_release(&b.text[i]);
	}
	tls_keys_free(keys);
	return 0;
}

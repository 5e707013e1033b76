/* HTTP heads and bodies: a body in one piece and in many is the same. */
#include <stdlib.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
add(void *arg, struct span s)
{
	buf_add_span(arg, s);
}

/* A hole in the middle: what it covers of the body is no more than it is. */
static void
skip(struct http_body b, struct span rest)
{
	size_t third = rest.n / 3;
	uint64_t covered;

	http_body_feed(&b, span_slice(rest, 0, third), NULL, NULL);
	http_body_skip(&b, third, &covered);
	if (covered > third)
		abort();
	http_body_feed(&b, span_slice(rest, third, rest.n), NULL, NULL);
	http_body_end(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = {(const char *)data, size}, rest;
	struct http_head h = HTTP_HEAD_INIT;
	struct http_body one, many;
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	size_t n = http_head_end(all, 0), used = 0;

	http_looks_request(all);
	http_looks_response(all);
	if (http_parse_request(&h, all)) {
		http_host(&h);
		http_codings(&h, &a);
		http_body_request(&one, &h);
		http_body_feed(&one, span_slice(all, n, all.n), NULL, NULL);
	}
	buf_clear(&a);
	if (n > 0 && http_parse_response(&h, span_slice(all, 0, n))) {
		rest = span_slice(all, n, all.n);
		http_body_response(&one, &h, SPAN_NULL);
		many = one;
		skip(one, rest);
		http_body_feed(&one, rest, add, &a);
		while (used < rest.n && !many.done)
			used += http_body_feed(&many, span_slice(rest, used, 1),
			    add, &b);
		if (one.done != many.done || one.total != many.total ||
		    !span_eq(buf_span(&a), buf_span(&b)))
			abort();
	}
	http_head_release(&h);
	buf_release(&a);
	buf_release(&b);
	return 0;
}

/* The configuration's and the page rules' wire forms: what decodes encodes
 * to the same bytes again. */
#include <stdlib.h>

#include "config.h"
#include "limit.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
same(struct buf *again, struct span bytes)
{
	if (!span_eq(buf_span(again), bytes))
		abort();
	buf_release(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span bytes = {(const char *)data, n};
	struct buf again = BUF_INIT(CONFIG_BYTES_MAX);
	struct config *c = config_decode(bytes);
	struct verdict_rules *v = verdict_decode(bytes);
	struct verdict_input in = {.status = 403,
	    .body = bytes,
	    .body_length = n,
	    .title = bytes,
	    .url = bytes,
	    .host = bytes,
	    .headers = bytes};

	if (c != NULL) {
		config_encode(c, &again);
		same(&again, bytes);
	}
	if (v != NULL) {
		verdict_encode(v, &again);
		same(&again, bytes);
		verdict_page(v, &in, NULL);
	}
	config_free(c);
	verdict_free(v);
	return 0;
}

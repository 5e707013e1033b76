/* Choice and conversion.  Input: header value, newline, body.  What comes out
 * must be valid UTF-8. */
#include <stdlib.h>

#include "charset.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = {(const char *)data, size};
	struct span header = span_token(&body, '\n');
	struct buf out = BUF_INIT(MIB);
	struct charset_choice c;
	uint32_t bad = 0;

	if (body.p == NULL)
		body = SPAN("");
	charset_choose(body, header, &c);
	(void)charset_append(c.charset, span_slice(body, c.bom, body.n), &out,
	    &bad);
	if (!utf8_valid(buf_span(&out)))
		abort();
	buf_release(&out);
	return 0;
}

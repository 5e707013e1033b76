/* URLs: no crash, and what was written is read back as the same. */
#include <stdlib.h>

#include "limit.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Input: base, newline, reference. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct span first = span_token(&rest, '\n');
	struct url base, url, again;
	bool has_base;

	url_init(&base);
	url_init(&url);
	url_init(&again);
	has_base = url_parse(&base, first, NULL);
	if (url_parse(&url, rest.p == NULL ? SPAN("") : rest,
		has_base ? &base : NULL)) {
		/* A trailing encoded space apart, the form is stable. */
		if (url_parse(&again, buf_span(&url.href), NULL) &&
		    !span_eq(buf_span(&url.href), buf_span(&again.href)))
			abort();
		url_same_site(&url, &base);
	}
	url_release(&base);
	url_release(&url);
	url_release(&again);
	return 0;
}

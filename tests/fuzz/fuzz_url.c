/* URLs: no crash, what was written is read back as the same, and a space
 * before it, which bars the short way, changes nothing. */
#include <stdlib.h>

#include "limit.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_spaced(struct span text, const struct url *base, bool good,
    const struct url *url)
{
	struct buf spaced = BUF_INIT(URL_MAX_LEN);
	struct url again;

	url_init(&again);
	buf_add_char(&spaced, ' ');
	if (buf_add_span(&spaced, text) &&
	    (url_parse(&again, buf_span(&spaced), base) != good ||
		!span_eq(buf_span(&again.href), buf_span(&url->href))))
		abort();
	url_release(&again);
	buf_release(&spaced);
}

/* Input: base, newline, reference. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct span first = span_token(&rest, '\n');
	struct url base, url, again;
	bool has_base, good;

	url_init(&base);
	url_init(&url);
	url_init(&again);
	has_base = url_parse(&base, first, NULL);
	if (rest.p == NULL)
		rest = SPAN("");
	good = url_parse(&url, rest, has_base ? &base : NULL);
	check_spaced(rest, has_base ? &base : NULL, good, &url);
	if (good) {
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

/* robots.txt.  Input: agent, newline, path, newline, the file.  What it is
 * asked for itself is always allowed, and lines that are no rules change
 * nothing. */
#include <stdlib.h>

#include "limit.h"
#include "schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = {(const char *)data, size};
	struct span agent = span_token(&body, '\n'), path;
	struct buf more = BUF_INIT(2 * MIB);

	path = body.p == NULL ? SPAN("/") : span_token(&body, '\n');
	if (body.p == NULL)
		body = SPAN("");
	if (!robots_allows(body, agent, SPAN("/robots.txt")))
		abort();
	buf_add_span(&more, body);
	buf_add_str(&more, "\n# the end\nSitemap: /sitemap.xml\n");
	if (robots_allows(body, agent, path) !=
	    robots_allows(buf_span(&more), agent, path))
		abort();
	buf_release(&more);
	return 0;
}

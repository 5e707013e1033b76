/* The whole analysis.  Input: content type, newline, coding, newline, body. */
#include <stdlib.h>

#include "analysis.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct analysis *
made(void)
{
	static struct analysis *a;
	struct config_errors errors = {NULL, 0, 0};

	if (a != NULL)
		return a;
	analysis_init();
	a = analysis_new(rules_load("conf/platforms.yaml", &errors),
	    verdict_load("conf/verdicts.yaml", &errors));
	if (errors.count > 0)
		abort();
	return a;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct analysis_input in = {.url = "http://www.site.example/a/b?c",
	    .status = 200};
	struct buf wire = BUF_INIT(FINDING_BYTES_MAX);
	struct finding f, again;

	in.content_type = span_token(&rest, '\n');
	in.codings = rest.p == NULL ? SPAN("") : span_token(&rest, '\n');
	in.body = rest.p == NULL ? SPAN("") : rest;
	finding_init(&f);
	analysis_page(made(), &in, &f);
	finding_encode(&f, &wire);
	if (!finding_decode(&again, buf_span(&wire)))
		abort();
	finding_release(&again);
	finding_release(&f);
	buf_release(&wire);
	return 0;
}

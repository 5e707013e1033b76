/* YAML text through the document reader, the rule tables and the overrides:
 * whatever comes, mistakes are reported and nothing else happens. */
#include <stdlib.h>

#include "bytes.h"
#include "config.h"
#include "document.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The first line, where there is one, is taken for an override. */
static void
override(struct doc *d, struct span text, struct config_errors *errors)
{
	char *line = span_dup(span_slice(text, 0, span_find(text, '\n')));

	if (line != NULL)
		doc_override(d, line, errors);
	free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = {(const char *)data, n};
	struct config_errors errors = {NULL, 0, 0};
	struct doc *d = doc_parse("fuzz", text, &errors);

	if (d != NULL)
		override(d, text, &errors);
	doc_free(d);
	verdict_free(verdict_parse(text, "fuzz", &errors));
	config_errors_release(&errors);
	return 0;
}

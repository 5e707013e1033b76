/*
 * Rules: addresses against the shipped file (run from the top of the source
 * tree), rules files, and the wire form.  The first byte chooses.
 */
#include <stdlib.h>

#include "limit.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
classify(const struct rules *r, struct span address)
{
	struct match m;

	if (r == NULL)
		return;
	match_init(&m);
	if (rules_classify(r, address, &m) && m.platform == NULL)
		abort();
	match_release(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *shipped;
	static bool tried;
	struct config_errors errors = {NULL, 0, 0};
	struct span rest = {(const char *)data + 1, size - 1};
	struct rules *r = NULL;

	if (size == 0)
		return 0;
	if (!tried)
		shipped = rules_load("conf/platforms.yaml", &errors);
	tried = true;
	if (data[0] == 'y')
		r = rules_parse(rest, "fuzz", &errors);
	else if (data[0] == 'w')
		r = rules_decode(rest);
	else
		classify(shipped, rest);
	if (r != NULL) {
		struct buf wire = BUF_INIT(CONFIG_BYTES_MAX);

		classify(r, SPAN("http://a.example/b?c=d#e"));
		rules_self_test(r, &errors, NULL);
		rules_encode(r, &wire);
		buf_release(&wire);
	}
	config_errors_release(&errors);
	rules_free(r);
	return 0;
}

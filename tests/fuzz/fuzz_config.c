/*
 * YAML text through the document reader, the configuration, the rule tables
 * and the overrides: whatever comes, mistakes are reported and nothing else
 * happens.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "config.h"
#include "document.h"
#include "limit.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const names[] = {"kpwatch.yaml", "sites.yaml",
    "accounts.yaml"};
static char folder[] = "/tmp/kpwatch-fuzz.XXXXXX";

static char *
path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void
remove_folder(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = path_of(names[i]);

		unlink(path);
		free(path);
	}
	rmdir(folder);
}

static void
write_file(const char *name, struct span text)
{
	char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || (text.n > 0 && write(fd, text.p, text.n) < 0))
		abort();
	close(fd);
	free(path);
}

/* What is accepted comes through its encoded form. */
static void
round_trip(const struct config *c)
{
	struct buf once = BUF_INIT(CONFIG_BYTES_MAX);
	struct buf twice = BUF_INIT(CONFIG_BYTES_MAX);
	struct config *again;

	config_encode(c, &once);
	again = config_decode(buf_span(&once));
	if (again == NULL)
		abort();
	config_encode(again, &twice);
	if (!span_eq(buf_span(&once), buf_span(&twice)))
		abort();
	config_free(again);
	buf_release(&once);
	buf_release(&twice);
}

/* Three files, a form feed between them. */
static void
load(struct span text, struct config_errors *errors)
{
	/* Whatever names the first one gives the others. */
	char *overrides[] = {xstrdup("sites=sites.yaml"),
	    xstrdup("accounts=accounts.yaml")};
	char *path = path_of(names[0]);
	struct config *c;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct span one =
		    text.p == NULL ? SPAN("") : span_token(&text, '\f');

		write_file(names[i], one);
	}
	c = config_load(path, overrides, ARRAY_LEN(overrides), errors);
	if (c != NULL)
		round_trip(c);
	config_free(c);
	free(path);
	for (size_t i = 0; i < ARRAY_LEN(overrides); i++)
		free(overrides[i]);
}

/* The first line, where there is one, is taken for an override. */
static void
override(struct doc *d, struct span text, struct config_errors *errors)
{
	char *line = span_dup(span_slice(text, 0, span_find(text, '\n')));

	if (line != NULL)
		doc_override(d, line, errors);
	free(line);
}

static void
verdicts(struct span text, struct config_errors *errors)
{
	struct verdict_rules *r = verdict_parse(text, "fuzz", errors), *again;
	struct buf wire = BUF_INIT(CONFIG_BYTES_MAX);

	if (r != NULL) {
		verdict_encode(r, &wire);
		again = verdict_decode(buf_span(&wire));
		if (again == NULL)
			abort();
		verdict_free(again);
		verdict_self_test(r, errors, NULL);
		verdict_block_host(r, SPAN("a.warning.example"));
		verdict_forged_address(r, "192.0.2.1");
	}
	buf_release(&wire);
	verdict_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct span text = {(const char *)data, n};
	struct config_errors errors = {NULL, 0, 0};
	struct doc *d;

	if (!ready) {
		if (mkdtemp(folder) == NULL)
			abort();
		atexit(remove_folder);
	}
	ready = true;
	if (n > 0 && span_find(text, '\f') < n) {
		load(text, &errors);
	} else {
		d = doc_parse("fuzz", text, &errors);
		if (d != NULL)
			override(d, text, &errors);
		doc_free(d);
		verdicts(text, &errors);
	}
	config_errors_release(&errors);
	return 0;
}

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "limit.h"
#include "log.h"
#include "rules.h"
#include "sandbox.h"
#include "setup.h"

#define OUTPUT_CHUNK (64 * KIB) /* bytes gathered before a write */
#define OUTPUT_MAX   (1 * MIB)

static const char help[] =
    "  -c FILE   configuration; platforms.yaml is read beside it\n"
    "  --json    one object a line: url, platform, kind, name\n"
    "\n"
    "Without URLs they are read from standard input, one a line.  There is\n"
    "one line of output for each, in the same order.\n";

struct classifier {
	struct rules *rules;
	struct match match;
	struct buf out;
	bool json;
};

static void
flush(struct classifier *c)
{
	if (c->out.len > 0)
		fwrite(c->out.data, 1, c->out.len, stdout);
	buf_clear(&c->out);
}

static void
print_json(struct classifier *c, struct span url, bool found)
{
	const struct match *m = &c->match;
	struct json j;

	json_init(&j, &c->out);
	json_object(&j);
	json_key_span(&j, "url", url);
	json_key_str(&j, "platform", found ? m->platform : NULL);
	json_key_str(&j, "kind", found ? sighting_kind_name(m->kind) : NULL);
	json_key_str(&j, "name",
	    found && m->has_name ? buf_str(&m->name) : NULL);
	json_object_end(&j);
	buf_add_char(&c->out, '\n');
}

static void
print_plain(struct classifier *c, struct span url, bool found)
{
	const struct match *m = &c->match;

	if (found) {
		buf_addf(&c->out, "%-8s %s", sighting_kind_name(m->kind),
		    m->platform);
		if (m->has_name) {
			buf_add_char(&c->out, '/');
			quote_bytes(&c->out, buf_span(&m->name));
		}
	} else {
		buf_add_str(&c->out, "-        -");
	}
	buf_add_char(&c->out, '\t');
	quote_bytes(&c->out, url);
	buf_add_char(&c->out, '\n');
}

static void
classify_one(struct classifier *c, struct span url)
{
	bool found = rules_classify(c->rules, url, &c->match);

	if (c->json)
		print_json(c, url, found);
	else
		print_plain(c, url, found);
	if (c->out.len > OUTPUT_CHUNK)
		flush(c);
}

static int
classify_input(struct classifier *c)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) >= 0) {
		struct span s = {line, (size_t)n};

		while (
		    s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
			s.n--;
		classify_one(c, s);
	}
	free(line);
	return ferror(stdin) ? EXIT_FAILED : EXIT_DONE;
}

int
cmd_classify(int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct classifier c = {.out = BUF_INIT(OUTPUT_MAX)};
	const char *config = NULL;
	int o, code = EXIT_DONE;

	optind = 1;
	while ((o = getopt_long(argc, argv, "+c:", options, NULL)) != -1) {
		if (o == 'h') {
			command_help("classify", help);
			return EXIT_DONE;
		}
		if (o == 'c')
			config = optarg;
		else if (o == 'j')
			c.json = true;
		else
			return command_usage("classify");
	}
	c.rules = setup_rules(argv[0], config);
	if (c.rules == NULL)
		return EXIT_USAGE;
	match_init(&c.match);
	/* Addresses are hostile, too: nothing more is opened. */
	if (!sandbox_tool())
		code = EXIT_FAILED;
	for (int i = optind; code == EXIT_DONE && i < argc; i++)
		classify_one(&c, span_of(argv[i]));
	if (code == EXIT_DONE && optind == argc)
		code = classify_input(&c);
	flush(&c);
	match_release(&c.match);
	buf_release(&c.out);
	rules_free(c.rules);
	return code;
}

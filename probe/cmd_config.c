#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "config.h"
#include "config_check.h"
#include "rules.h"
#include "verdict.h"

static const char help_text[] =
    "Checks the configuration and prints every mistake with its file, line\n"
    "and column, or else how much there is.\n"
    "\n"
    "  -c FILE        settings to check (default: $KPWATCH_CONFIG, then\n"
    "                 /etc/kpwatch/kpwatch.yaml, then conf/kpwatch.yaml\n"
    "                 beside the program)\n"
    "  -o KEY=VALUE   check with this key changed; may be repeated\n"
    "  --self-test    also run the test lines in platforms.yaml and\n"
    "                 verdicts.yaml\n";

struct options {
	const char *config;
	char **overrides;
	size_t noverrides;
	bool self_test;
};

/* Everything that a running daemon would read. */
struct loaded {
	struct config *config;
	struct rules *rules;
	struct verdict_rules *verdicts;
	size_t rule_tests;
	size_t verdict_tests;
};

static void
count_pages(const struct config *c)
{
	size_t fixed = 0, sampled = 0, known = 0, fetched = 0;

	for (size_t i = 0; i < c->ntargets; i++) {
		const struct target *t = &c->targets[i];

		fetched += t->npages > 0 && t->enabled;
		known += t->nknown;
		for (size_t k = 0; k < t->npages; k++) {
			fixed += t->pages[k].match == NULL;
			sampled += t->pages[k].match != NULL;
		}
	}
	printf("%-10s %zu fetched of %zu\n", "targets", fetched, c->ntargets);
	printf("%-10s %zu fixed, %zu sampled, %zu known and not fetched\n",
	    "pages", fixed, sampled, known);
}

static const char *
text_of(const struct target *t, size_t offset)
{
	char *const *s = (const void *)((const char *)t + offset);

	return *s;
}

/* "sites      172 by status: 11 active, ..." for one text field of targets. */
static void
count_by(const struct config *c, bool account, const char *what,
    const char *field, size_t offset, const char *const *values)
{
	const char *comma = "";
	size_t n, all = 0;

	for (size_t i = 0; i < c->ntargets; i++)
		all += c->targets[i].account == account;
	printf("%-10s %zu by %s: ", what, all, field);
	for (; *values != NULL; values++) {
		n = 0;
		for (size_t i = 0; i < c->ntargets; i++)
			n += c->targets[i].account == account &&
			    strcmp(text_of(&c->targets[i], offset), *values) ==
				0;
		if (n == 0)
			continue;
		printf("%s%zu %s", comma, n, *values);
		comma = ", ";
	}
	putchar('\n');
}

static void
print_counts(const struct config *c)
{
	count_by(c, false, "sites", "status", offsetof(struct target, status),
	    site_statuses);
	count_by(c, false, "sites", "category",
	    offsetof(struct target, category), categories);
	count_by(c, true, "accounts", "attribution",
	    offsetof(struct target, attribution), attributions);
	count_by(c, true, "accounts", "status", offsetof(struct target, status),
	    account_statuses);
	count_pages(c);
	printf("%-10s %zu\n", "hooks", c->nhooks);
}

static void
print_rules(const struct loaded *l, bool tested)
{
	printf("%-10s %zu with %zu patterns, %zu share kits\n", "platforms",
	    rules_platform_count(l->rules), rules_pattern_count(l->rules),
	    rules_kit_count(l->rules));
	printf("%-10s %zu rules\n", "verdicts",
	    verdict_rule_count(l->verdicts));
	if (tested)
		printf("%-10s %zu platform and %zu verdict lines hold\n",
		    "self-test", l->rule_tests, l->verdict_tests);
}

static void
load(struct loaded *l, const char *path, const struct options *o,
    struct config_errors *errors)
{
	char *platforms, *verdicts;

	l->config = config_load(path, o->overrides, o->noverrides, errors);
	if (access(path, R_OK) != 0)
		return;
	platforms = config_beside(path, "platforms.yaml");
	verdicts = config_beside(path, "verdicts.yaml");
	l->rules = rules_load(platforms, errors);
	l->verdicts = verdict_load(verdicts, errors);
	if (o->self_test && l->rules != NULL)
		rules_self_test(l->rules, errors, &l->rule_tests);
	if (o->self_test && l->verdicts != NULL)
		verdict_self_test(l->verdicts, errors, &l->verdict_tests);
	free(platforms);
	free(verdicts);
}

static void
loaded_release(struct loaded *l)
{
	config_free(l->config);
	rules_free(l->rules);
	verdict_free(l->verdicts);
}

/* Checks everything; returns the exit code. */
static int
check(const struct options *o)
{
	struct config_errors errors = {NULL, 0, 0};
	struct loaded l = {NULL, NULL, NULL, 0, 0};
	char *path = config_find(o->config);
	int code = EXIT_USAGE;

	if (path == NULL) {
		fprintf(stderr,
		    "kpwatch config: no configuration found; "
		    "name one with -c FILE\n");
		return EXIT_USAGE;
	}
	load(&l, path, o, &errors);
	config_errors_print(&errors);
	if (errors.count == 0) {
		printf("%-10s %s\n", "file", path);
		print_counts(l.config);
		print_rules(&l, o->self_test);
		code = EXIT_DONE;
	} else {
		fprintf(stderr, "%zu mistake%s in the configuration\n",
		    errors.count, errors.count == 1 ? "" : "s");
	}
	config_errors_release(&errors);
	loaded_release(&l);
	free(path);
	return code;
}

int
cmd_config(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"self-test", no_argument, NULL, 't'},
	    {NULL, 0, NULL, 0},
	};
	struct options o = {NULL, xcalloc((size_t)argc, sizeof(char *)), 0,
	    false};
	int code = EXIT_USAGE;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "c:o:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o.config = optarg;
			break;
		case 'o':
			o.overrides[o.noverrides++] = optarg;
			break;
		case 't':
			o.self_test = true;
			break;
		case 'h':
			command_help("config", help_text);
			code = EXIT_DONE;
			goto out;
		default:
			command_usage("config");
			goto out;
		}
	}
	if (optind < argc)
		command_usage("config");
	else
		code = check(&o);
out:
	free(o.overrides);
	return code;
}

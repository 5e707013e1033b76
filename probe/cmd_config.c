#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config.h"
#include "config_check.h"

static const char help_text[] =
    "Checks the configuration and prints every mistake with its file, line\n"
    "and column, or else how much there is.\n"
    "\n"
    "  -c FILE        settings to check (default: $KPWATCH_CONFIG, then\n"
    "                 /etc/kpwatch/kpwatch.yaml, then conf/kpwatch.yaml\n"
    "                 beside the program)\n"
    "  -o KEY=VALUE   check with this key changed; may be repeated\n";

struct options {
	const char *config;
	char **overrides;
	size_t noverrides;
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
			    strcmp(text_of(&c->targets[i], offset),
			    *values) == 0;
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
	count_by(c, true, "accounts", "status",
	    offsetof(struct target, status), account_statuses);
	count_pages(c);
	printf("%-10s %zu\n", "hooks", c->nhooks);
}

/* Checks everything; returns the exit code. */
static int
check(const struct options *o)
{
	struct config_errors errors = {NULL, 0, 0};
	char *path = config_find(o->config);
	struct config *c;
	int code = EXIT_USAGE;

	if (path == NULL) {
		fprintf(stderr, "kpwatch config: no configuration found; "
		    "name one with -c FILE\n");
		return EXIT_USAGE;
	}
	c = config_load(path, o->overrides, o->noverrides, &errors);
	config_errors_print(&errors);
	if (c != NULL) {
		printf("%-10s %s\n", "file", path);
		print_counts(c);
		code = EXIT_DONE;
	} else {
		fprintf(stderr, "%zu mistake%s in the configuration\n",
		    errors.count, errors.count == 1 ? "" : "s");
	}
	config_errors_release(&errors);
	config_free(c);
	free(path);
	return code;
}

int
cmd_config(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {NULL, xcalloc((size_t)argc, sizeof(char *)), 0};
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

/*
 * The URL cases of $KPWATCH_SHARED/platforms against conf/platforms.yaml:
 * how often platform, kind and name are right, every miss printed, and that
 * nothing of negatives.tsv is taken for what it must not be.
 * Exit 77 without the data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules.h"

#define COLUMNS 5

struct score {
	size_t rows, platform, kind, named, name, exact, wrong;
};

static bool
next_row(FILE *f, char **line, size_t *cap, struct span cell[COLUMNS])
{
	ssize_t n = getline(line, cap, f);
	struct span rest;

	if (n < 0)
		return false;
	rest = (struct span){*line, (size_t)n};
	while (rest.n > 0 &&
	    (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	for (int i = 0; i < COLUMNS; i++)
		cell[i] = span_token(&rest, '\t');
	return true;
}

/* "account" there is "channel" here; embed and content may be exchanged. */
static bool
kind_right(struct span want, enum sighting_kind got)
{
	if (span_is(want, "account"))
		return got == SIGHTING_CHANNEL;
	if (span_is(want, "embed") || span_is(want, "content"))
		return got == SIGHTING_EMBED || got == SIGHTING_CONTENT;
	return got < SIGHTING_KIND_COUNT &&
	    span_is(want, sighting_kind_name(got));
}

static bool
name_right(struct span want, struct span got)
{
	struct span rest = got;

	if (span_eq(want, got))
		return true;
	while (rest.p != NULL)
		if (span_eq(want, span_token(&rest, '/')))
			return true;
	return false;
}

static void
one_case(const struct rules *r, struct span cell[COLUMNS], struct match *m,
    struct score *s)
{
	bool found = rules_classify(r, cell[0], m);
	bool platform = found && span_is(cell[1], m->platform);
	bool kind = found && kind_right(cell[2], m->kind);
	bool wants = !span_is(cell[3], "-") && cell[3].n > 0;
	struct span got = found && m->has_name ? buf_span(&m->name) : SPAN_NULL;
	bool name = !wants || name_right(cell[3], got);

	s->rows++;
	s->platform += platform;
	s->kind += kind;
	s->named += wants;
	s->name += wants && name;
	s->exact += wants && span_eq(cell[3], got);
	if (!platform || !kind || !name)
		printf("# miss %.*s: %s %s %.*s, want %.*s %.*s %.*s\n",
		    SPAN_ARG(cell[0]), found ? m->platform : "nothing",
		    found ? sighting_kind_name(m->kind) : "-", SPAN_ARG(got),
		    SPAN_ARG(cell[1]), SPAN_ARG(cell[2]), SPAN_ARG(cell[3]));
	else if (wants && !span_eq(cell[3], got) &&
	    getenv("KPWATCH_VERBOSE") != NULL)
		printf("# spelt %.*s: %.*s, want %.*s\n", SPAN_ARG(cell[0]),
		    SPAN_ARG(got), SPAN_ARG(cell[3]));
}

static void
one_negative(const struct rules *r, struct span cell[COLUMNS], struct match *m,
    struct score *s)
{
	bool found = rules_classify(r, cell[0], m);
	bool same = found && span_is(cell[1], m->platform);
	bool wrong = false;

	s->rows++;
	if (span_is(cell[2], "any"))
		wrong = same;
	else if (span_is(cell[2], "account,share"))
		wrong = same &&
		    (m->kind == SIGHTING_CHANNEL || m->kind == SIGHTING_SHARE);
	else if (span_is(cell[2], "account"))
		wrong = same && m->kind == SIGHTING_CHANNEL;
	else if (found && m->kind == SIGHTING_CHANNEL) /* "note account" */
		wrong = span_starts(cell[2], m->platform);
	s->wrong += wrong;
	if (wrong)
		printf("# wrong %.*s: %s %s %s, must not be %.*s\n",
		    SPAN_ARG(cell[0]), m->platform, sighting_kind_name(m->kind),
		    m->has_name ? buf_str(&m->name) : "-", SPAN_ARG(cell[2]));
}

static bool
run_file(const struct rules *r, const char *path, struct score *s,
    void (*one)(const struct rules *, struct span *, struct match *,
	struct score *))
{
	FILE *f = fopen(path, "r");
	struct span cell[COLUMNS];
	struct match m;
	char *line = NULL;
	size_t cap = 0;
	bool first = true;

	if (f == NULL)
		return false;
	match_init(&m);
	while (next_row(f, &line, &cap, cell)) {
		if (!first)
			one(r, cell, &m, s);
		first = false;
	}
	match_release(&m);
	free(line);
	fclose(f);
	return true;
}

static bool
bar(int n, const char *what, size_t good, size_t all, double least)
{
	double share = all == 0 ? 0 : 100.0 * (double)good / (double)all;
	bool holds = share >= least;

	printf("%sok %d - %s: %zu of %zu, %.2f %% (bar %.1f %%)\n",
	    holds ? "" : "not ", n, what, good, all, share, least);
	return holds;
}

int
main(int argc, char **argv)
{
	const char *shared = getenv("KPWATCH_SHARED");
	const char *dir = shared == NULL ? "../shared" : shared;
	char *cases = xasprintf("%s/platforms/url_cases_dev.tsv", dir);
	char *negatives = xasprintf("%s/platforms/negatives.tsv", dir);
	struct config_errors errors = {NULL, 0, 0};
	struct score s = {0, 0, 0, 0, 0, 0, 0}, n = s;
	struct rules *r;
	bool good = true;

	r = rules_load(argc > 1 ? argv[1] : "conf/platforms.yaml", &errors);
	config_errors_print(&errors);
	config_errors_release(&errors);
	if (r == NULL)
		return 1;
	if (!run_file(r, cases, &s, one_case) ||
	    !run_file(r, negatives, &n, one_negative)) {
		printf("1..0 # SKIP no %s\n", cases);
		return 77;
	}
	printf("1..5\n");
	good &= bar(1, "platform", s.platform, s.rows, 99.5);
	good &= bar(2, "kind", s.kind, s.rows, 99.0);
	good &= bar(3, "name", s.name, s.named, 98.5);
	good &= bar(4, "name letter for letter", s.exact, s.named, 95.0);
	good &= bar(5, "negatives left alone", n.rows - n.wrong, n.rows, 100.0);
	rules_free(r);
	free(cases);
	free(negatives);
	return good ? 0 : 1;
}

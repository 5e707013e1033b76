/*
 * The saved pages of $KPWATCH_SHARED/pages: every row of each expected.tsv is
 * found, and no channel, share or embed beyond them.  Exit 77 without them.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "recognise.h"

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char chunk[8192];
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	fclose(f);
	return true;
}

/* All saved parts of one page into one finding. */
static void
scan_parts(const struct rules *rules, const char *stem, const char *host,
    struct finding *f)
{
	char *pattern = xasprintf("%s*.html", stem);
	char *url = xasprintf("http://%s/", host);
	glob_t g;

	if (glob(pattern, 0, NULL, &g) != 0)
		g.gl_pathc = 0;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf body = BUF_INIT(16 * MIB);
		struct finding part;
		struct recogniser *r;
		struct page_stats stats;
		struct page_handler h;

		memset(&stats, 0, sizeof(stats));
		finding_init(&part);
		read_file(g.gl_pathv[i], &body);
		r = recogniser_new(rules, url, &part);
		h = recogniser_handler(r);
		page_scan(buf_span(&body), NULL, &h, &stats);
		recogniser_finish(r);
		recogniser_free(r);
		for (size_t k = 0; k < part.nsightings; k++)
			finding_add_sighting(f, &part.sightings[k]);
		part.nsightings = 0;
		finding_release(&part);
		buf_release(&body);
	}
	if (g.gl_pathc > 0)
		globfree(&g);
	free(pattern);
	free(url);
}

/* A row's sighting among those found; its count is used to mark it. */
static bool
find_row(struct finding *f, bool *used, struct span kind, struct span platform,
    struct span name)
{
	for (size_t i = 0; i < f->nsightings; i++) {
		const struct sighting *s = &f->sightings[i];

		if (!span_is(kind, sighting_kind_name(s->kind)) ||
		    !span_is(platform, s->platform))
			continue;
		if (s->kind != SIGHTING_PLAYER && s->kind != SIGHTING_FEED &&
		    !span_eq(name, span_of(s->name)))
			continue;
		used[i] = true;
		return true;
	}
	return false;
}

struct totals {
	size_t rows, found, beyond;
};

static void
check_rows(struct span table, struct finding *f, bool *used, struct totals *t)
{
	bool first = true;

	while (table.p != NULL) {
		struct span line = span_token(&table, '\n');
		struct span kind = span_token(&line, '\t');
		struct span platform = span_token(&line, '\t');
		struct span name = span_token(&line, '\t');
		bool header = first;

		first = false;
		if (header || kind.n == 0 || span_is(kind, "other"))
			continue; /* links to other sites are no sightings */
		t->rows++;
		if (find_row(f, used, kind, platform, name))
			t->found++;
		else
			printf("# missing %.*s %.*s %.*s\n", SPAN_ARG(kind),
			    SPAN_ARG(platform), SPAN_ARG(name));
	}
}

static void
check_page(const struct rules *rules, const char *path, struct totals *t)
{
	const char *slash = strrchr(path, '/');
	size_t stem_n = strlen(path) - strlen(".expected.tsv");
	char *stem = xstrndup(path, stem_n);
	struct buf table = BUF_INIT(16 * MIB);
	struct finding f;
	bool *used;

	finding_init(&f);
	scan_parts(rules, stem, stem + (slash - path) + 1, &f);
	used = xcalloc(f.nsightings + 1, sizeof(*used));
	read_file(path, &table);
	check_rows(buf_span(&table), &f, used, t);
	for (size_t i = 0; i < f.nsightings; i++) {
		const struct sighting *s = &f.sightings[i];
		bool bad = s->kind == SIGHTING_CHANNEL ||
		    s->kind == SIGHTING_SHARE || s->kind == SIGHTING_EMBED;

		if (used[i])
			continue;
		t->beyond += bad;
		printf("# %s: %s %s %s %s (%s)\n", bad ? "beyond" : "also",
		    stem + (slash - path) + 1, sighting_kind_name(s->kind),
		    s->platform, s->name == NULL ? "-" : s->name,
		    s->element == NULL ? "-" : s->element);
	}
	free(used);
	free(stem);
	buf_release(&table);
	finding_release(&f);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	char *pattern = xasprintf("%s/pages/*.expected.tsv",
	    shared == NULL ? "../shared" : shared);
	struct config_errors errors = {NULL, 0, 0};
	struct rules *rules = rules_load("conf/platforms.yaml", &errors);
	struct totals t = {0, 0, 0};
	glob_t g;

	config_errors_print(&errors);
	if (rules == NULL)
		return 1;
	if (glob(pattern, 0, NULL, &g) != 0) {
		printf("1..0 # SKIP no %s\n", pattern);
		return 77;
	}
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_page(rules, g.gl_pathv[i], &t);
	printf("1..2\n%sok 1 - expected sightings: %zu of %zu rows\n",
	    t.found == t.rows && t.rows > 0 ? "" : "not ", t.found, t.rows);
	printf("%sok 2 - channels, shares, embeds beyond them: %zu\n",
	    t.beyond == 0 ? "" : "not ", t.beyond);
	globfree(&g);
	free(pattern);
	rules_free(rules);
	return t.found == t.rows && t.rows > 0 && t.beyond == 0 ? 0 : 1;
}

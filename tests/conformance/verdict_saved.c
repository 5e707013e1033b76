/*
 * Every saved page of $KPWATCH_SHARED/captures/html and pages through the
 * whole analysis with conf/platforms.yaml and conf/verdicts.yaml.  None of
 * them is a wall, block, parking or placeholder page, so none may be called
 * one.  Exit 77 without the data.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "decode.h"
#include "limit.h"
#include "rules.h"
#include "verdict.h"

struct tally {
	struct analysis *analysis;
	size_t pages, blocks, wrong;
};

static void
judge(struct tally *t, const char *name, struct span body)
{
	struct analysis_input in = {.body = body,
	    .status = 200,
	    .content_type = SPAN("text/html"),
	    .url = "http://site.example/page"};
	struct finding f;

	if (gzip_looks(body))
		in.codings = SPAN("gzip");
	finding_init(&f);
	analysis_page(t->analysis, &in, &f);
	t->pages++;
	t->blocks += f.nblocks;
	if (f.page_class != PAGE_NORMAL) {
		t->wrong++;
		printf("# %s by %s: %llu bytes, %zu blocks: %s\n",
		    page_class_name(f.page_class), f.class_rule,
		    (unsigned long long)f.body_length, f.nblocks, name);
	}
	finding_release(&f);
}

static void
judge_file(struct tally *t, const char *path)
{
	struct buf raw = BUF_INIT(64 * MIB);
	FILE *f = fopen(path, "rb");
	char *at;
	size_t n;

	if (f == NULL) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((at = buf_reserve(&raw, 64 * KIB)) != NULL &&
	    (n = fread(at, 1, 64 * KIB, f)) > 0)
		raw.len += n;
	fclose(f);
	judge(t, path, buf_span(&raw));
	buf_release(&raw);
}

static void
judge_folder(struct tally *t, const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	char *path;

	for (int i = 0; i < n; i++) {
		if (strstr(names[i]->d_name, ".html") != NULL) {
			path = xasprintf("%s/%s", folder, names[i]->d_name);
			judge_file(t, path);
			free(path);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	struct config_errors errors = {NULL, 0, 0};
	struct rules *rules = rules_load("conf/platforms.yaml", &errors);
	struct verdict_rules *verdicts =
	    verdict_load("conf/verdicts.yaml", &errors);
	struct tally t = {NULL, 0, 0, 0};
	char *html, *pages;

	config_errors_print(&errors);
	if (rules == NULL || verdicts == NULL)
		return 1;
	analysis_init();
	t.analysis = analysis_new(rules, verdicts);
	html = xasprintf("%s/captures/html",
	    shared == NULL ? "../shared" : shared);
	pages = xasprintf("%s/pages", shared == NULL ? "../shared" : shared);
	judge_folder(&t, html);
	judge_folder(&t, pages);
	free(html);
	free(pages);
	analysis_free(t.analysis);
	rules_free(rules);
	verdict_free(verdicts);
	if (t.pages == 0) {
		printf("1..0 # SKIP no saved pages\n");
		return 77;
	}
	printf("# %zu pages with %zu text blocks, %zu called what they are "
	       "not\n",
	    t.pages, t.blocks, t.wrong);
	printf("%sok 1 - real pages are normal pages\n1..1\n",
	    t.wrong == 0 ? "" : "not ");
	return t.wrong == 0 ? 0 : 1;
}

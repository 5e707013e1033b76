/* Test lines of markup: a page of that alone must give the one sighting. */

#include <string.h>

#include "html.h"
#include "recognise.h"
#include "rules_table.h"

#define TEST_PAGE "http://www.example.kp/index.php"

static void
look(const struct rules *r, const char *html, struct finding *f)
{
	struct recogniser *recogniser = recogniser_new(r, TEST_PAGE, f);
	const struct page_handler h = recogniser_handler(recogniser);
	struct page_stats stats = {0};

	page_scan(span_of(html), NULL, &h, &stats);
	recogniser_finish(recogniser);
	recogniser_free(recogniser);
}

bool
rules_page_test(const struct rules *r, const struct rule_test *t,
    struct buf *got)
{
	struct finding f;
	bool good;

	finding_init(&f);
	look(r, t->html, &f);
	good = t->nothing ? f.nsightings == 0 : f.nsightings == 1;
	for (size_t i = 0; i < f.nsightings; i++) {
		const struct sighting *s = &f.sightings[i];

		good = good && s->kind == t->kind &&
		    strcmp(s->platform, t->platform) == 0 &&
		    (s->name == NULL) == (t->name == NULL) &&
		    (s->name == NULL || strcmp(s->name, t->name) == 0);
		buf_addf(got, "%s%s %s %s", i == 0 ? "" : ", ",
		    sighting_kind_name(s->kind), s->platform,
		    s->name == NULL ? "-" : s->name);
	}
	if (f.nsightings == 0)
		buf_add_str(got, "nothing");
	finding_release(&f);
	return good;
}

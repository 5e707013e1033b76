/* What a page of http://www.example.kp/ shows, as text. */
#ifndef KPWATCH_PAGE_EXPECT_H
#define KPWATCH_PAGE_EXPECT_H

#include "shipped_rules.h"
#include "sighting_text.h"

#include "html.h"
#include "limit.h"
#include "recognise.h"

#define PAGE "http://www.example.kp/index.php"

static void
look(const char *html, struct buf *out)
{
	struct page_stats stats = {0};
	struct finding f;
	struct recogniser *r;
	struct page_handler h;

	finding_init(&f);
	r = recogniser_new(rules, PAGE, &f);
	h = recogniser_handler(r);
	page_scan(span_of(html), NULL, &h, &stats);
	recogniser_finish(r);
	recogniser_free(r);
	sightings_show(&f, true, out);
	for (size_t i = 0; i < f.nnotes; i++)
		buf_addf(out, ": %s", f.notes[i]);
	finding_release(&f);
}

static void
expect(const char *html, const char *want)
{
	struct buf out = BUF_INIT(64 * KIB);

	look(html, &out);
	assert_string_equal(buf_str(&out), want);
	buf_release(&out);
}

#endif

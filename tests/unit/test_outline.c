/* What is open around a place of a page. */
#include "cm.h"

#include "limit.h"
#include "outline.h"

/* Marks elements that have attributes by how many. */
static uint32_t
count_attributes(void *arg, const struct html_token *t)
{
	(*(size_t *)arg)++;
	return (uint32_t)t->nattrs;
}

/* The elements open before each "<here", outermost first. */
static void
expect_from(const char *html, size_t from, bool sure, const char *want)
{
	struct span page = span_of(html), rest = page;
	struct buf out = BUF_INIT(4 * KIB);
	struct outline *o = xmalloc(sizeof(*o));
	size_t seen = 0, at, n;

	outline_init(o, page, count_attributes, &seen);
	for (;;) {
		at = span_search(rest, "<here");
		if (at == rest.n)
			break;
		at += page.n - rest.n;
		outline_look(o, at, from, sure);
		for (size_t i = 0; i < o->n; i++) {
			const char *name = html + o->open[i].offset + 1;

			n = strcspn(name, " >");
			buf_addf(&out, "%s%.*s", i == 0 ? "" : " ", (int)n,
			    name);
			if (o->open[i].mark > 0)
				buf_addf(&out, "+%u", o->open[i].mark);
		}
		buf_add_str(&out, "|");
		rest = span_slice(page, at + 5, page.n);
	}
	assert_string_equal(buf_str(&out), want);
	outline_release(o);
	free(o);
	buf_release(&out);
}

static void
expect(const char *html, const char *want)
{
	expect_from(html, 0, true, want);
}

static void
follows_tags(void **state)
{
	(void)state;
	expect("<here>", "|");
	expect("<div><ul class=a id=b><li><here>", "div ul+2 li|");
	expect("<div><p>a</p></div><here>", "|");
	expect("<DIV class=a><Span></SPAN><here></div><here>", "DIV+1||");
	expect("<div><img a=b><br><input><a href=x><here>", "div|");
	expect("<div><svg><path/><path/></svg><i class=x /><here>", "div|");
	expect("<div><!-- </div> --><script>'</div>'</script><here>", "div|");
	expect("<div title='</div>'><here>", "div+1|");
}

static void
ends_what_the_standard_ends(void **state)
{
	(void)state;
	expect("<ul><li class=a><li><here>", "ul li|");
	expect("<ul><li class=a><ul><li><here>", "ul li+1 ul li|");
	expect("<dl><dt class=a>x<dd><here>", "dl dd|");
	expect("<table><tr><td class=a>x<td><here>", "table tr td|");
	expect("<table><tr class=a><td>x<tr><td><here>", "table tr td|");
	expect("<td class=a><table><tr><td><here>", "td+1 table tr td|");
	expect("<p class=a><div><here>", "div|");
	expect("<p class=a><b><div><here>", "div|");
	expect("<p class=a><span><here>", "p+1 span|");
	expect("<div><p class=a>x<p><here>", "div p|");
}

static void
closes_what_is_misnested(void **state)
{
	(void)state;
	/* a block's end takes all in it along, an inline one's no block */
	expect("<div><span class=a></div><here>", "|");
	expect("<span><div class=a></span><here>", "span div+1|");
	expect("<div class=a></span></b></p></a><here>", "div+1|");
	/* of an element that began before, or of none */
	expect("<ul class=a></div><here>", "|");
	expect("<section class=a></h1><here>", "|");
	expect("<ul class=a><td><here>", "td|");
	expect("<div class=a><li><li><here>", "div+1 li|");
}

static void
may_begin_anywhere(void **state)
{
	static const char page[] =
	    "0123<div><ul class=a></ul><b class=b><here>";

	(void)state;
	expect_from(page, 9, true, "b+1|");
	expect_from("<script>'<div>'</script><p><here>", 9, false, "p|");
	expect_from("<script>'<div>'</script><p><here>", 0, false, "p|");
	expect_from("<!-- <div> --><p><here>", 5, false, "p|");
	/* behind the place: nothing */
	expect_from("<div><here>", 100, true, "|");
	/* what was looked at before is gone on with */
	expect_from("<div><here><p><here>", 5, true, "|here p|");
	expect_from("<div><here><p><here>", 0, true, "div|div here p|");
}

/* Looks cost no more than the page is long; depth is bounded. */
static void
is_bounded(void **state)
{
	struct outline *o = xmalloc(sizeof(*o));
	struct buf page = BUF_INIT(64 * MIB);
	size_t seen = 0, at = 0;

	(void)state;
	while (page.len < 4 * MIB)
		buf_add_str(&page, "<div class=share><a href=#>");
	outline_init(o, buf_span(&page), count_attributes, &seen);
	for (; at < page.len; at += 27)
		outline_look(o, at, at > 8 * KIB ? at - 8 * KIB : 0, false);
	assert_int_equal(o->n, OUTLINE_DEPTH);
	assert_true(seen <= page.len / 27);
	assert_int_equal(o->open[OUTLINE_DEPTH - 1].offset, at - 54);
	/* back, which reads nothing */
	outline_look(o, 27, 0, true);
	assert_int_equal(o->open[OUTLINE_DEPTH - 1].offset, at - 54);
	outline_release(o);
	free(o);
	buf_release(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(follows_tags),
	    cmocka_unit_test(ends_what_the_standard_ends),
	    cmocka_unit_test(closes_what_is_misnested),
	    cmocka_unit_test(may_begin_anywhere),
	    cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

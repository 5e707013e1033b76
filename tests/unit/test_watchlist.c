/* Which pages are watched, and in which order those of a new target. */
#include "cm.h"

#include "watchlist.h"

#define SECOND INT64_C(1000000)

static struct page_slot slots[] = {
    {.name = (char *)"main", .url = (char *)"http://a.example/"},
    {.name = (char *)"news", .url = (char *)"http://a.example/news"},
    {.name = (char *)"article",
	.url = (char *)"http://a.example/news",
	.match = (char *)"*/news/*",
	.sample = 2},
    {.name = (char *)"film",
	.url = (char *)"http://a.example/film",
	.match = (char *)"*/film/*",
	.sample = 2},
};
static struct target target = {
    .id = (char *)"a",
    .enabled = true,
    .interval = 60000,
    .pages = slots,
    .npages = 4,
};

static struct config
catalogue(void)
{
	return (struct config){.targets = &target, .ntargets = 1};
}

/* Takes all that is due within `seconds` and puts it back for much later. */
static size_t
run(struct watchlist *l, int64_t seconds, const char *names[static 8])
{
	struct watched *w;
	size_t n = 0;

	for (int64_t now = 0; now < seconds * SECOND; now += SECOND / 10)
		while ((w = watchlist_take(l, now)) != NULL && n < 8) {
			names[n++] = w->page;
			watchlist_return(l, w, now + 3600 * SECOND);
		}
	return n;
}

static void
test_first_page_of_a_new_target_is_seen_first(void **state)
{
	struct config c = catalogue();

	(void)state;
	for (int64_t spread = 1; spread < 40; spread += 3) {
		struct watchlist *l = watchlist_new();
		const char *names[8];

		watchlist_load(l, &c, 0, spread * SECOND);
		assert_int_equal(run(l, spread + 2, names), 3);
		assert_string_equal(names[0], "main");
		watchlist_free(l);
	}
}

static void
test_a_page_under_way_holds_the_others(void **state)
{
	struct config c = catalogue();
	struct watchlist *l = watchlist_new();
	struct watched *first = NULL;
	const char *names[8];

	(void)state;
	watchlist_load(l, &c, 0, SECOND);
	for (int64_t now = 0; first == NULL; now += SECOND / 10)
		first = watchlist_take(l, now);
	assert_string_equal(first->page, "main");
	assert_int_equal(run(l, 20, names), 0);
	watchlist_return(l, first, 3600 * SECOND);
	assert_int_equal(run(l, 40, names), 2);
	watchlist_free(l);
}

static void
test_a_list_that_another_slot_has_is_not_watched_twice(void **state)
{
	struct config c = catalogue();
	struct watchlist *l = watchlist_new();

	(void)state;
	watchlist_load(l, &c, 0, SECOND);
	assert_int_equal(watchlist_count(l), 3);
	watchlist_free(l);
}

/* It may have brought other rules: every page is to be seen whole. */
static void
test_a_reload_forgets_what_spares_a_page(void **state)
{
	struct config c = catalogue();
	struct watchlist *l = watchlist_new();
	struct watched *w = NULL;

	(void)state;
	watchlist_load(l, &c, 0, SECOND);
	for (int64_t now = 0; w == NULL; now += SECOND / 10)
		w = watchlist_take(l, now);
	w->etag = xstrdup("\"1\"");
	w->last_modified = xstrdup("Mon, 14 Jan 2019 06:00:00 GMT");
	w->last.known = true;
	watchlist_load(l, &c, 0, SECOND);
	assert_null(w->etag);
	assert_null(w->last_modified);
	assert_false(w->last.known);
	watchlist_return(l, w, SECOND);
	watchlist_free(l);
}

/* The clock was a year ahead when the page was seen last. */
static void
test_a_look_in_the_future_holds_no_page(void **state)
{
	struct config c = catalogue();
	struct watchlist *l = watchlist_new();
	struct resume_page page = {.target = (char *)"a",
	    .page = (char *)"main",
	    .url = (char *)"http://a.example/"};
	struct resume known = {.pages = &page, .npages = 1};
	const int64_t wall = INT64_C(1550000000000);
	const char *names[8];

	(void)state;
	page.last = wall + INT64_C(31536000000);
	watchlist_load(l, &c, 0, SECOND);
	watchlist_resume(l, &known, 0, wall, 10 * SECOND);
	assert_true(run(l, 12, names) > 0);
	assert_string_equal(names[0], "main");
	watchlist_free(l);
	/* One just seen is due an interval later, as ever. */
	l = watchlist_new();
	page.last = wall - 1000;
	watchlist_load(l, &c, 0, SECOND);
	watchlist_resume(l, &known, 0, wall, 10 * SECOND);
	assert_int_equal(run(l, 50, names), 0);
	assert_int_equal(run(l, 70, names), 3);
	assert_string_equal(names[0], "main");
	watchlist_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_page_of_a_new_target_is_seen_first),
	    cmocka_unit_test(test_a_page_under_way_holds_the_others),
	    cmocka_unit_test(
		test_a_list_that_another_slot_has_is_not_watched_twice),
	    cmocka_unit_test(test_a_reload_forgets_what_spares_a_page),
	    cmocka_unit_test(test_a_look_in_the_future_holds_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What changes by itself is learned, counted and not told; what changes beside
 * it, or in its place once it is quiet, is.
 */
#include "story.h"

#include "store_hooks.h"

static void
look(struct story *s, enum variant variant, const char *text)
{
	struct observation o;
	struct finding f;
	struct hop *h =
	    look_begin(&o, &f, "uri", "main", "http://uri.example/");

	o.variant = variant;
	h->status = 200;
	h->stage = STAGE_BODY;
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
}

/* The server says that nothing changed. */
static void
look_same(struct story *s)
{
	struct observation o;
	struct finding f;
	struct hop *h =
	    look_begin(&o, &f, "uri", "main", "http://uri.example/");

	h->status = 304;
	h->stage = STAGE_BODY;
	f.status = ANALYSIS_NONE;
	story_look(s, &o, &f);
}

static void
page(struct story *s, enum variant variant, const char *banner,
    const char *news)
{
	char *text = xasprintf("block head x;block %s y;block news %s;"
			       "block foot x",
	    banner, news);

	look(s, variant, text);
	free(text);
}

static void
begin(struct story *s)
{
	story_begin(s, NULL);
	page(s, VARIANT_NORMAL, "one", "a");
	story_expect(s, "target.baseline uri\n");
	assert_true(s->advice.twin);
}

static void
twins_show_what_is_volatile(void **state)
{
	struct story s;
	char banner[16];

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "two", "a");
	/* Three of them: a banner of a few may stay the same in one. */
	assert_true(s.advice.twin);
	page(&s, VARIANT_TWIN, "three", "a");
	assert_true(s.advice.twin);
	page(&s, VARIANT_TWIN, "three", "a");
	assert_false(s.advice.twin);
	for (int i = 0; i < 40; i++) {
		snprintf(banner, sizeof banner, "b%d", i);
		page(&s, VARIANT_NORMAL, banner, "a");
	}
	story_expect(&s, "");
	/* Beside it a real change is told at once, and only it. */
	page(&s, VARIANT_NORMAL, "b77", "b");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

static void
change_is_told_without_the_volatile(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	look(&s, VARIANT_TWIN,
	    "block head x;block two y;block news a;"
	    "block foot x");
	page(&s, VARIANT_NORMAL, "three", "a");
	look(&s, VARIANT_NORMAL,
	    "block head x;block four y;block news a;"
	    "block foot z");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"added\":[\"foot z\"]"));
	assert_non_null(strstr(buf_str(&s.lines), "\"removed\":[\"foot x\"]"));
	assert_non_null(strstr(buf_str(&s.lines), "\"suppressed\":2"));
	/* A new block right beside the volatile one. */
	look(&s, VARIANT_NORMAL,
	    "block head x;block four y;block new z;"
	    "block news a;block foot z");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* The page really changed between the twins. */
static void
change_between_twins_is_told(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "one", "b");
	page(&s, VARIANT_NORMAL, "one", "b");
	assert_true(s.advice.confirm_soon);
	page(&s, VARIANT_CONFIRM, "one", "b");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"removed\":[\"news a\"]"));
	page(&s, VARIANT_NORMAL, "one", "b");
	story_expect(&s, "");
	story_end(&s);
}

static void
history_shows_it_too(void **state)
{
	struct story s;
	char banner[16];

	(void)state;
	begin(&s);
	for (int i = 0; i < 9; i++) {
		snprintf(banner, sizeof banner, "b%d", i);
		page(&s, VARIANT_NORMAL, banner, "a");
	}
	assert_true(store_commit(s.store));
	assert_non_null(strstr(buf_str(&s.told), "content.changed uri"));
	buf_clear(&s.told);
	for (int i = 0; i < 20; i++) {
		snprintf(banner, sizeof banner, "c%d", i);
		page(&s, VARIANT_NORMAL, banner, "a");
	}
	story_expect(&s, "");
	/* It slows down: told again, though it is not quiet yet. */
	for (int i = 0; i < 6; i++)
		page(&s, VARIANT_NORMAL, "c19", "a");
	page(&s, VARIANT_NORMAL, "new", "a");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* What is left out is counted for the metrics. */
static void
totals_count_what_is_left_out(void **state)
{
	struct store_totals t;
	struct story s;

	(void)state;
	begin(&s);
	store_totals(s.store, &t);
	assert_int_equal(t.volatile_places, 0);
	assert_int_equal(t.suppressed, 0);
	page(&s, VARIANT_TWIN, "two", "a");
	page(&s, VARIANT_NORMAL, "three", "a");
	page(&s, VARIANT_NORMAL, "four", "a");
	story_expect(&s, "");
	store_totals(s.store, &t);
	assert_int_equal(t.volatile_places, 1);
	assert_int_equal(t.suppressed, 4);
	story_end(&s);
}

/* News every other look are news. */
static void
news_are_no_noise(void **state)
{
	struct story s;
	char news[16];

	(void)state;
	begin(&s);
	for (int i = 0; i < 60; i++) {
		snprintf(news, sizeof news, "n%d", i / 2 * 2);
		page(&s, VARIANT_NORMAL, "one", news);
		assert_true(store_commit(s.store));
		assert_int_equal(buf_str(&s.told)[0] != '\0',
		    i == 0 || i % 2 == 0);
		buf_clear(&s.told);
	}
	story_end(&s);
}

static void
quiet_places_rejoin(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "two", "a");
	page(&s, VARIANT_NORMAL, "three", "a");
	for (int i = 0; i < 14; i++)
		page(&s, VARIANT_NORMAL, "four", "a");
	story_expect(&s, "");
	page(&s, VARIANT_NORMAL, "five", "a");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* Only a twin lacked it, and it is there again. */
static void
what_blinks_is_known_from_a_twin(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	look(&s, VARIANT_TWIN, "block head x;block news a;block foot x");
	for (int i = 0; i < 6; i++)
		page(&s, VARIANT_NORMAL, "one", "a");
	for (int i = 0; i < 6; i++)
		look(&s, VARIANT_NORMAL,
		    i % 3 == 0 ? "block head x;block one y;block news a;"
				 "block foot x"
			       : "block head x;block news a;block foot x");
	story_expect(&s, "");
	/* Something else in that place is told. */
	page(&s, VARIANT_NORMAL, "other", "a");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* A look that lacks a block may have come at a bad moment: the next decides.
 * Gone for two looks is told, but not of what flickers. */
static void
missing_then_gone(int blinks, const char *told)
{
	static const char with[] = "block head x;block text z;block foot x";
	static const char without[] = "block head x;block foot x";
	struct story s;

	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, with);
	story_expect(&s, "target.baseline uri\n");
	for (int i = 0; i < blinks; i++) {
		look(&s, VARIANT_NORMAL, without);
		assert_true(s.advice.confirm_soon);
		look(&s, VARIANT_NORMAL, with);
		assert_false(s.advice.confirm_soon);
	}
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, told);
	story_end(&s);
}

static void
what_is_missing_once_is_not_told(void **state)
{
	(void)state;
	missing_then_gone(0, "content.changed uri\n");
	missing_then_gone(2, "content.changed uri\n");
	missing_then_gone(3, "");
}

/* Told twice, what comes and goes is counted only, until it has stayed away or
 * stood there for long: the log ends with what is true. */
static void
flicker_then(struct story *s, bool stands)
{
	static const char with[] = "block head x;block text z;block foot x";
	static const char without[] = "block head x;block foot x";
	const char *first = stands ? without : with;
	const char *last = stands ? with : without;
	int i;

	story_begin(s, NULL);
	look(s, VARIANT_NORMAL, first);
	for (i = 0; i < 20; i++) {
		look(s, VARIANT_NORMAL, last);
		look(s, VARIANT_NORMAL, i % 3 == 0 ? last : first);
		look(s, VARIANT_NORMAL, first);
	}
	assert_true(store_commit(s->store));
	buf_clear(&s->told);
	for (i = 0; i < 23; i++) {
		if (i % 2 == 0)
			look(s, VARIANT_NORMAL, last);
		else
			look_same(s);
		assert_false(s->advice.confirm_soon);
	}
	story_expect(s, "");
	buf_clear(&s->lines);
	if (stands)
		look_same(s);
	else
		look(s, VARIANT_NORMAL, last);
	story_expect(s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s->lines), "\"since\":\"2019-"));
	assert_non_null(strstr(buf_str(&s->lines),
	    stands
		? "\"added\":[\"text z\"],\"added_count\":1,\"removed\":[]"
		: "\"added\":[],\"added_count\":0,\"removed\":[\"text z\"]"));
	/* Now it is a block as any other. */
	look(s, VARIANT_NORMAL, last);
	story_expect(s, "");
	look(s, VARIANT_NORMAL, first);
	look(s, VARIANT_NORMAL, first);
	story_expect(s, "content.changed uri\n");
}

static void
what_flickered_and_stays_away_is_told(void **state)
{
	struct story s;

	(void)state;
	flicker_then(&s, false);
	story_end(&s);
}

static void
what_flickered_and_stands_is_told(void **state)
{
	struct story s;

	(void)state;
	flicker_then(&s, true);
	story_end(&s);
}

/* The same of one that stands in a place where nothing else ever did. */
static void
what_comes_and_goes_alone_is_told_when_it_stands(void **state)
{
	static const char without[] = "block head x;block news a;block foot x";
	struct story s;

	(void)state;
	begin(&s);
	look(&s, VARIANT_NORMAL, without);
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "content.changed uri\n");
	page(&s, VARIANT_TWIN, "one", "a");
	for (int i = 0; i < 12; i++) {
		look(&s, VARIANT_NORMAL, without);
		page(&s, VARIANT_NORMAL, "one", "a");
	}
	buf_clear(&s.lines);
	for (int i = 0; i < 22; i++)
		page(&s, VARIANT_NORMAL, "one", "a");
	story_expect(&s, "");
	page(&s, VARIANT_NORMAL, "one", "a");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"added\":[\"one y\"]"));
	story_end(&s);
}

/* Where other things came before, each may stay away. */
static void
what_leaves_a_shared_place_is_told_at_once(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	page(&s, VARIANT_NORMAL, "one", "a");
	page(&s, VARIANT_NORMAL, "two", "a");
	story_expect(&s, "target.baseline uri\ncontent.changed uri\n");
	look(&s, VARIANT_NORMAL, "block head x;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

static void
what_is_missing_twice_is_told_once(void **state)
{
	static const char with[] = "block head x;block text z;block foot x";
	static const char without[] = "block head x;block foot x";
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, with);
	story_expect(&s, "target.baseline uri\n");
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"removed\":[\"text z\"]"));
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL, with);
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* With other news it is told at once: nothing is kept back. */
static void
what_is_missing_beside_news_is_told(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, "block head x;block text z;block foot x");
	story_expect(&s, "target.baseline uri\n");
	look(&s, VARIANT_NORMAL, "block head x;block foot x;block news a");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"removed\":[\"text z\"]"));
	story_end(&s);
}

/* One block comes and goes; another that comes as it goes is no part of it. */
static void
third_thing_comes_after(int rounds)
{
	static const char without[] = "block head x;block news a;block foot x";
	struct story s;

	begin(&s);
	look(&s, VARIANT_NORMAL, without);
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "content.changed uri\n");
	page(&s, VARIANT_TWIN, "one", "a");
	for (int i = 0; i < rounds; i++) {
		look(&s, VARIANT_NORMAL, without);
		page(&s, VARIANT_NORMAL, "one", "a");
	}
	story_expect(&s, "");
	page(&s, VARIANT_NORMAL, "other", "a");
	story_expect(&s, "content.changed uri\n");
	page(&s, VARIANT_NORMAL, "one", "a");
	look(&s, VARIANT_NORMAL, without);
	story_end(&s);
}

/* Soon, as long as there was but one thing. */
static void
third_thing_is_told(void **state)
{
	(void)state;
	third_thing_comes_after(12);
	third_thing_comes_after(2);
}

/* What stood still goes while the block beside it that comes and goes is not
 * there: no doing of that block. */
static void
fixed_point_gone_is_told(void **state)
{
	static const char with[] = "block head x;block one y;block text z;"
				   "block news a;block foot x";
	static const char without[] = "block head x;block text z;block news a;"
				      "block foot x";
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, with);
	look(&s, VARIANT_NORMAL, without);
	look(&s, VARIANT_NORMAL, without);
	story_expect(&s, "target.baseline uri\ncontent.changed uri\n");
	look(&s, VARIANT_TWIN, with);
	for (int i = 0; i < 12; i++) {
		look(&s, VARIANT_NORMAL, with);
		look(&s, VARIANT_NORMAL, without);
	}
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL, "block head x;block news a;block foot x");
	look(&s, VARIANT_NORMAL, "block head x;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"removed\":[\"text z\"]"));
	/* The other goes on as before. */
	for (int i = 0; i < 4; i++) {
		page(&s, VARIANT_NORMAL, "one", "a");
		look(&s, VARIANT_NORMAL,
		    "block head x;block news a;block foot x");
	}
	story_expect(&s, "");
	story_end(&s);
}

/* The same while a second look is taken. */
static void
fixed_point_gone_from_a_twin_is_told(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, "block head x;block text z;block q0 y");
	for (int i = 1; i < 9; i++) {
		char *text =
		    xasprintf("block head x;block text z;block q%d y", i);

		look(&s, i == 1 ? VARIANT_TWIN : VARIANT_NORMAL, text);
		free(text);
	}
	story_expect(&s, "target.baseline uri\n");
	look(&s, VARIANT_TWIN, "block head x;block q9 y");
	look(&s, VARIANT_NORMAL, "block head x;block q10 y");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* A text edited beside a quotation that is not known yet makes its place no
 * wider: what comes beside it later is told. */
static void
place_is_as_wide_as_what_changes(void **state)
{
	struct story s;
	char *text;

	(void)state;
	begin(&s);
	for (int i = 0; i < 24; i++) {
		text = xasprintf("block head x;block q%d y;block %s z;"
				 "block news a;block foot x",
		    i, i < 2 ? "old" : "text");
		look(&s, VARIANT_NORMAL, text);
		free(text);
	}
	assert_true(store_commit(s.store));
	buf_clear(&s.told);
	look(&s, VARIANT_NORMAL,
	    "block head x;block q y;block more m;block text z;block news a;"
	    "block foot x");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* A text that a twin was the first to see beside a quotation: it outlasts all
 * that stands there, and is the page's own again. */
static void
what_outlasts_the_place_rejoins(void **state)
{
	struct story s;
	char *text;

	(void)state;
	begin(&s);
	for (int i = 0; i < 20; i++) {
		text = xasprintf("block head x;block q%d y;block text z;"
				 "block news a;block foot x",
		    i);
		look(&s, i == 0 ? VARIANT_TWIN : VARIANT_NORMAL, text);
		free(text);
	}
	assert_true(store_commit(s.store));
	buf_clear(&s.told);
	look(&s, VARIANT_NORMAL,
	    "block head x;block q y;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	/* Nothing else did: the place is one block wide again. */
	for (int i = 0; i < 3; i++)
		page(&s, VARIANT_NORMAL, i % 2 == 0 ? "q1" : "q2", "a");
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL,
	    "block head x;block q3 y;block more m;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* What stands around a place may change at once, and be told: it is the same
 * place. */
static void
place_follows_its_neighbours(void **state)
{
	struct story s;
	char *text;

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "two", "a");
	page(&s, VARIANT_NORMAL, "three", "a");
	page(&s, VARIANT_NORMAL, "four", "a");
	story_expect(&s, "");
	for (int i = 0; i < 8; i++)
		page(&s, VARIANT_NORMAL, i % 2 == 0 ? "five" : "four", "a");
	/* The block before it goes, those behind it change places. */
	look(&s, VARIANT_NORMAL,
	    "block four y;block foot x;block news a;block end z");
	story_expect(&s, "content.changed uri\n");
	for (int i = 0; i < 4; i++) {
		text = xasprintf("block b%d y;block foot x;block news a;"
				 "block end z",
		    i);
		look(&s, VARIANT_NORMAL, text);
		free(text);
	}
	story_expect(&s, "");
	story_end(&s);
}

/* A place that was never empty: what comes beside what stands there is no part
 * of it, though nothing tells the two apart. */
static void
addition_beside_a_banner_is_told(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "two", "a");
	for (int i = 0; i < 8; i++)
		page(&s, VARIANT_NORMAL, i % 2 == 0 ? "three" : "four", "a");
	story_expect(&s, "");
	look(&s, VARIANT_NORMAL,
	    "block head x;block five y;block more m;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	look(&s, VARIANT_NORMAL,
	    "block head x;block five y;block more m;block next n;block news a;"
	    "block foot x");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

/* One twin differs, the next does not. */
static void
twins_that_disagree(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	page(&s, VARIANT_TWIN, "two", "a");
	page(&s, VARIANT_TWIN, "one", "a");
	for (int i = 0; i < 5; i++)
		page(&s, VARIANT_NORMAL, "two", "a");
	story_expect(&s, "");
	story_end(&s);
}

/* A block really went between the twins. */
static void
removal_between_twins_is_told(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 3; i++)
		look(&s, i == 0 ? VARIANT_TWIN : VARIANT_NORMAL,
		    "block head x;block news a;block foot x");
	story_expect(&s, "content.changed uri\n");
	story_end(&s);
}

static void
order_means_nothing(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	look(&s, VARIANT_NORMAL,
	    "block news a;block foot x;block one y;"
	    "block head x");
	story_expect(&s, "");
	story_end(&s);
}

/* A banner with a channel and a share button comes and goes: told when it is
 * first seen, and again only when it stays away for long. */
static void
links_rotate(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL,
	    "channel vk a;channel youtube b;share vk;block x");
	look(&s, VARIANT_TWIN, "channel vk a;block x");
	story_expect(&s, "target.baseline uri\n");
	for (int i = 0; i < 40; i++)
		look(&s, VARIANT_NORMAL,
		    i % 6 == 0
			? "channel vk a;channel youtube b;share vk;block x"
			: "channel vk a;block x");
	story_expect(&s, "");
	for (int i = 0; i < 30; i++)
		look(&s, VARIANT_NORMAL, "channel vk a;block x");
	story_expect(&s,
	    "channel.removed uri youtube b 2>1\n"
	    "share.removed uri vk 1>0\n");
	story_end(&s);
}

/* A link that a twin was the first to see comes and goes as any other. */
static void
twin_sees_it_first(void **state)
{
	struct story s;

	(void)state;
	for (int twins = 1; twins <= 3; twins++) {
		story_begin(&s, NULL);
		look(&s, VARIANT_NORMAL, "channel vk a;block x");
		for (int i = 0; i < twins; i++)
			look(&s, VARIANT_TWIN,
			    "channel vk a;channel youtube b;block x");
		for (int i = 0; i < 2; i++)
			look(&s, VARIANT_NORMAL,
			    "channel vk a;channel youtube b;block x");
		story_expect(&s,
		    "target.baseline uri\n"
		    "channel.added uri youtube b 1>2\n");
		for (int i = 0; i < 3; i++)
			look(&s, i == 0 ? VARIANT_NORMAL : VARIANT_CONFIRM,
			    "channel vk a;block x");
		story_expect(&s, "channel.removed uri youtube b 2>1\n");
		story_end(&s);
	}
}

static void
dates_in_titles_mean_nothing(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	look(&s, VARIANT_NORMAL, "title 2018-03-18;block x y");
	look(&s, VARIANT_NORMAL, "title 2018-03-19;block x y");
	story_expect(&s, "target.baseline uri\n");
	look(&s, VARIANT_NORMAL, "title Naenara;block x y");
	story_expect(&s, "title.changed uri\n");
	story_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(twins_show_what_is_volatile),
	    cmocka_unit_test(change_is_told_without_the_volatile),
	    cmocka_unit_test(change_between_twins_is_told),
	    cmocka_unit_test(history_shows_it_too),
	    cmocka_unit_test(totals_count_what_is_left_out),
	    cmocka_unit_test(news_are_no_noise),
	    cmocka_unit_test(quiet_places_rejoin),
	    cmocka_unit_test(what_blinks_is_known_from_a_twin),
	    cmocka_unit_test(what_is_missing_once_is_not_told),
	    cmocka_unit_test(what_flickered_and_stays_away_is_told),
	    cmocka_unit_test(what_flickered_and_stands_is_told),
	    cmocka_unit_test(what_comes_and_goes_alone_is_told_when_it_stands),
	    cmocka_unit_test(what_leaves_a_shared_place_is_told_at_once),
	    cmocka_unit_test(what_is_missing_twice_is_told_once),
	    cmocka_unit_test(what_is_missing_beside_news_is_told),
	    cmocka_unit_test(third_thing_is_told),
	    cmocka_unit_test(fixed_point_gone_is_told),
	    cmocka_unit_test(fixed_point_gone_from_a_twin_is_told),
	    cmocka_unit_test(place_is_as_wide_as_what_changes),
	    cmocka_unit_test(what_outlasts_the_place_rejoins),
	    cmocka_unit_test(place_follows_its_neighbours),
	    cmocka_unit_test(addition_beside_a_banner_is_told),
	    cmocka_unit_test(twins_that_disagree),
	    cmocka_unit_test(removal_between_twins_is_told),
	    cmocka_unit_test(order_means_nothing),
	    cmocka_unit_test(links_rotate),
	    cmocka_unit_test(twin_sees_it_first),
	    cmocka_unit_test(dates_in_titles_mean_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When things are due, how fast an address is asked, what robots.txt says. */
#include "cm.h"

#include "schedule.h"
#include "zone_turns.h"

#define SECOND INT64_C(1000000)

static void
test_heap_gives_tasks_in_order(void **state)
{
	struct schedule s;
	struct task tasks[500];
	int64_t last = INT64_MIN;
	size_t seen = 0;

	(void)state;
	memset(tasks, 0, sizeof tasks);
	schedule_init(&s);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		schedule_set(&s, &tasks[i], (int64_t)(i * 7919 % 503));
	/* Moved and removed ones keep the order whole. */
	schedule_set(&s, &tasks[3], -1);
	for (size_t i = 10; i < 60; i++)
		schedule_remove(&s, &tasks[i]);
	schedule_remove(&s, &tasks[10]);
	while (schedule_first(&s) != NULL) {
		struct task *t = schedule_first(&s);

		assert_true(t->due >= last);
		last = t->due;
		schedule_remove(&s, t);
		assert_int_equal(t->place, 0);
		seen++;
	}
	assert_int_equal(seen, ARRAY_LEN(tasks) - 50);
	schedule_release(&s);
}

static void
test_starts_are_spread(void **state)
{
	unsigned tenth[10] = {0};
	char key[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t at;

		snprintf(key, sizeof key, "site-%d", i);
		at = schedule_start(span_of(key), 0, 1000);
		assert_in_range(at, 0, 999);
		tenth[at / 100]++;
	}
	for (size_t i = 0; i < 10; i++)
		assert_in_range(tenth[i], 850, 1150);
}

static void
test_next_stays_near_the_interval(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 1000; round++)
		assert_in_range(schedule_next(SPAN("x"), round, 5000, 1000),
		    5900, 6100);
	assert_int_equal(schedule_retry(0, 20, 120), 20);
	assert_int_equal(schedule_retry(1, 20, 120), 40);
	assert_int_equal(schedule_retry(40, 20, 120), 120);
}

static void
test_pace_spaces_one_address(void **state)
{
	struct pace *p = pace_new(2 * SECOND);

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(pace_reserve(p, SPAN("175.45.176.81"), 100),
		    100 + i * 2 * SECOND);
	assert_int_equal(pace_reserve(p, SPAN("175.45.176.71"), 100), 100);
	pace_hold(p, SPAN("175.45.176.71"), 900 * SECOND);
	assert_int_equal(pace_reserve(p, SPAN("175.45.176.71"), 200),
	    900 * SECOND);
	pace_free(p);
}

/* An edge that took us and refuses after a burst is slowed and the refusal
 * is ours; one that was never up is simply down. */
static void
test_pace_blames_itself_only_after_a_burst(void **state)
{
	struct pace *p = pace_new(SECOND);
	struct span edge = SPAN("192.0.2.9"), dead = SPAN("192.0.2.10");

	(void)state;
	for (int i = 0; i < 5; i++) {
		pace_reserve(p, edge, i * SECOND);
		assert_false(pace_result(p, edge, true, i * SECOND));
		pace_reserve(p, dead, i * SECOND);
		assert_false(pace_result(p, dead, false, i * SECOND));
	}
	assert_true(pace_result(p, edge, false, 6 * SECOND));
	assert_int_equal(pace_spacing(p, edge), 2 * SECOND);
	/* Slower attempts that fail too: it is down, whoever asks. */
	for (int i = 0; i < 5; i++)
		assert_true(pace_result(p, edge, false, (7 + i) * SECOND));
	assert_false(pace_result(p, edge, false, 13 * SECOND));
	/* Long after it last took us, it is down like any other. */
	assert_false(pace_result(p, edge, false, 3600 * SECOND));
	for (int i = 0; i < 60; i++)
		pace_result(p, edge, true, (3700 + i) * SECOND);
	assert_int_equal(pace_spacing(p, edge), SECOND);
	pace_free(p);
}

static bool
robots(const char *body, const char *path)
{
	return robots_allows(span_of(body), SPAN("kpwatch"), span_of(path));
}

static void
test_robots(void **state)
{
	static const char groups[] =
	    "User-agent: other\nDisallow: /\n\n"
	    "User-Agent: KPWatch\nUser-agent: second\n"
	    "Disallow: /private # why\nAllow: /private/open\n"
	    "\nUser-agent: *\nDisallow: /\n";

	(void)state;
	assert_true(robots("", "/x"));
	assert_false(robots("User-agent: *\nDisallow: /", "/x"));
	assert_true(robots("User-agent: *\nDisallow:", "/x"));
	assert_true(robots(groups, "/article/1"));
	assert_false(robots(groups, "/private/1"));
	assert_true(robots(groups, "/private/open/1"));
	assert_true(robots(groups, "/robots.txt"));
	assert_false(
	    robots("user-agent:*\r\ndisallow:/*.php$\r\n", "/a/b.php"));
	assert_true(robots("user-agent:*\r\ndisallow:/*.php$\r\n", "/b.php?x"));
	/* Equal length: allow wins (RFC 9309 section 2.2.2). */
	assert_true(robots("User-agent: *\nDisallow: /p\nAllow: /p\n", "/p"));
	assert_true(robots("\xef\xbb\xbfUser-agent: kpwatch\nAllow: /\n", "/"));
}

/* A path is the same however it is escaped (RFC 9309 section 2.2.2). */
static void
test_robots_of_escapes(void **state)
{
	static const struct {
		const char *rule, *path;
		bool allowed;
	} cases[] = {{"/기사/", "/%EA%B8%B0%EC%82%AC/1", false},
	    {"/%ea%b8%b0%ec%82%ac/", "/%EA%B8%B0%EC%82%AC/1", false},
	    {"/%EA%B8%B0%EC%82%AC/", "/기사/1", false},
	    {"/a%62c", "/abc", false}, {"/~u", "/%7eu", false},
	    {"/a%2Fb", "/a/b", true}, {"/a%2fb", "/a%2Fb", false},
	    {"/a b", "/a%20b", false}, {"/f-%2A.html", "/f-*.html", false},
	    {"/f-%2A.html", "/f-1.html", true}, {"/f%24", "/f$", false},
	    {"/f$", "/f$x", true}, {"/기*$", "/%EA%B8%B0%EC%82%AC", false},
	    {"/100%", "/100%25", false}, {"/100%", "/100%", false}};
	char body[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(body, sizeof body, "User-agent: *\nDisallow: %s\n",
		    cases[i].rule);
		if (robots(body, cases[i].path) != cases[i].allowed)
			fail_msg("%s and %s", cases[i].rule, cases[i].path);
	}
	/* Lines of the old Macintosh. */
	assert_false(robots("User-agent: *\rDisallow: /a\rAllow: /b\r", "/a"));
	assert_true(robots("User-agent: *\rDisallow: /a\rAllow: /b\r", "/b"));
}

static void
test_robots_of_wildcards_is_refused(void **state)
{
	struct buf body = BUF_INIT(1 << 20);

	(void)state;
	buf_add_str(&body, "User-agent: *\n");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&body, "Disallow: /*a*a*a*a*a*a*a*b\n");
	assert_false(robots_allows(buf_span(&body), SPAN("kpwatch"),
	    SPAN("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
	buf_release(&body);
}

static bool
is_due(struct zone_turns *t, const char *host, int64_t now)
{
	struct span zone = zone_turn(t, span_of(host), now);

	assert_true(zone.p == NULL || span_is_i(zone, "kcna.example") ||
	    span_is_i(zone, "other.example"));
	return zone.p != NULL;
}

/* Who serves a zone: once a day, a failed question sooner, and then later and
 * later. */
static void
test_zones_are_asked_again(void **state)
{
	const int64_t minute = 60 * SECOND, day = 1440 * minute;
	struct zone_turns *t = zone_turns_new();
	const char *zone = "kcna.example";
	int64_t now = 5 * SECOND;

	(void)state;
	assert_true(is_due(t, zone, now));
	assert_false(is_due(t, zone, now + 9 * minute));
	assert_true(is_due(t, "other.example", now + 9 * minute));
	for (int64_t wait = 10 * minute; wait < day; wait *= 2) {
		assert_false(is_due(t, zone, now + wait - 1));
		now += wait;
		assert_true(is_due(t, "KCNA.example", now));
	}
	assert_false(is_due(t, zone, now + day - 1));
	assert_true(is_due(t, zone, now + day));
	now += day + SECOND;
	zone_answered(t, span_of(zone), now);
	assert_false(is_due(t, zone, now + day - 1));
	assert_true(is_due(t, zone, now + day));
	/* It answered before: what failed now is new. */
	assert_true(is_due(t, zone, now + day + 10 * minute));
	zone_turns_free(t);
}

/* However many there are, none is asked more often. */
static void
test_many_zones(void **state)
{
	struct zone_turns *t = zone_turns_new();
	char host[32];

	(void)state;
	for (int64_t now = 0; now < 9 * 60 * SECOND; now += 100 * SECOND)
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(host, sizeof host, "www.z%u.example", i);
			assert_int_equal(now == 0,
			    zone_turn(t, span_of(host), now).p != NULL);
		}
	zone_turns_free(t);
}

/* Its hosts have one time together, whichever of them is looked at. */
static void
test_hosts_share_their_zone(void **state)
{
	const int64_t minute = 60 * SECOND, day = 1440 * minute;
	struct zone_turns *t = zone_turns_new();

	(void)state;
	assert_true(is_due(t, "www.kcna.example", 0));
	assert_false(is_due(t, "m.kcna.example", 0));
	zone_answered(t, SPAN("kcna.example"), minute);
	assert_false(is_due(t, "m.kcna.example", 11 * minute));
	assert_false(is_due(t, "www.kcna.example", 11 * minute));
	assert_false(is_due(t, "www.kcna.example", minute + day - 1));
	assert_true(is_due(t, "m.kcna.example", minute + day));
	assert_false(is_due(t, "www.kcna.example", minute + day));
	assert_true(is_due(t, "www.kcna.example", 11 * minute + day));
	zone_turns_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_heap_gives_tasks_in_order),
	    cmocka_unit_test(test_starts_are_spread),
	    cmocka_unit_test(test_next_stays_near_the_interval),
	    cmocka_unit_test(test_pace_spaces_one_address),
	    cmocka_unit_test(test_pace_blames_itself_only_after_a_burst),
	    cmocka_unit_test(test_zones_are_asked_again),
	    cmocka_unit_test(test_hosts_share_their_zone),
	    cmocka_unit_test(test_many_zones),
	    cmocka_unit_test(test_robots),
	    cmocka_unit_test(test_robots_of_escapes),
	    cmocka_unit_test(test_robots_of_wildcards_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

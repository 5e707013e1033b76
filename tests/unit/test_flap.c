/*
 * A target that comes and goes is told once as flapping and once as steady;
 * targets that change together carry one cluster.
 */
#include "story.h"

#include "flap.h"

#define DAY INT64_C(86400000)

static void
it_takes_much_to_begin(void **state)
{
	struct flap f;

	(void)state;
	flap_init(&f);
	for (int i = 0; i < 200; i++) {
		/* One failure in eight looks is not flapping. */
		flap_look(&f, i % 8 == 0);
		assert_false(flap_begins(&f, i));
	}
	for (int i = 0; i < 16; i++)
		flap_look(&f, i % 2 == 0);
	assert_true(flap_begins(&f, 300));
	assert_false(flap_begins(&f, 301));
	for (int i = 0; i < 26; i++)
		flap_look(&f, false);
	assert_false(flap_ends(&f, 400));
	for (int i = 0; i < 8; i++)
		flap_look(&f, false);
	assert_true(flap_ends(&f, 500));
	assert_false(flap_ends(&f, 501));
}

static void
changes_of_a_day(void **state)
{
	struct flap f;

	(void)state;
	flap_init(&f);
	for (int i = 0; i < 20; i++) {
		flap_change(&f, i * DAY / 4);
		assert_false(flap_begins(&f, i * DAY / 4));
	}
	for (int i = 0; i < 6; i++)
		flap_change(&f, 30 * DAY + i);
	assert_true(flap_begins(&f, 30 * DAY + 6));
	assert_false(flap_ends(&f, 30 * DAY + 7));
	assert_true(flap_ends(&f, 32 * DAY));
}

static void
down_and_up(struct story *s)
{
	for (int i = 0; i < 3; i++)
		story_fail(s, "one", FAILURE_TIMEOUT);
	for (int i = 0; i < 2; i++)
		story_see(s, "one", "block x");
}

static void
told_once_with_its_end(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "one", "block x");
	for (int i = 0; i < 9; i++)
		down_and_up(&s);
	story_expect(&s,
	    "target.baseline one\nsite.down one\nsite.up one\n"
	    "site.down one\nsite.up one\nsite.down one\n"
	    "site.flapping one\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"attempts\":32"));
	s.now += 2 * DAY;
	for (int i = 0; i < 40; i++)
		story_see(&s, "one", "block x");
	/* The last that was told was down. */
	story_expect(&s, "site.steady one\nsite.up one\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"suppressed\":13"));
	for (int i = 0; i < 3; i++)
		story_fail(&s, "one", FAILURE_TIMEOUT);
	story_expect(&s, "site.down one\n");
	story_end(&s);
}

/* `answer`: an address, and after a blank a name server of the zone. */
static void
see_at(struct story *s, const char *target, const char *answer,
    const char *text)
{
	struct span rest = span_of(answer), address = span_token(&rest, ' ');

	struct observation o;
	struct finding f;
	char *url = xasprintf("http://%s.example/", target);
	struct hop *h = look_begin(&o, &f, target, "main", url);

	h->status = 200;
	h->stage = STAGE_BODY;
	h->dns.host = xasprintf("%s.example", target);
	dns_record_add(&h->dns, SPAN("A"), 0, address);
	if (rest.n > 0)
		dns_record_add(&h->dns, SPAN("NS"), 0, rest);
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
	free(url);
}

static void
expect_end(struct story *s, const char *target, const char *want)
{
	char *key = xasprintf("\"target\":\"%s\"", target), *at;

	assert_true(store_commit(s->store));
	at = strstr(buf_str(&s->lines), key);
	while (at != NULL && strstr(at + 1, key) != NULL)
		at = strstr(at + 1, key);
	assert_non_null(at);
	*strchr(at, '\n') = '\0';
	if (want == NULL)
		assert_null(strstr(at, "cluster"));
	else
		assert_non_null(strstr(at, want));
	free(key);
	buf_clear(&s->lines);
}

static void
clusters_name_their_cause(void **state)
{
	static const char *const where[][2] = {{"a", "192.0.2.1"},
	    {"b", "192.0.2.1"}, {"c", "192.0.2.9"}, {"d", "198.51.100.7"},
	    {"e", "203.0.113.3"}, {"f", "203.0.114.3 ns1.kp.example"},
	    {"g", "203.0.115.3 NS1.kp.example"}};
	struct target targets[2];
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	memset(targets, 0, sizeof targets);
	targets[0].id = (char *)"c";
	targets[1].id = (char *)"d";
	targets[0].operator_name = targets[1].operator_name =
	    (char *)"the same people";
	s.config.targets = targets;
	s.config.ntargets = 2;
	for (size_t i = 0; i < ARRAY_LEN(where); i++)
		see_at(&s, where[i][0], where[i][1], "block x");
	see_at(&s, "a", "192.0.2.1", "share vk;block x");
	expect_end(&s, "a", NULL);
	see_at(&s, "b", "192.0.2.1", "share vk;block x");
	expect_end(&s, "b",
	    "\"cluster\":\"a@2019-01-14T06:00:07.000Z\",\"cause\":\"same "
	    "address\"");
	see_at(&s, "c", "192.0.2.9", "share vk;block x");
	expect_end(&s, "c",
	    "\"cluster\":\"a@2019-01-14T06:00:07.000Z\",\"cause\":\"same "
	    "network\"");
	/* Another thing that the same do is no part of it. */
	see_at(&s, "c", "192.0.2.9", "share vk;share weibo;block x");
	expect_end(&s, "c", NULL);
	see_at(&s, "d", "198.51.100.7", "share weibo;block x");
	expect_end(&s, "d",
	    "\"cluster\":\"c@2019-01-14T06:00:10.000Z\",\"cause\":\"same "
	    "owner\"");
	/* Their names were asked for at the first look alone. */
	see_at(&s, "f", "203.0.114.3", "share naver;block x");
	expect_end(&s, "f", NULL);
	see_at(&s, "g", "203.0.115.3", "share naver;block x");
	expect_end(&s, "g", "\"cause\":\"same name server\"");
	see_at(&s, "e", "203.0.113.3", "share weibo;block x");
	expect_end(&s, "e",
	    "\"cluster\":\"c@2019-01-14T06:00:10.000Z\",\"cause\":\"none "
	    "known\"");
	s.config.ntargets = 0;
	story_end(&s);
}

static void
strangers_and_other_days_are_none(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	see_at(&s, "a", "192.0.2.1", "block x");
	see_at(&s, "b", "198.51.100.1", "block x");
	see_at(&s, "c", "192.0.2.1", "block x");
	see_at(&s, "a", "192.0.2.1", "share vk;block x");
	see_at(&s, "b", "198.51.100.1", "share vk;block x");
	expect_end(&s, "b", NULL);
	s.now += 3 * DAY;
	see_at(&s, "c", "192.0.2.1", "share vk;block x");
	expect_end(&s, "c", NULL);
	story_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_takes_much_to_begin),
	    cmocka_unit_test(changes_of_a_day),
	    cmocka_unit_test(told_once_with_its_end),
	    cmocka_unit_test(clusters_name_their_cause),
	    cmocka_unit_test(strangers_and_other_days_are_none),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

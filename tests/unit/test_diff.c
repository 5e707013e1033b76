/*
 * Stories the program exists for, told to the store in memory: what must be
 * reported, and what must not.
 */
#include "story.h"

#define FIVE "share facebook;share twitter;share weibo;share qq;share pinterest"
#define TWELVE                                                                 \
	"share vk;share line;share kakao;share band;share naver;"              \
	"share telegram;share whatsapp;share reddit;share tumblr;"             \
	"share linkedin;share digg;share blogger"

static void
sogwang_shares(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "sogwang", FIVE ";block hello");
	story_expect(&s, "target.baseline sogwang\n");
	story_see(&s, "sogwang", FIVE ";block hello");
	story_expect(&s, "");
	story_see(&s, "sogwang", FIVE ";" TWELVE ";block hello");
	story_expect(&s,
	    "share.added sogwang vk 5>17\n"
	    "share.added sogwang line 5>17\nshare.added sogwang kakao 5>17\n"
	    "share.added sogwang band 5>17\nshare.added sogwang naver 5>17\n"
	    "share.added sogwang telegram 5>17\n"
	    "share.added sogwang whatsapp 5>17\n"
	    "share.added sogwang reddit 5>17\n"
	    "share.added sogwang tumblr 5>17\n"
	    "share.added sogwang linkedin 5>17\n"
	    "share.added sogwang digg 5>17\n"
	    "share.added sogwang blogger 5>17\n");
	story_see(&s, "sogwang", FIVE ";" TWELVE ";block hello");
	story_expect(&s, "");
	story_end(&s);
}

static void
channels_come_and_go(void **state)
{
	struct story s;
	const char *both = "channel youtube @a;channel vk b";

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "channel vk b;channel vk b");
	story_see(&s, "uri", both);
	story_expect(&s,
	    "target.baseline uri\n"
	    "channel.added uri youtube @a 1>2\n");
	/* Away for one look, or two: nothing. */
	story_see(&s, "uri", "channel vk b");
	assert_true(s.advice.confirm_soon);
	story_see(&s, "uri", "channel vk b");
	story_see(&s, "uri", both);
	assert_false(s.advice.confirm_soon);
	story_see(&s, "uri", "channel vk b");
	story_see(&s, "uri", "channel vk b");
	story_expect(&s, "");
	story_see(&s, "uri", "channel vk b");
	story_expect(&s, "channel.removed uri youtube @a 2>1\n");
	story_see(&s, "uri", "channel vk b");
	story_expect(&s, "");
	/* Back again: it had been lost. */
	story_see(&s, "uri", both);
	story_expect(&s, "channel.added uri youtube @a 1>2\n");
	story_end(&s);
}

static void
case_is_no_change(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "channel caseless Foo;channel vk b");
	story_expect(&s, "target.baseline uri\n");
	for (int i = 0; i < 5; i++)
		story_see(&s, "uri", "channel caseless foo;channel vk b");
	story_expect(&s, "");
	story_see(&s, "uri", "channel caseless foo;channel vk b;channel vk B");
	story_expect(&s, "channel.added uri vk B 2>3\n");
	story_end(&s);
}

static void
failures_remove_nothing(void **state)
{
	struct story s;
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "channel vk b;block x");
	for (int i = 0; i < 5; i++) {
		h = look_begin(&o, &f, "uri", "main", "http://uri.example/");
		h->status = 200;
		h->body_cut = true;
		h->outcome = OUTCOME_TOO_LARGE;
		look_hash(&f, "cut");
		story_look(&s, &o, &f);
	}
	story_expect(&s, "target.baseline uri\n");
	for (int i = 0; i < 5; i++) {
		h = look_begin(&o, &f, "uri", "main", "http://uri.example/");
		h->status = 403;
		f.page_class = PAGE_BOT_WALL;
		look_hash(&f, "wall");
		story_look(&s, &o, &f);
	}
	story_expect(&s, "site.degraded uri\n");
	story_see(&s, "uri", "channel vk b;block x");
	story_see(&s, "uri", "channel vk b;block x");
	story_expect(&s, "site.up uri\n");
	story_end(&s);
}

/* One look that says something else changes no verdict. */
static void
odd_look_in_an_outage(void **state)
{
	struct story s;
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "block x");
	for (int i = 0; i < 12; i++)
		story_fail(&s, "uri", FAILURE_TIMEOUT);
	story_expect(&s, "target.baseline uri\nsite.down uri\n");
	h = look_begin(&o, &f, "uri", "main", "http://uri.example/");
	h->status = 503;
	h->failure = FAILURE_HTTP_STATUS;
	look_hash(&f, "busy");
	story_look(&s, &o, &f);
	story_fail(&s, "uri", FAILURE_TIMEOUT);
	story_expect(&s, "");
	story_see(&s, "uri", "block x");
	story_see(&s, "uri", "block x");
	story_expect(&s, "site.up uri\n");
	story_end(&s);
}

/* An address that we refuse to connect to: our doing, whatever it means. */
static void
refused_by_policy(void **state)
{
	struct story s;
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "channel vk b;block x");
	for (int i = 0; i < 8; i++) {
		h = look_begin(&o, &f, "uri", "main", "http://uri.example/");
		h->outcome = OUTCOME_BLOCKED_BY_POLICY;
		h->stage = STAGE_TCP;
		f.status = ANALYSIS_NONE;
		story_look(&s, &o, &f);
	}
	story_expect(&s, "target.baseline uri\n");
	story_end(&s);
}

static void
players_and_many(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "player youku;player vk");
	story_see(&s, "uri",
	    "player youku;player vk;player youtube;"
	    "player youtube");
	story_expect(&s,
	    "target.baseline uri\n"
	    "player.added uri youtube 2>3\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"count\":2"));
	story_end(&s);
}

static void
text_and_title(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", "title A;block one;block two;block two");
	story_see(&s, "uri", "title A;block two;block one;block two");
	story_expect(&s, "target.baseline uri\n");
	story_see(&s, "uri", "title A;block two;block one;block three");
	story_expect(&s, "content.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines),
	    "\"added\":[\"three \"],"
	    "\"added_count\":1,\"removed\":[\"two \"],\"removed_count\":1"));
	story_see(&s, "uri", "title B;block two;block one;block three");
	story_expect(&s, "title.changed uri\n");
	story_end(&s);
}

static void
down_and_up(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "one", "block x");
	story_expect(&s, "target.baseline one\n");
	story_fail(&s, "one", FAILURE_DNS_NXDOMAIN);
	story_fail(&s, "one", FAILURE_DNS_NXDOMAIN);
	assert_true(s.advice.confirm_soon);
	story_expect(&s, "");
	/* Alone in the world: three failures count at once. */
	story_fail(&s, "one", FAILURE_DNS_NXDOMAIN);
	story_expect(&s, "site.down one\n");
	assert_non_null(strstr(buf_str(&s.lines),
	    "\"failure\":\"dns_nxdomain_error\",\"stage\":\"tcp\","
	    "\"verdict\":\"up\",\"since\":\"2019-01-14T06:00:01.000Z\","
	    "\"attempts\":3,"));
	story_fail(&s, "one", FAILURE_TIMEOUT);
	story_see(&s, "one", "block x");
	story_fail(&s, "one", FAILURE_TIMEOUT);
	story_see(&s, "one", "block x");
	story_expect(&s, "");
	story_see(&s, "one", "block x");
	story_expect(&s, "site.up one\n");
	story_end(&s);
}

static void
flapping_is_told_once(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	for (int i = 0; i < 20; i++) {
		story_see(&s, "one", "block x");
		story_fail(&s, "one", FAILURE_TIMEOUT);
		story_fail(&s, "one", FAILURE_TIMEOUT);
	}
	story_expect(&s, "target.baseline one\nsite.flapping one\n");
	story_end(&s);
}

static const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void
baseline_many(struct story *s)
{
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		story_see(s, many[i], "block x");
	assert_true(store_commit(s->store));
	buf_clear(&s->told);
}

static void
vantage_offline(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	baseline_many(&s);
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			story_fail(&s, many[i], FAILURE_NETWORK_UNREACHABLE);
	story_expect(&s, "vantage.offline\n");
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			story_see(&s, many[i], "block x");
	story_expect(&s, "vantage.online\n");
	story_end(&s);
}

/* Shorter than it takes to be sure: still nobody is called down. */
static void
vantage_short_loss(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	baseline_many(&s);
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < 4; i++)
			story_fail(&s, many[i], FAILURE_TIMEOUT);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			story_see(&s, many[i], "block x");
	story_expect(&s, "");
	story_end(&s);
}

static void
six_go_dark(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	baseline_many(&s);
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < 6; i++)
			story_fail(&s, many[i], FAILURE_TIMEOUT);
		story_see(&s, "g", "block x");
		story_see(&s, "h", "block x");
	}
	story_expect(&s,
	    "site.down a\nsite.down b\nsite.down c\n"
	    "site.down d\nsite.down e\nsite.down f\n");
	story_end(&s);
}

static void
one_held_until_another_answers(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	baseline_many(&s);
	for (int i = 0; i < 4; i++)
		story_fail(&s, "a", FAILURE_CONNECTION_REFUSED);
	assert_true(s.advice.confirm_soon);
	story_expect(&s, "");
	story_see(&s, "b", "block x");
	story_expect(&s, "site.down a\n");
	assert_non_null(
	    strstr(buf_str(&s.lines), "\"url\":\"http://a.example/\""));
	story_end(&s);
}

/* The union over pages, and articles that come and go. */
static void
articles(void **state)
{
	struct page_slot slots[] = {{.name = (char *)"main",
					.url = (char *)"http://sg.example/"},
	    {.name = (char *)"article",
		.url = (char *)"http://sg.example/",
		.match = (char *)"http://sg.example/a/*",
		.sample = 2}};
	struct target t = {.id = (char *)"sg",
	    .enabled = true,
	    .pages = slots,
	    .npages = 2};
	struct story s;
	char url[64];

	(void)state;
	story_begin(&s, NULL);
	s.config.targets = &t;
	s.config.ntargets = 1;
	story_see(&s, "sg", "channel vk b");
	story_page(&s, "sg", "article", "http://sg.example/a/1", "share qq");
	story_page(&s, "sg", "article", "http://sg.example/a/2", "share qq");
	story_page(&s, "sg", "article", "http://sg.example/a/1", "share qq");
	story_expect(&s, "target.baseline sg\n");
	/* A new article is no news, a new button on it is. */
	story_page(&s, "sg", "article", "http://sg.example/a/3", "share qq");
	story_expect(&s, "");
	story_page(&s, "sg", "article", "http://sg.example/a/4",
	    "share qq;share vk");
	story_expect(&s, "share.added sg vk 1>2\n");
	/* The button vanishes from new articles: told once, in the end. */
	for (int i = 5; i < 100; i++) {
		snprintf(url, sizeof url, "http://sg.example/a/%d", i);
		story_page(&s, "sg", "article", url, "share qq");
	}
	story_expect(&s, "share.removed sg vk 2>1\n");
	story_end(&s);
}

static void
addresses_and_certificates(void **state)
{
	struct story s;
	static const char *const answers[][3] = {{"192.0.2.1", "192.0.2.2"},
	    {"192.0.2.2", "192.0.2.1"}, {"192.0.2.2", "192.0.2.3"},
	    {"198.51.100.7", NULL}};
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		h = look_begin(&o, &f, "x", "main", "https://x.example/");
		h->status = 200;
		h->dns.host = xstrdup("x.example");
		h->dns.rcode = 0;
		for (size_t n = 0; n < 2 && answers[i][n] != NULL; n++)
			dns_record_add(&h->dns, SPAN("A"), 60,
			    span_of(answers[i][n]));
		h->chain = xcalloc(1, sizeof *h->chain);
		h->nchain = 1;
		memset(h->chain[0].sha256, i < 2 ? 'a' : 'b', 64);
		look_hash(&f, "same");
		story_look(&s, &o, &f);
	}
	story_expect(&s,
	    "target.baseline x\ncertificate.changed x\n"
	    "address.changed x\n");
	story_end(&s);
}

static void
self_inflicted(void **state)
{
	struct story s;
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "one", "block x");
	for (int i = 0; i < 9; i++) {
		h = look_begin(&o, &f, "one", "main", "http://one.example/");
		h->failure = FAILURE_CONNECTION_REFUSED;
		h->outcome = OUTCOME_SELF_INFLICTED;
		f.status = ANALYSIS_NONE;
		story_look(&s, &o, &f);
	}
	story_expect(&s, "target.baseline one\n");
	story_end(&s);
}

/* A page that sends its readers once round to itself, for a cookie or while
 * it is put back, has not moved; one that sends them elsewhere has. */
static void
redirects(void **state)
{
	static const char *const to[] = {NULL, "http://x.example/?again=3",
	    NULL, "http://x.example/ko/?a", "http://x.example/ko/?b"};
	struct story s;
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		h = look_begin(&o, &f, "x", "main", "http://x.example/");
		if (to[i] != NULL) {
			h->status = 302;
			h = observation_add_hop(&o);
			h->url = xstrdup(to[i]);
		}
		h->status = 200;
		h->stage = STAGE_BODY;
		look_hash(&f, "same");
		story_look(&s, &o, &f);
	}
	story_expect(&s, "target.baseline x\nredirect.changed x\n");
	story_end(&s);
}

/* A run of many targets waits for another's answer before any was looked at;
 * so does its replay, while a capture of one site has nobody to wait for. */
static void
held_before_the_others_are_known(void **state)
{
	struct story s;

	(void)state;
	for (uint32_t watched = 0; watched < 4; watched++) {
		story_begin(&s, NULL);
		s.watched = watched;
		for (int i = 0; i < 3; i++)
			story_fail(&s, "a", FAILURE_CONNECTION_REFUSED);
		if (watched < 2) {
			story_expect(&s, "site.down a\n");
		} else {
			story_expect(&s, "");
			story_see(&s, "b", "block x");
			story_expect(&s, "site.down a\ntarget.baseline b\n");
		}
		story_end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sogwang_shares),
	    cmocka_unit_test(channels_come_and_go),
	    cmocka_unit_test(case_is_no_change),
	    cmocka_unit_test(failures_remove_nothing),
	    cmocka_unit_test(odd_look_in_an_outage),
	    cmocka_unit_test(refused_by_policy),
	    cmocka_unit_test(players_and_many),
	    cmocka_unit_test(text_and_title),
	    cmocka_unit_test(down_and_up),
	    cmocka_unit_test(flapping_is_told_once),
	    cmocka_unit_test(vantage_offline),
	    cmocka_unit_test(vantage_short_loss),
	    cmocka_unit_test(six_go_dark),
	    cmocka_unit_test(one_held_until_another_answers),
	    cmocka_unit_test(held_before_the_others_are_known),
	    cmocka_unit_test(articles),
	    cmocka_unit_test(addresses_and_certificates),
	    cmocka_unit_test(redirects),
	    cmocka_unit_test(self_inflicted),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cm.h"

#include "limit.h"
#include "rules.h"

static const char small[] =
    "version: 1\n"
    "reserved: [imprint]\n"
    "subdomains: [static]\n"
    "file_endings: [.php]\n"
    "platforms:\n"
    "- id: tube\n"
    "  name: Tube\n"
    "  kind: video\n"
    "  hosts: [tube.example, tu.be, tube.test]\n"
    "  same: {tube.test: tube.example}\n"
    "  fold: true\n"
    "  reserved: [about, watch]\n"
    "  subdomains: [help]\n"
    "  syntax:\n"
    "    name: {chars: A-Za-z0-9_, min: 2, max: 8, forbid: __}\n"
    "    word: {chars: a-z, max: 3, utf8: true}\n"
    "  urls:\n"
    "  - {channel: '*.tube.example/{account}', of: name,"
    " test: 'http://tube.example/abc', gives: abc}\n"
    "  - {channel: 'tube.example/c/{account}/**', as: 'c/{account}',"
    " test: 'tube.example/c/abc/videos', gives: c/abc}\n"
    "  - {channel: 'tube.example/w/{account}', of: word,"
    " test: 'tube.example/w/abc', gives: abc}\n"
    "  - {content: 'tube.example/watch?v={content}', unverified: true,"
    " test: 'http://tube.example/watch?x=1&V=q', gives: q}\n"
    "  - {content: 'tu.be/{content:d}', test: 'https://tu.be/12',"
    " gives: 12}\n"
    "  - {share: 'tube.example/share?u={url}',"
    " test: 'https://tube.example/share?u=x'}\n"
    "  - {embed: 'tube.example/box?of={url}',"
    " test: 'https://tube.example/box?of=x'}\n"
    "  - {redirect: 'l.tube.example/out?to={url}',"
    " test: 'http://l.tube.example/out?to=http%3A%2F%2Ftu.be%2F7',"
    " gives: 7, gives_kind: content}\n"
    "- id: blogs\n"
    "  name: Blogs\n"
    "  kind: blog\n"
    "  hosts: [blogs.example]\n"
    "  subdomains: [api]\n"
    "  urls:\n"
    "  - {channel: '{account}.blogs.example',"
    " test: 'http://somebody.blogs.example/', gives: somebody}\n"
    "  - {channel: 'blogs.example/{account}',"
    " test: 'http://blogs.example/some.body', gives: some.body}\n"
    "  - {content: 'm.blogs.{tld}/p/{a}-{content:w}',"
    " test: 'http://m.blogs.co.kr/p/a-title-x9', gives: x9}\n"
    "  - {channel: 'blog:{account}', test: 'blog:me', gives: me}\n"
    "  - {share: 'javascript:post()', test: 'javascript:post()'}\n";

static struct rules *
load(const char *yaml)
{
	struct config_errors errors = {NULL, 0, 0};
	struct rules *r = rules_parse(span_of(yaml), "test.yaml", &errors);

	config_errors_print(&errors);
	config_errors_release(&errors);
	return r;
}

/* "platform kind name" of an address. */
static void
expect(const struct rules *r, const char *url, const char *want)
{
	struct match m;
	char got[256] = "nothing";

	match_init(&m);
	if (rules_classify(r, span_of(url), &m))
		snprintf(got, sizeof(got), "%s %s%s%s", m.platform,
		    sighting_kind_name(m.kind), m.has_name ? " " : "",
		    m.has_name ? buf_str(&m.name) : "");
	assert_string_equal(got, want);
	match_release(&m);
}

static void
matches_by_the_rules_of_the_notation(void **state)
{
	static const char *const cases[][2] = {
	    {"http://www.tube.example/abc/", "tube channel abc"},
	    {"HTTPS://M.TUBE.EXAMPLE//abc?x=y#z", "tube channel abc"},
	    {"tube.example/abc", "tube channel abc"},
	    {"//tube.example/abc", "tube channel abc"},
	    {"http://help.tube.example/abc", "tube other"},
	    {"http://tube.example/about", "tube other"},
	    {"http://tube.example/Imprint/", "tube other"},
	    {"http://tube.example/abc.php", "tube other"},
	    {"http://blogs.example/index.PHP", "blogs other"},
	    {"http://blogs.example/index.html", "blogs channel index.html"},
	    {"http://tube.test/abc", "tube channel abc"},
	    {"http://www.tube.test/c/abc/videos", "tube channel c/abc"},
	    {"http://tube.test/watch?v=q9", "tube content q9"},
	    {"http://l.tube.test/out?to=tu.be%2F7", "tube content 7"},
	    {"http://help.tube.test/abc", "tube other"},
	    {"http://xtube.test/abc", "nothing"},
	    {"http://tube.example/a", "tube other"},
	    {"http://tube.example/a__b", "tube other"},
	    {"http://tube.example/longer_name", "tube other"},
	    {"http://tube.example/", "tube other"},
	    {"http://tube.example/c/%EC%9A%B0%EB%A6%AC",
		"tube channel c/\xec\x9a\xb0\xeb\xa6\xac"},
	    {"http://tube.example/w/%EC%9A%B0%EB%A6%ACa",
		"tube channel \xec\x9a\xb0\xeb\xa6\xac"
		"a"},
	    {"http://tube.example/w/%EC%9A%B0%EB%A6%ACab", "tube other"},
	    {"http://tube.example/w/abcd", "tube other"},
	    {"http://tube.example/watch?a=1&amp;v=q9", "tube content q9"},
	    {"http://tube.example/watch?v=%71%2d9%2F%EC%9A%B0%3d",
		"tube content q-9%2F\xec\x9a\xb0%3d"},
	    {"http://tu.be/1%32", "tube content 12"},
	    {"intent://tu.be/7#Intent;scheme=https;end", "tube content 7"},
	    {"INTENT:me#Intent;package=p;scheme=blog;end", "blogs channel me"},
	    {"intent://x#Intent;scheme=other;S.browser_fallback_url="
	     "http%3A%2F%2Ftu.be%2F7;end",
		"tube content 7"},
	    {"intent://tu.be/8#Intent;scheme=http;S.browser_fallback_url="
	     "http%3A%2F%2Ftu.be%2F7;end",
		"tube content 8"},
	    {"http://l.tube.test/out?to=intent%3Ame%23Intent%3Bscheme%3Dblog",
		"blogs channel me"},
	    {"intent:intent:intent:intent:me#Intent;scheme=intent;end",
		"nothing"},
	    {"intent://tu.be/7", "nothing"},
	    {"intent:#Intent;scheme=;S.browser_fallback_url=;end", "nothing"},
	    {"blog://Tube.example/abc?x=y", "tube channel abc"},
	    {"BLOG://l.tube.test/out?to=blog%3A%2F%2Ftu.be%2F7",
		"tube content 7"},
	    {"intent://tu.be/7#Intent;scheme=blog;end", "tube content 7"},
	    {"blog://tube.example/about", "tube other"},
	    {"blog://x.example/abc", "nothing"},
	    {"blog:tube.example/abc", "nothing"},
	    {"blog:/tube.example/abc", "nothing"},
	    {"other://tube.example/abc", "nothing"},
	    {"javascript://tube.example/abc", "nothing"},
	    {"http://tube.example/watch?v=", "tube other"},
	    {"http://tu.be/12x", "tube other"},
	    {"http://l.tube.example/out?to=tube.example%2Fabc",
		"tube channel abc"},
	    {"http://l.tube.example/out?to=http%3A%2F%2Fx.example%2F",
		"tube other"},
	    {"http://tube.example/box?of=http%3A%2F%2Fm.tube.example%2Fabc",
		"tube embed abc"},
	    {"http://tube.example/box?of=tu.be%2F12", "tube embed 12"},
	    {"http://tube.example/box?of=http%3A%2F%2Fme.blogs.example",
		"tube embed"},
	    {"http://tube.example/box?of=tube.example%2Fbox%3Fof%3Dx",
		"tube embed"},
	    {"http://nottube.example/abc", "nothing"},
	    {"http://tube.example.net/abc", "nothing"},
	    {"http://tube.example@evil.net/abc", "nothing"},
	    {"/tube.example/abc", "nothing"},
	    {"http://x.example/?u=http://tube.example/abc", "nothing"},
	    {"http://me.blogs.example", "blogs channel me"},
	    {"http://api.blogs.example", "blogs other"},
	    {"http://static.blogs.example", "blogs other"},
	    {"http://static.tube.example/abc", "tube other"},
	    {"http://any.tube.example/abc", "tube channel abc"},
	    {"http://tube.example/c/%5Babc%5D", "tube other"},
	    {"http://tube.example/c/{abc}/videos", "tube other"},
	    {"http://tube.example/c/<abc>", "tube other"},
	    {"http://tube.example/c/abc.naver", "tube channel c/abc.naver"},
	    {"http://www.blogs.example", "blogs other"},
	    {"http://m.blogs.com/p/x-y-z1", "blogs content z1"},
	    {"http://m.blogs.com.evil.net/p/x-y", "nothing"},
	    {"blog:me", "blogs channel me"},
	    {"", "nothing"},
	};
	struct rules *r = load(small);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(r, cases[i][0], cases[i][1]);
	rules_free(r);
}

static void
passes_its_own_test_lines(void **state)
{
	struct config_errors errors = {NULL, 0, 0};
	struct rules *r = load(small);
	size_t run = 0;

	(void)state;
	assert_true(rules_self_test(r, &errors, &run));
	assert_int_equal(run, 13 + 7); /* those of `same` hosts too */
	assert_int_equal(errors.count, 0);
	rules_free(r);
}

static void
says_where_a_test_line_fails(void **state)
{
	struct config_errors errors = {NULL, 0, 0};
	struct rules *r = load("version: 1\nplatforms:\n- id: a\n  name: A\n"
			       "  urls:\n  - {channel: 'a.example/{account}',\n"
			       "     test: 'http://a.example/x', gives: y}\n");

	(void)state;
	assert_non_null(r);
	assert_false(rules_self_test(r, &errors, NULL));
	assert_int_equal(errors.count, 1);
	assert_int_equal(errors.list[0].line, 7);
	config_errors_release(&errors);
	rules_free(r);
}

#define KIT                                                                    \
	"version: 1\nplatforms:\n- id: a\n  name: A\nkits:\n"                  \
	"- id: k\n  name: K\n"

/* Markup is tested on a page of its own. */
static void
tests_the_markup_of_kits(void **state)
{
	static const struct {
		const char *test, *gives;
		bool good;
	} cases[] = {
	    {"<i class=kit-x>", "share a", true},
	    {"<i class=kit-y>", "share a", false},
	    {"<i class=kit-x>", "channel a", false},
	    {"<i class=kit-x>", "share a name", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_errors errors = {NULL, 0, 0};
		char *yaml = xasprintf(KIT "  markup:\n  - {class: kit-x, "
					   "platform: a, test: '%s', gives: "
					   "%s}\n",
		    cases[i].test, cases[i].gives);
		struct rules *r = load(yaml);

		assert_non_null(r);
		assert_int_equal(rules_self_test(r, &errors, NULL),
		    cases[i].good);
		assert_int_equal(errors.count, cases[i].good ? 0 : 1);
		if (!cases[i].good)
			assert_int_equal(errors.list[0].line, 9);
		config_errors_release(&errors);
		rules_free(r);
		free(yaml);
	}
}

/* However many beginnings the words have. */
static void
knows_each_word_around(void **state)
{
	(void)state;
	for (char last = 'a'; last <= 'z'; last++) {
		struct config_errors errors = {NULL, 0, 0};
		struct buf yaml = BUF_INIT(4 * KIB);
		struct rules *r;
		size_t run = 0;

		buf_add_str(&yaml,
		    "version: 1\nplatforms:\n- id: plat\n  name: P\n"
		    "  hosts: [plat.example]\n  words: [plat]\n  urls:\n"
		    "  - {share: 'plat.example/s?u={url}',"
		    " test: 'http://plat.example/s?u=x'}\n"
		    "share_words: [share]\naround_words: [");
		for (char c = 'a'; c <= last; c++)
			buf_addf(&yaml, "%s%cord", c == 'a' ? "" : ", ", c);
		buf_addf(&yaml,
		    "]\ntests:\n- {html: '<ul class=%cord><li><a class=plat "
		    "href=#>', gives: share plat}\n",
		    last);
		r = load(buf_str(&yaml));
		assert_non_null(r);
		assert_true(rules_self_test(r, &errors, &run));
		assert_int_equal(run, 2);
		config_errors_release(&errors);
		rules_free(r);
		buf_release(&yaml);
	}
}

static void
complains_with_a_place(void **state)
{
	static const struct {
		const char *yaml;
		uint32_t line;
	} bad[] = {
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n  colour: red\n", 5},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n  urls:\n"
	     "  - {channel: 'a.example/{account', test: x}\n",
		6},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n  urls:\n"
	     "  - {channel: 'a.example/{account}'}\n",
		6},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n"
	     "- id: a\n  name: B\n",
		5},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\nkits:\n"
	     "- id: k\n  name: K\n  services: {x: nobody}\n",
		8},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n  urls:\n"
	     "  - {channel: 'a.example/{account}', of: what, test: x}\n",
		6},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n"
	     "  same: {b.example: c.example}\n  urls:\n"
	     "  - {other: 'a.example/x', test: 'http://a.example/x'}\n",
		5},
	    {KIT "  markup:\n  - {class: kit-x, platform: a}\n", 9},
	    {KIT "  markup:\n  - {class: kit-x, platform: a, test: '<a "
		 "class=kit-x>',\n"
		 "     gives: sharing a}\n",
		9},
	    {KIT "  scripts: [k.example]\n", 6},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n"
	     "tests:\n- {html: '<a class=kit-x>'}\n",
		6},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n"
	     "share_words:\n- share\n- go\n",
		7},
	    {"version: 1\nplatforms:\n- id: a\n  name: A\n"
	     "around_not: [sns, us]\n",
		5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct config_errors errors = {NULL, 0, 0};

		assert_null(rules_parse(span_of(bad[i].yaml), "t", &errors));
		assert_true(errors.count > 0);
		assert_int_equal(errors.list[0].line, bad[i].line);
		config_errors_release(&errors);
	}
}

static void
survives_the_wire(void **state)
{
	struct buf wire = BUF_INIT(CONFIG_BYTES_MAX);
	struct rules *r = load(small), *copy;

	(void)state;
	rules_encode(r, &wire);
	copy = rules_decode(buf_span(&wire));
	assert_non_null(copy);
	assert_int_equal(rules_pattern_count(copy), rules_pattern_count(r));
	expect(copy, "http://m.blogs.com/p/x-y-z1", "blogs content z1");
	assert_true(rules_folds_case(copy, "tube"));
	rules_free(copy);
	/* Cut anywhere, or with any byte changed, it is refused or harmless. */
	for (size_t n = 0; n < wire.len; n++)
		assert_null(rules_decode((struct span){wire.data, n}));
	for (size_t i = 0; i < wire.len; i++) {
		wire.data[i] = (char)(wire.data[i] ^ 0x5a);
		copy = rules_decode(buf_span(&wire));
		if (copy != NULL) {
			struct match m;

			match_init(&m);
			rules_classify(copy,
			    SPAN("http://l.tube.example/out?"
				 "to=http%3A%2F%2Fm.blogs.com%2Fp%2Fx-y"),
			    &m);
			match_release(&m);
		}
		rules_free(copy);
		wire.data[i] = (char)(wire.data[i] ^ 0x5a);
	}
	rules_free(r);
	buf_release(&wire);
}

static void
the_shipped_file_is_good(void **state)
{
	struct config_errors errors = {NULL, 0, 0};
	struct rules *r = rules_load("conf/platforms.yaml", &errors);
	size_t run = 0;

	(void)state;
	config_errors_print(&errors);
	assert_non_null(r);
	if (!rules_self_test(r, &errors, &run))
		config_errors_print(&errors);
	assert_int_equal(errors.count, 0);
	assert_true(rules_platform_count(r) >= 200);
	assert_true(rules_kit_count(r) >= 25);
	print_message("%zu platforms, %zu kits, %zu patterns, %zu tests\n",
	    rules_platform_count(r), rules_kit_count(r), rules_pattern_count(r),
	    run);
	config_errors_release(&errors);
	rules_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches_by_the_rules_of_the_notation),
	    cmocka_unit_test(passes_its_own_test_lines),
	    cmocka_unit_test(says_where_a_test_line_fails),
	    cmocka_unit_test(tests_the_markup_of_kits),
	    cmocka_unit_test(knows_each_word_around),
	    cmocka_unit_test(complains_with_a_place),
	    cmocka_unit_test(survives_the_wire),
	    cmocka_unit_test(the_shipped_file_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Page classes: the shipped rules against their own test lines, the bounds,
 * the wire form, block hosts and forged addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"
#include "limit.h"
#include "verdict.h"

static const char own_rules[] =
    "block_hosts: [warning.example]\n"
    "forged_addresses: [192.0.2.1, \"2001:db8:0:0::1\"]\n"
    "rules:\n"
    "  - id: wall\n"
    "    class: bot_wall\n"
    "    status: [\"403\", \"5??\"]\n"
    "    text: [Prove that you are HUMAN]\n"
    "    max_text: 100\n"
    "    max_links: 2\n"
    "    match: [{status: 403, text: [prove that you are human]}]\n"
    "    no_match: [{status: 200, text: [prove that you are human]}]\n"
    "  - id: head\n"
    "    class: geo\n"
    "    header: [\"X-Refused: by-*\"]\n"
    "    match: [{header: [\"x-refused: BY-country\"]}]\n"
    "    no_match: [{header: [\"x-refused: no\"]}]\n"
    "  - id: elsewhere\n"
    "    class: login_wall\n"
    "    host: [login.example]\n"
    "    title: [\"sign in*\"]\n"
    "    match: [{host: a.login.example, title: Sign in now}]\n"
    "    no_match: [{host: xlogin.example, title: Sign in now}]\n";

static struct verdict_rules *
parse(const char *yaml)
{
	struct config_errors e = {NULL, 0, 0};
	struct verdict_rules *v = verdict_parse(span_of(yaml), "own", &e);

	config_errors_print(&e);
	assert_non_null(v);
	return v;
}

static enum page_class
classify(const struct verdict_rules *v, int status, const char *headers,
    const char *text, size_t nlinks)
{
	struct text_block block = {.text = xstrdup(text)};
	struct verdict_input in = {.status = status,
	    .headers = span_of(headers),
	    .host = SPAN("a.example"),
	    .blocks = &block,
	    .nblocks = 1,
	    .body = span_of(text),
	    .body_length = strlen(text),
	    .nlinks = nlinks};
	const char *rule;
	enum page_class class = verdict_page(v, &in, &rule);

	assert_true((rule == NULL) == (class == PAGE_NORMAL));
	free(block.text);
	return class;
}

static void
signs_and_bounds(void **state)
{
	static const char ok[] = "HTTP/1.1 403 X\r\n\r\n";
	struct verdict_rules *v = parse(own_rules);
	char text[400] = "prove that you are human";
	size_t n = strlen(text);
	struct config_errors e = {NULL, 0, 0};

	(void)state;
	assert_true(verdict_self_test(v, &e, NULL));
	assert_int_equal(classify(v, 403, ok, text, 2), PAGE_BOT_WALL);
	assert_int_equal(classify(v, 502, ok, text, 0), PAGE_BOT_WALL);
	assert_int_equal(classify(v, 200, ok, text, 0), PAGE_NORMAL);
	assert_int_equal(classify(v, 403, ok, text, 3), PAGE_NORMAL);
	memset(text + n, 'x', 100 - n);
	assert_int_equal(classify(v, 403, ok, text, 0), PAGE_BOT_WALL);
	text[100] = 'x';
	assert_int_equal(classify(v, 403, ok, text, 0), PAGE_NORMAL);
	assert_int_equal(classify(v, 200,
			     "HTTP/1.1 200\r\n"
			     "X-Refused: by-law\r\n\r\n",
			     "", 0),
	    PAGE_GEO);
	assert_int_equal(classify(v, 200,
			     "HTTP/1.1 200\r\n"
			     "Content-Type: image/png\r\nX-Refused: "
			     "by-law\r\n\r\n",
			     "", 0),
	    PAGE_NORMAL);
	verdict_free(v);
}

static void
hosts_and_addresses(void **state)
{
	struct verdict_rules *v = parse(own_rules);

	(void)state;
	assert_true(verdict_block_host(v, SPAN("warning.example")));
	assert_true(verdict_block_host(v, SPAN("WWW.Warning.Example.")));
	assert_false(verdict_block_host(v, SPAN("nowarning.example")));
	assert_false(verdict_block_host(v, SPAN("example")));
	assert_false(verdict_block_host(v, SPAN("")));
	assert_true(verdict_forged_address(v, "192.0.2.1"));
	assert_true(verdict_forged_address(v, "2001:db8::1"));
	assert_true(verdict_forged_address(v, "2001:DB8::0001"));
	assert_false(verdict_forged_address(v, "192.0.2.2"));
	assert_false(verdict_forged_address(v, "x"));
	verdict_free(v);
}

static void
wire_round_trip(void **state)
{
	struct verdict_rules *v = parse(own_rules);
	struct verdict_rules *d;
	struct buf a = BUF_INIT(CONFIG_BYTES_MAX);
	struct buf b = BUF_INIT(CONFIG_BYTES_MAX);

	(void)state;
	verdict_encode(v, &a);
	d = verdict_decode(buf_span(&a));
	assert_non_null(d);
	assert_int_equal(verdict_rule_count(d), 3);
	assert_int_equal(classify(d, 403, "", "prove that you are human", 0),
	    PAGE_BOT_WALL);
	verdict_encode(d, &b);
	assert_true(span_eq(buf_span(&a), buf_span(&b)));
	verdict_free(d);
	for (size_t n = 0; n < a.len; n++)
		assert_null(verdict_decode(span_slice(buf_span(&a), 0, n)));
	for (size_t n = 0; n < a.len; n++) {
		a.data[n] = (char)(a.data[n] ^ 0xff);
		verdict_free(verdict_decode(buf_span(&a)));
		a.data[n] = (char)(a.data[n] ^ 0xff);
	}
	verdict_free(v);
	buf_release(&a);
	buf_release(&b);
}

static void
expect_error(const char *yaml, uint32_t line, const char *part)
{
	struct config_errors e = {NULL, 0, 0};

	assert_null(verdict_parse(span_of(yaml), "own", &e));
	assert_true(e.count > 0);
	assert_int_equal(e.list[0].line, line);
	if (strstr(e.list[0].message, part) == NULL)
		fail_msg("%s", e.list[0].message);
	config_errors_release(&e);
}

static void
mistakes_are_named(void **state)
{
	(void)state;
	expect_error("rules:\n  - {id: a, class: wall, text: [abcd],\n"
		     "     match: [{}], no_match: [{}]}\n",
	    2, "one of: normal");
	expect_error("rules:\n  - {id: a, class: geo,\n"
		     "     match: [{}], no_match: [{}]}\n",
	    2, "no sign");
	expect_error("rules:\n  - {id: a, class: geo, text: [abcd]}\n", 2,
	    "needs a 'match'");
	expect_error("rules:\n  - {id: a, class: geo, text: [a],\n"
		     "     match: [{}], no_match: [{}]}\n",
	    2, "too short");
	expect_error("block_hosts: [\"a b.c\"]\n", 1, "not a host name");
	expect_error("forged_addresses: [1.2.3]\n", 1, "not an IP address");
	expect_error("nope: 1\n", 1, "unknown key");
}

static void
self_test_can_fail(void **state)
{
	struct verdict_rules *v =
	    parse("rules:\n"
		  "  - {id: a, class: geo, text: [abcd],\n"
		  "     match: [{text: [xyz]}],\n"
		  "     no_match: [{text: [abcd]}]}\n");
	struct config_errors e = {NULL, 0, 0};
	size_t run = 0;

	(void)state;
	assert_false(verdict_self_test(v, &e, &run));
	assert_int_equal(run, 2);
	assert_int_equal(e.count, 2);
	assert_int_equal(e.list[0].line, 3);
	assert_int_equal(e.list[1].line, 4);
	config_errors_release(&e);
	verdict_free(v);
}

static void
shipped_rules_hold(void **state)
{
	struct config_errors e = {NULL, 0, 0};
	struct verdict_rules *v;
	size_t run = 0;
	bool good;

	(void)state;
	if (access("conf/verdicts.yaml", R_OK) != 0)
		skip();
	v = verdict_load("conf/verdicts.yaml", &e);
	config_errors_print(&e);
	assert_non_null(v);
	good = verdict_self_test(v, &e, &run);
	config_errors_print(&e);
	print_message("%zu rules, %zu test lines\n", verdict_rule_count(v),
	    run);
	assert_true(good);
	assert_true(run >= 2 * verdict_rule_count(v));
	assert_true(verdict_block_host(v, SPAN("www.warning.or.kr")));
	assert_true(verdict_forged_address(v, "8.7.198.45"));
	assert_false(verdict_forged_address(v, "175.45.176.81"));
	verdict_free(v);
	config_errors_release(&e);
}

/* What a look may be used for: only a whole page may take away. */
static void
grades(void **state)
{
	static const struct {
		int status;
		enum page_class class;
		enum failure failure;
		enum grade grade;
	} cases[] = {{200, PAGE_NORMAL, FAILURE_NONE, GRADE_GOOD},
	    {203, PAGE_NORMAL, FAILURE_NONE, GRADE_GOOD},
	    {206, PAGE_NORMAL, FAILURE_NONE, GRADE_MORE},
	    {200, PAGE_NORMAL, FAILURE_EOF, GRADE_MORE},
	    {304, PAGE_NORMAL, FAILURE_NONE, GRADE_SAME},
	    {204, PAGE_EMPTY, FAILURE_NONE, GRADE_NONE},
	    {404, PAGE_NORMAL, FAILURE_NONE, GRADE_NONE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hop h = {.status = cases[i].status,
		    .failure = cases[i].failure};
		struct observation o = {.hops = &h, .nhops = 1};
		struct finding f = {.status = ANALYSIS_OK,
		    .page_class = cases[i].class};

		assert_int_equal(observation_grade(&o, &f, verdict_of(&o, &f)),
		    cases[i].grade);
	}
}

/* Of an answer that a capture does not have whole nothing is said that the
 * rest might have told otherwise. */
static void
incomplete_says_nothing(void **state)
{
	static const struct {
		int status;
		enum page_class class;
		enum outcome outcome;
		enum verdict verdict;
	} cases[] = {
	    {200, PAGE_NORMAL, OUTCOME_INCOMPLETE, VERDICT_UP},
	    {200, PAGE_EMPTY, OUTCOME_NONE, VERDICT_DEGRADED},
	    {200, PAGE_EMPTY, OUTCOME_INCOMPLETE, VERDICT_INCONCLUSIVE},
	    {0, PAGE_NORMAL, OUTCOME_INCOMPLETE, VERDICT_INCONCLUSIVE},
	    {404, PAGE_NORMAL, OUTCOME_INCOMPLETE, VERDICT_DEGRADED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hop h = {.status = cases[i].status,
		    .outcome = cases[i].outcome,
		    .failure = cases[i].status == 0 ? FAILURE_INTERRUPTED
						    : FAILURE_NONE};
		struct observation o = {.hops = &h, .nhops = 1};
		struct finding f = {.status = ANALYSIS_OK,
		    .page_class = cases[i].class};

		assert_int_equal(verdict_of(&o, &f), cases[i].verdict);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signs_and_bounds),
	    cmocka_unit_test(hosts_and_addresses),
	    cmocka_unit_test(wire_round_trip),
	    cmocka_unit_test(mistakes_are_named),
	    cmocka_unit_test(self_test_can_fail),
	    cmocka_unit_test(grades),
	    cmocka_unit_test(incomplete_says_nothing),
	    cmocka_unit_test(shipped_rules_hold),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}

/*
 * New rules: what they show or do not show any more is no news of the page.
 */
#include "story.h"

#include <unistd.h>

#include "config.h"
#include "recognition.h"
#include "rules.h"

#define HEAD "version: 1\nplatforms:\n"
#define TUBE                                                                   \
	"- id: tube\n  name: Tube\n  kind: video\n  hosts: [tube.example]\n"   \
	"  urls:\n"                                                            \
	"  - {channel: 'tube.example/{account}',"                              \
	" test: 'http://tube.example/a', gives: a}\n"
#define BLOG                                                                   \
	"- id: blog\n  name: Blog\n  kind: blog\n  hosts: [blog.example]\n"    \
	"  urls:\n"                                                            \
	"  - {channel: 'blog.example/{account}',"                              \
	" test: 'http://blog.example/a', gives: a}\n"
#define KIT                                                                    \
	"kits:\n- id: bar\n  name: Bar\n  scripts: [bar.example/js]\n"         \
	"  services: {t: tube}\n  markup:\n"                                   \
	"  - {class: 'bar-{service}', test: '<i class=\"bar-t\">',"            \
	" gives: share tube}\n"

static void
digests(const char *yaml, struct recognition *out)
{
	struct config_errors errors = {NULL, 0, 0};
	struct rules *r = rules_parse(span_of(yaml), "test.yaml", &errors);
	struct rules *decoded;
	struct buf encoded = BUF_INIT(1u << 20), wire = BUF_INIT(1u << 20);

	config_errors_print(&errors);
	assert_non_null(r);
	rules_encode(r, &encoded);
	recognition_encode(r, buf_span(&encoded), &wire);
	assert_true(recognition_decode(out, buf_span(&wire)));
	decoded = rules_decode(buf_span(&encoded));
	assert_true(out->rules != 0 && out->rules == rules_id(decoded));
	for (size_t n = 0; n < wire.len; n++) {
		struct recognition cut;

		assert_false(recognition_decode(&cut,
		    span_slice(buf_span(&wire), 0, n)));
	}
	rules_free(r);
	rules_free(decoded);
	buf_release(&encoded);
	buf_release(&wire);
}

/* Names of the parts that differ, with a blank before each. */
static void
expect_differ(const char *before, const char *after, const char *want)
{
	struct recognition a, b;
	struct buf differ = BUF_INIT(1024);
	size_t k;

	digests(before, &a);
	digests(after, &b);
	for (size_t i = 0; i < b.n; i++) {
		for (k = 0; k < a.n; k++)
			if (strcmp(a.parts[k].name, b.parts[i].name) == 0)
				break;
		if (k == a.n || a.parts[k].hash != b.parts[i].hash)
			buf_addf(&differ, " %s", b.parts[i].name);
	}
	assert_string_equal(buf_str(&differ), want);
	buf_release(&differ);
	recognition_release(&a);
	recognition_release(&b);
}

static void
each_part_has_its_digest(void **state)
{
	(void)state;
	expect_differ(HEAD TUBE BLOG KIT, HEAD TUBE BLOG KIT, "");
	expect_differ(HEAD TUBE, HEAD TUBE BLOG KIT, " blog kit:bar");
	expect_differ(HEAD TUBE BLOG,
	    HEAD TUBE BLOG "  - {content: 'blog.example/p/{content}',"
			   " test: 'http://blog.example/p/1', gives: 1}\n",
	    " blog");
	expect_differ(HEAD TUBE, HEAD TUBE "player_not: [css]\n", " ");
	/* What names a platform's accounts is seen as that platform's. */
	expect_differ(HEAD TUBE KIT,
	    HEAD TUBE KIT "  - {tag: bar-tube, account: id, url:"
			  " 'tube.example/{account}', test: '<bar-tube id=a>',"
			  " gives: channel tube a}\n",
	    "  kit:bar");
	/* Tests and sources say nothing of what is seen. */
	expect_differ(HEAD TUBE,
	    HEAD
	    "- id: tube\n  name: Tube\n  kind: video\n"
	    "  hosts: [tube.example]\n  urls:\n"
	    "  - {channel: 'tube.example/{account}', from: us,"
	    " test: 'http://tube.example/b', gives: b, unverified: true}\n",
	    "");
}

/* The store learns "name=hash;name=hash" as the rules of that number. */
static void
learn(struct story *s, uint64_t rules, const char *text)
{
	struct recognition r = {.rules = rules};
	char *copy = xstrdup(text), *save = NULL, *item, *mark;

	r.parts = xcalloc(16, sizeof *r.parts);
	for (item = strtok_r(copy, ";", &save); item != NULL;
	     item = strtok_r(NULL, ";", &save)) {
		mark = strchr(item, '=');
		*mark = '\0';
		r.parts[r.n].name = xstrdup(item);
		r.parts[r.n++].hash = strtoull(mark + 1, NULL, 10);
	}
	store_recognition(s->store, &r);
	s->rules = rules;
	free(copy);
}

static bool
told_with_items(struct story *s, const char *items)
{
	bool found;

	found = strstr(buf_str(&s->lines), items) != NULL &&
	    strstr(buf_str(&s->lines), "\"cause\":\"rules\"") != NULL;
	buf_clear(&s->lines);
	return found;
}

static void
what_new_rules_show_is_no_news(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	learn(&s, 1, "=1;youtube=1");
	story_see(&s, "uri", "channel youtube a");
	story_expect(&s, "target.baseline uri\n");
	buf_clear(&s.lines);
	learn(&s, 2, "=1;youtube=1;vk=1");
	/* A real change of the same look is told all the same. */
	story_see(&s, "uri",
	    "channel youtube a;channel vk b;channel youtube z");
	story_expect(&s,
	    "target.baseline uri\n"
	    "channel.added uri youtube z 1>3\n");
	assert_true(told_with_items(&s, "\"platform\":\"vk\",\"name\":\"b\""));
	/* From the next look on they are rules like any other. */
	story_see(&s, "uri",
	    "channel youtube a;channel vk b;channel youtube z;channel vk c");
	story_expect(&s, "channel.added uri vk c 3>4\n");
	/* Another page of the target is new to them still. */
	story_page(&s, "uri", "list", "http://uri.example/list", "block x");
	learn(&s, 3, "=1;youtube=1;vk=2");
	story_page(&s, "uri", "list", "http://uri.example/list",
	    "block x;channel vk d");
	story_expect(&s, "target.baseline uri\n");
	story_end(&s);
}

static void
what_new_rules_miss_is_no_news(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	learn(&s, 1, "=1;youtube=1;vk=1;kit:bar=1");
	story_see(&s, "uri", "block x;channel youtube a;channel vk b");
	story_expect(&s, "target.baseline uri\n");
	buf_clear(&s.lines);
	learn(&s, 2, "=1;youtube=1;kit:bar=1");
	story_see(&s, "uri", "block x;channel youtube a");
	story_expect(&s, "target.baseline uri\n");
	assert_true(told_with_items(&s,
	    "\"platform\":\"vk\",\"name\":\"b\",\"kit\":null,\"count\":0"));
	for (int i = 0; i < 5; i++)
		story_see(&s, "uri", "block x;channel youtube a");
	story_expect(&s, "");
	/* What goes later, goes from the page; and what was missing before
	 * the rules changed. */
	for (int i = 0; i < 2; i++)
		story_see(&s, "uri", "block x");
	learn(&s, 3, "=1;youtube=2;kit:bar=1");
	story_see(&s, "uri", "block x");
	story_expect(&s, "channel.removed uri youtube a 1>0\n");
	story_end(&s);
}

static void
common_rules_stand_for_all(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	learn(&s, 1, "=1;youtube=1");
	story_see(&s, "uri", "block x");
	learn(&s, 2, "=2;youtube=1");
	story_see(&s, "uri", "block x;player youtube");
	story_expect(&s, "target.baseline uri\ntarget.baseline uri\n");
	/* The same again, after a start or a reload: nothing is new. */
	learn(&s, 2, "=2;youtube=1");
	story_see(&s, "uri", "block x;player youtube;channel youtube a");
	story_expect(&s, "channel.added uri youtube a 0>1\n");
	story_end(&s);
}

static void
text_read_in_another_way(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	learn(&s, 1, "=1;analysis:text=1;vk=1");
	story_see(&s, "uri", "block one");
	story_see(&s, "uri", "block two");
	story_expect(&s, "target.baseline uri\ncontent.changed uri\n");
	buf_clear(&s.lines);
	learn(&s, 2, "=1;analysis:text=2;vk=1");
	story_see(&s, "uri", "block three;channel vk a");
	story_expect(&s,
	    "channel.added uri vk a 0>1\n"
	    "target.baseline uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"cause\":\"text\""));
	story_see(&s, "uri", "block four;channel vk a");
	story_expect(&s, "content.changed uri\n");
	/* The same text: nothing to say. */
	learn(&s, 3, "=1;analysis:text=3;vk=1");
	story_see(&s, "uri", "block four;channel vk a");
	story_expect(&s, "");
	story_end(&s);
}

/* Analysed with the old rules, stored after the new ones came; or the other
 * way round. */
static void
looks_under_way_say_nothing(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	learn(&s, 1, "=1;youtube=1");
	story_see(&s, "uri", "channel youtube a");
	story_expect(&s, "target.baseline uri\n");
	s.rules = 2;
	story_see(&s, "uri", "channel youtube a;channel vk b");
	story_expect(&s, "");
	learn(&s, 2, "=1;youtube=1;vk=1");
	s.rules = 1;
	story_see(&s, "uri", "channel youtube a");
	story_expect(&s, "");
	s.rules = 2;
	story_see(&s, "uri", "channel youtube a;channel vk b");
	story_expect(&s, "target.baseline uri\n");
	s.rules = 1;
	for (int i = 0; i < 5; i++)
		story_see(&s, "uri", "channel youtube a");
	story_expect(&s, "");
	story_end(&s);
}

static void
answer_with_etag(struct story *s, const char *text)
{
	struct observation o;
	struct finding f;
	struct hop *h =
	    look_begin(&o, &f, "uri", "main", "http://uri.example/");

	h->status = 200;
	h->stage = STAGE_BODY;
	buf_add_str(&h->headers, "ETag: \"1\"\r\n");
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
}

/* An unchanged page is fetched whole once, or new rules never see it. */
static void
known_over_a_start(void **state)
{
	char *dir = xstrdup("/tmp/kpwatch-rules-XXXXXX"), *argv;
	struct resume r;
	struct story s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	story_begin(&s, dir);
	learn(&s, 1, "=1;youtube=1");
	answer_with_etag(&s, "channel youtube a");
	assert_string_equal(s.advice.etag, "\"1\"");
	store_close(s.store);
	story_open(&s, dir, true);
	learn(&s, 1, "=1;youtube=1");
	store_resume(s.store, &r);
	assert_string_equal(r.pages[0].etag, "\"1\"");
	resume_release(&r);
	store_close(s.store);
	story_open(&s, dir, true);
	learn(&s, 2, "=1;youtube=1;vk=1");
	store_resume(s.store, &r);
	assert_null(r.pages[0].etag);
	resume_release(&r);
	buf_clear(&s.told);
	answer_with_etag(&s, "channel youtube a;channel vk b");
	story_expect(&s, "target.baseline uri\n");
	assert_string_equal(s.advice.etag, "\"1\"");
	story_end(&s);
	argv = xasprintf("rm -rf '%s'", dir);
	assert_int_equal(system(argv), 0);
	free(argv);
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_part_has_its_digest),
	    cmocka_unit_test(what_new_rules_show_is_no_news),
	    cmocka_unit_test(what_new_rules_miss_is_no_news),
	    cmocka_unit_test(common_rules_stand_for_all),
	    cmocka_unit_test(text_read_in_another_way),
	    cmocka_unit_test(looks_under_way_say_nothing),
	    cmocka_unit_test(known_over_a_start),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

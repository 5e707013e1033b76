/* What of a text changed: by words, in events and in the log as it is shown. */
#include "story.h"

#include "log_view.h"
#include "words.h"

#define BEFORE "block head x;block news a;block foot x"
#define AFTER  "block head x;block news b;block foot x"

static void
expect_edits(const char *old, const char *new, const char *want)
{
	struct buf b = BUF_INIT(1u << 16);
	struct edits e;

	words_diff(span_of(old), span_of(new), &e);
	for (size_t i = 0; i < e.count; i++)
		buf_addf(&b, "%s|", e.list[i]);
	assert_string_equal(buf_str(&b), want);
	edits_release(&e);
	buf_release(&b);
}

static void
words_that_changed(void **state)
{
	(void)state;
	expect_edits("the cat sat", "the dog sat", " the |-cat|+dog|  sat|");
	expect_edits("", "new", "+new|");
	expect_edits("same", "same", " same|");
	/* An eojeol is one word; Han and Kana characters stand alone. */
	expect_edits("조선의 오늘 소식", "조선의 내일 소식",
	    " 조선의 |-오늘|+내일|  소식|");
	expect_edits("今天的朝鲜", "明天的朝鲜", "-今|+明| 天的朝鲜|");
	expect_edits("a\xff"
		     "b c",
	    "a\xff"
	    "b d",
	    " a\xff"
	    "b |-c|+d|");
}

static void
event_shows_words(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", BEFORE);
	story_see(&s, "uri", AFTER);
	story_expect(&s, "target.baseline uri\ncontent.changed uri\n");
	assert_non_null(strstr(buf_str(&s.lines),
	    "\"changes\":[[\" news \",\"-a\",\"+b\"]]"));
	story_end(&s);
}

static void
log_shows_words(void **state)
{
	struct story s;
	struct event e;
	char *text = NULL, *last;
	size_t n;
	FILE *to;

	(void)state;
	story_begin(&s, NULL);
	story_see(&s, "uri", BEFORE);
	story_see(&s, "uri", AFTER);
	assert_true(store_commit(s.store));
	last = strchr(buf_str(&s.lines), '\n') + 1;
	assert_true(
	    event_read(&e, (struct span){last, strcspn(last, "\n")}, NULL));
	to = open_memstream(&text, &n);
	event_print(to, false, &e);
	fclose(to);
	assert_non_null(strstr(text, "\n    ~ news [-a-]{+b+}\n"));
	assert_null(strstr(text, "    - "));
	free(text);
	event_release(&e);
	story_end(&s);
}

/* Blocks as long as a page may have, of words as short as can be. */
static void
hostile_blocks_end(void **state)
{
	struct story s;
	struct observation o;
	struct finding f;
	char *text;
	struct hop *h;

	(void)state;
	story_begin(&s, NULL);
	for (int look = 0; look < 2; look++) {
		h = look_begin(&o, &f, "uri", "main", "http://uri.example/");
		h->status = 200;
		for (int i = 0; i < 5000; i++) {
			text = xasprintf("%d %d %0900d", look, i, 0);
			for (size_t n = strlen(text), k = 9; k < n; k += 2)
				text[k] = ' ';
			finding_add_block(&f, span_of(text),
			    bytes_hash(span_of(text)), false);
			free(text);
		}
		look_hash(&f, look == 0 ? "a" : "b");
		story_look(&s, &o, &f);
	}
	story_expect(&s, "target.baseline uri\ncontent.changed uri\n");
	story_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_that_changed),
	    cmocka_unit_test(event_shows_words),
	    cmocka_unit_test(log_shows_words),
	    cmocka_unit_test(hostile_blocks_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

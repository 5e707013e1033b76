/*
 * Articles: the newest links are followed, some old ones are kept, their own
 * edits and deletions are told, and what changed around them is told once.
 */
#include "story.h"

#include "folder.h"
#include "store_db.h"

#define LIST "http://uri.example/"

static struct page_slot slots[2] = STORY_ARTICLES(LIST);
static struct target target = {.id = (char *)"uri",
    .enabled = true,
    .pages = slots,
    .npages = 2};

static void
begin(struct story *s)
{
	story_begin(s, NULL);
	s->config.targets = &target;
	s->config.ntargets = 1;
}

static void
end(struct story *s)
{
	s->config.ntargets = 0;
	story_end(s);
}

static void
list_with(struct story *s, const char *text)
{
	struct observation o;
	struct finding f;
	struct hop *h = look_begin(&o, &f, "uri", "main", LIST);

	h->status = 200;
	h->stage = STAGE_BODY;
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
}

/* The list with links to the articles first to last, the newest on top. */
static void
list(struct story *s, int first, int last)
{
	struct observation o;
	struct finding f;
	struct hop *h = look_begin(&o, &f, "uri", "main", LIST);
	char url[80];

	h->status = 200;
	h->stage = STAGE_BODY;
	look_fill(&f, "block list x");
	look_hash(&f, "list");
	for (int i = last; i >= first; i--) {
		snprintf(url, sizeof url, LIST "news/%d", i);
		finding_add_link(&f, span_of(url));
	}
	story_look(s, &o, &f);
}

static void
article(struct story *s, int n, int status, const char *text)
{
	struct observation o;
	struct finding f;
	char *url = xasprintf(LIST "news/%d", n);
	struct hop *h = look_begin(&o, &f, "uri", "article", url);

	h->status = status;
	h->stage = STAGE_BODY;
	if (status >= 400)
		h->failure = FAILURE_HTTP_STATUS;
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
	free(url);
}

static void
read_two(struct story *s)
{
	list(s, 1, 2);
	article(s, 1, 200, "block top x;block one a;block one b;block foot x");
	article(s, 2, 200, "block top x;block two a;block two b;block foot x");
	article(s, 1, 200, "block top x;block one a;block one b;block foot x");
	article(s, 2, 200, "block top x;block two a;block two b;block foot x");
	story_expect(s, "target.baseline uri\n");
}

static void
newest_are_followed_and_some_kept(void **state)
{
	struct story s;
	int old = 0;

	(void)state;
	begin(&s);
	list(&s, 1, 4);
	assert_int_equal(s.advice.nsamples, 2);
	assert_string_equal(s.advice.samples[0].url, LIST "news/4");
	assert_string_equal(s.advice.samples[1].url, LIST "news/3");
	for (int i = 1; i <= 4; i++)
		article(&s, i, 200, "block own x");
	list(&s, 2, 6);
	assert_int_equal(s.advice.nsamples, 4);
	assert_string_equal(s.advice.samples[0].url, LIST "news/6");
	for (size_t i = 0; i < s.advice.nsamples; i++)
		old += s.advice.samples[i].archive;
	assert_int_equal(old, 2);
	end(&s);
}

static void
edits_are_told_as_such(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	read_two(&s);
	article(&s, 1, 200, "block top x;block one a;block one c;block foot x");
	story_expect(&s, "content.edited uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"old\":\""));
	assert_non_null(strstr(buf_str(&s.lines), "\"added\":[\"one c\"]"));
	/* A new paragraph within it. */
	article(&s, 2, 200,
	    "block top x;block two a;block two c;block two b;block foot x");
	story_expect(&s, "content.edited uri\n");
	/* At its end: it might be the frame's, until the next look. */
	for (int i = 0; i < 2; i++) {
		story_expect(&s, "");
		article(&s, 2, 200,
		    "block top x;block two a;block two c;block two b;"
		    "block two d;block foot x");
	}
	story_expect(&s, "content.edited uri\n");
	end(&s);
}

static void
frame_is_told_once(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	read_two(&s);
	article(&s, 1, 200, "block top x;block one a;block one b;block foot y");
	story_expect(&s, "content.changed uri\n");
	article(&s, 2, 200, "block top x;block two a;block two b;block foot y");
	story_expect(&s, "");
	article(&s, 2, 200, "block top x;block two a;block two d;block foot y");
	story_expect(&s, "content.edited uri\n");
	end(&s);
}

/* A headline under the article, which the list page has too a moment later. */
static void
headline_is_no_edit(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	read_two(&s);
	for (int i = 0; i < 2; i++) {
		article(&s, 1, 200,
		    "block top x;block one a;block one b;block new x;"
		    "block foot x");
		article(&s, 2, 200,
		    "block top x;block two a;block two b;block new x;"
		    "block foot x");
		list_with(&s, "block list x;block new x");
	}
	assert_true(store_commit(s.store));
	assert_null(strstr(buf_str(&s.told), "edited"));
	assert_non_null(strstr(buf_str(&s.told), "content.changed"));
	/* Only the articles have it. */
	for (int i = 0; i < 2; i++) {
		article(&s, 1, 200,
		    "block top x;block one a;block one b;block box x;"
		    "block new x;block foot x");
		article(&s, 2, 200,
		    "block top x;block two a;block two b;block box x;"
		    "block new x;block foot x");
	}
	assert_true(store_commit(s.store));
	assert_null(strstr(buf_str(&s.told), "edited"));
	end(&s);
}

static void
deletion_and_return(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	read_two(&s);
	article(&s, 1, 404, "block not found");
	assert_false(s.advice.confirm_soon);
	article(&s, 1, 404, "block not found");
	story_expect(&s, "");
	/* The third is asked for: it may not be listed any more. */
	assert_true(s.advice.confirm_soon);
	article(&s, 1, 404, "block not found");
	assert_false(s.advice.confirm_soon);
	story_expect(&s, "content.deleted uri\n");
	assert_non_null(strstr(buf_str(&s.lines), "\"status\":404"));
	article(&s, 1, 404, "block not found");
	story_expect(&s, "");
	article(&s, 1, 200, "block top x;block one a;block one b;block foot x");
	story_expect(&s, "content.restored uri\n");
	/* Now and then a 404 is no deletion. */
	article(&s, 1, 404, "block not found");
	article(&s, 1, 404, "block not found");
	article(&s, 1, 200, "block top x;block one a;block one b;block foot x");
	article(&s, 1, 404, "block not found");
	story_expect(&s, "");
	end(&s);
}

static void
nothing_is_deleted_while_the_site_fails(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	read_two(&s);
	for (int i = 0; i < 3; i++) {
		story_fail(&s, "uri", FAILURE_TIMEOUT);
		article(&s, 1, 404, "block not found");
	}
	for (int i = 0; i < 3; i++)
		article(&s, 2, 404, "block not found");
	story_expect(&s, "site.down uri\n");
	end(&s);
}

/* What stands around the articles, in which version, and what one says. */
static void
framed(struct story *s, int n, int frame, const char *own)
{
	char text[128];

	snprintf(text, sizeof text,
	    "block top %d;block %s;block side %d;block end", frame, own,
	    frame / 2);
	article(s, n, 200, text);
}

static void
dump_blocks(struct store *st, const char *sql, struct buf *out)
{
	struct sqlite3_stmt *q = db_query(&st->db, sql, "");
	char *text;

	while (db_row(&st->db, q))
		for (int i = 0; i < 8; i++) {
			text = column_text(q, i);
			buf_addf(out, "%s%s", text == NULL ? "-" : text,
			    i == 7 ? "\n" : "|");
			free(text);
		}
}

#define ALL_BLOCKS "SELECT * FROM blocks ORDER BY page, position"

/* The same with the tables of an older version on the way. */
static void
framed_life(bool upgraded, struct buf *out)
{
	char *dir = folder_make(), *path = xasprintf("%s/" STORE_NAME, dir);
	char *why = NULL;
	struct story s;
	struct db db;

	story_begin(&s, dir);
	s.config.targets = &target;
	s.config.ntargets = 1;
	story_see(&s, "other", "block top 0;block own");
	list_with(&s, "block list x;block end");
	for (int round = 0; round < 2; round++)
		for (int n = 0; n < 3; n++)
			framed(&s, n, 0, n == 0 ? "a" : n == 1 ? "b" : "c");
	assert_true(store_commit(s.store));
	dump_blocks(s.store, ALL_BLOCKS, out);
	store_close(s.store);
	if (upgraded) {
		assert_true(db_open(&db, path, false, &why));
		assert_true(db_script(&db, UNDO_TO_10));
		db_close(&db);
	}
	story_open(&s, dir, true);
	dump_blocks(s.store, ALL_BLOCKS, out);
	for (int frame = 1; frame < 4; frame++) {
		framed(&s, 0, frame, "a");
		framed(&s, 1, frame, frame == 2 ? "edited" : "b");
		framed(&s, 3, frame, "d");
		list_with(&s, "block list y;block end;block top 2");
	}
	assert_true(store_commit(s.store));
	buf_add_span(out, buf_span(&s.lines));
	dump_blocks(s.store, ALL_BLOCKS, out);
	dump_blocks(s.store, "SELECT * FROM page_blocks ORDER BY block", out);
	/* Of those that no other page asks for the target is not indexed. */
	assert_int_equal(db_number(&s.store->db, 0,
			     "SELECT count(*) FROM page_blocks b JOIN pages p"
			     " ON p.page = b.block >> 20"
			     " WHERE b.target IS NOT (CASE WHEN p.target = ("
			     "SELECT target FROM targets WHERE id = 'uri')"
			     " THEN p.target END)",
			     ""),
	    0);
	s.config.ntargets = 0;
	story_end(&s);
	free(path);
	folder_remove(dir);
}

static void
blocks_in_their_own_table(void **state)
{
	struct buf new = BUF_INIT(1u << 20), old = BUF_INIT(1u << 20);

	(void)state;
	framed_life(false, &new);
	framed_life(true, &old);
	assert_non_null(strstr(buf_str(&new), "content.edited"));
	assert_non_null(strstr(buf_str(&new), "content.changed"));
	assert_string_equal(buf_str(&old), buf_str(&new));
	buf_release(&new);
	buf_release(&old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(newest_are_followed_and_some_kept),
	    cmocka_unit_test(edits_are_told_as_such),
	    cmocka_unit_test(frame_is_told_once),
	    cmocka_unit_test(headline_is_no_edit),
	    cmocka_unit_test(deletion_and_return),
	    cmocka_unit_test(nothing_is_deleted_while_the_site_fails),
	    cmocka_unit_test(blocks_in_their_own_table),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Rows that the store keeps in memory: they are those of the database at any
 * time, and no more than they may be.
 */
#include "story.h"

#include "limit.h"
#include "store_kept.h"

#define LIST "http://list.example/"

static struct page_slot slots[2] = STORY_ARTICLES(LIST);
static struct target listed = {.id = (char *)"list",
    .enabled = true,
    .pages = slots,
    .npages = 2};

static const char *const names[] = {"one", "two", "three", "four", "site0001",
    "site0002"};

/* Numbers that are the same in every run. */
static uint32_t
draw(uint32_t *state, uint32_t below)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 8) % below;
}

static void
begin(struct story *s)
{
	story_begin(s, NULL);
	s->config.targets = &listed;
	s->config.ntargets = 1;
	s->config.twin_delay = 1000;
}

static void
end(struct story *s)
{
	s->config.ntargets = 0;
	story_end(s);
}

static void
add_records(struct dns_lookup *d, uint32_t *state)
{
	size_t n = draw(state, 4);

	d->host = xasprintf("host%u.example", draw(state, 3));
	for (size_t i = 0; i < n; i++) {
		bool zone = draw(state, 4) == 0;
		char *value = xasprintf("192.0.2.%u", draw(state, 3));

		dns_record_add(d, zone ? SPAN("NS") : SPAN("A"), 0,
		    span_of(value));
		free(value);
	}
}

static void
add_chain(struct hop *h, uint32_t *state)
{
	h->chain = xcalloc(1, sizeof *h->chain);
	h->nchain = 1;
	memset(h->chain[0].sha256, (int)('a' + draw(state, 3)), 64);
}

/* A page that answers, in one of its states. */
static void
answer(struct story *s, uint32_t *state, struct observation *o,
    struct finding *f, bool list)
{
	struct hop *h = &o->hops[0];
	char text[128];

	h->status = 200;
	h->stage = STAGE_BODY;
	snprintf(text, sizeof text,
	    "title t%u;block x %u;block y;channel vk %u", draw(state, 12) / 11,
	    draw(state, 8) / 7, draw(state, 12) / 11);
	look_fill(f, text);
	look_hash(f, text);
	f->status = draw(state, 2) == 0 ? ANALYSIS_SAME : ANALYSIS_OK;
	if (draw(state, 2) == 0)
		buf_addf(&h->headers, "ETag: \"%u\"\r\n", draw(state, 2));
	if (draw(state, 3) == 0)
		add_chain(h, state);
	for (uint32_t i = 0; list && i < 3; i++) {
		snprintf(text, sizeof text, LIST "news/%u",
		    (unsigned)s->id / 40 + i);
		finding_add_link(f, span_of(text));
	}
}

/* Any look at any page. */
static void
any_look(struct story *s, uint32_t *state)
{
	uint32_t which = draw(state, ARRAY_LEN(names) + 3);
	bool list = which == ARRAY_LEN(names), down = draw(state, 40) == 0;
	const char *target = which < ARRAY_LEN(names) ? names[which] : "list";
	char *url = which < ARRAY_LEN(names)
	    ? xasprintf("http://%s.example/", target)
	    : xasprintf(LIST "news/%u", (unsigned)s->id / 40 + draw(state, 4));
	struct observation o;
	struct finding f;
	struct hop *h;

	if (list)
		memcpy(url, LIST, sizeof LIST);
	h = look_begin(&o, &f, target,
	    which > ARRAY_LEN(names) ? "article" : "main", url);
	add_records(&h->dns, state);
	if (draw(state, 12) == 0)
		o.variant = VARIANT_TWIN;
	/* For a while nothing answers, or one target does not. */
	if (s->id / 100 % 5 == 4 || (down && s->id % 2 == 0) ||
	    (which == 1 && s->id / 100 % 3 == 2)) {
		h->failure = FAILURE_TIMEOUT;
		h->stage = STAGE_TCP;
		f.status = ANALYSIS_NONE;
	} else if (down || (which > ARRAY_LEN(names) && draw(state, 6) == 0)) {
		h->status = 404;
		h->stage = STAGE_BODY;
		h->failure = FAILURE_HTTP_STATUS;
	} else {
		answer(s, state, &o, &f, list);
	}
	story_look(s, &o, &f);
	free(url);
}

/* All rows of a table as lines. */
static void
dump(struct story *s, const char *sql, struct buf *out)
{
	struct sqlite3_stmt *q = db_query(&s->store->db, sql, "");
	char *text;

	while (db_row(&s->store->db, q)) {
		for (int i = 0; i < 32; i++) {
			text = column_text(q, i);
			buf_addf(out, "%s|", text == NULL ? "-" : text);
			free(text);
		}
		buf_add_char(out, '\n');
	}
}

static void
dump_all(struct story *s, struct buf *out)
{
	dump(s, "SELECT * FROM targets ORDER BY target", out);
	dump(s, "SELECT * FROM page_facts ORDER BY page", out);
	dump(s, "SELECT * FROM page_looks ORDER BY page", out);
	dump(s, "SELECT * FROM hosts ORDER BY target, host", out);
	dump(s, "SELECT * FROM observations ORDER BY observation", out);
	dump(s, "SELECT * FROM sightings ORDER BY sighting", out);
	dump(s, "SELECT * FROM places ORDER BY sighting, page", out);
	dump(s, "SELECT * FROM blocks ORDER BY page, position", out);
	dump(s, "SELECT * FROM changing ORDER BY rowid", out);
	assert_false(out->overflow);
}

/* One life of a store; where it keeps nothing, every row is read anew.  Now
 * and then the disk refuses a commit. */
static void
live(bool keeps, struct buf *out)
{
	uint32_t state = 1;
	struct story s;

	begin(&s);
	for (int i = 0; i < 4000; i++) {
		if (!keeps)
			kept_spoil(s.store->kept);
		any_look(&s, &state);
		advice_encode(&s.advice, out);
		if (draw(&state, 60) == 0)
			s.store->db.failed = true;
		if (s.store->db.failed)
			assert_false(store_commit(s.store));
		else if (draw(&state, 8) == 0)
			assert_true(store_commit(s.store));
	}
	assert_true(store_commit(s.store));
	buf_add_span(out, buf_span(&s.lines));
	dump_all(&s, out);
	/* All that it is to show did happen. */
	assert_non_null(strstr(s.lines.data, "vantage.offline"));
	assert_non_null(strstr(s.lines.data, "site.down"));
	assert_non_null(strstr(s.lines.data, "address.changed"));
	assert_non_null(strstr(s.lines.data, "certificate.changed"));
	assert_non_null(strstr(s.lines.data, "content.deleted"));
	assert_non_null(strstr(s.lines.data, "title.changed"));
	end(&s);
}

static void
same_as_without(void **state)
{
	struct buf with = BUF_INIT(1u << 24), without = BUF_INIT(1u << 24);

	(void)state;
	live(true, &with);
	live(false, &without);
	assert_true(span_eq(buf_span(&with), buf_span(&without)));
	buf_release(&with);
	buf_release(&without);
}

/* A page of blocks that stay, change, blink, move and come anew; one has the
 * same hash whatever its number. */
static void
text_look(struct story *s, uint32_t *state)
{
	const char *target = names[draw(state, ARRAY_LEN(names))];
	struct observation o;
	struct finding f;
	char url[64], text[64];
	uint32_t moved = draw(state, 12);
	struct hop *h;

	snprintf(url, sizeof url, "http://%s.example/", target);
	h = look_begin(&o, &f, target, "main", url);
	h->status = 200;
	h->stage = STAGE_BODY;
	for (uint32_t i = 0; i < 24; i++) {
		uint32_t n = i == 3 && s->id / 300 % 2 == 0 ? draw(state, 50)
		    : i == 9 || i == 10 || i > 20
		    ? (uint32_t)s->id / 80 + draw(state, 9) / 8
		    : 0;
		struct span t = {text,
		    (size_t)snprintf(text, sizeof text, "block %u %u",
			i == 15 ? moved : i, n)};

		if (i == 12 && draw(state, 3) == 0)
			finding_add_block(&f, t, bytes_hash(SPAN("visit")),
			    true);
		else if (i == 6)
			finding_add_block(&f, t, bytes_hash(SPAN("seen")),
			    false);
		else if (i != 18 || draw(state, 5) > 0)
			finding_add_block(&f, t, bytes_hash(t), false);
	}
	snprintf(f.blocks[6].text, 10, "seen %u", draw(state, 10));
	look_hash(&f, "body");
	if (draw(state, 5) == 0)
		o.variant = VARIANT_TWIN;
	story_look(s, &o, &f);
}

/* As live(), with pages that change; or where there is little room. */
static void
live_texts(bool keeps, size_t room, struct buf *out)
{
	uint32_t state = 1;
	struct story s;

	begin(&s);
	if (room > 0) {
		kept_free(s.store->kept);
		s.store->kept = kept_new(room);
	}
	for (int i = 0; i < 3000; i++) {
		if (!keeps)
			kept_spoil(s.store->kept);
		text_look(&s, &state);
		advice_encode(&s.advice, out);
		if (draw(&state, 60) == 0) {
			s.store->db.failed = true;
			assert_false(store_commit(s.store));
		} else if (draw(&state, 8) == 0) {
			assert_true(store_commit(s.store));
		}
	}
	assert_true(store_commit(s.store));
	buf_add_span(out, buf_span(&s.lines));
	dump_all(&s, out);
	assert_non_null(strstr(s.lines.data, "content.changed"));
	assert_non_null(strstr(s.lines.data, "\"removed\":[\"block 9"));
	end(&s);
}

static void
texts_same_as_without(void **state)
{
	struct buf with = BUF_INIT(1u << 24), without = BUF_INIT(1u << 24),
		   tight = BUF_INIT(1u << 24);

	(void)state;
	live_texts(true, 0, &with);
	live_texts(false, 0, &without);
	live_texts(true, 8 * KIB, &tight);
	assert_true(span_eq(buf_span(&with), buf_span(&without)));
	assert_true(span_eq(buf_span(&tight), buf_span(&without)));
	buf_release(&with);
	buf_release(&without);
	buf_release(&tight);
}

/* The row has the text of the last look, though nothing of it is told. */
static void
same_hash_other_text(void **state)
{
	struct observation o;
	struct finding f;
	struct story s;
	char text[8];
	struct hop *h;

	(void)state;
	begin(&s);
	for (int n = 1; n < 6; n++) {
		h = look_begin(&o, &f, "one", "main", "http://one.example/");
		h->status = 200;
		h->stage = STAGE_BODY;
		snprintf(text, sizeof text, "seen %d", n);
		finding_add_block(&f, span_of(text), 7, false);
		look_hash(&f, text);
		story_look(&s, &o, &f);
		assert_int_equal(db_number(&s.store->db, 0,
				     "SELECT count(*) FROM blocks"
				     " WHERE text = ?1",
				     "s", text),
		    1);
	}
	story_expect(&s, "target.baseline one\n");
	end(&s);
}

static void
rollback_drops(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	story_see(&s, "one", "title a;block x");
	assert_true(store_commit(s.store));
	assert_non_null(kept_target(s.store->kept, "one"));
	story_see(&s, "one", "title b;block x");
	story_see(&s, "new", "title c;block x");
	s.store->db.failed = true;
	assert_false(store_commit(s.store));
	assert_null(kept_target(s.store->kept, "one"));
	assert_null(kept_target(s.store->kept, "new"));
	buf_clear(&s.told);
	/* The title is that before the rollback, to which this one is new. */
	story_see(&s, "one", "title b;block x");
	story_see(&s, "new", "title c;block x");
	story_expect(&s, "title.changed one\ntarget.baseline new\n");
	end(&s);
}

/* One statement voids the failures of all while nothing answers. */
static void
offline_drops(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 4; i++)
		story_see(&s, names[i], "title a;block x");
	assert_true(store_commit(s.store));
	s.now += 3600000;
	for (int i = 0; i < 4; i++)
		story_fail(&s, names[i], FAILURE_TIMEOUT);
	assert_int_equal(s.store->outage.offline, true);
	assert_null(kept_target(s.store->kept, "one"));
	story_see(&s, "two", "title a;block x");
	assert_null(kept_target(s.store->kept, "one"));
	assert_non_null(kept_target(s.store->kept, "two"));
	end(&s);
}

/* What was noted while the clock was a year ahead holds nobody back when it is
 * right again: not the knowledge that our line is down, also after a start. */
static void
offline_after_the_clock_was_set_back(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 4; i++)
		story_see(&s, names[i], "title a;block x");
	s.now -= INT64_C(31536000000);
	for (int i = 0; i < 4; i++)
		story_see(&s, names[i], "title a;block x");
	assert_true(store_commit(s.store));
	buf_clear(&s.told);
	s.now += 3600000;
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 4; i++)
			story_fail(&s, names[i], FAILURE_TIMEOUT);
	story_expect(&s, "vantage.offline\n");
	s.now -= INT64_C(31536000000);
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 4; i++)
			story_fail(&s, names[i], FAILURE_TIMEOUT);
	story_expect(&s, "clock.stepped\n");
	story_see(&s, "one", "title a;block x");
	story_expect(&s, "vantage.online\n");
	end(&s);
}

/* The clock is set back while the line is down already. */
static void
offline_while_the_clock_is_set_back(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 4; i++)
		story_see(&s, names[i], "title a;block x");
	assert_true(store_commit(s.store));
	buf_clear(&s.told);
	s.now -= INT64_C(31536000000);
	for (int k = 0; k < 5; k++)
		for (int i = 0; i < 4; i++)
			story_fail(&s, names[i], FAILURE_TIMEOUT);
	story_expect(&s, "clock.stepped\nvantage.offline\n");
	end(&s);
}

/* A block that was told then is not kept back for a year. */
static void
told_blocks_when_the_clock_is_set_back(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	story_see(&s, "one", "title a;block x");
	db_run(&s.store->db, "INSERT INTO told VALUES(1, 1, 1, ?1)", "i",
	    s.now);
	s.now -= INT64_C(31536000000);
	story_see(&s, "one", "title a;block x");
	assert_true(
	    db_number(&s.store->db, 0, "SELECT time FROM told", "") < s.now);
	end(&s);
}

/* One statement sets back all whose fate was held, when it may have been the
 * line. */
static void
held_drops(void **state)
{
	struct story s;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		story_see(&s, names[i], "title a;block x");
	for (int i = 0; i < 3; i++)
		story_fail(&s, "one", FAILURE_TIMEOUT);
	assert_true(kept_target_row(kept_target(s.store->kept, "one"))->v.held);
	for (int i = 1; i < 4; i++)
		story_fail(&s, names[i], FAILURE_TIMEOUT);
	assert_false(s.store->outage.offline);
	assert_non_null(kept_target(s.store->kept, "one"));
	story_see(&s, "site0001", "title a;block x");
	assert_int_equal(db_number(&s.store->db, 9,
			     "SELECT held FROM targets WHERE id = 'one'", ""),
	    0);
	assert_null(kept_target(s.store->kept, "one"));
	end(&s);
}

static void
configuration_drops(void **state)
{
	struct target *mine = xcalloc(1, sizeof *mine);
	struct config other;
	struct story s;

	(void)state;
	begin(&s);
	other = s.config;
	*mine = listed;
	other.targets = mine;
	store_configure(s.store, &other);
	story_page(&s, "list", "main", LIST, "title a;block x");
	assert_ptr_equal(kept_target_row(kept_target(s.store->kept, "list"))
			     ->config,
	    mine);
	store_configure(s.store, &s.config);
	free(mine);
	assert_null(kept_target(s.store->kept, "list"));
	story_page(&s, "list", "main", LIST, "title b;block x");
	assert_ptr_equal(kept_target_row(kept_target(s.store->kept, "list"))
			     ->config,
	    &listed);
	end(&s);
}

static int64_t
articles(struct story *s)
{
	return db_number(&s->store->db, 0,
	    "SELECT count(*) FROM pages WHERE sampled = 1", "");
}

static void
article(struct story *s, int n)
{
	char *url = xasprintf(LIST "news/%d", n);

	story_page(s, "list", "article", url, "block x");
	free(url);
}

/* Old samples are deleted: one that is seen again is a new page. */
static void
forgotten_samples_drop(void **state)
{
	struct story s;
	int64_t row;

	(void)state;
	begin(&s);
	story_page(&s, "list", "main", LIST, "block x");
	for (int n = 0; n < 20; n++)
		article(&s, n);
	assert_int_equal(articles(&s), 20);
	row = kept_target_row(kept_target(s.store->kept, "list"))->row;
	/* None is in the list any more, and much time passes. */
	db_run(&s.store->db, "UPDATE page_facts SET watched = 0", "");
	kept_target_set(kept_target(s.store->kept, "list"),
	    &(struct row_target){.row = row,
		.turn = 9000,
		.baseline = true,
		.config = &listed,
		.kept = kept_target(s.store->kept, "list")});
	article(&s, 20);
	assert_int_equal(articles(&s), 1);
	article(&s, 1);
	assert_int_equal(articles(&s), 2);
	end(&s);
}

static struct kept_target *
add(struct kept *k, int n)
{
	const struct row_target row = {.row = n};
	char id[32];

	snprintf(id, sizeof id, "site%04d", n);
	return kept_target_add(k, id, &row);
}

static bool
has(const struct kept *k, int n)
{
	char id[32];

	snprintf(id, sizeof id, "site%04d", n);
	return kept_target(k, id) != NULL;
}

static void
put_page(struct kept *k, struct kept_target *t, int n, const char *title)
{
	struct row_page row = {.row = n, .title = xstrdup(title)};
	char url[64];

	snprintf(url, sizeof url, "http://x.example/%d", n);
	kept_page_put(k, t, "main", url, &row);
	assert_null(row.title);
}

static bool
take_page(struct kept_target *t, int n, struct row_page *row)
{
	char url[64];

	snprintf(url, sizeof url, "http://x.example/%d", n);
	return kept_page_take(t, "main", url, row);
}

static void
limit_holds(void **state)
{
	char title[1000];
	struct kept *k = kept_new(256 * KIB);
	int left = 0;

	(void)state;
	memset(title, 'x', sizeof title - 1);
	title[sizeof title - 1] = '\0';
	for (int n = 0; n < 2000; n++) {
		kept_begin(k);
		put_page(k, add(k, n), n, title);
		/* The look that added it has it still. */
		assert_true(has(k, n));
	}
	kept_begin(k);
	for (int n = 0; n < 2000; n++)
		left += has(k, n);
	assert_in_range(left, 64, 256);
	/* Texts that grow count, where they are longer than before. */
	kept_clear(k);
	for (int n = 0; n < 200; n++)
		put_page(k, add(k, n), n, "");
	kept_begin(k);
	for (int n = 0; n < 200; n++) {
		struct row_page row;
		char id[32];

		snprintf(id, sizeof id, "site%04d", n);
		assert_true(take_page(kept_target(k, id), n, &row));
		free(row.title);
		row.title = xstrdup(title);
		row.changed = true;
		snprintf(title + 900, 90, "http://x.example/%d", n);
		kept_page_put(k, kept_target(k, id), "main", title + 900, &row);
		memset(title + 900, 'x', 90);
	}
	kept_begin(k);
	left = 0;
	for (int n = 0; n < 200; n++)
		left += has(k, n);
	assert_in_range(left, 64, 199);
	kept_free(k);
}

/* Texts of pages go before anything else does. */
static void
texts_go_first(void **state)
{
	struct kept *k = kept_new(256 * KIB);
	struct known_block blocks[100] = {0};
	struct known_text known = {.list = blocks, .count = ARRAY_LEN(blocks)};
	int left = 0;

	(void)state;
	for (int n = 0; n < 200; n++) {
		struct row_page row = {.row = n, .title = xstrdup("title")};
		char url[64];

		snprintf(url, sizeof url, "http://x.example/%d", n);
		text_keep(&row, &known);
		assert_true(page_text_bytes(row.text) > 2000);
		kept_begin(k);
		kept_page_put(k, add(k, n), "main", url, &row);
	}
	kept_begin(k);
	for (int n = 0; n < 200; n++) {
		struct row_page row;
		char id[32];

		snprintf(id, sizeof id, "site%04d", n);
		assert_true(take_page(kept_target(k, id), n, &row));
		assert_string_equal(row.title, "title");
		left += row.text != NULL;
		row_page_release(&row);
	}
	assert_in_range(left, 10, 110);
	/* A number that has no room is not kept. */
	for (int n = 0; n < 3; n++) {
		struct row_page row = {.sampled = n == 2};

		blocks[9].position = n == 0 ? INT64_C(1) << 30 : 0;
		blocks[9].state.since = n == 1 ? UINT64_C(1) << 32 : 0;
		text_keep(&row, &known);
		assert_null(row.text);
	}
	kept_free(k);
}

static void
pages_and_hosts_of_one(void **state)
{
	struct kept *k = kept_new(KEPT_BYTES_MAX);
	struct kept_target *t = add(k, 1);
	struct row_page row;
	struct row_host host = {.addresses = xstrdup("192.0.2.1")};
	int n, left = 0;

	(void)state;
	for (n = 0; n < KEPT_PAGES_MAX * 2; n++) {
		put_page(k, t, n, "title");
		/* The first is used all the time. */
		assert_true(take_page(t, 0, &row));
		assert_false(take_page(t, 0, &(struct row_page){0}));
		assert_string_equal(row.title, "title");
		kept_page_put(k, t, "main", "http://x.example/0", &row);
	}
	for (n = 0; n < KEPT_PAGES_MAX * 2; n++)
		if (take_page(t, n, &row)) {
			left++;
			row_page_release(&row);
		}
	assert_int_equal(left, KEPT_PAGES_MAX);
	kept_pages_drop(k, t);
	assert_false(take_page(t, 0, &row));
	kept_host_put(k, t, "www.example", &host);
	assert_false(kept_host_take(t, "example", &host));
	assert_true(kept_host_take(t, "www.example", &host));
	assert_string_equal(host.addresses, "192.0.2.1");
	kept_host_put(k, t, "www.example", &host);
	for (n = 0; n < KEPT_HOSTS_MAX; n++) {
		char name[32];

		snprintf(name, sizeof name, "h%d.example", n);
		kept_host_put(k, t, name, &host);
	}
	assert_false(kept_host_take(t, "www.example", &host));
	kept_free(k);
}

static void
spoilt_gives_nothing(void **state)
{
	struct kept *k = kept_new(KEPT_BYTES_MAX);
	struct kept_target *t = add(k, 1);
	struct row_page row;

	(void)state;
	put_page(k, t, 1, "title");
	kept_spoil(k);
	assert_false(has(k, 1));
	assert_null(add(k, 2));
	/* A look that is under way gives back what it has. */
	assert_true(take_page(t, 1, &row));
	kept_page_put(k, t, "main", "http://x.example/1", &row);
	kept_begin(k);
	assert_false(has(k, 1));
	assert_non_null(add(k, 1));
	assert_true(has(k, 1));
	kept_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_as_without),
	    cmocka_unit_test(texts_same_as_without),
	    cmocka_unit_test(same_hash_other_text),
	    cmocka_unit_test(rollback_drops),
	    cmocka_unit_test(offline_drops),
	    cmocka_unit_test(offline_after_the_clock_was_set_back),
	    cmocka_unit_test(offline_while_the_clock_is_set_back),
	    cmocka_unit_test(told_blocks_when_the_clock_is_set_back),
	    cmocka_unit_test(held_drops),
	    cmocka_unit_test(configuration_drops),
	    cmocka_unit_test(forgotten_samples_drop),
	    cmocka_unit_test(limit_holds),
	    cmocka_unit_test(texts_go_first),
	    cmocka_unit_test(pages_and_hosts_of_one),
	    cmocka_unit_test(spoilt_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

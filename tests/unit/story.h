/*
 * Scripted looks for tests of the differ and the store: a clock, a page made
 * of a few words, and the events that came of it as short lines.
 */
#ifndef KPWATCH_TEST_STORY_H
#define KPWATCH_TEST_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "store.h"

/* What versions 11 and 12 of the tables brought, undone: one table of blocks.
 */
#define UNDO_TO_10                                                             \
	"DROP TABLE strays;"                                                   \
	"CREATE TABLE kept_blocks AS SELECT * FROM blocks;"                    \
	"DROP VIEW blocks;"                                                    \
	"DROP TABLE page_blocks;"                                              \
	"CREATE TABLE blocks(page INTEGER, position INTEGER, hash INTEGER,"    \
	" text TEXT, volatile INTEGER NOT NULL DEFAULT 0,"                     \
	" frame INTEGER NOT NULL DEFAULT 0,"                                   \
	" since INTEGER NOT NULL DEFAULT 0, target INTEGER,"                   \
	" PRIMARY KEY(page, position)) WITHOUT ROWID;"                         \
	"INSERT INTO blocks SELECT * FROM kept_blocks;"                        \
	"DROP TABLE kept_blocks;"                                              \
	"CREATE INDEX blocks_target ON blocks(target, hash);"                  \
	"PRAGMA user_version = 10;"

/* And version 10: one table of pages. */
#define UNDO_TO_9                                                              \
	UNDO_TO_10                                                             \
	"CREATE TABLE kept AS SELECT * FROM pages;"                            \
	"DROP VIEW channels;"                                                  \
	"DROP VIEW pages;"                                                     \
	"DROP TABLE page_facts;"                                               \
	"DROP TABLE page_looks;"                                               \
	"CREATE TABLE pages(page INTEGER PRIMARY KEY,"                         \
	" target INTEGER NOT NULL, slot TEXT NOT NULL, url TEXT NOT NULL,"     \
	" sampled INTEGER NOT NULL, watched INTEGER NOT NULL DEFAULT 1,"       \
	" first_seen INTEGER, last_seen INTEGER, last_good INTEGER,"           \
	" turn INTEGER, visits INTEGER, title TEXT, body_sha256 TEXT,"         \
	" text_sha256 TEXT, sightings INTEGER, missing INTEGER,"               \
	" final_url TEXT, etag TEXT, last_modified TEXT,"                      \
	" looks INTEGER NOT NULL DEFAULT 0,"                                   \
	" twins INTEGER NOT NULL DEFAULT 0,"                                   \
	" suppressed INTEGER NOT NULL DEFAULT 0,"                              \
	" reordered INTEGER NOT NULL DEFAULT 0,"                               \
	" markup INTEGER NOT NULL DEFAULT 0,"                                  \
	" flickers INTEGER NOT NULL DEFAULT 0,"                                \
	" gone INTEGER NOT NULL DEFAULT 0,"                                    \
	" rules INTEGER NOT NULL DEFAULT 0, UNIQUE(target, slot, url));"       \
	"INSERT INTO pages SELECT * FROM kept;"                                \
	"DROP TABLE kept;"                                                     \
	"CREATE VIEW channels AS SELECT t.id AS target, s.name,"               \
	" (SELECT max(p.last_good) FROM places l JOIN pages p USING (page)"    \
	" WHERE l.sighting = s.sighting) AS last_seen"                         \
	" FROM sightings s JOIN targets t USING (target)"                      \
	" WHERE s.kind = 'channel';"                                           \
	"ALTER TABLE targets ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;"      \
	"UPDATE targets SET turn ="                                            \
	" (SELECT max(turn) FROM pages p WHERE p.target = targets.target);"    \
	"PRAGMA user_version = 9;"

/* And versions 8 and 9. */
#define UNDO_TO_7                                                              \
	UNDO_TO_9                                                              \
	"DROP TABLE recognition;"                                              \
	"ALTER TABLE pages DROP COLUMN rules;"                                 \
	"DROP INDEX blocks_target;"                                            \
	"ALTER TABLE blocks DROP COLUMN target;"                               \
	"CREATE INDEX blocks_hash ON blocks(hash);"                            \
	"PRAGMA user_version = 7;"

/* Slots of a page that lists news, and of the articles that it links to. */
#define STORY_ARTICLES(list)                                                   \
	{                                                                      \
		{.name = (char *)"main", .url = (char *)(list)},               \
		    {.name = (char *)"article",                                \
			.url = (char *)(list),                                 \
			.match = (char *)"*/news/*",                           \
			.sample = 2,                                           \
			.archive_sample = 2},                                  \
	}

struct story {
	struct store *store;
	struct config config;
	struct buf told;  /* "type target platform name before>after\n" */
	struct buf lines; /* whole event lines */
	int64_t now;
	uint64_t id;
	uint32_t watched; /* targets of the run that looks */
	uint64_t rules;	  /* that the findings are made with */
	struct advice advice;
};

static void
story_event(const struct event *e, struct span line, void *arg)
{
	struct story *s = arg;

	buf_addf(&s->told, "%s", event_type_name(e->type));
	if (e->target != NULL)
		buf_addf(&s->told, " %s", e->target);
	if (e->platform != NULL)
		buf_addf(&s->told, " %s", e->platform);
	if (e->name != NULL)
		buf_addf(&s->told, " %s", e->name);
	if (e->before >= 0)
		buf_addf(&s->told, " %d>%d", (int)e->before, (int)e->after);
	buf_add_char(&s->told, '\n');
	buf_add_span(&s->lines, line);
	buf_add_char(&s->lines, '\n');
}

static void
story_config(struct story *s)
{
	memset(&s->config, 0, sizeof s->config);
	s->config.vantage = (char *)"test-1";
	s->config.confirm_down = 3;
	s->config.confirm_up = 2;
	s->config.confirm_removed = 3;
	s->config.interval = 3600000;
	s->config.offline_window = 120000;
}

static void
story_open(struct story *s, const char *dir, bool log_now)
{
	struct store_options o = {.state_dir = dir,
	    .config = &s->config,
	    .log_now = log_now,
	    .event = story_event,
	    .arg = s};
	char *why = NULL;

	s->store = store_open(&o, &why);
	if (s->store == NULL)
		fail_msg("store: %s", why);
}

static void
story_begin(struct story *s, const char *dir)
{
	memset(s, 0, sizeof *s);
	buf_init(&s->told, 1u << 20);
	buf_init(&s->lines, 1u << 22);
	s->now = INT64_C(1547445600000);
	story_config(s);
	story_open(s, dir, true);
}

static void
story_end(struct story *s)
{
	store_close(s->store);
	buf_release(&s->told);
	buf_release(&s->lines);
	advice_release(&s->advice);
}

/* Everything told since the last call must be this. */
__attribute__((unused)) static void
story_expect(struct story *s, const char *want)
{
	assert_true(store_commit(s->store));
	assert_string_equal(buf_str(&s->told), want);
	buf_clear(&s->told);
}

static void
story_look(struct story *s, struct observation *o, struct finding *f)
{
	o->id = ++s->id;
	o->time = s->now;
	o->watched = s->watched;
	f->rules = s->rules;
	s->now += 1000;
	advice_release(&s->advice);
	assert_true(store_observe(s->store, o, f, &s->advice));
	observation_release(o);
	finding_release(f);
}

static struct hop *
look_begin(struct observation *o, struct finding *f, const char *target,
    const char *page, const char *url)
{
	struct hop *h;

	observation_init(o);
	finding_init(f);
	o->vantage = xstrdup("test-1");
	o->target = xstrdup(target);
	o->page = xstrdup(page);
	o->url = xstrdup(url);
	h = observation_add_hop(o);
	h->url = xstrdup(url);
	return h;
}

/* "channel youtube @a; share vk; block headline" */
static void
look_fill(struct finding *f, const char *text)
{
	char *copy = xstrdup(text), *save = NULL, *item;

	for (item = strtok_r(copy, ";", &save); item != NULL;
	     item = strtok_r(NULL, ";", &save)) {
		char *inner = NULL, *kind = strtok_r(item, " ", &inner);
		char *a = strtok_r(NULL, " ", &inner);
		char *b = strtok_r(NULL, " ", &inner);
		struct sighting g = {0};
		char *t;

		if (kind == NULL)
			continue;
		if (strcmp(kind, "block") == 0) {
			t = xasprintf("%s %s", a, b == NULL ? "" : b);
			finding_add_block(f, span_of(t), bytes_hash(span_of(t)),
			    false);
			free(t);
			continue;
		}
		if (strcmp(kind, "title") == 0) {
			f->title = xstrdup(a);
			continue;
		}
		g.kind = sighting_kind_from_name(span_of(kind));
		g.platform = xstrdup(a);
		g.name = xstrdup(b);
		g.fold =
		    g.kind == SIGHTING_CHANNEL && strcmp(a, "caseless") == 0;
		finding_add_sighting(f, &g);
	}
	free(copy);
}

static void
look_hash(struct finding *f, const char *text)
{
	struct buf all = BUF_INIT(1u << 20);

	sha256_hex(span_of(text), f->body_sha256);
	for (size_t i = 0; i < f->nblocks; i++) {
		buf_add_str(&all, f->blocks[i].text);
		buf_add_char(&all, '\n');
	}
	sha256_hex(buf_span(&all), f->text_sha256);
	f->body_length = strlen(text);
	buf_release(&all);
}

static void
story_page(struct story *s, const char *target, const char *page,
    const char *url, const char *text)
{
	struct observation o;
	struct finding f;
	struct hop *h = look_begin(&o, &f, target, page, url);

	h->status = 200;
	h->stage = STAGE_BODY;
	look_fill(&f, text);
	look_hash(&f, text);
	story_look(s, &o, &f);
}

__attribute__((unused)) static void
story_see(struct story *s, const char *target, const char *text)
{
	char url[128];

	snprintf(url, sizeof url, "http://%s.example/", target);
	story_page(s, target, "main", url, text);
}

__attribute__((unused)) static void
story_fail(struct story *s, const char *target, enum failure failure)
{
	struct observation o;
	struct finding f;
	char url[128];
	struct hop *h;

	snprintf(url, sizeof url, "http://%s.example/", target);
	h = look_begin(&o, &f, target, "main", url);
	h->failure = failure;
	h->stage = STAGE_TCP;
	f.status = ANALYSIS_NONE;
	story_look(s, &o, &f);
}

#endif

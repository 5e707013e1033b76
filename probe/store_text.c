#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_db.h"

#define I(x) ((int64_t)(x))

/* What was told of one page is not told of another for so long: old articles
 * are looked at as seldom. */
#define TOLD_MS (INT64_C(120) * 86400000)

static void
load_slots(struct store *st, int64_t page, struct known_text *k)
{
	struct volatile_set *set = &k->slots;
	struct volatile_slot *v;
	size_t cap = 0;
	sqlite3_stmt *s;

	s = db_query(&st->db,
	    "SELECT before, after, content, changes, look,"
	    " width, same, state, usual, other, usual_run,"
	    " empties, lasted, rowid FROM changing WHERE page = ?1"
	    " ORDER BY rowid",
	    "i", page);
	while (db_row(&st->db, s)) {
		set->list = xgrow(set->list, &set->cap, set->count + 1,
		    sizeof *set->list);
		v = &set->list[set->count++];
		v->before = (uint64_t)sqlite3_column_int64(s, 0);
		v->after = (uint64_t)sqlite3_column_int64(s, 1);
		v->content = (uint64_t)sqlite3_column_int64(s, 2);
		v->changes = (uint64_t)sqlite3_column_int64(s, 3);
		v->look = (uint64_t)sqlite3_column_int64(s, 4);
		v->width = (uint32_t)sqlite3_column_int64(s, 5);
		v->same = (uint32_t)sqlite3_column_int64(s, 6);
		v->state = (enum slot_state)sqlite3_column_int(s, 7);
		v->usual[0] = (uint64_t)sqlite3_column_int64(s, 8);
		v->usual[1] = (uint64_t)sqlite3_column_int64(s, 9);
		v->usual_run = (uint32_t)sqlite3_column_int64(s, 10);
		v->empties = sqlite3_column_int(s, 11) != 0;
		v->lasted = (uint32_t)sqlite3_column_int64(s, 12);
		v->touched = false;
		k->kept = xgrow(k->kept, &cap, k->nkept + 1, sizeof *k->kept);
		k->kept[k->nkept++] =
		    (struct kept_slot){sqlite3_column_int64(s, 13), *v};
	}
}

/* The number of a row of page_blocks. */
static int64_t
block_row(int64_t page, int64_t position)
{
	return page << 20 | position;
}

#define IN_PAGE "BETWEEN ?1 << 20 AND ?1 << 20 | 1048575"

static const char select_blocks[] =
    "SELECT block & 1048575, hash, text, since, volatile, frame"
    " FROM page_blocks WHERE block " IN_PAGE " ORDER BY block";
/* What is on another page of the target by now is frame too.  CASE: both sides
 * of an OR are looked up. */
static const char select_blocks_framed[] =
    "SELECT block & 1048575, hash, text, since, volatile,"
    " CASE WHEN frame THEN 1 ELSE"
    " EXISTS (SELECT 1 FROM page_blocks b WHERE b.target = page_blocks.target"
    " AND b.hash = page_blocks.hash AND b.block NOT " IN_PAGE ") END"
    " FROM page_blocks WHERE block " IN_PAGE " ORDER BY block";

/* Of texts that only this tells apart a page could be made to have two with
 * one hash, were it not for numbers that nobody else knows. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
words_hash(const struct store *st, struct span s)
{
	uint64_t h = st->secret[0] ^ s.n, word[2];

	for (; s.n > 16; s = span_slice(s, 16, s.n)) {
		memcpy(word, s.p, sizeof word);
		h = fold(word[0] ^ st->secret[1], word[1] ^ h);
	}
	word[0] = bytes_upto8(s.p, s.n < 8 ? s.n : 8);
	word[1] = s.n < 8 ? 0 : bytes_upto8(s.p + 8, s.n - 8);
	return fold(word[0] ^ st->secret[1], word[1] ^ h);
}

static struct span
column_span(sqlite3_stmt *s, int at)
{
	const char *p = (const char *)sqlite3_column_text(s, at);

	return (struct span){p,
	    p == NULL ? 0 : (size_t)sqlite3_column_bytes(s, at)};
}

static void
load_blocks(struct store *st, sqlite3_stmt *s, struct known_text *k)
{
	struct known_block *b;

	while (db_row(&st->db, s)) {
		k->list =
		    xgrow(k->list, &k->cap, k->count + 1, sizeof *k->list);
		b = &k->list[k->count++];
		memset(b, 0, sizeof *b);
		b->position = sqlite3_column_int64(s, 0);
		b->hash = (uint64_t)sqlite3_column_int64(s, 1);
		b->words = words_hash(st, column_span(s, 2));
		b->state.since = (uint64_t)sqlite3_column_int64(s, 3);
		b->state.changing = sqlite3_column_int(s, 4) != 0;
		b->flagged = b->state.changing;
		b->state.frame = sqlite3_column_int(s, 5) != 0;
	}
}

static const char *
read_text(struct known_text *k, const struct known_block *b)
{
	struct store *st = k->store;
	sqlite3_stmt *s =
	    db_query(&st->db, "SELECT text FROM page_blocks WHERE block = ?1",
		"i", block_row(k->page, b->position));
	const char *text = NULL;
	struct span found;

	if (db_row(&st->db, s)) {
		found = column_span(s, 0);
		if (found.p != NULL)
			text = text_pool_add(&k->texts, found);
	}
	sqlite3_reset(s);
	return text;
}

void
text_load(struct store *st, const struct row_page *p, struct known_text *k)
{
	memset(k, 0, sizeof *k);
	k->look = p->looks;
	k->sha256 = p->text_sha256;
	k->read = read_text;
	k->store = st;
	k->page = p->row;
	if (page_text_take(p->text, k))
		return;
	load_blocks(st,
	    db_query(&st->db, p->sampled ? select_blocks_framed : select_blocks,
		"i", p->row),
	    k);
	load_slots(st, p->row, k);
}

/* ---- written ---- */

/* What stands on two pages of a target belongs to neither alone: articles are
 * told from what is around them. */
static void
mark_frame(struct store *st, const struct row_page *p)
{
	if (!p->shared)
		return;
	db_run(&st->db,
	    "UPDATE page_blocks SET frame = 1 WHERE frame = 0"
	    " AND block NOT " IN_PAGE " AND target = ?2"
	    " AND hash IN (SELECT hash FROM page_blocks WHERE block " IN_PAGE
	    ") AND block >> 20 IN (SELECT page FROM page_facts"
	    " WHERE target = ?2 AND sampled = 1)",
	    "ii", p->row, p->target);
	if (p->sampled)
		db_run(&st->db,
		    "UPDATE page_blocks SET frame = 1 WHERE frame = 0"
		    " AND block " IN_PAGE " AND EXISTS (SELECT 1"
		    " FROM page_blocks b WHERE b.target = page_blocks.target"
		    " AND b.hash = page_blocks.hash AND b.block NOT " IN_PAGE
		    ")",
		    "i", p->row);
}

/* Its target stands there where other pages may ask for it. */
static void
block_save(struct store *st, const struct row_page *p,
    const struct text_block *b, size_t position,
    const struct block_state *state)
{
	db_run(&st->db,
	    "INSERT OR REPLACE INTO page_blocks VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
	    " NULLIF(?7, 0))",
	    "iusiiui", block_row(p->row, I(position)), b->hash, b->text,
	    I(state->changing), I(state->frame), state->since,
	    p->shared ? p->target : I(0));
}

/* In place of another one. */
static void
block_update(struct store *st, const struct row_page *p,
    const struct text_block *b, size_t position,
    const struct block_state *state, bool hash)
{
	int64_t row = block_row(p->row, I(position));

	if (!hash)
		db_run(&st->db,
		    "UPDATE page_blocks SET text = ?2, volatile = ?3,"
		    " frame = ?4, since = ?5 WHERE block = ?1",
		    "isiiu", row, b->text, I(state->changing), I(state->frame),
		    state->since);
	else
		db_run(&st->db,
		    "UPDATE page_blocks SET text = ?2, volatile = ?3,"
		    " frame = ?4, since = ?5, hash = ?6 WHERE block = ?1",
		    "isiiuu", row, b->text, I(state->changing), I(state->frame),
		    state->since, b->hash);
}

static void
block_drop(struct store *st, const struct row_page *p, int64_t position)
{
	db_run(&st->db, "DELETE FROM page_blocks WHERE block = ?1", "i",
	    block_row(p->row, position));
}

static bool
same_block(const struct known_block *a, const struct known_block *b)
{
	return a->hash == b->hash && a->words == b->words &&
	    a->state.changing == b->state.changing &&
	    a->state.frame == b->state.frame &&
	    a->state.since == b->state.since;
}

/* Most of a page that changed stands as it stood: only the other rows are
 * written. */
void
text_save(struct store *st, const struct row_page *p, const struct finding *f,
    struct known_text *k)
{
	struct known_block *was = k->list, *old = was, *b;
	const struct known_block *end = old + k->count;

	k->cap = k->count = 0;
	k->list = xgrow(NULL, &k->cap, f->nblocks, sizeof *k->list);
	for (size_t i = 0; i < f->nblocks; i++) {
		for (; old < end && old->position < I(i); old++)
			block_drop(st, p, old->position);
		if (f->blocks[i].noise)
			continue;
		b = &k->list[k->count++];
		*b = (struct known_block){.position = I(i),
		    .hash = f->blocks[i].hash,
		    .words = words_hash(st, span_of(f->blocks[i].text)),
		    .state = k->now == NULL
			? (struct block_state){.since = p->looks}
			: k->now[i]};
		if (old == end || old->position != I(i)) {
			block_save(st, p, &f->blocks[i], i, &b->state);
			continue;
		}
		if (!same_block(old, b))
			block_update(st, p, &f->blocks[i], i, &b->state,
			    old->hash != b->hash);
		old++;
	}
	for (; old < end; old++)
		block_drop(st, p, old->position);
	free(was);
	mark_frame(st, p);
}

void
blocks_save(struct store *st, struct row_page *p, const struct finding *f)
{
	struct known_text k;

	memset(&k, 0, sizeof k);
	load_blocks(st, db_query(&st->db, select_blocks, "i", p->row), &k);
	text_save(st, p, f, &k);
	known_text_release(&k);
	strays_drop(st, p);
	page_text_free(p->text);
	p->text = NULL;
}

/* ---- the other pages ---- */

static int64_t
target_of(struct store *st, const struct diff *d)
{
	return db_number(&st->db, 0,
	    "SELECT target FROM page_facts WHERE page = ?1", "i", d->page);
}

/* Or it was seen there and waits for its second look. */
static bool
stands_elsewhere(const struct diff *d, uint64_t hash)
{
	struct store *st = d->arg;

	return db_number(&st->db, 0,
		   "SELECT 1 FROM page_blocks"
		   " WHERE target = ?3 AND hash = ?1 AND block >> 20 <> ?2"
		   " UNION ALL SELECT 1 FROM told WHERE target = ?3"
		   " AND hash = ?1 AND page < 0 AND page <> -?2 LIMIT 1",
		   "uii", hash, d->page, target_of(st, d)) != 0;
}

static bool
was_told(const struct diff *d, uint64_t hash)
{
	struct store *st = d->arg;

	return db_number(&st->db, 0,
		   "SELECT 1 FROM told WHERE target = ?1 AND hash = ?2"
		   " AND page <> ?3 AND page > 0 AND time > ?4",
		   "iuii", target_of(st, d), hash, d->page,
		   d->o->time - TOLD_MS) != 0;
}

/* What was told under a clock that was ahead was told by now. */
void
texts_clock_back(struct store *st, int64_t time)
{
	db_run(&st->db, "UPDATE told SET time = ?1 WHERE time > ?1", "i", time);
}

static void
tell_block(const struct diff *d, uint64_t hash)
{
	struct store *st = d->arg;
	int64_t target = target_of(st, d);

	/* Only samples ask. */
	if (db_number(&st->db, 0,
		"SELECT 1 FROM page_facts WHERE target = ?1 AND sampled = 1"
		" LIMIT 1",
		"i", target) == 0)
		return;
	db_run(&st->db, "INSERT OR REPLACE INTO told VALUES(?1, ?2, ?3, ?4)",
	    "iuii", target, hash, d->page, d->o->time);
	db_run(&st->db, "DELETE FROM told WHERE target = ?1 AND time <= ?2",
	    "ii", target, d->o->time - TOLD_MS);
}

/* A question that is open stands there with the page's number negated. */
static bool
was_asked(const struct diff *d, uint64_t hash)
{
	struct store *st = d->arg;
	int64_t target = target_of(st, d);
	int64_t page = db_number(&st->db, 0,
	    "SELECT page FROM told WHERE target = ?1 AND hash = ?2", "iu",
	    target, hash);

	if (page == 0)
		db_run(&st->db, "INSERT INTO told VALUES(?1, ?2, ?3, ?4)",
		    "iuii", target, hash, -d->page, d->o->time);
	return page == -d->page;
}

const struct diff_pages store_pages = {stands_elsewhere, was_told, tell_block,
    was_asked};

void
blocks_flag(struct store *st, const struct known_text *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].state.changing != k->list[i].flagged)
			db_run(&st->db,
			    "UPDATE page_blocks SET volatile = ?2"
			    " WHERE block = ?1",
			    "ii", block_row(k->page, k->list[i].position),
			    I(k->list[i].state.changing));
}

static bool
same_slot(const struct volatile_slot *a, const struct volatile_slot *b)
{
	return a->before == b->before && a->after == b->after &&
	    a->content == b->content && a->changes == b->changes &&
	    a->look == b->look && a->width == b->width && a->same == b->same &&
	    a->state == b->state && a->usual[0] == b->usual[0] &&
	    a->usual[1] == b->usual[1] && a->usual_run == b->usual_run &&
	    a->empties == b->empties && a->lasted == b->lasted;
}

static const char insert_slot[] =
    "INSERT INTO changing VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
    " ?12, ?13, ?14)";
static const char update_slot[] =
    "UPDATE changing SET before = ?2, after = ?3, content = ?4, changes = ?5,"
    " look = ?6, width = ?7, same = ?8, state = ?9, usual = ?10, other = ?11,"
    " usual_run = ?12, empties = ?13, lasted = ?14 WHERE rowid = ?1";

static void
slot_write(struct store *st, const struct known_text *k, size_t i)
{
	const struct volatile_slot *v = &k->slots.list[i];
	bool there = i < k->nkept;

	db_run(&st->db, there ? update_slot : insert_slot, "iuuuuuiiiuuiii",
	    there ? k->kept[i].row : k->page, v->before, v->after, v->content,
	    v->changes, v->look, I(v->width), I(v->same), I(v->state),
	    v->usual[0], v->usual[1], I(v->usual_run), I(v->empties),
	    I(v->lasted));
}

/* Rows in the order of the places: each is written where the one before it in
 * the list stood, so that what stays the same is not. */
void
slots_save(struct store *st, struct known_text *k)
{
	size_t cap = k->nkept;

	if (!k->slots.dirty)
		return;
	for (size_t i = 0; i < k->slots.count; i++) {
		if (i < k->nkept &&
		    same_slot(&k->kept[i].slot, &k->slots.list[i]))
			continue;
		slot_write(st, k, i);
		if (i == k->nkept) {
			k->kept = xgrow(k->kept, &cap, i + 1, sizeof *k->kept);
			k->kept[k->nkept++].row = db_insert_row(&st->db);
		}
		k->kept[i].slot = k->slots.list[i];
		k->kept[i].slot.touched = false;
	}
	while (k->nkept > k->slots.count)
		db_run(&st->db, "DELETE FROM changing WHERE rowid = ?1", "i",
		    k->kept[--k->nkept].row);
}

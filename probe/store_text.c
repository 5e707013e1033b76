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

static const char select_blocks[] =
    "SELECT position, hash, text, since, volatile, frame"
    " FROM blocks WHERE page = ?1 ORDER BY position";
/* What is on another page of the target by now is frame too.  CASE: both sides
 * of an OR are looked up. */
static const char select_blocks_framed[] =
    "SELECT position, hash, text, since, volatile,"
    " CASE WHEN frame THEN 1 ELSE"
    " EXISTS (SELECT 1 FROM blocks b WHERE b.target = blocks.target"
    " AND b.hash = blocks.hash AND b.page <> ?1) END"
    " FROM blocks WHERE page = ?1 ORDER BY position";

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
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT text FROM blocks WHERE page = ?1 AND position = ?2", "ii",
	    k->page, b->position);
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
	if (db_number(&st->db, 0,
		"SELECT 1 FROM page_facts WHERE target = ?1 AND sampled = 1"
		" LIMIT 1",
		"i", p->target) == 0)
		return;
	db_run(&st->db,
	    "UPDATE blocks SET frame = 1 WHERE frame = 0 AND page <> ?1"
	    " AND target = ?2"
	    " AND hash IN (SELECT hash FROM blocks WHERE page = ?1)"
	    " AND page IN (SELECT page FROM page_facts WHERE target = ?2"
	    " AND sampled = 1)",
	    "ii", p->row, p->target);
	if (p->sampled)
		db_run(&st->db,
		    "UPDATE blocks SET frame = 1 WHERE frame = 0 AND page = ?1"
		    " AND EXISTS (SELECT 1 FROM blocks b"
		    " WHERE b.target = blocks.target"
		    " AND b.hash = blocks.hash AND b.page <> ?1)",
		    "i", p->row);
}

static void
block_save(struct store *st, const struct row_page *p,
    const struct text_block *b, size_t position,
    const struct block_state *state)
{
	db_run(&st->db,
	    "INSERT OR REPLACE INTO blocks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
	    " ?8)",
	    "iiusiiui", p->row, I(position), b->hash, b->text,
	    I(state->changing), I(state->frame), state->since, p->target);
}

/* In place of another one. */
static void
block_update(struct store *st, const struct row_page *p,
    const struct text_block *b, size_t position,
    const struct block_state *state, bool hash)
{
	if (!hash)
		db_run(&st->db,
		    "UPDATE blocks SET text = ?3, volatile = ?4, frame = ?5,"
		    " since = ?6 WHERE page = ?1 AND position = ?2",
		    "iisiiu", p->row, I(position), b->text, I(state->changing),
		    I(state->frame), state->since);
	else
		db_run(&st->db,
		    "UPDATE blocks SET text = ?3, volatile = ?4, frame = ?5,"
		    " since = ?6, hash = ?7 WHERE page = ?1 AND position = ?2",
		    "iisiiuu", p->row, I(position), b->text, I(state->changing),
		    I(state->frame), state->since, b->hash);
}

static void
block_drop(struct store *st, const struct row_page *p, int64_t position)
{
	db_run(&st->db, "DELETE FROM blocks WHERE page = ?1 AND position = ?2",
	    "ii", p->row, position);
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
		   "SELECT 1 FROM blocks"
		   " WHERE target = ?3 AND hash = ?1 AND page <> ?2"
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
			    "UPDATE blocks SET volatile = ?3"
			    " WHERE page = ?1 AND position = ?2",
			    "iii", k->page, k->list[i].position,
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

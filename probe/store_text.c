#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_db.h"

#define I(x) ((int64_t)(x))

/* What was told of one page is not told of another for so long: old articles
 * are looked at as seldom. */
#define TOLD_MS (INT64_C(120) * 86400000)

/* A place as it stands in its row. */
struct kept_slot {
	int64_t row;
	struct volatile_slot slot;
};

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

/* Most of what stood somewhere stands there still: the finding has it. */
static const char *
block_text(sqlite3_stmt *s, int at, const struct finding *f, int64_t position,
    struct text_pool **pool)
{
	const char *p = (const char *)sqlite3_column_text(s, at);
	const char *same = position >= 0 && position < I(f->nblocks)
	    ? f->blocks[position].text
	    : NULL;

	if (p == NULL || (same != NULL && strcmp(p, same) == 0))
		return p == NULL ? NULL : same;
	return text_pool_add(pool,
	    (struct span){p, (size_t)sqlite3_column_bytes(s, at)});
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

static void
load_blocks(struct store *st, sqlite3_stmt *s, const struct finding *f,
    struct known_text *k)
{
	struct known_block *b;

	k->list = xgrow(k->list, &k->cap, f->nblocks, sizeof *k->list);
	while (db_row(&st->db, s)) {
		k->list =
		    xgrow(k->list, &k->cap, k->count + 1, sizeof *k->list);
		b = &k->list[k->count++];
		b->position = sqlite3_column_int64(s, 0);
		b->hash = (uint64_t)sqlite3_column_int64(s, 1);
		b->text = block_text(s, 2, f, b->position, &k->texts);
		b->state.since = (uint64_t)sqlite3_column_int64(s, 3);
		b->state.changing = sqlite3_column_int(s, 4) != 0;
		b->flagged = b->state.changing;
		b->state.frame = sqlite3_column_int(s, 5) != 0;
	}
}

void
text_load(struct store *st, const struct row_page *p, const struct finding *f,
    struct known_text *k)
{
	memset(k, 0, sizeof *k);
	k->look = p->looks;
	k->sha256 = p->text_sha256;
	load_blocks(st,
	    db_query(&st->db, p->sampled ? select_blocks_framed : select_blocks,
		"i", p->row),
	    f, k);
	load_slots(st, p->row, k);
}

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
same_block(const struct known_block *k, const struct text_block *b,
    const struct block_state *state)
{
	return k->hash == b->hash && k->state.changing == state->changing &&
	    k->state.frame == state->frame && k->state.since == state->since &&
	    k->text != NULL && b->text != NULL &&
	    (k->text == b->text || strcmp(k->text, b->text) == 0);
}

/* Most of a page that changed stands as it stood: only the other rows are
 * written. */
static void
save_differing(struct store *st, const struct row_page *p,
    const struct finding *f, const struct known_text *old,
    const struct block_state *states)
{
	const struct block_state fresh = {.since = p->looks};
	const struct block_state *state;
	size_t at = 0;

	for (size_t i = 0; i < f->nblocks; i++) {
		state = states == NULL ? &fresh : &states[i];
		for (; at < old->count && old->list[at].position < I(i); at++)
			block_drop(st, p, old->list[at].position);
		if (f->blocks[i].noise)
			continue;
		if (at == old->count || old->list[at].position != I(i)) {
			block_save(st, p, &f->blocks[i], i, state);
			continue;
		}
		if (!same_block(&old->list[at], &f->blocks[i], state))
			block_update(st, p, &f->blocks[i], i, state,
			    old->list[at].hash != f->blocks[i].hash);
		at++;
	}
	for (; at < old->count; at++)
		block_drop(st, p, old->list[at].position);
	mark_frame(st, p);
}

void
blocks_save(struct store *st, const struct row_page *p, const struct finding *f)
{
	struct known_text old;

	memset(&old, 0, sizeof old);
	load_blocks(st, db_query(&st->db, select_blocks, "i", p->row), f, &old);
	save_differing(st, p, f, &old, NULL);
	known_text_release(&old);
}

void
text_save(struct store *st, const struct row_page *p, const struct finding *f,
    const struct known_text *k)
{
	save_differing(st, p, f, k, k->now);
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
blocks_flag(struct store *st, int64_t page, const struct known_text *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].state.changing != k->list[i].flagged)
			db_run(&st->db,
			    "UPDATE blocks SET volatile = ?3"
			    " WHERE page = ?1 AND position = ?2",
			    "iii", page, k->list[i].position,
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

/* Rows in the order of the places: each is written where the one before it in
 * the list stood, so that what stays the same is not. */
void
slots_save(struct store *st, int64_t page, const struct known_text *k)
{
	const struct volatile_slot *v;

	for (size_t i = 0; k->slots.dirty && i < k->slots.count; i++) {
		v = &k->slots.list[i];
		if (i < k->nkept && same_slot(&k->kept[i].slot, v))
			continue;
		db_run(&st->db, i < k->nkept ? update_slot : insert_slot,
		    "iuuuuuiiiuuiii", i < k->nkept ? k->kept[i].row : page,
		    v->before, v->after, v->content, v->changes, v->look,
		    I(v->width), I(v->same), I(v->state), v->usual[0],
		    v->usual[1], I(v->usual_run), I(v->empties), I(v->lasted));
	}
	for (size_t i = k->slots.count; k->slots.dirty && i < k->nkept; i++)
		db_run(&st->db, "DELETE FROM changing WHERE rowid = ?1", "i",
		    k->kept[i].row);
}

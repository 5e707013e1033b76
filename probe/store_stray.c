/* Blocks that flicker and are not as they were told last. */
#include <sqlite3.h>

#include "store_db.h"

bool
strays_wait(struct store *st, const struct row_page *p)
{
	/* There are none before anything was hidden. */
	return p->suppressed > 0 && p->looks >= STRAY_LOOKS &&
	    db_number(&st->db, 0,
		"SELECT 1 FROM strays WHERE page = ?1 AND look <= ?2 LIMIT 1",
		"iu", p->row, p->looks + 1 - STRAY_LOOKS) != 0;
}

void
strays_load(struct store *st, const struct row_page *p, struct known_text *k)
{
	struct stray *stray;
	sqlite3_stmt *s;
	const char *text;

	if (p->suppressed == 0)
		return;
	s = db_query(&st->db,
	    "SELECT hash, look, time, text, gone FROM strays WHERE page = ?1",
	    "i", p->row);
	while (db_row(&st->db, s)) {
		text = (const char *)sqlite3_column_text(s, 3);
		stray = stray_add(k);
		stray->hash = (uint64_t)sqlite3_column_int64(s, 0);
		stray->look = (uint64_t)sqlite3_column_int64(s, 1);
		stray->time = sqlite3_column_int64(s, 2);
		stray->text = text_pool_add(&k->texts, span_of(text));
		stray->gone = sqlite3_column_int(s, 4) != 0;
	}
}

void
strays_drop(struct store *st, const struct row_page *p)
{
	if (p->suppressed > 0)
		db_run(&st->db, "DELETE FROM strays WHERE page = ?1", "i",
		    p->row);
}

/* They are few. */
void
strays_save(struct store *st, const struct known_text *k)
{
	const struct stray *s;

	if (!k->strayed)
		return;
	db_run(&st->db, "DELETE FROM strays WHERE page = ?1", "i", k->page);
	for (size_t i = 0; i < k->nstrays; i++) {
		s = &k->strays[i];
		db_run(&st->db,
		    "INSERT INTO strays VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
		    "iuuisi", k->page, s->hash, s->look, s->time, s->text,
		    (int64_t)s->gone);
	}
}

/* Which rules the pages were seen with. */
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "store_db.h"

void
store_recognition(struct store *st, struct recognition *r)
{
	recognition_release(&st->recognition);
	st->recognition = *r;
	memset(r, 0, sizeof *r);
	st->recognition_new = true;
	/* Where the disk refuses, with the next look. */
	if (store_begin(st))
		recognition_apply(st);
}

/* A part is new, or other than it was: since this generation. */
static bool
note_part(struct store *st, const struct recognition_part *p)
{
	int64_t hash = (int64_t)p->hash;

	if (db_number(&st->db, 0,
		"SELECT 1 FROM recognition WHERE name = ?1 AND hash = ?2", "si",
		p->name, hash) != 0)
		return false;
	db_run(&st->db,
	    "INSERT INTO recognition VALUES(?1, ?2, ?3) ON CONFLICT(name)"
	    " DO UPDATE SET hash = excluded.hash, since = excluded.since",
	    "siu", p->name, hash, st->generation + 1);
	return true;
}

/* Parts that are there no more change a last time. */
static bool
note_gone(struct store *st)
{
	bool changed = false;
	size_t n, at;
	char **names = recognition_since(st, 0, &n);

	for (size_t i = 0; i < n; i++) {
		for (at = 0; at < st->recognition.n; at++)
			if (strcmp(st->recognition.parts[at].name, names[i]) ==
			    0)
				break;
		if (at == st->recognition.n &&
		    db_number(&st->db, 0,
			"SELECT hash IS NOT NULL FROM recognition"
			" WHERE name = ?1",
			"s", names[i]) != 0) {
			db_run(&st->db,
			    "UPDATE recognition SET hash = NULL, since = ?2"
			    " WHERE name = ?1",
			    "su", names[i], st->generation + 1);
			changed = true;
		}
		free(names[i]);
	}
	free(names);
	return changed;
}

void
recognition_apply(struct store *st)
{
	bool changed;

	if (!st->recognition_new)
		return;
	st->recognition_new = false;
	changed = note_gone(st);
	for (size_t i = 0; i < st->recognition.n; i++)
		changed = note_part(st, &st->recognition.parts[i]) || changed;
	if (changed)
		meta_set(&st->db, "recognition", (int64_t)++st->generation);
}

char **
recognition_since(struct store *st, uint64_t generation, size_t *n)
{
	char **names = NULL;
	size_t cap = 0;
	sqlite3_stmt *s;

	*n = 0;
	s = db_query(&st->db,
	    "SELECT name FROM recognition WHERE since > ?1 ORDER BY name", "u",
	    generation);
	while (db_row(&st->db, s)) {
		names = xgrow(names, &cap, *n + 1, sizeof *names);
		names[(*n)++] =
		    xstrdup((const char *)sqlite3_column_text(s, 0));
	}
	return names;
}

/* How many good looks there were at each target. */
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "store_db.h"

struct turn {
	int64_t row;
	uint64_t turn;
};

/* Kept in order of rows; rows are given in ascending order, so that new ones
 * nearly always go to the end. */
uint64_t *
turn_of(struct turns *t, int64_t row)
{
	size_t lo = sorted_place(t->list, t->count, sizeof *t->list, row);

	if (lo < t->count && t->list[lo].row == row)
		return &t->list[lo].turn;
	t->list = xgrow(t->list, &t->cap, t->count + 1, sizeof *t->list);
	memmove(&t->list[lo + 1], &t->list[lo],
	    (t->count - lo) * sizeof *t->list);
	t->list[lo] = (struct turn){.row = row};
	t->count++;
	return &t->list[lo].turn;
}

void
turns_load(struct store *st)
{
	sqlite3_stmt *s;

	turns_release(&st->turns);
	s = db_query(&st->db,
	    "SELECT target, max(turn) FROM pages GROUP BY target"
	    " ORDER BY target",
	    "");
	while (db_row(&st->db, s))
		*turn_of(&st->turns, sqlite3_column_int64(s, 0)) =
		    (uint64_t)sqlite3_column_int64(s, 1);
}

void
turns_release(struct turns *t)
{
	free(t->list);
	memset(t, 0, sizeof *t);
}

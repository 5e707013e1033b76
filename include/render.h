/*
 * What a person sees: tables and colour on a terminal, plain lines in a pipe,
 * and a progress bar for long work.
 *
 * Every cell is quoted on its way in, so remote text may be given as it is.
 * Widths are terminal columns: Hangul, Han and Kana take two, combining marks
 * none.
 */
#ifndef KPWATCH_RENDER_H
#define KPWATCH_RENDER_H

#include <stdio.h>

#include "bytes.h"

/* What a colour means; which one it is, is decided here. */
enum paint {
	PAINT_NONE,
	PAINT_GOOD,   /* up, added */
	PAINT_WARN,   /* degraded, moved */
	PAINT_BAD,    /* down, blocked, removed */
	PAINT_DIM,    /* beside the point */
	PAINT_STRONG, /* headings */
};

/* True when `to` is a terminal that wants colour: TERM is not "dumb" and
 * NO_COLOR is not set. */
bool render_colour(FILE *to);
/* Columns of the terminal behind `to`; 0 when it is not one. */
size_t render_columns(FILE *to);
/* Columns that valid or invalid UTF-8 takes (an invalid byte counts one). */
size_t text_width(struct span);
/* Longest prefix, in bytes, that fits into `columns`. */
size_t text_fit(struct span, size_t columns);
/* Writes remote text quoted (quote_bytes), painted when `colour` is set. */
void render_text(FILE *to, bool colour, enum paint, struct span);

/*
 * A table is gathered row by row and printed at once.  On a terminal the
 * columns are aligned and the widest of those marked `shrink` give way until
 * a row fits; in a pipe it is one line a row, cells separated by a tab, no
 * header line, nothing cut.
 */
struct table;

enum align { ALIGN_LEFT, ALIGN_RIGHT };

struct table *table_new(void); /* returns owned */
void table_free(struct table *);
/* Declares the next column; all columns before the first row. */
void table_column(struct table *, const char *heading, enum align, bool shrink);
/* Starts a row; cells follow in column order, missing ones are empty. */
void table_row(struct table *);
/* Copies and quotes the text; NULL is "-". */
void table_cell(struct table *, const char *);
void table_cell_span(struct table *, struct span, enum paint);
void table_cell_paint(struct table *, enum paint, const char *);
void table_cellf(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of its own under the current row (an indented list of channels). */
void table_note(struct table *, struct span);
void table_print(const struct table *, FILE *to);
size_t table_rows(const struct table *);

/*
 * A progress bar on the last line of a terminal; silent where `to` is not
 * one: done and total, the rate, and the time left (or taken, where the total
 * is not known).  `now_us` is a monotonic clock in microseconds: the bar is
 * drawn at most ten times a second.
 */
struct progress {
	FILE *to;
	bool on;
	bool drawn;
	const char *what; /* borrows */
	uint64_t total;	  /* 0: unknown */
	bool bytes;	  /* what is counted; else things */
	int64_t start_us;
	int64_t last_us;
};

/* Set `bytes` after it where bytes are counted. */
void progress_init(struct progress *, FILE *to, const char *what,
    uint64_t total, int64_t now_us);
/* `note` (may be NULL) is remote text: it is quoted and cut. */
void progress_set(struct progress *, uint64_t done, const char *note,
    int64_t now_us);
/* Takes the bar off the screen; call before other output as well. */
void progress_clear(struct progress *);

#endif

#include "render.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"

#define CELL_MAX     (64 * 1024u) /* one cell or note, quoted */
#define SHRINK_FLOOR 8		  /* a shrunk column keeps this many columns */
#define GAP	     2		  /* spaces between columns */

struct range {
	uint32_t first, last;
};

/* East Asian Wide and Fullwidth (Unicode 15, UAX #11), whole blocks. */
static const struct range wide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e},
    {0x3041, 0x33ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa000, 0xa4cf},
    {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd}};
/* Marks that stand on the character before them. */
static const struct range none[] = {{0x0300, 0x036f}, {0x0483, 0x0489},
    {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x1160, 0x11ff},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d}, {0x20d0, 0x20ff},
    {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

static bool
in_ranges(uint32_t cp, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	return false;
}

static size_t
char_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (in_ranges(cp, none, ARRAY_LEN(none)))
		return 0;
	return in_ranges(cp, wide, ARRAY_LEN(wide)) ? 2 : 1;
}

size_t
text_width(struct span s)
{
	size_t width = 0;
	uint32_t cp;

	while (s.n > 0) {
		s = span_slice(s, utf8_decode(s, &cp), s.n);
		width += char_width(cp);
	}
	return width;
}

size_t
text_fit(struct span s, size_t columns)
{
	size_t used = 0, n, width = 0;
	uint32_t cp;

	while (used < s.n) {
		n = utf8_decode(span_slice(s, used, s.n), &cp);
		width += char_width(cp);
		if (width > columns)
			break;
		used += n;
	}
	return used;
}

bool
render_colour(FILE *to)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fileno(to)) && (no == NULL || *no == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

size_t
render_columns(FILE *to)
{
	struct winsize w;

	if (!isatty(fileno(to)))
		return 0;
	if (ioctl(fileno(to), TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
		return 80;
	return w.ws_col;
}

static const char *
paint_code(enum paint p)
{
	switch (p) {
	case PAINT_NONE:
		break;
	case PAINT_GOOD:
		return "\033[32m";
	case PAINT_WARN:
		return "\033[33m";
	case PAINT_BAD:
		return "\033[31m";
	case PAINT_DIM:
		return "\033[2m";
	case PAINT_STRONG:
		return "\033[1m";
	}
	return "";
}

/* Text that is already quoted. */
static void
put(FILE *to, bool colour, enum paint p, struct span s)
{
	bool painted = colour && p != PAINT_NONE && s.n > 0;

	if (painted)
		fputs(paint_code(p), to);
	fwrite(s.p == NULL ? "" : s.p, 1, s.n, to);
	if (painted)
		fputs("\033[0m", to);
}

void
render_text(FILE *to, bool colour, enum paint p, struct span s)
{
	struct buf quoted = BUF_INIT(CELL_MAX);

	quote_bytes(&quoted, s);
	put(to, colour, p, buf_span(&quoted));
	buf_release(&quoted);
}

struct cell {
	char *text; /* quoted; NULL empty */
	size_t width;
	enum paint paint;
};

struct row {
	struct cell *cells;
	size_t ncells;
	char **notes;
	size_t nnotes, notes_cap;
};

struct column {
	const char *heading;
	enum align align;
	bool shrink;
};

struct table {
	struct column *columns;
	size_t ncolumns, columns_cap;
	struct row *rows;
	size_t nrows, rows_cap;
};

struct table *
table_new(void)
{
	return xcalloc(1, sizeof(struct table));
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->nrows; i++) {
		for (size_t c = 0; c < t->rows[i].ncells; c++)
			free(t->rows[i].cells[c].text);
		for (size_t n = 0; n < t->rows[i].nnotes; n++)
			free(t->rows[i].notes[n]);
		free(t->rows[i].cells);
		free(t->rows[i].notes);
	}
	free(t->rows);
	free(t->columns);
	free(t);
}

void
table_column(struct table *t, const char *heading, enum align align,
    bool shrink)
{
	if (t->nrows != 0)
		bug("table: column after the first row");
	t->columns = xgrow(t->columns, &t->columns_cap, t->ncolumns + 1,
	    sizeof *t->columns);
	t->columns[t->ncolumns++] = (struct column){heading, align, shrink};
}

void
table_row(struct table *t)
{
	struct row *r;

	t->rows = xgrow(t->rows, &t->rows_cap, t->nrows + 1, sizeof *t->rows);
	r = &t->rows[t->nrows++];
	memset(r, 0, sizeof *r);
	r->cells = xcalloc(t->ncolumns, sizeof *r->cells);
}

static char *
quoted(struct span s, size_t *width)
{
	struct buf b = BUF_INIT(CELL_MAX);

	quote_bytes(&b, s);
	*width = text_width(buf_span(&b));
	return buf_detach(&b, NULL);
}

void
table_cell_span(struct table *t, struct span s, enum paint p)
{
	struct row *r;
	struct cell *c;

	if (t->nrows == 0 || t->rows[t->nrows - 1].ncells == t->ncolumns)
		bug("table: a cell without a column");
	r = &t->rows[t->nrows - 1];
	c = &r->cells[r->ncells++];
	c->text = quoted(s, &c->width);
	c->paint = p;
}

void
table_cell_paint(struct table *t, enum paint p, const char *text)
{
	table_cell_span(t, span_of(text == NULL ? "-" : text), p);
}

void
table_cell(struct table *t, const char *text)
{
	table_cell_paint(t, PAINT_NONE, text);
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

void
table_note(struct table *t, struct span s)
{
	struct row *r;
	size_t width;

	if (t->nrows == 0)
		bug("table: a note without a row");
	r = &t->rows[t->nrows - 1];
	r->notes =
	    xgrow(r->notes, &r->notes_cap, r->nnotes + 1, sizeof *r->notes);
	r->notes[r->nnotes++] = quoted(s, &width);
}

size_t
table_rows(const struct table *t)
{
	return t->nrows;
}

static void
natural_widths(const struct table *t, size_t *width)
{
	for (size_t c = 0; c < t->ncolumns; c++)
		width[c] = text_width(span_of(t->columns[c].heading));
	for (size_t i = 0; i < t->nrows; i++)
		for (size_t c = 0; c < t->rows[i].ncells; c++)
			if (t->rows[i].cells[c].width > width[c])
				width[c] = t->rows[i].cells[c].width;
}

/* Takes columns off the widest that may shrink until the row fits. */
static void
shrink_widths(const struct table *t, size_t *width, size_t room)
{
	size_t total = 0, widest;

	for (size_t c = 0; c < t->ncolumns; c++)
		total += width[c] + (c == 0 ? 0 : GAP);
	while (total > room) {
		widest = t->ncolumns;
		for (size_t c = 0; c < t->ncolumns; c++)
			if (t->columns[c].shrink && width[c] > SHRINK_FLOOR &&
			    (widest == t->ncolumns || width[c] > width[widest]))
				widest = c;
		if (widest == t->ncolumns)
			return;
		width[widest]--;
		total--;
	}
}

static void
pad(FILE *to, size_t n)
{
	fprintf(to, "%*s", (int)n, "");
}

static void
print_cell(FILE *to, bool colour, const struct cell *c, enum align align,
    size_t width, bool last)
{
	struct span s = span_of(c->text == NULL ? "" : c->text);
	size_t used = c->width;
	bool cut = used > width;

	if (cut) {
		s.n = text_fit(s, width - 1);
		used = text_width(s) + 1;
	}
	if (align == ALIGN_RIGHT)
		pad(to, width - used);
	put(to, colour, c->paint, s);
	if (cut)
		fputs("\xe2\x80\xa6", to);
	if (align == ALIGN_LEFT && !last)
		pad(to, width - used);
}

static void
print_row(const struct table *t, const struct row *r, FILE *to, bool colour,
    const size_t *width)
{
	for (size_t c = 0; c < r->ncells; c++) {
		if (c > 0)
			pad(to, GAP);
		print_cell(to, colour, &r->cells[c], t->columns[c].align,
		    width[c], c + 1 == r->ncells);
	}
	fputc('\n', to);
	for (size_t i = 0; i < r->nnotes; i++)
		fprintf(to, "    %s\n", r->notes[i] == NULL ? "" : r->notes[i]);
}

static void
print_terminal(const struct table *t, FILE *to)
{
	bool colour = render_colour(to);
	size_t *width = xcalloc(t->ncolumns, sizeof *width);
	struct row heading = {0};

	natural_widths(t, width);
	shrink_widths(t, width, render_columns(to));
	heading.cells = xcalloc(t->ncolumns, sizeof *heading.cells);
	heading.ncells = t->ncolumns;
	for (size_t c = 0; c < t->ncolumns; c++)
		heading.cells[c] = (struct cell){xstrdup(t->columns[c].heading),
		    text_width(span_of(t->columns[c].heading)), PAINT_STRONG};
	print_row(t, &heading, to, colour, width);
	for (size_t i = 0; i < t->nrows; i++)
		print_row(t, &t->rows[i], to, colour, width);
	for (size_t c = 0; c < t->ncolumns; c++)
		free(heading.cells[c].text);
	free(heading.cells);
	free(width);
}

static void
print_plain(const struct table *t, FILE *to)
{
	const struct row *r;

	for (size_t i = 0; i < t->nrows; i++) {
		r = &t->rows[i];
		for (size_t c = 0; c < r->ncells; c++)
			fprintf(to, "%s%s", c == 0 ? "" : "\t",
			    r->cells[c].text == NULL ? "" : r->cells[c].text);
		fputc('\n', to);
		for (size_t n = 0; n < r->nnotes; n++)
			fprintf(to, "\t%s\n",
			    r->notes[n] == NULL ? "" : r->notes[n]);
	}
}

void
table_print(const struct table *t, FILE *to)
{
	if (render_columns(to) != 0)
		print_terminal(t, to);
	else
		print_plain(t, to);
}

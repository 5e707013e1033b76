#include <inttypes.h>
#include <stdlib.h>

#include "instant.h"
#include "render.h"

#define REDRAW_US 100000
#define BAR_WIDTH 24

void
progress_init(struct progress *p, FILE *to, const char *what, uint64_t total,
    int64_t now_us)
{
	*p = (struct progress){.to = to,
	    .on = render_columns(to) != 0,
	    .what = what,
	    .total = total,
	    .start_us = now_us,
	    .last_us = now_us - REDRAW_US};
}

/* "12" or "3.4 MB". */
static void
draw_amount(const struct progress *p, double n)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t unit = 0;

	if (!p->bytes) {
		fprintf(p->to, n < 10 && n > 0 ? "%.2g" : "%.0f", n);
		return;
	}
	for (; n >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
		n /= 1000;
	fprintf(p->to, n < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", n,
	    units[unit]);
}

static void
draw_bar(const struct progress *p, uint64_t done)
{
	uint64_t full;

	if (p->total == 0) {
		draw_amount(p, (double)done);
		return;
	}
	full = done >= p->total ? BAR_WIDTH : done * BAR_WIDTH / p->total;
	fputc('[', p->to);
	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		fputc(i < full ? '=' : ' ', p->to);
	fputs("] ", p->to);
	draw_amount(p, (double)done);
	fputc('/', p->to);
	draw_amount(p, (double)p->total);
}

/* Rate so far and the time that the rest takes at that rate. */
static void
draw_rate(const struct progress *p, uint64_t done, int64_t now_us)
{
	char text[INSTANT_TEXT_MAX];
	double took = (double)(now_us - p->start_us) / 1e6;
	double rate = took > 0 ? (double)done / took : 0;

	if (rate > 0) {
		fputs(", ", p->to);
		draw_amount(p, rate);
		fputs("/s", p->to);
	}
	if (rate > 0 && p->total > done)
		fprintf(p->to, ", %s left ",
		    duration_text((int64_t)((double)(p->total - done) / rate *
				      1000),
			text));
	else
		fprintf(p->to, ", %s ",
		    duration_text((now_us - p->start_us) / 1000, text));
}

void
progress_set(struct progress *p, uint64_t done, const char *note,
    int64_t now_us)
{
	size_t room;
	struct span s = span_of(note);

	if (!p->on || (now_us - p->last_us < REDRAW_US && done != p->total))
		return;
	p->last_us = now_us;
	p->drawn = true;
	fprintf(p->to, "\r\033[K%s ", p->what);
	draw_bar(p, done);
	draw_rate(p, done, now_us);
	room = render_columns(p->to);
	room = room > BAR_WIDTH + 60 ? room - BAR_WIDTH - 60 : 0;
	render_text(p->to, false, PAINT_NONE,
	    span_slice(s, 0, text_fit(s, room)));
	fflush(p->to);
}

void
progress_clear(struct progress *p)
{
	if (!p->on || !p->drawn)
		return;
	fputs("\r\033[K", p->to);
	fflush(p->to);
	p->drawn = false;
}

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

static void
draw_bar(const struct progress *p, uint64_t done)
{
	uint64_t full;

	if (p->total == 0) {
		fprintf(p->to, "%" PRIu64, done);
		return;
	}
	full = done >= p->total ? BAR_WIDTH : done * BAR_WIDTH / p->total;
	fputc('[', p->to);
	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		fputc(i < full ? '=' : ' ', p->to);
	fprintf(p->to, "] %" PRIu64 "/%" PRIu64, done, p->total);
}

void
progress_set(struct progress *p, uint64_t done, const char *note,
    int64_t now_us)
{
	char took[INSTANT_TEXT_MAX];
	size_t room;
	struct span s = span_of(note);

	if (!p->on || (now_us - p->last_us < REDRAW_US && done != p->total))
		return;
	p->last_us = now_us;
	p->drawn = true;
	fprintf(p->to, "\r\033[K%s ", p->what);
	draw_bar(p, done);
	fprintf(p->to, " %s ",
	    duration_text((now_us - p->start_us) / 1000, took));
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

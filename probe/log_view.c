#include "log_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changelog.h"
#include "config.h"
#include "instant.h"
#include "render.h"

bool
log_place_find(struct log_place *p, const char *config_path,
    const char *state_dir)
{
	struct config_errors errors = {0};
	struct config *c = NULL;
	char *path = NULL;

	memset(p, 0, sizeof *p);
	/* A folder that was named needs no configuration. */
	if (state_dir == NULL || config_path != NULL)
		path = config_find(config_path);
	if (path != NULL) {
		c = config_load(path, NULL, 0, &errors);
		if (c == NULL)
			config_errors_print(&errors);
	} else if (config_path != NULL) {
		fprintf(stderr, "kpwatch: %s: no such configuration\n",
		    config_path);
	}
	config_errors_release(&errors);
	if (c == NULL && (path != NULL || config_path != NULL)) {
		free(path);
		return false;
	}
	free(path);
	p->state_dir = config_state_dir(c, state_dir);
	p->log_dir = c != NULL && c->log_dir != NULL && state_dir == NULL
	    ? xstrdup(c->log_dir)
	    : xasprintf("%s/log", p->state_dir);
	config_free(c);
	return true;
}

void
log_place_release(struct log_place *p)
{
	free(p->state_dir);
	free(p->log_dir);
	memset(p, 0, sizeof *p);
}

bool
log_place_files(const struct log_place *p, char ***paths, size_t *n)
{
	int fd = open(p->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && changelog_files(fd, paths, n);
	char *name;

	if (!ok)
		fprintf(stderr,
		    "kpwatch: %s: %s; name the state folder with -s\n",
		    p->log_dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; ok && i < *n; i++) {
		name = (*paths)[i];
		(*paths)[i] = xasprintf("%s/%s", p->log_dir, name);
		free(name);
	}
	return ok;
}

bool
log_filter_pass(const struct log_filter *f, const struct event *e)
{
	if (f->since != INSTANT_NONE && e->time < f->since)
		return false;
	if (f->until != INSTANT_NONE && e->time >= f->until)
		return false;
	if (f->type != NULL && !glob_match(f->type, event_type_name(e->type)))
		return false;
	return f->target == NULL ||
	    (e->target != NULL && glob_match(f->target, e->target));
}

bool
log_time_parse(const char *text, int64_t now, int64_t *out)
{
	struct span s = span_of(text);
	int64_t back;

	if (instant_parse(s, out))
		return true;
	/* A bare number could mean anything. */
	if (s.n == 0 || ascii_digit(s.p[s.n - 1]) || !duration_parse(s, &back))
		return false;
	*out = now - back;
	return true;
}

static enum paint
event_paint(enum event_type t)
{
	const char *name = event_type_name(t);

	switch (t) {
	case EVENT_SITE_DOWN:
	case EVENT_CONTENT_DELETED:
	case EVENT_SITE_BLOCKED:
	case EVENT_VANTAGE_OFFLINE:
	case EVENT_MONITOR_GAP:
		return PAINT_BAD;
	case EVENT_SITE_UP:
	case EVENT_SITE_STEADY:
	case EVENT_VANTAGE_ONLINE:
		return PAINT_GOOD;
	case EVENT_TARGET_BASELINE:
	case EVENT_MONITOR_STARTED:
	case EVENT_MONITOR_STOPPED:
		return PAINT_DIM;
	default:
		break;
	}
	if (strstr(name, ".added") != NULL)
		return PAINT_GOOD;
	return strstr(name, ".removed") != NULL ? PAINT_BAD : PAINT_WARN;
}

static void
put_word(FILE *to, bool colour, const char *label, const char *s)
{
	if (s == NULL)
		return;
	fprintf(to, "  %s", label);
	render_text(to, colour, PAINT_NONE, span_of(s));
}

static void
put_time(FILE *to, const char *label, int64_t t)
{
	char text[INSTANT_TEXT_MAX];

	if (t != EVENT_NONE)
		fprintf(to, "  %s%s", label, instant_text(t, text));
}

/* What happened, in the order in which one would say it. */
static void
put_facts(FILE *to, bool colour, const struct event *e)
{
	if (e->platform != NULL && e->name != NULL) {
		put_word(to, colour, "", e->platform);
		fputc('/', to);
		render_text(to, colour, PAINT_NONE, span_of(e->name));
	} else {
		put_word(to, colour, "", e->platform);
	}
	if (e->before != EVENT_NONE && e->after != EVENT_NONE)
		fprintf(to, "  %" PRId64 " -> %" PRId64, e->before, e->after);
	put_word(to, colour, "kit ", e->kit);
	put_word(to, colour, "", e->failure);
	put_word(to, colour, "at ", e->stage);
	put_word(to, colour, "", e->outcome);
	if (e->status != EVENT_NONE)
		fprintf(to, "  HTTP %" PRId64, e->status);
	put_word(to, colour, "", e->page_class);
	put_word(to, colour, "was ", e->verdict);
	put_time(to, "since ", e->since);
	if (e->attempts != EVENT_NONE)
		fprintf(to, "  %" PRId64 " looks", e->attempts);
	if (e->type == EVENT_SITE_FLAPPING)
		fprintf(to, " with %" PRId64 " changes", e->count);
	if (e->type == EVENT_SITE_STEADY) {
		put_word(to, colour, "now ", e->new);
		fprintf(to, "  %" PRId64 " changes not told", e->suppressed);
	}
	put_time(to, "from ", e->from);
	put_time(to, "to ", e->to);
	if (e->has_items)
		fprintf(to, "  %zu sightings", e->nitems);
	put_word(to, colour, "with ", e->cluster);
	if (e->cause != NULL) {
		fputs(" (", to);
		render_text(to, colour, PAINT_NONE, span_of(e->cause));
		fputc(')', to);
	}
	if (e->unverified)
		fputs("  (certificate not checked)", to);
	put_word(to, colour, "", e->page);
	put_word(to, colour, "", e->url);
}

static void
put_lines(FILE *to, bool colour, enum paint paint, char sign,
    const char **blocks, size_t n, int64_t total)
{
	char head[8];

	snprintf(head, sizeof head, "    %c ", sign);
	for (size_t i = 0; i < n; i++) {
		render_text(to, colour, paint, span_of(head));
		render_text(to, colour, paint, span_of(blocks[i]));
		fputc('\n', to);
	}
	if (total > (int64_t)n)
		fprintf(to, "    %c (%" PRId64 " more)\n", sign,
		    total - (int64_t)n);
}

/* Is the block what a change, shown by itself, makes or takes away? */
static bool
is_changed(const struct event *e, char sign, const char *block)
{
	const struct event_change *c;
	const char *rest;
	size_t n;

	for (size_t i = 0; i < e->nchanges; i++) {
		c = &e->changes[i];
		rest = block;
		for (size_t k = 0; k < c->nedits && rest != NULL; k++) {
			n = strlen(c->edits[k] + 1);
			if (c->edits[k][0] != ' ' && c->edits[k][0] != sign)
				continue;
			rest = strncmp(rest, c->edits[k] + 1, n) == 0 ? rest + n
								      : NULL;
		}
		if (rest != NULL && *rest == '\0')
			return true;
	}
	return false;
}

/* "~ The [-cat-]{+dog+} sat": as wdiff(1), and in colour. */
static void
put_changes(FILE *to, bool colour, const struct event *e)
{
	const struct event_change *c;

	for (size_t i = 0; i < e->nchanges; i++) {
		c = &e->changes[i];
		render_text(to, colour, PAINT_WARN, SPAN("    ~ "));
		for (size_t k = 0; k < c->nedits; k++) {
			char kind = c->edits[k][0];

			if (kind != ' ' && !colour)
				fputs(kind == '-' ? "[-" : "{+", to);
			render_text(to, colour,
			    kind == '-'	      ? PAINT_BAD
				: kind == '+' ? PAINT_GOOD
					      : PAINT_NONE,
			    span_of(c->edits[k] + 1));
			if (kind != ' ' && !colour)
				fputs(kind == '-' ? "-]" : "+}", to);
		}
		fputc('\n', to);
	}
}

static void
put_blocks(FILE *to, bool colour, const struct event *e)
{
	for (size_t i = 0; i < e->nremoved; i++)
		if (!is_changed(e, '-', e->removed[i]))
			put_lines(to, colour, PAINT_BAD, '-', &e->removed[i], 1,
			    EVENT_NONE);
	put_lines(to, colour, PAINT_BAD, '-', NULL, 0,
	    e->removed_count - (int64_t)e->nremoved);
	for (size_t i = 0; i < e->nadded; i++)
		if (!is_changed(e, '+', e->added[i]))
			put_lines(to, colour, PAINT_GOOD, '+', &e->added[i], 1,
			    EVENT_NONE);
	put_lines(to, colour, PAINT_GOOD, '+', NULL, 0,
	    e->added_count - (int64_t)e->nadded);
}

void
event_print(FILE *to, bool colour, const struct event *e)
{
	char text[INSTANT_TEXT_MAX];
	struct span when;
	bool hashes = e->type == EVENT_CONTENT_CHANGED;

	when = span_of(instant_text(e->time, text));
	render_text(to, colour, PAINT_DIM, span_slice(when, 0, 10));
	fputc(' ', to);
	render_text(to, colour, PAINT_DIM, span_slice(when, 11, 8));
	fputs("  ", to);
	render_text(to, colour, event_paint(e->type),
	    span_of(event_type_name(e->type)));
	fputs("  ", to);
	render_text(to, colour, PAINT_STRONG,
	    span_of(e->target == NULL ? "-" : e->target));
	put_facts(to, colour, e);
	fputc('\n', to);
	put_changes(to, colour, e);
	put_blocks(to, colour, e);
	if (!hashes && e->old != NULL)
		put_lines(to, colour, PAINT_BAD, '-', (const char *[]){e->old},
		    1, EVENT_NONE);
	if (!hashes && e->new != NULL)
		put_lines(to, colour, PAINT_GOOD, '+', (const char *[]){e->new},
		    1, EVENT_NONE);
}

#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "warc.h"
#include "warc_set.h"

struct archive {
	struct archive_stream *owner;
	char *name;
	int fd;
	size_t number;		    /* in the set */
	struct warc_source *source; /* NULL: at its end */
	struct observation head;    /* the next one */
	bool has_head;
	bool started;
};

struct archive_stream {
	struct warc_set *set;
	struct crew *crew;
	struct joiner *joiner;
	struct replay_counts *counts;
	replay_note *note;
	void *arg;
	struct archive *list;
	size_t n;
	size_t cap;
	uint64_t position; /* of the files that are done */
	bool finished;
};

struct archive_stream *
archive_stream_new(const struct config *config, bool all_hosts,
    struct crew *crew, struct replay_counts *counts, replay_note *note,
    void *arg)
{
	struct archive_stream *s = xcalloc(1, sizeof *s);

	s->crew = crew;
	s->set = warc_set_new();
	warc_set_crew(s->set, crew);
	s->joiner = joiner_new(config, all_hosts, counts);
	s->counts = counts;
	s->note = note;
	s->arg = arg;
	return s;
}

static void
archive_close(struct archive *a)
{
	if (a->source != NULL) {
		a->owner->position += warc_source_position(a->source);
		a->owner->counts->records += warc_source_records(a->source);
		warc_source_free(a->source);
	}
	a->source = NULL;
	observation_release(&a->head);
	a->has_head = false;
}

void
archive_stream_free(struct archive_stream *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		archive_close(&s->list[i]);
		free(s->list[i].name);
	}
	free(s->list);
	joiner_free(s->joiner);
	warc_set_free(s->set);
	free(s);
}

bool
archive_stream_add(struct archive_stream *s, const char *name, int fd)
{
	struct archive *a;

	s->list = xgrow(s->list, &s->cap, s->n + 1, sizeof *s->list);
	a = &s->list[s->n++];
	memset(a, 0, sizeof *a);
	a->owner = s;
	a->name = xstrdup(name);
	a->fd = fd;
	a->number = warc_set_add(s->set, name, fd);
	s->counts->files++;
	return true;
}

static void
on_note(void *arg, uint64_t offset, const char *text)
{
	struct archive *a = arg;
	char *line =
	    xasprintf("at byte %llu: %s", (unsigned long long)offset, text);

	a->owner->note(a->name, line, a->owner->arg);
	free(line);
}

static bool
is_own(const struct observation *o)
{
	return o->target != NULL && o->target[0] != '\0';
}

static void
fill(struct archive *a)
{
	if (a->has_head || (a->started && a->source == NULL))
		return;
	if (!a->started) {
		a->started = true;
		a->source =
		    warc_source_new(a->owner->set, a->number, on_note, a);
		if (a->owner->n <= AHEAD_FILES)
			warc_source_crew(a->source, a->owner->crew);
	}
	if (warc_source_next(a->source, &a->head) == 1) {
		a->has_head = true;
		return;
	}
	if (warc_source_damage(a->source) > 0)
		a->owner->counts->damaged++;
	archive_close(a);
}

/* Looks of one run overlap by no more than this. */
#define OVERLAP_MS 3600000

/* Our own recordings of one run are in the order in which the store took
 * them, which the ids tell; everything else is in the order of time. */
static bool
comes_before(const struct observation *a, const struct observation *b)
{
	if (is_own(a) && is_own(b) && strcmp(a->vantage, b->vantage) == 0 &&
	    llabs(a->time - b->time) < OVERLAP_MS)
		return a->id < b->id;
	return a->time < b->time;
}

static struct archive *
earliest(struct archive_stream *s)
{
	struct archive *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct archive *a = &s->list[i];

		fill(a);
		if (a->has_head &&
		    (best == NULL || comes_before(&a->head, &best->head)))
			best = a;
	}
	return best;
}

bool
archive_stream_next(struct archive_stream *s, struct observation *o)
{
	struct archive *a;

	for (;;) {
		if (joiner_next(s->joiner, o))
			return true;
		if (s->finished)
			return false;
		a = earliest(s);
		if (a == NULL) {
			joiner_finish(s->joiner);
			s->finished = true;
			continue;
		}
		s->counts->exchanges++;
		a->has_head = false;
		if (!is_own(&a->head)) {
			joiner_add(s->joiner, &a->head);
			continue;
		}
		*o = a->head;
		observation_init(&a->head);
		s->counts->observations++;
		if (observation_last(o)->failure != FAILURE_NONE)
			s->counts->failures++;
		return true;
	}
}

uint64_t
archive_stream_position(const struct archive_stream *s)
{
	uint64_t position = s->position;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].source != NULL)
			position += warc_source_position(s->list[i].source);
	return position;
}

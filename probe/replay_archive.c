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
	/* Of many archives most rest: closed but for what tells when their
	 * next observation is, which is read again then. */
	bool resting;
	struct warc_mark mark; /* before the next observation */
	bool marked;
	size_t said; /* notes since the mark */
	size_t mute; /* of them those that are said again */
	bool damaged;
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
	size_t awake;	   /* archives that are open */
	size_t head_bytes; /* bodies of their next observations */
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

static size_t
head_size(const struct archive *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->head.nhops; i++)
		n += a->head.hops[i].body.len;
	return n;
}

static void
forget_head(struct archive *a)
{
	a->owner->head_bytes -= head_size(a);
	observation_release(&a->head);
}

static void
archive_close(struct archive *a)
{
	if (a->source != NULL) {
		a->owner->awake--;
		a->owner->position += warc_source_position(a->source);
		a->owner->counts->records += warc_source_records(a->source);
		warc_source_free(a->source);
	}
	a->source = NULL;
	forget_head(a);
	a->has_head = a->resting = false;
	warc_mark_release(&a->mark);
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
	char *line;

	if (a->mute > 0) {
		a->mute--;
		return;
	}
	a->said++;
	line = xasprintf("at byte %llu: %s", (unsigned long long)offset, text);

	a->owner->note(a->name, line, a->owner->arg);
	free(line);
}

static bool
is_own(const struct observation *o)
{
	return o->target != NULL && o->target[0] != '\0';
}

static void
archive_open(struct archive *a)
{
	a->source = warc_source_new(a->owner->set, a->number, on_note, a);
	a->owner->awake++;
}

/* False: there is none, and the archive is closed. */
static bool
read_head(struct archive *a)
{
	if (warc_source_next(a->source, &a->head) == 1) {
		a->owner->head_bytes += head_size(a);
		return true;
	}
	if (a->damaged || warc_source_damage(a->source) > 0)
		a->owner->counts->damaged++;
	archive_close(a);
	return false;
}

static void
fill(struct archive *a)
{
	if (a->has_head || (a->started && a->source == NULL))
		return;
	if (!a->started) {
		a->started = true;
		archive_open(a);
		if (a->owner->n <= AHEAD_FILES)
			warc_source_crew(a->source, a->owner->crew);
	}
	a->said = 0;
	a->marked = a->owner->n > REPLAY_AWAKE_MAX &&
	    warc_source_mark(a->source, &a->mark);
	a->has_head = read_head(a);
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

/* Closes it but for what comes_before() asks for. */
static void
rest(struct archive *a)
{
	struct observation key;

	observation_init(&key);
	key.id = a->head.id;
	key.time = a->head.time;
	key.vantage = xstrdup(a->head.vantage);
	key.target = xstrdup(a->head.target);
	forget_head(a);
	a->head = key;
	a->damaged = a->damaged || warc_source_damage(a->source) > 0;
	warc_source_free(a->source);
	a->source = NULL;
	a->owner->awake--;
	a->resting = true;
}

/* Reads the head again.  False: the file is not what it was. */
static bool
wake(struct archive *a)
{
	int64_t time = a->head.time;
	bool damaged = a->damaged;

	forget_head(a);
	a->resting = false;
	archive_open(a);
	warc_source_begin_at(a->source, &a->mark);
	a->mute = a->said;
	a->damaged = true; /* should it end here */
	a->has_head = read_head(a);
	a->damaged = damaged;
	if (a->has_head && a->head.time == time)
		return true;
	a->owner->note(a->name, "changed while it was read", a->owner->arg);
	if (a->source != NULL) {
		archive_close(a);
		a->owner->counts->damaged++;
	}
	return false;
}

/* Those whose turn comes last. */
static void
rest_some(struct archive_stream *s)
{
	while (s->awake > REPLAY_AWAKE_MAX ||
	    (s->head_bytes > REPLAY_HEADS_MAX && s->awake > 1)) {
		struct archive *last = NULL;

		for (size_t i = 0; i < s->n; i++) {
			struct archive *a = &s->list[i];

			if (a->source != NULL && a->has_head && a->marked &&
			    (last == NULL ||
				comes_before(&last->head, &a->head)))
				last = a;
		}
		if (last == NULL)
			return;
		rest(last);
	}
}

static struct archive *
earliest(struct archive_stream *s)
{
	struct archive *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct archive *a = &s->list[i];

		fill(a);
		if (s->n > REPLAY_AWAKE_MAX)
			rest_some(s);
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
		if (a->resting && !wake(a))
			continue;
		s->counts->exchanges++;
		a->has_head = false;
		s->head_bytes -= head_size(a);
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
